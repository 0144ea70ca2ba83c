"""One image on disk: a GeoTIFF (or ENVI file) with its wavelengths, sensor, date and georeference.

Reflectance is float32, or int16 x 1e-4 with the band's scale set (signed, because noise over dark
water is as often negative as positive). Pixels without data are NaN in memory.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioError

from stsf.errors import InputError

SCALE = 1e-4  # reflectance per count of an int16 file
EMPTY = -32768  # int16 count of a pixel without data
NODATA = {"int16": EMPTY, "float32": float("nan"), "uint8": None}


@dataclass(frozen=True, eq=False)
class Image:
    """A cube with what its file says about it.

    Attributes:
        cube: (band, y, x) float32, reflectance 0-1, NaN where there is no data.
        names: band descriptions, empty strings where the file has none.
        wavelength: (band,) band centres in nm, or None.
        fwhm: (band,) full widths at half maximum in nm, or None.
        good: (band,) False where the product flags a band as bad, or None.
        sensor: name of the sensor, or None.
        date: ISO date of acquisition, or None.
        crs: coordinate reference system, or None.
        transform: pixel to map coordinates, metres.
    """

    cube: np.ndarray
    names: tuple[str, ...] = ()
    wavelength: np.ndarray | None = None
    fwhm: np.ndarray | None = None
    good: np.ndarray | None = None
    sensor: str | None = None
    date: str | None = None
    crs: CRS | None = None
    transform: Affine | None = None


def read_image(path: str | Path, scale: float | None = None) -> Image:
    """Read a GeoTIFF or ENVI cube with its band table.

    Wavelengths come from GDAL's `IMAGERY` domain (`CENTRAL_WAVELENGTH_UM`, `FWHM_UM`) or from
    ENVI's `wavelength`, `fwhm` and `bbl` (bad band list).

    Args:
        path: any raster that GDAL opens.
        scale: reflectance per count, where the file does not set its bands' scale.

    Raises:
        InputError: missing, truncated or foreign file.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"expected an image file, found nothing at {path}: check the path")
    try:
        with rasterio.open(path) as source:
            cube = source.read(masked=True)
            scales = np.array(source.scales) if scale is None else np.full(source.count, scale)
            offsets = np.array(source.offsets)
            bands = [_band_tags(source, b) for b in source.indexes]
            table = _envi_table(source.tags(ns="ENVI"), source.count)
            tags, flags = source.tags(), _column(bands, "bbl", table)
            found = Image(
                cube=_reflectance(cube, scales, offsets),
                names=tuple(name or "" for name in source.descriptions),
                wavelength=_column(bands, "wavelength", table),
                fwhm=_column(bands, "fwhm", table),
                good=None if flags is None else flags > 0,
                sensor=tags.get("SENSOR"),
                date=tags.get("DATE"),
                crs=source.crs,
                transform=source.transform,
            )
    except (RasterioError, OSError) as error:
        raise InputError(
            f"expected a complete raster, could not read {path} ({_first_line(error)}): "
            "copy or download it again"
        ) from error
    return found


def _reflectance(cube: np.ma.MaskedArray, scales: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    values = cube.data.astype(np.float32) * scales[:, None, None].astype(np.float32)
    values += offsets[:, None, None].astype(np.float32)
    values[np.ma.getmaskarray(cube)] = np.nan
    return values


def _band_tags(source: Any, band: int) -> dict[str, float]:
    """Wavelength, FWHM (nm) and good-band flag of one band, as far as the file has them."""
    imagery, plain = source.tags(band, ns="IMAGERY"), source.tags(band)
    found = {}
    for key, name in (("wavelength", "CENTRAL_WAVELENGTH_UM"), ("fwhm", "FWHM_UM")):
        if name in imagery:
            found[key] = 1000.0 * float(imagery[name])
        elif key in plain:
            found[key] = float(plain[key]) * _to_nm(plain.get("wavelength_units"), plain[key])
    if "bbl" in plain:
        found["bbl"] = float(plain["bbl"])
    return found


def _to_nm(units: str | None, value: str) -> float:
    """Factor to nm: by the stated unit, else by size (no wavelength in nm is below 100)."""
    if units and units.lower()[:3] in ("nan", "mic"):
        return 1.0 if units.lower().startswith("nan") else 1000.0
    return 1.0 if float(value) > 100 else 1000.0


def _envi_table(tags: Mapping[str, str], count: int) -> dict[str, np.ndarray]:
    """Lists such as `fwhm = {…}` that GDAL keeps as text in the ENVI domain."""
    table = {}
    for key in ("wavelength", "fwhm", "bbl"):
        values = [float(v) for v in re.findall(r"[-+.\deE]+", tags.get(key, ""))]
        if len(values) == count:
            unit = 1.0 if key == "bbl" else _to_nm(tags.get("wavelength_units"), str(values[-1]))
            table[key] = unit * np.array(values)
    return table


def _column(
    bands: list[dict[str, float]], key: str, table: dict[str, np.ndarray]
) -> np.ndarray | None:
    if all(key in band for band in bands):
        return np.array([band[key] for band in bands])
    return table.get(key)


def write_image(
    path: str | Path, image: Image, dtype: Literal["float32", "int16", "uint8"] = "float32"
) -> Path:
    """Write a tiled, compressed GeoTIFF; the old file stays until the new one is complete.

    Args:
        path: target, ending in `.tif`.
        image: cube and band table.
        dtype: "float32"; "int16" stores round(reflectance / 1e-4) and sets the bands' scale;
            "uint8" for maps of codes.

    Raises:
        InputError: the folder cannot be written, or a value does not fit the type.
    """
    path, count = Path(path), len(image.cube)
    with replacing(path) as temporary:
        profile = dict(
            driver="GTiff", count=count, height=image.cube.shape[1], width=image.cube.shape[2],
            dtype=dtype, nodata=NODATA[dtype], crs=image.crs, transform=image.transform,
            tiled=True, blockxsize=128, blockysize=128, interleave="pixel",
            compress="deflate", zlevel=9, predictor=3 if dtype == "float32" else 2,
        )  # fmt: skip
        with rasterio.open(temporary, "w", **profile) as target:
            target.write(_counts(image.cube, dtype))
            if dtype == "int16":
                target.scales = (SCALE,) * count
            tags = {"SENSOR": image.sensor, "DATE": image.date}
            target.update_tags(**{key: value for key, value in tags.items() if value})
            _write_bands(target, image)
    return path


def _counts(cube: np.ndarray, dtype: str) -> np.ndarray:
    if dtype != "int16":
        return cube.astype(dtype)
    counts = np.rint(cube / SCALE)
    if np.nanmax(np.abs(counts), initial=0) > 32767:
        raise InputError(
            f"int16 files hold reflectance up to 3.2767, got {np.nanmax(np.abs(cube)):.3g}: "
            'check the values or write dtype="float32"'
        )
    return np.where(np.isnan(counts), EMPTY, counts).astype(np.int16)


def _write_bands(target: Any, image: Image) -> None:
    for b in range(len(image.cube)):
        wavelength = None if image.wavelength is None else float(image.wavelength[b])
        name = image.names[b] if image.names else ""
        if name or wavelength:
            target.set_band_description(b + 1, name or f"{wavelength:.1f} nm")
        if wavelength:
            tags = {"CENTRAL_WAVELENGTH_UM": f"{wavelength / 1000:.7f}"}
            if image.fwhm is not None:
                tags["FWHM_UM"] = f"{image.fwhm[b] / 1000:.7f}"
            target.update_tags(b + 1, ns="IMAGERY", **tags)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place only when the block ends well.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except (OSError, RasterioError) as error:
        raise InputError(
            f"expected to write {path}, the system says {_first_line(error)}: "
            "choose a folder that exists, can be written and has room"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _first_line(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text.splitlines()[0].strip().rstrip(".")
