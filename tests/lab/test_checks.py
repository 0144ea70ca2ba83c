"""Self-checks: the right answer is praised, a plausible wrong one is told its likely mistake."""

from types import SimpleNamespace

import numpy as np
import pytest

import stsf
from stsf.degradation import Psf, SpatialDegradation
from stsf.lab.lessons import lesson00, lesson01, lesson02, lesson03
from stsf.lab.lessons.lesson03 import error_of, projection_path
from stsf.metrics.evaluation import band_groups
from stsf.projection import null_space
from stsf.sensing.spectra import library


@pytest.fixture(scope="module")
def fused(scene):
    return stsf.fuse(scene, calibrate="none")


@pytest.mark.parametrize(
    ("by_angle", "by_rms", "words"),
    [
        ("flood", "construction", "Right"),
        ("construction", "construction", "angle: that is the worst by the other yardstick"),
        ("flood", "flood", "RMS: that is the easiest"),
        ("harvest", "construction", "angle: another kind"),
        ("unchanged", "construction", "code 0"),
        ("flood", "earthquake", "does not occur"),
        (3, "construction", "name of a kind"),
    ],
)
def test_worst_change(by_angle, by_rms, words, scene):
    """Known errors: a flood with a turned curve, a building that is too bright by much."""
    x2 = scene.hrhs_t2.copy()
    half = np.arange(len(scene.hs)) % 2 == 0
    x2[np.ix_(half, *[range(n) for n in scene.size])] += 0.03 * (scene.change == 3)
    x2[half] += 0.005 * (scene.change == 4) + 0.003 * (scene.change == 1)
    x2 *= np.select([scene.change == k for k in (1, 2, 4)], [1.2, 1.1, 1.5], 1.0)
    assert words in lesson00.checks.worst_change(
        by_angle, by_rms, scene, SimpleNamespace(hrhs_t2=x2)
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("band 80", "Right"),
        ("band 5", "smallest"),
        ("band 100", "unchanged pixels"),
        ("band 50", "another band"),
        (80, "number of a band"),
        (1.6, "micrometres"),
        ("1700 nm", "one wavelength"),
        ((1700, 1800), "one wavelength"),
    ],
)
def test_hardest_wavelength(answer, words, scene):
    """Known errors: band 80 errs most where it changed, band 100 where it did not."""
    error = np.full(scene.hrhs_t2.shape, 0.03, dtype=np.float32)
    error[5] = 0.01
    error[80, scene.change > 0], error[100, scene.change == 0] = 0.09, 0.06
    error[100, scene.change > 0], error[80, scene.change == 0] = 0.02, 0.05
    fused = SimpleNamespace(hrhs_t2=scene.hrhs_t2 + error)
    if isinstance(answer, str) and answer.startswith("band"):
        answer = scene.hs.centre[int(answer.split()[1])]
    assert words in lesson00.checks.hardest_wavelength(answer, scene, fused)


@pytest.mark.parametrize(
    ("all_bands", "seen_by_ms", "words"),
    [
        (25, 20, "Right"),
        (20, 20, "all_bands: a higher SNR"),
        (10, 20, "all_bands: that is the lowest"),
        (25, 40, "seen_by_ms: there the noise does less"),
        (25, 17, "seen_by_ms: one of 10, 15"),
        ("25", 20, "all_bands: one of"),
    ],
)
def test_equal_snr(all_bands, seen_by_ms, words, scene):
    assert words in lesson02.checks.equal_snr(all_bands, seen_by_ms, scene)


def test_the_harm_of_a_shift_is_what_a_plain_computation_finds(scene):
    """R Y1 - D M1 with a shifted D, written out without noise to speak of."""
    shifted = SpatialDegradation(scene.size, 3, Psf.from_mtf(0.3, 3, shift=(0.5, 0.5)))
    believed = SpatialDegradation(scene.size, 3, Psf.from_mtf(0.3, 3))
    by_hand = scene.R.A(shifted.A(scene.hrhs_t1)) - believed.A(scene.hrms_t1)
    found = lesson02.harm(scene, snr=50.0, shift=0.5).seen_by_ms
    assert found == pytest.approx(np.sqrt(np.mean(by_hand**2)), rel=0.01)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (-1.5, "Right"),
        (1.5, "to the left"),
        (-2, "first and last"),
        (-1, "ratio 3"),
        (0, "0 ... r - 1"),
        ((-1.5, -1.5), "one number"),
        ("-1.5", "one number"),
    ],
)
def test_first_pixel_shift(answer, words):
    assert words in lesson02.checks.first_pixel_shift(answer, ratio=4)


@pytest.mark.parametrize("ratio", [2, 3, 4, 5])
def test_first_pixel_shift_is_what_a_block_mean_of_the_first_pixel_shows(ratio):
    """Without blur, and on a ramp, the sample is the value of the fine pixel that it sits on."""
    ramp = np.tile(np.arange(12.0 * ratio), (12 * ratio, 1))[None]
    shift = next(
        s for s in np.arange(-4, 4.5, 0.5) if "Right" in lesson02.checks.first_pixel_shift(s, ratio)
    )
    psf = Psf.from_mtf(0.3, ratio, shift=(shift, shift))
    seen = SpatialDegradation((12 * ratio, 12 * ratio), ratio, psf).A(ramp)
    np.testing.assert_allclose(seen[0, 6, 4:8], ramp[0, 0, ::ratio][4:8], atol=1e-6)


def _dense_mean(scene):
    lib = library()
    return lib.select(lib.attributes["LAI"] > 5).at(scene.hs).mean(axis=0)


def test_red_edge_accepts_either_way_of_taking_a_slope(scene):
    nm, mean = scene.hs.centre, _dense_mean(scene)
    by_gradient = nm[np.argmax(np.gradient(mean, nm))]
    at = np.argmax(np.diff(mean) / np.diff(nm))
    by_difference = (nm[at] + nm[at + 1]) / 2
    for answer in (by_gradient, by_difference):
        assert 700 < answer < 730
        assert "Right" in lesson01.checks.red_edge(answer, scene)


def test_red_edge_names_the_mistake(scene):
    nm, mean = scene.hs.centre, _dense_mean(scene)
    slope = np.gradient(mean, nm)
    assert "number of a band" in lesson01.checks.red_edge(int(np.argmax(slope)), scene)
    assert "falls" in lesson01.checks.red_edge(nm[np.argmin(slope)], scene)
    assert "gap" in lesson01.checks.red_edge(nm[np.argmax(np.abs(np.diff(mean)))], scene)
    assert "680 and 750" in lesson01.checks.red_edge(nm[np.argmax(mean)], scene)


@pytest.mark.parametrize(
    ("answer", "words"),
    [(6, "Right"), (5, "leave an error"), (12, "smaller k"), (0, "whole number"), (6.5, "whole")],
)
def test_enough_numbers(answer, words, scene):
    assert words in lesson01.checks.enough_numbers(answer, scene)


def test_most_hidden(view):
    hidden = null_space(view, view.hrhs_t1)
    assert "Right" in lesson03.checks.most_hidden("SWIR", view, hidden)
    assert "the least" in lesson03.checks.most_hidden("MS-covered", view, hidden)
    assert "Not yet" in lesson03.checks.most_hidden("VNIR gaps", view, hidden)
    assert "is wanted" in lesson03.checks.most_hidden("swir", view, hidden)
    assert set(band_groups(view.hs, view.ms)) == {"MS-covered", "VNIR gaps", "SWIR"}


def test_harmful_snr(view):
    by_hand = []
    for snr in range(10, 51, 5):
        steps = projection_path(view, float(snr))[1]
        if error_of(view, steps[2]) > error_of(view, steps[1]):
            by_hand.append(snr)
    assert by_hand == list(range(10, max(by_hand) + 1, 5)), "noisier is never less harmful"
    assert "Right" in lesson03.checks.harmful_snr(max(by_hand), view)
    assert "lowest" in lesson03.checks.harmful_snr(10, view)
    assert "still helps" in lesson03.checks.harmful_snr(50, view)
    assert "a higher SNR" in lesson03.checks.harmful_snr(15, view)
    assert "one of 10" in lesson03.checks.harmful_snr(33, view)
