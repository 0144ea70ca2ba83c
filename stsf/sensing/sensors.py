"""Sensors: which wavelengths each one sees, and how an MS band is made of HS bands.

A table read from the product always wins over the tables here; generated ones are `nominal`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from stsf.errors import InputError
from stsf.sensing.bands import SWIR, SWIR_START, VNIR, Sensor, from_bands
from stsf.sensing.spreadsheet import table

S2_4 = ("B2", "B3", "B4", "B8")  # the four bands delivered at 10 m
S2_10 = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
TABLES = Path(__file__).with_name("tables")


MIN_COVERAGE = 0.9  # of an MS response, by HS bands


def ahsi() -> Sensor:
    """AHSI of ZY-1 02D, **nominal**: 166 bands, 395-2501 nm, 30 m.

    76 VNIR bands (395-1040 nm, FWHM 10 nm) and 90 SWIR bands (1005-2501 nm, FWHM 20 nm), evenly
    spaced, sorted by centre: between 1005 and 1040 nm five VNIR and three SWIR bands alternate.
    No public band table was found; ranges, counts and widths are those commonly stated for the
    sensor. The MTF of 0.3 is nominal too.

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


def _nominal(name: str, *detectors: tuple[float, float, int, float]) -> Sensor:
    """Evenly spaced bands, (first, last, count, FWHM) per detector, sorted by centre."""
    centre = np.concatenate([np.linspace(a, b, n) for a, b, n, _ in detectors])
    fwhm = np.concatenate([np.full(n, width) for _, _, n, width in detectors])
    detector = np.repeat(np.arange(len(detectors)), [n for _, _, n, _ in detectors])
    order = np.argsort(centre)
    names = [f"B{i + 1}" for i in order]  # numbered as in the product: VNIR first, then SWIR
    return from_bands(centre[order], fwhm[order], name, 30.0, names, detector[order], nominal=True)


def enmap() -> Sensor:
    """EnMAP: 214 of its 224 bands, 418-2446 nm, 30 m.

    Centres and FWHM are the `wavelength` and `fwhm` tags of an L2A product of 2022-07-24. The ten
    SWIR bands below 1000 nm are left out, where the VNIR detector sees the same wavelengths.
    MTF from the mission's requirement at Nyquist, > 0.16 along and > 0.25 across track: the bounds
    themselves are used, for both detectors.

    Example:
        >>> len(enmap()), float(enmap().centre[-1])
        (214, 2445.53)
    """
    return from_csv(TABLES / "enmap.csv")


def sentinel2(unit: str = "A", bands: Sequence[str] = S2_4) -> Sensor:
    """MSI of Sentinel-2A or 2B with its measured responses (ESA, through `pyrsr`), on a 10 m grid.

    Centres are response-weighted means. The 20 m and 60 m bands are taken as delivered on the 10 m
    grid. The MTF of 0.25 at Nyquist is nominal, one value for all bands.

    Args:
        unit: "A" or "B".
        bands: names among B1 ... B8, B8A, B9 ... B12; see `S2_4` and `S2_10`.

    Example:
        >>> sentinel2("A").centre.round(1)
        array([492.4, 559.8, 664.6, 832.8])
    """
    if unit not in ("A", "B"):
        raise InputError(f"expected Sentinel-2 unit 'A' or 'B', got {unit!r}: choose one of them")
    names, axis, srf = _msi(unit)
    centre = srf @ axis / srf.sum(axis=1)
    width = np.array([np.ptp(axis[row >= row.max() / 2]) + 1.0 for row in srf])
    detector = np.where(centre >= SWIR_START, SWIR, VNIR)
    mtf = ((0.25, 0.25), (0.25, 0.25))
    name = f"Sentinel-2{unit}" + ("-10" if tuple(bands) == S2_10 else "")  # as in `SENSORS`
    every = Sensor(name, names, centre, width, 10.0, detector, mtf, axis, srf)
    return every.select(list(bands))


@cache
def _msi(unit: str) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """All 13 bands of one unit: names, 1 nm axis (N,), responses (13, N)."""
    from pyrsr.rsr import RSR_reader  # imports pandas

    tables = RSR_reader(f"Sentinel-2{unit}", "MSI")  # band: (n, 2) wavelength in nm and response
    every = np.concatenate(list(tables.values()))[:, 0]
    axis = np.arange(every.min(), every.max() + 1.0)
    srf = np.stack([np.interp(axis, t[:, 0], t[:, 1], left=0, right=0) for t in tables.values()])
    axis.setflags(write=False)  # shared by every sensor made from it
    return tuple(f"B{band}" for band in tables), axis, srf


def from_csv(path: str | Path) -> Sensor:
    """Sensor from a band table.

    Columns `name`, `centre`, `fwhm` (nm), optionally `detector` (0 VNIR, 1 SWIR); every further
    column is headed by a wavelength in nm and holds measured responses. Lines `# key: value` may
    give `name`, `gsd` (m), `mtf` (along and across, per detector) and `nominal` (0 or 1).

    Raises:
        InputError: no readable text, a missing column, or a value that is not a number.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise InputError(
            f"expected a band table, could not read {path} ({reason}): check the path"
        ) from error
    notes = [line[1:].split(":", 1) for line in lines if line.startswith("#") and ":" in line]
    about = {key.strip(): value.strip() for key, value in notes}
    rows, columns = table([line for line in lines if line.strip() and not line.startswith("#")])
    missing = [column for column in ("name", "centre", "fwhm") if column not in columns]
    if missing:
        raise InputError(
            f"expected columns name, centre, fwhm in {path}, got {', '.join(columns) or 'none'}: "
            f"add {', '.join(missing)}"
        )

    def numbers(column: str) -> np.ndarray:
        return np.array([float(row[column]) for row in rows])

    try:
        sensor = from_bands(
            numbers("centre"),
            numbers("fwhm"),
            about.get("name", Path(path).stem),
            float(about.get("gsd", 30.0)),
            [row["name"] for row in rows],
            numbers("detector") if "detector" in columns else None,
            _pairs(about.get("mtf", "0.3 0.3 0.3 0.3")),
            about.get("nominal", "0") == "1",
        )
        waves = [c for c in columns if c not in ("name", "centre", "fwhm", "detector")]
        if not waves:
            return sensor
        srf = np.stack([numbers(wave) for wave in waves], axis=1)
        return replace(sensor, srf_wavelength=np.array(waves, dtype=np.float64), srf=srf)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"expected numbers in {path}, got: {error}; mend that cell") from error


def _pairs(text: str) -> tuple[tuple[float, float], ...]:
    values = [float(value) for value in text.split()]
    return tuple(zip(values[::2], values[1::2]))


def to_csv(sensor: Sensor, path: str | Path) -> None:
    """Write a sensor as a band table that `from_csv` reads back."""
    axis = [] if sensor.srf_wavelength is None else sensor.srf_wavelength.tolist()
    mtf = " ".join(f"{value:g}" for pair in sensor.mtf for value in pair)
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write(f"# name: {sensor.name}\n# gsd: {sensor.gsd:g}\n# mtf: {mtf}\n")
        file.write(f"# nominal: {int(sensor.nominal)}\n")
        table = csv.writer(file)
        table.writerow(["name", "centre", "fwhm", "detector", *axis])
        for i, name in enumerate(sensor.band_names):
            srf = [] if sensor.srf is None else sensor.srf[i].tolist()
            table.writerow([name, sensor.centre[i], sensor.fwhm[i], sensor.detector[i], *srf])


SENSORS: dict[str, Callable[[], Sensor]] = {
    "AHSI": ahsi,
    "EnMAP": enmap,
    "PRISMA": prisma,
    "Sentinel-2A": lambda: sentinel2("A"),
    "Sentinel-2B": lambda: sentinel2("B"),
    "Sentinel-2A-10": lambda: sentinel2("A", S2_10),
    "Sentinel-2B-10": lambda: sentinel2("B", S2_10),
}


def product_order(sensor: Sensor) -> np.ndarray:
    """Indices that put a known sensor's bands into the order in which its product stores them.

    By the number in each name; PRISMA stores each of its two detectors from long to short
    wavelengths.

    Example:
        >>> bands = product_order(prisma())
        >>> prisma().centre[bands][[0, 62, 63]].round().tolist()
        [977.0, 407.0, 2497.0]
    """
    numbers = [int("".join(filter(str.isdigit, name)) or 0) for name in sensor.band_names]
    if sensor.name == "PRISMA":
        return np.lexsort((-sensor.centre, sensor.detector))
    return np.argsort(numbers, kind="stable") if sensor.nominal else np.arange(len(sensor))


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
    centres no further apart than twice their mean FWHM (the gap between them is then no wider
    than one band).

    Example:
        >>> hs = from_bands([500, 510, 560], fwhm=10)
        >>> covered(hs, np.array([493.0, 496, 507, 530, 556]))
        array([False,  True,  True, False,  True])
    """
    half = hs.fwhm / 2
    within = (np.abs(axis[:, None] - hs.centre) <= half).any(axis=1)
    right = np.clip(np.searchsorted(hs.centre, axis, side="right"), 1, len(hs) - 1)
    close = np.diff(hs.centre)[right - 1] <= 2 * (half[right - 1] + half[right])
    between = (axis >= hs.centre[0]) & (axis <= hs.centre[-1])
    return within | (close & between)


def band_coverage(hs: Sensor, ms: Sensor) -> np.ndarray:
    """(C,) share of each MS response, 0 to 1, on wavelengths that the HS measures."""
    axis = np.arange(np.min(ms.centre - 2 * ms.fwhm), np.max(ms.centre + 2 * ms.fwhm))
    srf = ms.srf_at(axis)
    return srf @ covered(hs, axis) / srf.sum(axis=1)


def srf_matrix(
    hs: Sensor, ms: Sensor, min_coverage: float = MIN_COVERAGE
) -> tuple[np.ndarray, np.ndarray]:
    """Spectral response R (C, L): each MS band as a weighted sum of HS bands.

    Take the spectrum as a straight line between HS band centres. Then an MS band is H p and an HS
    band M p, with p the spectrum at the centres and H, M the weights under hats (`response`). The
    HS bands are not p but slightly smoothed; R = H (2 I - M) undoes that once, which makes small
    negative weights (above -0.1) beside steep flanks of an MS response.

    Against direct convolution of 400 library spectra, ten Sentinel-2 bands (RMS error as % of the
    band's mean, mean over bands / worst band; `relative_errors` in tests/sensing/test_sensors.py):
    EnMAP 0.01 / 0.04, AHSI 0.02 / 0.10, PRISMA 0.03 / 0.09. H alone: 0.13 / 0.39, 0.22 / 0.62,
    0.27 / 0.76. The MS response sampled at the HS centres: 0.38 / 1.6, 0.20 / 0.95, 0.38 / 1.9.

    Args:
        hs: L bands with strictly increasing centres.
        ms: C bands.
        min_coverage: least share, 0 to 1, of each MS response that must be covered by HS bands.

    Returns:
        R (C, L) with rows summing to 1, and the coverage (C,) of each MS band (see `covered`).

    Raises:
        InputError: HS centres that do not increase, or an MS band covered too little.

    Example:
        >>> R, coverage = srf_matrix(enmap(), sentinel2("A"))
        >>> R.shape, bool(coverage.min() > 0.95)
        ((4, 214), True)
    """
    if len(hs) < 2 or not np.all(np.diff(hs.centre) > 0):
        raise InputError(
            f"expected at least two bands of {hs.name} with strictly increasing centres, got "
            f"{len(hs)} in another order: sort the bands by wavelength and drop repeated ones"
        )
    coverage = band_coverage(hs, ms)
    if (coverage < min_coverage).any():
        worst = int(np.argmin(coverage))
        raise InputError(
            f"expected HS bands over at least {min_coverage:.0%} of every MS response, got "
            f"{coverage[worst]:.0%} for {ms.band_names[worst]} ({ms.centre[worst]:.0f} nm): leave "
            "this band out with ms.select(...), keep more HS bands, or lower min_coverage"
        )
    smoothing = hs.response(hs.centre)  # (L, L)
    return ms.response(hs.centre) @ (2.0 * np.eye(len(hs)) - smoothing), coverage
