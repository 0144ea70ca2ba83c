"""Sensors: which wavelengths each band sees, and how sharply.

A band is a weighting of the spectrum, its spectral response function (SRF). Everything here rests
on one idea: between the wavelengths at which a spectrum is known it is taken as a straight line,
so every band value is a weighted sum of the known values. With library wavelengths as the known
points that gives `Sensor.response`, with hyperspectral bands as the known points `srf_matrix`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from stsf.errors import InputError

S2_4 = ("B2", "B3", "B4", "B8")  # the four bands delivered at 10 m
S2_10 = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
VNIR, SWIR = 0, 1  # detector codes
SWIR_START = 1000.0  # nm; without a detector column, bands from here on belong to the SWIR
NOMINAL_MTF = ((0.3, 0.3), (0.3, 0.3))


def gaussian_srf(axis: np.ndarray, centre: np.ndarray, fwhm: np.ndarray) -> np.ndarray:
    """Gaussian responses (L, N), peak 1, of L bands (centre and FWHM in nm) on an axis (N,) in nm.

    Example:
        >>> gaussian_srf(np.array([545.0, 550.0]), np.array([550.0]), np.array([10.0])).round(2)
        array([[0.5, 1. ]])
    """
    return np.exp2(-((2.0 * (axis - centre[:, None]) / fwhm[:, None]) ** 2))


def hat_weights(srf: np.ndarray, axis: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Weights (L, M) of a spectrum known at M nodes, so that `weights @ values` = band values.

    The spectrum is a straight line between nodes: its value at axis point x is a blend of the
    two nodes around x, and each band sums these blends over its response. Points of the axis
    outside the nodes count as the nearest node. Rows sum to 1.

    Args:
        srf: responses (L, N) on `axis`.
        axis: (N,) nm, evenly spaced.
        nodes: (M,) nm, strictly increasing, M of at least 2.

    Example:
        >>> axis = np.arange(400.0, 411.0)
        >>> hat_weights((axis == 403)[None] * 1.0, axis, np.array([400.0, 410.0]))
        array([[0.7, 0.3]])
    """
    left = np.clip(np.searchsorted(nodes, axis, side="right") - 1, 0, len(nodes) - 2)
    share = np.clip((axis - nodes[left]) / (nodes[left + 1] - nodes[left]), 0.0, 1.0)
    blend = np.zeros((len(axis), len(nodes)))  # (N, M): two entries a row
    rows = np.arange(len(axis))
    blend[rows, left] = 1.0 - share
    blend[rows, left + 1] = share
    weights = srf @ blend
    return weights / weights.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Sensor:
    """Bands of a sensor, in the order of the image's bands.

    Attributes:
        name: name of the sensor.
        band_names: one name a band.
        centre: (L,) nm.
        fwhm: (L,) nm, full width at half maximum.
        gsd: metres, of the grid on which the bands are delivered.
        detector: (L,) int, 0 = VNIR, 1 = SWIR; index into `mtf`.
        mtf: per detector (along = y, across = x), the MTF at the Nyquist frequency of `gsd`.
        srf_wavelength: (N,) nm, evenly spaced, or None.
        srf: (L, N) measured responses; None means Gaussian from centre and FWHM.
        nominal: True when centres and widths come from a generated table, not a published one.

    Example:
        >>> enmap().select([0, 1, 2]).band_names
        ('B1', 'B2', 'B3')
    """

    name: str
    band_names: tuple[str, ...]
    centre: np.ndarray
    fwhm: np.ndarray
    gsd: float
    detector: np.ndarray
    mtf: tuple[tuple[float, float], ...]
    srf_wavelength: np.ndarray | None = None
    srf: np.ndarray | None = None
    nominal: bool = False

    def __post_init__(self) -> None:
        _check(self)

    def __len__(self) -> int:
        return len(self.band_names)

    def response(self, wavelength: ArrayLike) -> np.ndarray:
        """Responses (L, N) on a wavelength axis: `spectra @ response.T` are the band values.

        The axis may be coarse or have gaps: a spectrum is a straight line between its points
        (see `hat_weights`), which is integrated in steps of 1 nm. A band that reaches past an end
        of the axis is cut there; its row is scaled back to the sum 1.

        Args:
            wavelength: (N,) nm, strictly increasing.

        Raises:
            InputError: an axis that does not increase, or a band centred outside it.

        Example:
            >>> ahsi().select([20]).response(np.arange(400, 2451, 10)).sum()
            np.float64(1.0)
        """
        nodes = np.asarray(wavelength, dtype=np.float64)
        if nodes.ndim != 1 or len(nodes) < 2 or not np.all(np.diff(nodes) > 0):
            raise InputError(
                "expected strictly increasing wavelengths (N,) in nm, got an axis that is not: "
                "sort the bands and drop repeated wavelengths"
            )
        outside = (self.centre < nodes[0]) | (self.centre > nodes[-1])
        if outside.any():
            first = int(np.argmax(outside))
            raise InputError(
                f"expected bands centred within {nodes[0]:g}-{nodes[-1]:g} nm, got {outside.sum()} "
                f"of {self.name} outside, first {self.band_names[first]} at "
                f"{self.centre[first]:.1f} nm: drop them with sensor.select(...)"
            )
        axis = np.arange(nodes[0], nodes[-1] + 0.5)
        return hat_weights(self._srf_on(axis), axis, nodes)

    def _srf_on(self, axis: np.ndarray) -> np.ndarray:
        """Responses (L, N), of any scale, on an evenly spaced axis (N,) in nm."""
        if self.srf is None or self.srf_wavelength is None:
            return gaussian_srf(axis, self.centre, self.fwhm)
        rows = [np.interp(axis, self.srf_wavelength, row, left=0.0, right=0.0) for row in self.srf]
        return np.stack(rows)

    def select(self, bands: ArrayLike) -> Sensor:
        """The same sensor with some of its bands.

        Args:
            bands: indices, a boolean mask (L,), or band names; given order is kept.

        Raises:
            InputError: an unknown name, a mask of another length, an index out of range.

        Example:
            >>> sentinel2("A", S2_10).select(["B4", "B11"]).centre.round(1)
            array([ 664.6, 1613.7])
        """
        index = self._band_index(np.atleast_1d(np.asarray(bands)))
        return Sensor(
            self.name,
            tuple(self.band_names[i] for i in index),
            self.centre[index],
            self.fwhm[index],
            self.gsd,
            self.detector[index],
            self.mtf,
            self.srf_wavelength,
            None if self.srf is None else self.srf[index],
            self.nominal,
        )

    def _band_index(self, bands: np.ndarray) -> np.ndarray:
        if bands.dtype.kind == "U":
            unknown = [str(b) for b in bands if b not in self.band_names]
            if unknown:
                raise InputError(
                    f"expected band names of {self.name}, got {', '.join(unknown)}: "
                    f"it has {', '.join(self.band_names)}"
                )
            return np.array([self.band_names.index(str(b)) for b in bands])
        if bands.dtype == bool and len(bands) != len(self):
            raise InputError(
                f"expected a mask over the {len(self)} bands of {self.name}, got {len(bands)} "
                "values: make it from this sensor's own centres"
            )
        if bands.dtype != bool and bands.size and not (-len(self) <= bands.min() <= bands.max() < len(self)):
            raise InputError(
                f"expected band indices 0 to {len(self) - 1} of {self.name}, got "
                f"{bands.min()} to {bands.max()}: count bands from 0"
            )
        return np.arange(len(self))[bands]


def _check(sensor: Sensor) -> None:
    count = len(sensor.band_names)
    for field in ("centre", "fwhm", "detector"):
        if np.shape(getattr(sensor, field)) != (count,):
            raise InputError(
                f"expected one {field} for each of the {count} bands of {sensor.name}, got shape "
                f"{np.shape(getattr(sensor, field))}: give a 1-d array in band order"
            )
    if count and not (np.all(sensor.fwhm >= 1.0) and np.all(sensor.centre >= 100.0)):
        raise InputError(
            f"expected centres from 100 nm and FWHM from 1 nm for {sensor.name}, got centres from "
            f"{np.min(sensor.centre):g} and FWHM from {np.min(sensor.fwhm):g}: "
            "give nanometres (micrometres times 1000)"
        )


def from_bands(
    centre: ArrayLike,
    fwhm: ArrayLike,
    name: str = "custom",
    gsd: float = 30.0,
    band_names: Sequence[str] | None = None,
    detector: ArrayLike | None = None,
    mtf: tuple[tuple[float, float], ...] = NOMINAL_MTF,
    nominal: bool = False,
) -> Sensor:
    """Sensor with Gaussian responses from centres and widths.

    Args:
        centre: (L,) nm.
        fwhm: (L,) nm, or one width for all bands.
        name: name of the sensor.
        gsd: metres.
        band_names: default B1 ... BL.
        detector: (L,) codes; default 1 (SWIR) from 1000 nm, else 0 (VNIR).
        mtf: see `Sensor`; the default 0.3 is a nominal value.
        nominal: True for a generated table.

    Example:
        >>> from_bands([450, 550, 1600], 10).detector
        array([0, 0, 1])
    """
    centres = np.atleast_1d(np.asarray(centre, dtype=np.float64))
    widths = np.broadcast_to(np.asarray(fwhm, dtype=np.float64), centres.shape).copy() \
        if np.ndim(fwhm) == 0 else np.asarray(fwhm, dtype=np.float64)
    if band_names is None:
        band_names = [f"B{i}" for i in range(1, len(centres) + 1)]
    if detector is None:
        detector = np.where(centres >= SWIR_START, SWIR, VNIR)
    codes = np.asarray(detector, dtype=np.int64)
    return Sensor(name, tuple(band_names), centres, widths, gsd, codes, mtf, nominal=nominal)


def ahsi() -> Sensor:
    """AHSI of ZY-1 02D, **nominal**: 166 bands, 395-2501 nm, 30 m.

    76 VNIR bands (395-1040 nm, FWHM 10 nm) and 90 SWIR bands (1005-2501 nm, FWHM 20 nm), evenly
    spaced, sorted by centre: between 1005 and 1040 nm five VNIR and three SWIR bands alternate.
    No band table was found in public; ranges and counts are those commonly stated for the sensor.
    The MTF of 0.3 is nominal too. A table read from the product always wins over this one.

    Example:
        >>> len(ahsi()), ahsi().nominal
        (166, True)
    """
    return _nominal("AHSI", (395.0, 1040.0, 76, 10.0), (1005.0, 2501.0, 90, 20.0))


def prisma() -> Sensor:
    """PRISMA, **nominal**: 63 VNIR bands in 407-977 nm and 171 SWIR bands in 943-2497 nm, 30 m.

    Evenly spaced, FWHM 12 nm, sorted by centre (the detectors overlap in 943-977 nm). Every PRISMA
    product carries its own table, which always wins. The MTF of 0.3 is nominal.

    Example:
        >>> len(prisma())
        234
    """
    return _nominal("PRISMA", (407.0, 977.0, 63, 12.0), (943.0, 2497.0, 171, 12.0))


def _nominal(name: str, *ranges: tuple[float, float, int, float]) -> Sensor:
    """Evenly spaced bands of two detectors, (first, last, count, FWHM) each, sorted by centre."""
    centre = np.concatenate([np.linspace(a, b, n) for a, b, n, _ in ranges])
    fwhm = np.concatenate([np.full(n, width) for _, _, n, width in ranges])
    detector = np.repeat(np.arange(len(ranges)), [n for _, _, n, _ in ranges])
    order = np.argsort(centre, kind="stable")
    names = [f"B{i + 1}" for i in order]  # numbered as in the product: VNIR first, then SWIR
    return from_bands(
        centre[order].round(2) + 0.0, fwhm[order], name, 30.0, names, detector[order], nominal=True
    )


def enmap() -> Sensor:
    """EnMAP: 214 of its 224 bands, 418-2446 nm, 30 m.

    Centres and FWHM are the `wavelength` and `fwhm` tags of an L2A product of 2022-07-24. The ten
    SWIR bands below 1000 nm are left out, where the VNIR detector sees the same wavelengths.
    MTF at Nyquist from the mission's requirement, > 0.16 along and > 0.25 across track: the bounds
    themselves are used.

    Example:
        >>> len(enmap()), enmap().centre[-1]
        (214, np.float64(2445.53))
    """
    with resources.as_file(resources.files("stsf") / "tables" / "enmap.csv") as path:
        return from_csv(path)


def sentinel2(unit: str = "A", bands: Sequence[str] = S2_4) -> Sensor:
    """MSI of Sentinel-2A or 2B with its measured responses (ESA, through `pyrsr`), on a 10 m grid.

    Centres are response-weighted means. The 20 m and 60 m bands are taken as delivered on the 10 m
    grid. The MTF of 0.25 at Nyquist is nominal, one value for all bands.

    Args:
        unit: "A" or "B".
        bands: names from B1 B2 ... B8 B8A B9 ... B12; see `S2_4` and `S2_10`.

    Example:
        >>> sentinel2("A").centre.round(1)
        array([492.4, 559.8, 664.6, 832.8])
    """
    if unit not in ("A", "B"):
        raise InputError(f"expected Sentinel-2 unit 'A' or 'B', got {unit!r}: choose one of the two")
    names, axis, srf = _msi(unit)
    width = np.array([np.ptp(axis[row >= row.max() / 2]) + 1.0 for row in srf])
    centre = srf @ axis / srf.sum(axis=1)
    detector = np.where(centre >= SWIR_START, SWIR, VNIR)
    mtf = ((0.25, 0.25), (0.25, 0.25))
    every = Sensor(
        f"Sentinel-2{unit}", names, centre, width, 10.0, detector, mtf, axis.copy(), srf.copy()
    )
    return every.select(list(bands))


@cache
def _msi(unit: str) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """All 13 bands of one unit: names, 1 nm axis (N,), responses (13, N)."""
    from pyrsr import RelativeSpectralResponse  # takes a second

    rsr = RelativeSpectralResponse(f"Sentinel-2{unit}", "MSI")
    names = tuple(f"B{band}" for band in rsr.bands)
    srf = np.stack([np.asarray(rsr.rsrs[band], dtype=np.float64) for band in rsr.bands])
    return names, np.asarray(rsr.rsrs_wvl, dtype=np.float64), srf


def from_csv(path: str | Path) -> Sensor:
    """Sensor from a band table.

    Columns `name`, `centre`, `fwhm` (nm), optionally `detector`; every further column headed by a
    wavelength in nm holds measured responses. Lines `# key: value` before the header may give
    `name`, `gsd` (m), `mtf` (along across, per detector) and `nominal` (0 or 1).

    Raises:
        InputError: a missing column or a value that is not a number.
    """
    with open(path, newline="", encoding="utf-8") as file:
        lines = file.read().splitlines()
    notes = dict(line[1:].split(":", 1) for line in lines if line.startswith("#") and ":" in line)
    meta = {key.strip(): value.strip() for key, value in notes.items()}
    rows = list(csv.DictReader(line for line in lines if line and not line.startswith("#")))
    columns = list(rows[0]) if rows else []
    missing = [c for c in ("name", "centre", "fwhm") if c not in columns]
    if missing:
        raise InputError(
            f"expected columns name, centre, fwhm in {path}, got {', '.join(columns) or 'no rows'}: "
            f"add {', '.join(missing)}"
        )
    waves = [c for c in columns if c not in ("name", "centre", "fwhm", "detector")]
    try:
        mtf = np.array(meta.get("mtf", "0.3 0.3 0.3 0.3").split(), dtype=np.float64).reshape(-1, 2)
        sensor = from_bands(
            [float(r["centre"]) for r in rows],
            [float(r["fwhm"]) for r in rows],
            meta.get("name", Path(path).stem),
            float(meta.get("gsd", 30.0)),
            [r["name"] for r in rows],
            [int(r["detector"]) for r in rows] if "detector" in columns else None,
            tuple((float(y), float(x)) for y, x in mtf),
            meta.get("nominal", "0") == "1",
        )
        axis = np.array(waves, dtype=np.float64)
        srf = np.array([[float(r[w]) for w in waves] for r in rows])
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"expected numbers in {path}, got {error}: mend that cell") from error
    return replace(sensor, srf_wavelength=axis, srf=srf) if waves else sensor


def to_csv(sensor: Sensor, path: str | Path) -> None:
    """Write a sensor as a band table that `from_csv` reads back."""
    axis = [] if sensor.srf_wavelength is None else [f"{w:g}" for w in sensor.srf_wavelength]
    mtf = " ".join(f"{value:g}" for pair in sensor.mtf for value in pair)
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write(f"# name: {sensor.name}\n# gsd: {sensor.gsd:g}\n# mtf: {mtf}\n")
        file.write(f"# nominal: {int(sensor.nominal)}\n")
        writer = csv.writer(file)
        writer.writerow(["name", "centre", "fwhm", "detector", *axis])
        for i, name in enumerate(sensor.band_names):
            srf = [] if sensor.srf is None else sensor.srf[i].tolist()
            writer.writerow([name, sensor.centre[i], sensor.fwhm[i], sensor.detector[i], *srf])


SENSORS: dict[str, Callable[[], Sensor]] = {
    "AHSI": ahsi,
    "EnMAP": enmap,
    "PRISMA": prisma,
    "Sentinel-2A": lambda: sentinel2("A"),
    "Sentinel-2B": lambda: sentinel2("B"),
    "Sentinel-2A-10": lambda: sentinel2("A", S2_10),
    "Sentinel-2B-10": lambda: sentinel2("B", S2_10),
}


def get_sensor(name: str) -> Sensor:
    """A known sensor by name (any case), or a band table by the path of its CSV file.

    Raises:
        InputError: an unknown name.

    Example:
        >>> len(get_sensor("sentinel-2a-10"))
        10
    """
    if name.lower().endswith(".csv"):
        return from_csv(name)
    for known, make in SENSORS.items():
        if known.casefold() == name.strip().casefold():
            return make()
    raise InputError(
        f"expected a known sensor, got {name!r}: use one of {', '.join(SENSORS)} or the path of a "
        "CSV band table"
    )


def covered(hs: Sensor, axis: np.ndarray) -> np.ndarray:
    """Where the HS bands really measure: bool (N,) on an axis (N,) in nm.

    A wavelength counts when it lies within half a FWHM of a band centre, or between neighbouring
    centres no further apart than twice their mean FWHM (so that the gap between the two bands is
    no wider than one band).
    """
    half = hs.fwhm / 2
    inside = (np.abs(axis[:, None] - hs.centre) <= half).any(axis=1)
    right = np.clip(np.searchsorted(hs.centre, axis, side="right"), 1, len(hs) - 1)
    near = np.diff(hs.centre)[right - 1] <= 2 * (half[right - 1] + half[right])
    between = (axis >= hs.centre[0]) & (axis <= hs.centre[-1])
    return inside | (near & between)


def srf_matrix(
    hs: Sensor, ms: Sensor, min_coverage: float = 0.9
) -> tuple[np.ndarray, np.ndarray]:
    """Spectral response R: each MS band as a weighted sum of HS bands.

    The spectrum is a straight line between HS band centres; each MS response is integrated over
    it in steps of 1 nm (`hat_weights`), where HS bands really are (`covered`).

    Args:
        hs: L bands with strictly increasing centres.
        ms: C bands.
        min_coverage: least share, 0 to 1, of each MS response that must be covered by HS bands.

    Returns:
        R (C, L) with rows summing to 1, and the coverage (C,) of each MS band.

    Raises:
        InputError: HS centres that do not increase, or an MS band covered too little.

    Example:
        >>> R, coverage = srf_matrix(enmap(), sentinel2("A"))
        >>> R.shape, bool(coverage.min() > 0.95)
        ((4, 214), True)
    """
    if len(hs) < 2 or not np.all(np.diff(hs.centre) > 0):
        raise InputError(
            f"expected at least two bands of {hs.name} with strictly increasing centres: "
            "sort the bands by wavelength and drop repeated ones"
        )
    axis = np.arange(300.0, 2601.0)
    srf = ms._srf_on(axis)
    seen = srf * covered(hs, axis)
    coverage = seen.sum(axis=1) / srf.sum(axis=1)
    if (coverage < min_coverage).any():
        worst = int(np.argmin(coverage))
        raise InputError(
            f"expected HS bands over at least {min_coverage:.0%} of every MS response, got "
            f"{coverage[worst]:.0%} for {ms.band_names[worst]} ({ms.centre[worst]:.0f} nm): leave "
            f"this band out with ms.select(...), keep more HS bands, or lower min_coverage"
        )
    return hat_weights(seen, axis, hs.centre), coverage
