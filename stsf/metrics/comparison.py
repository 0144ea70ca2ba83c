"""Two cubes compared: which pixels count, which parts they have, and how each pixel compares.

The groundwork of `stsf.metrics`. Each refusal is one sentence with the mend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from stsf.errors import InputError
from stsf.scene import KINDS

Mask = ArrayLike | None
WINDOW: dict[str, Any] = {
    "sigma": 1.5,
    "radius": 5,
    "mode": "constant",
}  # of SSIM: Gaussian, 11 x 11 pixels

NEAR_ZERO = 0.005  # mean reflectance below which a relative error says nothing


@dataclass(frozen=True, eq=False)
class Pair:
    """Prediction and reference on one grid.

    Attributes:
        pred: (L, H, W).
        ref: (L, H, W).
        known: (H, W) where the reference is valid.
        scored: (H, W) where there is a prediction too.
        peak: (L,) largest known reference value.
        mean: (L,) mean of the known reference.
    """

    pred: np.ndarray
    ref: np.ndarray
    known: np.ndarray
    scored: np.ndarray
    peak: np.ndarray
    mean: np.ndarray


def compare(pred: ArrayLike, ref: ArrayLike, valid: Mask) -> Pair:
    """Cubes (L, H, W) made ready; pixels outside `valid` or without data do not count.

    Raises:
        InputError: shapes that differ, no pixel to compare, a reference that is nowhere positive.
    """
    x, y = _cube(pred, "prediction"), _cube(ref, "reference")
    if x.shape != y.shape:
        raise InputError(
            f"prediction and reference must have one shape (band, y, x), got {x.shape} and "
            f"{y.shape}: crop both to the same bands and extent"
        )
    known = np.isfinite(y).all(axis=0)
    if valid is not None:
        known &= _plane(valid, "valid", known.shape).astype(bool)
    scored = known & np.isfinite(x).all(axis=0)
    if not scored.any():
        raise InputError(
            "expected at least one pixel with data in every band of prediction and reference, got "
            "none: check the nodata value and the mask, and drop bands that hold no data"
        )
    peak = np.array([band[known].max() for band in y], dtype=np.float64)
    if peak.max() <= 0:
        raise InputError(
            f"the reference must be positive somewhere, its largest value is {peak.max():.4g}: "
            "check that it holds reflectance"
        )
    mean = np.array([band[known].mean(dtype=np.float64) for band in y])
    return Pair(x, y, known, scored, peak, mean)


def _cube(values: ArrayLike, name: str) -> np.ndarray:
    cube = np.asarray(values)
    if cube.ndim != 3:
        raise InputError(f"{name} must be (band, y, x), got shape {cube.shape}: add or drop axes")
    return cube if cube.dtype.kind == "f" else cube.astype(np.float64)


def _plane(values: ArrayLike, name: str, shape: tuple[int, ...]) -> np.ndarray:
    plane = np.asarray(values)
    if plane.shape != shape:
        raise InputError(
            f"{name} must have the shape {shape} of one band, got {plane.shape}: crop it alike"
        )
    return plane


def region_of(pair: Pair, mask: Mask) -> np.ndarray:
    """(H, W) the pixels whose errors count."""
    if mask is None:
        return pair.scored
    region = pair.scored & _plane(mask, "mask", pair.scored.shape).astype(bool)
    if not region.any():
        raise InputError("the mask must hold at least one valid pixel, got none: check the mask")
    return region


def change_regions(change: np.ndarray | None, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """All, changed and unchanged pixels and those of each kind of change, masks (H, W)."""
    regions = {"all": np.ones(shape, bool)}
    if change is None:
        return regions
    codes = _plane(change, "change", shape)
    regions |= {"changed": codes != 0, "unchanged": codes == 0}
    if codes.dtype == bool:
        return regions
    unknown = np.setdiff1d(codes, np.arange(len(KINDS)))
    if unknown.size:
        raise InputError(
            f"change must hold the codes 0 to {len(KINDS) - 1} of {', '.join(KINDS)}, got "
            f"{unknown[0]:g}: give a boolean map (change > 0) where kinds are not known"
        )
    return regions | {kind: codes == code for code, kind in enumerate(KINDS) if code}


def group_masks(bands: Mapping[str, np.ndarray] | None, n_bands: int) -> dict[str, np.ndarray]:
    """All bands and the groups given that have a member, masks (L,)."""
    groups = {"all": np.ones(n_bands, bool), **(bands or {})}
    for name, keep in groups.items():
        if np.shape(keep) != (n_bands,) or np.asarray(keep).dtype != bool:
            raise InputError(
                f"the group {name!r} must be a boolean mask over {n_bands} bands, got "
                f"{np.asarray(keep).dtype} {np.shape(keep)}: make it from the cube's own bands"
            )
    return {name: np.asarray(keep) for name, keep in groups.items() if np.any(keep)}


def check_ratio(ratio: float) -> None:
    """The ratio of the two grids: fine pixels along one coarse pixel."""
    if not 1 <= ratio < np.inf:
        raise InputError(
            f"ratio must be at least 1 (fine pixels along one coarse pixel), got {ratio}: "
            "give 3 for 30 m and 10 m"
        )


def correlation(p: np.ndarray, r: np.ndarray) -> float:
    """Pearson correlation of two vectors, NaN if one is constant."""
    if p.min() == p.max() or r.min() == r.max():
        return np.nan
    p, r = p - p.mean(), r - r.mean()
    return float(p @ r / np.sqrt((p @ p) * (r @ r)))


def angles(pair: Pair, bands: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Spectral angle (H, W) in degrees; NaN without data or without a direction (zero spectrum)."""
    x = np.where(pair.scored, pair.pred[bands], 0.0)
    y = np.where(pair.scored, pair.ref[bands], 0.0)
    dot, xx, yy = (
        np.einsum("lhw,lhw->hw", a, b, dtype=np.float64) for a, b in ((x, y), (x, x), (y, y))
    )
    norms = np.sqrt(xx * yy)
    cosine = np.divide(dot, norms, out=np.full_like(dot, np.nan), where=norms > 0)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def similarities(pair: Pair) -> np.ndarray:
    """Structural similarity (L, H, W); windows see scored pixels only, NaN elsewhere."""
    total = np.where(pair.scored, gaussian_filter(pair.scored.astype(float), **WINDOW), 1.0)
    maps = np.full(pair.ref.shape, np.nan, np.float32)
    for b in np.flatnonzero(pair.peak > 0):
        x = np.where(pair.scored, pair.pred[b], 0.0).astype(float)  # float32 loses 3e-5
        y = np.where(pair.scored, pair.ref[b], 0.0).astype(float)
        mx, my, xx, yy, xy = (
            gaussian_filter(image, **WINDOW) / total for image in (x, y, x * x, y * y, x * y)
        )
        c1, c2 = (0.01 * pair.peak[b]) ** 2, (0.03 * pair.peak[b]) ** 2
        luminance = (2 * mx * my + c1) / (mx * mx + my * my + c1)
        structure = (2 * (xy - mx * my) + c2) / (xx - mx * mx + yy - my * my + c2)
        maps[b] = np.where(pair.scored, luminance * structure, np.nan)
    return maps


def band_means(maps: np.ndarray, region: np.ndarray) -> np.ndarray:
    """(L,) mean of each band of (L, H, W) over a region (H, W)."""
    return np.array([band[region].mean(dtype=np.float64) for band in maps])


@dataclass(frozen=True, eq=False)
class BandErrors:
    """What PSNR, RMSE, ERGAS and the correlation are made of, one value a band.

    Attributes:
        mse: (L,) mean squared error over the pixels that count.
        cc: (L,) Pearson correlation over the same pixels, NaN where a band is constant.
        peak: (L,) largest valid reference value.
        mean: (L,) mean of the valid reference.
    """

    mse: np.ndarray
    cc: np.ndarray
    peak: np.ndarray
    mean: np.ndarray

    @property
    def near_zero(self) -> np.ndarray:
        """(L,) True where the mean is too small to divide by."""
        return self.mean < NEAR_ZERO

    def select(self, bands: np.ndarray) -> BandErrors:
        """The same for some of the bands, by mask (L,)."""
        return BandErrors(self.mse[bands], self.cc[bands], self.peak[bands], self.mean[bands])

    def psnr(self) -> float:
        """Global PSNR, dB."""
        return float(_decibel(self.peak.max(), self.mse.mean()))

    def mean_psnr(self) -> float:
        """Mean over bands of the PSNR, dB."""
        return mean_defined(_decibel(self.peak, self.mse))

    def rmse(self) -> float:
        """Root mean square error, reflectance."""
        return float(np.sqrt(self.mse.mean()))

    def ergas(self, ratio: float) -> float:
        """ERGAS without the near-zero bands."""
        kept = self.select(~self.near_zero)
        return 100.0 / ratio * float(np.sqrt(mean_defined(kept.mse / kept.mean**2)))

    def mean_cc(self) -> float:
        """Mean over bands of the correlation."""
        return mean_defined(self.cc)


def band_errors(
    pred: ArrayLike, ref: ArrayLike, mask: Mask = None, valid: Mask = None
) -> BandErrors:
    """Errors band by band, for a curve over wavelength; arguments as for `stsf.metrics.psnr`.

    Example:
        >>> np.sqrt(band_errors([[[0.4]], [[0.1]]], [[[0.5]], [[0.1]]]).mse).round(3)
        array([0.1, 0. ])
    """
    pair = compare(pred, ref, valid)
    return errors_of(pair, region_of(pair, mask))


def errors_of(pair: Pair, region: np.ndarray) -> BandErrors:
    """Errors band by band over the pixels of a region (H, W)."""
    mse, pearson = np.empty(len(pair.ref)), np.empty(len(pair.ref))
    for b, (x, y) in enumerate(zip(pair.pred, pair.ref)):  # band by band: little memory
        p, r = x[region].astype(np.float64), y[region].astype(np.float64)
        mse[b] = np.mean((p - r) ** 2)
        pearson[b] = correlation(p, r)
    return BandErrors(mse, pearson, pair.peak, pair.mean)


def _decibel(peak: np.ndarray, mse: np.ndarray) -> np.ndarray:
    """10 log10(peak² / MSE), infinite without error, NaN without a positive peak."""
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(np.where(peak > 0, peak, np.nan) ** 2 / mse)


def mean_defined(values: np.ndarray) -> float:
    """Mean of what is defined, NaN if nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
