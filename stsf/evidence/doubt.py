"""What there is to know of the error of a pixel, beyond how far the candidates lie apart.

Numbers that mean the same in every scene; what they are worth is learnt in `stsf.confidence`.
"""

from __future__ import annotations

import torch

from stsf.evidence.candidates import CANDIDATES, CASCADE, INJECTION
from stsf.evidence.difference_image import log_of
from stsf.evidence.evidence import Evidence

NUMBERS = 2 * len(CANDIDATES) - 1 + 10 + 11  # of a pixel


def numbers_of(
    evidence: Evidence,
    chosen: torch.Tensor | slice,
    candidates: torch.Tensor,
    seen: torch.Tensor,
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
        candidates: (n, 10, K) theirs.
        seen: (n, 29) what the weighing saw of each, see `stsf.evidence.inputs.Inputs.of_pixel`.
        z1: (n, K) working coordinates of X1.
        z: (n, K) of X2.
        weights: (n, K, 10) of the candidates.
        kept: (n,) share of X1 that is kept.
        sigma: (n, L) what the weighing says of its error.
    """
    energy = evidence.coordinates.energy
    whole = (evidence.spread.square() * energy).sum()
    # how far every candidate, and X1, lies from the answer
    apart = (candidates - z[:, None]).square() @ energy  # (n, 10)
    own = [sigma.square().sum(1), apart.mean(1), apart[:, :-1].amin(1)]
    own += [apart[:, -1], apart[:, CASCADE], apart[:, INJECTION], (z - z1).square() @ energy]
    distances = log_of(torch.stack(own, 1) / whole, 1e-8) / 2
    # what the records and the difference image say, and the detail
    trust = torch.stack([kept, weights.mean(1)[:, -1]], 1)
    return torch.cat([seen, distances, trust, log_of(evidence.detail[chosen], 1e-4)], 1)


def detail_of(evidence: Evidence, chosen: torch.Tensor | slice) -> torch.Tensor:
    """(n, L) detail of M1 around each pixel in units of its spread, times that of each band."""
    return evidence.detail[chosen, :1].sqrt() * evidence.hs_spread
