"""The notebooks as a reader uses them: JupyterLab in a real browser, every widget moved."""

import re
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import uniform_filter

import stsf
from stsf import metrics
from stsf.evidence.candidates import CANDIDATES
from stsf.evidence.components import prepare
from stsf.lab.lessons.lesson04b import watch
from stsf.network import shipped

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1500, 1000
IDLE = """() => typeof jupyterapp !== 'undefined' &&
  jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"""
COUNTS = """() => {
  const cells = jupyterapp.shell.currentWidget.content.widgets;
  const code = cells.filter(c => c.model.type === 'code' && c.model.sharedModel.source.trim());
  return [code.length, code.filter(c => c.model.executionCount).length,
          code.filter(c => c.model.outputs.toJSON().some(o => o.output_type === 'error')).length];
}"""
SCROLL = """text => {
  const notebook = jupyterapp.shell.currentWidget.content;
  const at = notebook.widgets.findIndex(c => c.model.sharedModel.source.includes(text));
  notebook.activeCellIndex = at;
  return notebook.scrollToItem(at, 'start');
}"""
HEIGHT_OF = """text => {
  const cells = jupyterapp.shell.currentWidget.content.widgets;
  const cell = cells.find(c => c.model.sharedModel.source.includes(text));
  return cell.node.querySelector('.jp-Cell-outputWrapper').getBoundingClientRect().height;
}"""

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(browser, start_lab, tmp_path):
    """`opened(name)`: the notebook run to its end in JupyterLab, without any outside network."""
    faults: list[str] = []

    def open_notebook(name: str):
        folder = tmp_path / "notebooks"
        folder.mkdir()
        shutil.copy(ROOT / "notebooks" / name, folder)
        address = start_lab(folder, f"--LabApp.app_settings_dir={_no_news(tmp_path)}")
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(180_000)
        page.route(
            lambda url: "127.0.0.1" not in url and not url.startswith(("data:", "blob:")),
            lambda route: (_note(route.request.url, faults), route.abort()),
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address.replace("/lab?", f"/lab/tree/{name}?"))
        page.wait_for_function(IDLE)
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        _wait_for_last_cell(page)
        return page

    yield open_notebook
    assert faults == []


def _note(url: str, faults: list[str]) -> None:
    """Panel asks its CDN for style sheets that it does without; anything else is a fault."""
    if not re.match(r"https://cdn\.holoviz\.org/.*\.css", url):
        faults.append(f"asked for {url}")


def _no_news(folder: Path) -> Path:
    settings = folder / "settings"
    settings.mkdir()
    (settings / "overrides.json").write_text(
        '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}'
    )
    return settings


def _wait_for_last_cell(page, seconds: float = 400) -> None:
    """Every code cell has run and none has failed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        code, run, failed = page.evaluate(COUNTS)
        assert failed == 0, "a cell failed"
        if code == run:
            return
        time.sleep(0.5)
    raise AssertionError(f"{run} of {code} cells had run after {seconds} s")


def _wait_for_text(page, pattern: str, seconds: float = 60) -> re.Match:
    """Text that the Python side writes into an HTML widget."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for text in page.locator(".widget-html-content").all_inner_texts():
            found = re.search(pattern, text)
            if found:
                return found
        time.sleep(0.1)
    shown = page.locator(".widget-html-content").all_inner_texts()
    raise AssertionError(f"no text like {pattern!r}, only {shown}")


def _click(page, share: float, seconds: float = 60) -> re.Match:
    """Click at a share of the first figure's width and height; again while it is still loading."""
    pattern = r"pixel y = (\d+), x = (\d+).*differ by ([\d.]+)°"
    before = _wait_for_text(page, pattern)[0]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        frame = page.locator(".bk-Figure").first.bounding_box()
        page.mouse.click(frame["x"] + share * frame["width"], frame["y"] + share * frame["height"])
        for _ in range(30):
            found = _wait_for_text(page, pattern)
            if found[0] != before:
                return found
            time.sleep(0.1)
    raise AssertionError(f"no click changed {before!r}")


def test_a_click_on_the_image_changes_the_curves(opened, tmp_path):
    scene = stsf.load_sample()
    fused = stsf.fuse(scene)
    page = opened("00_start_here.ipynb")
    page.evaluate(SCROLL, "lab.PixelExplorer(")
    _wait_for_text(page, r"pixel y = 105, x = 78")
    page.locator(".bk-Figure").first.wait_for(state="visible")
    clicked = []
    for share in (0.3, 0.6):
        found = _click(page, share)
        y, x = int(found[1]), int(found[2])
        expected = metrics.sam_map(fused.hrhs_t2, scene.hrhs_t2)[y, x]
        assert float(found[3]) == pytest.approx(expected, abs=0.02)
        clicked.append((y, x))
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "clicked.png"))
    (y0, x0), (y1, x1) = clicked
    assert 20 < y1 - y0 < 80 and 20 < x1 - x0 < 80, "y must run down and x to the right"


def test_the_sliders_of_the_degradation_model(opened, tmp_path):
    page = opened("02_degradation_model.ipynb")
    page.evaluate(SCROLL, "lab.DegradationExplorer(")
    start = _wait_for_text(page, r"PSF σ = ([\d.]+) px; Y1 is 60 × 60 pixels; .* = ([\d.]+)")
    assert float(start[1]) == pytest.approx(1.48, abs=0.01)
    _slide(page, "MTF at Nyquist", "ArrowLeft")  # 0.3 -> 0.25: a wider PSF
    assert float(_wait_for_text(page, r"PSF σ = (1\.59) px")[1]) == 1.59
    _slide(page, "ratio", "ArrowRight")  # 3 -> 4
    _wait_for_text(page, r"Y1 is 45 × 45 pixels")
    _slide(page, "shift down and right", "ArrowRight", 4)  # the HS image one pixel too far down
    moved = _wait_for_text(page, r"Y1 is 45 × 45 pixels; .* = (0\.008\d)")
    page.wait_for_timeout(3000)
    page.screenshot(path=str(tmp_path / "sliders.png"))
    assert float(moved[1]) > float(start[2])


def _press(page, handle: int, key: str, times: int = 1) -> None:
    """Move one slider, counted from the first that JupyterLab shows."""
    page.locator(".jp-OutputArea .noUi-handle").nth(handle).focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_the_band_picker_and_the_subspace_sliders(opened, tmp_path):
    scene = stsf.load_sample()
    page = opened("01_sensors_and_spectra.ipynb")
    page.evaluate(SCROLL, "lab.BandPicker(")
    _wait_for_text(page, r"^red 662 nm, green 558 nm, blue 490 nm: pond")
    page.locator(".jp-OutputArea select").first.select_option("SWIR")
    _wait_for_text(page, r"^red 2198 nm, green 842 nm, blue 662 nm: pond")
    _press(page, 2, "ArrowRight", 11)  # blue from 665 to 720 nm, into the red edge
    moved = _wait_for_text(page, r"^red 2198 nm, green 842 nm, blue 722 nm: .*crop (.*); bare soil")
    bands = [abs(scene.hs.centre - nm).argmin() for nm in (2198, 842, 722)]
    expected = scene.hrhs_t1[bands, 100, 170].tolist()
    assert [float(v) for v in moved[1].split(" / ")] == pytest.approx(expected, abs=0.006)
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "bands.png"))
    page.evaluate(SCROLL, "lab.SubspaceExplorer(")
    start = float(_wait_for_text(page, r"k = 2: RMS error ([\d.]+)")[1])
    _press(page, 3, "ArrowRight", 6)
    better = float(_wait_for_text(page, r"k = 8: RMS error ([\d.]+)")[1])
    assert better < 0.5 * start
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "subspace.png"))


def test_the_steps_of_alternating_projection(opened, tmp_path):
    page = opened("03_alternating_projection.ipynb")
    page.evaluate(SCROLL, "lab.ProjectionExplorer(")
    found = r"Y1 − D X = ([\d.]+), RMS of M1 − R X = ([\d.]+), error against the truth = ([\d.]+)"

    def after(pattern: str) -> list[float]:
        return [float(v) for v in _wait_for_text(page, pattern + found).groups()]

    start = after("^start: RMS of ")
    _slide(page, "projections made", "ArrowRight", 2)
    hs, ms, exact = after("^round 1, spatial projection made: RMS of ")
    assert hs == ms == 0 and exact < start[2]
    _slide(page, "shift of Y1", "ArrowRight", 2)  # half a pixel
    hs, _, broken = after("^round 1, spatial projection made: RMS of (?=.*R X = 0.00[6-9])")
    assert hs == 0 and broken > 1.1 * exact
    page.get_by_label("register first").check()
    _, _, mended = after("^round 1, spatial projection made: RMS of (?=.*R X = 0.000)")
    assert mended < exact + 0.3 * (broken - exact)
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "projection.png"))


def _slide(page, name: str, key: str, times: int = 1) -> None:
    """Move the slider of that name."""
    page.locator(".widget-hslider", has_text=name).locator(".noUi-handle").first.focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_a_filter(opened, tmp_path):
    scene = stsf.load_sample()
    band = abs(scene.hs.centre - 1650).argmin()
    truth, image = 100 * scene.hrhs_t1[band], 100 * scene.D.upsample(scene.lrhs_t1)[band]
    page = opened("04a_filters_and_learning.ipynb")
    page.evaluate(SCROLL, "lab.FilterExplorer(")
    _wait_for_text(page, r"^detail, strength 0\.0: ")
    _slide(page, "strength", "ArrowRight", 4)
    found = _wait_for_text(page, r"^detail, strength 2\.0: .* after ([\d.]+) %")
    sharper = image + 2 * (image - uniform_filter(image, 3, mode="nearest"))
    assert float(found[1]) == pytest.approx(metrics.rmse(sharper[None], truth[None]), abs=0.006)
    page.get_by_label("filter", exact=True).select_option("mean")
    _wait_for_text(page, r"^mean, strength 2\.0: weights sum to 1\.00; ")
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "filter.png"))


def test_the_units_of_the_network(opened, tmp_path):
    scene = stsf.load_sample()
    page = opened("04b_seu_and_ecu.ipynb")
    page.evaluate(SCROLL, "lab.UnitExplorer(")
    _wait_for_text(page, r"^SEU 1, map 1: ")
    page.get_by_label("unit", exact=True).select_option("ECU 1")
    _wait_for_text(page, r"^ECU 1, map 1: ")
    _slide(page, "map", "ArrowRight", 2)
    found = _wait_for_text(page, r"^ECU 1, map 3: .* before ([\d.]+), after ([\d.]+)")
    work = watch(shipped().ssje, prepare(scene), scene.hrhs_t1)["ECU 1"]
    for said, residual in zip(found.groups(), (work.before, work.after), strict=True):
        error = (residual[2] - work.wanted[2]).square().mean().sqrt().item()
        assert float(said) == pytest.approx(error, abs=0.002)
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "units.png"))


def test_the_steps_of_ssje(opened, tmp_path):
    scene = stsf.load_sample()
    x1 = shipped().first_date(scene)
    page = opened("05_ssje.ipynb")
    page.evaluate(SCROLL, "DiagramExplorer(network")
    found = r"Y1 − D X = ([\d.]+), .* error against the truth = ([\d.]+); at pixel y = (\d+), "

    def after(pattern: str) -> list[float]:
        return [float(v) for v in _wait_for_text(page, pattern + found).groups()]

    start = after("^start: RMS of ")
    page.get_by_role("button", name="back-projection 0").click()
    first = after("^back-projection 0: RMS of ")
    assert first[0] < start[0]
    page.keyboard.press("Tab")  # without a mouse
    page.keyboard.press("Enter")
    after("^seu 1: RMS of ")
    page.get_by_text("self.seu[k - 1](").wait_for()
    assert page.get_by_role("button", name="kept").is_disabled()
    page.get_by_role("button", name="consistency").click()
    last = after(r"^consistency: RMS of ")
    assert last[0] == pytest.approx(metrics.rmse(scene.D.A(x1), scene.lrhs_t1), abs=6e-5)
    assert last[1] == pytest.approx(metrics.rmse(x1, scene.hrhs_t1), abs=6e-5)
    page.get_by_label("pixel", exact=True).select_option("edge of a field")
    moved = after(r"^consistency: RMS of (?=.*y = 120)")
    assert moved[:2] == last[:2]
    fits(page, "DiagramExplorer(network", tmp_path / "stages.png")


def fits(page, cell: str, picture: Path) -> None:
    """The output of a cell needs no more than 450 px of height on a laptop's screen."""
    page.set_viewport_size({"width": 1366, "height": 768})
    page.wait_for_timeout(1500)
    page.evaluate(SCROLL, cell)
    page.screenshot(path=str(picture))
    height = page.evaluate(HEIGHT_OF, cell)
    assert 200 < height <= 450, height


def test_the_boxes_of_the_second_date(opened, tmp_path):
    network, scene = shipped(), stsf.load_sample()
    found = network.second_date(scene, network.first_date(scene), return_steps=True)
    page = opened("06_tve.ipynb")
    page.evaluate(SCROLL, "DiagramExplorer(network")
    _wait_for_text(page, r"^candidates: injection: RMS error ")
    page.get_by_label("candidate", exact=True).select_option("neighbours")
    said = _wait_for_text(page, r"^candidates: neighbours: RMS error ([\d.]+)")
    cube = found.steps["candidates"][CANDIDATES.index("neighbours")]
    assert float(said[1]) == pytest.approx(metrics.rmse(cube, scene.hrhs_t2), abs=1e-4)
    page.get_by_role("button", name="kept").click()
    said = _wait_for_text(page, r"^kept: at pixel y = (\d+), x = (\d+) .* kept of X̂1 ([\d.]+);")
    kept = found.steps["kept"][int(said[1]), int(said[2])]
    assert float(said[3]) == pytest.approx(kept, abs=0.006)
    page.get_by_role("button", name="ecu 2").click()
    _wait_for_text(page, r"^ecu 2: RMS of Y1")
    page.get_by_role("button", name="weights").click()
    _wait_for_text(page, r"^weights: at pixel .* weighs most, ")
    fits(page, "DiagramExplorer(network", tmp_path / "boxes.png")


def test_the_traps_and_the_tables_of_evaluation(opened, tmp_path):
    part = stsf.load_sample().crop(slice(22, 42), slice(15, 35))
    page = opened("08_evaluation.ipynb")
    page.evaluate(SCROLL, "lab.TrapExplorer(")
    _wait_for_text(page, r"^darker 0\.50: PSNR .* SAM 0\.0°.* better than the rival by: SAM, CC")
    page.get_by_label("fault", exact=True).select_option("a constant added")
    _wait_for_text(page, r"^a constant added 0\.50: ")
    _press(page, 0, "ArrowRight", 4)
    found = _wait_for_text(page, r"^a constant added 0\.70: PSNR ([\d.]+) dB .* SAM ([\d.]+)°")
    hazy = part.hrhs_t2 + 0.7 * 0.05
    assert float(found[1]) == pytest.approx(metrics.psnr(hazy, part.hrhs_t2), abs=0.06)
    assert float(found[2]) == pytest.approx(metrics.sam(hazy, part.hrhs_t2), abs=0.06)
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "traps.png"))

    page.evaluate(SCROLL, "lab.TableExplorer(")
    _wait_for_text(page, r"^simulated, x2, all pixels, all bands: best mean of PSNR \(dB\) is ")
    page.get_by_label("suite", exact=True).select_option("real")
    page.get_by_label("pixels", exact=True).select_option("changed")
    page.get_by_label("figure", exact=True).select_option("sam")
    found = _wait_for_text(page, r"^real, x2, changed pixels, all bands: best .*SAM.* is ([\d.]+)")
    rows = pd.read_csv(ROOT / "data" / "results" / "real.csv").query(
        "target == 'x2' and region == 'changed' and bands == 'all'"
    )
    assert float(found[1]) == pytest.approx(rows.groupby("method").sam.mean().min(), abs=0.006)
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "lab.png"))


def test_the_threshold_on_change_and_the_pins_of_the_viewer(opened, tmp_path):
    scene = stsf.load_sample()
    page = opened("09_explore_spectra_and_change.ipynb")
    page.evaluate(SCROLL, "lab.ThresholdExplorer(")
    _wait_for_text(page, r"^X̂1 and X̂2, at least 5°: [\d.]+% of the pixels called changed")
    page.get_by_label("angle between", exact=True).select_option("M1 and M2")
    _wait_for_text(page, r"^M1 and M2, at least 5°")
    _press(page, 0, "ArrowRight", 3)
    found = _wait_for_text(page, r"^M1 and M2, at least 8°: .* precision ([\d.]+), recall ([\d.]+)")
    called = metrics.sam_map(scene.hrms_t1, scene.hrms_t2) >= 8
    hits = np.count_nonzero(called & (scene.change > 0))
    assert float(found[1]) == pytest.approx(hits / called.sum(), abs=6e-4)
    assert float(found[2]) == pytest.approx(hits / (scene.change > 0).sum(), abs=6e-4)
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "threshold.png"))
    page.evaluate(SCROLL, "stsf.explore(")
    frame = page.wait_for_selector("iframe.stsf-viewer").content_frame()
    frame.wait_for_function("document.body.dataset.ready")
    assert frame.evaluate("viewer.items.map(item => item.centre)")[2] == [20, 122]


def test_the_witnesses_of_an_own_scene(opened, tmp_path):
    page = opened("10_your_own_scene.ipynb")
    page.evaluate(SCROLL, "lab.WitnessExplorer(")
    found = r"M2 - R X2 is ([\d.]+) of the noise, .* true RMS error ([\d.]+)"

    def after(pattern: str) -> list[float]:
        return [float(v) for v in _wait_for_text(page, pattern + found).groups()]

    page.get_by_label("fault", exact=True).select_option("SWIR brighter")
    silent = after(r"^SWIR brighter 0\.5: ")
    _press(page, 0, "ArrowLeft", 5)
    before = after(r"^SWIR brighter 0\.0: ")
    assert silent[0] == before[0] and silent[1] > 1.5 * before[1]
    page.get_by_label("fault", exact=True).select_option("brighter everywhere")
    _press(page, 0, "ArrowRight", 5)
    loud = after(r"^brighter everywhere 0\.5: ")
    m2 = stsf.load_sample().hrms_t2[:, 60:120, 60:120]  # a tenth of M2, beside 40 dB of noise
    by_hand = 0.1 * np.sqrt(np.mean(m2**2 / np.mean(m2**2, axis=(1, 2), keepdims=True))) * 100
    assert loud[0] == pytest.approx(by_hand, rel=0.15)
    page.wait_for_timeout(1500)
    page.screenshot(path=str(tmp_path / "witness.png"))
