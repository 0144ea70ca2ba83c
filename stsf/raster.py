"""One image on disk: a GeoTIFF (or ENVI file) with its wavelengths, sensor, date and georeference.

Reflectance is float32, or int16 x 1e-4 with the band's scale set (signed, because noise over dark
water is as often negative as positive). Pixels without data are NaN in memory.
"""

from __future__ import annotations

import logging
import os
import re
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

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
        transform: pixel to map coordinates in metres, or None.
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
    ENVI's `wavelength`, `fwhm` and `bbl` (bad band list); ENVI's `reflectance scale factor` counts.

    Args:
        path: any raster that GDAL opens.
        scale: reflectance per count, where the file does not set its bands' scale.

    Raises:
        InputError: missing, truncated or foreign file, or a header with values that are none.
    """
    path = Path(path)
    if not os.path.exists(path):
        raise InputError(f"expected an image file, found nothing at {path}: check the path")
    try:
        with _nothing_lost(), _open(path) as source:
            if source.count == 0:
                raise RasterioError("it holds no bands")
            _check_raw_size(source, path)
            cube = source.read(masked=True)
            divisor = float(source.tags(ns="ENVI").get("reflectance_scale_factor", 1.0))
            scales = np.full(source.count, scale) if scale else np.array(source.scales) / divisor
            offsets = np.array(source.offsets)
            table, tags = _band_table(source), source.tags()
            found = Image(
                cube=_reflectance(cube, scales, offsets),
                names=tuple(name or "" for name in source.descriptions),
                wavelength=table.get("wavelength"),
                fwhm=table.get("fwhm"),
                good=table["bbl"] > 0 if "bbl" in table else None,
                sensor=tags.get("SENSOR"),
                date=tags.get("DATE"),
                crs=source.crs,
                transform=None if source.transform.is_identity else source.transform,
            )
    except (RasterioError, OSError) as error:
        if path.is_dir():
            raise InputError(
                f"expected an image file, {path} is a folder: name the file inside it"
            ) from error
        raise InputError(
            f"expected a complete raster, could not read {path} ({_reason(error)}): "
            "copy or download it again"
        ) from error
    except ValueError as error:
        raise InputError(
            f"expected finite numbers in the header of {path}, {error}: "
            "mend its wavelength, fwhm, bbl or scale"
        ) from error
    return found


def _open(path: Path) -> Any:
    """`rasterio.open` without its warning about rasters that have no georeference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path)


@contextmanager
def _nothing_lost() -> Iterator[None]:
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


def _check_raw_size(source: Any, path: Path) -> None:
    """Refuse a raw ENVI file that lost its end: GDAL reads up to half of it as zeros."""
    envi = source.tags(ns="ENVI")
    if source.driver == "ENVI" and envi.get("file_compression", "0") == "0":
        needed = source.count * source.height * source.width * np.dtype(source.dtypes[0]).itemsize
        if path.stat().st_size < int(envi.get("header_offset", 0)) + needed:
            raise RasterioError(f"{path.stat().st_size} bytes, its header needs {needed}")


def _reflectance(cube: np.ma.MaskedArray, scales: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    values = cube.data.astype(np.float32) * scales[:, None, None].astype(np.float32)
    values += offsets[:, None, None].astype(np.float32)
    values[np.ma.getmaskarray(cube)] = np.nan
    return values


def _band_table(source: Any) -> dict[str, np.ndarray]:
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
    with replacing(Path(path)) as temporary:
        write_geotiff(temporary, image, dtype)
    return Path(path)


def write_geotiff(
    path: Path, image: Image, dtype: Literal["float32", "int16", "uint8"] = "float32"
) -> None:
    """`write_image` in place, for several files that a caller replaces together.

    GDAL says nothing when the disk fills up while it closes a file, so the file is made in memory
    and written by Python, which does.
    """
    profile = dict(
        driver="GTiff", count=len(image.cube), height=image.cube.shape[1],
        width=image.cube.shape[2], dtype=dtype, nodata=NODATA[dtype],
        crs=image.crs, transform=image.transform,
        tiled=True, blockxsize=128, blockysize=128, interleave="pixel",
        compress="deflate", zlevel=9, predictor=3 if dtype == "float32" else 2,
    )  # fmt: skip
    with MemoryFile() as memory:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            target = memory.open(**profile)
        with target:
            target.write(_counts(image.cube, dtype))
            if dtype == "int16":
                target.scales = (SCALE,) * len(image.cube)
            tags = {"SENSOR": image.sensor, "DATE": image.date}
            target.update_tags(**{key: value for key, value in tags.items() if value})
            _write_bands(target, image)
        path.write_bytes(memory.getbuffer())


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
    """The name of a temporary file beside `path`, which takes its place when the block ends well.

    The block makes the file; if it fails or is interrupted, nothing is left of it.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except (OSError, RasterioError) as error:
        raise InputError(
            f"expected to write {path}, the system says {_reason(error)}: "
            "choose a folder that exists, can be written and has room"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _reason(error: BaseException) -> str:
    """The system's words, or the first line of the error that all others came from."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0].strip().rstrip(".")
