"""Rasters of a product: opened once, read by windows, brought to a finer grid of whole ratio."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from stsf.errors import InputError
from stsf.files.header import check_size, open_raster
from stsf.files.imagefile import Part, readable

MARGIN = 2  # coarse pixels that cubic interpolation needs beyond a window


def opened(path: Path, held: ExitStack) -> Any:
    """A raster kept open; closed with the product."""
    with readable(path):
        source = held.enter_context(open_raster(path))
        check_size(source)
    return source


def counts(source: Any, part: Part) -> np.ndarray:
    """(band, h, w) of a part as stored."""
    with readable(Path(source.name)):
        return source.read(window=Window.from_slices(*part))


def one(files: list[Path], *endings: str, what: str, where: Path) -> Path:
    """The one file whose name ends so (any case).

    Raises:
        InputError: none, or several.
    """
    matches = [p for p in files if p.name.lower().endswith(tuple(e.lower() for e in endings))]
    if len(matches) != 1:
        got = ", ".join(p.name for p in matches[:3]) or "none"
        raise InputError(
            f"expected one {what} (*{endings[0]}) in {where}, got {got}: "
            "name one complete product, as the agency delivers it"
        )
    return matches[0]


def coarse_part(part: Part, ratio: int, size: tuple[int, int]) -> tuple[Part, Part]:
    """The coarse pixels under a fine part with a margin, and the fine part counted from them."""
    coarse, inside = [], []
    for s, n in zip(part, size):
        first = max(0, s.start // ratio - MARGIN)
        coarse.append(slice(first, min(n, -(-s.stop // ratio) + MARGIN)))
        inside.append(slice(s.start - ratio * first, s.stop - ratio * first))
    return (coarse[0], coarse[1]), (inside[0], inside[1])


def cubic(values: np.ndarray, ratio: int) -> np.ndarray:
    """(..., h, w) -> (..., ratio·h, ratio·w) by cubic convolution (Keys, a = -1/2), area grids.

    A straight line stays straight in the interior; the border repeats its last pixel.

    Example:
        >>> cubic(np.arange(6.0)[None] * np.ones((6, 1)), 2)[4, 4:8]
        array([1.75, 2.25, 2.75, 3.25])
    """
    for axis in (-2, -1):
        n = values.shape[axis]
        at = (np.arange(ratio * n) + 0.5) / ratio - 0.5
        left = np.floor(at).astype(int)
        t = at - left
        near = 1 - 2.5 * t**2 + 1.5 * t**3, 0.5 * t + 2 * t**2 - 1.5 * t**3
        weights = -0.5 * t + t**2 - 0.5 * t**3, *near, 0.5 * (t**3 - t**2)
        shape = (-1, 1) if axis == -2 else (-1,)
        values = sum(
            values.take(np.clip(left + k - 1, 0, n - 1), axis)
            * w.reshape(shape).astype(values.dtype)
            for k, w in enumerate(weights)
        )
    return values
