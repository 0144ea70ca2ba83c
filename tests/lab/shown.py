"""What a lesson runs on, for the claims that are held against it (`claims_*.py`)."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from stsf.lab.lessons import lesson06
from stsf.network import DCSTSF
from stsf.scene import Scene


class Shown(NamedTuple):
    """What a lesson runs on."""

    scene: Scene
    network: DCSTSF


Claim = Callable[[Shown], bool]


@cache
def fused(shown: Shown):
    return shown.network(shown.scene)


@cache
def found(shown: Shown):
    return shown.network.second_date(shown.scene, fused(shown).x1, return_steps=True)


@cache
def canvas(shown: Shown) -> lesson06.Canvas:
    return lesson06.Canvas(
        shown.scene, shown.network, fused(shown).x1, (slice(36, 96), slice(24, 84))
    )


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def broken(claims: tuple[Claim, ...], shown: Shown) -> list[str]:
    """Names of the claims that do not hold."""
    return [claim.__name__ for claim in claims if not claim(shown)]
