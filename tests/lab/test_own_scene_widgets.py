"""Lesson 10: what was built into the three files, and what the witnesses see of it."""

import re
from dataclasses import replace

import numpy as np
import pytest

from stsf.alignment.registration import register
from stsf.files.imagefile import read_image
from stsf.files.scenes import read_scene
from stsf.lab.lessons import kit
from stsf.lab.lessons import lesson10 as lab
from stsf.metrics.figures import rmse


@pytest.fixture(scope="module")
def files(scene, tmp_path_factory):
    return lab.three_files(scene, tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def seen(files):
    return read_scene(*files)


@pytest.fixture(scope="module")
def view(scene):
    """With the truth as estimate, so that every witness is content at first."""
    return scene.crop(slice(20, 32), slice(20, 32))


def test_the_files_hold_what_was_built_in(scene, seen):
    assert seen.hrhs_t2 is None and seen.dates == scene.dates and seen.crs == scene.crs
    _, found = register(seen)
    assert [e.value for e in found.ms] == pytest.approx(lab.SHIFT_MS1, abs=0.06)
    shift = found.hs[0].shift_y.value, found.hs[0].shift_x.value
    assert shift == pytest.approx(lab.SHIFT_HS, abs=0.06)
    ratio = (seen.hrms_t2 / scene.R.A(scene.hrhs_t2)).reshape(4, -1)
    gains = [lab.GAINS.get(name, 1.0) for name in scene.ms.band_names]
    assert np.median(ratio, axis=1) == pytest.approx(gains, abs=0.005)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("files swapped", "may be swapped"),
        ("digital numbers", "^counts.tif must be reflectance"),
        ("another extent", "stsf prepare --hs hs_t1.tif"),
        ("another map projection", "EPSG:32632"),
        ("no wavelengths", "found none"),
    ],
)
def test_each_damage_is_refused_for_its_own_reason(files, tmp_path, fault, words):
    said = lab.refusal(lab.DAMAGE[fault](files, tmp_path))
    assert re.search(words, said) and "\n" not in said and str(tmp_path) not in said


def test_every_damage_is_tested_and_sound_files_pass(files):
    assert len(lab.DAMAGE) == 5 and lab.refusal(files) == "accepted"
    assert read_image(files[0]).sensor == "AHSI"


def test_a_band_kept_secret_is_not_used(scene):
    part = scene.crop(slice(20, 32), slice(20, 32))
    guess, measured = lab.left_out(part, "B4")
    assert np.array_equal(measured, part.hrms_t2[2].ravel())
    other = part.hrms_t2.copy()
    other[2] = 0.5 - other[2]
    again, _ = lab.left_out(replace(part, hrms_t2=other), "B4")
    assert np.array_equal(guess, again)
    assert kit.rms(guess - measured) < kit.rms(part.hrms_t1[2].ravel() - measured)


@pytest.mark.parametrize("fault", list(lab.FAULTS))
def test_a_fault_begins_at_nothing_and_grows(view, fault):
    x2 = view.hrhs_t2
    spoil = lab.FAULTS[fault]
    assert np.allclose(spoil(view, x2, 0.0), x2, atol=1e-6)
    assert 0 < rmse(spoil(view, x2, 0.5), x2) < rmse(spoil(view, x2, 1.0), x2)


@pytest.mark.parametrize("fault", list(lab.FAULTS))
def test_the_residual_sees_measured_bands_only(view, fault):
    def residual(amount: float) -> float:
        given = view, view.hrhs_t1, view.hrhs_t2, view.hrhs_t2, (5, 5)
        text = lab.witness_view(*given, fault, amount)[1]
        return float(re.search(r"M2 - R X2 is ([\d.]+) of the noise", text)[1])

    hidden = fault.startswith("SWIR")
    assert (residual(1.0) < 1.1 * residual(0.0)) == hidden


def test_the_widget_shows_what_the_static_figure_shows(view):
    given = view, view.hrhs_t1, view.hrhs_t2, view.hrhs_t2, (5, 5)
    widget = lab.WitnessExplorer(*given)
    widget.fault.value, widget.amount.value = "SWIR brighter", 0.3
    text = lab.witness_view(*given, "SWIR brighter", 0.3)[1]
    assert widget.text.value == text
    hidden = view.hrhs_t2[view.hs.centre > 1100]
    by_hand = np.sqrt(np.sum((0.15 * hidden) ** 2) / view.hrhs_t2.size)
    assert float(text.split()[-1]) == pytest.approx(by_hand, abs=1e-4)


def test_every_axis_is_labelled(view, seen):
    given = view, view.hrhs_t1, view.hrhs_t2, view.hrhs_t2, (5, 5)
    for figure in (lab.misfit_view(seen, seen), lab.witness_view(*given, "one pixel off", 0.5)[0]):
        assert all(ax.get_xlabel() or ax.get_label() == "<colorbar>" for ax in figure.axes)
        assert all(ax.get_ylabel() for ax in figure.axes)
