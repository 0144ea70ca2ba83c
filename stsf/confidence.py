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

from stsf.evidence.candidates import CANDIDATES, CASCADE, INJECTION
from stsf.evidence.difference_image import log_of
from stsf.evidence.evidence import Evidence
from stsf.evidence.inputs import OF_SCENE, Inputs

COUNT = len(CANDIDATES)
NUMBERS = 2 * COUNT - 1 + 10 + 11  # that it sees of a pixel
LIMIT = 3.0  # standard deviations beyond which a number says no more
UNSHARP = -4.0  # logarithm of the share of detail that is doubted, before training


class Confidence(nn.Module):
    """The error estimate of each pixel times what was learnt, and the doubt about sharpness.

    A scene does not tell how sharp each of its detectors is: what is seen in an MS image of a few
    bands may be softer in the SWIR. So a share of the detail around a pixel, one for the first HS
    detector and one for all others, is counted as error.

    Args:
        width: of the hidden layer.

    Example:
        >>> sigma, detail = torch.ones(5, 3), torch.zeros(5, 3)
        >>> Confidence()(torch.randn(5, NUMBERS), sigma, detail, torch.zeros(3).long()).shape
        torch.Size([5, 3])
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(NUMBERS, width), nn.Linear(width, 1)
        self.unsharp = nn.Parameter(torch.full((2,), UNSHARP))
        self.middle: torch.Tensor  # of the numbers, and their standard deviation
        self.scale: torch.Tensor
        self.register_buffer("middle", torch.zeros(NUMBERS))
        self.register_buffer("scale", torch.ones(NUMBERS))
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
            numbers: (..., n, `NUMBERS`), see `numbers_of`.
            sigma: (..., n, L) what the weighing says.
            detail: (..., n, L) what lies around each pixel, see `detail_of`.
            detector: (..., L) 0 for bands of the first HS detector, 1 for all others.
        """
        seen = ((numbers - self.middle) / self.scale).clamp(-LIMIT, LIMIT)
        factor = self.last(F.gelu(self.first(seen))).exp()
        doubted = self.unsharp.exp()[detector].unsqueeze(-2) * detail
        return ((factor * sigma).square() + doubted.square()).sqrt()


def numbers_of(
    evidence: Evidence,
    chosen: torch.Tensor | slice,
    given: Inputs,
    z1: torch.Tensor,
    z: torch.Tensor,
    weights: torch.Tensor,
    kept: torch.Tensor,
    sigma: torch.Tensor,
) -> torch.Tensor:
    """(n, `NUMBERS`) what there is to know of some pixels of the scene.

    Args:
        evidence: of the scene.
        chosen: which pixels.
        given: what the weighing saw of them; what is one for the scene is left out.
        z1: (n, K) working coordinates of X1.
        z: (n, K) of X2.
        weights: (n, K, 10) of the candidates.
        kept: (n,) share of X1 that is kept.
        sigma: (n, L) what the weighing says of its error.
    """
    energy = evidence.coordinates.energy
    whole = (evidence.spread.square() * energy).sum()
    # how far every candidate, and X1, lies from the answer
    apart = (given.candidates - z[:, None]).square() @ energy  # (n, 10)
    own = [sigma.square().sum(1), apart.mean(1), apart[:, :-1].amin(1)]
    own += [apart[:, -1], apart[:, CASCADE], apart[:, INJECTION], (z - z1).square() @ energy]
    distances = log_of(torch.stack(own, 1) / whole, 1e-8) / 2
    # what the records and the difference image say, and the detail
    seen = torch.cat([given.per_pixel[:, : OF_SCENE.start], given.per_pixel[:, OF_SCENE.stop :]], 1)
    trust = torch.stack([kept, weights.mean(1)[:, -1]], 1)
    return torch.cat([seen, distances, trust, log_of(evidence.detail[chosen], 1e-4)], 1)


def detail_of(evidence: Evidence, chosen: torch.Tensor | slice) -> torch.Tensor:
    """(n, L) detail of M1 around each pixel in units of its spread, times that of each band."""
    return evidence.detail[chosen, :1].sqrt() * evidence.known.y.std(0)
