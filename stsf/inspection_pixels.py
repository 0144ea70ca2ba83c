"""Which pixels a window or a drawn region holds, and what they have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stsf.errors import InputError

Pixels = tuple[np.ndarray, np.ndarray]  # rows and columns, int


def window_pixels(pixel: tuple[int, int], window: int, shape: tuple[int, int]) -> Pixels:
    """Pixels of a square window around a pixel, cut at the image border.

    Args:
        pixel: (y, x) of the centre.
        window: pixels along a side, odd.
        shape: (H, W) of the image.

    Raises:
        InputError: an even window, or a pixel outside the image.

    Example:
        >>> rows, columns = window_pixels((0, 5), 3, (9, 9))
        >>> rows.tolist(), columns.tolist()
        ([0, 0, 0, 1, 1, 1], [4, 5, 6, 4, 5, 6])
    """
    if window < 1 or window % 2 == 0:
        raise InputError(f"expected an odd window such as 1, 3 or 5, got {window}: choose one")
    if not all(0 <= p < n for p, n in zip(pixel, shape)):
        raise InputError(f"pixel must be (y, x) within {shape}, got {pixel}: choose another")
    half = window // 2
    y, x = (np.arange(max(p - half, 0), min(p + half + 1, n)) for p, n in zip(pixel, shape))
    rows, columns = np.meshgrid(y, x, indexing="ij")
    return rows.ravel(), columns.ravel()


def polygon_pixels(corners: ArrayLike, shape: tuple[int, int]) -> Pixels:
    """Pixels whose centre lies inside a polygon (even-odd rule), row by row.

    Args:
        corners: (n, 2) corners as (y, x), pixel centres at integers; n at least 3.
        shape: (H, W) of the image.

    Raises:
        InputError: fewer than three corners.

    Example:
        >>> rows, columns = polygon_pixels([(-0.5, -0.5), (-0.5, 1.5), (1.5, -0.5)], (4, 4))
        >>> list(zip(rows.tolist(), columns.tolist()))
        [(0, 0), (0, 1), (1, 0)]
    """
    points = np.asarray(corners, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
        raise InputError(f"expected at least three (y, x) corners, got shape {points.shape}: add")
    y, x = np.indices(shape)
    inside = np.zeros(shape, dtype=bool)
    for (ya, xa), (yb, xb) in zip(points, np.roll(points, -1, axis=0)):
        if ya == yb:
            continue  # a level edge is never crossed by a level ray
        crossed = (ya > y) != (yb > y)
        inside ^= crossed & (x <= xa + (y - ya) / (yb - ya) * (xb - xa))
    rows, columns = np.nonzero(inside)
    return rows, columns


def mean_spread(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean and standard deviation over pixels, and how many pixels they come from.

    Pixels without data in any band are left out; without a pixel all is NaN. The deviation is
    that of the pixels themselves (divided by n), 0 for a single one.

    Args:
        spectra: (n, L).

    Example:
        >>> mean, spread, count = mean_spread(np.array([[0.1], [0.3], [np.nan]]))
        >>> mean.round(3), spread.round(3), count
        (array([0.2]), array([0.1]), 2)
    """
    kept = np.asarray(spectra, dtype=np.float64)
    kept = kept[np.isfinite(kept).all(axis=1)]
    if not len(kept):
        nothing = np.full(spectra.shape[1], np.nan)
        return nothing, nothing, 0
    return kept.mean(axis=0), kept.std(axis=0), len(kept)
