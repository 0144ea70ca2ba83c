"""The viewer in a cell of JupyterLab: real clicks at two window sizes, and how long they take."""

import numpy as np
import pytest
from test_browser_network import lab as lab
from test_viewer_tasks import TIMED
from viewer_page import View, click, ready

import stsf

EXPLORED = """
import stsf
scene = stsf.load_sample()
stsf.explore(scene, stsf.fuse(scene, method="projection"))
"""

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)], ids=str)
def test_clicks_in_a_cell(lab, size, tmp_path, capsys) -> None:
    """Prints medians of 20, milliseconds from the event to the next frame: no limit is set here."""
    page = lab(f"viewer-{size[0]}", [EXPLORED])
    page.set_viewport_size({"width": size[0], "height": size[1]})
    iframe = page.wait_for_selector("iframe.stsf-viewer")
    iframe.scroll_into_view_if_needed()
    shown = View(page, iframe.content_frame())
    ready(shown)
    page.wait_for_timeout(1000)  # the room fits itself to the window
    took: dict[str, list[float]] = {"click": [], "band": [], "pan": []}
    for k in range(20):
        shown.evaluate("viewer.drawn = null")
        pin = click(shown, 20 + 7 * k, 30 + 5 * k)
        assert pin["centre"] == [20 + 7 * k, 30 + 5 * k]
        shown.wait_for_function("viewer.drawn !== null")
        took["click"].append(shown.evaluate("viewer.drawn"))
        page.wait_for_timeout(500)  # looked at; two clicks at once would be a double click
        took["band"].append(shown.evaluate(TIMED, f"viewer.band({500 + 80 * k})"))
        move = f"viewer.ranges[0].setv({{ start: {-k}, end: {200 - k} }})"
        took["pan"].append(shown.evaluate(TIMED, move))
        shown.evaluate("viewer.reset()")
    page.screenshot(path=str(tmp_path / "lab.png"))
    spectrum = shown.evaluate("Array.from(viewer.items[3].spectra.truth_t1.mean)")
    truth = stsf.load_sample().hrhs_t1[:, 41, 45]
    np.testing.assert_allclose(np.array(spectrum, float), truth, atol=0.002)
    said = ", ".join(f"{name} {np.median(ms):.0f} ms" for name, ms in took.items())
    with capsys.disabled():
        print(f"\nJupyterLab, {size[0]} x {size[1]}, medians of 20: {said}; {tmp_path / 'lab.png'}")
