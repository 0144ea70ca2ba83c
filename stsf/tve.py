"""TVE, temporal variation estimation: from the spectrum at t1 to the spectrum at t2.

Two networks, both working on single pixels. The spectral fine-tuning network revises the curve:
it has learnt on simulated scenes how spectra of the library hang together. The estimator weighs
its answer against those that the scene itself suggests (`stsf.evidence.candidates`), with the
difference image M2 - M1 and the pseudo-changes of this scene telling it what has changed and whom
to trust.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from stsf.evidence.candidates import (
    CANDIDATES,
    CASCADE,
    CHUNK,
    KEEPING,
    TAU_CASCADE,
    Evidence,
    Pixels,
)
from stsf.evidence.canonical import K
from stsf.threads import in_parallel

SHOWN = 6  # candidates that the fine-tuning network sees, those that come first
INJECTION, REFERENCE = 0, 1  # X1 kept; X1 rescaled, which all others are compared with
Z90 = 1.645  # half-width of a normal distribution's 90 % interval, in σ
BELIEVED = 2.0  # dB by which the fine-tuned candidate may err more than the best other one; set on
ENOUGH = 576  # LR pixels of the smallest training scene; with fewer, less of what was learnt
STRICT = 5.0  # training seeds 500-507 of every kind. Score lost per dB beyond that
TAU_COVER, LEAST = 0.1, 0.02  # of the weights before training


def logs(pixels: Pixels) -> list[torch.Tensor]:
    """The difference image in five numbers per pixel: gain, cover, change, novelty at t2 and t1."""
    return [
        pixels.gain.log(), _log(pixels.cover), _log(pixels.change),
        _log(pixels.novelty), _log(pixels.novelty_t1),
    ]  # fmt: skip


def _log(values: torch.Tensor, least: float = 1e-3) -> torch.Tensor:
    return values.clamp_min(least).log() / 2


class Record(NamedTuple):
    """How every candidate did on the pseudo-changes of a scene: squared errors.

    Attributes:
        mean: (candidates, K) where the scene knows the kind of spectrum.
        local: (places, candidates, K) the same near each place of the MS space.
        novel: (candidates, K) where the regressions have never met the kind.
        calm: (candidates, K) where hardly anything changes.
    """

    mean: torch.Tensor
    local: torch.Tensor
    novel: torch.Tensor
    calm: torch.Tensor


class Residual(nn.Module):
    """x + W₂ gelu(W₁ x)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., width) -> the same."""
        return x + self.b(F.gelu(self.a(x)))


class SpectralFineTuningNetwork(nn.Module):
    """SFTN: revises a spectral curve, in the canonical coordinates that all sensors share.

    It starts from a mean of the scene's candidates, weighted pixel by pixel, adds what it has
    learnt, and ends with an MMSE correction to M2. Untrained it is that correction of their mean.

    Args:
        width: of the hidden layers.
        difference: False hides the difference image (for the ablation).
        consistency: False leaves out the last correction (for the ablation).
    """

    def __init__(self, width: int, difference: bool = True, consistency: bool = True) -> None:
        super().__init__()
        self.difference, self.consistency = difference, consistency
        self.scene_made = SHOWN
        self.first = nn.Linear((self.scene_made + 2) * K + 5, width)
        self.blocks = nn.Sequential(Residual(width), Residual(width))
        self.last = nn.Linear(width, K + self.scene_made)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def inputs(self, evidence: Evidence, pixels: Pixels) -> tuple[torch.Tensor, ...]:
        """What `forward` takes: features (n, F), candidates (n, 6, K), G(m2 - A 0) (n, K)."""
        n = len(pixels)
        z1 = evidence.to_canonical(pixels.x1)
        work = pixels.candidates[:, :SHOWN].reshape(-1, K)
        z = evidence.work_to_canonical(work).reshape(n, self.scene_made, K)
        pull = (pixels.m2 - evidence.canonical_seen.offset) @ evidence.canonical_gain
        others = z - z[:, REFERENCE : REFERENCE + 1]
        others[:, REFERENCE] = z[:, REFERENCE]
        numbers = torch.stack(logs(pixels), 1) * self.difference
        features = torch.cat([z1, others.flatten(1), pull, numbers], 1).clamp(-8, 8)
        return features, z, pull

    def forward(
        self, features: torch.Tensor, z: torch.Tensor, pull: torch.Tensor, blind: torch.Tensor
    ) -> torch.Tensor:
        """(n, K) revised canonical coordinates.

        Args:
            features: see `inputs`, as for the next two.
            z: (n, 6, K) candidates.
            pull: (n, K).
            blind: (K, K), see `Evidence`.
        """
        hidden = F.gelu(self.blocks(F.gelu(self.first(features))))
        out = self.last(hidden)
        trust = out[..., K:].softmax(-1)
        revised = (trust[..., None] * z).sum(-2) + out[..., :K]
        return revised + pull - revised @ blind if self.consistency else revised

    def on(self, evidence: Evidence, pixels: Pixels) -> torch.Tensor:
        """(n, K) revised curves in the scene's working coordinates."""
        revised = self(*self.inputs(evidence, pixels), evidence.blind)
        return evidence.canonical_to_work(revised)


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
        self.use_sftn, self.difference, self.context = sftn, difference, context
        self.consistency = consistency
        count = len(CANDIDATES)
        self.of_pixel = nn.Linear(4 * count - 1 + 10, width)
        self.of_pair = nn.Linear(3 * count - 1, width, bias=False)
        self.of_coordinate = nn.Linear(2, width, bias=False)
        self.hidden = nn.Linear(width, width)
        self.score = nn.Linear(width, count)
        self.doubt = nn.Linear(width, 1)
        for layer in (self.score, self.doubt):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def candidates(self, evidence: Evidence, pixels: Pixels) -> torch.Tensor:
        """(n, 9, K): the scene's eight and the fine-tuned one."""
        parts = [
            self.sftn.on(evidence, pixels[i : i + CHUNK]) for i in range(0, len(pixels), CHUNK)
        ]
        return torch.cat([pixels.candidates, torch.cat(parts)[:, None]], 1)

    def record(self, evidence: Evidence) -> Record:
        """The scene's pseudo-changes, told to all candidates."""
        error = self._errors(evidence, evidence.tests, evidence.answers)
        mean = error.mean(0)
        near = evidence.regression.places(evidence.tests.m2)  # (n, P)
        total = near.sum(0)[:, None, None]
        local = torch.einsum("np,njk->pjk", near, error)
        novel = self._errors(evidence, evidence.novel, evidence.novel_answers).mean(0)
        calm = self._errors(evidence, evidence.calm, evidence.calm_answers).mean(0)
        return Record(mean, (local + 4 * mean) / (total + 4), novel, calm)

    def _errors(self, evidence: Evidence, asked: Pixels, answers: torch.Tensor) -> torch.Tensor:
        """(n, candidates, K) squared errors; no single pixel decides."""
        error = (self.candidates(evidence, asked) - answers[:, None]).square()
        return torch.minimum(error, 50 * error.mean(0))

    def veto(self, evidence: Evidence, record: Record) -> torch.Tensor:
        """What is taken from the score of the fine-tuned candidate, 0 where it may be believed.

        A learnt answer that errs more than the best scene-made one, on the mean (in dB) of three
        kinds of pseudo-changes, comes from another world: to spectra that the scene knows, to
        kinds that its regressions were made to forget, and of ground that hardly changes.

        Args:
            evidence: of the scene.
            record: see `record`.
        """
        risks = torch.stack([record.mean, record.novel, record.calm]) * evidence.energy
        total = risks.sum(2)  # (3, candidates)
        behind = 10 * torch.log10(total[:, -1] / total[:, :-1].min(1).values)
        return STRICT * F.relu(behind.mean() - BELIEVED)

    def features(
        self,
        evidence: Evidence,
        chosen: torch.Tensor | slice,
        record: Record,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """What `weigh` takes, for some pixels of the scene.

        Returns:
            candidates (n, 9, K); per candidate and coordinate (n, 26, K), the first 8 change sign
            with the coordinate; per pixel (n, 45); per coordinate (K, 2); scores before training
            (n, 9).
        """
        pixels = evidence.all[chosen]
        found = self.candidates(evidence, pixels)
        n, count, _ = found.shape
        apart = found - found[:, REFERENCE : REFERENCE + 1]
        apart = torch.cat([apart[:, :REFERENCE], apart[:, REFERENCE + 1 :]], 1)  # (n, 8, K)
        mean, local, novel, calm = record
        near = evidence.regression.places(pixels.m2)
        expected = (near @ local.flatten(1) + 0.05 * mean.flatten()) / (
            near.sum(1, keepdim=True) + 0.05
        )
        expected = expected.reshape(n, count, K)
        power = evidence.spread.square() * evidence.energy  # (K,) of the scene's variance
        whole = power.sum()
        distance = ((apart.square() * evidence.energy).sum(2) / whole).sqrt()
        risk = (expected * evidence.energy).sum(2) / whole
        scene = torch.stack([_log((r * evidence.energy).sum(1)) for r in (novel, calm)]) / 2
        abroad = (scene - scene.amin(1, keepdim=True)).flatten().expand(n, -1)
        numbers = self._numbers(evidence, chosen)
        per_pixel = [_log(distance) / 1.5, _log(risk, 1e-6) / 2, abroad, numbers]
        scale = evidence.spread.square()
        per_pair = [F.softsign(2 * apart / evidence.spread), _log(expected / scale, 1e-6) / 2,
                    _log(novel / scale, 1e-6).expand(n, -1, -1) / 2]  # fmt: skip
        per_coordinate = torch.stack([_log(power / whole, 1e-6) / 2, evidence.measured], 1)
        return (
            found, torch.cat(per_pair, 1), torch.cat(per_pixel, 1), per_coordinate,
            self.before(evidence, pixels, record, risk),
        )  # fmt: skip

    def before(
        self, evidence: Evidence, pixels: Pixels, record: Record, risk: torch.Tensor
    ) -> torch.Tensor:
        """(n, candidates) scores before training.

        One half goes to the fine-tuned candidate, as far as it may be believed (`veto`). The other
        is shared out as in the classical blend (`stsf.baselines.temporal.blend`): to the injection
        where the cover stayed, exp(-cover / 0.1); else to all, in inverse proportion to their
        errors on pseudo-changes (geometric mean of known kinds near this pixel and novel ones).

        Args:
            evidence: of the scene.
            pixels: n of its pixels.
            record: see `record`.
            risk: (n, candidates) squared errors expected from pseudo-changes near each pixel.
        """
        same = torch.exp(-pixels.cover / TAU_COVER)
        novel = (record.novel * evidence.energy).sum(1)
        worth = (risk.clamp_min(1e-6) * novel.clamp_min(1e-9))[:, :-1].rsqrt()
        shares = (1 - same)[:, None] * worth / worth.sum(1, keepdim=True) + LEAST
        shares[:, INJECTION] += same
        shares = torch.cat([shares, torch.ones(len(pixels), 1)], 1)
        scores = shares.log() * self.difference
        scores[:, -1] -= self.veto(evidence, record) if self.use_sftn else 1e4
        return scores

    def _numbers(self, evidence: Evidence, chosen: torch.Tensor | slice) -> torch.Tensor:
        """(n, 10) the difference image of each pixel, alone and beside the rest of the scene."""
        beside = evidence.beside[chosen]
        near = _log(torch.stack([evidence.context[chosen], beside[:, 0]], 1), 1e-2) * self.context
        own = torch.cat([_log(beside[:, 1:3], 1e-2), beside[:, 3:]], 1)
        alone = torch.stack(logs(evidence.all[chosen]), 1)
        return torch.cat([alone, near, own], 1) * self.difference

    def weigh(
        self,
        candidates: torch.Tensor,
        per_pair: torch.Tensor,
        per_pixel: torch.Tensor,
        per_coordinate: torch.Tensor,
        before: torch.Tensor,
        *,
        share: float = 1.0,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mix the candidates; leading dimensions of any number.

        Args:
            candidates: see `features`, as for the next four.
            per_pair: (..., n, 26, K).
            per_pixel: (..., n, 45).
            per_coordinate: (..., K, 2).
            before: (..., n, 9).
            share: of the learnt scores, see `ENOUGH`.

        Returns:
            mixed (..., n, K); weights (..., n, K, 9); doubt (..., n, K), log of the error beyond
            what the disagreement of the candidates suggests.
        """
        hidden = self.of_pixel(per_pixel).unsqueeze(-2)
        hidden = hidden + self.of_pair(per_pair.transpose(-1, -2))
        hidden = (hidden + self.of_coordinate(per_coordinate).unsqueeze(-3)).relu_()
        hidden = hidden + self.hidden(hidden).relu_()
        weights = (share * self.score(hidden) + before.unsqueeze(-2)).clamp(-40, 40).exp()
        weights = weights / weights.sum(-1, keepdim=True)  # softmax, but faster
        mixed = (weights.transpose(-1, -2) * candidates).sum(-2)
        return mixed, weights, self.doubt(hidden)[..., 0]

    def spread(
        self,
        candidates: torch.Tensor,
        mixed: torch.Tensor,
        weights: torch.Tensor,
        doubt: torch.Tensor,
        scale: torch.Tensor,
    ) -> torch.Tensor:
        """(..., n, K) σ of the error: the candidates' disagreement, times what was learnt.

        Args:
            candidates: (..., n, 9, K), see `weigh`, as for the next three.
            mixed: (..., n, K).
            weights: (..., n, K, 9).
            doubt: (..., n, K).
            scale: (..., K) spread of each coordinate in the scene.
        """
        apart = (candidates - mixed.unsqueeze(-2)).square()
        between = (weights.transpose(-1, -2) * apart).sum(-2)
        return (between + (0.03 * scale).square().unsqueeze(-2)).sqrt() * doubt.clamp(-6, 6).exp()

    def forward(self, evidence: Evidence, x1: torch.Tensor) -> dict[str, torch.Tensor]:
        """X2, how sure it is, and how it came about.

        Args:
            evidence: of the scene.
            x1: (H·W, L) the estimate of X1 that the evidence was made with.

        Returns:
            By name, pixels in rows: "x2" (n, L); "sigma" (n, L), ±1.645 σ meant to cover 90 %;
            "candidates" (n, 9, K); "weights" (n, K, 9), of the candidates; "kept" (n,), the share
            of the answer that builds on the pixel's own X1: 1 where nothing changed.
        """
        record = self.record(evidence)
        chunks = [slice(start, start + CHUNK) for start in range(0, len(x1), CHUNK)]
        parts = in_parallel(
            lambda chosen: self.estimate(evidence, chosen, record, x1[chosen]), chunks
        )
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def estimate(
        self,
        evidence: Evidence,
        chosen: torch.Tensor | slice,
        record: Record,
        x1: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """What `forward` returns, for some pixels.

        Args:
            evidence: of the scene.
            chosen: which pixels.
            record: see `record`.
            x1: (n, L) their estimate of X1.
        """
        candidates, *rest = self.features(evidence, chosen, record)
        z, weights, doubt = self.weigh(candidates, *rest, share=min(1.0, evidence.known / ENOUGH))
        shares = weights.mean(-2)  # (n, candidates)
        still = torch.exp(-evidence.all.change[chosen] / TAU_CASCADE)
        kept = shares[..., list(KEEPING)].sum(-1) + still * shares[..., CASCADE]
        beyond = x1 - evidence.decode(evidence.encode(x1))  # what the coordinates cannot express
        x2 = evidence.decode(z) + kept[:, None] * beyond
        m2 = evidence.all.m2[chosen]
        if self.consistency:
            x2 = x2 + (m2 - x2 @ evidence.R) @ evidence.gain
        sigma = self.spread(candidates, z, weights, doubt, evidence.spread)
        variance = evidence.left.offset + sigma.square() @ evidence.left.weights.square()
        return {
            "x2": x2, "sigma": variance.sqrt(), "candidates": candidates,
            "weights": weights, "kept": kept,
        }  # fmt: skip
