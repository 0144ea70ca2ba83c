"""Whatever a path holds, opened: a product of an agency or an image; three of them together."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds

from stsf.errors import Doubt, InputError
from stsf.files.imagefile import Image, ImageFile, Part
from stsf.files.products.ahsi import refuse_ahsi, with_tables
from stsf.files.products.enmap import read_enmap
from stsf.files.products.landsat import read_landsat
from stsf.files.products.prisma import read_prisma
from stsf.files.products.product import Product
from stsf.files.products.sentinel2 import read_sentinel2
from stsf.files.products.unpacking import files_of, is_packed, unpacked_in

# what one of a product's files is called -> its reader
READERS: dict[str, Callable[[Path], Product]] = {
    "MTD_MSIL2A.xml": read_sentinel2,
    "MTD_MSIL1C.xml": read_sentinel2,
    "METADATA.XML": read_enmap,
    ".he5": read_prisma,
    "_MTL.xml": read_landsat,
    "_MTL.txt": read_landsat,
}
SNAP = 0.01  # px within which edges count as equal
Source: TypeAlias = ImageFile | Product


def open_image(path: str | Path, nodata: float | None = None) -> Source:
    """Open a product (its folder, archive or metadata file) or an image that GDAL reads.

    Raises:
        InputError: nothing there, or nothing that is known.
    """
    named, path = path, Path(path)
    whole = path.is_dir() or is_packed(path)
    if not whole and not path.name.lower().endswith((".xml", *map(str.lower, READERS))):
        return ImageFile(named, nodata=nodata)
    with ExitStack() as held:
        files = files_of(path, held) if whole else [path]
        for ending, reader in READERS.items():
            if any(file.name.lower().endswith(ending.lower()) for file in files):
                product = _read(reader, path, files)
                product.held.push(held.pop_all())
                return product
        if any("radcal" in file.name.lower() for file in files):
            refuse_ahsi(path)
    if is_packed(path):
        return ImageFile(named, nodata=nodata)
    raise InputError(
        f"expected a product in {path}, found none of {', '.join(f'*{e}' for e in READERS)}: name "
        "the folder, archive or metadata file of a Sentinel-2 L2A, Landsat-8/9 L2, EnMAP L2A or "
        "PRISMA L2D product, or an image file"
    )


def _read(reader: Callable[[Path], Product], path: Path, files: list[Path]) -> Product:
    """Read an archive where it was unpacked, but speak of the archive."""
    if not is_packed(path):
        return reader(path)
    folder = str(unpacked_in(files[0]))
    try:
        return replace(reader(Path(folder)), path=path)
    except InputError as error:
        raise InputError(str(error).replace(folder, str(path))) from error


def read_together(paths: Sequence[str | Path], nodata: float | None = None) -> list[Image]:
    """Y1, M1 and M2; products are read where all three have pixels, plain images as a whole.

    Args:
        paths: of the three.
        nodata: a stored value of plain images that is no measurement.

    Raises:
        InputError: unreadable, radiance instead of reflectance, or no common ground.
    """
    with ExitStack() as held:
        sources = [open_image(path, nodata) for path in paths]
        for source in sources:
            held.push(source)
            for doubt in getattr(source, "doubts", ()):
                warnings.warn(doubt, Doubt, 3)
        parts: list[Part | None] = [None, None, None]
        if any(isinstance(source, Product) for source in sources):
            parts = list(common_parts(sources[0], sources[1], sources[2]))
        images = [source.image(part) for source, part in zip(sources, parts)]
        images[0] = with_tables(images[0], sources[0].path)
    return images


def common_parts(hs: Source, m1: Source, m2: Source) -> tuple[Part, Part, Part]:
    """The whole HS pixels that both MS images cover, and the MS pixels that cover these.

    Raises:
        InputError: an image without georeference, or no common ground.
    """
    bounds = np.array([_bounds(source, hs) for source in (hs, m1, m2)])  # (3, 4)
    low, high = bounds.max(axis=0), bounds.min(axis=0)
    box = low[0], low[1], high[2], high[3]
    if box[0] >= box[2] or box[1] >= box[3]:
        raise InputError(
            f"expected three images of one place, {hs.path}, {m1.path} and {m2.path} share no "
            "ground: choose products whose footprints overlap"
        )
    inner = _part(hs, box, inward=True)
    assert hs.transform is not None
    x0, y0 = hs.transform @ (inner[1].start, inner[0].start)
    x1, y1 = hs.transform @ (inner[1].stop, inner[0].stop)
    extent = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
    fine = [_part(m, _moved(extent, hs, m), inward=False) for m in (m1, m2)]
    return inner, fine[0], fine[1]


def _bounds(source: Source, like: Source) -> tuple[float, float, float, float]:
    """Left, bottom, right, top in the CRS of another image."""
    t = source.transform
    if t is None or source.crs is None or t.b or t.d:
        raise InputError(
            f"expected a north-up image with its coordinate reference system beside a product, "
            f"{source.path} has none: georeference it with gdalwarp -t_srs"
        )
    (x0, y0), (x1, y1) = t @ (0, 0), t @ (source.shape[2], source.shape[1])
    own = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
    return _moved(own, source, like)


def _moved(
    box: tuple[float, float, float, float], source: Source, target: Source
) -> tuple[float, float, float, float]:
    if source.crs == target.crs:
        return box
    try:
        return transform_bounds(source.crs, target.crs, *box, densify_pts=21)
    except RasterioError as error:
        raise InputError(
            f"expected places on Earth in {source.path}, its bounds {box} have none in "
            f"{target.crs}: mend its coordinate reference system"
        ) from error


def _part(source: Source, box: tuple[float, float, float, float], inward: bool) -> Part:
    """Rows and columns of a box: whole pixels in it, or all it touches."""
    t = source.transform
    assert t is not None
    slices: list[slice] = []
    for (a, b), n in zip(((box[1], box[3]), (box[0], box[2])), source.shape[1:]):
        origin, step = (t.f, t.e) if not slices else (t.c, t.a)
        first, last = sorted(((a - origin) / step, (b - origin) / step))
        up, down = (np.ceil(first - SNAP), np.floor(last + SNAP))
        if not inward:
            up, down = np.floor(first + SNAP), np.ceil(last - SNAP)
        slices.append(slice(max(0, int(up)), min(n, int(down))))
    if any(s.stop <= s.start for s in slices):
        raise InputError(
            f"expected whole pixels of {source.path} where all images lie, found none: choose "
            "products whose footprints overlap more"
        )
    return slices[0], slices[1]
