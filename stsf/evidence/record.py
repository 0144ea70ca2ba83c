"""The record of every candidate: how it did where the scene knows the right answer.

From it follow the scores that the weighing starts from, and the veto against a learnt answer that
comes from another world.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from stsf.evidence.candidates import INJECTION
from stsf.evidence.difference_image import DatePairs
from stsf.evidence.fourier import FourierRegression
from stsf.evidence.pseudo_changes import PseudoChanges, Tests

BELIEVED = 5.0  # dB by which the fine-tuned candidate may err more than the best other one; set on
STRICT = 5.0  # training seeds 500-504 of every kind, as this: score lost per dB beyond that
TAU_COVER, LEAST = 0.1, 0.02  # of the weights before training

Answers = Callable[[DatePairs], torch.Tensor]  # (n, candidates, K) of all candidates


class Record(NamedTuple):
    """How every candidate did on the pseudo-changes of a scene: squared errors.

    Attributes:
        mean: (candidates, K) of changes to spectra that the scene knows.
        local: (places, candidates, K) the same near each place of the MS space.
        calm: (candidates, K) where hardly anything changes.
    """

    mean: torch.Tensor
    local: torch.Tensor
    calm: torch.Tensor


def record(tests: Tests, regression: FourierRegression, answers: Answers) -> Record:
    """Put all candidates to the tests of the scene.

    Args:
        tests: of the scene.
        regression: of the scene, for the places in its MS space.
        answers: gives all candidates for some pairs of dates.
    """
    error = _errors(answers, tests.to_known)
    mean = error.mean(0)
    near = regression.places(tests.to_known.pairs.m2)  # (n, P)
    total = near.sum(0)[:, None, None]
    local = torch.einsum("np,njk->pjk", near, error)
    calm = _errors(answers, tests.calm).mean(0)
    return Record(mean, (local + 4 * mean) / (total + 4), calm)


def _errors(answers: Answers, asked: PseudoChanges) -> torch.Tensor:
    """(n, candidates, K) squared errors; no single pixel decides."""
    error = (answers(asked.pairs) - asked.answers[:, None]).square()
    return torch.minimum(error, 50 * error.mean(0))


def veto(done: Record, energy: torch.Tensor) -> torch.Tensor:
    """What is taken from the score of the fine-tuned candidate, 0 where it may be believed.

    A learnt answer that errs more than the best scene-made one, on the mean (in dB) of both
    kinds of pseudo-changes, comes from another world: to spectra that the scene knows, and of
    ground that hardly changes.

    Args:
        done: the record.
        energy: (K,) of the coordinates.
    """
    risks = torch.stack([done.mean, done.calm]) * energy
    total = risks.sum(2)  # (2, candidates)
    behind = 10 * torch.log10(total[:, -1] / total[:, :-1].min(1).values)
    return STRICT * F.relu(behind.mean() - BELIEVED)


def scores_before_training(
    pairs: DatePairs, done: Record, energy: torch.Tensor, risk: torch.Tensor, sftn: bool
) -> torch.Tensor:
    """(n, candidates) scores that the weighing starts from.

    One half goes to the fine-tuned candidate, as far as it may be believed (`veto`). The other
    is shared out as in the classical blend (`stsf.baselines.temporal.blend`): to the injection
    where the cover stayed, exp(-cover / 0.1); else to all, in inverse proportion to their
    squared errors on pseudo-changes (geometric mean of those near this pixel and of all).

    Args:
        pairs: n pixels of the scene.
        done: the record.
        energy: (K,) of the coordinates.
        risk: (n, candidates) squared errors expected from pseudo-changes near each pixel.
        sftn: False gives the fine-tuned candidate no say (for the ablation).
    """
    same = torch.exp(-pairs.cover / TAU_COVER)
    everywhere = (done.mean * energy).sum(1)
    worth = (risk.clamp_min(1e-6) * everywhere.clamp_min(1e-9))[:, :-1].rsqrt()
    shares = (1 - same)[:, None] * worth / worth.sum(1, keepdim=True) + LEAST
    shares[:, INJECTION] += same
    scores = torch.cat([shares, torch.ones_like(shares[:, :1])], 1).log()
    scores[:, -1] -= veto(done, energy) if sftn else 1e4
    return scores
