"""Where tiles lie, how far they look beyond their border, and which parts stand for the whole.

All in low-resolution pixels (LR), so that no HS pixel is ever cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

LARGE = 1000  # pixels of the product along one side, beyond which it is made in tiles anyway
TILE = 288  # pixels of the product along one side: larger ones see less twice, and fill the memory
MARGIN = 12  # LR px that a tile sees beyond its border: what lies farther changes less than 1e-4
STEP = 3  # LR px: the windows of `local_wiener` begin in the same places in every tile
SAMPLE = 200  # LR px along one side of what the whole is judged by, and of its largest window
MOSAIC = 40  # LR px along one side of the windows that a large scene is judged by
FRAME = 3  # LR px at the border of such a window: there the PSF would mix it with its neighbour

Part = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True)
class Tile:
    """One tile, LR pixels.

    Attributes:
        row: number of its row of tiles, from 0 on.
        column: likewise.
        core: what it makes.
        seen: what it looks at: the core and `MARGIN` round it, as far as there is any.
    """

    row: int
    column: int
    core: Part
    seen: Part

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.row:03}-{self.column:03}"

    @property
    def inner(self) -> Part:
        """The core within what is seen."""
        return tuple(
            slice(c.start - s.start, c.stop - s.start) for c, s in zip(self.core, self.seen)
        )  # type: ignore[return-value]


def tiles_of(shape: tuple[int, int], ratio: int, side: int = TILE) -> list[Tile]:
    """Tiles that cover a scene, row by row.

    Args:
        shape: (h, w) of the scene, LR pixels.
        ratio: r.
        side: of a tile, pixels of the product; rounded down to `STEP` LR pixels.

    Example:
        >>> [tile.core[1] for tile in tiles_of((40, 100), ratio=3, side=150)]
        [slice(0, 48, None), slice(48, 96, None), slice(96, 100, None)]
        >>> tiles_of((40, 100), ratio=3, side=150)[1].seen[1]
        slice(36, 100, None)
    """
    step = max(STEP, side // ratio // STEP * STEP)
    axes = [[slice(a, min(a + step, n)) for a in range(0, n, step)] for n in shape]
    return [
        Tile(row, column, (rows, columns), (beyond(rows, shape[0]), beyond(columns, shape[1])))
        for (row, rows), (column, columns) in product(*map(enumerate, axes))
    ]


def beyond(part: slice, length: int, margin: int = MARGIN) -> slice:
    """A part of an axis and `margin` pixels on both sides, as far as there are any."""
    return slice(max(0, part.start - margin), min(length, part.stop + margin))


def fine(part: Part, ratio: int) -> Part:
    """LR pixels in pixels of the product."""
    return slice(ratio * part[0].start, ratio * part[0].stop), slice(
        ratio * part[1].start, ratio * part[1].stop
    )


def places(windows: list[list[Part]], ratio: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns, in pixels of the product, of windows that lie side by side.

    Example:
        >>> places([[(slice(2, 4), slice(0, 1)), (slice(2, 4), slice(5, 6))]], 2)[1]
        array([ 0,  1, 10, 11])
    """
    rows = [np.arange(ratio * row[0][0].start, ratio * row[0][0].stop) for row in windows]
    columns = [np.arange(ratio * part[1].start, ratio * part[1].stop) for part in windows[0]]
    return np.concatenate(rows), np.concatenate(columns)


def mosaic(shape: tuple[int, int]) -> list[list[Part]]:
    """The windows by which a scene is judged, in rows: the scene itself where it is small.

    Example:
        >>> mosaic((80, 90))
        [[(slice(0, 80, None), slice(0, 90, None))]]
        >>> [len(row) for row in mosaic((2000, 2000))]
        [5, 5, 5, 5, 5]
    """
    h, w = shape
    if h * w <= SAMPLE**2:
        return [[(slice(0, h), slice(0, w))]]
    many = (SAMPLE // MOSAIC) ** 2
    short = max(1, min(min(shape) // MOSAIC, SAMPLE // MOSAIC))
    counts = (short, many // short) if h <= w else (many // short, short)
    axes = []
    for n, count in zip(shape, counts):
        side = min(MOSAIC, n)
        starts = np.linspace(0, n - side, min(count, n // side)).astype(int) // STEP * STEP
        axes.append([slice(int(a), int(a) + side) for a in starts])
    return [[(rows, columns) for columns in axes[1]] for rows in axes[0]]


def central(shape: tuple[int, int]) -> list[Part]:
    """Windows of at most `SAMPLE` LR pixels a side that may stand for all: the middle one first."""
    if shape[0] * shape[1] <= SAMPLE**2:
        return [(slice(0, shape[0]), slice(0, shape[1]))]
    parts = []
    for a, b in sorted(product((0, 1, 2), repeat=2), key=lambda p: abs(p[0] - 1) + abs(p[1] - 1)):
        starts = [max(0, n - SAMPLE) * k // 2 // STEP * STEP for n, k in zip(shape, (a, b))]
        part = tuple(slice(s, min(n, s + SAMPLE)) for s, n in zip(starts, shape))
        if part not in parts:
            parts.append(part)
    return parts  # type: ignore[return-value]
