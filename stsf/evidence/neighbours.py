"""From an MS pixel to a spectrum: a straight line through the most similar pixels of the scene."""

from __future__ import annotations

import torch
from scipy.spatial import KDTree

NEIGHBOURS = 32
RIDGE = 0.03  # on the slopes, in units of the neighbours' variance: near a plane, near the mean
BEYOND = 0.25  # of the range of the pairs: how far a line may go on


class NeighbourRegression:
    """A weighted linear fit to the nearest pairs of each pixel.

    Cleveland, "Robust locally weighted regression and smoothing scatterplots", JASA 74, 1979. Where
    kinds of ground lie close together in the MS space, it tells apart what cosines blur.

    Args:
        m: (n, C) MS pixels.
        z: (n, K) working coordinates.

    Example:
        >>> m = torch.rand(500, 2)
        >>> z = m @ torch.tensor([[1.0], [2.0]])
        >>> bool((NeighbourRegression(m, z)(m) - z).abs().mean() < 0.02)
        True
    """

    def __init__(self, m: torch.Tensor, z: torch.Tensor) -> None:
        self._spread = m.std(0) + 1e-6
        self._m, self._z = m / self._spread, z
        self._tree = KDTree(self._m.numpy(), leafsize=16)
        low, high = z.min(0).values, z.max(0).values
        self._low, self._high = low - BEYOND * (high - low), high + BEYOND * (high - low)

    def __call__(self, m: torch.Tensor) -> torch.Tensor:
        """(n, C) -> (n, K)."""
        new = m / self._spread
        count = min(NEIGHBOURS, len(self._m))
        distance, index = self._tree.query(new.numpy(), k=range(1, count + 1))
        # the nearer, the more a pair has to say (tricube)
        far = torch.as_tensor(distance, dtype=torch.float32)
        w = (1 - (far / (1.01 * far[:, -1:] + 1e-9)).clamp_max(1) ** 3) ** 3
        w = (w / w.sum(1, keepdim=True)).unsqueeze(1)  # (n, 1, count)
        # their weighted mean, and their slopes
        near, z = self._m[index], self._z[index]  # (n, count, C), (n, count, K)
        centre, level = w @ near, w @ z
        offset = near - centre
        weighted = offset.transpose(1, 2) * w  # (n, C, count)
        gram = weighted @ offset
        ridge = RIDGE * gram.diagonal(dim1=1, dim2=2).mean(1) + 1e-6
        gram = gram + ridge[:, None, None] * torch.eye(gram.shape[-1])
        slope = torch.linalg.solve(gram, weighted @ (z - level))  # (n, C, K)
        answer = level + (new.unsqueeze(1) - centre) @ slope
        return answer[:, 0].clamp(self._low, self._high)
