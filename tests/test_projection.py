"""Alternating projection: laws of the projections, dense formulae, and figures on real windows."""

import os
from collections.abc import Callable

import numpy as np
import pytest
import torch

from stsf.degradation import Psf, SpatialDegradation
from stsf.errors import InputError
from stsf.files.datasets import load_real
from stsf.linear import difference_covariance, mmse_gain, signal_covariance
from stsf.metrics.figures import psnr
from stsf.projection import (
    BackProjection,
    alternating_projection,
    inject,
    null_space,
    regularised_steps,
    spectral_gain,
)
from stsf.scene import Scene
from stsf.sensing.bands import from_bands
from stsf.sensing.sensors import sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import wald

Cube = np.ndarray
EQUAL, BLURRIER_SWIR = (Psf(1.4, 1.2), Psf(1.4, 1.2)), (Psf(1.3, 1.2, 0.2, -0.3), Psf(1.6, 1.5))


def scene(
    psf: tuple[Psf, Psf] = BLURRIER_SWIR, snr: float | None = None, third: float = 1050.0
) -> Scene:
    """24 x 18 pixels, 12 bands on two detectors, 3 MS bands, the third across both detectors.

    Patches of three materials in changing shares, so that bands vary together, with edges.
    """
    hs = from_bands(np.arange(500.0, 1610.0, 100.0), 100.0)
    ms = from_bands([600.0, 750.0, third], [120.0, 120.0, 120.0], name="three bands")
    rng = np.random.default_rng(4)
    shares = rng.dirichlet(np.ones(4), size=(8, 6)).transpose(2, 0, 1)
    shares = shares.repeat(3, axis=1).repeat(3, axis=2)  # blocks of 3 x 3, shifted off the LR grid
    shares = np.roll(shares, (1, 1), axis=(1, 2)) + 0.02 * rng.normal(size=(4, 24, 18))
    materials = 0.3 + 0.2 * np.cumsum(rng.normal(size=(12, 4)), axis=0) / np.arange(1, 13)[:, None]
    return wald(np.tensordot(materials, shares, 1), hs, ms, psf=psf, snr_hs=snr, snr_ms=snr)


def random(*shape: int, seed: int = 0) -> Cube:
    return np.random.default_rng(seed).normal(size=shape)


def planes() -> dict[str, tuple[Callable[[Cube], Cube], Callable[[Cube], Cube], Cube]]:
    """name -> (projection onto {A X = b}, A, b); b is arbitrary, both planes are never empty."""
    s = scene()
    y, m = random(*s.lrhs_t1.shape, seed=1), random(*s.hrms_t1.shape, seed=2)
    back, gain = BackProjection(s.D), mmse_gain(np.eye(12), s.R.R, 0.0)
    return {
        "spatial": (lambda x: x + back(y - s.D.A(x)), s.D.A, y),
        "spectral": (lambda x: inject(x, m, gain, s.R), s.R.A, m),
    }


law = pytest.mark.parametrize(("project", "A", "b"), planes().values(), ids=planes().keys())


@law
def test_projection_meets_its_constraint_and_repeats_nothing(
    project: Callable[[Cube], Cube], A: Callable[[Cube], Cube], b: Cube
) -> None:
    once = project(random(12, 24, 18))
    np.testing.assert_allclose(A(once), b, atol=1e-10)
    np.testing.assert_allclose(project(once), once, atol=1e-10)


@law
def test_projection_is_the_nearest_point(
    project: Callable[[Cube], Cube], A: Callable[[Cube], Cube], b: Cube
) -> None:
    """Any other point of the plane is farther away, by Pythagoras; and distances never grow."""
    x, other = random(12, 24, 18), project(random(12, 24, 18, seed=5))
    near = project(x)
    square = np.square(x - near).sum() + np.square(near - other).sum()
    assert np.square(x - other).sum() == pytest.approx(square, rel=1e-10)
    z = random(12, 24, 18, seed=6)
    assert np.linalg.norm(project(x) - project(z)) <= np.linalg.norm(x - z)


def test_mmse_gain_in_information_form() -> None:
    """(C⁻¹ + Rᵀ N⁻¹ R)⁻¹ Rᵀ N⁻¹, the same estimate by the matrix inversion lemma."""
    root, R = random(5, 5), random(2, 5, seed=1)
    C, noise = root @ root.T, np.array([0.3, 0.7])
    weights = R.T / noise**2
    expected = np.linalg.inv(np.linalg.inv(C) + weights @ R) @ weights
    np.testing.assert_allclose(mmse_gain(C, R, noise), expected, rtol=1e-9)


def test_plain_gain_is_the_pseudo_inverse() -> None:
    R = random(3, 7)
    np.testing.assert_allclose(mmse_gain(np.eye(7), R, 0.0), np.linalg.pinv(R), atol=1e-12)


def dense(D: SpatialDegradation, detector: int) -> np.ndarray:
    """The matrix of one detector's D, column by column."""
    unit = np.eye(np.prod(D.size)).reshape(-1, *D.size)
    return D.at(np.full(len(unit), detector)).A(unit).reshape(len(unit), -1).T


@pytest.mark.parametrize("damping", [0.0, 0.03])
def test_back_projection_against_the_dense_formula(damping: float) -> None:
    D = SpatialDegradation((6, 9), 3, BLURRIER_SWIR, np.array([1, 0, 1]))
    per_band = damping * np.array([1.0, 2.0, 3.0])
    r = random(3, 2, 3)
    result = BackProjection(D, per_band)(r)
    for band, detector in enumerate((1, 0, 1)):
        M = dense(D, detector)
        inverse = np.linalg.inv(M @ M.T + per_band[band] * np.eye(6))
        np.testing.assert_allclose(result[band].ravel(), M.T @ inverse @ r[band].ravel())


def test_eigenvalues_tell_how_noise_is_amplified() -> None:
    D = SpatialDegradation((6, 9), 3, BLURRIER_SWIR, np.array([0, 1]))
    back = BackProjection(D)
    for detector in (0, 1):
        M = dense(D, detector)
        expected = np.linalg.eigvalsh(M @ M.T)
        np.testing.assert_allclose(np.sort(back.eigenvalues[detector].ravel()), expected)
        worst = np.linalg.norm(np.linalg.pinv(M), 2)  # largest growth of a residual's norm
        assert worst == pytest.approx(back.eigenvalues[detector].min() ** -0.5)


def test_torch_gives_the_same_and_keeps_its_kind() -> None:
    s = scene()
    x, y = random(12, 24, 18).astype(np.float32), s.lrhs_t1
    gain, back = mmse_gain(np.eye(12), s.R.R, 0.01), BackProjection(s.D, 0.1)
    batch, ms = torch.from_numpy(x).expand(2, -1, -1, -1), torch.from_numpy(s.hrms_t1)
    injected, spread = inject(batch, ms, gain, s.R), back(torch.from_numpy(y)[None])
    assert injected.dtype == spread.dtype == torch.float32 and injected.shape == (2, 12, 24, 18)
    np.testing.assert_allclose(injected[1], inject(x, s.hrms_t1, gain, s.R), atol=1e-5)
    np.testing.assert_allclose(spread[0], back(y), atol=1e-4)


def test_plain_projections_approach_a_cube_on_both_planes() -> None:
    """Never farther from any such cube, the truth among them; each residual falls to nothing."""
    s = scene()
    steps = list(alternating_projection(s, 12, regularised=False))
    assert [p.after for p in steps[:4]] == ["start", "spectral", "spatial", "spectral"]
    assert [p.iteration for p in steps[:4]] == [0, 1, 1, 2] and len(steps) == 25
    assert s.hrhs_t1 is not None
    distance = np.array([np.linalg.norm(p.x.astype(float) - s.hrhs_t1) for p in steps])
    assert np.all(np.diff(distance) < 1e-5) and distance[-1] < distance[0]
    hs = np.array([p.residual_hs for p in steps if p.after == "spectral"])
    ms = np.array([p.residual_ms for p in steps if p.after == "spatial"])
    assert np.all(np.diff(hs) < 1e-7) and np.all(np.diff(ms) < 1e-7)
    assert hs[1] > 1e-5 and ms[1] > 1e-5  # they do not commute: one round is not enough
    assert hs[-1] < 0.05 * steps[0].residual_hs and ms[-1] < 0.05 * steps[0].residual_ms


@pytest.mark.parametrize(("psf", "third"), [(EQUAL, 1050.0), (BLURRIER_SWIR, 1450.0)])
def test_one_round_suffices_when_no_ms_band_mixes_two_psf(
    psf: tuple[Psf, Psf], third: float
) -> None:
    """The tails of R reach a few bands, so that mixing is not exactly nil."""
    start, _, last = alternating_projection(scene(psf, third=third), 1, regularised=False)
    assert last.residual_hs < 1e-4 * start.residual_hs
    assert last.residual_ms < 1e-3 * start.residual_ms


def test_residuals_are_those_of_the_cube() -> None:
    s = scene(snr=30)
    for step in alternating_projection(s, 1):
        hs, ms = s.lrhs_t1 - s.D.A(step.x), s.hrms_t1 - s.R.A(step.x)
        assert step.residual_hs == pytest.approx(float(np.sqrt((hs.astype(float) ** 2).mean())))
        assert step.residual_ms == pytest.approx(float(np.sqrt((ms.astype(float) ** 2).mean())))


def test_start_can_be_given_and_must_fit() -> None:
    s = scene()
    start = np.full((12, *s.size), 0.2, np.float32)
    np.testing.assert_array_equal(next(iter(alternating_projection(s, start=start))).x, start)
    with pytest.raises(InputError, match=r"start must have shape \(12, 24, 18\), got \(12, 8, 6\)"):
        next(iter(alternating_projection(s, start=s.lrhs_t1)))


@pytest.mark.parametrize("psf", [EQUAL, BLURRIER_SWIR])
def test_nobody_sees_the_null_space(psf: tuple[Psf, Psf]) -> None:
    s = scene(psf)
    assert s.hrhs_t1 is not None
    hidden = null_space(s, s.hrhs_t1)
    assert np.abs(hidden).max() > 1e-3  # there is such a part
    assert np.abs(s.D.A(hidden)).max() < 1e-8 and np.abs(s.R.A(hidden)).max() < 1e-8
    rows = s.D.A_adjoint(random(12, 8, 6)), s.R.A_adjoint(random(3, 24, 18))
    for row in (*rows, s.hrhs_t1 - hidden):
        assert abs((row * hidden).sum()) < 1e-6 * np.linalg.norm(row) * np.linalg.norm(hidden)
    np.testing.assert_allclose(null_space(s, hidden), hidden, atol=1e-6)
    for row in rows:
        assert np.abs(null_space(s, row)).max() < 1e-6 * np.abs(row).max()


def test_signal_covariance_takes_the_noise_away() -> None:
    rng = np.random.default_rng(3)
    C = np.outer([0.3, 0.2, 0.1], [0.3, 0.2, 0.1])
    noise = np.array([0.02, 0.1, 0.3])
    cube = rng.multivariate_normal(np.zeros(3), C, (200, 200)).transpose(2, 0, 1)
    cube += noise[:, None, None] * rng.normal(size=cube.shape)
    np.testing.assert_allclose(signal_covariance(cube, noise), C, atol=2e-3)
    spoilt, valid = cube.copy(), np.ones((200, 200), bool)
    spoilt[:, :50], valid[:50] = 9.0, False
    np.testing.assert_array_equal(
        signal_covariance(spoilt, noise, valid), signal_covariance(cube[:, 50:], noise)
    )


def test_difference_covariance_by_hand() -> None:
    cube = np.array([[[0.0, 1.0], [3.0, 1.0]], [[0.0, 2.0], [6.0, 2.0]]])
    # differences of the first band: 3 and 0 down, 1 and -2 across; the second is its double
    np.testing.assert_allclose(difference_covariance(cube), 14 / 4 * np.array([[1, 2], [2, 4]]))


def test_regularised_beats_plain_and_bicubic_and_stops_at_the_noise() -> None:
    s = scene(snr=30)
    assert s.hrhs_t1 is not None
    truth = s.hrhs_t1
    steps = list(alternating_projection(s, 30))
    plain = list(alternating_projection(s, 5, regularised=False))[-1]
    figures = [psnr(x, truth) for x in (plain.x, s.D.upsample(s.lrhs_t1), steps[-1].x)]
    assert figures[2] > max(figures[:2]) + 3
    assert steps[-1].iteration < 10
    assert steps[-1].residual_hs <= np.sqrt(np.mean(s.noise_hs**2))
    assert steps[-1].residual_ms <= np.sqrt(np.mean(s.noise_ms**2))
    before = steps[-3]  # the round before had not sunk into the noise
    assert before.residual_hs > np.sqrt(np.mean(s.noise_hs**2)) or before.residual_ms > np.sqrt(
        np.mean(s.noise_ms**2)
    )


def test_regularised_steps_clean_the_observation() -> None:
    s, clean = scene(snr=25), scene()
    y, gain, _ = regularised_steps(s)
    assert gain.shape == (12, 3)
    before, after = (np.square(c - clean.lrhs_t1).mean() for c in (s.lrhs_t1, y))
    assert after < 0.6 * before


def test_a_band_without_signal_does_no_harm() -> None:
    s = scene(snr=30)
    y = s.lrhs_t1.copy()
    y[4] = 0.0
    dark = Scene(y, s.hrms_t1, s.hrms_t2, s.hs, s.ms, psf=s.psf)
    last = list(alternating_projection(dark, 2))[-1]
    assert np.all(np.isfinite(last.x)) and np.abs(last.x[4]).max() < 1e-3
    assert np.all(np.isfinite(spectral_gain(dark)))


def test_injection_carries_spectra_to_t2_where_three_bands_determine_them() -> None:
    """All spectra are mixtures of three: the MS sees all there is, and M2 gives X2 back."""
    s = scene(EQUAL)
    shares = np.random.default_rng(9).uniform(0, 1, (2, 3, 24, 18))
    x1, x2 = (np.tensordot(random(12, 3) * 0.2, share, 1) + 0.5 for share in shares)
    pair = wald(x1, s.hs, s.ms, cube_t2=x2, psf=s.psf, snr_hs=100.0, snr_ms=100.0)
    result = inject(x1.astype(np.float32), pair.hrms_t2, spectral_gain(pair), pair.R)
    assert psnr(result, x2) > psnr(x1, x2) + 30


# Global PSNR in dB measured on the 169 clean bands: plain, regularised.
FIGURES = {"enmap-potsdam-north": (32.9, 36.9), "enmap-potsdam-west": (28.8, 33.1)}


@pytest.mark.skipif("STSF_DATA" not in os.environ, reason="STSF_DATA does not name the real data")
@pytest.mark.parametrize("name", FIGURES)
def test_figures_on_real_windows(name: str) -> None:
    cube, hs = load_real(name)  # type: ignore[arg-type]
    clean = band_quality(hs.centre) == "clean"
    s = wald(cube[clean], hs.select(clean), sentinel2("A"))
    assert s.hrhs_t1 is not None
    figures = [
        psnr(list(alternating_projection(s, 1, regularised=kind))[-1].x, s.hrhs_t1)
        for kind in (False, True)
    ]
    np.testing.assert_allclose(figures, FIGURES[name], atol=0.5)
