"""Three files or products that are read window by window, as `stsf.files.read_scene` reads them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from stsf.alignment.common_grid import common_grid
from stsf.degradation import relative_psf
from stsf.errors import Doubt, InputError
from stsf.files.checks import check_content, check_grid
from stsf.files.facts import CODES
from stsf.files.imagefile import Image
from stsf.files.products.ahsi import with_tables
from stsf.files.products.opening import Source, common_parts, open_image
from stsf.files.products.product import Product
from stsf.files.reading import Reading, placed, reasons, with_sensors
from stsf.scene import Scene, check_dates, check_grids
from stsf.sensing.bands import Sensor
from stsf.threads import one_at_a_time
from stsf.tiles.grid import FRAME, LARGE, SAMPLE, Part, fine, mosaic

STRIP = 32  # LR rows that are read at once for a picture of the whole


class Extent:
    """A cube that is read later: its size, and which part of its file it is."""

    def __init__(self, bands: int, rows: slice, columns: slice) -> None:
        self.rows, self.columns = rows, columns
        self.shape = bands, rows.stop - rows.start, columns.stop - columns.start

    def __getitem__(self, index: tuple[slice, slice, slice]) -> Extent:
        """A part of it."""
        rows, columns = (
            slice(of.start + s.indices(n)[0], of.start + s.indices(n)[1])
            for of, s, n in zip((self.rows, self.columns), index[1:], self.shape[1:])
        )
        return Extent(self.shape[0], rows, columns)

    def __len__(self) -> int:
        """Asked for by a warp alone, and so by `np.asarray` and `astype`: that takes the pixels."""
        raise InputError(
            "expected images that only need to be cropped, these must be warped onto one grid: "
            "bring them there with stsf prepare --hs ... --ms1 ... --ms2 ... --out prepared/"
        )

    def __array__(self, *_: Any) -> np.ndarray:
        return np.empty(len(self))

    def astype(self, _: Any) -> np.ndarray:
        """Never: see `__len__`."""
        return self.__array__()


@dataclass(frozen=True, eq=False)
class Observations:
    """What is known of a scene on disk without its pixels; other processes open it anew.

    Attributes:
        paths: of Y1, M1 and M2.
        reading: how to read them.
        bands: the bands that are used, by their numbers in the files, of each.
        parts: what part of its file each image is: all that they share. A file may reach farther.
        shape: (h, w) of Y1.
        ratio: r.
        shift: (y, x) MS pixels by which the samples of Y1 lie off.
        crs: of the product.
        transform: pixel to map coordinates of the fine grid.
        dates: of Y1, M1, M2.
        hs: sensor of Y1, told by the pixels.
        ms: sensor of M1 and M2, likewise.
        steps: by how many of its pixels (down, right) each image is moved.
    """

    paths: tuple[str, str, str]
    reading: Reading
    bands: tuple[np.ndarray, ...]
    parts: tuple[Part, ...]
    shape: tuple[int, int]
    ratio: int
    shift: tuple[float, float]
    crs: CRS | None
    transform: Affine | None
    dates: tuple[str, str, str] | None
    hs: Sensor = None  # type: ignore[assignment]
    ms: Sensor = None  # type: ignore[assignment]
    steps: tuple[tuple[int, int], ...] = ((0, 0),) * 3

    def __getstate__(self) -> dict[str, Any]:
        """Without what is open."""
        return {key: value for key, value in vars(self).items() if key != "sources"}

    def but(self, **changes: Any) -> Observations:
        """The same with other values; open files stay open."""
        other = replace(self, **changes)
        vars(other)["sources"] = self.sources
        return other

    def moved(self, hs: tuple[int, int], ms1: tuple[int, int]) -> Observations:
        """The same with Y1 and M1 moved by so many HS pixels (down, right)."""
        return self.but(steps=(hs, (self.ratio * ms1[0], self.ratio * ms1[1]), (0, 0)))

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the product."""
        return self.ratio * self.shape[0], self.ratio * self.shape[1]

    @cached_property
    def sources(self) -> list[Source]:
        """The files, open."""
        return [open_image(path, self.reading.nodata) for path in self.paths]

    def cubes(self, part: Part) -> tuple[list[np.ndarray], np.ndarray]:
        """Y1, M1 and M2 of a window (LR pixels), and why they have no data (3, H, W)."""
        cubes, why = [], []
        for k, source in enumerate(self.sources):
            own = part if k == 0 else fine(part, self.ratio)
            with one_at_a_time:
                image = _part(source, self.parts[k], self.steps[k], own)
            cube = image.cube[self.bands[k]] * np.float32(self.reading.scale[k])
            cube += np.float32(self.reading.offset[k])
            if not image.cube.any():  # fill that the window alone does not show to be one
                cube[:] = np.nan
            codes = reasons(replace(image, cube=cube))
            why.append(codes if k else codes.repeat(self.ratio, 0).repeat(self.ratio, 1))
            cubes.append(cube)
        return cubes, np.stack(why)

    def picked(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """M1 and M2 at some rows and columns of the product grid, (C, h, w) each."""
        strips = []
        for first in range(0, self.shape[0], STRIP):
            part = slice(first, min(first + STRIP, self.shape[0])), slice(0, self.shape[1])
            mine = fine(part, self.ratio)[0]
            chosen = rows[(rows >= mine.start) & (rows < mine.stop)] - mine.start
            strips.append([m[:, chosen][:, :, columns] for m in self.cubes(part)[0][1:]])
        m1, m2 = (np.concatenate(dates, axis=1) for dates in zip(*strips))
        return m1, m2

    def window(self, part: Part) -> Scene:
        """A window as a scene.

        Args:
            part: rows and columns, LR pixels.
        """
        cubes, quality = self.cubes(part)
        return self.scene(cubes, part, quality=quality)

    def scene(self, cubes: Sequence[np.ndarray], part: Part, **more: Any) -> Scene:
        """Y1, M1 and M2 of a window, and what is known of the whole, as a scene."""
        first = fine(part, self.ratio)
        moved = self.transform and self.transform @ Affine.translation(
            first[1].start, first[0].start
        )
        psf = [
            replace(p, shift_y=self.shift[0], shift_x=self.shift[1]) if any(self.shift) else p
            for p in relative_psf(self.hs, self.ms, self.ratio)
        ]
        y1, m1, m2 = cubes
        more |= {"psf": tuple(psf), "crs": self.crs, "transform": moved, "dates": self.dates}
        return Scene(y1, m1, m2, self.hs, self.ms, **more)

    def sample(self) -> Scene:
        """What stands for the whole: windows spread over it, side by side; a small scene itself."""
        windows = mosaic(self.shape)
        cubes, first = stitched(self, windows), windows[0][0]
        if len(windows) == len(windows[0]) == 1:
            return self.scene(cubes, first)
        inside = [
            (FRAME <= i % (s.stop - s.start)) & (i % (s.stop - s.start) < s.stop - s.start - FRAME)
            for i, s in zip(map(np.arange, cubes[0].shape[1:]), first)
        ]
        valid = inside[0][:, None] & inside[1]
        valid_hr = valid.repeat(self.ratio, 0).repeat(self.ratio, 1)
        return self.scene(cubes, first, valid_lr=valid, valid_hr=valid_hr)


def _part(source: Source, own: Part, step: tuple[int, int], part: Part) -> Image:
    """A part of an image that is the part `own` of its file, moved: no data beyond its border."""
    part = tuple(slice(s.start - d, s.stop - d) for s, d in zip(part, step))  # type: ignore[assignment]
    inside = tuple(slice(max(0, s.start), min(o.stop - o.start, s.stop)) for s, o in zip(part, own))
    there = tuple(slice(o.start + i.start, o.start + i.stop) for o, i in zip(own, inside))
    if inside == part:
        return source.image(there)  # type: ignore[arg-type]
    shape = tuple(s.stop - s.start for s in part)
    cube = np.full((source.shape[0], *shape), np.nan, np.float32)
    quality = np.full(shape, CODES["no data"], np.uint8)
    if any(s.stop <= s.start for s in inside):
        return Image(cube)
    image = source.image(there)  # type: ignore[arg-type]
    at = tuple(slice(i.start - p.start, i.stop - p.start) for i, p in zip(inside, part))
    cube[:, *at], quality[at] = image.cube, reasons(image)
    return replace(image, cube=cube, facts=image.facts and replace(image.facts, quality=quality))


def stitched(seen: Observations, windows: list[list[Part]]) -> list[np.ndarray]:
    """Y1, M1 and M2 of windows, side by side as one."""
    parts = [[seen.cubes(part)[0] for part in row] for row in windows]
    return [
        np.concatenate([np.concatenate([w[k] for w in row], axis=2) for row in parts], axis=1)
        for k in range(3)
    ]


def is_large(paths: Sequence[str | Path], nodata: float | None = None) -> bool:
    """Whether a scene is rather made in tiles, by the headers: see `SAMPLE` and `LARGE`.

    False where the files do not fit together; whoever reads them says why.
    """
    named = tuple(map(str, paths))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Doubt)
            sources = [open_image(path, nodata) for path in named]
            tables, _ = on_one_grid(named, [_table(*p) for p in zip(sources, _parts(sources))])
    except InputError:
        return False
    (_, h, w), (_, H, W) = tables[0].cube.shape, tables[2].cube.shape
    return h * w > SAMPLE**2 or H * W > LARGE**2


def observe(paths: Sequence[str | Path], reading: Reading) -> Observations:
    """Open three files or products and tell their bands, sensors and common grid.

    Raises:
        InputError: as `stsf.files.read_scene`, and where the images must be warped.
    """
    named = str(paths[0]), str(paths[1]), str(paths[2])
    sources = [open_image(path, reading.nodata) for path in named]
    for doubt in (doubt for source in sources for doubt in getattr(source, "doubts", ())):
        warnings.warn(doubt, Doubt, 3)
    # where they lie
    tables, shift = on_one_grid(named, [_table(*pair) for pair in zip(sources, _parts(sources))])
    y1, m1, m2 = (cast(Extent, table.cube) for table in tables)
    others = "hrhs_t1", "hrhs_t2", "change", "quality", "valid_hr", "valid_ms", "valid_lr"
    rest = dict.fromkeys(others)
    grids = SimpleNamespace(lrhs_t1=y1, hrms_t1=m1, hrms_t2=m2, hs=(), **rest)
    check_grids(cast(Scene, grids))
    dates = tables[0].date, tables[1].date, tables[2].date
    check_dates(dates)
    bands = tuple(np.arange(source.shape[0]) for source in sources)
    parts = tuple((extent.rows, extent.columns) for extent in (y1, m1, m2))
    grid = y1.shape[1:], m2.shape[1] // y1.shape[1], shift, tables[2].crs, tables[2].transform
    known = cast(tuple[str, str, str], dates) if all(dates) else None
    observations = Observations(named, reading, bands, parts, *grid, known)
    vars(observations)["sources"] = sources
    return _with_sensors(observations, tables)


def _with_sensors(observations: Observations, tables: list[Image]) -> Observations:
    """Bands and sensors, told by the windows that stand for the whole."""
    plain = replace(observations.reading, scale=(1.0, 1.0, 1.0), offset=(0.0, 0.0, 0.0))
    cubes = stitched(observations.but(reading=plain), mosaic(observations.shape))
    images = [replace(table, cube=cube) for table, cube in zip(tables, cubes)]
    images[0] = with_tables(images[0], Path(observations.paths[0]))
    *images, hs, ms = with_sensors(observations.paths, images, observations.reading)
    check_content(list(zip(observations.paths, images)))
    bands = tuple(cast(np.ndarray, image.bands) for image in images)
    return observations.but(hs=hs, ms=ms, bands=bands)


def _parts(sources: list[Source]) -> Sequence[Part]:
    """Of each file what all three share, as far as it is a product; plain images as a whole."""
    if any(isinstance(source, Product) for source in sources):
        return common_parts(*sources)
    return [(slice(0, source.shape[1]), slice(0, source.shape[2])) for source in sources]


def _table(source: Source, part: Part) -> Image:
    """What the header says of a part, without its pixels."""
    first = source.image(
        (slice(part[0].start, part[0].start + 1), slice(part[1].start, part[1].start + 1))
    )
    return replace(first, cube=cast(np.ndarray, Extent(source.shape[0], *part)))


def on_one_grid(
    paths: Sequence[str], tables: list[Image]
) -> tuple[list[Image], tuple[float, float]]:
    """The parts of the images that share one grid, and the shift of Y1 on it, MS pixels (y, x)."""
    try:
        check_grid(list(zip(paths, tables)))
    except InputError:
        common = common_grid(*map(placed, tables))
    else:
        return tables, (0.0, 0.0)
    warnings.warn("; ".join(common.done), Doubt, 3)
    cubes = common.lrhs_t1, common.hrms_t1, common.hrms_t2
    there = [
        replace(table, cube=cube, transform=common.transform, crs=common.crs, control=None)
        for table, cube in zip(tables, cubes)
    ]
    return there, common.shift
