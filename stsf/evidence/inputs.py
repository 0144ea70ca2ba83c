"""What the weighing of candidates sees: numbers that mean the same in every scene.

No number belongs to a band, a basis vector or a number of bands. Pixels are rows.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from stsf.evidence.candidates import CANDIDATES, REFERENCE
from stsf.evidence.canonical import K
from stsf.evidence.difference_image import DatePairs, difference_numbers, log_of
from stsf.evidence.evidence import Evidence
from stsf.evidence.record import Record, scores_before_training

COUNT = len(CANDIDATES)
OF_SCENE = slice(2 * COUNT - 1, 4 * COUNT - 1)  # of `per_pixel`: the same for the whole scene


class Inputs(NamedTuple):
    """What the weighing takes, for n pixels; leading dimensions of any number.

    Attributes:
        candidates: (n, 10, K).
        per_pair: (n, 29, K) per candidate and coordinate; the first 9 change sign with the
            coordinate.
        per_pixel: (n, 49).
        per_coordinate: (K, 2).
        before: (n, 10) scores before training.
    """

    candidates: torch.Tensor
    per_pair: torch.Tensor
    per_pixel: torch.Tensor
    per_coordinate: torch.Tensor
    before: torch.Tensor

    @property
    def of_pixel(self) -> torch.Tensor:
        """(n, 29) of `per_pixel` what is not the same for the whole scene."""
        parts = self.per_pixel[..., : OF_SCENE.start], self.per_pixel[..., OF_SCENE.stop :]
        return torch.cat(parts, -1)


def inputs(
    evidence: Evidence,
    chosen: torch.Tensor | slice,
    candidates: torch.Tensor,
    done: Record,
    *,
    sftn: bool = True,
    difference: bool = True,
    context: bool = True,
) -> Inputs:
    """What the weighing takes, for some pixels of the scene.

    Args:
        evidence: of the scene.
        chosen: which pixels.
        candidates: (n, 10, K) theirs, the fine-tuned one last.
        done: the record of the candidates.
        sftn: False gives the fine-tuned candidate no say (for the ablation, as the next two).
        difference: False hides the difference image.
        context: False hides the 7 × 7 neighbourhood.
    """
    pairs, energy, spread = evidence.all[chosen], evidence.coordinates.energy, evidence.spread
    n, count, _ = candidates.shape
    power = spread.square() * energy  # (K,) of the scene's variance
    whole = power.sum()
    # how far each candidate lies from the rescaled X1
    apart = candidates - candidates[:, REFERENCE : REFERENCE + 1]
    apart = torch.cat([apart[:, :REFERENCE], apart[:, REFERENCE + 1 :]], 1)  # (n, 9, K)
    distance = ((apart.square() * energy).sum(2) / whole).sqrt()
    # how each did on pseudo-changes near this MS colour, and in the scene as a whole
    expected = _expected(evidence, pairs, done).reshape(n, count, K)
    risk = (expected * energy).sum(2) / whole
    scene = torch.stack([log_of((r * energy).sum(1)) for r in (done.mean, done.calm)]) / 2
    abroad = (scene - scene.amin(1, keepdim=True)).flatten().expand(n, -1)
    # what the difference image says
    numbers = _change_in_its_scene(evidence, pairs, chosen, context) * difference
    before = scores_before_training(pairs, done, energy, risk, sftn)
    scale = spread.square()
    per_pair = [
        F.softsign(2 * apart / spread),
        log_of(expected / scale, 1e-6) / 2,
        log_of(done.calm / scale, 1e-6).expand(n, -1, -1) / 2,
    ]
    return Inputs(
        candidates,
        torch.cat(per_pair, 1),
        torch.cat([log_of(distance) / 1.5, log_of(risk, 1e-6) / 2, abroad, numbers], 1),
        torch.stack([log_of(power / whole, 1e-6) / 2, evidence.explained], 1),
        before if difference else _without_difference(before),
    )


def _expected(evidence: Evidence, pairs: DatePairs, done: Record) -> torch.Tensor:
    """(n, 10·K) squared errors of the candidates on pseudo-changes near each pixel's MS colour."""
    near = evidence.regression.places(pairs.m2)
    errors = near @ done.local.flatten(1) + 0.05 * done.mean.flatten()
    return errors / (near.sum(1, keepdim=True) + 0.05)


def _without_difference(before: torch.Tensor) -> torch.Tensor:
    """All scores alike but for the veto, which no difference image takes part in."""
    scores = torch.zeros_like(before)
    scores[:, -1] = before[:, -1]
    return scores


def _change_in_its_scene(
    evidence: Evidence, pairs: DatePairs, chosen: torch.Tensor | slice, context: bool
) -> torch.Tensor:
    """(n, 10) the difference image of each pixel, alone and in the rest of the scene."""
    around = evidence.surroundings[chosen]
    near = log_of(around[:, :2], 1e-2) * context
    own = torch.cat([log_of(around[:, 2:4], 1e-2), around[:, 4:]], 1)
    return torch.cat([difference_numbers(pairs), near, own], 1)
