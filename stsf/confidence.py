"""How sure: from the disagreement of the candidates to a standard error that ranks and holds.

The weighing knows how far its candidates lie apart. How far they are wrong together depends on
more: how much the pixel changed, how new it is to the scene, what the records say of its colour,
and how much detail lies around it, which no estimate of X1 has quite right. Taught on scenes that
the weighing has not seen.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

LIMIT = 3.0  # standard deviations beyond which a number says no more
UNSHARP = -4.0  # logarithm of the share of detail that is doubted, before training


class Confidence(nn.Module):
    """The error estimate of each pixel times what was learnt, and the doubt about sharpness.

    A scene does not tell how sharp each of its detectors is: what is seen in an MS image of a few
    bands may be softer in the SWIR. So a share of the detail around a pixel, one for the first HS
    detector and one for all others, is counted as error.

    Args:
        count: of numbers that it sees of a pixel.
        width: of the hidden layer.

    Example:
        >>> sigma, detail = torch.ones(5, 3), torch.zeros(5, 3)
        >>> Confidence(40)(torch.randn(5, 40), sigma, detail, torch.zeros(3).long()).shape
        torch.Size([5, 3])
    """

    def __init__(self, count: int, width: int = 16) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(count, width), nn.Linear(width, 1)
        self.unsharp = nn.Parameter(torch.full((2,), UNSHARP))
        self.middle: torch.Tensor  # of the numbers, and their standard deviation
        self.scale: torch.Tensor
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(
        self,
        numbers: torch.Tensor,
        sigma: torch.Tensor,
        detail: torch.Tensor,
        detector: torch.Tensor,
    ) -> torch.Tensor:
        """(..., n, L) standard error; leading dimensions of any number.

        Args:
            numbers: (..., n, count), see `stsf.evidence.doubt`.
            sigma: (..., n, L) what the weighing says.
            detail: (..., n, L) what lies around each pixel, see `stsf.evidence.doubt`.
            detector: (..., L) 0 for bands of the first HS detector, 1 for all others.
        """
        seen = ((numbers - self.middle) / self.scale).clamp(-LIMIT, LIMIT)
        factor = self.last(F.gelu(self.first(seen))).exp()
        doubted = self.unsharp.exp()[detector].unsqueeze(-2) * detail
        return ((factor * sigma).square() + doubted.square()).sqrt()
