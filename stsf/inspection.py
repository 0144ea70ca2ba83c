"""What the viewer computes, without a screen: curves, continua, library matches, change.

Everything here is plain arrays in, plain arrays out. The page (`stsf/lab/viewer`) repeats the
same steps in the browser, and a test compares the two number by number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import median_filter

from stsf.errors import InputError
from stsf.metrics.figures import sam_map
from stsf.sensing.bands import Sensor
from stsf.sensing.spectra import library, library_range
from stsf.sensing.subspace import band_quality


def drawing_order(sensor: Sensor) -> np.ndarray:
    """Band indices in the order a curve visits them, -1 where the pen is lifted.

    Lifted between bands that are no neighbours (`stsf.inspection.with_gaps`) and at bad bands.

    Example:
        >>> from stsf.sensing.bands import from_bands
        >>> drawing_order(from_bands([500, 510, 520, 600, 610], 10)).tolist()
        [0, 1, 2, -1, 3, 4]
    """
    index = with_gaps(sensor, np.arange(len(sensor), dtype=np.float64))[1]
    index = np.where(np.isfinite(index), index, -1).astype(int)
    bad = band_quality(sensor.centre) == "bad"
    return np.array([-1 if i < 0 or bad[i] else i for i in index])


def continuum_removed(wavelength: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A spectrum divided by its continuum, the upper hull over its finite values; at most 1.

    Absorption features become depths below 1, whatever the brightness. NaN where the values are
    missing or the hull is not positive. Clark and Roush, Journal of Geophysical Research 89(B7),
    6329-6340, 1984.

    Args:
        wavelength: (L,) nm, strictly increasing.
        values: (L,) reflectance.

    Example:
        >>> continuum_removed(np.array([500.0, 600, 700]), np.array([0.2, 0.2, 0.4])).round(3)
        array([1.   , 0.667, 1.   ])
    """
    known = np.flatnonzero(np.isfinite(values)).tolist()
    hull: list[int] = []
    for i in known:
        while len(hull) > 1 and _below(wavelength, values, hull[-2], hull[-1], i):
            hull.pop()
        hull.append(i)
    if not hull:
        return np.full(np.shape(values), np.nan)
    line = np.interp(wavelength, wavelength[hull], values[hull])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(line > 0, values / line, np.nan)


def _below(x: np.ndarray, y: np.ndarray, a: int, b: int, c: int) -> bool:
    """Whether point b lies on or below the line from a to c."""
    return bool((y[b] - y[a]) * (x[c] - x[a]) <= (y[c] - y[a]) * (x[b] - x[a]))


@dataclass(frozen=True, eq=False)
class Materials:
    """Library spectra as a sensor sees them.

    Attributes:
        names: n names.
        material: n materials, one of `stsf.sensing.spectra.MATERIALS`.
        spectra: (n, L) reflectance.
        used: (L,) bands that take part in a comparison: clean and within the library.
    """

    names: list[str]
    material: list[str]
    spectra: np.ndarray
    used: np.ndarray


def materials(sensor: Sensor, each: int = 40) -> Materials:
    """Up to `each` library spectra of every material, evenly spread over the library.

    Args:
        sensor: its bands outside the library's range stay NaN and are not compared.
        each: most spectra a material.

    Example:
        >>> from stsf.sensing.sensors import enmap
        >>> found = materials(enmap(), each=3)
        >>> len(found.names), found.spectra.shape
        (21, (21, 214))
    """
    lib = library("all")
    chosen: list[int] = []
    for kind in dict.fromkeys(lib.material.tolist()):
        mine = np.flatnonzero(lib.material == kind)
        chosen += mine[np.unique(np.linspace(0, len(mine) - 1, each).round().astype(int))].tolist()
    known = (sensor.centre >= library_range[0]) & (sensor.centre <= library_range[1])
    some = lib.select(np.array(chosen))
    spectra = np.full((len(some), len(sensor)), np.nan, np.float32)
    if known.any():
        spectra[:, known] = some.at(sensor.select(known))
    used = known & (band_quality(sensor.centre) == "clean")
    return Materials(some.names, some.material.tolist(), spectra, used)


def best_matches(spectrum: np.ndarray, among: Materials, top: int = 5) -> list[dict[str, Any]]:
    """The library spectra with the smallest spectral angle to a spectrum (L,), best first.

    Bands without data and bands that the library does not know take no part.

    Returns:
        `name`, `material` and `angle` in degrees; empty without a band to compare.

    Example:
        >>> from stsf.sensing.sensors import enmap
        >>> among = materials(enmap(), each=5)
        >>> best_matches(2 * among.spectra[7], among, top=1)[0]["name"] == among.names[7]
        True
    """
    used = among.used & np.isfinite(spectrum)
    if not used.any() or not np.any(spectrum[used] > 0):
        return []
    cube = among.spectra.T[used][:, None]  # (L, 1, n)
    angles = sam_map(cube, np.broadcast_to(spectrum[used][:, None, None], cube.shape))[0]
    order = np.argsort(angles)[:top]
    return [
        {"name": among.names[i], "material": among.material[i], "angle": float(angles[i])}
        for i in order
    ]


def magnitude(a: np.ndarray, b: np.ndarray, bands: np.ndarray | None = None) -> np.ndarray:
    """Root mean square difference (H, W) over bands, reflectance; NaN where data is missing.

    Args:
        a: (L, H, W).
        b: (L, H, W).
        bands: (L,) mask of the bands that count, by default all.

    Example:
        >>> magnitude(np.array([[[0.1]], [[0.2]]]), np.array([[[0.4]], [[0.6]]])).round(4)
        array([[0.3536]])
    """
    difference = (b - a).astype(np.float64)
    return np.sqrt(np.mean((difference if bands is None else difference[bands]) ** 2, axis=0))


def threshold_scores(
    values: np.ndarray, threshold: float, change: np.ndarray | None = None
) -> dict[str, float]:
    """What a threshold calls changed: its share, and how right it is where truth is known.

    Args:
        values: (H, W) magnitude or angle, NaN where unknown; such pixels do not count.
        threshold: changed means `values >= threshold`.
        change: (H, W) true codes, 0 = unchanged.

    Returns:
        `share` of the known pixels; with truth also `precision` (of what is called changed, the
        part that is) and `recall` (of what is, the part that is called so), NaN where undefined.

    Example:
        >>> threshold_scores(np.array([[0.1, 0.5], [0.6, np.nan]]), 0.5, np.array([[0, 2], [0, 1]]))
        {'share': 0.6666666666666666, 'precision': 0.5, 'recall': 1.0}
    """
    known = np.isfinite(values)
    called = known & (np.where(known, values, -np.inf) >= threshold)
    scores = {"share": _ratio(called.sum(), known.sum())}
    if change is not None:
        true = known & (change != 0)
        hits = (called & true).sum()
        scores |= {"precision": _ratio(hits, called.sum()), "recall": _ratio(hits, true.sum())}
    return scores


def _ratio(part: int, whole: int) -> float:
    return float(part / whole) if whole else float("nan")


def with_gaps(sensor: Sensor, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths and values (L,) with a NaN between bands that are no neighbours.

    Neighbours lie no farther apart than 1.5 times their width or 1.7 times the usual step there.

    Example:
        >>> from stsf.sensing.bands import from_bands
        >>> with_gaps(from_bands([500, 510, 520, 600, 610], 10), np.arange(5.0))[1]
        array([ 0.,  1.,  2., nan,  3.,  4.])
    """
    step = np.diff(sensor.centre)
    wide = np.maximum(sensor.fwhm[1:], sensor.fwhm[:-1])
    breaks = np.flatnonzero(step > np.maximum(1.5 * wide, 1.7 * median_filter(step, 9))) + 1
    return np.insert(sensor.centre, breaks, np.nan), np.insert(values, breaks, np.nan)


Pixels = tuple[np.ndarray, np.ndarray]  # rows and columns, int


def window_pixels(pixel: tuple[int, int], window: int, shape: tuple[int, int]) -> Pixels:
    """Pixels of a square window around a pixel, cut at the image border.

    Args:
        pixel: (y, x) of the centre.
        window: pixels along a side, odd.
        shape: (H, W) of the image.

    Raises:
        InputError: an even window, or a pixel outside the image.

    Example:
        >>> rows, columns = window_pixels((0, 5), 3, (9, 9))
        >>> rows.tolist(), columns.tolist()
        ([0, 0, 0, 1, 1, 1], [4, 5, 6, 4, 5, 6])
    """
    if window < 1 or window % 2 == 0:
        raise InputError(f"expected an odd window such as 1, 3 or 5, got {window}: choose one")
    if not all(0 <= p < n for p, n in zip(pixel, shape)):
        raise InputError(f"pixel must be (y, x) within {shape}, got {pixel}: choose another")
    half = window // 2
    y, x = (np.arange(max(p - half, 0), min(p + half + 1, n)) for p, n in zip(pixel, shape))
    rows, columns = np.meshgrid(y, x, indexing="ij")
    return rows.ravel(), columns.ravel()


def polygon_pixels(corners: ArrayLike, shape: tuple[int, int]) -> Pixels:
    """Pixels whose centre lies inside a polygon (even-odd rule), row by row.

    Args:
        corners: (n, 2) corners as (y, x), pixel centres at integers; n at least 3.
        shape: (H, W) of the image.

    Raises:
        InputError: fewer than three corners.

    Example:
        >>> rows, columns = polygon_pixels([(-0.5, -0.5), (-0.5, 1.5), (1.5, -0.5)], (4, 4))
        >>> list(zip(rows.tolist(), columns.tolist()))
        [(0, 0), (0, 1), (1, 0)]
    """
    points = np.asarray(corners, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
        raise InputError(f"expected at least three (y, x) corners, got shape {points.shape}: add")
    y, x = np.indices(shape)
    inside = np.zeros(shape, dtype=bool)
    for (ya, xa), (yb, xb) in zip(points, np.roll(points, -1, axis=0)):
        if ya == yb:
            continue  # a level edge is never crossed by a level ray
        crossed = (ya > y) != (yb > y)
        inside ^= crossed & (x <= xa + (y - ya) / (yb - ya) * (xb - xa))
    rows, columns = np.nonzero(inside)
    return rows, columns


def mean_spread(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean and standard deviation over pixels, and how many pixels they come from.

    Pixels without data in any band are left out; without a pixel all is NaN. The deviation is
    that of the pixels themselves (divided by n), 0 for a single one.

    Args:
        spectra: (n, L).

    Example:
        >>> mean, spread, count = mean_spread(np.array([[0.1], [0.3], [np.nan]]))
        >>> mean.round(3), spread.round(3), count
        (array([0.2]), array([0.1]), 2)
    """
    kept = np.asarray(spectra, dtype=np.float64)
    kept = kept[np.isfinite(kept).all(axis=1)]
    if not len(kept):
        nothing = np.full(spectra.shape[1], np.nan)
        return nothing, nothing, 0
    return kept.mean(axis=0), kept.std(axis=0), len(kept)
