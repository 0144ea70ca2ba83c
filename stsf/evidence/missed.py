"""What the regression of a scene misses from place to place.

One regression serves a whole scene, but soils, leaves and light are not the same in all of it. What
it misses at t1 all around a place, it is likely to miss there at t2.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

AROUND = 1.0  # σ of the blur, LR px
NOTHING = 0.05  # weight of "nothing is missed" against the pixels around


def missed_around(error: torch.Tensor, where: np.ndarray) -> np.ndarray:
    """The errors of a regression, blurred over the pixels where they are known.

    Args:
        error: (n, K) of the pixels that are True in `where`, row by row.
        where: (h, w) bool.

    Returns:
        (K, h, w) float32; 0 where no error is known for some pixels around.

    Example:
        >>> where = np.ones((3, 40), bool)
        >>> found = missed_around(torch.ones(120, 1), where)
        >>> bool((found > 0.9).all() and (found < 1).all())
        True
    """
    maps = np.zeros((error.shape[1], *where.shape), np.float32)
    maps[:, where] = error.T
    weight = gaussian_filter(where.astype(np.float32), AROUND, mode="constant")
    blurred = gaussian_filter(maps, AROUND, mode="constant", axes=(1, 2))
    return blurred / (weight + NOTHING)
