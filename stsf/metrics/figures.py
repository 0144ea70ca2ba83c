"""Figures of merit: one convention for every number of the kit.

Two cubes (band, y, x) of reflectance are compared, a prediction and a reference.

- Left out are pixels that are not valid: excluded by `valid`, or without data in any band.
- What a figure is measured against, the peak and the mean of each band, comes from **all** valid
  reference pixels, also when the errors are those of a part of the image. The mean squared error
  of the whole, and ERGAS squared, are then the pixel-weighted means of those of its parts.
- Angles are in degrees. Two PSNR stand side by side: the global one pools all bands and favours
  bright ones; the mean over bands gives a dark band the weight of a bright one.

What the figures are made of is in `stsf.metrics.comparison`, the tables in
`stsf.metrics.evaluation`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stsf.metrics.comparison import (
    NEAR_ZERO,
    BandErrors,
    Mask,
    angles,
    band_errors,
    band_means,
    check_ratio,
    compare,
    mean_defined,
    region_of,
    similarities,
)
from stsf.metrics.evaluation import COLUMNS, Row, band_groups, evaluate, format_table

__all__ = [
    "COLUMNS",
    "NEAR_ZERO",
    "BandErrors",
    "Row",
    "band_errors",
    "band_groups",
    "cc",
    "ergas",
    "evaluate",
    "format_table",
    "mean_psnr",
    "psnr",
    "rmse",
    "sam",
    "sam_map",
    "ssim",
    "ssim_map",
]


def psnr(pred: ArrayLike, ref: ArrayLike, mask: Mask = None, valid: Mask = None) -> float:
    """Global peak signal-to-noise ratio in dB: 10 log10(peak² / MSE), all bands pooled.

    Args:
        pred: prediction (L, H, W), reflectance.
        ref: reference (L, H, W).
        mask: (H, W), the pixels whose errors count; default all.
        valid: (H, W), False where the data must not be used at all.

    Returns:
        dB; infinite for identical images. The peak is the largest valid value of the reference,
        inside the mask or not.

    Raises:
        InputError: shapes that differ, no pixel to compare, a reference that is nowhere positive.

    Example:
        >>> round(psnr([[[0.5, 0.9]]], [[[0.5, 1.0]]]), 2)  # MSE 0.01 / 2
        23.01
    """
    return band_errors(pred, ref, mask, valid).psnr()


def mean_psnr(pred: ArrayLike, ref: ArrayLike, mask: Mask = None, valid: Mask = None) -> float:
    """Mean over bands of the PSNR in dB, each with the peak of its own band.

    Arguments and errors as for `psnr`. Bands whose reference is nowhere positive have no peak and
    are left out. One band without any error makes the mean infinite.

    Example:
        >>> round(mean_psnr([[[0.9]], [[0.1]]], [[[1.0]], [[0.2]]]), 2)  # 20 and 6.02 dB
        13.01
    """
    return band_errors(pred, ref, mask, valid).mean_psnr()


def rmse(pred: ArrayLike, ref: ArrayLike, mask: Mask = None, valid: Mask = None) -> float:
    """Root mean square error over all bands and pixels, in reflectance; arguments as for `psnr`.

    Example:
        >>> round(rmse([[[0.5, 0.5]]], [[[0.2, 0.9]]]), 4)  # sqrt((0.09 + 0.16) / 2)
        0.3536
    """
    return band_errors(pred, ref, mask, valid).rmse()


def cc(pred: ArrayLike, ref: ArrayLike, mask: Mask = None, valid: Mask = None) -> float:
    """Pearson correlation of each band over the pixels, mean over bands; arguments as for `psnr`.

    Bands that are constant in either image have none and are left out; NaN if all are.

    Example:
        >>> round(cc([[[1.0, 2.0, 3.0]]], [[[0.6, 0.4, 0.2]]]), 6)
        -1.0
    """
    return band_errors(pred, ref, mask, valid).mean_cc()


def ergas(
    pred: ArrayLike, ref: ArrayLike, ratio: float, mask: Mask = None, valid: Mask = None
) -> tuple[float, int]:
    """ERGAS = 100/r · sqrt(mean over bands of RMSE² / μ²), and how many bands it leaves out.

    r is the number of fine pixels along one coarse pixel and μ the mean of the band. Bands with
    μ below `NEAR_ZERO` (water vapour, SWIR over water) would decide the figure alone: they are
    dropped. Published codes differ in the factor; compare only figures computed alike.
    Other arguments and errors as for `psnr`.

    Returns:
        The figure, NaN if every band is dropped, and the number of bands dropped.

    Example:
        >>> value, dropped = ergas([[[0.2, 0.3]], [[0.1, 0.1]]], [[[0.2, 0.2]], [[0, 0]]], ratio=3)
        >>> round(value, 3), dropped  # 100/3 · sqrt(0.005) / 0.2, the second band has a mean of 0
        (11.785, 1)

    Source: L. Wald, Data Fusion: Definitions and Architectures, Presses des Mines, 2002.
    """
    check_ratio(ratio)
    errors = band_errors(pred, ref, mask, valid)
    return errors.ergas(ratio), int(np.count_nonzero(errors.near_zero))


def sam(pred: ArrayLike, ref: ArrayLike, mask: Mask = None, valid: Mask = None) -> float:
    """Spectral angle, mean over pixels, in degrees; arguments and errors as for `psnr`.

    Pixels whose spectrum is zero in either image have no angle and are left out (`sam_map` shows
    them, `evaluate` counts them); NaN if no pixel has one.

    Example:
        >>> round(sam([[[1.0]], [[0.0]]], [[[2.0]], [[2.0]]]), 6)
        45.0

    Source: F. A. Kruse et al., Remote Sensing of Environment 44, 145-163, 1993.
    """
    pair = compare(pred, ref, valid)
    return mean_defined(angles(pair)[region_of(pair, mask)])


def sam_map(pred: ArrayLike, ref: ArrayLike, valid: Mask = None) -> np.ndarray:
    """Spectral angle (H, W) in degrees, NaN where a pixel is not valid or its spectrum is zero.

    Example:
        >>> sam_map([[[1.0, 0.0]], [[0.0, 0.0]]], [[[2.0, 1.0]], [[2.0, 1.0]]]).round(6)
        array([[45., nan]])
    """
    return angles(compare(pred, ref, valid))


def ssim(pred: ArrayLike, ref: ArrayLike, mask: Mask = None, valid: Mask = None) -> float:
    """Structural similarity, mean over the pixels of each band, then over bands.

    Arguments and errors as for `psnr`; inside a mask it is the mean of `ssim_map` there.

    Example:
        >>> ssim(np.full((2, 9, 9), 0.3), np.full((2, 9, 9), 0.3))
        1.0
    """
    pair = compare(pred, ref, valid)
    return mean_defined(band_means(similarities(pair), region_of(pair, mask)))


def ssim_map(pred: ArrayLike, ref: ArrayLike, valid: Mask = None) -> np.ndarray:
    """Structural similarity (L, H, W) with an 11 x 11 Gaussian window, σ = 1.5 pixels.

    (2 μx μy + C1)(2 σxy + C2) / ((μx² + μy² + C1)(σx² + σy² + C2)), C1 = (0.01 range)² and
    C2 = (0.03 range)²; the range is the peak of the band's valid reference. Windows are cut at the
    border and leave out pixels that are not valid. NaN at those pixels and in bands without a
    positive reference.

    Example:
        >>> ssim_map(np.zeros((1, 1, 2)), np.ones((1, 1, 2))).round(4)  # C1 / (1 + C1)
        array([[[0.0001, 0.0001]]], dtype=float32)

    Source: Z. Wang et al., IEEE Transactions on Image Processing 13(4), 600-612, 2004.
    """
    return similarities(compare(pred, ref, valid))
