"""The difference image M2 - M1: the one measurement of what has changed, in a few numbers a pixel.

Changes are told in units of each band's spread in the scene, so that the numbers mean the same for
every sensor. A change of brightness (another sun, a shadow) is told apart from one of the cover:
of all factors b, one brings b M1 nearest to M2, and what M2 differs from that is cover.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch


class Difference(NamedTuple):
    """The difference image of n pixels, (n,) each.

    Attributes:
        brightness: the best factor from m1 to m2.
        cover: what of the difference image is no change of brightness, RMS in band spreads.
        change: all of the difference image, RMS in band spreads.
    """

    brightness: torch.Tensor
    cover: torch.Tensor
    change: torch.Tensor


def difference_image(m1: torch.Tensor, m2: torch.Tensor, spread: torch.Tensor) -> Difference:
    """What the MS pixels of two dates say of the change between them.

    Args:
        m1: (n, C) MS pixels at t1.
        m2: (n, C) MS pixels at t2.
        spread: (C,) standard deviation of each MS band in the scene.

    Example:
        >>> m1 = torch.tensor([[0.1, 0.2], [0.1, 0.2]])
        >>> m2 = torch.tensor([[0.2, 0.4], [0.2, 0.1]])  # twice as bright; another cover
        >>> torch.stack(difference_image(m1, m2, spread=torch.ones(2))).numpy().round(2)
        array([[2.  , 0.8 ],
               [0.  , 0.09],
               [0.16, 0.1 ]], dtype=float32)
    """
    u1, u2 = m1 / spread, m2 / spread
    brightness = ((u1 * u2).sum(1) / (u1 * u1).sum(1).clamp_min(1e-9)).clamp(0.2, 5.0)
    cover = (u2 - brightness[:, None] * u1).square().mean(1).sqrt()
    return Difference(brightness, cover, (u2 - u1).square().mean(1).sqrt())


@dataclass
class DatePairs:
    """Pairs of dates in rows: a place at t1 and what the MS sees there at t2.

    Attributes:
        x1: (n, L) spectrum at t1.
        m1, m2: (n, C) MS pixels.
        missed: (n, K) what the scene's regression misses around each place at t1.
        brightness, cover, change: (n,) the difference image, see `Difference`.
        novelty: (n,) of m2 in this scene.
        novelty_t1: (n,) of m1.
        candidates: (n, 9, K) the scene's own candidates, in working coordinates.
    """

    x1: torch.Tensor
    m1: torch.Tensor
    m2: torch.Tensor
    missed: torch.Tensor
    brightness: torch.Tensor
    cover: torch.Tensor
    change: torch.Tensor
    novelty: torch.Tensor
    novelty_t1: torch.Tensor
    candidates: torch.Tensor

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


def log_of(values: torch.Tensor, least: float = 1e-3) -> torch.Tensor:
    """Half the natural logarithm: about -3.5 to 1 for what is measured in units of its spread."""
    return values.clamp_min(least).log() / 2


def difference_numbers(pairs: DatePairs) -> torch.Tensor:
    """(n, 5) what a network sees of it: brightness, cover, change, novelty at t2 and t1."""
    named = [pairs.brightness.log(), log_of(pairs.cover), log_of(pairs.change)]
    return torch.stack([*named, log_of(pairs.novelty), log_of(pairs.novelty_t1)], 1)
