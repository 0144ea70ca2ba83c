"""How long a reader waits: from the slider, click or dab to the picture, for every widget.

    python -m pytest -s tests/lab/test_latency.py

prints the table (and `--junitxml` keeps it). Nothing is asserted of the times, which depend on the
machine: what is aimed at, on a quiet one, is 100 ms for a slider or click and 300 ms for a dab. The
processor time of the kernel stands beside each, since others on the machine hardly change that.
"""

from functools import partial
from statistics import median

import psutil
import pytest
import test_browser as pages
from test_browser_network import PLAYER, SPOT
from test_browser_network import lab as lab

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
import stsf
from stsf import metrics, projection
from stsf.baselines import get_method
from stsf.evidence import prepare
from stsf.lab.lessons import boxes, kit, lesson00, lesson01, lesson02, lesson03, lesson04a
from stsf.lab.lessons import lesson04b, lesson05, lesson06, lesson08, lesson09, lesson10
from stsf.lab.lessons.diagram_explorer import DiagramExplorer
from stsf.network import shipped
from stsf.world import wald

kit.offline()
scene, network = stsf.load_sample(), shipped()
X1, X2 = scene.hrhs_t1, scene.hrhs_t2
fused = stsf.fuse(scene, method="projection")
window = scene.crop(slice(20, 50), slice(10, 40))
part, at = scene.crop(slice(22, 42), slice(15, 35)), (slice(None), slice(66, 126), slice(45, 105))
exact = wald(window.hrhs_t1, scene.hs, scene.ms, ratio=3, psf=scene.psf)
hidden = projection.null_space(exact, window.hrhs_t1)
band = int(np.abs(scene.hs.centre - 1650).argmin())
truth, blurred = 100 * X1[band], 100 * scene.D.upsample(scene.lrhs_t1)[band]
pins = {"pond": (164, 157), "crop": (100, 170), "bare soil": (118, 77), "village": (128, 96)}
spectra = {name: X1[:, y, x] for name, (y, x) in pins.items()}
prepared, x1 = prepare(scene), network.first_date(scene)
found, where = network.second_date(scene, x1, return_steps=True), boxes.pixel_menu(pins)
steps = lesson05.StagePanels(scene, lesson05.stages(scene, network.ssje, prepared), prepared, where)
PLACE = (slice(36, 96), slice(24, 84))
maps = {"fused": metrics.sam_map(fused.hrhs_t1, fused.hrhs_t2),
        "MS": metrics.sam_map(scene.hrms_t1, scene.hrms_t2)}
"""
WIDGETS = {  # what makes it -> its sliders, menus and boxes that are moved
    "lesson01.BandPicker(X1, scene.hs, pins)": ["red (nm)", "preset"],
    "lesson01.SubspaceExplorer(stsf.sensing.fit_subspace(scene.lrhs_t1, k=20), scene.hs, spectra)":
        ["numbers k"],
    "lesson02.DegradationExplorer(scene, pins)": ["shift down and right", "SNR (dB)", "pixel"],
    "lesson03.ZigzagExplorer()": ["angle (°)"],
    "lesson03.HiddenExplorer(exact, hidden, pixel=(130, 92))": ["t"],
    "lesson03.ProjectionExplorer(window, (130, 92))": ["projections made", "shift of Y1 (px)"],
    "lesson04a.FilterExplorer(blurred, truth)": ["strength", "filter"],
    "lesson04b.WindowExplorer(100 * scene.hrms_t1[2], blurred, truth, middle=(75, 100))":
        ["window at x", "side (pixels)"],
    "lesson04b.UnitExplorer(lesson04b.watch(network.ssje, prepared, X1))": ["map", "unit"],
    "DiagramExplorer(network, scene, [steps])":
        ["seu 1", "ecu 1", "seu 2", "back-projection 2", "ecu 2", "pixel"],
    "DiagramExplorer(network, scene, lesson06.tve_panels(scene, found, where))":
        ["weights", "kept", "candidates", "candidate"],
    PLAYER: ["step", "pixel"],
    "lesson08.TrapExplorer(part, fused.hrhs_t2[at], (25, 43))": ["amount", "fault"],
    "lesson08.TableExplorer()": ["suite", "figure"],
    "lesson09.ThresholdExplorer(maps, scene.change)": ["threshold (°)", "angle between"],
    "lesson10.WitnessExplorer(part, fused.hrhs_t1[at], fused.hrhs_t2[at], X2[at], (39, 34))":
        ["amount", "fault"],
}  # fmt: skip
PAINTER = "lesson06.Painter(lesson06.Canvas(scene, network, x1, PLACE), (47, 68))"
PIXEL = "lesson00.PixelExplorer(scene, fused, pixel=(105, 78))"
CLOCK = """() => {
  document.addEventListener('change', () => { clock.event = performance.now(); }, true);
  for (const chart of Bokeh.documents)
    chart.on_change(() => requestAnimationFrame(() => { clock.drawn = performance.now(); }));
}"""
TIMES = 6


class Stopwatch:
    """The median wait for a picture, and the kernel's processor time for it, in ms."""

    def __init__(self, page, note) -> None:
        self.page, self.note = page, note
        kernels = psutil.Process().children(recursive=True)
        self.kernel = next(p for p in kernels if "ipykernel_launcher" in " ".join(p.cmdline()))

    def times(self, what: str, events) -> None:
        waits, before = [], self._used()
        for event in events:
            event()
            self.page.wait_for_function("clock.drawn > clock.event")
            waits.append(self.page.evaluate("clock.drawn - clock.event"))
            self.page.wait_for_timeout(100)
        used = 1000 * (self._used() - before) / len(waits)
        line = f"{what:46s} {median(waits):5.0f} ms, at most {max(waits):5.0f}; kernel {used:5.0f}"
        self.note("latency", line)
        print(line)

    def _used(self) -> float:
        spent = self.kernel.cpu_times()
        return spent.user + spent.system


@pytest.fixture(scope="module")
def page(lab):
    opened = lab("latency", [SETUP, *WIDGETS, PAINTER, PIXEL])
    opened.evaluate(CLOCK)
    return opened


def cell_of(page, code: str):
    """The cell with this code, in view."""
    page.evaluate(pages.SCROLL, code)
    page.wait_for_timeout(500)
    return page.locator(".jp-CodeCell.jp-mod-active")


@pytest.mark.parametrize("code", WIDGETS, ids=lambda code: code.strip().split("(")[0][:40])
def test_sliders_menus_and_boxes(code, page, record_property):
    cell, watch = cell_of(page, code), Stopwatch(page, record_property)
    cell.locator("img.widget-image").wait_for()
    name, clicks = code.strip().splitlines()[-1].split("(")[0], []
    for control in WIDGETS[code]:
        slider = cell.locator(".widget-hslider", has=page.get_by_text(control, exact=True))
        menu = cell.get_by_label(control, exact=True)
        if slider.count():
            slider.locator(".noUi-handle").focus()
            keys = ("ArrowRight", "ArrowLeft") * (TIMES // 2)
            events = [partial(page.keyboard.press, key) for key in keys]
        elif menu.count():
            names = [o for o in menu.locator("option").all_inner_texts() if "own" not in o]
            events = [partial(menu.select_option, name) for name in (names[1:] + names[:1])[:TIMES]]
        else:
            box = cell.get_by_role("button", name=control, exact=True)
            clicks.append(box.click)
            continue
        watch.times(f"{name}: {control}", events)
    if clicks:
        watch.times(f"{name}: boxes", clicks)


def test_the_brush(page, record_property):
    cell, watch = cell_of(page, PAINTER), Stopwatch(page, record_property)
    cell.locator(".stsf-surface img").wait_for()

    def dab(y: int, x: int) -> None:
        page.mouse.click(*page.evaluate(SPOT, (y, x)))

    def drag(y: int) -> None:
        page.mouse.move(*page.evaluate(SPOT, (y, 35)))
        page.mouse.down()
        page.mouse.move(*page.evaluate(SPOT, (y, 70)), steps=8)
        page.mouse.up()
        page.wait_for_timeout(1500)  # the last picture of the stroke

    dabs = [lambda i=i: dab(42 + 8 * i, 30 + 8 * i) for i in range(TIMES)]
    watch.times("Painter: dab", dabs)
    watch.times("Painter: the end of a drag", [lambda y=y: drag(y) for y in (45, 60, 75)])

    def wash() -> None:
        dab(60, 50)
        page.wait_for_timeout(1500)
        cell.get_by_role("button", name="wash off").click()

    watch.times("Painter: wash off", [wash] * 3)


def test_a_click_on_the_image(page, record_property):
    cell, watch = cell_of(page, PIXEL), Stopwatch(page, record_property)
    cell.locator(".bk-Figure").first.wait_for(state="visible")
    page.wait_for_timeout(2000)
    frame = cell.locator(".bk-Figure").first.bounding_box()

    def click(share: float) -> None:
        page.mouse.click(frame["x"] + share * frame["width"], frame["y"] + share * frame["height"])

    shares = [0.3 + 0.06 * i for i in range(TIMES)]
    watch.times("PixelExplorer: click", [lambda s=s: click(s) for s in shares])
    menu = cell.locator(".widget-toggle-button")
    watch.times("PixelExplorer: image", [menu.nth(i).click for i in (0, 2, 1)])
