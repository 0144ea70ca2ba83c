"""From the counts of a file to reflectance, and to means of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from stsf.files.fill import without_fill


def reflectance(cube: np.ma.MaskedArray, scales: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(band, y, x) float32, NaN where a count is masked or a fill value."""
    values = cube.data.astype(np.float32) * scales[:, None, None].astype(np.float32)
    values += offsets[:, None, None].astype(np.float32)
    values[np.ma.getmaskarray(cube) | without_fill(cube.data)] = np.nan
    return values


def without_alpha(source: Any, bands: list[int], counts: np.ndarray) -> np.ma.MaskedArray:
    """Bands of which GDAL takes one for the transparency of the others, which it is not."""
    empty = np.array([np.nan if value is None else value for value in source.nodatavals])
    return np.ma.masked_array(counts, counts == empty[np.array(bands) - 1, None, None])


def averaged(cube: np.ndarray, rows: np.ndarray, columns: np.ndarray, pick: bool) -> np.ndarray:
    """Means over blocks of pixels, without those that have no data.

    Args:
        cube: (band, y, x).
        rows: (h,) first row of each block; a block ends where the next begins.
        columns: (w,) likewise.
        pick: take the pixel in the middle instead, for codes that have no mean.

    Example:
        >>> cube = np.array([[[0.1, 0.3, np.nan, 0.6]]])
        >>> averaged(cube, np.array([0]), np.array([0, 2]), pick=False)
        array([[[0.2, 0.6]]], dtype=float32)
    """
    starts, sizes = (rows, columns), cube.shape[1:]
    if pick:
        middle = [(s + np.append(s[1:], n) - 1) // 2 for s, n in zip(starts, sizes)]
        return cube[:, middle[0]][:, :, middle[1]]
    known = np.isfinite(cube)
    blocks = [np.where(known, cube, 0.0), known.astype(np.float32)]
    for axis in (0, 1):
        blocks = [np.add.reduceat(block, starts[axis], axis=axis + 1) for block in blocks]
    with np.errstate(invalid="ignore"):
        return (blocks[0] / blocks[1]).astype(np.float32)
