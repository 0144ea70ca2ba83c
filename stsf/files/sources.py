"""What a path may be: a raster, a zip, one image of several in a file, a header beside its data."""

from __future__ import annotations

import os
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import from_gcps

from stsf.errors import Doubt, InputError
from stsf.files.header import open_raster
from stsf.scene import BRIGHT

RASTERS = tuple(".tif .tiff .img .jp2 .vrt .nc .h5 .he5 .hdf .bsq .bil .bip .dat".split())
NAMED = re.compile(r"^/vsi|^[A-Za-z][A-Za-z0-9_]+:")  # what only GDAL can look for
AFFINE = 0.1  # px; control points that a transform meets so closely are one
SHOWN = 8  # names in a message
LEFTOVER = 0.002  # scales below belong to counts, whose bright ones are above 2


def resolve(path: str | Path) -> str:
    """The name by which GDAL opens what a path means.

    Raises:
        InputError: nothing there, a header without its data, or a zip of several images.

    Example:
        >>> resolve("NETCDF:cube.nc:reflectance")
        'NETCDF:cube.nc:reflectance'
    """
    text = str(path)
    if NAMED.match(text):
        return text
    if not os.path.exists(text):
        raise InputError(f"expected an image file, found nothing at {text}: check the path")
    if text.lower().endswith(".hdr"):
        return _beside_header(Path(text))
    if text.lower().endswith(".zip") and os.path.isfile(text):
        return _in_zip(text)
    return text


def _beside_header(header: Path) -> str:
    """The data of an ENVI header: of the same name without `.hdr`, or with another ending."""
    named = [header.with_suffix(""), *(header.with_suffix(end) for end in RASTERS)]
    there = [str(path) for path in named if path.is_file()]
    if not there:
        raise InputError(
            f"expected the image beside its header {header}, found none of that name: copy it there"
        )
    return there[0]


def _in_zip(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(
            f"expected a complete zip, could not read {path}: copy or download it again"
        ) from error
    images = [f"/vsizip/{path}/{name}" for name in names if name.lower().endswith(RASTERS)]
    if len(images) != 1:
        raise InputError(
            f"expected one image in {path}, found {len(images)}: "
            + (f"name one of {_listed(images)}" if images else f"it holds {_listed(names)}")
        )
    return images[0]


def open_source(path: str | Path) -> Any:
    """Open a raster; of a container the only image in it.

    Raises:
        InputError: several images, with the names by which each can be asked for.
        RasterioError: no raster.
    """
    name = resolve(path)
    source = open_raster(name)
    if source.count == 0 and source.subdatasets:
        images = source.subdatasets
        source.close()
        if len(images) > 1:
            raise InputError(
                f"expected one image in {path}, found {len(images)}: name one of {_listed(images)}"
            )
        source = open_raster(images[0])
    if source.count == 0:
        raise RasterioError("it holds no bands")
    return source if _is_utf8(source) else _transcoded(source)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")


def _is_utf8(source: Any) -> bool:
    try:
        _ = source.descriptions, source.tags(), source.tags(ns="ENVI")
        for b in source.indexes:
            _ = source.tags(b), source.tags(b, ns="IMAGERY")
    except UnicodeDecodeError:
        return False
    return True


def _transcoded(source: Any) -> Any:
    """The same raster behind a virtual one, whose texts are taken for Latin-1."""
    memory = MemoryFile(ext=".vrt")
    copy(source.name, memory.name, driver="VRT")
    text = memory.read().decode("latin-1")
    source.close()
    return open_raster(text)


def placement(source: Any) -> tuple[Affine | None, CRS | None, Any]:
    """Transform, CRS, and control points or polynomials where no transform is exact."""
    crs = source.crs  # a plane that is called arbitrary is none
    crs = crs if crs and (crs.is_geographic or crs.is_projected) else None
    if not source.transform.is_identity:
        return source.transform, crs, None
    points, system = source.gcps
    if len(points) >= 3:
        fit = from_gcps(points)
        off = [np.subtract(~fit * (p.x, p.y), (p.col, p.row)) for p in points]
        return (fit, system, None) if np.abs(off).max() < AFFINE else (None, system, points)
    if source.rpcs:
        return None, CRS.from_epsg(4326), source.rpcs
    return None, crs, None


def is_mask(source: Any, band: int) -> bool:
    """Whether a band that GDAL calls alpha is one: it holds 0 and the largest value only.

    A near infrared band in the fourth place is called so too.
    """
    if source.colorinterp[band - 1].name != "alpha":
        return False
    rows, columns = (min(512, n) for n in source.shape)
    values = np.unique(source.read(band, out_shape=(rows, columns)))
    top = np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1
    return bool(np.isin(values, (0, top)).all())


def units(source: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(band,) reflectance per count and reflectance of count 0, by the header.

    A scale from counts to reflectance, left over in the header of floating-point reflectance, is
    not applied a second time.
    """
    divisor = float(source.tags(ns="ENVI").get("reflectance_scale_factor", 1.0))
    if not (np.isfinite(divisor) and divisor > 0):
        raise ValueError(f"got the reflectance scale factor {divisor}")
    scales, offsets = (np.array(v) / divisor for v in (source.scales, source.offsets))
    if np.all(scales < LEFTOVER) and all(kind.startswith("float") for kind in source.dtypes):
        middle = (source.count + 1) // 2
        rows, columns = (min(512, n) for n in source.shape)
        values = source.read(middle, out_shape=(rows, columns), masked=True)
        finite = values.compressed()[np.isfinite(values.compressed())]
        if finite.size and 0.01 < np.percentile(finite, 98) < BRIGHT:
            warnings.warn(
                f"{name}: its values are reflectance already, the scale {scales[0]:g} of its "
                "header is not applied",
                Doubt,
                4,
            )
            return np.ones(source.count), offsets
    return scales, offsets
