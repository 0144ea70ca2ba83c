"""Candidates: simple answers to "which spectrum is it at t2?", made by the scene itself.

Nothing learnt elsewhere has a say here. Every answer is in working coordinates
(`stsf.evidence.coordinates`) and agrees with M2. Pixels are rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import torch

from stsf.evidence.coordinates import Coordinates
from stsf.evidence.fourier import FourierRegression
from stsf.threads import in_parallel

CHUNK = 4096  # pixels at a time: what the caches of a laptop hold
CANDIDATES = (
    "injection", "rescaled", "regression, smooth", "regression, sharp",
    "kept detail, smooth", "kept detail, sharp", "neighbours", "polynomial",
    "cascade", "fine-tuned",
)  # fmt: skip
CASCADE = CANDIDATES.index("cascade")
TAU_CASCADE = 1.0  # width of its change weight, in band σ, as in `stsf.baselines.temporal.cascade`
KEEPING = (0, 1, 4, 5)  # those that build on the pixel's own X1


@dataclass
class DatePairs:
    """Pairs of dates in rows: a place at t1 and what the MS sees there at t2.

    Attributes:
        x1: (n, L) spectrum at t1.
        m1, m2: (n, C) MS pixels.
        brightness: (n,) the best factor from m1 to m2.
        cover: (n,) what of the difference image is no change of brightness, RMS in band σ.
        change: (n,) the difference image, RMS in band σ.
        novelty: (n,) of m2 in this scene.
        novelty_t1: (n,) of m1.
        candidates: (n, 9, K) the scene's own candidates, in working coordinates.
    """

    x1: torch.Tensor
    m1: torch.Tensor
    m2: torch.Tensor
    brightness: torch.Tensor
    cover: torch.Tensor
    change: torch.Tensor
    novelty: torch.Tensor
    novelty_t1: torch.Tensor
    candidates: torch.Tensor

    @property
    def difference(self) -> torch.Tensor:
        """(n, C) the difference image M2 - M1."""
        return self.m2 - self.m1

    def named(self) -> dict[str, torch.Tensor]:
        """All values by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def __getitem__(self, chosen: torch.Tensor | slice) -> DatePairs:
        return DatePairs(**{name: values[chosen] for name, values in self.named().items()})

    def __len__(self) -> int:
        return len(self.x1)

    @staticmethod
    def join(parts: Iterable[DatePairs]) -> DatePairs:
        """Several, one below the other."""
        named = [part.named() for part in parts]
        return DatePairs(**{key: torch.cat([n[key] for n in named]) for key in named[0]})


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
        self, x1: torch.Tensor, m1: torch.Tensor, m2: torch.Tensor, f: FourierRegression
    ) -> DatePairs:
        """Two dates in rows, their difference and the scene's candidates for the second.

        Args:
            x1: (n, L) spectra at t1.
            m1: (n, C) MS pixels at t1.
            m2: (n, C) MS pixels at t2.
            f: the scene's regression.
        """
        parts = zip(x1.split(CHUNK), m1.split(CHUNK), m2.split(CHUNK), strict=True)
        return DatePairs.join(in_parallel(lambda part: self._pair(*part, f), parts))

    def _pair(
        self, x1: torch.Tensor, m1: torch.Tensor, m2: torch.Tensor, f: FourierRegression
    ) -> DatePairs:
        brightness, cover, change = self.difference(m1, m2)
        return DatePairs(
            x1,
            m1,
            m2,
            brightness,
            cover,
            change,
            novelty=f.novelty(m2),
            novelty_t1=f.novelty(m1),
            candidates=self._candidates(x1, m1, m2, brightness[:, None], f),
        )

    def difference(self, m1: torch.Tensor, m2: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What `DatePairs` calls brightness, cover and change, (n,) each."""
        u1, u2 = m1 / self.band_spread, m2 / self.band_spread
        brightness = ((u1 * u2).sum(1) / (u1 * u1).sum(1).clamp_min(1e-9)).clamp(0.2, 5.0)
        cover = (u2 - brightness[:, None] * u1).square().mean(1).sqrt()
        return brightness, cover, (u2 - u1).square().mean(1).sqrt()

    def _candidates(
        self,
        x1: torch.Tensor,
        m1: torch.Tensor,
        m2: torch.Tensor,
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
        # lines through the most similar pixels; products of bands
        regressed += [maps.consistent(z, m2) for z in (f.near(m2), at_t2[2])]
        # the mean regression keeps the less of X1 - f(M1) the more the pixel changed
        change = ((m2 - m1) / self.band_spread).square().mean(1, keepdim=True).sqrt()
        missed = torch.exp(-change / TAU_CASCADE) * (z1 - torch.stack(at_t1).mean(0))
        cascade = maps.consistent(torch.stack(at_t2).mean(0) + missed, m2)
        return torch.stack([*kept, *regressed, cascade], 1)
