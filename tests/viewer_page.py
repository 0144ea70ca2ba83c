"""The viewer's page in a browser, and how a test looks at it and clicks on it."""

import io
from collections.abc import Iterator
from functools import partial
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from stsf.lab.viewer.serve import serve_page

WHERE = """([name, y, x]) => {
  const view = viewer.views[name], {left, top} = view.el.getBoundingClientRect(), {frame} = view;
  return [left + frame.x_scale.compute(x), top + frame.y_scale.compute(y)];
}"""


class View:
    """A page with the viewer in it, or in a frame of it, as a user sees it."""

    def __init__(self, page: Any, frame: Any = None) -> None:
        self.page, self.frame = page, frame or page.main_frame
        self.mouse, self.keyboard, self.screenshot = page.mouse, page.keyboard, page.screenshot
        self.expect_download, self.close = page.expect_download, page.close

    def __getattr__(self, name: str) -> Any:
        return getattr(self.frame, name)

    def corner(self) -> tuple[float, float]:
        """Where the viewer begins on the screen."""
        if self.frame is self.page.main_frame:
            return 0.0, 0.0
        box = self.frame.frame_element().bounding_box()
        return box["x"], box["y"]


@pytest.fixture(scope="module")
def new_page(browser) -> Iterator:
    """`new_page()` reaches this machine only; an error, or asking anybody else, fails the test."""
    context = browser.new_context(viewport={"width": 1500, "height": 1400})
    asked: list[str] = []
    errors: list[str] = []
    context.route(
        lambda url: url.startswith("http") and not url.startswith("http://127.0.0.1"),
        lambda route: (asked.append(route.request.url), route.abort()),
    )

    def open_(address: str, quiet: bool = True):
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        if quiet:
            page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(address)
        return page

    yield open_
    context.close()
    assert errors == [] and asked == []


def ready(frame: Any) -> None:
    frame.wait_for_function("document.body.dataset.ready || document.body.dataset.failed")
    assert frame.evaluate("document.body.dataset.failed") is None


@pytest.fixture(scope="module")
def open_page(new_page) -> Any:
    """`open_page(path)` opens a saved page."""

    def open_(path):
        view = View(new_page(path.as_uri()))
        ready(view)
        return view

    return open_


@pytest.fixture(scope="module")
def serve(new_page) -> Iterator:
    """`serve(viewer)` opens a viewer as the command does, served by this process."""

    def open_(viewer):
        address: Queue[str] = Queue()
        listening = partial(serve_page, viewer.page("http"), viewer.answer, address.put)
        Thread(target=partial(listening, browser=False), daemon=True).start()
        view = View(new_page(address.get(timeout=20)))
        ready(view)
        return view

    yield open_


def at(page, y: float, x: float, pane: int = 0) -> tuple[float, float]:
    """Where on the screen a pixel of a pane lies."""
    place = page.evaluate(WHERE, [f"pane{pane}", y, x])
    return tuple(float(a + b) for a, b in zip(page.corner(), place))


def click(page, y: float, x: float, pane: int = 0) -> dict[str, Any]:
    """Drop a pin and return it."""
    before = page.evaluate("viewer.items.length")
    page.mouse.click(*at(page, y, x, pane))
    page.wait_for_function(f"viewer.items.length === {before + 1}")
    return last(page)


def last(page) -> dict[str, Any]:
    """The last item: numbers as lists, JavaScript's NaN as None."""
    return page.evaluate("""() => {
      const item = viewer.items.at(-1), plain = {};
      for (const [key, s] of Object.entries(item.spectra))
        plain[key] = {mean: [...s.mean], spread: [...s.spread], count: s.count};
      return {kind: item.kind, centre: item.centre, indices: item.indices,
              pixels: item.pixels, colour: item.colour, number: item.number, spectra: plain};
    }""")


def colour_at(page, y: float, x: float, pane: int) -> np.ndarray:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
    left, top = at(page, y, x, pane)
    clip = {"x": left - 1, "y": top - 1, "width": 3, "height": 3}
    shot = Picture.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    return np.asarray(shot)[1, 1].astype(int)


def check_spectra(item, expected, max_error) -> None:
    for key, (mean, spread, count) in expected.items():
        got = item["spectra"][key]
        assert got["count"] == count, key
        if count:
            np.testing.assert_allclose(got["mean"], mean, atol=max_error + 6e-5, err_msg=key)
            np.testing.assert_allclose(got["spread"], spread, atol=2 * max_error + 1e-4)


def drag(page, *corners: tuple[float, float]) -> dict[str, Any]:
    """Draw a region and return it; again where the machine was so slow that it became a press."""
    before = page.evaluate("viewer.items.length")
    for _ in range(5):
        page.mouse.move(*at(page, *corners[0]))
        page.mouse.down()
        for corner in corners[1:]:
            page.mouse.move(*at(page, *corner), steps=5)
        page.mouse.up()
        for _ in range(20):
            if page.evaluate("viewer.items.length") > before:
                item = last(page)
                assert item["kind"] == "region"
                return item
            page.page.wait_for_timeout(50)
    raise AssertionError("no region was drawn")
