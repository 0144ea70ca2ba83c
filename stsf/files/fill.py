"""Values that are no measurement, though no header says so."""

from __future__ import annotations

import numpy as np

LOWEST = -999.0  # counts or reflectance: no product stores a measurement as low as this
HIGHEST = 1e8  # above all counts of 16 bits, below the fills of floating-point products (1e20)


def without_fill(values: np.ndarray) -> np.ndarray:
    """(band, y, x) bool, True where a stored value is a fill value that nobody declared.

    -9999, -32768, 1e20 and their like, in any band, and the largest count of 16 bits (65535:
    saturated at best); and pixels that are 0 in each of at least three bands while others are not:
    the ground reflects some light in some band.

    Args:
        values: (band, y, x) as stored, before scale and offset.

    Example:
        >>> stored = np.array([[[4, 0, -9999]], [[5, 0, 7]], [[6, 0, 8]]])
        >>> without_fill(stored)[0].tolist(), without_fill(stored)[1].tolist()
        ([[False, True, True]], [[False, True, False]])
    """
    with np.errstate(invalid="ignore"):
        fill = (values <= LOWEST) | (np.abs(values) >= HIGHEST)
    if values.dtype == np.uint16:
        fill |= values == np.iinfo(np.uint16).max
    if len(values) >= 3:
        empty = (values == 0).all(axis=0)
        if not empty.all():
            fill |= empty
    return fill
