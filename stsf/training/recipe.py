"""Recipes: how many scenes and steps make a DC-STSF.

`tiny()` is for class, `full()` makes the checkpoint that comes with the kit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stsf.errors import InputError
from stsf.network import Config


@dataclass(frozen=True)
class Recipe:
    """How much of everything.

    Attributes:
        name: "tiny", "full" or one's own.
        scenes: training scenes of SSJE, SFTN and TVE; no scene serves two stages.
        steps: of each.
        size: pixels along the side of a scene, a multiple of 12 for `curriculum.draw`.
        config: of the network.
        seed: of weights and batches.
        sure: scenes on which the error estimate is taught; 0 sets but its level.
    """

    name: str
    scenes: tuple[int, int, int]
    steps: tuple[int, int, int]
    size: int = 96
    config: Config = field(default_factory=Config)
    seed: int = 0
    sure: int = 0

    def __post_init__(self) -> None:
        for label in ("scenes", "steps"):
            values = getattr(self, label)
            if len(values) != 3 or any(not isinstance(v, int) or v < 0 for v in values):
                raise InputError(
                    f"expected three whole numbers from 0 on as {label} (SSJE, SFTN, TVE), got "
                    f"{values!r}: mend the recipe"
                )
        if self.size < 24:
            raise InputError(f"expected scenes of at least 24 pixels a side, got {self.size}")


def tiny(seed: int = 0) -> Recipe:
    """For class: from nothing to a useful model in about five minutes."""
    return Recipe("tiny", scenes=(16, 48, 96), steps=(100, 600, 400), seed=seed)


def full(seed: int = 0) -> Recipe:
    """Scenes and steps of the shipped checkpoint; the SSJE alone takes a quarter of an hour."""
    return Recipe("full", scenes=(96, 480, 480), steps=(1600, 4000, 4000), seed=seed, sure=240)


def ssje(seed: int = 0) -> Recipe:
    """An SSJE alone, for lesson 04b: what it learns with and without one of its units."""
    return Recipe("ssje", scenes=(24, 0, 0), steps=(300, 0, 0), seed=seed)
