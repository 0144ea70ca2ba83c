"""Zero-shot: a TVE trained from nothing on the user's own three images, one level down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from stsf.degradation import Psf, SpatialDegradation
from stsf.errors import InputError
from stsf.network import DCSTSF, Config
from stsf.scene import KINDS, Scene
from stsf.training.loops import Callback
from stsf.training.recipe import Recipe
from stsf.training.run import train
from stsf.world.strange import exchange

STEP_DOWN = 2  # ratio one level down
ZERO_SHOT = Recipe(
    "zero-shot", scenes=(0, 0, 16), steps=(0, 0, 200), size=60, config=Config(without=("sftn",))
)


def adapt(scene: Scene, *, seed: int = 0, callback: Callback = lambda progress: None) -> DCSTSF:
    """Zero-shot: a TVE trained from nothing on the user's own three images.

    One level down, Y1 is the truth that D M1 and D Y1 are made from; patches of it are exchanged
    and the light is changed to give a second date (`one_level_down`). The SSJE stays untrained,
    which is the classical estimate: one level down it learns the sharpness of the wrong scale.
    The SFTN stays out too: one scene is no library.

    Args:
        scene: the observations, registered and calibrated; at least 20 HS pixels a side.
        seed: of weights, patches and batches.
        callback: see `train`.

    Raises:
        InputError: a scene that is too small.
    """
    side = min(scene.lrhs_t1.shape[1:]) // STEP_DOWN * STEP_DOWN
    if side < 20:
        raise InputError(
            f"expected at least 20 HS pixels a side to learn from, got {scene.lrhs_t1.shape[1]} x "
            f"{scene.lrhs_t1.shape[2]}: take a larger scene, or the trained network"
        )
    recipe = replace(ZERO_SHOT, size=max(side, 24), seed=seed)
    return train(
        recipe, callback=callback, scene=lambda at, *_: one_level_down(scene, at), validation=[90]
    )


def one_level_down(scene: Scene, seed: int) -> Scene:
    """A training scene with truth made of Y1 and D M1, and of patches exchanged between them.

    The ratio is 2 whatever the scene's, so that as many pixels as possible are left.
    """
    rng = np.random.default_rng(seed)
    height, width = (n // STEP_DOWN * STEP_DOWN for n in scene.lrhs_t1.shape[1:])
    # Y1 takes the place of X1
    x1 = scene.lrhs_t1[:, :height, :width]
    m1 = scene.D_ms.A(scene.hrms_t1)[:, :height, :width]
    # the second date: parts of the scene exchanged, under other light
    patch, source, light = exchange(rng, (height, width), smooth=rng.uniform(1.5, 4))
    power = rng.uniform(-0.03, 0.03)

    def second(cube: np.ndarray, centre: np.ndarray) -> np.ndarray:
        tilt = (centre / 1000.0)[:, None] ** power
        return (cube.reshape(len(cube), -1)[:, source] * light * tilt).reshape(cube.shape)

    noise = rng.standard_normal(m1.shape) * scene.noise_ms[:, None, None]
    # seen as coarsely again
    psf = [
        Psf(p.sigma_y * STEP_DOWN / scene.ratio, p.sigma_x * STEP_DOWN / scene.ratio)
        for p in scene.psf
    ]
    below = SpatialDegradation((height, width), STEP_DOWN, psf, scene.hs.detector)
    y1, m2, x2 = below.A(x1), second(m1, scene.ms.centre) + noise, second(x1, scene.hs.centre)
    y1, m1, m2, x1, x2 = (np.asarray(cube, np.float32) for cube in (y1, m1, m2, x1, x2))
    change = patch.astype(np.uint8) * KINDS.index("construction")
    more: dict[str, Any] = {"psf": tuple(psf), "snr_hs": scene.snr_hs, "snr_ms": scene.snr_ms}
    return Scene(y1, m1, m2, scene.hs, scene.ms, hrhs_t1=x1, hrhs_t2=x2, change=change, **more)
