"""Spectral regression: from the few numbers of an MS pixel to the spectrum behind it.

Each function fits on pairs (MS pixel, spectral coordinates) and returns a prediction for new MS
pixels. Inputs are divided by the pairs' spread per band first, so that one width fits all sensors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import KDTree
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from stsf.linear import pixels

Predict = Callable[[np.ndarray], np.ndarray]  # (n, C) -> (n, k)
Fit = Callable[[np.ndarray, np.ndarray], Predict]  # (pairs, C), (pairs, k) -> Predict

NEIGHBOURS = 32
CHUNK = 8192  # pixels at a time, to bound the memory of neighbour lists


def polynomial(m: np.ndarray, z: np.ndarray, degree: int) -> Predict:
    """Ridge regression on all monomials up to `degree`.

    Example:
        >>> m = np.random.default_rng(0).uniform(size=(200, 2))
        >>> predict = polynomial(m, (m[:, :1] * m[:, 1:]), degree=2)
        >>> bool(abs(predict(np.array([[0.5, 0.4]])).item() - 0.2) < 1e-3)
        True
    """
    model = make_pipeline(
        StandardScaler(), PolynomialFeatures(degree), Ridge(alpha=1e-3 * len(m) ** 0.5)
    ).fit(m, z)
    return lambda new: model.predict(new).reshape(len(new), -1)


def linear(m: np.ndarray, z: np.ndarray) -> Predict:
    """Ridge regression."""
    return polynomial(m, z, 1)


def quadratic(m: np.ndarray, z: np.ndarray) -> Predict:
    """Ridge regression with squares and products."""
    return polynomial(m, z, 2)


def cubic(m: np.ndarray, z: np.ndarray) -> Predict:
    """Ridge regression with monomials of degree three."""
    return polynomial(m, z, 3)


def local_linear(m: np.ndarray, z: np.ndarray) -> Predict:
    """A weighted linear fit to the nearest pairs of each pixel (LOESS).

    Cleveland, "Robust locally weighted regression and smoothing scatterplots", JASA 74, 1979.
    The ridge on the slopes keeps the answer near the neighbours' mean where they lie in a plane.
    """
    spread = m.std(axis=0) + 1e-9
    tree, count = KDTree(m / spread), min(NEIGHBOURS, len(m))

    def predict(new: np.ndarray) -> np.ndarray:
        parts = [_local_fit(new[i : i + CHUNK]) for i in range(0, len(new), CHUNK)]
        return np.concatenate(parts)

    def _local_fit(new: np.ndarray) -> np.ndarray:
        distance, index = tree.query(new / spread, k=count)  # (n, count)
        width = distance[:, -1:] + 1e-9
        w = (1 - np.minimum(distance / (1.01 * width), 1) ** 3) ** 3  # tricube
        w /= w.sum(axis=1, keepdims=True)
        centre = np.einsum("ni,nic->nc", w, m[index])  # (n, C)
        level = np.einsum("ni,nik->nk", w, z[index])  # (n, k)
        dm = (m[index] - centre[:, None]) / spread  # (n, count, C)
        gram = np.einsum("ni,nic,nid->ncd", w, dm, dm, optimize=True)
        ridge = 0.03 * np.trace(gram, axis1=1, axis2=2) / gram.shape[1] + 1e-6
        gram += ridge[:, None, None] * np.eye(gram.shape[1])
        cross = np.einsum("ni,nic,nik->nck", w, dm, z[index] - level[:, None], optimize=True)
        slope = np.linalg.solve(gram, cross)  # (n, C, k)
        return level + np.einsum("nc,nck->nk", (new - centre) / spread, slope)

    return predict


def kernel_ridge(
    m: np.ndarray,
    z: np.ndarray,
    *,
    width: float = 2.0,
    damping: float = 1e-4,
    centres: int = 400,
    seed: int = 0,
) -> Predict:
    """Gaussian kernel ridge regression on all pairs, with kernels at some of them only.

    Saunders, Gammerman & Vovk, "Ridge regression learning algorithm in dual variables", ICML 1998;
    the centres as in Rudi et al., "FALKON", NeurIPS 2017 (subset of regressors).

    Args:
        m: (pairs, C).
        z: (pairs, k).
        width: σ of the kernel, in standard deviations of each band.
        damping: ridge per pair; small for many clean pairs, large for few noisy ones.
        centres: number of kernels.
        seed: of the choice of centres.
    """
    spread = m.std(axis=0) + 1e-9
    chosen = np.random.default_rng(seed).permutation(len(m))[:centres]
    at = m[chosen] / spread  # (centres, C)
    trend = linear(m, z)  # far from all pairs the prediction falls back to the linear one
    K = _gaussian(m / spread, at, width)  # (pairs, centres)
    gram = K.T @ K + damping * len(m) * _gaussian(at, at, width)
    gram += 1e-10 * np.trace(gram) / len(gram) * np.eye(len(gram))
    weights = np.linalg.solve(gram, K.T @ (z - trend(m)))  # (centres, k)
    return lambda new: trend(new) + _gaussian(new / spread, at, width) @ weights


def _gaussian(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    square = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.exp(-0.5 * np.maximum(square, 0) / width**2)


def predict_map(predict: Predict, ms: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (k, H, W)."""
    z = predict(pixels(ms))
    return z.T.reshape(-1, *ms.shape[1:]).astype(np.float32)


def clipped(z: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """No coordinate leaves the range of the low-resolution scene by more than that range."""
    low, high = pairs.min(axis=0)[:, None, None], pairs.max(axis=0)[:, None, None]
    return np.clip(z, low - (high - low), high + (high - low))
