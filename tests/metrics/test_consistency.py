"""Checks without truth: calm on the truth, alarmed by faults, blind where it is stated."""

from dataclasses import replace

import numpy as np
import pytest

import stsf
from stsf.metrics.consistency import plausibility, residuals
from stsf.projection import null_space


@pytest.fixture(scope="module")
def scene():
    return stsf.load_sample().crop(slice(20, 40), slice(20, 40))


def test_an_offset_shows_in_units_of_the_noise(scene):
    clean = residuals(scene, scene.hrhs_t1, scene.hrhs_t2)
    off = residuals(scene, scene.hrhs_t1 + 0.1, scene.hrhs_t2)
    # RMS of independent parts adds in squares; 0.1 over the noise of each band, by hand.
    expected = np.sqrt(clean["Y1 - D X1"] ** 2 + np.mean((0.1 / scene.noise_hs) ** 2))
    assert off["Y1 - D X1"] == pytest.approx(expected, rel=0.02)
    assert off["M2 - R X2"] == clean["M2 - R X2"]


def test_what_no_sensor_sees_leaves_no_trace(scene):
    """The limit of the check: the truth and a badly wrong X1 score alike."""
    hidden = null_space(scene, scene.hrhs_t1)
    wrong = (scene.hrhs_t1 + 3 * hidden).astype(np.float32)
    assert np.sqrt(np.mean((wrong - scene.hrhs_t1) ** 2)) > 0.02
    right = residuals(scene, scene.hrhs_t1, scene.hrhs_t2)
    assert residuals(scene, wrong, scene.hrhs_t2) == pytest.approx(right, abs=1e-3)


def test_pixels_without_data_do_not_count(scene):
    valid = np.ones(scene.size, bool)
    valid[:10] = False
    x2 = scene.hrhs_t2.copy()
    x2[:, :10] += 1
    masked = residuals(replace(scene, valid_hr=valid), scene.hrhs_t1, x2)
    assert masked["M2 - R X2"] < 2 < residuals(scene, scene.hrhs_t1, x2)["M2 - R X2"]


def test_true_spectra_are_plausible_and_shuffled_bands_are_not(scene):
    shuffled = scene.hrhs_t2[np.random.default_rng(0).permutation(len(scene.hs))]
    true, wrong = plausibility(scene, scene.hrhs_t2), plausibility(scene, shuffled)
    assert true["odd spectra in X2"] < 0.05 and true["odd spectra in Y1"] < 0.05
    assert wrong["odd spectra in X2"] > 0.9


def test_values_outside_the_range_are_counted(scene):
    x2 = np.full_like(scene.hrhs_t2, 0.5)
    x2[:, :6] = -0.1  # 6 of 60 rows
    assert plausibility(scene, x2)["values of X2 outside 0-1"] == pytest.approx(0.1)
