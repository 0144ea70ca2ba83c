"""The control: a kernel regression that has seen other scenes.

No baseline of a user's (it needs training scenes), but what tells how much a network adds to plain
supervised regression. Width, damping and centres were chosen on training seeds 200-202.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from stsf.baselines.registry import register
from stsf.baselines.regressors import Predict, clipped, kernel_ridge, predict_map
from stsf.linear import pixels
from stsf.projection import inject, spectral_gain
from stsf.scene import Scene
from stsf.sensing.bands import Sensor
from stsf.sensing.subspace import Subspace, library_subspace
from stsf.world.observation import observe
from stsf.world.simulation import simulate

COORDINATES = 16
SEEDS = range(12)  # training scenes, training materials
PIXELS = 1000  # of each
LOW_RESOLUTION_SIZE = 40  # HS pixels a side of a training scene


@register("supervised-kernel", target="x2", label="Kernel ridge trained on other scenes")
def supervised_kernel(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """z2 = f(z1, m1, m2), f kernel ridge trained on simulated scenes of the training materials.

    z are library coordinates, so that f means the same in every scene; one MMSE correction to M2.
    """
    space, predict, pairs = _trained(scene.hs, scene.ms, scene.ratio)
    z1 = space.encode(x1)
    inputs = np.concatenate([z1, scene.hrms_t1, scene.hrms_t2])
    z2 = clipped(predict_map(predict, inputs), pairs)
    x2 = x1 + space.decode(z2) - space.decode(z1)
    return inject(x2, scene.hrms_t2, spectral_gain(scene), scene.R)


@lru_cache(maxsize=2)
def _trained(hs: Sensor, ms: Sensor, ratio: int) -> tuple[Subspace, Predict, np.ndarray]:
    """Fit on `PIXELS` of each of `SEEDS`, with their true X1 and X2."""
    space = library_subspace(hs, COORDINATES)
    rng = np.random.default_rng(0)
    inputs, targets = [], []
    for seed in SEEDS:
        world = simulate(seed, size=LOW_RESOLUTION_SIZE * ratio, split="train")
        other = observe(world, hs, ms, ratio, seed=seed)
        assert other.hrhs_t1 is not None and other.hrhs_t2 is not None
        z1, z2 = space.encode(other.hrhs_t1), space.encode(other.hrhs_t2)
        chosen = rng.permutation(z1[0].size)[:PIXELS]
        inputs.append(pixels(np.concatenate([z1, other.hrms_t1, other.hrms_t2]))[chosen])
        targets.append(pixels(z2)[chosen])
    z = np.concatenate(targets)
    fit = kernel_ridge(np.concatenate(inputs), z, width=6.0, damping=1e-6, centres=1000)
    return space, fit, z
