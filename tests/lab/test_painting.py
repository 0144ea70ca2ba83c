"""Painting into M2: what the canvas says is what the network says, and the brush paints."""

from dataclasses import replace

import numpy as np
import pytest

from stsf.lab.lessons import lesson06 as lab
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
    painter._clicked(x=30.2, y=19.8)
    assert canvas.painted[PIXEL] and painter.text.value.startswith(
        "49 pixels painted; pixel y = 20"
    )
    painter.click.value = "look"
    painter._clicked(x=40.0, y=10.0)
    assert "49 pixels painted; pixel y = 10, x = 40" in painter.text.value
    painter._clicked(x=400.0, y=10.0)  # beside the image
    painter._clicked(x=None, y=None)
    assert "x = 40" in painter.text.value
    painter.click.value = "pick"
    painter._clicked(x=44.0, y=30.0)
    assert painter.paint.value == lab.FROM_SCENE and painter.click.value == "paint"
    assert np.array_equal(painter.paints[lab.FROM_SCENE].hs, canvas.scene.hrhs_t2[:, 30, 44])
    painter.wash.click()
    assert painter.text.value.startswith("0 pixels painted")


def test_every_axis_is_labelled(canvas):
    figure, text = lab.painting_view(canvas, PIXEL)
    assert text == lab.say(canvas, PIXEL)
    assert all(ax.get_xlabel() for ax in figure.axes)
    assert [ax.get_title() for ax in figure.axes[:3]][:1] == ["M2, NIR colours"]
