"""Painting into M2: what the canvas says is what the network says, and the brush paints."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from test_redraw import beyond, overlapping

from stsf.lab.lessons import lesson06 as lab
from stsf.lab.lessons.live import arrange
from stsf.network import shipped
from stsf.tve import Z90

WINDOW = (slice(6, 36), slice(12, 48))
PIXEL = (20, 30)


@pytest.fixture(scope="module")
def x1(view):
    return shipped().first_date(view)


@pytest.fixture(scope="module")
def shared(view, x1):
    return lab.Canvas(view, shipped(), x1, WINDOW)


@pytest.fixture
def canvas(shared):
    shared.clear()
    return shared


def part(cube):
    return cube[(..., *WINDOW)]


@pytest.mark.parametrize("paint", [None, "water"])
def test_the_canvas_says_what_the_network_says_of_the_whole_scene(paint, canvas, view, x1):
    if paint:
        canvas.brush(lab.material_paint(paint, view), [PIXEL, (8, 14)], radius=5)
    found = shipped().second_date(replace(view, hrms_t2=canvas.m2), x1, return_steps=True)
    for wanted, said in zip((found.x2, found.sigma, found.steps["kept"]), canvas.answer):
        np.testing.assert_allclose(said, part(wanted), atol=2e-4)


def test_a_disc_is_painted_with_the_noise_of_the_ms(canvas, view):
    paint = lab.material_paint("snow", view)
    canvas.brush(paint, [PIXEL], radius=4)
    y, x = np.indices(view.size)
    disc = np.hypot(y - PIXEL[0], x - PIXEL[1]) <= 4
    assert np.array_equal(canvas.painted, disc) and disc.sum() == 49
    assert np.array_equal(canvas.m2[:, ~disc], view.hrms_t2[:, ~disc])
    assert np.array_equal(canvas.truth[:, disc], np.tile(paint.hs[:, None], 49))
    noise = (canvas.m2[:, disc] - paint.ms[:, None]) / view.noise_ms[:, None]
    assert np.abs(noise.mean()) < 0.3 and 0.8 < noise.std() < 1.2


def test_radius_zero_is_one_pixel_and_paint_stays_in_the_window(canvas, view):
    paint = lab.material_paint("soil", view)
    canvas.brush(paint, [PIXEL], radius=0)
    assert np.argwhere(canvas.painted).tolist() == [list(PIXEL)]
    canvas.brush(paint, [(6, 12)], radius=8)
    outside = np.ones(view.size, dtype=bool)
    outside[WINDOW] = False
    assert not canvas.painted[outside].any() and canvas.painted.sum() > 40


def test_washing_off_brings_back_what_was(canvas, view):
    before = [a.copy() for a in canvas.answer]
    canvas.brush(lab.material_paint("water", view), [PIXEL], radius=6)
    assert np.abs(canvas.answer.kept - before[2]).max() > 0.3
    canvas.clear()
    assert not canvas.painted.any() and np.array_equal(canvas.m2, view.hrms_t2)
    for old, new in zip(before, canvas.answer):
        np.testing.assert_array_equal(old, new)


def test_a_new_cover_lets_x1_go(canvas, view):
    at = canvas.at(PIXEL)
    before = canvas.answer.kept[at]
    canvas.brush(lab.material_paint("water", view), [PIXEL], radius=6)
    assert canvas.answer.kept[at] < 0.3 < before


def test_the_line_says_error_and_band(canvas, view):
    canvas.brush(lab.material_paint("built", view), [PIXEL], radius=3)
    x2, sigma, kept = (a[(..., *canvas.at(PIXEL))] for a in canvas.answer)
    error = np.abs(x2 - lab.material_paint("built", view).hs)
    text = lab.say(canvas, PIXEL)
    assert text.startswith(f"29 pixels painted; pixel y = 20, x = 30: kept {kept:.2f}, doubt ")
    assert f"error {np.sqrt(np.mean(error**2)):.3f}" in text
    assert f"in {np.mean(error <= Z90 * sigma):.0%} of the bands" in text


def test_paints_are_what_the_sensors_see(view):
    paint = lab.material_paint("canopy", view)
    red, nir = paint.ms[2:4]
    assert nir > 3 * red  # leaves
    seen = view.R.A(paint.hs[:, None, None])[:, 0, 0]
    np.testing.assert_allclose(seen, paint.ms, atol=0.02)
    picked = lab.pixel_paint(view, (3, 5))
    assert np.array_equal(picked.hs, view.hrhs_t2[:, 3, 5])


def test_the_painter_paints_looks_and_picks(canvas):
    painter = lab.Painter(canvas, PIXEL)
    painter.surface.answer({"places": [[20, 30]]})
    assert canvas.painted[PIXEL] and painter.text.value.startswith(
        "49 pixels painted; pixel y = 20"
    )
    painter.click.value = "look"
    painter.surface.answer({"places": [[10, 40]]})
    assert "49 pixels painted; pixel y = 10, x = 40" in painter.text.value
    painter.surface.answer({"places": [[10, 400]]})  # beside the window
    assert "x = 40" in painter.text.value
    painter.click.value = "pick"
    painter.surface.answer({"places": [[30, 44]]})
    assert painter.paint.value == lab.FROM_SCENE and painter.click.value == "paint"
    assert np.array_equal(painter.paints[lab.FROM_SCENE].hs, canvas.scene.hrhs_t2[:, 30, 44])
    painter.wash.click()
    assert painter.text.value.startswith("0 pixels painted")


def test_a_stroke_paints_all_the_way(canvas):
    painter = lab.Painter(canvas, PIXEL)
    painter.radius.value = 2
    assert painter.surface.radius == 2
    painter.surface.answer({"places": [[20, x] for x in range(20, 31)]})
    y, x = np.indices(canvas.scene.size)
    wanted = np.zeros(canvas.scene.size, dtype=bool)
    for column in range(20, 31):
        wanted |= np.hypot(y - 20, x - column) <= 2
    assert np.array_equal(canvas.painted, wanted) and painter.pixel == (20, 30)


def test_the_pane_on_the_page_is_that_of_m2(canvas):
    painter = lab.Painter(canvas, PIXEL)
    painter.redraw()
    picture = np.asarray(Image.open(io.BytesIO(painter.surface.png)).convert("RGB")) / 255
    left, top, width, height = np.array(painter.surface.pane) * (picture.shape[1::-1] * 2)
    ys, xs = WINDOW
    colours = lab.shown(canvas)
    for y, x in ((8, 14), (30, 40), (20, 20)):
        row = round(top + (y - ys.start + 0.5) / (ys.stop - ys.start) * height)
        column = round(left + (x - xs.start + 0.5) / (xs.stop - xs.start) * width)
        np.testing.assert_allclose(picture[row, column], colours[canvas.at((y, x))], atol=0.02)


def test_the_axis_of_the_curve_reaches_beyond_snow_and_comes_back(canvas, view):
    panels = lab.PaintingPanels(canvas)
    panels.show(PIXEL)
    before = panels.axes["curve"].get_ylim()
    canvas.brush(lab.material_paint("snow", view), [PIXEL], radius=6)
    panels.show(PIXEL)
    top = panels.axes["curve"].get_ylim()[1]
    for line in panels.axes["curve"].lines:
        assert np.nanmax(line.get_ydata()) <= top
    assert top > 0.9 > before[1]
    canvas.clear()
    panels.show(PIXEL)
    assert panels.axes["curve"].get_ylim() == before


def test_edges_are_the_border_of_the_paint(canvas, view):
    canvas.brush(lab.material_paint("soil", view), [PIXEL], radius=0)
    y, x = PIXEL
    found = {frozenset(map(tuple, line)) for line in lab.edges(canvas)}
    corners = [(x - 0.5, y - 0.5), (x + 0.5, y - 0.5), (x + 0.5, y + 0.5), (x - 0.5, y + 0.5)]
    assert found == {frozenset((corners[i - 1], corners[i])) for i in range(4)}


def test_a_dab_draws_what_a_whole_figure_would(canvas, view):
    """Nothing is left behind of the last picture."""
    panels = lab.PaintingPanels(canvas)
    panels.show(PIXEL), panels.png()
    canvas.brush(lab.material_paint("built", view), [PIXEL], radius=3)
    panels.show(PIXEL)
    moved = np.asarray(Image.open(io.BytesIO(panels.png())).convert("RGB"), dtype=int)
    again = lab.PaintingPanels(canvas)
    again.show(PIXEL)
    whole = np.asarray(Image.open(io.BytesIO(again.png())).convert("RGB"), dtype=int)
    assert np.mean(np.abs(moved - whole).max(axis=2) > 8) < 1e-3


def test_every_axis_is_labelled(canvas):
    figure, text = lab.painting_view(canvas, PIXEL)
    assert text == lab.say(canvas, PIXEL)
    assert all(ax.get_xlabel() or ax.get_label() == "<colorbar>" for ax in figure.axes)
    assert all(ax.get_ylabel() for ax in figure.axes)
    assert figure.axes[0].get_title() == "M2, NIR colours"
    arrange(figure, [])
    assert beyond(figure) <= 0 and overlapping(figure) == []
