"""Each method on a scene whose answer is known without it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from stsf.baselines.registry import methods
from stsf.baselines.spatial_spectral import (
    bicubic,
    gsa,
    lift,
    local_regression,
    mtf_glp_hs,
    scene_regression,
    without_noise,
)
from stsf.degradation import Psf
from stsf.evidence.local import local_fit
from stsf.metrics.figures import psnr, rmse
from stsf.scene import Scene
from stsf.sensing.bands import from_bands
from stsf.sensing.sensors import S2_10, ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import observe, wald
from stsf.world.simulation import simulate

CENTRE = np.arange(450.0, 1350.0, 50.0)  # 18 bands, 550 nm of them on the first detector
HS = from_bands(CENTRE, 50.0 + 0 * CENTRE, name="test HS", gsd=30.0)
MS = from_bands(np.array([560.0, 830.0, 1200.0]), np.array([80.0, 120.0, 150.0]), "test MS", 10.0)
PSF = (Psf(1.2, 1.0), Psf(1.7, 1.5, 0.3, -0.2))  # one per detector, the second displaced
QUIET = {"snr_hs": 160.0, "snr_ms": 160.0}
rng = np.random.default_rng(3)


def linear_scene(ratio=3, size=(30, 24)) -> Scene:
    """Every spectrum is a mean plus three others times white noise: X1 is linear in the MS."""
    spectra = rng.uniform(-1, 1, (len(HS), 3))
    cube = 0.4 + 0.03 * np.tensordot(spectra, rng.standard_normal((3, *size)), 1)
    return replace(wald(cube, HS, MS, ratio, psf=PSF), **QUIET)


def noisy_scene(ratio=2, size=(28, 20), ms=MS) -> Scene:
    """Smooth patches of random materials with noise, as any scene has them."""
    field = np.add.outer(np.sin(np.arange(size[0]) / 3.0), np.cos(np.arange(size[1]) / 2.0))
    parts = np.stack([field > 0.4, field < -0.4, abs(field) <= 0.4]).astype(float)
    cube = np.tensordot(rng.uniform(0.1, 0.6, (len(HS), 3)), parts, 1)
    cube = cube * (1 + 0.1 * rng.standard_normal(size))
    return wald(cube, HS, ms, ratio, psf=PSF, snr_hs=35.0, snr_ms=40.0)


def test_two_detectors_with_a_psf_each():
    assert set(HS.detector) == {0, 1} and set(linear_scene().D.detector) == {0, 1}


# --- bicubic ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [2, 3, 4])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.4, -0.7)])
def test_bicubic_returns_a_ramp(ratio, shift):
    rows, columns = np.mgrid[: 12 * ratio, : 10 * ratio] / (12.0 * ratio)
    cube = np.linspace(0.1, 0.4, len(HS))[:, None, None] * (1 + rows - 0.5 * columns)
    scene = wald(
        cube, HS, MS, ratio, psf=tuple(Psf(0.4 * ratio, 0.5 * ratio, *shift) for _ in "ab")
    )
    inside = (slice(None), *(slice(4 * ratio, -4 * ratio),) * 2)
    np.testing.assert_allclose(bicubic(scene)[inside], cube[inside], atol=2e-6)


# --- component substitution and filtering ---------------------------------------------------------


@pytest.mark.parametrize("method", [gsa, mtf_glp_hs, local_regression])
@pytest.mark.parametrize("ratio", [2, 3])
def test_exact_where_x1_is_linear_in_the_ms(method, ratio):
    scene = linear_scene(ratio)
    assert rmse(bicubic(scene), scene.hrhs_t1) > 0.02  # white noise cannot be interpolated
    np.testing.assert_allclose(method(scene), scene.hrhs_t1, atol=2e-4)


def test_gsa_swaps_the_intensity_of_one_ms_band():
    """P = a + b M and I = best combination of the HS bands, by least squares; g by covariance."""
    scene = noisy_scene(ms=MS.select([1]))
    y = scene.lrhs_t1.astype(float)
    band = len(HS) - 1
    D = scene.D.at(np.array([1]))  # the PSF of that band's detector
    b, a = np.polyfit(D.A(scene.hrms_t1.astype(float)).ravel(), y[band].ravel(), 1)
    p = a + b * scene.hrms_t1.astype(float)
    T = np.column_stack([np.ones(y[0].size), y.reshape(len(y), -1).T])
    i = T @ np.linalg.lstsq(T, D.A(p).ravel(), rcond=None)[0]
    (_, covariance), (_, variance) = np.cov(y[band].ravel(), i), np.cov(i, i)
    gain = covariance[0] / variance[0]
    expected = D.upsample(y[band : band + 1]) + gain * (p - D.upsample(i.reshape(1, *y.shape[1:])))
    np.testing.assert_allclose(gsa(scene)[band], expected[0], atol=1e-4)


def test_mtf_glp_hs_adds_what_the_psf_removed_from_one_band():
    """Hand-computed for a single MS band: P = a + b M by least squares, X = P + up(Y - D P)."""
    scene = noisy_scene(ms=MS.select([1]))
    band = len(HS) - 1
    low = scene.D.at(np.array([1])).A(scene.hrms_t1.astype(float))[0]  # as the second detector sees
    b, a = np.polyfit(low.ravel(), scene.lrhs_t1[band].astype(float).ravel(), 1)
    p = a + b * scene.hrms_t1.astype(float)
    D = scene.D.at(np.array([1]))
    expected = p + D.upsample(scene.lrhs_t1[band] - D.A(p))
    np.testing.assert_allclose(mtf_glp_hs(scene)[band], expected[0], atol=1e-5)


# --- local regression ---------------------------------------------------------------------------


def two_halves(ratio=2) -> tuple[Scene, np.ndarray]:
    """X1 = a M1 with other slopes left and right: linear in the MS, but not everywhere alike."""
    size = (12 * ratio, 36 * ratio)
    m = rng.uniform(0.2, 0.4, (len(MS), *size))
    left, right = rng.uniform(0.2, 0.5, (2, len(HS), len(MS)))
    cube = np.where(
        np.arange(size[1]) < size[1] // 2, *(np.tensordot(a, m, 1) for a in (left, right))
    )
    made = wald(cube, HS, MS, ratio, psf=PSF)
    return replace(made, hrms_t1=m, hrms_t2=m, **QUIET), cube


def test_local_regression_follows_slopes_that_change_from_place_to_place():
    scene, cube = two_halves()
    away = np.r_[:18, 54:72]  # 9 low-resolution pixels from the seam, beyond window and rounds
    found = local_regression(scene, ridge=0.0)[..., away]
    np.testing.assert_allclose(found, cube[..., away], atol=5e-4)
    assert rmse(mtf_glp_hs(scene)[..., away], cube[..., away]) > 0.005


def test_local_regression_interpolates_on_the_phase_of_each_detector():
    """What the MS does not show at all, a ramp, passes through the offset alone."""
    ramp = 0.3 + np.add.outer(np.arange(48), 0.5 * np.arange(60)) / 300
    cube = np.broadcast_to(ramp, (len(HS), 48, 60))
    flat = np.broadcast_to(np.array([0.2, 0.3, 0.4])[:, None, None], (3, 48, 60))
    scene = replace(wald(cube, HS, MS, 2, psf=PSF), hrms_t1=flat, hrms_t2=flat, **QUIET)
    inside = (slice(None), slice(14, -14), slice(14, -14))
    found = local_regression(scene, rounds=0)
    np.testing.assert_allclose(found[inside], cube[inside], atol=1e-5)


def test_local_fit_is_weighted_least_squares():
    m, target = rng.standard_normal((2, 11, 13)), rng.standard_normal((3, 11, 13))
    valid = rng.random((11, 13)) > 0.2
    slopes, offset = local_fit(m, target, valid, sigma=1.0, ridge=0.0)
    i, j = 5, 6  # the window of 4 sigma stays inside the image
    rows, columns = np.mgrid[:11, :13]
    weight = np.exp(-((rows - i) ** 2 + (columns - j) ** 2) / 2.0) * valid
    weight[(abs(rows - i) > 4) | (abs(columns - j) > 4)] = 0.0
    root = np.sqrt(weight.ravel())
    T = np.column_stack([np.ones(root.size), *m.reshape(2, -1)])
    expected = np.linalg.lstsq(T * root[:, None], (target.reshape(3, -1) * root).T, rcond=None)[0]
    np.testing.assert_allclose(offset[:, i, j], expected[0], atol=1e-8)
    np.testing.assert_allclose(slopes[:, :, i, j], expected[1:], atol=1e-8)


def test_the_ridge_shrinks_the_slopes():
    m = rng.standard_normal((1, 20, 20))
    weak, strong = (local_fit(m, 2 * m, None, 1.5, ridge)[0].mean() for ridge in (0.0, 1.0))
    assert weak == pytest.approx(2.0) and 0.8 < strong < 1.2  # half: variance v against v + 1·v


# --- noise ----------------------------------------------------------------------------------------


def test_pure_noise_is_dropped_and_a_signal_kept():
    scene = noisy_scene(size=(60, 60))
    sigma = scene.noise_hs[:, None, None]
    noise = sigma * rng.standard_normal(scene.lrhs_t1.shape)
    assert np.square(without_noise(scene, noise)).sum() < 0.1 * np.square(noise).sum()
    pattern = rng.standard_normal((1, *noise.shape[1:])) * sigma * 10
    found = without_noise(scene, pattern + noise)
    assert np.square(found - pattern).sum() < 0.25 * np.square(noise).sum()


# --- SpectraLift ----------------------------------------------------------------------------------


def curved_scene() -> Scene:
    """Spectra on a curve, one for each block of 3 x 3 pixels: a function of the MS, not a line."""
    t = np.kron(rng.random((12, 10)), np.ones((3, 3)))
    x = (CENTRE[:, None, None] - 450) / 900
    cube = 0.3 + 0.2 * np.sin(3 * t + 5 * x) + 0.1 * np.cos(7 * t * x)
    return replace(wald(cube, HS, MS, psf=(Psf(0.3, 0.3),) * 2), **QUIET)


def test_spectralift_learns_a_curve_that_no_regression_fits():
    scene = curved_scene()
    lifted = lift(scene, scene.hrms_t1, steps=200)
    straight = scene_regression(scene).apply(scene.hrms_t1)
    assert rmse(lifted, scene.hrhs_t1) < 0.3 * rmse(straight, scene.hrhs_t1)


def test_spectralift_without_rounds_does_not_know_the_psf():
    scene = noisy_scene()
    other = replace(scene, psf=(Psf(0.5, 0.5),) * 2)
    first, second = (lift(s, s.hrms_t1, steps=3) for s in (scene, other))
    np.testing.assert_array_equal(first, second)


def test_spectralift_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    scene = noisy_scene()
    lift(scene, scene.hrms_t1, steps=1)
    assert torch.rand(1) == expected


# --- all of them ----------------------------------------------------------------------------------

KIT = [m for m in methods("x1").values() if m.function.__module__.startswith("stsf.")]


@pytest.mark.parametrize("method", KIT, ids=lambda m: m.name)
def test_any_band_count_ratio_and_shape_and_the_same_twice(method):
    five = from_bands(np.linspace(500.0, 1200.0, 5), np.full(5, 100.0), "five", 15.0)
    scene = noisy_scene(ratio=2, size=(28, 20), ms=five)
    before = scene.lrhs_t1.copy(), scene.hrms_t1.copy()
    torch.manual_seed(1)
    first = method(scene)
    assert np.isfinite(first).all()
    torch.manual_seed(2)
    np.testing.assert_array_equal(first, method(scene))
    np.testing.assert_array_equal(before[0], scene.lrhs_t1)
    np.testing.assert_array_equal(before[1], scene.hrms_t1)


@cache
def simulated() -> Scene:
    """Ten MS bands at ratio 4, where the public codes gain 10 to 14 dB on interpolation."""
    clean = band_quality(ahsi().centre) == "clean"
    return observe(simulate(seed=1, size=64), ahsi().select(clean), sentinel2("A", S2_10), ratio=4)


@pytest.mark.parametrize("method", [m for m in KIT if m.name != "bicubic"], ids=lambda m: m.name)
def test_every_method_gains_what_the_public_codes_gain(method):
    scene = simulated()
    assert psnr(method(scene), scene.hrhs_t1) - psnr(bicubic(scene), scene.hrhs_t1) > 13.0


@pytest.mark.parametrize("method", [m for m in KIT if m.name != "bicubic"], ids=lambda m: m.name)
def test_pixels_without_data_do_no_harm_elsewhere(method):
    scene = simulated()
    y, m = scene.lrhs_t1.copy(), scene.hrms_t1.copy()
    y[:, :5, :4] = m[:, :20, :16] = np.nan
    there = (slice(None), slice(32, None))
    with_gap = psnr(method(replace(scene, lrhs_t1=y, hrms_t1=m))[there], scene.hrhs_t1[there])
    assert with_gap > psnr(method(scene)[there], scene.hrhs_t1[there]) - 3.0
