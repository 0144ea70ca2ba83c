"""The viewer in a real browser, with the network blocked: what it draws and what it says."""

import ast
import csv
import re
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Picture
from viewer_page import (
    View,
    at,
    check_spectra,
    click,
    colour_at,
    drag,
    last,
    ready,
)

import stsf
from stsf import inspection
from stsf.cli import explore as explore_command
from stsf.errors import InputError
from stsf.files.datasets import load_sample
from stsf.files.raster import write_image
from stsf.files.scenes import image_of, write_scene
from stsf.inspection import polygon_pixels, window_pixels
from stsf.lab.viewer.facts import covered_ranges, explained_ranges
from stsf.lab.viewer.layers import of_scene
from stsf.metrics.figures import sam_map
from stsf.plots.colour import CHANGE_COLOUR, rgb, stretch_limits
from stsf.scene import KINDS, Scene
from stsf.sensing.subspace import band_quality


def scene_with_a_hole() -> Scene:
    """48 x 60 pixels of the sample; the MS has no data in a block, nor has one pixel of Y1."""
    scene = load_sample().crop(slice(20, 36), slice(14, 34))
    fine, coarse = np.ones(scene.size, bool), np.ones(scene.lrhs_t1.shape[1:], bool)
    fine[20:26, 30:38] = False
    coarse[10, 3] = False
    return replace(scene, valid_hr=fine, valid_lr=coarse, name="hole")


def cubes_of(scene: Scene, fused: Any) -> dict[str, np.ndarray]:
    layers = of_scene(scene, fused)
    return {key: layers.read(key) for key in layers.cubes}


def fused_of(scene: Scene) -> SimpleNamespace:
    """A stand-in for a result: the truth, 3 % off, with a stated uncertainty."""
    x1, x2 = scene.hrhs_t1 * np.float32(0.97), scene.hrhs_t2 * np.float32(1.03)
    return SimpleNamespace(hrhs_t1=x1, hrhs_t2=x2, sigma_t2=0.1 * x2)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return scene_with_a_hole()


@pytest.fixture(scope="module")
def fused(scene) -> SimpleNamespace:
    return fused_of(scene)


@pytest.fixture(scope="module")
def explored(scene, fused) -> Any:
    return stsf.explore(scene, fused)


CELLS = (
    f"import sys\nsys.path[:0] = {[str(p) for p in Path(__file__).parents[:2]]!r}\n"
    "from test_viewer import fused_of, scene_with_a_hole\nimport stsf\n"
    "scene = scene_with_a_hole()\nviewer = stsf.explore(scene, fused_of(scene))\nviewer",
    "print(viewer.pins)",
)
IDLE = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN = """async (at) => {
  const panel = jupyterapp.shell.currentWidget;
  panel.content.activeCellIndex = at;
  await jupyterapp.commands.execute('notebook:run-cell');
  return panel.content.widgets[at].model.outputs.toJSON().map((o) => o.text ?? '').join('');
}"""


@pytest.fixture(scope="module")
def in_notebook(new_page, start_module_lab, tmp_path_factory) -> Any:
    """The viewer below a cell of a notebook in JupyterLab."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "look.ipynb")
    address = start_module_lab(folder).replace("/lab?", "/lab/tree/look.ipynb?")
    page = new_page(address, quiet=False)
    page.wait_for_function(IDLE, timeout=60000)
    page.evaluate(RUN, 0)
    frame = page.wait_for_selector("iframe.stsf-viewer", timeout=60000).content_frame()
    ready(frame)
    return View(page, frame)


@pytest.fixture(scope="module", params=["saved", "served", "notebook"])
def shown(request, explored, tmp_path_factory) -> View:
    """The viewer as a saved page, in the browser as `stsf explore` opens it, and in JupyterLab."""
    if request.param == "saved":
        file = explored.save_html(tmp_path_factory.mktemp("page") / "viewer.html")
        return request.getfixturevalue("open_page")(file)
    if request.param == "served":
        return request.getfixturevalue("serve")(explored)
    return request.getfixturevalue("in_notebook")


@pytest.fixture
def page(shown) -> View:
    """The page as it opens: no pins, true colour, first images."""
    shown.evaluate("viewer.clear(); viewer.reset(); viewer.curves.axes(true); viewer.leave()")
    shown.select_option("#preset", "true colour")
    shown.select_option("#stretch", "shared")
    shown.select_option("#window", "1")
    shown.select_option("#swipe", "")
    for i, key in enumerate(("hrms_t1", "hrms_t2", "hrhs_t2", "change")):
        shown.select_option(f"#source{i}", key)
    shown.click("[data-mode=pan]")
    shown.click("[data-tab=pins]")
    return shown


@pytest.mark.browser
@pytest.mark.parametrize("preset", ["true colour", "NIR"])
def test_corner_pixels_have_their_colours(page, scene, fused, preset) -> None:
    page.select_option("#preset", preset)
    page.mouse.move(5, 5)
    cubes = cubes_of(scene, fused)
    shown = [("hrms_t1", scene.ms), ("hrms_t2", scene.ms), ("hrhs_t2", scene.hs)]
    limits = stretch_limits([(cubes[key], s.centre) for key, s in shown], preset)
    height, width = scene.size
    (left, top), (right, bottom) = at(page, 0, 0), at(page, height - 1, width - 1)
    assert left < right and top < bottom  # rows run down the screen
    for pane, (key, sensor) in enumerate(shown):
        image = 255 * rgb(cubes[key], sensor.centre, preset, limits)
        for y in (0, height - 1):
            for x in (0, width - 1):
                found = colour_at(page, y, x, pane)
                assert np.abs(found - image[y, x]).max() <= 6, (key, y, x, found, image[y, x])
        assert np.abs(colour_at(page, 22, 33, pane) - 128).max() <= 1  # no data is grey


@pytest.mark.browser
def test_pins_in_the_corners_hold_the_spectra_of_the_corners(page, scene, fused, explored) -> None:
    height, width = scene.size
    corners = [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)]
    for number, (y, x) in enumerate(corners, start=1):
        item = click(page, y, x, pane=number - 1)
        assert item["centre"] == [y, x] and item["number"] == number
        pixels = window_pixels((y, x), 1, scene.size)
        check_spectra(item, of_scene(scene, fused).spectra(pixels), explored.max_error)
    colours = page.evaluate("viewer.items.map((i) => i.colour)")
    assert len(set(colours)) == 4
    drawn = page.evaluate("viewer.curves.last.t2.lines.colour")
    assert set(drawn) == set(colours)
    page.click("#rows tr:nth-child(2) .delete")
    assert page.evaluate("viewer.items.map((i) => i.number)") == [1, 3, 4]
    assert set(page.evaluate("viewer.curves.last.t2.lines.colour")) == set(colours) - {colours[1]}
    page.click("#clear")
    assert page.evaluate("viewer.items.length") == 0 and page.is_visible("#empty")


@pytest.mark.browser
def test_quick_and_slow_clicks_count_a_double_click_counts_once(page) -> None:
    where = [at(page, y, x) for y, x in ((5, 5), (9, 50), (40, 20))]
    for place in where[:2]:
        page.mouse.click(*place)  # at once one after the other
    page.wait_for_function("viewer.items.length === 2")
    page.mouse.dblclick(*where[2])
    page.mouse.move(*where[0])
    page.mouse.down()
    page.page.wait_for_timeout(500)
    page.mouse.up()
    page.wait_for_function("viewer.items.length === 4")
    page.mouse.down()
    page.page.wait_for_timeout(500)
    before = page.evaluate("viewer.ranges[0].start")
    page.mouse.move(*where[1])  # a drag that begins slowly is a drag, and no click
    page.mouse.up()
    page.wait_for_function(f"viewer.ranges[0].start !== {before}")
    centres = page.evaluate("viewer.items.map((i) => i.centre)")
    assert centres == [[5, 5], [9, 50], [40, 20], [5, 5]]
    page.click("[data-mode=box]")
    page.mouse.move(*at(page, 10, 4))
    page.mouse.down()
    page.page.wait_for_timeout(500)
    page.mouse.move(*at(page, 30, 16), steps=5)
    page.mouse.up()
    page.wait_for_function("viewer.items.at(-1).kind === 'region'")


@pytest.mark.browser
def test_the_curve_under_the_pointer_is_live_and_axes_stay(page, scene, explored, fused) -> None:
    ranges = "['t1', 't2', 'difference'].map((c) => viewer.views['chart-' + c].model.y_range.end)"
    before = page.evaluate(ranges)
    for y, x in ((3, 50), (40, 7)):
        page.mouse.move(*at(page, y, x))
        page.wait_for_function(
            f"document.getElementById('pointer').textContent.includes('y {y}, x {x}')"
        )
        text = page.inner_text("#pointer")
        assert KINDS[scene.change[y, x]] in text and "EPSG:32633" in text
        drawn = page.evaluate("viewer.curves.last.t2.lines.ys[0]")
        order = inspection.drawing_order(scene.hs)
        truth = np.where(order < 0, np.nan, fused.hrhs_t2[order, y, x])
        np.testing.assert_allclose(np.array(drawn, float), truth, atol=explored.max_error + 1e-6)
    styles = page.evaluate("viewer.curves.last.t1.lines")
    assert styles["dash"] == ["dashed", "solid", "dotted"]
    assert styles["colour"] == ["#56B4E9", "#0072B2", "#606060"]
    assert page.evaluate("viewer.curves.last.t2.points.marker") == ["square"] * 4
    assert page.evaluate(ranges) == before
    page.mouse.move(5, 5)
    page.wait_for_function("viewer.curves.last.t2.lines.ys.length === 0")


@pytest.mark.browser
def test_windows_boxes_and_lassos_are_means_of_their_pixels(page, scene, fused, explored) -> None:
    page.select_option("#window", "5")
    item = click(page, 1, 40)
    pixels = window_pixels((1, 40), 5, scene.size)
    assert len(item["indices"]) == 20
    check_spectra(item, of_scene(scene, fused).spectra(pixels), explored.max_error)
    for mode, corners in (
        ("box", [(10, 4), (30, 16)]),
        ("lasso", [(4, 20), (4, 44), (30, 50), (38, 24)]),
    ):
        page.click(f"[data-mode={mode}]")
        item = drag(page, *corners)
        outline = page.evaluate("viewer.items.at(-1).outline")
        drawn = list(zip(outline["y"][:-1], outline["x"][:-1]))
        rows, columns = polygon_pixels(drawn, scene.size)
        assert sorted(item["indices"]) == sorted((rows * scene.size[1] + columns).tolist())
        assert len(rows) == pytest.approx(240 if mode == "box" else 823, rel=0.1)
        expected = of_scene(scene, fused).spectra((rows, columns))
        check_spectra(item, expected, explored.max_error)
        assert expected["hrms_t2"][2] < len(rows) or mode == "box"  # the hole does not count


@pytest.mark.browser
def test_no_data_is_said_and_never_drawn_as_zero(page) -> None:
    item = click(page, 22, 33)
    assert item["spectra"]["hrms_t1"]["count"] == 0 and item["spectra"]["hrhs_t2"]["count"] == 0
    assert page.evaluate("viewer.curves.last.t2.lines.ys.length") == 0
    page.mouse.move(*at(page, 23, 34))
    page.wait_for_function("document.getElementById('pointer').textContent.includes('no data')")
    item = click(page, 31, 10)  # within the pixel that Y1 lacks
    assert item["spectra"]["lrhs_t1"]["count"] == 0 and item["spectra"]["hrms_t1"]["count"] == 1


@pytest.mark.browser
def test_continuum_and_difference_are_those_of_the_computation(
    page, scene, fused, explored
) -> None:
    y, x = 12, 8
    click(page, y, x)
    page.mouse.move(5, 5)
    page.wait_for_function("!viewer.live")
    order = inspection.drawing_order(scene.hs)
    curve = page.evaluate("viewer.curves.last.difference.lines.ys[0]")
    want = np.where(order < 0, np.nan, (fused.hrhs_t2 - fused.hrhs_t1)[order, y, x])
    np.testing.assert_allclose(np.array(curve, float), want, atol=2 * explored.max_error)
    page.check("#continuum")
    curve = np.array(page.evaluate("viewer.curves.last.t1.lines.ys[1]"), float)
    assert page.evaluate("viewer.views['chart-t1'].model.y_range.end") == 1.08
    page.uncheck("#continuum")
    values = np.array(page.evaluate("[...viewer.items[0].spectra.hrhs_t1.mean]"))
    want = inspection.continuum_removed(scene.hs.centre, values)
    np.testing.assert_allclose(curve, np.where(order < 0, np.nan, want[order]), atol=1e-9)


@pytest.mark.browser
def test_negative_values_are_seen_and_said(page, scene) -> None:
    click(page, 12, 8)
    ends = "['t1', 't2', 'difference'].map((c) => viewer.model(`chart-${c}`).y_range.start)"
    ends = ends.replace("viewer.model", "viewer.curves.model")
    before = page.evaluate(ends)
    page.evaluate("""() => { const item = viewer.items[0];
        item.spectra.hrhs_t2.mean[7] = -0.4; viewer.refresh(); }""")
    low = page.evaluate(ends)
    assert low[0] == low[1] < -0.4 <= before[0] and low[2] <= before[2]
    page.evaluate(
        "viewer.items[0].spectra.hrhs_t2.mean[7] = -0.9; viewer.curves.draw(viewer.items)"
    )
    assert "off scale: 1 values, -0.900" in page.evaluate(
        "viewer.curves.model('chart-t2').title.text"
    )
    page.click("#clear")
    assert page.evaluate(ends) == before


@pytest.mark.browser
def test_change_map_and_its_scores(page, scene, fused) -> None:
    cubes = cubes_of(scene, fused)
    angle = sam_map(cubes["hrhs_t2"], cubes["hrhs_t1"])
    shown = np.array(page.evaluate("[...viewer.data.map('angle', 'hrhs_t1', 'hrhs_t2')]"), float)
    np.testing.assert_allclose(shown.reshape(scene.size), angle, atol=0.25, equal_nan=True)
    page.click("[data-tab=change]")
    threshold = page.evaluate("viewer.state.change.threshold")
    want = inspection.threshold_scores(angle, threshold, scene.change)
    found = page.evaluate("viewer.panel.scores")
    assert found == pytest.approx(want, abs=0.02) and want["recall"] > 0.3
    page.evaluate("""() => { const slider = document.getElementById('threshold');
        slider.value = 0; slider.dispatchEvent(new Event('input')); }""")
    assert page.inner_text("#scores").startswith("changed: 100.0 %")
    page.select_option("#measure", "magnitude")
    page.select_option("#change-a", "hrms_t1")
    page.select_option("#change-b", "hrms_t2")
    shown = np.array(
        page.evaluate("[...viewer.data.map('magnitude', 'hrms_t1', 'hrms_t2')]"), float
    )
    want = inspection.magnitude(cubes["hrms_t1"], cubes["hrms_t2"])
    np.testing.assert_allclose(shown.reshape(scene.size), want, atol=1e-4, equal_nan=True)
    page.select_option("#change-a", "hrhs_t1")
    page.select_option("#measure", "angle")


@pytest.mark.browser
def test_every_image_shows_its_values(page, scene, fused) -> None:
    """Each cube as its colours, each map by the scale from 0 to its 98th percentile."""
    cubes = cubes_of(scene, fused)
    page.mouse.move(5, 5)
    page.select_option("#stretch", "own")
    y, x = 40, 50
    for key in ("lrhs_t1", "hrhs_t1", "truth_t1", "truth_t2"):
        page.select_option("#source2", key)
        limits = stretch_limits([(cubes[key], scene.hs.centre)])
        coarse = 3 if key == "lrhs_t1" else 1
        want = 255 * rgb(cubes[key], scene.hs.centre, stretch=limits)[y // coarse, x // coarse]
        assert np.abs(colour_at(page, y, x, 2) - want).max() <= 6, key
    both = [("hrhs_t1", "truth_t1"), ("hrhs_t2", "truth_t2")]
    maps = {f"magnitude {a} {b}": inspection.magnitude(cubes[a], cubes[b]) for a, b in both}
    maps |= {f"angle {a} {b}": sam_map(cubes[a], cubes[b]) for a, b in both}
    sigma = cubes["sigma_t2"][band_quality(scene.hs.centre) != "bad"]
    maps["sigma"] = np.sqrt((sigma**2).mean(axis=0))
    for key, values in maps.items():
        page.select_option("#source2", key)
        found = page.inner_text("#caption2")
        top = float(re.search(r"0 *([\d.]+)", found)[1])
        exact = np.nanpercentile(values, 98)
        assert top == pytest.approx(exact, abs=0.06 if key.startswith("angle") else 2e-3), key
    page.select_option("#source2", "kinds")
    want = [int(CHANGE_COLOUR[KINDS[scene.change[y, x]]][i : i + 2], 16) for i in (1, 3, 5)]
    assert np.abs(colour_at(page, y, x, 2) - want).max() <= 1


@pytest.mark.browser
@pytest.mark.parametrize("preset", ["SWIR", "geology"])
def test_presets_by_wavelength(page, scene, fused, preset) -> None:
    page.select_option("#preset", preset)
    page.mouse.move(5, 5)
    cube = cubes_of(scene, fused)["hrhs_t2"]
    limits = stretch_limits([(cube, scene.hs.centre)], preset)
    want = 255 * rgb(cube, scene.hs.centre, preset, limits)[40, 50]
    assert np.abs(colour_at(page, 40, 50, 2) - want).max() <= 6
    assert "no band" in page.inner_text("#caption0")  # the MS has no SWIR here


@pytest.mark.browser
def test_sources_are_switched_off_and_the_window_is_drawn(page, scene) -> None:
    page.select_option("#window", "3")
    click(page, 30, 12)
    page.mouse.move(5, 5)
    page.wait_for_function("!viewer.live")
    outlines = "viewer.documents.get_model_by_name('outlines').data"
    assert page.evaluate(f"{outlines}.xs[0]") == [10.5, 13.5, 13.5, 10.5, 10.5]
    assert page.evaluate(f"{outlines}.ys[0]") == [28.5, 28.5, 31.5, 31.5, 28.5]
    points = page.evaluate("viewer.curves.last.t1.points")
    np.testing.assert_allclose(points["x"], scene.ms.centre)
    np.testing.assert_allclose(np.subtract(points["right"], points["left"]), scene.ms.fwhm)
    lines = "viewer.curves.last.t2.lines.ys.length"
    before = page.evaluate(lines)
    page.click("#legend [data-key=truth_t2]")
    assert page.evaluate(lines) == before - 1
    page.click("#legend [data-key=truth_t2]")
    assert page.evaluate(lines) == before
    page.click("#rows .delete")
    assert page.evaluate(f"{outlines}.xs.length") == 0


@pytest.mark.browser
def test_axes_move_on_request_and_come_back(page) -> None:
    ends = "['t1', 't2'].map((c) => viewer.views['chart-' + c].model.x_range.end)"
    before = page.evaluate(ends)
    assert before[0] == before[1]
    page.evaluate("viewer.views['chart-t1'].model.x_range.end = 1000")
    assert page.evaluate(ends) == [1000, 1000]  # one wavelength axis for both
    click(page, 5, 9)
    page.wait_for_function("!viewer.fresh.length")  # all curves are drawn anew, but no axis moves
    assert page.evaluate(ends) == [1000, 1000]
    page.click("#axes")
    assert page.evaluate(ends) == before


@pytest.mark.browser
def test_pins_of_the_page_are_known_to_python(page, explored, scene, fused) -> None:
    click(page, 5, 9)
    page.click("[data-mode=box]")
    drag(page, (10, 4), (30, 16))
    page.fill("#rows .name", "maize")
    page.keyboard.press("Enter")
    if page.evaluate("ask === null"):  # a saved page knows no Python
        return
    if page.frame is page.page.main_frame:
        for _ in range(100):
            if [pin["name"] for pin in explored.pins] == ["maize", "region 2"]:
                break
            page.page.wait_for_timeout(50)
        pins = explored.pins
    else:
        page.page.wait_for_timeout(300)
        pins = ast.literal_eval(page.page.evaluate(RUN, 1))
    pin, region = pins
    assert pin == {"number": 1, "kind": "pin", "name": "maize", "centre": [5, 9], "window": 1}
    assert region["name"] == "region 2"
    item = last(page)
    assert len(item["indices"]) == item["spectra"]["hrhs_t2"]["count"]
    check_spectra(item, explored.spectra(region), explored.max_error)


@pytest.mark.browser
def test_library_matches_are_those_of_the_computation(page, scene, fused) -> None:
    item = click(page, 40, 52)
    listed = page.eval_on_selector_all("#matches li", "items => items.map((i) => i.textContent)")
    among = inspection.materials(scene.hs)
    for date, key in enumerate(("hrhs_t1", "hrhs_t2")):
        found = inspection.best_matches(np.array(item["spectra"][key]["mean"]), among)
        want = [f"{m['material']} · {m['name']}{m['angle']:.1f}°" for m in found]
        assert listed[5 * date : 5 * date + 5] == want


@pytest.mark.browser
def test_swipe_shows_the_other_image_right_of_the_line(page, scene) -> None:
    page.mouse.move(5, 5)
    first, second = colour_at(page, 40, 50, 0), colour_at(page, 40, 50, 1)
    left = colour_at(page, 40, 5, 0)
    page.select_option("#source0", "hrms_t1")
    page.select_option("#swipe", "truth_t1")
    page.select_option("#source1", "truth_t1")
    assert np.abs(colour_at(page, 40, 50, 0) - colour_at(page, 40, 50, 1)).max() <= 1
    page.select_option("#swipe", "kinds")
    assert "true change" in page.inner_text("#caption0")
    page.select_option("#swipe", "")
    page.select_option("#source1", "hrms_t2")
    assert (colour_at(page, 40, 50, 0) == first).all() and (colour_at(page, 40, 5, 0) == left).all()
    assert (colour_at(page, 40, 50, 1) == second).all()


@pytest.mark.browser
def test_one_band_by_wavelength_and_what_a_sensor_lacks(page) -> None:
    page.evaluate("""() => { const slider = document.getElementById('nm');
        slider.value = 2200; slider.dispatchEvent(new Event('input')); }""")
    page.wait_for_function("document.getElementById('caption0').textContent.includes('no band')")
    assert "2200" in page.inner_text("#caption0") and page.input_value("#nm-number") == "2200"
    assert page.inner_text("#caption2").startswith("2198 nm")
    assert np.abs(colour_at(page, 40, 50, 0) - 128).max() <= 1
    grey = colour_at(page, 40, 50, 2)
    assert grey.max() - grey.min() <= 1


@pytest.mark.browser
def test_linked_panes_zoom_together(page) -> None:
    before = page.evaluate(
        "viewer.views.pane3.model.x_range.end - viewer.views.pane3.model.x_range.start"
    )
    page.mouse.move(*at(page, 20, 20, 1))
    page.mouse.wheel(0, -300)
    page.wait_for_function(
        f"viewer.views.pane3.model.x_range.end - viewer.views.pane3.model.x_range.start < {before}"
    )
    page.click("#reset")
    item = click(page, 20, 20, 3)
    assert item["centre"] == [20, 20]


@pytest.mark.browser
def test_csv_and_png_hold_what_is_shown(page, scene, fused, explored, tmp_path) -> None:
    click(page, 5, 9)
    page.fill("#rows .name", 'maize, "north"')
    page.keyboard.press("Enter")
    with page.expect_download() as download:
        page.click("#csv")
    download.value.save_as(tmp_path / "pins.csv")
    rows = list(csv.DictReader((tmp_path / "pins.csv").open(encoding="utf-8")))
    assert len(rows) == 6 * 114 + 2 * 4  # six HS sources with the uncertainty, two MS
    assert {row["name"] for row in rows} == {'maize, "north"'}
    mine = [row for row in rows if row["source"] == "fused HS, t2 (X̂2)"]
    got = np.array([float(row["value"]) for row in mine])
    np.testing.assert_allclose(got, fused.hrhs_t2[:, 5, 9], atol=explored.max_error + 1e-5)
    assert (mine[0]["y_pixel"], mine[0]["x_pixel"], mine[0]["date"]) == ("5", "9", "2025-07-25")
    x, y = scene.transform @ (9.5, 5.5)
    assert (float(mine[0]["x_map"]), float(mine[0]["y_map"])) == (x, y)
    page.click("[data-tab=files]")
    with page.expect_download() as download:
        page.click("#png")
    download.value.save_as(tmp_path / "view.png")
    picture = np.asarray(Picture.open(tmp_path / "view.png").convert("RGB"))
    assert min(picture.shape[:2]) > 500 and picture.std() > 20


@pytest.mark.browser
def test_uncertainty_is_a_band_around_x2(page, fused, explored) -> None:
    click(page, 5, 9)
    page.mouse.move(5, 5)
    page.wait_for_function("!viewer.live")
    run = np.array(page.evaluate("viewer.curves.last.t2.spread.ys[0]"))
    upper, lower = run[: len(run) // 2], run[len(run) // 2 :][::-1]
    want = 2 * 1.645 * fused.sigma_t2[: len(upper), 5, 9]
    np.testing.assert_allclose(upper - lower, want, atol=1e-3)
    page.select_option("#source3", "sigma")
    assert "reflectance" in page.inner_text("#caption3")


@pytest.mark.browser
def test_what_is_missing_is_grey_and_says_why(scene, open_page, tmp_path) -> None:
    bare = replace(scene, hrhs_t1=None, hrhs_t2=None, change=None, crs=None, transform=None)
    page = open_page(stsf.explore(bare, pixels=[(3, 4)]).save_html(tmp_path / "bare.html"))
    options = page.eval_on_selector_all(
        "#source0 option", "all => all.map((o) => [o.disabled, o.textContent])"
    )
    off = [text for disabled, text in options if disabled]
    assert at(page, 0, 0)[1] < at(page, 40, 0)[1]  # rows run down the screen from the start
    assert len(off) == 16 and all(" – " in text for text in off)
    assert "fused HS, t2 (X̂2) – no fused result given" in off
    assert page.locator("#legend button:disabled").count() == 4
    assert "the truth is not known" in page.inner_text("#legend")
    assert "true change map" in page.inner_text("#scores")
    assert page.evaluate("viewer.items[0].centre") == [3, 4]
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("size", [(60, 8), (8, 60)])
def test_tall_and_wide_scenes_keep_square_pixels(open_page, tmp_path, size) -> None:
    part = load_sample().crop(slice(0, size[0]), slice(0, size[1]))
    page = open_page(stsf.explore(part).save_html(tmp_path / "part.html"))
    (left, top), (right, bottom) = at(page, 0, 0), at(page, 20, 20)
    assert right - left == pytest.approx(bottom - top, rel=0.02) and right > left
    height, width = part.size
    for y, x in ((0, 0), (height - 1, width - 1)):
        assert click(page, y, x)["centre"] == [y, x]
    page.close()


def test_explained_shares_shade_the_bands(scene, fused) -> None:
    share = np.zeros(len(scene.hs))
    share[:3], share[3:5], share[7] = 0.98, 0.52, 0.04
    said = SimpleNamespace(hrhs_t2=fused.hrhs_t2, explained=share)
    low, high = scene.hs.centre - scene.hs.fwhm / 2, scene.hs.centre + scene.hs.fwhm / 2
    assert explained_ranges(of_scene(scene, said)) == [
        (low[0], high[2], 1.0),
        (low[3], high[4], 0.5),
    ]
    assert explained_ranges(of_scene(scene, fused)) == []
    for start, end, _ in covered_ranges(of_scene(scene, said)):  # an MS band lies there, whatever
        inside = (scene.ms.centre + scene.ms.fwhm > start) & (scene.ms.centre < end)
        assert inside.any()
    text = stsf.explore(scene, said).page()
    assert "explained by the MS (at t1)" in text and "measured by the MS" not in text


def test_the_page_says_how_exact_it_is_and_asks_no_one(explored) -> None:
    text = explored.page()
    assert f"at most {explored.max_error:.4f}" in text and explored.max_error < 0.003
    code = text.split("<script>")[-1]
    assert "fetch(" not in code and "XMLHttpRequest" not in code
    assert 'src="' not in text.split("<script>")[0]


def test_the_sample_fits_in_twelve_megabytes(tmp_path) -> None:
    scene = load_sample()
    fused = fused_of(scene)
    del fused.sigma_t2
    viewer = stsf.explore(scene, fused)
    assert viewer.save_html(tmp_path / "sample.html").stat().st_size <= 12e6
    assert viewer.max_error < 0.003


def test_bad_bands_do_not_rule_the_page(scene, fused) -> None:
    centre, noise = scene.hs.centre.copy(), np.random.default_rng(0).random(scene.size)
    last = int(np.flatnonzero(centre < 1320).max())
    centre[last] = 1350.0  # water vapour
    x2 = fused.hrhs_t2.copy()
    x2[last] = noise
    spoilt = replace(scene, hs=replace(scene.hs, centre=centre))
    viewer = stsf.explore(spoilt, SimpleNamespace(hrhs_t1=fused.hrhs_t1, hrhs_t2=x2))
    assert viewer.max_error < 0.003 and len(viewer.layers.hs) == len(centre) - 1
    assert "1 bad ones left out" in viewer.page()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pixels": [(48, 0)]}, "within"),
        ({"fused": SimpleNamespace(hrhs_t1=np.zeros((2, 3, 3)), hrhs_t2=0)}, "shape"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(scene, wrong, message) -> None:
    with pytest.raises(InputError, match=message):
        stsf.explore(scene, **wrong)


def test_a_page_ends_in_html(explored, tmp_path) -> None:
    with pytest.raises(InputError, match=r"\.html"):
        explored.save_html(tmp_path / "page.txt")


@pytest.fixture(scope="module")
def folder(scene, tmp_path_factory) -> Any:
    folder = write_scene(scene, tmp_path_factory.mktemp("scene") / "place")
    write_image(folder.parent / "x2.tif", image_of(scene, "hrhs_t2"))
    return folder


def run_command(*arguments: str) -> subprocess.Popen:
    code = "import sys; from stsf.cli.explore import explore as e; e(sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.browser
def test_the_command_serves_a_page_to_who_knows_the_token(folder, new_page) -> None:
    arguments = [str(folder), "--fused-t2", str(folder.parent / "x2.tif"), "--no-browser"]
    server = run_command(*arguments)
    try:
        address = server.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        page = View(new_page(address))
        ready(page)
        item = click(page, 47, 59, 2)
        assert item["centre"] == [47, 59] and item["spectra"]["hrhs_t2"]["count"] == 1
        assert "(no fused result given)" in page.inner_text("#legend")
        page.close()
        base = address.partition("?")[0]
        for url, host in ((base, None), (f"{base}?token=x", None), (address, "elsewhere.example")):
            request = urllib.request.Request(url, headers={"Host": host} if host else {})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            assert refused.value.code in (403, 404)
    finally:
        server.terminate()
        server.wait(timeout=20)


def test_the_command_writes_one_page(folder, tmp_path) -> None:
    done = CliRunner().invoke(
        explore_command.explore, [str(folder), "--html", str(tmp_path / "a.html")]
    )
    assert done.exit_code == 0 and "MB" in done.output
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    cut = [str(folder), "--fused-t2", str(folder.parent / "x2.tif"), "--part", "10", "40", "500"]
    done = CliRunner().invoke(explore_command.explore, [*cut, "--html", str(tmp_path / "b.html")])
    assert done.exit_code == 0
    assert "39 \\u00d7 21 pixels" in (tmp_path / "b.html").read_text(encoding="utf-8")
    cut[-3] = "48"
    assert "move it" in str(CliRunner().invoke(explore_command.explore, cut).exception)
    outlines = tmp_path / "a.geojson"
    outlines.write_text('{"type": "LineString", "coordinates": [[14.5, 45.8], [14.6, 45.9]]}')
    own = ["--layer", f"again={folder / 'change.tif'}", "--outlines", str(outlines)]
    one = [str(folder), *own, "--html", str(tmp_path / "c.html")]
    assert CliRunner().invoke(explore_command.explore, one).exit_code == 0
    assert '"layers":[{"name":"again"}]' in (tmp_path / "c.html").read_text(encoding="utf-8")
    wrong = CliRunner().invoke(explore_command.explore, [str(folder), "--layer", "a.tif"])
    assert "--layer slope=a.tif" in str(wrong.exception)
    both = [str(folder), "--fuse", "--fused-t2", "x.tif"]
    assert isinstance(CliRunner().invoke(explore_command.explore, both).exception, InputError)
