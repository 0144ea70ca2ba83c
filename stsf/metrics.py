"""Figures of merit: one convention for every number of the kit.

Two cubes (band, y, x) of reflectance are compared, a prediction and a reference.

- Left out are pixels that are not valid: excluded by `valid`, or without data in any band.
- What a figure is measured against, the peak and the mean of each band, comes from **all** valid
  reference pixels, also when the errors are those of a part of the image. The mean squared error
  of the whole, and ERGAS squared, are then the pixel-weighted means of those of its parts.
- Angles are in degrees. Two PSNR stand side by side: the global one pools all bands and favours
  bright ones; the mean over bands gives a dark band the weight of a bright one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stsf.comparison import (
    Mask,
    Pair,
    angles,
    band_means,
    change_regions,
    check_ratio,
    compare,
    correlation,
    group_masks,
    region_of,
    similarities,
)
from stsf.sensors import SWIR_START, Sensor

NEAR_ZERO = 0.005  # mean reflectance below which a relative error says nothing

Row = dict[str, Any]  # one row of a table of figures; its keys are those of `COLUMNS`
COLUMNS = {  # key of a row: heading, format
    "region": ("region", "s"),
    "bands": ("bands", "s"),
    "n_pixels": ("pixels", "d"),
    "n_bands": ("n", "d"),
    "psnr": ("PSNR/dB", ".2f"),
    "mean_psnr": ("mean PSNR/dB", ".2f"),
    "sam": ("SAM/°", ".2f"),
    "ergas": ("ERGAS", ".2f"),
    "ssim": ("SSIM", ".4f"),
    "cc": ("CC", ".4f"),
    "rmse": ("RMSE", ".4f"),
    "dropped_bands": ("bands not in ERGAS", "d"),  # near-zero mean
    "zero_pixels": ("pixels not in SAM", "d"),  # zero spectrum
    "missing_pixels": ("pixels missing", "d"),  # valid reference, no prediction
}


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
    return _mean(angles(pair)[region_of(pair, mask)])


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
    return _mean(band_means(similarities(pair), region_of(pair, mask)))


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
        return _mean(_decibel(self.peak, self.mse))

    def rmse(self) -> float:
        """Root mean square error, reflectance."""
        return float(np.sqrt(self.mse.mean()))

    def ergas(self, ratio: float) -> float:
        """ERGAS without the near-zero bands."""
        kept = self.select(~self.near_zero)
        return 100.0 / ratio * float(np.sqrt(_mean(kept.mse / kept.mean**2)))

    def mean_cc(self) -> float:
        """Mean over bands of the correlation."""
        return _mean(self.cc)


def band_errors(
    pred: ArrayLike, ref: ArrayLike, mask: Mask = None, valid: Mask = None
) -> BandErrors:
    """Errors band by band, for a curve over wavelength; arguments and errors as for `psnr`.

    Example:
        >>> np.sqrt(band_errors([[[0.4]], [[0.1]]], [[[0.5]], [[0.1]]]).mse).round(3)
        array([0.1, 0. ])
    """
    pair = compare(pred, ref, valid)
    return _band_errors(pair, region_of(pair, mask))


def evaluate(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    ratio: float,
    change: np.ndarray | None = None,
    valid: Mask = None,
    bands: Mapping[str, np.ndarray] | None = None,
) -> list[Row]:
    """All figures for each part of the image and each group of bands, as tidy rows.

    A row for a group of bands holds what the functions of this file give for a cube of these
    bands alone. Pixels that the prediction leaves empty cannot be compared; they are counted in
    `missing_pixels`, so that a method gains nothing unseen by leaving out what is hard.

    Args:
        prediction: (L, H, W) reflectance.
        reference: (L, H, W).
        ratio: r of ERGAS.
        change: (H, W) codes of `stsf.scene.KINDS`, or a boolean map of what changed.
        valid: (H, W), False where the data must not be used at all.
        bands: masks (L,) by name, for instance those of `band_groups`; "all" is always there.

    Returns:
        Rows by region (all, changed, unchanged, each kind of change) and group of bands; regions
        and groups without a member are left out. `pandas.DataFrame(rows)` makes a table of them.

    Raises:
        InputError: as for `psnr` and `ergas`; an unknown change code; a mask of another length.

    Example:
        >>> reference = np.linspace(0.1, 0.9, 50).reshape(2, 5, 5)
        >>> rows = evaluate(reference + 0.01, reference, ratio=3, change=np.eye(5) > 0)
        >>> [(row["region"], row["n_pixels"], round(row["psnr"], 2)) for row in rows]
        [('all', 25, 39.08), ('changed', 5, 39.08), ('unchanged', 20, 39.08)]
    """
    check_ratio(ratio)
    pair = compare(prediction, reference, valid)
    groups = group_masks(bands, len(pair.ref))
    angle_maps = {name: angles(pair, keep) for name, keep in groups.items()}
    similar = similarities(pair)
    rows: list[Row] = []
    for region, inside in change_regions(change, pair.known.shape).items():
        scored = pair.scored & inside
        if not scored.any():
            continue
        errors = _band_errors(pair, scored)
        structure = band_means(similar, scored)
        for name, keep in groups.items():
            part, angle = errors.select(keep), angle_maps[name][scored]
            rows.append(
                {
                    "region": region,
                    "bands": name,
                    "n_pixels": int(scored.sum()),
                    "n_bands": int(keep.sum()),
                    "psnr": part.psnr(),
                    "mean_psnr": part.mean_psnr(),
                    "sam": _mean(angle),
                    "ergas": part.ergas(ratio),
                    "ssim": _mean(structure[keep]),
                    "cc": part.mean_cc(),
                    "rmse": part.rmse(),
                    "dropped_bands": int(part.near_zero.sum()),
                    "zero_pixels": int(np.isnan(angle).sum()),
                    "missing_pixels": int((pair.known & inside & ~scored).sum()),
                }
            )
    return rows


def band_groups(hs: Sensor, ms: Sensor) -> dict[str, np.ndarray]:
    """What the MS says of each HS band: masks (L,) for `evaluate`.

    "MS-covered": the band's centre lies where the response of some MS band is at least half its
    maximum. "VNIR gaps": below 1000 nm and not covered. "SWIR": from 1000 nm on, covered or not
    (of the four 10 m bands of Sentinel-2 none reaches there).

    Example:
        >>> from stsf.sensors import enmap, sentinel2
        >>> groups = band_groups(enmap(), sentinel2("A"))
        >>> {name: int(mask.sum()) for name, mask in groups.items()}
        {'MS-covered': 38, 'VNIR gaps': 53, 'SWIR': 123}
    """
    margin = ms.fwhm.max()
    axis = np.arange(ms.centre.min() - margin, ms.centre.max() + margin + 1.0)  # 1 nm steps
    covered = np.zeros(len(hs), bool)
    for row in ms.response(axis):
        covered |= np.interp(hs.centre, axis, row, left=0.0, right=0.0) >= row.max() / 2
    swir = hs.centre >= SWIR_START
    return {"MS-covered": covered, "VNIR gaps": ~covered & ~swir, "SWIR": swir}


def format_table(rows: Sequence[Row]) -> str:
    """The rows of `evaluate` as text, one line each below the headings; RMSE is reflectance.

    Example:
        >>> rows = evaluate([[[0.5, 0.9]]], [[[0.5, 1.0]]], ratio=3)
        >>> print(format_table(rows)[:44])
        region  bands  pixels  n  PSNR/dB  mean PSNR
    """
    table = [[heading for heading, _ in COLUMNS.values()]]
    for row in rows:
        table.append([format(row[key], kind) for key, (_, kind) in COLUMNS.items()])
    widths = [max(map(len, column)) for column in zip(*table)]
    text = [kind == "s" for _, kind in COLUMNS.values()]
    return "\n".join(
        "  ".join(c.ljust(w) if t else c.rjust(w) for c, w, t in zip(cells, widths, text)).rstrip()
        for cells in table
    )


def _band_errors(pair: Pair, region: np.ndarray) -> BandErrors:
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


def _mean(values: np.ndarray) -> float:
    """Mean of what is defined, NaN if nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
