"""Self-checks of lesson 07: each says what is right, or names the likely mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from stsf.errors import InputError
from stsf.lab.lessons.exercises import OPEN, exercise, is_number
from stsf.lab.lessons.lesson07.live_loss import LiveLoss
from stsf.metrics.figures import psnr
from stsf.network import DCSTSF
from stsf.scene import Scene
from stsf.training.recipe import Recipe
from stsf.training.run import train

STEPS, RATE = 200, 4e-3
MOST_SCENES, MOST_STEPS = 40, 300  # less than a minute with one thread
FALLS, RISES = 0.2, 1.0  # dB: X1 may lose so much, X2 has to gain so much


@exercise("a")
def rate_at(answer: Callable[[int, int, float], float]) -> str:
    """Lesson 07: the learning rate of a step: a tenth of the way up, then down a cosine to 2 %."""
    at = np.array([0, 9, 19, 60, 100, 150, 199])
    warm = np.minimum(1.0, 10 * (at + 1) / STEPS)
    cosine = 0.51 + 0.49 * np.cos(np.pi * at / STEPS)
    try:
        given = [answer(int(step), STEPS, RATE) for step in at]
        if any(rate is ... for rate in given):
            return OPEN
        rates = np.array([float(rate) for rate in given]) / RATE
    except TypeError as error:
        return f"Not yet: rate_at(step, steps, rate) must return one number ({error})."
    except Exception as error:  # whatever a reader's function may stumble over
        return f"Not yet: your function stopped with {type(error).__name__}: {error}."

    def like(values: np.ndarray) -> bool:
        return bool(np.allclose(rates, values, rtol=0.03, atol=0.005))

    if like(warm * cosine):
        return f"Right: up to {100 * rates.max():.0f} % of the rate, and down to {rates[-1]:.0%}."
    if like(cosine):
        return "Not yet: the first tenth of the steps should rise from almost nothing."
    if like(warm):
        return "Not yet: it rises and stays; after the warm-up it should fall along the cosine."
    if like(np.ones(len(at))):
        return "Not yet: that is the same rate in every step."
    if like(warm * cosine / RATE) or like(warm * cosine * RATE):
        return "Not yet: the shape is right; multiply by `rate` once."
    if like(warm * (0.5 + 0.5 * np.cos(np.pi * at / STEPS))):
        return "Not yet: that falls to 0, and the last steps teach nothing; end at 2 % of the rate."
    if like(warm * np.cos(np.pi * at / STEPS)):
        return "Not yet: a plain cosine turns negative half way; use 0.51 + 0.49 cos."
    return "Not yet: min(1, 10 (step + 1) / steps) times (0.51 + 0.49 cos(π step / steps))?"


@exercise("b")
def share_drawn(answer: float, scene: Scene) -> str:
    """Lesson 07: expected share of changed pixels in a sample where they are twice as likely."""
    kinds = scene.true_change()
    p = float((kinds > 0).mean())
    if not is_number(answer):
        return f"Not yet: one share from 0 to 1 is wanted, not {answer!r}."
    if abs(answer - 2 * p / (1 + p)) < 0.002:
        return f"Right: {p:.0%} of the pixels changed, {answer:.0%} of the sample."
    if abs(answer - p) < 0.002:
        return "Not yet: that is their share in the scene, as if all were equally likely."
    if abs(answer - 2 * p) < 0.002:
        return "Not yet: nearly; but the weights must add up to 1, so divide by 2 p + (1 - p)."
    if abs(answer - 2 * p / (1 - p)) < 0.002:
        return "Not yet: that is changed against unchanged; a share is changed of *all*."
    if abs(answer - 200 * p / (1 + p)) < 1:
        return "Not yet: that is in per cent; a share from 0 to 1 is wanted."
    return "Not yet: changed pixels weigh 2, the others 1; what share of all weight is changed?"


@exercise("c")
def own_recipe(mine: Mapping[str, tuple[int, int, int]], scene: Scene) -> str:
    """Lesson 07: train by a recipe, and compare with the untrained network on another scene."""
    try:
        recipe = Recipe("mine", scenes=mine["scenes"], steps=mine["steps"], size=48)
    except (InputError, TypeError, KeyError) as error:
        return (
            f"Not yet: a dict with 'scenes' and 'steps', three numbers each, is wanted ({error})."
        )
    if sum(recipe.scenes) > MOST_SCENES or sum(recipe.steps) > MOST_STEPS:
        return (
            f"Not yet: {sum(recipe.scenes)} scenes and {sum(recipe.steps)} steps; at most "
            f"{MOST_SCENES} and {MOST_STEPS}, or it takes longer than a minute."
        )
    with LiveLoss() as live:
        trained = train(recipe, callback=live, validation=())
    x1, x2 = np.subtract(_figures(trained, scene), _figures(DCSTSF(recipe.config).eval(), scene))
    told = f"X1 {x1:+.1f} dB, X2 {x2:+.1f} dB against the untrained network"
    ssje, sftn, _ = zip(recipe.scenes, recipe.steps)
    if x1 < -FALLS:
        return (
            f"Not yet: {told}. The SSJE learnt from {ssje[0]} scenes in {ssje[1]} steps what is "
            "right for these; what if it learns nothing?"
        )
    if x2 < RISES:
        if 0 < sftn[0] < 16:
            return f"Not yet: {told}. {sftn[0]} scenes are few for the SFTN; more, or none at all?"
        if sftn[1] > 200:
            return f"Not yet: {told}. The SFTN learns its scenes by heart: fewer steps."
        return f"Not yet: {told}. Give scenes and steps to the stages of the second half."
    return f"Right: X1 is not harmed, and X2 gains {x2:.0f} dB, with {sum(recipe.scenes)} scenes."


def _figures(network: DCSTSF, scene: Scene) -> tuple[float, float]:
    """PSNR of X1 and X2."""
    estimate = network(scene)
    return psnr(estimate.x1, scene.truth(1)), psnr(estimate.x2, scene.truth(2))


@exercise("d")
def regained(answer: float, trained: DCSTSF, untrained: DCSTSF, scene: Scene) -> str:
    """Lesson 07: what X2 of the trained second half gains from the untrained X1, in dB."""
    try:
        answer = float(answer)
    except (TypeError, ValueError):
        return f"Not yet: one number in dB is wanted, not {answer!r}."
    truth, x1 = scene.truth(2), untrained.first_date(scene)
    own = psnr(trained.second_date(scene, trained.first_date(scene)).x2, truth)
    given = psnr(trained.second_date(scene, x1).x2, truth)
    plain = psnr(untrained.second_date(scene, x1).x2, truth)
    known = {
        own - given: "the other way round: what it has now, less what it had",
        given: "that is the PSNR itself; subtract the one of the table",
        plain - own: "that is the untrained second half; take `trained.second_date`",
        given - plain: "that is the gain over the untrained network; subtract the table's PSNR X2",
    }
    if abs(answer - (given - own)) < 0.02:
        return f"Right: X2 gains {answer:.1f} dB from a better X1, with the same second half."
    for value, words in known.items():
        if abs(answer - value) < 0.02:
            return f"Not yet: {words}."
    return "Not yet: PSNR of X2 from the untrained X1, less PSNR of X2 from the network's own."
