"""Images in and out: see `stsf.files.imagefile` for reading; this file writes.

Reflectance is float32, or int16 x 1e-4 with the band's scale set (signed, because noise over dark
water is as often negative as positive). All bands of a pixel lie side by side, in blocks of
128 x 128 pixels. A file of more than one block is a Cloud-Optimized GeoTIFF: it has overviews, so
that a spectrum, a window or a small picture of a whole scene costs a few blocks.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError  # what `rasterio.shutil.copy` raises
from rasterio.env import get_gdal_config
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.windows import Window

from stsf.errors import InputError
from stsf.files.atomic import replacing
from stsf.files.header import check_blocks, check_size, open_raster, unplaced
from stsf.files.imagefile import Image

Dtype = Literal["float32", "int16", "uint8"]
SCALE = 1e-4  # reflectance per count of an int16 file
EMPTY = -32768  # int16 count of a pixel without data
NODATA = {"int16": EMPTY, "float32": float("nan"), "uint8": None}
PACKED = 1.4  # of a plain file: the packed one at worst, with its overviews
BLOCK = 128  # pixels: the 166 bands of one pixel are read 30 times faster than from blocks of 512


def write_image(path: str | Path, image: Image, dtype: Dtype = "float32") -> Path:
    """Write a GeoTIFF; the old file stays until the new one is complete.

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


def write_geotiff(path: Path, image: Image, dtype: Dtype = "float32") -> None:
    """`write_image` in place, for several files that a caller replaces together.

    GDAL says nothing when the disk fills up while it closes a file, so the file is made in memory
    and written by Python, which does.
    """
    size = image.cube.shape[1:]
    small = max(size) <= BLOCK
    with MemoryFile() as plain, MemoryFile(ext=".tif") as packed:
        with unplaced():
            target = plain.open(**_profile(image, size, dtype, packed=small))
        with target:
            target.write(_counts(image.cube, dtype))
            _describe(target, image, dtype)
        if not small:
            _pack(plain.name, packed.name, dtype)
        path.write_bytes((plain if small else packed).getbuffer())


@contextmanager
def writing_parts(
    path: Path, table: Image, size: tuple[int, int], dtype: Dtype = "float32"
) -> Iterator[Callable[[np.ndarray, int, int], None]]:
    """Write a scene too large for memory, part by part; the file is there when the block ends.

    Args:
        path: target; hand in the name that `replacing` gives to keep the old file until then.
        table: an image of any size with the bands, sensor, date and georeference of the whole.
        size: (H, W) of the whole.
        dtype: as for `write_image`.

    Yields:
        A function of a cube (band, h, w) and its first row and column. What is never written has
        no data.

    Raises:
        InputError: a value does not fit the type.
        OSError: the disk is full; `replacing` says so in one sentence.

    Example:
        >>> from stsf.files import read_image
        >>> image = Image(np.ones((3, 2, 4), np.float32))
        >>> with TemporaryDirectory() as folder:
        ...     with writing_parts(Path(folder) / "a.tif", image, (4, 4)) as write:
        ...         write(image.cube, 2, 0)
        ...     read_image(Path(folder) / "a.tif").cube[0, :, 0]
        array([nan, nan,  1.,  1.], dtype=float32)
    """
    with TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        plain, packed = Path(folder) / "plain.tif", Path(folder) / "packed.tif"
        values = size[0] * size[1] * len(table.cube)
        with _full_disk_named(path.parent, values * np.dtype(dtype).itemsize):
            with unplaced():
                target = rasterio.open(plain, "w", **_profile(table, size, dtype, packed=False))
            with target:
                yield lambda cube, y, x: target.write(
                    _counts(cube, dtype), window=Window(x, y, cube.shape[2], cube.shape[1])
                )
                _describe(target, table, dtype)
            _pack(str(plain), str(packed), dtype)
            with open_raster(packed) as source:
                check_size(source)
            check_blocks(packed)
        packed.replace(path)


@contextmanager
def _full_disk_named(folder: Path, size: int) -> Iterator[None]:
    """A full disk in the system's words, before the work if it can be told: GDAL has many, or none.

    Args:
        folder: where a plain file is made, and packed.
        size: of the plain file, bytes.
    """
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if shutil.disk_usage(folder).free < size:
        raise full
    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError):
        if shutil.disk_usage(folder).free < PACKED * size:
            raise full from None
        raise


def _profile(table: Image, size: tuple[int, ...], dtype: Dtype, packed: bool) -> dict[str, Any]:
    profile: dict[str, Any] = {"driver": "GTiff", "bigtiff": "if_safer"}
    # what is still to be packed lies band by band: of pixels that hold 128 bands or more GDAL reads
    # each block once for each band
    profile["interleave"] = "pixel" if packed else "band"
    profile |= {"count": len(table.cube), "height": size[0], "width": size[1], "dtype": dtype}
    profile |= {"nodata": NODATA[dtype], "crs": table.crs, "transform": table.transform}
    profile |= {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK}
    predictor = 3 if dtype == "float32" else 2
    return profile | (dict(compress="deflate", zlevel=9, predictor=predictor) if packed else {})


def _pack(plain: str, packed: str, dtype: Dtype) -> None:
    """Compress, make overviews, and put everything in the order of a Cloud-Optimized GeoTIFF.

    Pixels are put together from blocks of all bands, overviews from two rows of such blocks: GDAL
    keeps these meanwhile, and one band of the whole, or it would read the file many times over.
    """
    with unplaced(), rasterio.open(plain) as source:
        line = source.width * np.dtype(dtype).itemsize  # bytes of one band
        row, band = BLOCK * line * source.count, source.height * line
    keep = {
        "GDAL_CACHEMAX": max(get_gdal_config("GDAL_CACHEMAX"), int(2.3 * row)),
        "GDAL_OVR_CHUNK_MAX_SIZE": int(np.clip(1.1 * band, 10e6, 400e6)),
    }
    small = {"overview_resampling": "mode" if dtype == "uint8" else "average"}
    # level 1: two thirds of the time of level 6, files 4 % larger
    small |= {"compress": "deflate", "level": "1", "predictor": "yes", "bigtiff": "if_safer"}
    try:
        with unplaced(), rasterio.Env(**keep):
            copy(plain, packed, driver="COG", blocksize=BLOCK, num_threads="all_cpus", **small)
    except SystemError:  # GDAL has no name for it
        raise OSError(errno.EIO, os.strerror(errno.EIO)) from None


def _describe(target: Any, table: Image, dtype: Dtype) -> None:
    if dtype == "int16":
        target.scales = (SCALE,) * len(table.cube)
    tags = {"SENSOR": table.sensor, "DATE": table.date, **table.notes}
    target.update_tags(**{key: value for key, value in tags.items() if value})
    _write_bands(target, table)


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
