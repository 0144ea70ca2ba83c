"""What the header of a raster says: wavelengths, widths, bad bands; whether the file is whole."""

from __future__ import annotations

import errno
import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

# MB of blocks that GDAL keeps, unless the user says otherwise: a 20th of the memory is too much
# for a viewer, and much less slows the making of overviews tenfold
os.environ.setdefault("GDAL_CACHEMAX", "256")


@contextmanager
def unplaced() -> Iterator[None]:
    """No warning about rasters that have no georeference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def open_raster(path: str | Path, **options: Any) -> Any:
    """`rasterio.open`, with or without a georeference."""
    with unplaced():
        return rasterio.open(path, **options)


@contextmanager
def nothing_lost() -> Iterator[None]:
    """Refuse a TIFF cut off behind its pixels: GDAL logs it and reads on without the lost tags.

    These can be the bands' scale, the wavelengths and the georeference.
    """
    lost: list[str] = []

    def listen(record: logging.LogRecord) -> bool:
        cut_off = "IO error during reading" in record.getMessage()
        if cut_off:
            lost.append(record.getMessage())
        return not cut_off

    log = logging.getLogger("rasterio._env")
    log.addFilter(listen)
    try:
        yield
    finally:
        log.removeFilter(listen)
    if lost:
        raise RasterioError("its last part is missing")


def check_size(source: Any) -> None:
    """Refuse a file that lost its end.

    GDAL reads up to half of a raw ENVI file as zeros, and opens a Cloud-Optimized GeoTIFF, whose
    headers come first, whatever is left of its blocks.
    """
    path = Path(source.name)
    if not path.is_file():  # in a zip or a container
        return
    size, needed = path.stat().st_size, 0
    envi = source.tags(ns="ENVI")
    if source.driver == "ENVI" and envi.get("file_compression", "0") == "0":
        needed = source.count * source.height * source.width * np.dtype(source.dtypes[0]).itemsize
        needed += int(envi.get("header_offset", 0))
    if source.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG":
        down, across = (-(-n // b) - 1 for n, b in zip(source.shape, source.block_shapes[0]))
        names = (f"BLOCK_{what}_{across}_{down}" for what in ("OFFSET", "SIZE"))
        tags = [source.get_tag_item(name, "TIFF", bidx=1) for name in names]
        needed = sum(map(int, filter(None, tags)))
        needed += 4 if needed else 0  # a block ends with a copy of its last four bytes
    if size < needed:
        raise RasterioError(f"its last part is missing: {size} bytes, its header needs {needed}")


def check_blocks(path: Path) -> None:
    """Refuse a file just written of which a block is missing, in any overview: GDAL may not say so.

    Raises:
        OSError: the disk was full.
    """
    with open_raster(path) as whole:
        levels = len(whole.overviews(1))
    for level in range(-1, levels):
        with open_raster(path, **({} if level < 0 else {"overview_level": level})) as source:
            down, across = (-(-n // b) for n, b in zip(source.shape, source.block_shapes[0]))
            for x, y in product(range(across), range(down)):
                names = f"BLOCK_OFFSET_{x}_{y}", f"BLOCK_SIZE_{x}_{y}"
                there = [int(source.get_tag_item(name, "TIFF", bidx=1) or 0) for name in names]
                if not all(there) or sum(there) > path.stat().st_size:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def band_table(source: Any) -> dict[str, np.ndarray]:
    """Wavelength, FWHM (nm) and good-band flags, each where every band has one.

    The header's own lists come first: GDAL's `IMAGERY` copy of an ENVI list is rounded to 1 nm.
    """
    envi, plain = source.tags(ns="ENVI"), [source.tags(b) for b in source.indexes]
    table = {}
    for key in ("wavelength", "fwhm", "bbl"):
        listed = re.findall(r"[-+.\deE]+", envi.get(key, ""))
        for texts in (listed, [tags.get(key) for tags in plain]):
            if len(texts) == source.count and all(texts) and key not in table:
                table[key] = _numbers(texts)
    units = envi.get("wavelength_units") or plain[0].get("wavelength_units") or ""
    for key in ("fwhm", "wavelength"):
        if key in table:
            table[key] = table[key] * _to_nm(units, table.get("wavelength", table[key]).max())
    for key, name in (("wavelength", "CENTRAL_WAVELENGTH_UM"), ("fwhm", "FWHM_UM")):
        texts = [source.tags(b, ns="IMAGERY").get(name) for b in source.indexes]
        if key not in table and all(texts):
            table[key] = 1000.0 * _numbers(texts)
    return table


def _numbers(texts: list[Any]) -> np.ndarray:
    values = np.array(texts, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"got {values[~np.isfinite(values)][0]}")
    return values


def _to_nm(units: str, longest: float) -> float:
    """Factor to nm: by the stated unit, else by size (no sensor ends below 100 nm)."""
    if units.lower().startswith(("nanom", "microm")):
        return 1.0 if units.lower().startswith("nanom") else 1000.0
    return 1.0 if longest > 100 else 1000.0
