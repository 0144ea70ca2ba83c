"""SFTN, spectral fine-tuning network: revises each spectral curve, pixel by pixel.

It knows how spectra of the library hang together, learnt on simulated scenes, and the difference
image, in five numbers per pixel. It knows nothing of neighbours, and no weight of it knows a band:
it works in canonical coordinates, which mean the same for every sensor.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from stsf.evidence.candidates import REFERENCE
from stsf.evidence.canonical import K
from stsf.evidence.coordinates import Coordinates
from stsf.evidence.difference_image import DatePairs, difference_numbers

SHOWN = 7  # candidates that it sees, those that come first


class Curves(NamedTuple):
    """What the SFTN takes, in canonical coordinates; leading dimensions of any number.

    Attributes:
        features: (n, F).
        candidates: (n, 7, K).
        pull: (n, K), G (m2 - A 0).
        GR: (K, K), see `Coordinates.canonical_GR`.
    """

    features: torch.Tensor
    candidates: torch.Tensor
    pull: torch.Tensor
    GR: torch.Tensor


class Residual(nn.Module):
    """x + W₂ gelu(W₁ x)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., width) -> the same."""
        return x + self.b(F.gelu(self.a(x)))


class SpectralFineTuningNetwork(nn.Module):
    """SFTN: a mean of the scene's candidates, revised by what was learnt, consistent with M2.

    It starts from a mean weighted pixel by pixel, adds what it has learnt, and ends with an MMSE
    correction to M2. Untrained it is that correction of their plain mean.

    Args:
        width: of the hidden layers.
        difference: False hides the difference image (for the ablation).
        consistency: False leaves out the last correction (for the ablation).

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample().crop(slice(0, 20), slice(0, 20))
        >>> evidence = stsf.evidence.Evidence(scene, scene.D.upsample(scene.lrhs_t1))
        >>> curves = SpectralFineTuningNetwork(8).inputs(evidence.coordinates, evidence.all)
        >>> revised = SpectralFineTuningNetwork(8)(curves)  # untrained
        >>> mean = curves.candidates.mean(1)
        >>> bool(torch.allclose(revised, mean + curves.pull - mean @ curves.GR, atol=1e-4))
        True
    """

    def __init__(self, width: int, difference: bool = True, consistency: bool = True) -> None:
        super().__init__()
        self.difference, self.consistency = difference, consistency
        self.first = nn.Linear((SHOWN + 2) * K + 5, width)
        self.blocks = nn.Sequential(Residual(width), Residual(width))
        self.last = nn.Linear(width, K + SHOWN)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def inputs(self, maps: Coordinates, pairs: DatePairs) -> Curves:
        """What `forward` takes, for some pairs of dates of the scene with these coordinates."""
        z1 = maps.to_canonical(pairs.x1)
        work = pairs.candidates[:, :SHOWN].reshape(-1, K)
        z = maps.work_to_canonical(work).reshape(len(pairs), SHOWN, K)
        pull = (pairs.m2 - maps.canonical_to_ms.offset) @ maps.canonical_G
        others = z - z[:, REFERENCE : REFERENCE + 1]
        others[:, REFERENCE] = z[:, REFERENCE]
        numbers = difference_numbers(pairs) * self.difference
        features = torch.cat([z1, others.flatten(1), pull, numbers], 1).clamp(-8, 8)
        return Curves(features, z, pull, maps.canonical_GR)

    def forward(self, curves: Curves) -> torch.Tensor:
        """(n, K) revised canonical coordinates."""
        # what has been learnt: a weight for each candidate, and a revision
        hidden = F.gelu(self.blocks(F.gelu(self.first(curves.features))))
        out = self.last(hidden)
        trust = out[..., K:].softmax(-1)
        revised = (trust[..., None] * curves.candidates).sum(-2) + out[..., :K]
        # agree with M2
        return revised + curves.pull - revised @ curves.GR if self.consistency else revised

    def on(self, maps: Coordinates, pairs: DatePairs) -> torch.Tensor:
        """(n, K) revised curves in the scene's working coordinates."""
        return maps.canonical_to_work(self(self.inputs(maps, pairs)))
