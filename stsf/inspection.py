"""What the viewer computes, without a screen: curves, continua, library matches, change.

Everything here is plain arrays in, plain arrays out. The page (`stsf/lab/viewer`) repeats the
same steps in the browser, and a test compares the two number by number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stsf.metrics.figures import sam_map
from stsf.plots.figures import with_gaps
from stsf.sensing.bands import Sensor
from stsf.sensing.spectra import library, library_range
from stsf.sensing.subspace import band_quality


def drawing_order(sensor: Sensor) -> np.ndarray:
    """Band indices in the order a curve visits them, -1 where the pen is lifted.

    Lifted between bands that are no neighbours (`stsf.plots.figures.with_gaps`) and at bad bands.

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
    found = sam_map(cube, np.broadcast_to(spectrum[used][:, None, None], cube.shape))[0]
    order = np.argsort(found)[:top]
    return [
        {"name": among.names[i], "material": among.material[i], "angle": float(found[i])}
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
