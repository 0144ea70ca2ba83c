"""What the widgets of lessons 01 and 03 say, against numbers found in another way."""

import re

import numpy as np
import pytest

from stsf.lab.lessons import lesson01, lesson03
from stsf.metrics.figures import rmse
from stsf.projection import null_space
from stsf.sensing.spectra import library
from stsf.sensing.subspace import fit_subspace


def test_band_view_takes_the_nearest_bands(scene):
    pins = {"pond": (164, 157), "soil": (118, 77)}
    figure, text = lesson01.band_view(scene.hrhs_t1, scene.hs, pins, (2200, 840, 665))
    found = re.fullmatch(r"red (\d+) nm, green (\d+) nm, blue (\d+) nm: pond (.*); soil .*", text)
    shown = [float(v) for v in found[4].split(" / ")]
    for asked, nm, value in zip((2200, 840, 665), map(float, found.groups()), shown):
        band = int(np.argmin([abs(c - asked) for c in scene.hs.centre]))
        assert nm == round(scene.hs.centre[band])
        assert value == pytest.approx(scene.hrhs_t1[band, 164, 157], abs=0.005)
    assert figure.axes[0].get_xlabel() == "x (pixels)"


def test_the_first_wavelength_is_shown_as_red(scene):
    """A band that is bright in the left half alone, put on each channel in turn."""
    cube = np.full((3, 10, 10), 0.1)
    cube[0, :, :5] = 0.5
    hs = scene.hs.select([0, 40, 100])
    for channel, order in enumerate(([0, 1, 2], [1, 0, 2], [1, 2, 0])):
        wanted = tuple(hs.centre[order])
        figure, _ = lesson01.band_view(cube, hs, {"p": (0, 0), "q": (0, 9)}, wanted)
        image = figure.axes[0].images[0].get_array()
        assert image[0, 0, channel] > image[0, 9, channel]
        assert np.ptp(np.delete(image, channel, axis=2)) == 0


def test_rebuilding_gets_better_and_ends_at_the_plane(scene):
    plane = fit_subspace(scene.lrhs_t1, 8)
    spectrum = scene.hrhs_t1[:, 90, 90]
    errors = []
    for k in range(9):
        text = lesson01.subspace_view(plane, scene.hs, spectrum, k)[1]
        errors.append(float(re.search(r"error ([\d.]+)", text)[1]))
    assert errors == sorted(errors, reverse=True) and errors[0] > 3 * errors[-1]
    by_hand = spectrum - plane.mean
    by_hand = by_hand - plane.basis.T @ (plane.basis @ by_hand)
    assert errors[-1] == pytest.approx(np.sqrt(np.mean(by_hand**2)), abs=1e-4)


@pytest.mark.parametrize("angle", [90.0, 60.0, 20.0])
def test_zigzag_stays_on_its_lines_and_shrinks_by_cos_squared(angle):
    points = lesson03.zigzag(angle, 3)
    normal = np.array([-np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    assert np.abs(points[::2, 1]).max() < 1e-12  # the first line
    assert np.abs(points[1::2] @ normal).max() < 1e-12  # the second
    shrinks = np.cos(np.radians(angle)) ** 2
    np.testing.assert_allclose(points[::2, 0], shrinks ** np.arange(4), atol=1e-12)


def numbers(text):
    return [float(value) for value in re.findall(r"= ([\d.]+)", text)]


def test_one_round_is_exact_without_noise_and_the_view_says_so(view):
    _, text = lesson03.projection_view(view, (90, 60), 2)
    hs, ms, error = numbers(text)
    assert text.startswith("round 1, spatial projection made") and hs == ms == 0
    steps = lesson03.projection_path(view)[1]
    assert error == pytest.approx(rmse(steps[2].x, view.hrhs_t1), abs=1e-4)


def test_a_shift_breaks_it_and_registration_mends_it(view):
    def after_a_round(**settings):
        return numbers(lesson03.projection_view(view, (90, 60), 2, **settings)[1])

    good, broken = after_a_round(), after_a_round(shift=0.5)
    mended = after_a_round(shift=0.5, mend=True)
    assert broken[1] > 0.003 and broken[2] > 1.1 * good[2]
    assert mended[1] < 0.1 * broken[1] and mended[2] < good[2] + 0.3 * (broken[2] - good[2])


def test_regularisation_helps_against_noise(view):
    plain, weighed = (
        numbers(lesson03.projection_view(view, (90, 60), 2, snr=20.0, regularised=r)[1])
        for r in (False, True)
    )
    assert weighed[2] < 0.5 * plain[2]


def test_steps_beyond_the_last_show_the_last(view):
    _, text = lesson03.projection_view(view, (90, 60), 6, snr=35.0, regularised=True)
    steps = lesson03.projection_path(view, 35.0, regularised=True)[1]
    assert len(steps) < 7 and text.startswith(f"round {steps[-1].iteration}, spatial")


def test_every_axis_is_labelled(scene, view):
    lib = library()
    picks = {"soil": 0, "clear water": lib.names.index("water-11")}
    plane = fit_subspace(scene.lrhs_t1, 4)
    figures = [
        lesson01.library_view(lib, picks),
        lesson01.compare_view(scene.hs, scene.ms, lib, picks),
        lesson01.weights_view(scene.hs, scene.ms),
        lesson01.subspace_view(plane, scene.hs, scene.hrhs_t1[:, 9, 9], 2)[0],
        lesson03.zigzag_view(),
        lesson03.projection_view(view, (90, 60))[0],
        lesson03.hidden_view(view, 0 * view.hrhs_t1, (90, 60))[0],
        lesson03.gain_view(view, {"none": np.zeros((len(view.hs), len(view.ms)))}),
    ]
    for figure in figures:
        assert all(ax.get_xlabel() or ax.get_label() == "<colorbar>" for ax in figure.axes)
        assert all(ax.get_ylabel() or ax.get_label() == "<colorbar>" for ax in figure.axes)


def test_what_neither_sensor_sees_leaves_both_residuals_at_zero(view):
    exact = lesson03.projection_path(view)[0]
    hidden = null_space(exact, view.hrhs_t1)
    for t in (-2.0, 0.5, 1.0):
        _, text = lesson03.hidden_view(exact, hidden, (90, 60), t)
        hs, ms, error = numbers(text.partition(": ")[2])
        assert hs == ms == 0
        assert error == pytest.approx(abs(t) * np.sqrt(np.mean(hidden**2)), abs=1e-4)
    _, loud = lesson03.hidden_view(exact, view.hrhs_t1, (90, 60), 0.1)  # seen by both
    assert min(numbers(loud.partition(": ")[2])) > 0.005
