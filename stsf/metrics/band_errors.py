"""Errors of each band, and the figures that are made of them: PSNR, RMSE, ERGAS, correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stsf.metrics.comparison import Mask, Pair, compare, correlation, region_of

NEAR_ZERO = 0.005  # mean reflectance below which a relative error says nothing


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
