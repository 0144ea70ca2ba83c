"""Three files of any size: bands told by a sample, pixels read and written by windows."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import cast

import numpy as np
from tqdm import tqdm

from stsf.alignment.placed import Later, Part
from stsf.errors import Doubt
from stsf.files.imagefile import Image
from stsf.files.products.ahsi import with_tables
from stsf.files.products.opening import Source, common_parts, open_image
from stsf.files.products.product import Product
from stsf.files.raster import BLOCK, write_geotiff, writing_parts
from stsf.files.reading import Files, Reading, with_sensors

VALUES = 2**23  # of a window or a sample: 32 MB
SAMPLES = 5  # windows along each side that stand for an image of more values
SOON = 2.0  # seconds after which progress is shown


def open_files(paths: Sequence[str | Path], reading: Reading, held: ExitStack) -> Files:
    """As `stsf.files.reading.read_files`, with cubes whose pixels are read later.

    Args:
        paths: of Y1, M1 and M2.
        reading: what the files do not say themselves.
        held: keeps the files open.

    Raises:
        InputError: a file that cannot be read, or bands that cannot be told.
    """
    sources: list[Source] = [open_image(path, reading.nodata) for path in paths]
    for source in sources:
        held.push(source)
    for doubt in (doubt for source in sources for doubt in getattr(source, "doubts", ())):
        warnings.warn(doubt, Doubt, 3)
    parts = [(slice(0, source.shape[1]), slice(0, source.shape[2])) for source in sources]
    if any(isinstance(source, Product) for source in sources):
        parts = list(common_parts(sources[0], sources[1], sources[2]))
    # what the headers say, and a sample of the pixels
    cubes = [_stored(source, part) for source, part in zip(sources, parts)]
    samples = [
        replace(_header(source, part), cube=_sample(cube))
        for source, part, cube in zip(sources, parts, cubes)
    ]
    samples[0] = with_tables(samples[0], sources[0].path)
    files = with_sensors(paths, samples, reading)
    # the bands that will be used, in reflectance
    y1, m1, m2 = (
        replace(image, cube=cast(np.ndarray, _used(cube, image, scale, offset)))
        for image, cube, scale, offset in zip(files[:3], cubes, reading.scale, reading.offset)
    )
    return files._replace(y1=y1, m1=m1, m2=m2)


def write_windows(path: Path, image: Image, name: str) -> None:
    """`stsf.files.raster.write_geotiff` of a cube that need not fit in memory.

    Args:
        path: to write.
        image: its cube may be `Later`.
        name: of the file for the bar that shows, on a terminal, what takes more than 2 s.
    """
    size = image.cube.shape[1:]
    parts = windows(image.cube.shape, VALUES)
    if len(parts) == 1:
        write_geotiff(path, replace(image, cube=image.cube[:, *parts[0]]))
        return
    shown = {"disable": not sys.stderr.isatty(), "delay": SOON, "unit": "window"}
    with tqdm(total=len(parts) + 1, desc=f"writing {name}", **shown) as bar:
        with writing_parts(path, image, size) as write:
            for rows, columns in parts:
                write(image.cube[:, rows, columns], rows.start, columns.start)
                bar.update()
        bar.update()  # compressed, with its overviews


def windows(shape: tuple[int, ...], values: int) -> list[Part]:
    """Windows of whole blocks and at most so many values that cover a cube (band, y, x).

    Example:
        >>> len(windows((4, 6000, 6000), 2**24)), windows((4, 2100, 100), 2**24)[1]
        (9, (slice(2048, 2100, None), slice(0, 100, None)))
    """
    side = max(BLOCK, int(math.sqrt(values / shape[0])) // BLOCK * BLOCK)
    axes = [[slice(a, min(a + side, n)) for a in range(0, n, side)] for n in shape[1:]]
    return list(product(*axes))


def _header(source: Source, part: Part) -> Image:
    """What is known of a part without its pixels."""
    rows, columns = (slice(s.start, s.start + 1) for s in part)
    return source.image((rows, columns))


def _stored(source: Source, part: Part) -> Later:
    """A part of a file, in the units that the file declares."""

    def read(inner: Part) -> np.ndarray:
        rows, columns = (slice(s.start + i.start, s.start + i.stop) for s, i in zip(part, inner))
        cube = source.image((rows, columns)).cube
        if len(cube) > 2 and not cube.any():  # fill that the window alone does not show to be one
            cube[:] = np.nan
        return cube

    height, width = (s.stop - s.start for s in part)
    return Later((source.shape[0], height, width), read)


def _sample(cube: Later) -> np.ndarray:
    """All of it, or windows spread over it, side by side."""
    bands, h, w = cube.shape
    if bands * h * w <= VALUES:
        return cube[:, 0:h, 0:w]
    side = int(math.sqrt(VALUES / bands)) // SAMPLES
    rows, columns = (
        [slice(int(a), int(a) + min(side, n)) for a in np.linspace(0, max(0, n - side), SAMPLES)]
        for n in (h, w)
    )
    strips = [np.concatenate([cube[:, r, c] for c in columns], axis=2) for r in rows]
    return np.concatenate(strips, axis=1)


def _used(cube: Later, image: Image, scale: float, offset: float) -> Later:
    bands = np.arange(len(cube)) if image.bands is None else image.bands
    read: Callable[[Part], np.ndarray] = lambda part: (  # noqa: E731
        cube[:, *part][bands] * np.float32(scale) + np.float32(offset)
    )
    return Later((len(bands), *cube.shape[1:]), read)
