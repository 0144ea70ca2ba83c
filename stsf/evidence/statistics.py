"""What `stsf.evidence.components` estimates once for a whole scene, before any map is made.

Numbers per band, per direction and per detector, none per pixel: a part of the scene becomes maps
by the same numbers, and so do parts that are fused one after the other (`stsf.tiles`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from stsf.evidence.local import local_wiener
from stsf.evidence.maps import trust
from stsf.linear import SMALLEST_NOISE, LinearMap, pixels, regress
from stsf.scene import Scene
from stsf.sensing.bands import check_softness

SIGNAL = 1.5  # variance over that of noise from which on a direction is worth a map
GUIDES = 4  # axes of the MS that local regressions look at, whatever the number of its bands


class Usual(NamedTuple):
    """How R Y1 - D M1 usually is, (C,) each: its median, and a robust standard deviation."""

    middle: np.ndarray
    sigma: np.ndarray


@dataclass(frozen=True)
class Axes:
    """Principal axes of what M1 does not predict of one detector's bands, in units of its noise.

    Attributes:
        sigma: (bands, 1) noise.
        variance: (bands,) along each axis, noise being 1.
        axes: (bands, bands) in columns.
        keep: which become maps, those that matter most first.
        rest: which do not.
    """

    sigma: np.ndarray
    variance: np.ndarray
    axes: np.ndarray
    keep: np.ndarray
    rest: np.ndarray

    @property
    def noise(self) -> np.ndarray:
        """(n,) share of noise in the variance of each map."""
        return np.minimum(1.0 / self.variance[self.keep], 1.0)

    @property
    def basis(self) -> np.ndarray:
        """(bands, n) what one unit of each map is in reflectance."""
        return self.axes[:, self.keep] * self.sigma * np.sqrt(self.variance[self.keep])

    def maps(self, residual: np.ndarray) -> np.ndarray:
        """(bands, h, w) reflectance -> (n, h, w) of unit variance."""
        white = residual.reshape(len(residual), -1) / self.sigma
        y = (self.axes[:, self.keep] / np.sqrt(self.variance[self.keep])).T @ white
        return y.reshape(-1, *residual.shape[1:])

    def others(self, residual: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """(bands, h, w) the signal in what is no map, by a Wiener filter; weight (h, w)."""
        white = residual.reshape(len(residual), -1) / self.sigma
        signal = np.maximum(1.0 - 1.0 / self.variance[self.rest], 0.0)
        outside = self.sigma * (self.axes[:, self.rest] * signal)
        return (outside @ (self.axes[:, self.rest].T @ white) * weight.ravel()).reshape(
            residual.shape
        )


class Guide(NamedTuple):
    """Principal axes of the MS in units of its bands' spread.

    Attributes:
        mean: (C, 1, 1).
        spread: (C, 1, 1).
        axes: (C, C) in columns, the largest last.
    """

    mean: np.ndarray
    spread: np.ndarray
    axes: np.ndarray

    def maps(self, m: np.ndarray) -> np.ndarray:
        """(C, H, W) -> (GUIDES, H, W); 0 beyond the last axis."""
        unit = (m - self.mean) / self.spread
        guide = np.tensordot(self.axes[:, ::-1].T[:GUIDES], unit, 1)
        return np.pad(guide, ((0, GUIDES - len(guide)), (0, 0), (0, 0)))


@dataclass(frozen=True)
class OfDetector:
    """What is estimated of the bands of one HS detector.

    Attributes:
        bands: (b,) their numbers.
        f: from D M1 to these bands of Y1.
        axes: of the rest, Y1 - D f(M1).
        spread: (C,) variance of D M1.
        guide: what local regressions look at.
    """

    bands: np.ndarray
    f: LinearMap[np.ndarray]
    axes: Axes
    spread: np.ndarray
    guide: Guide


@dataclass(frozen=True)
class Statistics:
    """A scene in numbers.

    Attributes:
        noise_ms: (C,) standard deviation of the noise in M1 and M2.
        middle: (C,) mean of M1.
        usual: R Y1 - D M1 where both show the same ground.
        mismatch: (C,) noise of M1 and what R gets wrong.
        softness: per HS detector, see `stsf.evidence.components.prepare`.
        detectors: by number of the detector.
    """

    noise_ms: np.ndarray
    middle: np.ndarray
    usual: Usual
    mismatch: np.ndarray
    softness: tuple[float, ...]
    detectors: dict[int, OfDetector]


def statistics(
    scene: Scene, components: int = 8, softness: Sequence[float] | None = None
) -> Statistics:
    """Estimate all of it; for the arguments see `stsf.evidence.components.prepare`.

    Example:
        >>> import stsf
        >>> found = statistics(stsf.load_sample())
        >>> [len(own.axes.keep) for own in found.detectors.values()]  # maps of VNIR and SWIR
        [5, 8]
    """
    soft = (0.0,) * len(scene.hs.mtf) if softness is None else check_softness(softness, scene.hs)
    usual = usual_difference(scene)
    weight = believed(scene, disagreement(scene, usual))
    sharp = local_wiener(scene.hrms_t1, scene.noise_ms)
    detectors: dict[int, OfDetector] = {}
    for k in map(int, np.unique(scene.hs.detector)):
        bands = np.flatnonzero(scene.hs.detector == k)
        m, m_lr = as_seen(scene, sharp, k, soft[k])
        # what M1 predicts of Y1, and the principal axes of the rest
        f = regress(m_lr, scene.lrhs_t1[bands], weight > 0.5)
        residual = scene.lrhs_t1[bands] - f.apply(m_lr)
        axes = _axes(residual, scene.noise_hs[bands][:, None], weight, components)
        detectors[k] = OfDetector(bands, f, axes, _variance(m_lr), _guide(m))
    middle = scene.hrms_t1.mean(axis=(1, 2))
    return Statistics(scene.noise_ms, middle, usual, _mismatch(scene, weight), soft, detectors)


def usual_difference(scene: Scene) -> Usual:
    """Median and spread of R Y1 - D M1 over the scene; no less spread than its noise has."""
    difference, expected = _difference(scene)
    values = pixels(difference, scene.valid_lr)  # (n, C)
    middle = np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(values - middle), axis=0)
    return Usual(middle, np.maximum(spread, np.maximum(expected, SMALLEST_NOISE)))


def disagreement(scene: Scene, usual: Usual | None = None) -> np.ndarray:
    """RMS over the MS bands of R Y1 - D M1 in robust standard deviations, (h, w).

    About 1 where both images show the same ground; tens where it changed in between.
    """
    middle, sigma = usual or usual_difference(scene)
    difference = scene.R.A(scene.lrhs_t1) - scene.D_ms.A(scene.hrms_t1)
    return np.sqrt(np.mean(((difference - middle[:, None, None]) / sigma[:, None, None]) ** 2, 0))


def believed(scene: Scene, doubt: np.ndarray) -> np.ndarray:
    """(h, w) weight of each pixel of Y1, 0 to 1."""
    return scene.valid_lr * trust(torch.as_tensor(doubt)).numpy()


def as_seen(
    scene: Scene, sharp: np.ndarray, k: int, softness: float
) -> tuple[np.ndarray, np.ndarray]:
    """M1 as sharp as the product of detector k (C, H, W), and D of it (C, h, w)."""
    m = gaussian_filter(sharp, softness, axes=(1, 2)) if softness > 0 else sharp
    return m, scene.D.at(np.full(len(m), k)).A(m)


def _axes(residual: np.ndarray, sigma: np.ndarray, weight: np.ndarray, components: int) -> Axes:
    """Principal axes of a residual in units of its noise; those that matter most come first."""
    white = residual.reshape(len(residual), -1) / sigma  # (bands, h·w)
    covariance = np.cov(white, aweights=weight.ravel()).reshape(len(residual), -1)
    variance, axes = np.linalg.eigh(covariance)
    variance = np.maximum(variance, 1e-6)
    worth = np.square(axes * sigma).sum(axis=0) * (variance - 1.0)  # signal, reflectance²
    order = np.argsort(-worth)
    keep = order[:components]
    keep = keep[variance[keep] > SIGNAL] if (variance[keep] > SIGNAL).any() else keep[:1]
    return Axes(sigma, variance, axes, keep, np.setdiff1d(order, keep))


def _guide(m: np.ndarray) -> Guide:
    spread = np.maximum(m.std(axis=(1, 2), keepdims=True), SMALLEST_NOISE)
    mean = m.mean(axis=(1, 2), keepdims=True)
    unit = (m - mean) / spread
    _, axes = np.linalg.eigh(np.cov(unit.reshape(len(m), -1)).reshape(len(m), -1))
    return Guide(mean, spread, axes)


def _variance(m: np.ndarray) -> np.ndarray:
    m = m.astype(np.float64)
    return (m - m.mean(axis=(1, 2), keepdims=True)).var(axis=(1, 2))


def _difference(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """R Y1 - D M1 (C, h, w), and the standard deviation (C,) of the noise in it."""
    difference = scene.R.A(scene.lrhs_t1) - scene.D_ms.A(scene.hrms_t1)
    variance = scene.R.R**2 @ scene.noise_hs**2 + (scene.noise_ms / scene.ratio) ** 2
    return difference, np.sqrt(variance)


def _mismatch(scene: Scene, weight: np.ndarray) -> np.ndarray:
    """(C,) noise of M1 and what R gets wrong, from R Y1 - D M1 where both can be believed."""
    difference, expected = _difference(scene)
    measured = np.average(np.square(difference), axis=(1, 2), weights=weight)  # (C,)
    mismatch = np.maximum(measured - np.square(expected), SMALLEST_NOISE**2)
    return np.sqrt(np.square(scene.noise_ms) + mismatch)
