"""Tasks of an inspection, each done in the viewer by mouse and keyboard, and counted."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image as Picture
from rasterio.crs import CRS
from rasterio.warp import transform
from viewer_page import WHERE, View, at, click, colour_at, last

import stsf
from stsf.errors import InputError
from stsf.lab.viewer.facts import lonlat
from stsf.lab.viewer.layers import of_scene
from stsf.scene import KINDS, Scene

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A part of the sample with a village, a harvested field and a flood."""
    return stsf.load_sample().crop(slice(0, 24), slice(24, 60))


@pytest.fixture(scope="module")
def fused(scene) -> SimpleNamespace:
    """The truth with errors of its own, and a standard error that is larger where they are."""
    rng = np.random.default_rng(5)
    error = rng.normal(0, 0.004, scene.hrhs_t2.shape).astype(np.float32)
    error[:, 40:44, 50:54] += 0.06
    return SimpleNamespace(
        hrhs_t1=scene.hrhs_t1, hrhs_t2=scene.hrhs_t2 + error, sigma_t2=np.abs(error) + 0.001
    )


@pytest.fixture(scope="module")
def layer(scene) -> np.ndarray:
    """A map of one's own."""
    y, x = np.mgrid[: scene.size[0], : scene.size[1]]
    return (10.0 * y + x).astype(np.float32)


@pytest.fixture(scope="module")
def page(scene, fused, layer, open_page, tmp_path_factory) -> View:
    outlines = tmp_path_factory.mktemp("outlines") / "field.geojson"
    outlines.write_text(json.dumps(square(scene, (10, 20), (20, 40))), encoding="utf-8")
    viewer = stsf.explore(scene, fused, layers={"slope": layer}, outlines=outlines)
    return open_page(viewer.save_html(outlines.with_name("tasks.html")))


@pytest.fixture
def hand(page, request) -> "Hand":
    """A page as it opens."""
    page.evaluate("viewer.clear(); viewer.reset(); viewer.state.line = null")
    for i, key in enumerate(("hrms_t1", "hrms_t2", "hrhs_t2", "change")):
        page.select_option(f"#source{i}", key)
    page.evaluate("viewer.band(850)")
    page.select_option("#preset", "true colour")
    page.select_option("#swipe", "")
    page.click("[data-mode=pan]")
    page.click("[data-tab=pins]")
    found = Hand(page)
    yield found
    print(f"\n{request.node.name}: {found.actions} actions")


class Hand:
    """Does on a page what a user does, and counts it."""

    def __init__(self, page: View) -> None:
        self.page, self.actions = page, 0

    def pin(self, y: float, x: float) -> dict[str, Any]:
        self.actions += 1
        return click(self.page, y, x)

    def drag(self, *places: tuple[float, float], on: str = "pane0") -> None:
        where = [self.page.evaluate(WHERE, [on, *place]) for place in places]
        self.page.mouse.move(*where[0])
        self.page.mouse.down()
        for place in where[1:]:
            self.page.mouse.move(*place, steps=4)
        self._do(self.page.mouse.up)

    def click(self, selector: str) -> None:
        self._do(lambda: self.page.click(selector))

    def choose(self, selector: str, value: str) -> None:
        self._do(lambda: self.page.select_option(selector, value))

    def type(self, selector: str, words: str) -> None:
        self._do(lambda: self.page.fill(selector, words))

    def key(self, name: str) -> None:
        self._do(lambda: self.page.keyboard.press(name))

    def saved(self, selector: str) -> bytes:
        with self.page.expect_download() as download:
            self.click(selector)
        return download.value.path().read_bytes()

    def said(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def _do(self, act: Callable[[], Any]) -> None:
        self.actions += 1
        act()
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))"
        )


TIMED = """async (act) => {
  const began = performance.now();
  eval(act);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""


def square(scene: Scene, first: tuple[int, int], last_: tuple[int, int]) -> dict[str, Any]:
    """GeoJSON of a rectangle of whole pixels, corners in longitude and latitude."""
    (top, left), (low, right) = first, last_
    corners = [(left, top), (left, low), (right, low), (right, top), (left, top)]
    east, north = zip(*(scene.transform @ corner for corner in corners))
    ring = list(zip(*transform(scene.crs, "OGC:CRS84", east, north)))
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"name": "field"}, "geometry": geometry}
    return {"type": "FeatureCollection", "features": [feature]}


def nearest(scene: Scene, nm: float) -> int:
    return int(np.abs(scene.hs.centre - nm).argmin())


def test_what_happened_here(hand, scene) -> None:
    y, x = np.argwhere(scene.change == KINDS.index("harvest"))[40]
    hand.pin(int(y), int(x))
    assert "harvest" in hand.said("#rows") and "°" in hand.said("#rows")
    assert hand.actions == 1


def test_what_the_ms_saw_and_how_sure_the_rest_is(hand, scene, fused) -> None:
    hand.pin(30, 30)
    band = nearest(scene, 1650)
    value = fused.hrhs_t2[band, 30, 30]
    hand.page.mouse.move(*hand.page.evaluate(WHERE, ["chart-t2", float(value), 1650]))
    hand.page.wait_for_function("document.getElementById('pointer').textContent.includes('X̂2')")
    said = hand.said("#pointer")
    assert said.startswith(f"{scene.hs.centre[band]:.0f} nm: {value:.4f}"[:12])
    assert f"± {1.645 * fused.sigma_t2[band, 30, 30]:.3f}"[:6] in said
    assert "X2 is inferred" in hand.said("#legend") and hand.actions == 1


def test_three_pins_and_a_region_as_a_table(hand, scene) -> None:
    for y in (5, 20, 60):
        hand.pin(y, 8)
    hand.click("[data-mode=box]")
    hand.drag((40, 10), (50, 30))
    table = hand.saved("#csv").decode()
    assert {row.split(",")[2] for row in table.splitlines()[1:]} == {
        "pin 1", "pin 2", "pin 3", "region 4",
    }  # fmt: skip
    assert hand.actions == 6


def test_where_the_largest_errors_are(hand, scene) -> None:
    hand.click("[data-tab=change]")
    hand.click("[data-next=error]")
    first = last(hand.page)["centre"]
    assert 40 <= first[0] < 44 and 50 <= first[1] < 54
    hand.click("[data-next=error]")
    second = last(hand.page)["centre"]
    assert np.hypot(second[0] - first[0], second[1] - first[1]) >= 6
    hand.choose("#source3", "magnitude hrhs_t2 truth_t2")
    hand.page.mouse.move(*at(hand.page, *first, pane=3))
    hand.page.wait_for_function("document.getElementById('pointer').textContent.includes('shown')")
    assert float(hand.said("#pointer").split("shown: ")[1]) == pytest.approx(0.06, abs=0.005)
    assert hand.actions == 4


def test_a_figure_for_a_paper(hand) -> None:
    hand.pin(30, 30)
    hand.click("[data-tab=files]")
    drawn = hand.saved("#svg").decode()
    root = ElementTree.fromstring(drawn)
    words = " ".join(root.itertext())
    for said in ("fused HS, t2 (X̂2)", "662 / 558 / 490 nm", "EPSG:32633", " m", "1: pin 1", "1500"):
        assert said in words, said
    assert root.get("width") == "179.92mm"
    picture = Picture.open(io.BytesIO(hand.saved("#png")))
    assert picture.info["dpi"][0] == pytest.approx(300, abs=0.1)
    assert picture.width == pytest.approx(180 / 25.4 * 300, abs=2)
    assert np.asarray(picture.convert("RGB"))[2, 2].min() == 255  # light
    hand.page.uncheck("[data-part=pane0]")
    fewer = hand.page.evaluate("viewer.print.svg()")
    assert fewer["body"].count("<image ") == drawn.count("<image ") - 1
    hand.page.check("[data-part=pane0]")
    assert hand.actions == 4


def test_one_narrow_band_an_index_and_a_ratio(hand, scene, fused) -> None:
    hand.type("#nm-number", "2205")
    hand.key("Enter")
    band = nearest(scene, 2205)
    assert hand.said("#caption2").startswith(f"{scene.hs.centre[band]:.0f} nm")
    hand.click("[data-tab=index]")
    hand.choose("#source3", "index hrhs_t1 hrhs_t2")
    red, nir = nearest(scene, 665), nearest(scene, 842)

    def ndvi(cube: np.ndarray) -> np.ndarray:
        return (cube[nir] - cube[red]) / (cube[nir] + cube[red])

    shown = hand.page.evaluate("[...viewer.pictures[3].values]")
    want = ndvi(fused.hrhs_t2) - ndvi(fused.hrhs_t1)
    np.testing.assert_allclose(np.reshape(shown, scene.size), want, atol=0.1)
    hand.type("#formula", "R1550:1750 / R2100:2280")
    inside = [
        (scene.hs.centre >= a) & (scene.hs.centre <= b) for a, b in ((1550, 1750), (2100, 2280))
    ]
    hand.choose("#source3", "index hrhs_t2")
    means = [fused.hrhs_t2[mask].mean(axis=0) for mask in inside]
    bright = means[1] > 0.03  # a ratio of two values near zero is nothing but noise
    shown = np.reshape(hand.page.evaluate("[...viewer.pictures[3].values]"), scene.size)
    np.testing.assert_allclose(shown[bright], (means[0] / means[1])[bright], rtol=0.02)
    hand.type("#formula", "(R842 -")
    assert "expected a band" in hand.said("#formula-said")
    hand.choose("#indices", "NDVI (green leaves)")
    hand.click("[data-tab=pins]")
    hand.pin(30, 30)
    said = [float(v) for v in hand.said("#rows .index").split(" → ")]
    np.testing.assert_allclose(
        said, [ndvi(fused.hrhs_t1)[30, 30], ndvi(fused.hrhs_t2)[30, 30]], atol=0.01
    )


def test_a_profile_along_a_line(hand, scene) -> None:
    hand.click("[data-mode=line]")
    hand.drag((10, 10), (10, 40), (10, 70))
    hand.choose("#along", "band")
    found = hand.page.evaluate("[...viewer.tools.profiles.hrms_t2]")
    nm = hand.page.evaluate("viewer.state.nm")
    band = int(np.abs(scene.ms.centre - nm).argmin())
    assert nm == 850
    np.testing.assert_allclose(found, scene.hrms_t2[band, 10, 10:71], atol=1e-4)
    drawn = hand.page.evaluate("viewer.documents.get_model_by_name('profile').data.xs[0]")
    assert drawn[-1] == pytest.approx(60 * scene.transform.a)  # metres
    assert hand.actions <= 3


def test_a_brush_in_the_scatter_lights_up_its_pixels(hand, scene) -> None:
    hand.click("[data-tab=scatter]")
    hand.choose("#scatter-of", "hrms_t2")
    red, nir = (scene.hrms_t2[int(np.abs(scene.ms.centre - nm).argmin())] for nm in (665, 842))
    low, high = np.quantile(nir, (0.6, 0.9))
    left, right = np.quantile(red, (0.1, 0.7))
    hand.drag((high, left), (low, right), on="chart-scatter")
    hand.page.wait_for_function("viewer.data.look.brushed")
    inside = (red > left) & (red < right) & (nir > low) & (nir < high)
    count = int(hand.said("#brushed").split()[1])
    assert count == pytest.approx(inside.sum(), rel=0.08)
    lit = np.reshape(hand.page.evaluate("[...viewer.data.look.brushed]"), scene.size)
    y, x = (int(v) for v in np.argwhere(lit)[count // 2])
    assert colour_at(hand.page, y, x, 1).tolist() == [255, 0, 255]
    hand.click("#unbrush")
    assert hand.page.evaluate("viewer.data.look.brushed") is None
    assert hand.actions == 4


def test_blink_between_the_dates(hand, scene) -> None:
    y, x = (int(v) for v in np.argwhere(scene.change == KINDS.index("harvest"))[40])
    m1, m2 = colour_at(hand.page, y, x, 0), colour_at(hand.page, y, x, 1)
    hand.key("b")
    hand.key("b")
    assert colour_at(hand.page, y, x, 0).tolist() == m2.tolist() != m1.tolist()
    hand.key("b")
    assert colour_at(hand.page, y, x, 0).tolist() == m1.tolist()
    hand.click("#play")
    seen = {hand.page.evaluate("viewer.state.swipe.share")}
    hand.page.page.wait_for_timeout(1000)
    seen.add(hand.page.evaluate("viewer.state.swipe.share"))
    hand.click("#play")
    assert seen == {0, 1}


def test_a_map_of_ones_own_and_outlines(hand, layer, scene) -> None:
    hand.choose("#source3", "layer 0")
    hand.page.mouse.move(*at(hand.page, 20, 30, pane=3))
    hand.page.wait_for_function("document.getElementById('pointer').textContent.includes('shown')")
    assert float(hand.said("#pointer").split("shown: ")[1]) == layer[20, 30]
    hand.click("[data-tab=files]")
    hand.click("#outlines-regions")
    item = last(hand.page)
    assert item["pixels"] == 10 * 20 and sorted(item["indices"])[0] == 10 * scene.size[1] + 20
    saved = json.loads(hand.saved("#geojson-save"))
    ring = np.array(saved["features"][0]["geometry"]["coordinates"][0])
    want = np.array(square(scene, (10, 20), (20, 40))["features"][0]["geometry"]["coordinates"][0])
    np.testing.assert_allclose(sorted(map(tuple, ring)), sorted(map(tuple, want)), atol=2e-7)


def test_pins_as_a_library_to_match_against(hand, tmp_path) -> None:
    hand.pin(30, 30)
    hand.pin(10, 60)
    hand.click("[data-tab=files]")
    table = tmp_path / "library.csv"
    table.write_bytes(hand.saved("#library-save"))
    with hand.page.expect_download(
        predicate=lambda d: d.suggested_filename.endswith("sli")
    ) as values:
        hand.click("#library-envi")
    assert len(values.value.path().read_bytes()) == 4 * 4 * 114
    hand.page.set_input_files("#library-load", table)
    hand.page.wait_for_function("document.getElementById('library-said').textContent")
    assert hand.said("#library-said") == "4 spectra, 114 wavelengths"
    hand.click("[data-tab=pins]")
    first = hand.page.eval_on_selector_all("#matches li", "items => items[0].textContent")
    assert first.startswith("pin 2 t1") and first.endswith("0.0°")
    hand.page.set_input_files("#library-load", {"name": "a.csv", "mimeType": "", "buffer": b"x"})
    hand.click("[data-tab=files]")
    hand.page.wait_for_function("document.getElementById('files-said').className === 'wrong'")
    assert "expected a table" in hand.said("#files-said")


def test_a_view_comes_back(hand, tmp_path) -> None:
    hand.pin(30, 30)
    hand.click("[data-mode=box]")
    hand.drag((40, 10), (50, 30))
    hand.choose("#preset", "SWIR")
    hand.click("[data-tab=files]")
    file = tmp_path / "view.json"
    file.write_bytes(hand.saved("#view-save"))
    want = json.loads(file.read_text("utf-8"))
    hand.page.evaluate("viewer.clear(); viewer.reset()")
    hand.choose("#preset", "true colour")
    hand.page.set_input_files("#view-load", file)
    hand.page.wait_for_function("viewer.items.length === 2")
    assert json.loads(hand.page.evaluate("JSON.stringify(viewer.exchange.view())")) == want
    other = json.dumps(want | {"size": [3, 3]}).encode()
    hand.page.set_input_files("#view-load", {"name": "b.json", "mimeType": "", "buffer": other})
    hand.page.wait_for_function("document.getElementById('files-said').className === 'wrong'")


def test_all_of_it_by_the_keyboard(hand, scene) -> None:
    hand.page.evaluate("document.activeElement.blur()")
    hand.key("Enter")
    middle = last(hand.page)["centre"]
    hand.key("ArrowDown")
    hand.key("Shift+ArrowRight")
    moved = last(hand.page)
    assert moved["centre"] == [middle[0] + 1, middle[1] + 10]
    at_ = moved["centre"]
    np.testing.assert_allclose(
        moved["spectra"]["hrms_t2"]["mean"], scene.hrms_t2[:, at_[0], at_[1]], atol=1e-4
    )
    before = hand.page.evaluate("viewer.state.nm")
    hand.key(".")
    assert hand.page.evaluate("viewer.state.nm") > before
    hand.key("x")
    assert hand.page.evaluate("viewer.state.mode") == "box"
    hand.key("Delete")
    assert hand.page.evaluate("viewer.items.length") == 0
    unnamed = hand.page.evaluate("""() => [...document.querySelectorAll("button, input, select")]
        .filter((e) => !(e.getAttribute("aria-label") || e.title || e.textContent.trim()
            || e.closest("label")?.textContent.trim())).map((e) => e.outerHTML)""")
    assert unnamed == []


def test_a_click_on_a_spectrum_shows_its_band(hand, scene) -> None:
    hand.page.mouse.click(*hand.page.evaluate(WHERE, ["chart-t1", 0.2, 1650]))
    hand.page.wait_for_function("viewer.state.preset === 'single band'")
    band = nearest(scene, 1650)
    assert hand.page.input_value("#nm-number") == f"{scene.hs.centre[band]:.0f}"
    mark = "viewer.documents.get_model_by_name('t2-mark0')"
    assert hand.page.evaluate(f"[{mark}.visible, {mark}.location]") == [
        True, round(scene.hs.centre[band]),
    ]  # fmt: skip


def test_a_pin_is_hidden_and_comes_back(hand) -> None:
    hand.pin(30, 30)
    hand.page.mouse.move(5, 5)
    hand.page.wait_for_function("!viewer.live")
    lines = "viewer.curves.last.t2.lines.ys.length"
    before = hand.page.evaluate(lines)
    hand.click("#rows .chip")
    assert hand.page.evaluate(lines) == 0 and before > 0
    hand.click("#rows .chip")
    assert hand.page.evaluate(lines) == before


def test_more_than_eight_pins_have_colours_of_their_own(hand) -> None:
    for k in range(12):
        hand.page.evaluate(f"viewer.place(10, {4 * k})")
    assert len(set(hand.page.evaluate("viewer.items.map((i) => i.colour)"))) == 12


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (390, 800)])
def test_the_page_fits_its_window(page, size) -> None:
    page.page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_function(f"Math.abs(innerWidth - {size[0]}) < 20")
    page.page.wait_for_timeout(300)
    wide, high = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert wide <= size[0]
    if size[0] > 1000:
        assert high <= size[1]
        right = page.evaluate("viewer.views['chart-t1'].el.getBoundingClientRect().right")
        assert right > 0.95 * size[0]  # nothing empty beside the charts
    page.page.set_viewport_size({"width": 1500, "height": 1400})


def test_a_layer_of_another_size_is_refused(scene, tmp_path) -> None:
    with pytest.raises(InputError, match="the layer 'slope' must have 72 × 108 pixels"):
        stsf.explore(scene, layers={"slope": np.zeros((3, 4))})
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=4, height=3, count=1, dtype="float32",
        transform=Affine.identity(),
    ) as file:  # fmt: skip
        file.write(np.zeros((1, 3, 4), np.float32))
    with pytest.raises(InputError, match="warp it"):
        stsf.explore(scene, layers={"slope": tmp_path / "a.tif"})
    with pytest.raises(InputError, match="GeoJSON"):
        stsf.explore(scene, outlines=tmp_path / "a.tif")


def test_metres_that_a_file_calls_degrees_have_no_longitude(scene) -> None:
    wrong = replace(scene, crs=CRS.from_epsg(4326))
    assert lonlat(of_scene(wrong)) is None
    assert lonlat(of_scene(scene)) is not None


def test_how_quick_it_is(hand, capsys) -> None:
    """Prints medians of 20, milliseconds from the event to the next frame: no limit is set here."""
    took: dict[str, list[float]] = {"click": [], "band": [], "pan": []}
    for k in range(20):
        hand.pin(4 + 3 * k, 50)
        hand.page.wait_for_function("viewer.drawn !== null")
        took["click"].append(hand.page.evaluate("viewer.drawn"))
        hand.page.evaluate("viewer.drawn = null")
        took["band"].append(hand.page.evaluate(TIMED, f"viewer.band({500 + 80 * k})"))
        move = f"viewer.ranges[0].setv({{ start: {k}, end: {100 + k} }})"
        took["pan"].append(hand.page.evaluate(TIMED, move))
    assert hand.page.evaluate("viewer.items.length") == 20
    with capsys.disabled():
        print("\n" + ", ".join(f"{name} {np.median(ms):.0f} ms" for name, ms in took.items()))
