"""AHSI of ZY-1 02D and GF-5: Level 1A, and the tables that are delivered with it.

Level 1A is radiance in the geometry of the sensor. It can be read here, but not fused: what can be
is the reflectance on a map that others make of it, with the wavelengths from the product's tables.
Written from descriptions of the product, untested on a delivered one.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stsf.errors import InputError
from stsf.files.imagefile import Image, Part, readable
from stsf.files.products.layers import counts, one, opened
from stsf.sensing.bands import SWIR, VNIR

CUBES = {VNIR: "VN", SWIR: "SW"}
RASTERS = (".tif", ".tiff", ".dat", ".img")


def read_ahsi(path: str | Path, detector: int = VNIR, part: Part | None = None) -> Image:
    """Radiance of one detector as delivered: wavelengths, but no place on a map.

    Args:
        path: the product's folder.
        detector: 0 = VNIR, 1 = SWIR.
        part: rows and columns, by default all.

    Returns:
        (band, y, x) radiance in the unit of the calibration table, W/(m² sr µm) as documented.

    Raises:
        InputError: a missing file, or a table that does not fit.
    """
    path = Path(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    cube = CUBES[detector]
    with ExitStack() as held:
        endings = tuple(f"_{cube}{ending}" for ending in RASTERS)
        source: Any = opened(one(files, *endings, what=f"{cube} image", where=path), held)
        gain = _rows(_raw(files, "radcal", cube, path), source.count)
        bands = _rows(_raw(files, "spectralresponse", cube, path), source.count)
        whole = part or (slice(0, source.height), slice(0, source.width))
        values = counts(source, whole).astype(np.float32)
    offset = gain[:, 1] if gain.shape[1] > 1 else np.zeros(len(gain))
    values = values * gain[:, 0, None, None] + offset[:, None, None]
    names = tuple(f"{cube}{b + 1}" for b in range(len(values)))
    return Image(values.astype(np.float32), names, bands[:, 0], bands[:, 1], sensor="AHSI")


def refuse_ahsi(path: Path) -> Any:
    """Level 1A where reflectance on a map is asked for.

    Raises:
        InputError: always.
    """
    raise InputError(
        f"expected reflectance on a map, {path} is AHSI Level 1A, radiance in the geometry of the "
        "sensor: orthorectify it by its RPC, correct the atmosphere, and hand in the result as "
        "ENVI or GeoTIFF in a folder with the product's *Spectralresponse*.raw tables"
    )


def with_tables(image: Image, path: Path) -> Image:
    """An image without wavelengths with those of AHSI tables that lie beside it, if any do."""
    files = sorted(path.parent.glob("*")) if image.wavelength is None else []
    if not any("spectralresponse" in p.name.lower() and p.suffix == ".raw" for p in files):
        return image
    tables = [_rows(_raw(files, "spectralresponse", cube, path.parent)) for cube in CUBES.values()]
    every = np.concatenate(tables)
    if len(every) != len(image.cube):
        raise InputError(
            f"expected the {len(every)} bands of the AHSI tables beside {path}, it has "
            f"{len(image.cube)}: stack all VNIR, then all SWIR bands, or delete the tables"
        )
    return replace(image, wavelength=every[:, 0], fwhm=every[:, 1], sensor=image.sensor or "AHSI")


def _raw(files: list[Path], kind: str, cube: str, where: Path) -> Path:
    tables = {p: p.name.lower() for p in files if p.suffix.lower() == ".raw"}
    matches = [p for p, name in tables.items() if kind in name and f"_{cube.lower()}" in name]
    if len(matches) != 1:
        raise InputError(
            f"expected one {kind} table of {cube} (*{kind}*_{cube}*.raw) in {where}, got "
            f"{len(matches)}: copy the product's tables there"
        )
    return matches[0]


def _rows(path: Path, count: int | None = None) -> np.ndarray:
    """(band, 1 or 2) numbers, one line a band, split by commas or blanks."""
    with readable(path):
        lines = [line.replace(",", " ").split() for line in path.read_text("utf-8").splitlines()]
    try:
        table = np.array([line for line in lines if line], dtype=np.float64)
    except ValueError:
        table = np.empty(0)
    if table.ndim != 2 or not np.isfinite(table).all() or count not in (None, len(table)):
        raise InputError(
            f"expected one line of numbers a band in {path} ({count or 'any'} lines), got another "
            f"table of shape {table.shape}: copy it from the product again"
        )
    return table
