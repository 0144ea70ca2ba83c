"""Sensors: which wavelengths each one sees.

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
from stsf.sensing.bands import Sensor, from_bands
from stsf.sensing.spreadsheet import table

S2_4 = ("B2", "B3", "B4", "B8")  # the four bands delivered at 10 m
S2_10 = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
TABLES = Path(__file__).with_name("tables")


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
    """MSI of Sentinel-2A or 2B with its measured responses (ESA), on a 10 m grid.

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
    every = _measured(f"sentinel-2{unit.lower()}.csv")
    name = every.name + ("-10" if tuple(bands) == S2_10 else "")  # as in `SENSORS`
    return replace(every.select(list(bands)), name=name)


def landsat(number: int = 9) -> Sensor:
    """OLI of Landsat-8 or -9 with its measured responses (NASA): seven bands of 30 m.

    Centres are response-weighted means. The MTF of 0.3 is nominal.

    Args:
        number: 8 or 9.

    Example:
        >>> landsat(8).centre.round()
        array([ 443.,  483.,  561.,  655.,  865., 1609., 2201.])
    """
    if number not in (8, 9):
        raise InputError(f"expected Landsat 8 or 9, got {number!r}: choose one of them")
    return _measured(f"landsat-{number}.csv")


@cache
def _measured(table: str) -> Sensor:
    """All bands of a table of ours; shared by whoever asks for them."""
    sensor = from_csv(TABLES / table)
    for values in (sensor.centre, sensor.fwhm, sensor.detector, sensor.srf_wavelength, sensor.srf):
        assert values is not None
        values.setflags(write=False)
    return sensor


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
    "Landsat-8": lambda: landsat(8),
    "Landsat-9": lambda: landsat(9),
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
