"""Lessons 06 and 07 in JupyterLab: the brush, the player of a training, the loss that is alive."""

import io
import json
from dataclasses import replace

import nbformat
import numpy as np
import pytest
import test_browser as pages
from PIL import Image

from stsf.lab.lessons.lesson06 import material_paint
from stsf.network import shipped
from stsf.tve import Z90

CLOCK = """() => {
  window.clock = {event: 0, drawn: 0, said: [], pictures: []};
  for (const name of ['pointerup', 'keydown'])
    document.addEventListener(name, () => { clock.event = performance.now(); }, true);
  document.addEventListener('load', (event) => {
    if (!event.target.matches?.('img.widget-image')) return;
    clock.drawn = performance.now();
    clock.pictures.push(Date.now());
  }, true);
  new MutationObserver((changes) => {
    for (const change of changes)
      if (change.target.matches?.('.widget-html-content'))
        clock.said.push([change.target.innerText, Date.now()]);
  }).observe(document.body, {childList: true, subtree: true});
}"""
SPOT = """([y, x]) => {
  const picture = document.querySelector('.stsf-surface img'), at = picture.getBoundingClientRect();
  const [[left, top, width, height], [x0, y0, columns, rows]] = JSON.parse(picture.dataset.pane);
  return [at.left + (left + (x - x0 + 0.5) / columns * width) * at.width,
          at.top + (top + (y - y0 + 0.5) / rows * height) * at.height];
}"""
SAID = (
    r"^({}) pixels painted; pixel y = {}, x = {}: kept ([\d.]+), doubt σ ([\d.]+), "
    r"error ([\d.]+); the 90 % band holds the truth in (\d+)% of the bands"
)
WINDOW = (slice(36, 96), slice(24, 84))  # of lesson 06
LIVE = """
import json, time
from stsf.lab.lessons.lesson07 import live_loss
from stsf.training import Recipe, train
live_loss.EVERY = 0.0  # draw every step
heard = []
with live_loss.LiveLoss() as live:
    def callback(progress):
        heard.append([*progress, 1000 * time.time()])
        live(progress)
    train(Recipe("smallest", (1, 1, 1), (4, 12, 12), 24), callback=callback, validation=[])
with open("heard.json", "w") as file:
    json.dump(heard, file)
"""
PLAYER = """
import numpy as np
from stsf.evidence import canonical
from stsf.lab.lessons.lesson07 import Player, Snapshot
flat = np.full((24, canonical.fine().weights.shape[0]), 0.3)
off = 0.01 * (1 + np.arange(24)[:, None])  # pixel 0 is off by 0.01 at step 0, pixel 3 by 0.04
few = [Snapshot(s, 0.9 / (1 + s), 0.8 + s / 100, flat + off / (1 + s)) for s in (0, 1, 4)]
many = [Snapshot(s, 0.9 / (1 + s), 0.8 / (1 + s), flat - 2 * off / (1 + s)) for s in (0, 1, 4)]
Player({2: few, 8: many}, flat)
"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(browser, start_module_lab, tmp_path_factory):
    """`lab(name, cells)`: a notebook of these cells in JupyterLab, run, with a clock in it."""
    folder, faults = tmp_path_factory.mktemp("lab"), list[str]()
    settings = pages._no_news(tmp_path_factory.mktemp("app"))
    address = start_module_lab(folder, f"--LabApp.app_settings_dir={settings}")

    def open_cells(name, cells):
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(made, folder / f"{name}.ipynb")
        page = browser.new_page(viewport={"width": 1500, "height": 1400})
        page.set_default_timeout(30_000)
        page.route(
            lambda url: "127.0.0.1" not in url and not url.startswith(("data:", "blob:")),
            lambda route: (pages._note(route.request.url, faults), route.abort()),
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address.replace("/lab?", f"/lab/workspaces/{name}/tree/{name}.ipynb?"))
        page.wait_for_function(pages.IDLE)
        page.evaluate(CLOCK)
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        pages._wait_for_last_cell(page, 60)
        return page

    open_cells.folder = folder
    yield open_cells
    assert faults == []


def lesson(name: str, *tags: str) -> list[str]:
    """The cells of a lesson that bear one of these tags."""
    notebook = nbformat.read(pages.ROOT / "notebooks" / name, as_version=4)
    return [c.source for c in notebook.cells if set(tags) & set(c.metadata.get("tags", ()))]


def dab(spot: tuple[int, int], radius: float, size: tuple[int, int]) -> np.ndarray:
    """(H, W) True in a disc, as far as it lies in the window of the lesson."""
    y, x = np.indices(size)
    inside = np.zeros(size, dtype=bool)
    inside[WINDOW] = True
    return inside & (np.hypot(y - spot[0], x - spot[1]) <= radius)


def expected(scene, network, x1, spot, paint=None, radius=0.0) -> list[float]:
    """What the line should say of a pixel, if this test paints, and the whole scene is fused."""
    m2, truth, mask = scene.hrms_t2.copy(), scene.hrhs_t2[:, *spot], dab(spot, radius, scene.size)
    if paint:
        noise = np.random.default_rng(0).standard_normal((len(paint.ms), mask.sum()))
        m2[:, mask] = paint.ms[:, None] + noise * scene.noise_ms[:, None]
        truth = paint.hs
    found = network.second_date(replace(scene, hrms_t2=m2), x1, return_steps=True)
    sigma, error = found.sigma[:, *spot], np.abs(found.x2[:, *spot] - truth)
    doubt, off = (np.sqrt(np.mean(np.square(values))) for values in (sigma, error))
    count = mask.sum() if paint else 0
    return [count, found.steps["kept"][spot], doubt, off, 100 * np.mean(error <= Z90 * sigma)]


def colour(page, y: int, x: int) -> np.ndarray:
    """(3,) the colour of a pixel of the painted image on the screen, 0-255."""
    left, top = page.evaluate(SPOT, [y, x])
    shot = page.screenshot(clip={"x": left - 1, "y": top - 1, "width": 2, "height": 2})
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), dtype=float).mean(axis=(0, 1))


def test_the_brush_paints_where_it_is_clicked_and_dragged(lab, scene, tmp_path):
    network = shipped()
    x1 = network.first_date(scene)
    setup, *widgets = lesson("06_tve.ipynb", "setup", "widget")
    page = lab("brush", [setup, *(source for source in widgets if "lab.Painter(" in source)])
    pages._wait_for_text(page, SAID.format(r"\d+", 47, 68))

    def said(pixels: int, spot: tuple[int, int]) -> list[float]:
        found = pages._wait_for_text(page, SAID.format(pixels, *spot))
        page.wait_for_function("clock.drawn > clock.event")  # the picture is there, too
        return [float(value) for value in found.groups()]

    def click(spot: tuple[int, int]) -> None:
        page.mouse.click(*page.evaluate(SPOT, spot))

    close = [0, 0.02, 0.002, 0.002, 4]  # the canvas makes anew only what is near the dab
    middle, corner = (60, 50), (36, 24)
    click(middle)
    found = said(49, middle)
    wanted = expected(scene, network, x1, middle, material_paint("water", scene), 4)
    assert np.all(np.abs(np.subtract(found, wanted)) <= close), (found, wanted)
    page.get_by_label("paint", exact=True).select_option("snow")
    pages._slide(page, "radius", "ArrowLeft", 2)
    page.get_by_role("button", name="wash off").click()  # comes after paint and radius
    found = said(0, middle)
    bare = expected(scene, network, x1, middle)
    assert np.all(np.abs(np.subtract(found, bare)) <= close), (found, bare)
    assert bare[1] != wanted[1]

    before = [colour(page, *spot) for spot in (corner, (95, 24))]
    click(corner)
    said(6, corner)  # a quarter of a disc: by hand 3 + 2 + 1
    now = [colour(page, *spot) for spot in (corner, (95, 24))]
    assert np.abs(now[0] - before[0]).max() > 40, "the image is painted where it was clicked"
    assert np.abs(now[1] - before[1]).max() < 5, "and is not upside down"
    page.get_by_role("button", name="wash off").click()
    said(0, corner)

    start, end = (60, 40), (60, 60)
    page.mouse.move(*page.evaluate(SPOT, start))
    page.mouse.down()
    page.mouse.move(*page.evaluate(SPOT, end), steps=4)  # the mouse jumps, the stroke does not
    page.mouse.up()
    way = np.any([dab((60, x), 2, scene.size) for x in range(40, 61)], axis=0)
    found = said(way.sum(), end)
    m2 = scene.hrms_t2.copy()
    m2[:, way] = material_paint("snow", scene).ms[:, None]
    kept = network.second_date(replace(scene, hrms_t2=m2), x1, return_steps=True).steps["kept"]
    assert abs(found[1] - kept[end]) <= close[1]
    page.mouse.move(*page.evaluate(SPOT, (80, 70)))
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(*page.evaluate(SPOT, (80, 40)), steps=4)  # without a button: no paint
    both = way | dab((80, 70), 2, scene.size)
    said(both.sum(), (80, 70))
    page.get_by_role("button", name="wash off").click()
    said(0, (80, 70))
    page.locator(".stsf-surface img").focus()  # without a mouse
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    said(13, (66, 55))
    pages.fits(page, "lab.Painter(", tmp_path / "painter.png")


def test_the_player_shows_the_step_the_scenes_and_the_pixel(lab):
    page = lab("player", [PLAYER])

    def said(scenes: int, step: int) -> list[float]:
        text = (
            rf"^{scenes} scenes, step {step}: .*learns from ([\d.]+), on unseen scenes ([\d.]+); "
            r"this pixel errs by ([\d.]+)"
        )
        return [float(value) for value in pages._wait_for_text(page, text).groups()]

    assert said(2, 0) == [0.9, 0.8, 0.01]
    pages._slide(page, "step", "ArrowRight", 2)
    assert said(2, 4) == [0.18, 0.84, 0.002]
    pages._slide(page, "training scenes", "ArrowRight")
    assert said(8, 4) == [0.18, 0.16, 0.004]
    pages._slide(page, "pixel", "ArrowRight", 3)
    pages._wait_for_text(page, r"errs by 0\.016")


def test_the_loss_is_shown_while_the_network_learns(lab, record_property):
    page = lab("live", [LIVE])
    heard = json.loads((lab.folder / "heard.json").read_text())
    last = {}
    for stage, steps in {"SSJE": 4, "SFTN": 12, "TVE": 12}.items():
        losses = [loss for name, _, _, loss, _ in heard if name == stage]
        assert len(losses) == steps
        last[stage] = losses[-1]  # a tenth of the steps is one step
    end = ", ".join(rf"{stage} (-?[\d.]+)" for stage in last)
    found = pages._wait_for_text(page, "^done: last losses " + end)
    assert [float(v) for v in found.groups()] == pytest.approx(list(last.values()), abs=6e-4)

    over = heard[-1][-1]  # when the last step was made; both clocks are those of this machine
    shown = {text: at for text, at in page.evaluate("clock.said") if at < over}
    pictures = np.array(page.evaluate("clock.pictures"))
    assert np.sum(pictures < over) > 3
    delays = []
    for stage, step, steps, _, at in heard[:-1]:
        what = "scene" if stage.endswith(" scenes") else "step"
        if f"{stage.removesuffix(' scenes')}: {what} {step} of {steps}" in shown:
            delays.append(min(pictures[pictures >= at], default=np.nan) - at)
    assert {"SSJE", "SFTN", "TVE"} <= {text.split(":")[0] for text in shown}, list(shown)
    report = f"{len(delays)} of {len(heard)} shown, to the picture {np.nanmedian(delays):.0f} ms"
    record_property("live loss", report)
    print(report)
