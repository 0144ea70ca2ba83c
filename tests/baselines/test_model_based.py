"""FUSE and HySure against dense algebra written out here, CNMF where its assumption holds."""

from dataclasses import replace

import numpy as np
import pytest

from stsf.baselines.model_based import (
    cnmf,
    extreme_pixels,
    fuse,
    gradient,
    gradient_adjoint,
    hysure,
    shares,
)
from stsf.degradation import Psf, blur_matrix
from stsf.metrics.figures import rmse
from stsf.sensing.bands import from_bands
from stsf.sensing.response import srf_matrix
from stsf.world.observation import wald

HS = from_bands(np.linspace(500, 1300, 6), np.full(6, 150.0), "test HS", 30.0)  # 2 detectors
MS = from_bands(np.array([600.0, 850.0, 1200.0]), np.full(3, 150.0), "test MS", 10.0)
PSF = (Psf(0.7, 0.9), Psf(1.1, 0.8, 0.2, -0.1))
rng = np.random.default_rng(1)


def tiny(rank=6, snr=(20.0, 25.0)):
    """6 bands, 8 x 6 pixels, ratio 2: small enough for every matrix to be written down."""
    spectra = rng.uniform(0, 0.3, (6, rank))
    cube = 0.3 + np.tensordot(spectra, rng.standard_normal((rank, 8, 6)), 1) / rank
    return wald(cube, HS, MS, 2, psf=PSF, snr_hs=snr[0], snr_ms=snr[1])


def observations(scene):
    """All of Y1 and M1 as one vector, the matrix that makes it from X1, and the noise."""
    D = [
        np.kron(blur_matrix(8, 2, p.sigma_y, p.shift_y), blur_matrix(6, 2, p.sigma_x, p.shift_x))
        for p in PSF
    ]
    rows = [np.kron(np.eye(6)[band], D[HS.detector[band]]) for band in range(6)]
    rows.append(np.kron(srf_matrix(HS, MS)[0], np.eye(48)))
    values = np.concatenate([scene.lrhs_t1.ravel(), scene.hrms_t1.ravel()]).astype(float)
    sigma = np.concatenate([np.repeat(scene.noise_hs, 12), np.repeat(scene.noise_ms, 48)])
    return np.vstack(rows), values, sigma


def test_fuse_is_the_posterior_mean_of_a_gaussian():
    """μ + C Aᵀ (A C Aᵀ + N)⁻¹ (data - A μ), with the mean and covariance of the spectra of Y1."""
    scene = tiny()
    A, values, sigma = observations(scene)
    y = scene.lrhs_t1.reshape(6, -1).astype(float)
    mean = np.repeat(y.mean(axis=1), 48)
    C = np.kron(np.cov(y, bias=True), np.eye(48))
    gain = C @ A.T @ np.linalg.inv(A @ C @ A.T + np.diag(sigma**2))
    expected = mean + gain @ (values - A @ mean)
    found = fuse(scene).ravel()
    assert np.abs(expected - mean).max() > 0.05  # there is something to find
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_hysure_without_total_variation_is_least_squares():
    """As many coordinates as MS bands determine every pixel: least squares has one answer."""
    scene = tiny()
    A, values, sigma = observations(scene)
    y = scene.lrhs_t1.reshape(6, -1).astype(float)
    mean = y.mean(axis=1)
    axes = np.linalg.svd(y - mean[:, None])[0][:, :3]
    B = np.kron(axes, np.eye(48))
    offset = np.repeat(mean, 48)
    z = np.linalg.lstsq(A @ B / sigma[:, None], (values - A @ offset) / sigma, rcond=None)[0]
    expected = offset + B @ z
    found = hysure(scene, k=3, smoothness=0.0).ravel()
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_hysure_with_overwhelming_total_variation_is_flat():
    scene = tiny()
    flat = hysure(scene, k=3, smoothness=1e4, rounds=400)
    assert np.ptp(flat, axis=(1, 2)).max() < 0.01 * np.ptp(scene.hrhs_t1, axis=(1, 2)).max()
    np.testing.assert_allclose(flat.mean(axis=(1, 2)), scene.lrhs_t1.mean(axis=(1, 2)), atol=0.02)


def test_total_variation_pulls_the_two_sides_of_a_step_together():
    """Known by hand: w/2 |z - z₀|² + λ TV moves either side by λ / (w · width of that side).

    The HS is made worthless, so that the MS alone, the step, is what the data terms see.
    """
    shape, columns = np.array([1.0, 2.0, 3.0, 3.0, 2.0, 1.0]) / 10, 16
    step = np.sign(np.arange(columns) - columns / 2 + 0.5)
    cube = 0.5 + 0.5 * shape[:, None, None] * np.broadcast_to(step, (12, columns))
    scene = replace(wald(cube, HS, MS, 2, psf=PSF), snr_hs=-80.0, snr_ms=30.0)
    axis, _, _ = np.linalg.svd(scene.lrhs_t1.reshape(6, -1) - scene.lrhs_t1.mean((1, 2))[:, None])
    b = axis[:, 0]  # close to `shape`, not equal: the two detectors blur the step differently
    z = np.tensordot(b, scene.lrhs_t1 - scene.lrhs_t1.mean((1, 2), keepdims=True), 1)
    b = b * z.std()
    up = scene.D.at(np.zeros(1, int)).upsample(z[None])[0] / z.std()
    slope = np.hypot(np.diff(up, axis=0, append=up[-1:]), np.diff(up, axis=1, append=up[:, -1:]))
    w = np.sum((scene.R.R @ b) ** 2 / scene.noise_ms**2)
    smoothness = 40.0
    move = smoothness / slope.mean() / (w * columns / 2)  # in z
    plain, pulled = (hysure(scene, k=1, smoothness=s, rounds=300) for s in (0.0, smoothness))
    contrast, found = (abs(np.tensordot(b, x[..., -1] - x[..., 0], 1)) for x in (plain, pulled))
    expected = contrast - 2 * move * (b @ b)
    assert (expected / contrast).max() < 0.9  # a visible pull
    np.testing.assert_allclose(found, expected, rtol=5e-3)


def test_total_variation_removes_noise_and_keeps_edges():
    cube = np.full((6, 24, 24), 0.2)
    cube[:, :, 12:] = 0.3 + 0.1 * np.sin(np.arange(6))[:, None, None]
    cube[:, 5:9, 3:17] += 0.1
    scene = wald(cube, HS, MS, 2, psf=PSF, snr_hs=30.0, snr_ms=30.0, seed=4)
    noisy, smooth = (rmse(hysure(scene, k=2, smoothness=s), cube) for s in (0.0, 3.0))
    assert smooth < 0.6 * noisy


def test_gradient_and_its_adjoint():
    z, g = rng.standard_normal((2, 5, 7)), rng.standard_normal((2, 2, 5, 7))
    assert np.vdot(gradient(z), g) == pytest.approx(np.vdot(z, gradient_adjoint(g)))
    np.testing.assert_allclose(gradient(np.ones((1, 3, 3))), 0.0)
    assert gradient(np.arange(3.0).reshape(1, 1, 3))[1].ravel().tolist() == [1, 1, 0]


def pure_blocks(p=3):
    """Mixtures of p spectra, noise-free, each of them pure over 4 x 4 LR pixels somewhere."""
    mix = rng.dirichlet(np.ones(p), (16, 12)).transpose(2, 0, 1)  # (p, h, w)
    for k in range(p):
        mix[:, 5 * k : 5 * k + 4, 2:6] = np.eye(p)[k, :, None, None]
    mix = mix.repeat(2, axis=1).repeat(2, axis=2)
    spectra = rng.uniform(0.1, 0.6, (6, p))
    return np.tensordot(spectra, mix, 1)


def test_cnmf_on_an_exactly_low_rank_cube():
    cube = pure_blocks()
    scene = replace(wald(cube, HS, MS, 2, psf=PSF), snr_hs=200.0, snr_ms=200.0)
    found = cnmf(scene, p=3, updates=4000)
    assert rmse(scene.D.upsample(scene.lrhs_t1), cube) > 0.02
    assert rmse(found, cube) < 0.003
    values = np.linalg.svd(found.reshape(6, -1), compute_uv=False)
    assert values[3] < 1e-5 * values[0] and found.min() >= 0


def test_shares_of_a_known_mixture():
    W = rng.uniform(0.1, 0.6, (6, 3))
    H = rng.dirichlet(np.ones(3), 50).T
    found = shares(W, np.full_like(H, 1 / 3), W @ H, updates=20000)
    np.testing.assert_allclose(found, H, atol=0.01)


def test_extreme_pixels_are_the_pure_ones():
    W = rng.uniform(0.1, 0.6, (6, 3))
    H = np.column_stack([rng.dirichlet(np.full(3, 5.0), 40).T, np.eye(3)])
    found = extreme_pixels(W @ H, 3)
    assert {tuple(v.round(6)) for v in found.T} == {tuple(v.round(6)) for v in W.T}
