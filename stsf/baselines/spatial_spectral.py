"""X1 from Y1 and M1, the methods that regress and inject detail; `model_based` holds the others.

All take the PSF, the spectral response and the sampling phase from the scene. Reading order is
also the order of ideas: no detail at all, detail by component substitution (GSA), detail by
filtering (MTF-GLP-HS), a regression that changes from place to place, a non-linear regression.

Settings were chosen on simulated training scenes (`simulate(split="train")`) only.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from stsf.baselines.registry import register
from stsf.evidence.local import local_fit
from stsf.linear import LinearMap, denoise, pixels, regress
from stsf.projection import alternating_projection
from stsf.scene import Scene
from stsf.sensing.subspace import Subspace, fit_subspace


@register("bicubic", target="x1", label="Bicubic", reference="Keys, IEEE TASSP 29, 1981")
def bicubic(scene: Scene) -> np.ndarray:
    """Y1 interpolated on the sampling phase of D; the MS is not used.

    Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
    Acoustics, Speech, and Signal Processing 29(6), 1981.

    Args:
        scene: the observations.

    Returns:
        (L, H, W) reflectance.
    """
    return scene.D.upsample(scene.lrhs_t1)


@register("projection", target="x1", label="Alternating projection", reference="von Neumann, 1949")
def projection(scene: Scene) -> np.ndarray:
    """Regularised alternating projection, see `stsf.projection`: what `stsf.fuse` does.

    Von Neumann, "On rings of operators: reduction theory", Annals of Mathematics 50, 1949.

    Args:
        scene: the observations.

    Returns:
        (L, H, W) reflectance.
    """
    *_, last = alternating_projection(scene)
    return last.x


@register("gsa", target="x1", label="GSA", reference="Aiazzi et al., IEEE TGRS 45(10), 2007")
def gsa(scene: Scene, k: int = 20) -> np.ndarray:
    """Adaptive Gram-Schmidt: swap what the HS says of an intensity for what the MS says.

    Each HS band gets its own intensity P, the MS combination that resembles it best; I is the
    same intensity predicted from the HS spectrum alone. X = up(Y) + g (P - I), with the gain
    g = cov(Y, I) / var(I). The PSF enters only where the weights of P and I are fitted.

    Aiazzi, Baronti & Selva, "Improving component substitution pansharpening through multivariate
    regression of MS + Pan data", IEEE TGRS 45(10), 2007; one intensity a band after Selva et al.,
    "Hyper-sharpening: a first approach on SIM-GA data", IEEE JSTARS 8(6), 2015.

    Args:
        scene: the observations.
        k: spectral coordinates of Y1 from which the intensities are predicted.

    Returns:
        (L, H, W) reflectance.
    """
    y = scene.lrhs_t1
    p = scene_regression(scene).apply(scene.hrms_t1)  # (L, H, W) each band's P
    z = coordinates(scene, y, k).encode(y)
    intensity = regress(z, scene.D.A(p), scene.valid_lr).apply(z)  # (L, h, w)
    centred = pixels(intensity, scene.valid_lr)  # (n, L)
    centred -= centred.mean(axis=0)
    spread = np.maximum(np.square(centred).sum(axis=0), 1e-12)
    gain = (centred * pixels(y, scene.valid_lr)).sum(axis=0) / spread  # (L,)
    return bicubic(scene) + gain[:, None, None] * (p - scene.D.upsample(intensity))


@register(
    "mtf-glp-hs", target="x1", label="MTF-GLP-HS", reference="Selva et al., JSTARS 8(6), 2015"
)
def mtf_glp_hs(scene: Scene) -> np.ndarray:
    """Hypersharpening: detail is what the PSF removes from each band's best MS combination.

    P = f(M1) with f the scene's linear regression of Y1 on D M1; X = P + up(Y - D P). Written as
    up(Y) + (P - up(D P)) this is the generalised Laplacian pyramid with the filter matched to the
    sensor's MTF. The gain is 1, because least squares has already scaled P to its band.

    Selva, Aiazzi, Butera, Chiarantini & Baronti, "Hyper-sharpening: a first approach on SIM-GA
    data", IEEE JSTARS 8(6), 2015; Aiazzi et al., "MTF-tailored multiscale fusion of
    high-resolution MS and Pan imagery", PE&RS 72(5), 2006.

    Args:
        scene: the observations.

    Returns:
        (L, H, W) reflectance.
    """
    intensity = scene_regression(scene).apply(scene.hrms_t1)  # (L, H, W)
    return intensity + scene.D.upsample(scene.lrhs_t1 - scene.D.A(intensity))


@register("local-regression", target="x1", label="Local regression", reference="this kit")
def local_regression(
    scene: Scene, sigma: float = 1.0, ridge: float = 0.01, rounds: int = 3
) -> np.ndarray:
    """The scene's regression, corrected by a regression of its residual that varies in space.

    Around every low-resolution pixel the residual Y - D f(M1) of each band is regressed on D M1 in
    a Gaussian window. The coefficients vary slowly, so they can be interpolated where the residual
    cannot; applied to M1 they predict it at full resolution. Back-projection ends it. No subspace,
    and a PSF per detector wherever the sensor has one.

    Chosen on simulated training scenes with 4 and 10 MS bands at SNR 35 and 40 dB: sigma 1 of
    1-2, ridge 0.01 of 0.003-0.1 (flat within 0.3 dB); without `without_noise` it loses 2-3 dB.

    The idea is that of the guided filter: He, Sun & Tang, "Guided image filtering", IEEE TPAMI
    35(6), 2013.

    Args:
        scene: the observations.
        sigma: width of the window, low-resolution pixels.
        ridge: shrinks the local slopes toward 0, as a share of the MS variance of the scene.
        rounds: of back-projection.

    Returns:
        (L, H, W) reflectance.
    """
    m = scene.hrms_t1
    x = scene_regression(scene).apply(m)  # (L, H, W)
    residual = without_noise(scene, scene.lrhs_t1 - scene.D.A(x))  # (L, h, w)
    for detector in np.unique(scene.hs.detector):
        bands = np.flatnonzero(scene.hs.detector == detector)
        m_lr = scene.D.at(np.full(len(m), detector)).A(m)  # (C, h, w)
        slopes, offset = local_fit(m_lr, residual[bands], scene.valid_lr, sigma, ridge)
        up = scene.D.at(scene.hs.detector[bands]).upsample
        x[bands] += up(offset)
        for band, slope in zip(m, slopes, strict=True):
            x[bands] += up(slope) * band
    return back_project(scene, x, rounds)


@register("spectralift", target="x1", label="SpectraLift-style", reference="arXiv 2507.13339, 2025")
def spectralift(scene: Scene, rounds: int = 10) -> np.ndarray:
    """A small network undoes the spectral response pixel by pixel, then back-projection.

    Trained on the scene itself, from R Y1 to Y1, so it needs no PSF; applied to M1. The
    back-projections are an addition to the paper, and do need it.

    Shah & Duarte, "SpectraLift: physics-guided spectral-inversion network for self-supervised
    hyperspectral image super-resolution", arXiv 2507.13339, 2025.

    Args:
        scene: the observations.
        rounds: of back-projection.

    Returns:
        (L, H, W) reflectance.
    """
    return back_project(scene, lift(scene, scene.hrms_t1), rounds)


def lift(scene: Scene, ms: np.ndarray, steps: int = 400, width: int = 64) -> np.ndarray:
    """The spectra that a network, trained from R Y1 to Y1, sees behind MS pixels.

    Args:
        scene: to train on.
        ms: (C, H, W), of either date.
        steps: of training, over all low-resolution pixels at once; four times as many fit noise.
        width: of the two hidden layers.

    Returns:
        (L, H, W) reflectance.
    """
    target = pixels(scene.lrhs_t1, scene.valid_lr)  # (n, L)
    source = target @ scene.R.R.T  # (n, C)
    (mean_m, sd_m), (mean_x, sd_x) = (
        (a.mean(axis=0), np.maximum(a.std(axis=0), 1e-6)) for a in (source, target)
    )
    z, x = (
        torch.as_tensor(a, dtype=torch.float32)
        for a in ((source - mean_m) / sd_m, (target - mean_x) / sd_x)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        hidden = nn.Linear(z.shape[1], width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        network = nn.Sequential(*hidden, nn.Linear(width, x.shape[1]))
    optimizer = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        (network(z) - x).abs().mean().backward()
        optimizer.step()
        schedule.step()
    m = torch.as_tensor((pixels(ms) - mean_m) / sd_m, dtype=torch.float32)
    with torch.no_grad():
        spectra = network(m).numpy() * sd_x + mean_x  # (H·W, L)
    return spectra.T.reshape(-1, *scene.size).astype(np.float32)


def back_project(scene: Scene, x: np.ndarray, rounds: int) -> np.ndarray:
    """Add to X, `rounds` times, the interpolated part of Y1 that it does not explain.

    Irani & Peleg, "Improving resolution by image registration", CVGIP 53(3), 1991; here only
    that part which is not noise.

    Args:
        scene: the observations.
        x: (L, H, W) estimate.
        rounds: each shrinks Y - D X further.
    """
    for _ in range(rounds):
        x = x + scene.D.upsample(without_noise(scene, scene.lrhs_t1 - scene.D.A(x)))
    return x


def without_noise(scene: Scene, residual: np.ndarray) -> np.ndarray:
    """What of Y1 - D X is signal: a Wiener filter over the bands, S (S + N)⁻¹.

    The residual's covariance is that of the signal, S, plus that of the noise, N, which is known
    (`denoise`). Combinations of bands that vary no more than noise does go to 0.

    Args:
        scene: for the noise of Y1.
        residual: (L, h, w).
    """
    gain = denoise(residual, scene.noise_hs, scene.valid_lr)  # (L, L)
    mean = residual.mean(axis=(1, 2), keepdims=True)
    return mean + np.tensordot(gain, residual - mean, 1)


def coordinates(scene: Scene, cube: np.ndarray, k: int) -> Subspace:
    """Principal components of a (L, h, w) cube of the scene, fewer than k if it has few pixels."""
    most = min(len(cube), int(scene.valid_lr.sum()) - 1)
    return fit_subspace(cube, min(k, most), scene.valid_lr)


def scene_regression(scene: Scene) -> LinearMap[np.ndarray]:
    """f: MS pixel -> HS spectrum, fitted where both are known, f(D M1) ≈ Y1.

    Each HS band is regressed on M1 as blurred by that band's own detector. `apply(M1)` predicts
    X1, `apply(M2)` predicts X2.
    """
    L, C = len(scene.hs), len(scene.ms)
    offset, weights = np.empty(L), np.empty((L, C))
    for detector in np.unique(scene.hs.detector):
        bands = scene.hs.detector == detector
        m_lr = scene.D.at(np.full(C, detector)).A(scene.hrms_t1)  # (C, h, w)
        f = regress(m_lr, scene.lrhs_t1[bands], scene.valid_lr)
        offset[bands], weights[bands] = f.offset, f.weights
    return LinearMap(offset, weights)
