"""How the error estimate is taught: to rank errors, and to hold nine in ten of them everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from stsf.confidence import Confidence
from stsf.evidence.doubt import detail_of
from stsf.evidence.evidence import Evidence
from stsf.linear import pixels, rows
from stsf.training.loops import Callback, Samples, loop, some_pixels
from stsf.tve import Z90, TemporalVariationEstimator

SHOWN, STEPS = 32, 2000  # bands per scene; steps
WIDTH, LEVEL = 0.05, 2.0  # weights of the interval score, and of each scene's share that holds
EDGE = 0.15  # how sharply an error counts as held, logarithm


class SureSample(NamedTuple):
    """What the error estimate is taught on, for some pixels of a scene and some of its bands.

    Attributes:
        numbers, sigma, detail, detector: see `stsf.confidence.Confidence`.
        truth: (n, b) absolute errors.
        changed: (n,) True where the ground changed.
        usual: (1,) mean of sigma in the scene.
    """

    numbers: torch.Tensor
    sigma: torch.Tensor
    detail: torch.Tensor
    detector: torch.Tensor
    truth: torch.Tensor
    changed: torch.Tensor
    usual: torch.Tensor

    @property
    def one_a_scene(self) -> tuple[str, ...]:
        """Entries that are the same for all pixels; the first axis of all others counts pixels."""
        return ("detector", "usual")


@torch.no_grad()
def sure_sample(
    evidence: Evidence, tve: TemporalVariationEstimator, seed: int, count: int = 1000
) -> SureSample:
    """What an untaught `Confidence` is given, and the errors."""
    scene = evidence.scene
    chosen = some_pixels(scene, count, seed)
    bands = torch.as_tensor(np.random.default_rng(seed).choice(len(scene.hs), SHOWN))
    said = tve.estimate(evidence, chosen, tve.record(evidence))
    error = (said.x2 - rows(pixels(scene.truth(2)))[chosen]).abs()
    changed = torch.as_tensor(scene.true_change().ravel() > 0)[chosen]
    return SureSample(
        said.numbers, said.untaught[:, bands], detail_of(evidence, chosen)[:, bands],
        evidence.detector[bands], error[:, bands], changed, said.untaught.mean()[None],
    )  # fmt: skip


def sure_loss(confidence: Confidence, batch: SureSample) -> torch.Tensor:
    """Quantile loss of 90 %, interval score, and how far each scene is from 90 %."""
    sigma = confidence(batch.numbers, batch.sigma, batch.detail, batch.detector)
    beyond = (batch.truth / sigma + 1e-3).log() - np.log(Z90)
    quantile = torch.where(beyond > 0, 0.9 * beyond, -0.1 * beyond).mean()
    # the interval score, every scene in units of its own error
    half = Z90 * sigma
    interval = (half + 10 * F.relu(batch.truth - half)).mean((-2, -1)) / batch.usual[..., 0]
    # changed and unchanged ground of every scene for itself
    held = torch.sigmoid(-beyond / EDGE).mean(-1)  # (scenes, n)
    level = torch.zeros(())
    for mask in (batch.changed, ~batch.changed):
        share = (held * mask).sum(-1) / mask.sum(-1).clamp_min(1)
        level = level + ((share - 0.9).square() * (mask.sum(-1) > 8)).mean()
    return quantile + WIDTH * interval.clamp_max(50).mean() + LEVEL * level


def teach(
    confidence: Confidence,
    samples: Iterable[SureSample],
    seed: int,
    callback: Callback,
    steps: int = STEPS,
) -> None:
    """Train a `Confidence` in place.

    Args:
        confidence: untaught.
        samples: of scenes that nothing else was trained on.
        seed: of the batches.
        callback: told after every step.
        steps: how many.
    """
    kept = Samples(samples)
    numbers = kept.all.numbers.flatten(0, 1)
    confidence.middle.copy_(numbers.mean(0))
    confidence.scale.copy_(numbers.std(0) + 1e-3)
    loop(
        confidence, lambda draw: sure_loss(confidence, kept.batch(draw, 8, 128)), steps,
        stage="sigma", rate=5e-3, seed=seed, callback=callback,
    )  # fmt: skip
