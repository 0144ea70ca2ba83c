"""Shift and width of the PSF by least squares: which blur of M1 looks like R Y1?

For each band, R Y1 = gain · D(shift, width) M1 + offset. Gain and offset are linear, so they are
solved in closed form at every step and taken out of the derivatives (variable projection: Golub &
Pereyra 1973, in Kaufman's form); four parameters remain for Gauss-Newton.
"""

from __future__ import annotations

import math

import numpy as np

from stsf.degradation import SMALLEST_SIGMA, Psf, blur_matrix

PRIOR = np.array([10.0, 10.0, 0.5, 0.5])  # px, px, log: so wide that it acts only on flat scenes
BLOCKS = 8  # per side; residuals count as correlated within a block, independent between blocks
TUKEY = 4.685  # biweight cut: 95 % efficient on Gaussian residuals
EPS = 1e-4  # step of the numerical derivatives, px or log


def fit_psf(
    target: np.ndarray,
    source: np.ndarray,
    ratio: int,
    start: Psf,
    good: np.ndarray,
    noise: np.ndarray | float = 0.0,
) -> tuple[Psf, np.ndarray]:
    """The PSF with which `source`, blurred and decimated, is most like `target`.

    Pixels that changed in between get no weight (Tukey's biweight on the residual of all bands).

    Args:
        target: (C, h, w), R Y1.
        source: (C, H, W), M1.
        ratio: decimation.
        start: shift within about one LR pixel of the solution.
        good: (h, w) samples to use.
        noise: (C,) standard deviation of the noise in `source`. A wider PSF averages more of it
            away, so it pulls the widths up; that pull counts as error.

    Returns:
        The PSF, and (4,) standard deviations of shift y, shift x, width y, width x in HR pixels.

    Example:
        >>> from stsf.degradation import SpatialDegradation
        >>> m = np.random.default_rng(0).uniform(size=(1, 90, 90))
        >>> y = 0.9 * SpatialDegradation((90, 90), 3, Psf(1.4, 1.6, 0.5, -0.25)).A(m) + 0.01
        >>> psf, _ = fit_psf(y, m, 3, Psf(1.48, 1.48), np.ones((30, 30), bool))
        >>> f"{psf.sigma_y:.3f} {psf.sigma_x:.3f} {psf.shift_y:.3f} {psf.shift_x:.3f}"
        '1.400 1.600 0.500 -0.250'
    """
    t = target[:, good].astype(float)  # (C, n)
    theta = first = np.array(
        [start.shift_y, start.shift_x, math.log(start.sigma_y), math.log(start.sigma_x)]
    )
    weight = np.ones(t.shape[1])
    for iteration in range(30):
        p, slopes = predict(theta, source, ratio, good)  # (C, n), (4, C, n)
        residual, slopes, gain = _project(t, p, slopes, weight)
        if iteration >= 2:  # the first steps use all pixels: far off, every edge looks changed
            weight = _biweight(residual)
        curvature = np.einsum("kcn,lcn,n->kl", slopes, slopes, weight) + np.diag(PRIOR**-2)
        scores = np.einsum("kcn,cn,n->kn", slopes, residual, weight)  # (4, n)
        step = np.linalg.solve(curvature, scores.sum(axis=1) + (first - theta) / PRIOR**2)
        theta = theta + np.clip(step, (-1, -1, -0.3, -0.3), (1, 1, 0.3, 0.3))
        theta[2:] = np.maximum(theta[2:], math.log(SMALLEST_SIGMA))
        if iteration > 3 and np.abs(step).max() < 1e-4:
            break
    psf = Psf(float(np.exp(theta[2])), float(np.exp(theta[3])), float(theta[0]), float(theta[1]))
    # Noise passed by the PSF: variance noise² / (4π σy σx) a pixel; half its slope is the pull.
    passed = ((gain.ravel() * noise) ** 2).sum() / (4 * math.pi * psf.sigma_y * psf.sigma_x)
    pull = np.linalg.solve(curvature, (0.0, 0.0, 1.0, 1.0)) * 0.5 * weight.sum() * passed
    sigma = np.hypot(_sandwich(curvature, scores, good), pull)
    return psf, sigma * (1.0, 1.0, psf.sigma_y, psf.sigma_x)


def predict(
    theta: np.ndarray, source: np.ndarray, ratio: int, good: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """D M1 at the good samples and its derivatives, each axis on its own.

    Args:
        theta: shift y, shift x, log width y, log width x.
        source: (C, H, W).
        ratio: decimation.
        good: (h, w), n of them True.

    Returns:
        (C, n) and (4, C, n), in the order of `theta`.
    """
    dy, dx, log_y, log_x = theta

    def down(shift: float, log: float) -> np.ndarray:
        return blur_matrix(source.shape[1], ratio, math.exp(log), shift)  # (h, H)

    def across(shift: float, log: float) -> np.ndarray:
        return blur_matrix(source.shape[2], ratio, math.exp(log), shift).T  # (W, w)

    left, right = down(dy, log_y), across(dx, log_x)
    half = source @ right  # (C, H, w)
    images = [
        (down(dy + EPS, log_y) - left) @ half,
        left @ (source @ (across(dx + EPS, log_x) - right)),
        (down(dy, log_y + EPS) - left) @ half,
        left @ (source @ (across(dx, log_x + EPS) - right)),
    ]
    return (left @ half)[:, good], np.stack([image[:, good] for image in images]) / EPS


def _project(
    t: np.ndarray, p: np.ndarray, slopes: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residual (C, n) and derivatives (4, C, n) after the best gain and offset, and gain (C, 1).

    All three in units of the band's scale: 1.4826 times the median absolute residual.
    """

    def centred(x: np.ndarray) -> np.ndarray:
        return x - (weight * x).sum(-1, keepdims=True) / weight.sum()

    t, p, slopes = centred(t), centred(p), centred(slopes)
    power = (weight * p * p).sum(-1, keepdims=True) + 1e-30  # (C, 1)
    gain = (weight * p * t).sum(-1, keepdims=True) / power
    residual = t - gain * p
    slopes = gain * (slopes - p * (weight * p * slopes).sum(-1, keepdims=True) / power)
    scale = 1.4826 * np.median(np.abs(residual), axis=-1, keepdims=True) + 1e-12
    return residual / scale, slopes / scale, gain / scale


def _biweight(residual: np.ndarray) -> np.ndarray:
    """(C, n) residuals -> (n,) weights: a pixel that changed did so in all bands."""
    size = np.sqrt((residual**2).sum(axis=0))
    size = size / (np.median(size) / 0.6745 * TUKEY + 1e-12)
    return np.where(size < 1, (1 - size**2) ** 2, 0.0)


def _sandwich(curvature: np.ndarray, scores: np.ndarray, good: np.ndarray) -> np.ndarray:
    """(4,) standard deviations: curvature⁻¹ · scatter of the scores · curvature⁻¹.

    A wrong response, stripes and change leave residuals that hang together in space and between
    bands, so the scatter is taken over blocks of pixels, bands summed, not over single residuals
    (Liang & Zeger 1986).
    """
    rows, columns = np.nonzero(good)
    h, w = good.shape
    block = rows * BLOCKS // h * BLOCKS + columns * BLOCKS // w  # (n,)
    sums = np.stack([np.bincount(block, score, BLOCKS**2) for score in scores])  # (4, blocks)
    bread = np.linalg.inv(curvature)
    return np.sqrt(np.diag(bread @ (sums @ sums.T + np.diag(PRIOR**-2)) @ bread))
