"""A product that stays on disk: what its metadata say, and a function that reads windows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from stsf.errors import InputError
from stsf.files.facts import CODES, Facts
from stsf.files.imagefile import Image, Part


@dataclass(frozen=True, eq=False)
class Product:
    """A product opened for reading by windows; the same use as `stsf.files.imagefile.ImageFile`.

    Attributes:
        path: what the caller named.
        shape: (band, y, x) of the whole.
        table: band table, sensor, date and georeference of the whole; its cube is empty.
        read: reads a part as (band, h, w) float32 reflectance, NaN where there is no data, and
            (h, w) uint8 codes of `stsf.files.facts.REASONS`.
        doubts: what was taken for granted, in plain sentences.
        held: what is closed and removed with the product.
    """

    path: Path
    shape: tuple[int, int, int]
    table: Image
    read: Callable[[Part], tuple[np.ndarray, np.ndarray]]
    doubts: tuple[str, ...] = ()
    held: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Product:
        return self

    def __exit__(self, *_: object) -> None:
        self.held.close()

    @property
    def transform(self) -> Affine | None:
        """Pixel to map coordinates of the whole."""
        return self.table.transform

    @property
    def crs(self) -> CRS | None:
        """Coordinate reference system."""
        return self.table.crs

    @property
    def facts(self) -> Facts:
        """What the metadata hold beyond the band table."""
        assert self.table.facts is not None
        return self.table.facts

    def image(self, part: Part | None = None) -> Image:
        """A part with what is known of it: pixels with a quality code have no data.

        Raises:
            InputError: a part outside the product, or a file that cannot be read.
        """
        rows, columns = part or tuple(slice(0, n) for n in self.shape[1:])
        if not all(0 <= s.start < s.stop <= n for s, n in zip((rows, columns), self.shape[1:])):
            raise InputError(
                f"expected a part of the {self.shape[1:]} pixels of {self.path}, got rows "
                f"{rows.start}-{rows.stop} and columns {columns.start}-{columns.stop}: move it"
            )
        cube, quality = self.read((rows, columns))
        known = self.table.good if self.table.good is not None else slice(None)
        quality[(quality == 0) & ~np.isfinite(cube[known]).all(axis=0)] = CODES["no data"]
        cube[:, quality > 0] = np.nan
        moved = self.transform and self.transform @ Affine.translation(columns.start, rows.start)
        return replace(
            self.table, cube=cube, transform=moved, facts=replace(self.facts, quality=quality)
        )
