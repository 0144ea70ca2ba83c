"""The kit's own network as a method of the benchmark, beside all others."""

from __future__ import annotations

import numpy as np

from stsf.baselines.registry import register
from stsf.network import shipped
from stsf.scene import Scene

PAPER = "after Meng et al., IEEE TGRS 63, 2025"


@register("dcstsf", target="x1", label="DC-STSF: SSJE", reference=PAPER)
def ssje(scene: Scene) -> np.ndarray:
    """X1 by the SSJE of the shipped network."""
    return shipped().first_date(scene)


@register("dcstsf", target="x2", label="DC-STSF", reference=PAPER)
def cascade(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """The whole cascade, which makes an X1 of its own: the given one is not looked at."""
    return shipped()(scene).x2


@register("tve", target="x2", label="DC-STSF: TVE on the common X1", reference=PAPER)
def tve(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """The second half alone, on the X1 that all temporal methods are given."""
    return shipped().second_date(scene, x1).x2
