"""One image on disk: a GeoTIFF (or ENVI file) with its wavelengths, sensor, date and georeference.

Reflectance is float32, or counts with the band's scale set. Pixels without data are NaN in memory.
Files need not be read as a whole: a part, or a small picture from the overviews, costs no more
than the blocks it touches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.windows import Window

from stsf.errors import InputError
from stsf.files.atomic import reason
from stsf.files.bandnames import wavelengths_in
from stsf.files.facts import Facts
from stsf.files.header import band_table, check_size, nothing_lost, open_raster
from stsf.files.orientation import Orientation
from stsf.files.sources import is_mask, open_source, placement, units
from stsf.files.values import averaged, reflectance, without_alpha

Part = tuple[slice, slice]  # rows and columns
STRIP = 128  # rows read at once where a file has no overview that would do
MOST = 60_000_000  # values read so; of more, SAMPLES x SAMPLES pixels stand for each that is shown
SAMPLES = 2


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
        transform: pixel to map coordinates, or None; the rows run south wherever a CRS says what
            south is.
        control: ground control points or rational polynomials that no transform could replace.
        notes: what else a file that is written says of itself, as tags.
        facts: what a product's metadata say beyond this, or None.
        bands: (band,) their numbers in the file, from 0 on; None where they are all of it.
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
    control: Any = None
    notes: Mapping[str, str] = field(default_factory=dict)
    facts: Facts | None = None
    bands: np.ndarray | None = None


def read_image(
    path: str | Path,
    scale: float | None = None,
    offset: float | None = None,
    nodata: float | None = None,
    *,
    part: Part | None = None,
    shape: tuple[int, int] | None = None,
) -> Image:
    """Read a GeoTIFF or ENVI cube with its band table.

    Wavelengths come from GDAL's `IMAGERY` domain (`CENTRAL_WAVELENGTH_UM`, `FWHM_UM`) or from
    ENVI's `wavelength`, `fwhm` and `bbl` (bad band list); ENVI's `reflectance scale factor` counts.

    Args:
        path: any raster that GDAL opens, a zip with one, or an image in a container by GDAL's name.
        scale: reflectance per count, in place of what the file says.
        offset: reflectance of count 0, likewise.
        nodata: a stored value that is no measurement, beside those that the file declares.
        part: rows and columns to read, by default all.
        shape: (h, w) pixels onto which the part is averaged, by default its own.

    Raises:
        InputError: missing, truncated or foreign file, a header with values that are none, or a
            part outside the image.
    """
    with ImageFile(path, scale, offset, nodata) as file:
        return file.image(part, shape)


class ImageFile:
    """An image kept open, so that parts of it can be read as they are needed.

    Attributes:
        path: where it lies.
        shape: (band, y, x) of the whole.
        transform: its pixel to map coordinates, or None.
    """

    def __init__(
        self,
        path: str | Path,
        scale: float | None = None,
        offset: float | None = None,
        nodata: float | None = None,
        *,
        codes: bool = False,
    ) -> None:
        """Open a file and read its header; see `read_image`.

        Codes are picked, whatever their type; overviews of other types than uint8 may be means.
        """
        self.path = Path(path)
        with readable(self.path):
            self._source = source = open_source(path)
            check_size(source)
            # a band of transparency is the mask of the others, no measurement
            self._bands = [b for b in source.indexes if not is_mask(source, b)]
            chosen = np.array(self._bands) - 1
            scales, offsets = units(source, str(path))
            self._scales = np.full(len(chosen), scale) if scale else scales[chosen]
            self._offsets = offsets[chosen] if offset is None else np.full(len(chosen), offset)
            self._nodata = nodata
            self._table = {key: values[chosen] for key, values in band_table(source).items()}
            transform, self._crs, self._control = placement(source)
        self._levels: dict[int, Any] = {}  # overviews, opened when needed
        whole = source.dtypes[0] == "uint8"
        self._codes, self._means = codes or whole, whole or not codes
        north_up = Orientation.of if self._crs else Orientation.as_is
        self._way: Orientation = north_up(transform, source.shape)
        self.shape: tuple[int, int, int] = (len(self._bands), *self._way.size)
        self.transform = self._way.transform

    def __enter__(self) -> ImageFile:
        return self

    def __exit__(self, *_: object) -> None:
        for source in (self._source, *self._levels.values()):
            source.close()

    @property
    def crs(self) -> CRS | None:
        """Coordinate reference system, if the file names one."""
        return self._crs

    @property
    def quick(self) -> bool:
        """Whether a small picture of the whole takes no look at every block."""
        return bool(self._source.overviews(1)) or int(np.prod(self.shape)) <= MOST

    def read(self, part: Part | None = None, shape: tuple[int, int] | None = None) -> np.ndarray:
        """(band, h, w) float32 of a part, averaged onto `shape`, NaN where there is no data.

        Overviews are used where the file has them; where their pixels do not divide the image,
        they lie up to half a pixel of theirs off. Codes (uint8) are picked, not averaged.
        """
        rows, columns = part or tuple(slice(0, n) for n in self.shape[1:])
        limits = zip((rows, columns), self.shape[1:])
        if not all(0 <= s.start < s.stop <= n for s, n in limits):
            raise InputError(
                f"expected a part of the {self.shape[1:]} pixels of {self.path}, got rows "
                f"{rows.start}-{rows.stop} and columns {columns.start}-{columns.stop}: move it"
            )
        size = rows.stop - rows.start, columns.stop - columns.start
        shape = shape or size
        stored = shape[::-1] if self._way.swapped else shape
        return self._way.turned(self._read_stored(self._way.stored(rows, columns), stored))

    def _read_stored(self, part: Part, shape: tuple[int, int]) -> np.ndarray:
        """The same with rows and columns as the file has them."""
        source, (rows, columns) = self._overview(*part, shape)
        size = rows.stop - rows.start, columns.stop - columns.start
        if size == shape:
            return self._values(source, rows, columns)
        if len(self._bands) * size[0] * size[1] > MOST:
            return self._sampled(source, rows, columns, shape)
        starts = [np.arange(n) * whole // n for n, whole in zip(shape, size)]
        strips, many = [], max(1, STRIP * shape[0] // size[0])
        for first in range(0, shape[0], many):
            own = starts[0][first : first + many]
            last = starts[0][first + many] if first + many < shape[0] else size[0]
            strip = slice(rows.start + own[0], rows.start + max(last, own[-1] + 1))
            values = self._values(source, strip, columns)
            strips.append(averaged(values, own - own[0], starts[1], pick=self._codes))
        return np.concatenate(strips, axis=1)

    def _sampled(
        self, source: Any, rows: slice, columns: slice, shape: tuple[int, int]
    ) -> np.ndarray:
        """Means over some of the pixels: what a large file without overviews can show at once."""
        whole = rows.stop - rows.start, columns.stop - columns.start
        some = min(whole[0], SAMPLES * shape[0]), min(whole[1], SAMPLES * shape[1])
        starts = [np.arange(n) * count // n for n, count in zip(shape, some)]
        # strip by strip, so that all bands are taken from blocks that are still in the cache
        ends = np.linspace(rows.start, rows.stop, -(-whole[0] // (2 * STRIP)) + 1).astype(int)
        lines = np.diff((ends - rows.start) * some[0] // whole[0])
        strips = [
            self._values(source, slice(first, last), columns, (count, some[1]))
            for first, last, count in zip(ends, ends[1:], lines)
            if count
        ]
        values = np.concatenate(strips, axis=1)
        return averaged(values, starts[0], starts[1], pick=self._codes)

    def _overview(
        self, rows: slice, columns: slice, shape: tuple[int, int]
    ) -> tuple[Any, tuple[slice, slice]]:
        """The smallest overview that still holds a part in `shape` pixels, and the part in it."""
        across = (columns.stop - columns.start) / shape[1]
        down, level = (rows.stop - rows.start) / shape[0], None
        for k, factor in enumerate(self._source.overviews(1) if self._means else ()):
            if factor <= 1.05 * min(across, down):
                level = k
        if level is None:
            return self._source, (rows, columns)
        if level not in self._levels:
            self._levels[level] = open_raster(self._source.name, overview_level=level)
        source = self._levels[level]
        return source, tuple(
            slice(round(s.start * n / whole), max(1, round(s.stop * n / whole)))
            for s, n, whole in zip((rows, columns), source.shape, self._source.shape)
        )  # type: ignore[return-value]

    def _values(
        self, source: Any, rows: slice, columns: slice, shape: tuple[int, int] | None = None
    ) -> np.ndarray:
        """All pixels of a window, or `shape` of them, evenly spread."""
        window, colours = Window.from_slices(rows, columns), source.colorinterp
        read = partial(source.read, window=window)
        if shape is not None:
            read = partial(read, out_shape=(len(self._bands), *shape))
        with readable(self.path):
            if len(set(source.dtypes)) > 1:
                bands = [
                    read([b], out_shape=shape and (1, *shape), masked=True)[0] for b in self._bands
                ]
                counts = np.ma.stack([band.astype(np.float64) for band in bands])
            elif "alpha" in (colours[b - 1].name for b in self._bands):
                counts = without_alpha(source, self._bands, read(self._bands))
            else:
                counts = read(self._bands, masked=True)
        if self._nodata is not None:
            counts = np.ma.masked_where(counts.data == self._nodata, counts)
        return reflectance(counts, self._scales, self._offsets)

    def image(self, part: Part | None = None, shape: tuple[int, int] | None = None) -> Image:
        """The same with what the header says."""
        cube, tags, table = self.read(part, shape), self._source.tags(), self._table
        names = tuple(self._source.descriptions[b - 1] or "" for b in self._bands)
        return Image(
            cube=cube,
            names=names,
            wavelength=table.get("wavelength", wavelengths_in(names)),
            fwhm=table.get("fwhm"),
            good=table["bbl"] > 0 if "bbl" in table else None,
            sensor=tags.get("SENSOR"),
            date=tags.get("DATE"),
            crs=self._crs,
            transform=self.transform and self._moved(self.transform, part, cube.shape),
            control=self._control,
        )

    def _moved(self, whole: Affine, part: Part | None, shape: tuple[int, ...]) -> Affine:
        """Pixel to map coordinates of a part that was averaged onto `shape`."""
        rows, columns = part or tuple(slice(0, n) for n in self.shape[1:])
        factors = (columns.stop - columns.start) / shape[2], (rows.stop - rows.start) / shape[1]
        return whole @ Affine.translation(columns.start, rows.start) @ Affine.scale(*factors)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What goes wrong while reading, in one sentence."""
    try:
        with nothing_lost():
            yield
    except InputError:
        raise
    except (RasterioError, CPLE_BaseError, OSError) as error:
        if path.is_dir():
            raise InputError(
                f"expected an image file, {path} is a folder: name the file inside it"
            ) from error
        raise InputError(
            f"expected a complete raster, could not read {path} ({reason(error)}): "
            "copy or download it again"
        ) from error
    except ValueError as error:
        raise InputError(
            f"expected finite numbers in the header of {path}, {error}: "
            "mend its wavelength, fwhm, bbl or scale"
        ) from error
