"""Candidates: simple answers to "which spectrum is it at t2?", made by the scene itself.

Nothing learnt elsewhere has a say here. Every answer is in working coordinates
(`stsf.evidence.coordinates`) and agrees with M2. Pixels are rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from stsf.evidence.coordinates import Coordinates
from stsf.evidence.difference_image import DatePairs, difference_image
from stsf.evidence.fourier import FourierRegression
from stsf.threads import in_parallel

CHUNK = 4096  # pixels at a time: what the caches of a laptop hold
CANDIDATES = (
    "injection", "rescaled", "regression, smooth", "regression, sharp",
    "kept detail, smooth", "kept detail, sharp", "neighbours",
    "regression, here", "cascade", "fine-tuned",
)  # fmt: skip
INJECTION, REFERENCE = 0, 1  # X1 kept; X1 rescaled, which all others are compared with
CASCADE = CANDIDATES.index("cascade")
TAU_CASCADE = 1.0  # width of its change weight, in band σ, as in `stsf.baselines.temporal.cascade`
KEEPING = (0, 1, 4, 5)  # those that build on the pixel's own X1


class Part(NamedTuple):
    """What candidates are made of, pixels in rows; see `Pairing`."""

    x1: torch.Tensor
    m1: torch.Tensor
    m2: torch.Tensor
    missed: torch.Tensor


@dataclass(frozen=True)
class Pairing:
    """Makes `DatePairs` of a scene: the difference image, and the candidates for t2.

    Attributes:
        coordinates: of the scene.
        band_spread: (C,) standard deviation of each MS band in the scene, the unit of changes.
    """

    coordinates: Coordinates
    band_spread: torch.Tensor

    def __call__(
        self,
        x1: torch.Tensor,
        m1: torch.Tensor,
        m2: torch.Tensor,
        missed: torch.Tensor,
        f: FourierRegression,
    ) -> DatePairs:
        """Two dates in rows, their difference and the scene's candidates for the second.

        Args:
            x1: (n, L) spectra at t1.
            m1: (n, C) MS pixels at t1.
            m2: (n, C) MS pixels at t2.
            missed: (n, K) what `f` misses around each place, see `stsf.evidence.missed`.
            f: the scene's regression.
        """
        n = CHUNK
        parts = map(Part, x1.split(n), m1.split(n), m2.split(n), missed.split(n))
        made = in_parallel(lambda part: self._between(part, f), parts)
        return DatePairs(x1, m1, m2, missed, *map(torch.cat, zip(*made, strict=True)))

    def _between(self, part: Part, f: FourierRegression) -> tuple[torch.Tensor, ...]:
        """Difference image, novelty of both dates and candidates, in the order of `DatePairs`."""
        x1, m1, m2, missed = part
        difference = difference_image(m1, m2, self.band_spread)
        brightness = difference.brightness[:, None]
        candidates = self._candidates(x1, m1, m2, missed, brightness, f)
        return *difference, f.novelty(m2), f.novelty(m1), candidates

    def _candidates(
        self,
        x1: torch.Tensor,
        m1: torch.Tensor,
        m2: torch.Tensor,
        missed: torch.Tensor,
        brightness: torch.Tensor,
        f: FourierRegression,
    ) -> torch.Tensor:
        """(n, 9, K), in the order of `CANDIDATES`, each consistent with M2."""
        maps = self.coordinates
        z1, rx = maps.encode(x1), x1 @ maps.R
        # X1 kept, and X1 as bright as M2 says
        rescaled = brightness * (z1 - maps.encode.offset) + maps.encode.offset
        kept = [z1 + (m2 - rx) @ maps.G_z, rescaled + (m2 - brightness * rx) @ maps.G_z]
        # the regression of M2, smooth and sharp; and with what X1 has beyond that of M1
        at_t1, at_t2 = f(m1), f(m2)
        regressed = [maps.consistent(z, m2) for z in at_t2[:2]]
        regressed += [maps.consistent(b + z1 - c, m2) for b, c in zip(at_t2[:2], at_t1[:2])]
        # lines through the most similar pixels; the smooth one with what it misses around here
        regressed += [maps.consistent(z, m2) for z in (f.near(m2), at_t2[0] + missed)]
        # the mean regression keeps the less of X1 - f(M1) the more the pixel changed
        change = ((m2 - m1) / self.band_spread).square().mean(1, keepdim=True).sqrt()
        own = torch.exp(-change / TAU_CASCADE) * (z1 - torch.stack(at_t1).mean(0))
        cascade = maps.consistent(torch.stack(at_t2).mean(0) + own, m2)
        return torch.stack([*kept, *regressed, cascade], 1)
