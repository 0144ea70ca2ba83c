"""Self-checks of lesson 07: each says what is right, or names the likely mistake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stsf.lab.lessons.exercises import exercise
from stsf.scene import Scene

STEPS, RATE = 200, 4e-3


@exercise("a")
def rate_at(answer: Callable[[int, int, float], float]) -> str:
    """Lesson 07: the learning rate of a step: a tenth of the way up, then down a cosine to 2 %."""
    at = np.array([0, 9, 19, 60, 100, 150, 199])
    warm = np.minimum(1.0, 10 * (at + 1) / STEPS)
    cosine = 0.51 + 0.49 * np.cos(np.pi * at / STEPS)
    try:
        found = np.array([float(answer(int(step), STEPS, RATE)) for step in at]) / RATE
    except TypeError as error:
        return f"Not yet: rate_at(step, steps, rate) must return one number ({error})."

    def like(values: np.ndarray) -> bool:
        return bool(np.allclose(found, values, rtol=0.03, atol=0.005))

    if like(warm * cosine):
        return f"Right: up to {100 * found.max():.0f} % of the rate, and down to {found[-1]:.0%}."
    if like(cosine):
        return "Not yet: the first tenth of the steps should rise from almost nothing."
    if like(warm):
        return "Not yet: it rises and stays; after the warm-up it should fall along the cosine."
    if like(np.ones(len(at))):
        return "Not yet: that is the same rate in every step."
    if like(warm * cosine / RATE) or like(warm * cosine * RATE):
        return "Not yet: the shape is right; multiply by `rate` once."
    if like(warm * np.cos(np.pi * at / STEPS)):
        return "Not yet: a plain cosine turns negative half way; use 0.51 + 0.49 cos."
    return "Not yet: min(1, 10 (step + 1) / steps) times (0.51 + 0.49 cos(π step / steps))?"


@exercise("b")
def share_drawn(answer: float, scene: Scene) -> str:
    """Lesson 07: expected share of changed pixels in a sample where they are twice as likely."""
    kinds = scene.true_change()
    p = float((kinds > 0).mean())
    if not np.isscalar(answer) or isinstance(answer, str):
        return f"Not yet: one share from 0 to 1 is wanted, not {answer!r}."
    if abs(answer - 2 * p / (1 + p)) < 0.002:
        return f"Right: {p:.0%} of the pixels changed, {answer:.0%} of the sample."
    if abs(answer - p) < 0.002:
        return "Not yet: that is their share in the scene, as if all were equally likely."
    if abs(answer - 2 * p) < 0.002:
        return "Not yet: nearly; but the weights must add up to 1, so divide by 2 p + (1 - p)."
    if abs(answer - 200 * p / (1 + p)) < 0.2:
        return "Not yet: that is in per cent; a share from 0 to 1 is wanted."
    return "Not yet: changed pixels weigh 2, the others 1; what share of all weight is changed?"
