"""TVE, temporal variation estimation: from the spectrum at t1 to the spectrum at t2.

The estimator weighs the fine-tuned curve (`stsf.sftn`) against the answers that the scene itself
suggests (`stsf.evidence`), with the difference image M2 - M1 and the pseudo-changes of this scene
telling it what has changed and whom to trust. It works on single pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from stsf.confidence import Confidence
from stsf.evidence.candidates import CANDIDATES, CASCADE, CHUNK, KEEPING, TAU_CASCADE
from stsf.evidence.coordinates import Coordinates
from stsf.evidence.difference_image import DatePairs
from stsf.evidence.doubt import NUMBERS, detail_of, numbers_of
from stsf.evidence.evidence import Evidence
from stsf.evidence.inputs import Inputs, inputs
from stsf.evidence.record import Record, record
from stsf.sftn import SpectralFineTuningNetwork
from stsf.threads import in_parallel

Z90 = 1.645  # half-width of a normal distribution's 90 % interval, in σ
ENOUGH = 576  # LR pixels of the smallest training scene; with fewer, less of what was learnt


class Weighed(NamedTuple):
    """The mixture of candidates; leading dimensions of any number.

    Attributes:
        z: (n, K) the mixture.
        weights: (n, K, 10) of the candidates, shares.
        doubt: (n, K) log of the error beyond what the disagreement of the candidates suggests.
    """

    z: torch.Tensor
    weights: torch.Tensor
    doubt: torch.Tensor


class Answer(NamedTuple):
    """What the TVE says, and how it came about; pixels in rows.

    Attributes:
        x2: (n, L).
        sigma: (n, L), ±1.645 σ meant to cover 90 %.
        candidates: (n, 10, K) in working coordinates.
        weights: (n, K, 10) of the candidates.
        kept: (n,) the share of the answer that builds on the pixel's own X1: 1 where nothing
            changed.
        untaught: (n, L) what the weighing alone says of sigma.
        numbers: (n, F) what `stsf.confidence` makes sigma of it with.
    """

    x2: torch.Tensor
    sigma: torch.Tensor
    candidates: torch.Tensor
    weights: torch.Tensor
    kept: torch.Tensor
    untaught: torch.Tensor
    numbers: torch.Tensor


class TemporalVariationEstimator(nn.Module):
    """TVE: weighs the candidates, the fine-tuned one among them, and says how sure it is.

    For every pixel and every working coordinate a small network, the same for all, sees how far
    the candidates lie apart, how each did on this scene's pseudo-changes near that MS colour, and
    what the difference image says; a softmax turns its scores into weights. No weight belongs to a
    band, a basis vector or a number of bands.

    Args:
        width: of the hidden layers.
        sftn_width: of those of the fine-tuning network.
        sftn: False leaves the fine-tuning network out (for the ablation, as all that follow).
        difference: False hides the difference image.
        consistency: False leaves out the corrections to M2.
        context: False hides the 7 × 7 neighbourhood.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample().crop(slice(0, 20), slice(0, 20))
        >>> evidence = Evidence(scene, scene.D.upsample(scene.lrhs_t1))
        >>> with torch.no_grad():
        ...     TemporalVariationEstimator()(evidence).x2.shape
        torch.Size([3600, 114])
    """

    def __init__(
        self,
        width: int = 24,
        sftn_width: int = 96,
        *,
        sftn: bool = True,
        difference: bool = True,
        consistency: bool = True,
        context: bool = True,
    ) -> None:
        super().__init__()
        self.sftn = SpectralFineTuningNetwork(sftn_width, difference, consistency)
        self.sees = {"sftn": sftn, "difference": difference, "context": context}
        self.consistency = consistency
        count = len(CANDIDATES)
        self.of_pixel = nn.Linear(4 * count - 1 + 10, width)
        self.of_pair = nn.Linear(3 * count - 1, width, bias=False)
        self.of_coordinate = nn.Linear(2, width, bias=False)
        self.hidden = nn.Linear(width, width)
        self.score = nn.Linear(width, count)
        self.doubt = nn.Linear(width, 1)
        self.confidence = Confidence(NUMBERS)
        for layer in (self.score, self.doubt):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def candidates(self, maps: Coordinates, pairs: DatePairs) -> torch.Tensor:
        """(n, 10, K): the scene's nine and the fine-tuned one."""
        starts = range(0, len(pairs), CHUNK)
        curves = [self.sftn.on(maps, pairs[start : start + CHUNK]) for start in starts]
        return torch.cat([pairs.candidates, torch.cat(curves)[:, None]], 1)

    def record(self, evidence: Evidence) -> Record:
        """How every candidate does on the scene's pseudo-changes."""

        def answers(pairs: DatePairs) -> torch.Tensor:
            return self.candidates(evidence.coordinates, pairs)

        return record(evidence.tests, evidence.regression, answers)

    def inputs(self, evidence: Evidence, chosen: torch.Tensor | slice, done: Record) -> Inputs:
        """What `weigh` takes, for some pixels of the scene."""
        candidates = self.candidates(evidence.coordinates, evidence.all[chosen])
        return inputs(evidence, chosen, candidates, done, **self.sees)

    def weigh(self, given: Inputs, *, share: float = 1.0) -> Weighed:
        """Mix the candidates.

        Args:
            given: see `inputs`.
            share: of the learnt scores, see `ENOUGH`.
        """
        # one small network for every pixel and coordinate
        hidden = self.of_pixel(given.per_pixel).unsqueeze(-2)
        hidden = hidden + self.of_pair(given.per_pair.transpose(-1, -2))
        hidden = (hidden + self.of_coordinate(given.per_coordinate).unsqueeze(-3)).relu_()
        hidden = hidden + self.hidden(hidden).relu_()
        # softmax of what it learnt and of the scores before training
        scores = share * self.score(hidden) + given.before.unsqueeze(-2)
        weights = scores.clamp(-40, 40).exp()
        weights = weights / weights.sum(-1, keepdim=True)  # softmax, but faster
        z = (weights.transpose(-1, -2) * given.candidates).sum(-2)
        return Weighed(z, weights, self.doubt(hidden)[..., 0])

    def spread(
        self, candidates: torch.Tensor, weighed: Weighed, scale: torch.Tensor
    ) -> torch.Tensor:
        """(..., n, K) σ of the error: the candidates' disagreement, times what was learnt.

        Args:
            candidates: (..., n, 10, K).
            weighed: what `weigh` made of them.
            scale: (..., K) spread of each coordinate in the scene.
        """
        apart = (candidates - weighed.z.unsqueeze(-2)).square()
        between = (weighed.weights.transpose(-1, -2) * apart).sum(-2)
        sigma = (between + (0.03 * scale).square().unsqueeze(-2)).sqrt()
        return sigma * weighed.doubt.clamp(-6, 6).exp()

    def forward(self, evidence: Evidence) -> Answer:
        """X2, how sure it is, and how it came about, for all pixels of the scene."""
        done = self.record(evidence)
        chunks = [slice(i, i + CHUNK) for i in range(0, len(evidence.all), CHUNK)]
        parts = in_parallel(lambda chosen: self.estimate(evidence, chosen, done), chunks)
        return Answer(*map(torch.cat, zip(*parts)))

    def estimate(self, evidence: Evidence, chosen: torch.Tensor | slice, done: Record) -> Answer:
        """What `forward` returns, for some pixels.

        Args:
            evidence: of the scene.
            chosen: which pixels.
            done: see `record`.
        """
        maps, pairs = evidence.coordinates, evidence.all[chosen]
        # candidates of the scene, and the fine-tuned one
        given = self.inputs(evidence, chosen, done)
        # weigh them
        share = min(1.0, len(evidence.known.y) / ENOUGH)
        z, weights, _ = weighed = self.weigh(given, share=share)
        # how much of X1 is kept
        still = torch.exp(-pairs.change / TAU_CASCADE)
        shares = weights.mean(-2)  # (n, candidates)
        kept = shares[..., list(KEEPING)].sum(-1) + still * shares[..., CASCADE]
        # back to bands, with what the coordinates cannot express
        z1 = maps.encode(pairs.x1)
        beyond = pairs.x1 - maps.decode(z1)
        x2 = maps.decode(z) + kept[:, None] * beyond
        # agree with M2
        if self.consistency:
            x2 = x2 + (pairs.m2 - x2 @ maps.R) @ maps.G
        # say how sure
        spread = self.spread(given.candidates, weighed, evidence.spread)
        said = (evidence.floor + spread.square() @ maps.uncorrected.square()).sqrt()
        numbers = numbers_of(
            evidence, chosen, given.candidates, given.of_pixel, z1, z, weights, kept, said
        )
        sigma = self.confidence(numbers, said, detail_of(evidence, chosen), evidence.detector)
        return Answer(x2, sigma, given.candidates, weights, kept, said, numbers)
