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
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from stsf.errors import InputError
from stsf.local import local_fit, local_wiener
from stsf.scene import Scene
from stsf.subspace import pixels, regress

SMALLEST_NOISE = 1e-6  # reflectance; bands that are zero everywhere must not divide by zero
SIGNAL = 1.5  # variance over that of noise from which on a direction is worth a map
DOUBTFUL = 4.0  # standard deviations between R Y1 and D M1 at which half of Y1 is believed
GUIDES = 4  # axes of the MS that local regressions look at, whatever the number of its bands


@dataclass(frozen=True, eq=False)
class Prepared:
    """Observations as n maps of unit variance, with the operators that act on them (torch).

    h x w is the low-resolution grid, H x W the high one; d counts the HS detectors.

    Attributes:
        y: (n, h, w) the residual Y1 - D f(M1) on each axis, with noise.
        noise: (n,) share of noise in its variance.
        doubt: (h, w) disagreement of R Y1 and D M1, in standard deviations.
        valid: (h, w) 1 where Y1 has data, else 0.
        start: (n, H, W) first estimate: local regression of y on D M1, applied to M1.
        guide: (d, g, H, W) axes of M1 that local regressions look at.
        detector: (n,) which detector saw the bands of each map.
        down: ((d, h, H), (d, W, w)) D as two matrices per detector.
        seen: (C, n) what each MS band sees of each map, reflectance.
        missed: (C, H, W) M1 - R f(M1): what the maps have to explain of M1.
        noise_ms: (C,) standard deviation of noise and mismatch in `missed`.
        sharpness: (n, 2) PSF width over the ratio, along y and x.
        base: (L, H, W) f(M1) and all that lies outside the maps.
        basis: (L, n) E.
        ratio: r.
    """

    y: Tensor
    noise: Tensor
    doubt: Tensor
    valid: Tensor
    start: Tensor
    guide: Tensor
    detector: Tensor
    down: tuple[Tensor, Tensor]
    seen: Tensor
    missed: Tensor
    noise_ms: Tensor
    sharpness: Tensor
    base: Tensor
    basis: Tensor
    ratio: int

    def __len__(self) -> int:
        return len(self.y)

    @property
    def weight(self) -> Tensor:
        """(n,) RMS over the bands of what one unit of each map is worth, reflectance."""
        return self.basis.square().mean(0).sqrt()

    @property
    def trust(self) -> Tensor:
        """(h, w) from 1, Y1 and M1 agree, to 0: the weight of Y1 before a network looks at it."""
        return self.valid * trust(self.doubt)

    def degrade(self, z: Tensor) -> Tensor:
        """D on the maps: (n, H, W) -> (n, h, w)."""
        rows, columns = self.down
        return rows[self.detector] @ z @ columns[self.detector]

    def back_project(self, residual: Tensor, damping: Tensor) -> Tensor:
        """Dᵀ(D Dᵀ + λ)⁻¹ on the maps: (n, h, w) -> (n, H, W), see `stsf.projection`.

        Args:
            residual: of y.
            damping: λ (n,) variance of the noise over that of the answer.
        """
        (rows, columns), k = self.down, self.detector
        (s, U), (t, V) = self._axes
        patterns = (U.mT[k] @ residual @ V[k]) / (
            s[k][:, :, None] * t[k][:, None, :] + damping[:, None, None]
        )
        return (rows.mT @ U)[k] @ patterns @ (V.mT @ columns.mT)[k]

    @cached_property
    def _axes(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Eigenvalues and axes of D_y D_yᵀ and D_x D_xᵀ per detector."""
        rows, columns = self.down
        y, x = torch.linalg.eigh(rows @ rows.mT), torch.linalg.eigh(columns.mT @ columns)
        return (y[0], y[1]), (x[0], x[1])

    def explained(self, z: Tensor, weight: Tensor) -> Tensor:
        """G (missed - A z): what the maps should change to agree with M1, (n, H, W).

        G is the MMSE gain for errors of the maps that are independent, of variance `weight` (n,).
        """
        spread = self.seen * weight  # (C, n) A C
        gain = torch.linalg.solve(
            spread @ self.seen.T + torch.diag(self.noise_ms.square()), spread
        ).T
        missed = self.missed - torch.einsum("cn,nhw->chw", self.seen, z)
        return torch.einsum("nc,chw->nhw", gain, missed)

    def decode(self, z: Tensor) -> Tensor:
        """(n, H, W) -> (L, H, W) reflectance."""
        return self.base + torch.einsum("ln,nhw->lhw", self.basis, z)

    def encode(self, x: Tensor) -> Tensor:
        """(L, H, W) -> (n, H, W): the maps of a known X1, as near as they come to it."""
        return torch.einsum("nl,lhw->nhw", torch.linalg.pinv(self.basis), x - self.base)

    def to(self, device: torch.device | str) -> Prepared:
        """The same on another device."""
        moved = {
            f.name: tuple(t.to(device) for t in value) if isinstance(value, tuple)
            else value.to(device) if isinstance(value, Tensor) else value
            for f in fields(self) for value in [getattr(self, f.name)]
        }  # fmt: skip
        return Prepared(**moved)

    def select(self, maps: Tensor) -> Prepared:
        """Some of the maps, by index."""
        names = ("y", "noise", "start", "detector", "sharpness")
        chosen = {name: getattr(self, name)[maps] for name in names}
        return replace(self, **chosen, seen=self.seen[:, maps], basis=self.basis[:, maps])

    def crop(
        self, top: int, left: int, size: int, margin: int = 2
    ) -> tuple[Prepared, tuple[slice, slice]]:
        """A square window for training; D stays exact, as the sharp maps reach over its border.

        Args:
            top: first row, low-resolution pixels.
            left: first column.
            size: side, low-resolution pixels.
            margin: how far the sharp maps go beyond, low-resolution pixels.

        Returns:
            The window, and the (rows, columns) of its sharp maps inside the margin.
        """
        (h, w), r = self.y.shape[1:], self.ratio
        low = slice(top, min(top + size, h)), slice(left, min(left + size, w))
        first = [r * max(s.start - margin, 0) for s in low]
        high = tuple(
            slice(a, r * min(s.stop + margin, n)) for a, s, n in zip(first, low, (h, w))
        )  # fmt: skip
        window = replace(
            self,
            **{name: getattr(self, name)[(..., *low)] for name in ("y", "doubt", "valid")},
            **{name: getattr(self, name)[(..., *high)] for name in ("start", "guide", "missed", "base")},
            down=(self.down[0][:, low[0], high[0]], self.down[1][:, high[1], low[1]]),
        )  # fmt: skip
        rows, columns = (slice(r * s.start - a, r * s.stop - a) for s, a in zip(low, first))
        return window, (rows, columns)


def trust(doubt: Tensor) -> Tensor:
    """Weight of an observation that is `doubt` standard deviations off: 1 / (1 + (doubt/4)⁴)."""
    return 1.0 / (1.0 + (doubt / DOUBTFUL) ** 4)


def disagreement(scene: Scene) -> np.ndarray:
    """RMS over the MS bands of R Y1 - D M1 in robust standard deviations, (h, w).

    About 1 where both images show the same ground; tens where it changed in between.
    """
    difference = scene.R.A(scene.lrhs_t1) - scene.D_ms.A(scene.hrms_t1)  # (C, h, w)
    values = pixels(difference, scene.valid_lr)  # (n, C)
    middle = np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(values - middle), axis=0)
    expected = np.sqrt(scene.R.R**2 @ scene.noise_hs**2 + (scene.noise_ms / scene.ratio) ** 2)
    sigma = np.maximum(spread, np.maximum(expected, SMALLEST_NOISE))
    return np.sqrt(np.mean(((difference - middle[:, None, None]) / sigma[:, None, None]) ** 2, 0))


def prepare(
    scene: Scene, components: int = 8, softness: Sequence[float] | None = None
) -> Prepared:
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
    soft = (0.0,) * len(scene.hs.mtf) if softness is None else tuple(softness)
    if len(soft) != len(scene.hs.mtf) or min(soft) < 0:
        raise InputError(
            f"expected {len(scene.hs.mtf)} values of softness, one per HS detector and none below "
            f"0, got {soft}: give 0 for a detector that is as sharp as the MS"
        )
    assert scene.psf is not None and scene.valid_lr is not None
    doubt = disagreement(scene)
    weight = scene.valid_lr * trust(torch.as_tensor(doubt)).numpy()  # (h, w)
    sharp = local_wiener(scene.hrms_t1, np.maximum(scene.noise_ms, SMALLEST_NOISE))
    base = np.empty((len(scene.hs), *scene.size), np.float32)
    kept, basis, guides = [], [], []
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
        guides.append(_guide(m))
    detector, y, noise, start = (np.concatenate(part) for part in zip(*kept, strict=True))
    E = np.concatenate(basis, axis=1)  # (L, n)
    sharpness = np.array([[p.sigma_y, p.sigma_x] for p in scene.psf])[detector] / scene.ratio
    missed = sharp - scene.R.A(base)
    arrays = {
        "y": y, "noise": noise, "doubt": doubt, "valid": scene.valid_lr, "start": start,
        "guide": np.stack(guides), "seen": scene.R.R @ E, "missed": missed,
        "noise_ms": _mismatch(scene, missed, weight), "sharpness": sharpness, "base": base,
        "basis": E,
    }  # fmt: skip
    down = (np.stack([d[0] for d in scene.D.down]), np.stack([d[1] for d in scene.D.down]))
    return Prepared(
        **{name: torch.as_tensor(a, dtype=torch.float32) for name, a in arrays.items()},
        detector=torch.as_tensor(detector),
        down=tuple(torch.as_tensor(d, dtype=torch.float32) for d in down),
        ratio=scene.ratio,
    )


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
    sigma = np.maximum(scene.noise_hs[bands], SMALLEST_NOISE)[:, None]  # (bands, 1)
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


def _mismatch(scene: Scene, missed: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(C,) noise of M1 and what R gets wrong, from R Y1 - D M1 where both can be believed."""
    difference = scene.R.A(scene.lrhs_t1) - scene.D_ms.A(scene.hrms_t1)
    seen = np.average(np.square(difference), axis=(1, 2), weights=weight)  # (C,)
    known = scene.R.R**2 @ scene.noise_hs**2 + (scene.noise_ms / scene.ratio) ** 2
    return np.sqrt(np.square(scene.noise_ms) + np.maximum(seen - known, SMALLEST_NOISE**2))
