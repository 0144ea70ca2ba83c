"""X2 from an estimate of X1 and the two MS dates: the classical ways to carry a spectrum in time.

All use this scene only (see `supervised.py` for the control that does not). The widths come from
a prototype and were checked on training seeds 200-202 (0.5 to 1.5 for the cascade; 0.3 to 1 and
0.05 to 0.2 for the blend), never on the scenes of the benchmark: nearby values do as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stsf.baselines.registry import register
from stsf.baselines.regressors import (
    Fit,
    Predict,
    clipped,
    cubic,
    kernel_ridge,
    linear,
    local_linear,
    predict_map,
    quadratic,
)
from stsf.baselines.spatial_spectral import lift
from stsf.linear import pixels
from stsf.projection import inject, spectral_gain
from stsf.scene import Scene
from stsf.sensing.subspace import Subspace, fit_subspace

COORDINATES = 16  # spectral coordinates of the regressions
PAIRS = 4000  # high-resolution training pairs drawn from a scene
TAU_CASCADE, TAU_BLEND, TAU_COVER = 1.0, 0.6, 0.1  # widths of the change weights, in band σ


@register("copy", target="x2", label="X1 unchanged")
def copy(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """X2 = X1: what a user has who ignores the second date."""
    return x1


@register("minimum-norm", target="x2", label="Minimum-norm injection")
def minimum_norm(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """X2 = X1 + R⁺ (M2 - M1): the smallest spectral change that explains the MS change."""
    change = scene.hrms_t2 - scene.hrms_t1
    return x1 + np.einsum("lc,chw->lhw", np.linalg.pinv(scene.R.R), change)


@register("injection", target="x2", label="MMSE injection")
def injection(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """X2 = X1 + G (M2 - R X1): the most likely change under the scene's spectral covariance."""
    return inject(x1, scene.hrms_t2, spectral_gain(scene), scene.R)


# --- spectral regression: M2 -> X2 --------------------------------------------------------------


def _low_resolution_pairs(scene: Scene, space: Subspace) -> tuple[np.ndarray, np.ndarray]:
    """(n, C) MS pixels degraded to the HS grid and (n, k) coordinates of the HS pixels there."""
    m = pixels(scene.D_ms.A(scene.hrms_t1), scene.valid_lr)
    return m, pixels(space.encode(scene.lrhs_t1), scene.valid_lr)


def _high_resolution_pairs(
    scene: Scene, z1: np.ndarray, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(n, C) pixels of M1 and (n, k) coordinates of the estimate of X1 there."""
    m, z = pixels(scene.hrms_t1, scene.valid_hr), pixels(z1, scene.valid_hr)
    chosen = np.random.default_rng(seed).permutation(len(m))[:PAIRS]
    return m[chosen], z[chosen]


def _regression(scene: Scene, fit: Fit) -> np.ndarray:
    space = fit_subspace(scene.lrhs_t1, COORDINATES, scene.valid_lr)
    m, z = _low_resolution_pairs(scene, space)
    z2 = clipped(predict_map(fit(m, z), scene.hrms_t2), z)
    return inject(space.decode(z2), scene.hrms_t2, spectral_gain(scene), scene.R)


@register("ridge", target="x2", label="Linear spectral regression")
def ridge(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """f(M2), f linear, fitted on degraded M1 and Y1; then one MMSE correction to M2."""
    return _regression(scene, linear)


@register("quadratic", target="x2", label="Quadratic spectral regression")
def quadratic_regression(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """The same with squares and products of the MS bands."""
    return _regression(scene, quadratic)


@register("knn", target="x2", label="kNN local-linear regression")
def knn(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """The same with a linear fit to the 32 most similar MS pixels."""
    return _regression(scene, local_linear)


@register("kernel", target="x2", label="Kernel ridge regression")
def kernel(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """The same with Gaussian kernels."""
    return _regression(scene, kernel_ridge)


@register("spectralift", target="x2", label="SpectraLift-style", reference="arXiv 2507.13339, 2025")
def spectralift_t2(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """A small network trained from R Y1 to Y1, applied to M2; then one MMSE correction to M2."""
    return inject(lift(scene, scene.hrms_t2), scene.hrms_t2, spectral_gain(scene), scene.R)


# --- cascades: the regression where something changed, X1 where nothing did ---------------------


def change_distance(scene: Scene) -> np.ndarray:
    """(H, W) RMS over the bands of M2 - M1, each in units of its spread in M1."""
    sigma = scene.hrms_t1.std(axis=(1, 2))[:, None, None]
    return np.sqrt(np.mean(((scene.hrms_t2 - scene.hrms_t1) / sigma) ** 2, axis=0))


def cover_distance(scene: Scene) -> np.ndarray:
    """(H, W) the same for M2 - a M1, a the best factor per pixel.

    A change of brightness is not a change of cover.
    """
    sigma = scene.hrms_t1.std(axis=(1, 2))[:, None, None]
    m1, m2 = scene.hrms_t1 / sigma, scene.hrms_t2 / sigma
    a = (m1 * m2).sum(0) / np.maximum((m1**2).sum(0), 1e-12)
    return np.sqrt(np.mean((m2 - a * m1) ** 2, axis=0))


def _cascade(
    scene: Scene,
    z1: np.ndarray,
    fits: Mapping[str, Fit] | Sequence[Fit],
    pairs: list[tuple[np.ndarray, np.ndarray]],
    tau: float,
) -> np.ndarray:
    """Mean over all f of f(M2) + exp(-d/τ) (Z1 - f(M1)), in spectral coordinates (k, H, W)."""
    fits = list(fits.values()) if isinstance(fits, Mapping) else fits
    weight = np.exp(-change_distance(scene) / tau)  # (H, W)
    members = []
    for m, z in pairs:
        for fit in fits:
            f = fit(m, z)
            f1, f2 = (
                clipped(predict_map(f, ms), pairs[0][1]) for ms in (scene.hrms_t1, scene.hrms_t2)
            )
            members.append(f2 + weight * (z1 - f1))
    return np.mean(members, axis=0)


@register("cascade", target="x2", label="Time-weighted regression cascade")
def cascade(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """Regression at t2 plus what it missed at t1, weighted by how little the pixel changed.

    X2 = f(M2) + exp(-d/τ) (X1 - f(M1)), f the mean of five regressors fitted at low resolution,
    then one MMSE correction to M2.
    """
    space = fit_subspace(scene.lrhs_t1, COORDINATES, scene.valid_lr)
    fits = [quadratic, cubic, local_linear, kernel_ridge, _wide_kernel]
    pairs = [_low_resolution_pairs(scene, space)]
    z1 = space.encode(x1)
    z2 = _cascade(scene, z1, fits, pairs, TAU_CASCADE)
    x2 = x1 + space.decode(z2) - space.decode(z1)
    return inject(x2, scene.hrms_t2, spectral_gain(scene), scene.R)


def _wide_kernel(m: np.ndarray, z: np.ndarray) -> Predict:
    return kernel_ridge(m, z, width=4.0, seed=1)


@register("blend", target="x2", label="Cascade blended with injection")
def blend(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """The best method we know that looks at this scene only.

    The cascade with quadratic, kNN and kernel regressors, each fitted on low-resolution pairs and
    on pairs of M1 with X1 itself; then, pixel by pixel, the injection where the cover stayed the
    same: X2 = v · injection + (1 - v) · cascade, v = exp(-d_cover / 0.1).
    """
    space = fit_subspace(scene.lrhs_t1, COORDINATES, scene.valid_lr)
    z1 = space.encode(x1)
    pairs = [_low_resolution_pairs(scene, space), _high_resolution_pairs(scene, z1)]
    z2 = _cascade(scene, z1, [quadratic, local_linear, kernel_ridge], pairs, TAU_BLEND)
    gain = spectral_gain(scene)
    changed = inject(x1 + space.decode(z2) - space.decode(z1), scene.hrms_t2, gain, scene.R)
    same = inject(x1, scene.hrms_t2, gain, scene.R)
    v = np.exp(-cover_distance(scene) / TAU_COVER)
    return v * same + (1 - v) * changed
