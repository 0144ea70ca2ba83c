"""What a scene itself teaches of X1, before any network: the start of SSJE.

    X1 = f(M1) + E z        f: the scene's regression of Y1 on D M1; z: maps of what f misses

The columns of E are found per HS detector, on the residual Y1 - D f(M1) in units of its noise
(minimum noise fraction). All bands behind one column share one PSF, so D acts on its map exactly,
and each map can be super-resolved by itself: nothing here depends on how many bands there are.

Where Y1 and M1 do not show the same ground, Y1 must not be believed: `doubt` finds these places
from R Y1 against D M1, the one comparison that needs no estimate of X1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from stsf.errors import InputError
from stsf.evidence.local import local_fit, local_wiener
from stsf.evidence.maps import Prepared, trust
from stsf.linear import SMALLEST_NOISE, pixels, regress
from stsf.scene import Scene

SIGNAL = 1.5  # variance over that of noise from which on a direction is worth a map
GUIDES = 4  # axes of the MS that local regressions look at, whatever the number of its bands


def disagreement(scene: Scene) -> np.ndarray:
    """RMS over the MS bands of R Y1 - D M1 in robust standard deviations, (h, w).

    About 1 where both images show the same ground; tens where it changed in between.
    """
    difference, expected = _difference(scene)
    values = pixels(difference, scene.valid_lr)  # (n, C)
    middle = np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(values - middle), axis=0)
    sigma = np.maximum(spread, np.maximum(expected, SMALLEST_NOISE))
    return np.sqrt(np.mean(((difference - middle[:, None, None]) / sigma[:, None, None]) ** 2, 0))


def prepare(scene: Scene, components: int = 8, softness: Sequence[float] | None = None) -> Prepared:
    """Everything SSJE looks at.

    Args:
        scene: the observations, registered and calibrated.
        components: maps per HS detector, at most; directions that vary no more than noise
            (`SIGNAL`) get none.
        softness: per HS detector, how much softer than M1 the product itself is meant to be (σ in
            high-resolution pixels). None: as sharp as M1. Needed where X1 is a real image whose
            SWIR is less sharp than its VNIR.

    Returns:
        The scene as maps.

    Raises:
        InputError: one softness per detector is missing, or one is negative.

    Example:
        >>> import stsf
        >>> prepared = prepare(stsf.load_sample())
        >>> prepared.start.shape[1:], prepared.decode(prepared.start).shape
        (torch.Size([180, 180]), torch.Size([114, 180, 180]))
    """
    soft = _soft(scene, softness)
    # where both images show the same ground, and how sharp M1 is without its noise
    doubt = disagreement(scene)
    weight = scene.valid_lr * trust(torch.as_tensor(doubt)).numpy()  # (h, w)
    sharp = local_wiener(scene.hrms_t1, scene.noise_ms)
    base = np.empty((len(scene.hs), *scene.size), np.float32)
    kept, basis, group = [], [], []
    guides: list[np.ndarray] = []
    # per detector: what M1 predicts of Y1, and the principal axes of the rest
    for k in np.unique(scene.hs.detector):
        bands = np.flatnonzero(scene.hs.detector == k)
        m = gaussian_filter(sharp, soft[k], axes=(1, 2)) if soft[k] > 0 else sharp
        m_lr = scene.D.at(np.full(len(m), k)).A(m)  # (C, h, w)
        f = regress(m_lr, scene.lrhs_t1[bands], weight > 0.5)
        axes = _axes(scene, bands, scene.lrhs_t1[bands] - f.apply(m_lr), weight, components)
        base[bands] = f.apply(m) + scene.D.at(np.full(len(bands), k)).upsample(axes.rest)
        start = _start(scene, k, axes, m, m_lr, weight)
        kept.append((np.full(len(axes.y), k), axes.y, axes.noise, start))
        basis.append(_rows(axes.basis, bands, len(scene.hs)))
        if not guides or soft[k] != soft[0]:
            guides.append(_guide(m))
        group.append(np.full(len(axes.y), len(guides) - 1))
    # all maps in one stack
    detector, y, noise, start = (np.concatenate(part) for part in zip(*kept, strict=True))
    E = np.concatenate(basis, axis=1)  # (L, n)
    sharpness = np.array([[p.sigma_y, p.sigma_x] for p in scene.psf])[detector] / scene.ratio
    missed = sharp - scene.R.A(base)
    arrays = {
        "y": y, "noise": noise, "doubt": doubt, "valid": scene.valid_lr, "start": start,
        "guide": np.stack(guides), "seen": scene.R.R @ E, "missed": missed, "basis": E,
        "noise_ms": _mismatch(scene, weight), "sharpness": sharpness, "base": base,
    }  # fmt: skip
    rows, columns = (np.stack(part) for part in zip(*scene.D.down, strict=True))
    return Prepared(
        **{name: torch.as_tensor(a, dtype=torch.float32) for name, a in arrays.items()},
        detector=torch.as_tensor(detector),
        group=torch.as_tensor(np.concatenate(group)),
        down=(torch.from_numpy(rows).float(), torch.from_numpy(columns).float()),
        ratio=scene.ratio,
    )


def _soft(scene: Scene, softness: Sequence[float] | None) -> tuple[float, ...]:
    """One softness per detector."""
    soft = (0.0,) * len(scene.hs.mtf) if softness is None else tuple(softness)
    if len(soft) != len(scene.hs.mtf) or min(soft) < 0:
        raise InputError(
            f"expected {len(scene.hs.mtf)} values of softness, one per HS detector and none below "
            f"0, got {soft}: give 0 for a detector that is as sharp as the MS"
        )
    return soft


@dataclass(frozen=True)
class Axes:
    """The residual of one detector's bands, split into maps and a rest."""

    y: np.ndarray  # (n, h, w) unit variance
    noise: np.ndarray  # (n,) share of noise
    basis: np.ndarray  # (bands, n)
    rest: np.ndarray  # (bands, h, w) freed from noise


def _axes(
    scene: Scene, bands: np.ndarray, residual: np.ndarray, weight: np.ndarray, components: int
) -> Axes:
    """Principal axes of a residual in units of its noise; those that matter most come first."""
    sigma = scene.noise_hs[bands][:, None]  # (bands, 1)
    white = residual.reshape(len(bands), -1) / sigma  # (bands, h·w)
    variance, axes = np.linalg.eigh(np.cov(white, aweights=weight.ravel()).reshape(len(bands), -1))
    variance = np.maximum(variance, 1e-6)
    worth = np.square(axes * sigma).sum(axis=0) * (variance - 1.0)  # signal, reflectance²
    order = np.argsort(-worth)
    keep = order[:components]
    keep = keep[variance[keep] > SIGNAL] if (variance[keep] > SIGNAL).any() else keep[:1]
    rest = np.setdiff1d(order, keep)
    y = (axes[:, keep] / np.sqrt(variance[keep])).T @ white
    signal = np.maximum(1.0 - 1.0 / variance[rest], 0.0)  # Wiener
    outside = sigma * (axes[:, rest] * signal) @ (axes[:, rest].T @ white) * weight.ravel()
    shape = residual.shape[1:]
    return Axes(
        y.reshape(-1, *shape),
        np.minimum(1.0 / variance[keep], 1.0),
        axes[:, keep] * sigma * np.sqrt(variance[keep]),
        outside.reshape(-1, *shape),
    )


def _start(
    scene: Scene, k: int, axes: Axes, m: np.ndarray, m_lr: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """(n, H, W) local regression of the maps on D M1 at low resolution, applied to M1."""
    target = axes.y * (1.0 - axes.noise)[:, None, None]
    slopes, offset = local_fit(m_lr, target, weight, sigma=1.0, ridge=0.01)
    up = scene.D.at(np.full(len(target), k)).upsample
    return up(offset) + sum(up(s) * band for s, band in zip(slopes, m, strict=True))


def _guide(m: np.ndarray) -> np.ndarray:
    """(GUIDES, H, W) principal axes of the MS in units of its bands' spread; 0 beyond the last."""
    spread = np.maximum(m.std(axis=(1, 2), keepdims=True), SMALLEST_NOISE)
    unit = (m - m.mean(axis=(1, 2), keepdims=True)) / spread
    _, axes = np.linalg.eigh(np.cov(unit.reshape(len(m), -1)).reshape(len(m), -1))
    guide = np.tensordot(axes[:, ::-1].T[:GUIDES], unit, 1)
    return np.pad(guide, ((0, GUIDES - len(guide)), (0, 0), (0, 0)))


def _rows(matrix: np.ndarray, rows: np.ndarray, length: int) -> np.ndarray:
    whole = np.zeros((length, matrix.shape[1]))
    whole[rows] = matrix
    return whole


def _difference(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """R Y1 - D M1 (C, h, w), and the standard deviation (C,) of the noise in it."""
    difference = scene.R.A(scene.lrhs_t1) - scene.D_ms.A(scene.hrms_t1)
    variance = scene.R.R**2 @ scene.noise_hs**2 + (scene.noise_ms / scene.ratio) ** 2
    return difference, np.sqrt(variance)


def _mismatch(scene: Scene, weight: np.ndarray) -> np.ndarray:
    """(C,) noise of M1 and what R gets wrong, from R Y1 - D M1 where both can be believed."""
    difference, expected = _difference(scene)
    seen = np.average(np.square(difference), axis=(1, 2), weights=weight)  # (C,)
    mismatch = np.maximum(seen - np.square(expected), SMALLEST_NOISE**2)
    return np.sqrt(np.square(scene.noise_ms) + mismatch)
