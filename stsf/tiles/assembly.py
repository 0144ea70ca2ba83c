"""One file of all tiles: written by windows, overviews last, in its place when it is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from stsf.files.atomic import replacing
from stsf.files.imagefile import Image
from stsf.files.raster import writing_parts
from stsf.tiles.folder import Folder
from stsf.tiles.grid import Tile, fine
from stsf.tiles.observations import Observations


def assemble(
    observed: Observations,
    folder: Folder,
    tiles: Sequence[Tile],
    key: str,
    notes: Mapping[str, str],
    progress: bool = False,
) -> Path:
    """A product of all tiles, as a file in their folder.

    Args:
        observed: for the band table and the georeference.
        folder: where the tiles lie.
        tiles: of the scene.
        key: of the product.
        notes: tags of the file.
        progress: show a progress bar.

    Raises:
        InputError: a broken tile, or a full disk.
    """
    path, dtype = folder.path / f"{key}.tif", "uint8" if key == "quality" else "float32"
    table = _table(observed, key, notes)
    bar = tqdm(tiles, desc=f"writing {key}", unit="tile", disable=not progress)
    with replacing(path) as temporary, bar:
        with writing_parts(temporary, table, observed.size, dtype) as write:  # type: ignore[arg-type]
            for tile in bar:
                rows, columns = fine(tile.core, observed.ratio)
                write(folder.read(tile, key), rows.start, columns.start)
    return path


def _table(observed: Observations, key: str, notes: Mapping[str, str]) -> Image:
    """What the file says of itself."""
    place: dict[str, Any] = {"crs": observed.crs, "transform": observed.transform}
    if key == "quality":
        return Image(np.empty((3, 1, 1)), ("Y1", "M1", "M2"), **place)
    hs, dates = observed.hs, observed.dates
    date = None if dates is None else dates[1 if key == "x1" else 2]
    table = np.empty((len(hs), 1, 1)), hs.band_names, hs.centre, hs.fwhm
    return Image(*table, sensor=hs.name, date=date, notes=notes, **place)
