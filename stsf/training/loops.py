"""Training: losses, samples and a plain loop. No framework, nothing hidden.

Three stages, each on scenes that the one before has not seen, so that what follows learns how far
to trust what came first: SSJE on patches; SFTN on pixels, with the X1 of the finished SSJE; the
weighing of candidates, with both finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from stsf.errors import InputError
from stsf.evidence import canonical
from stsf.evidence.candidates import CASCADE
from stsf.evidence.evidence import Evidence
from stsf.evidence.inputs import Inputs
from stsf.evidence.maps import Prepared
from stsf.linear import pixels, rows
from stsf.scene import Scene
from stsf.sftn import Curves, SpectralFineTuningNetwork
from stsf.ssje import SSJE
from stsf.training.unrolled import unrolled_loss
from stsf.tve import Z90, TemporalVariationEstimator, Weighed

PATCH, MARGIN = 36, 2  # side of a patch, HR pixels; margin around it, LR pixels
SCENE, AHEAD = 0.005, 0.1  # weight of the scene's logarithmic error; lead wanted over the cascade
SHOWN = 32  # bands per scene on which the error estimate is trained


class Progress(NamedTuple):
    """Where a training is; what callbacks are given after every step."""

    stage: str
    step: int
    steps: int
    loss: float


Callback = Callable[[Progress], None]


@dataclass
class Loop:
    """Where a loop is: all it takes to go on."""

    step: int = 0
    moments: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)  # of Adam


def loop(
    module: nn.Module,
    loss_of: Callable[[torch.Generator], torch.Tensor],
    steps: int,
    *,
    stage: str,
    rate: float = 4e-3,
    seed: int = 0,
    callback: Callback = lambda progress: None,
    state: Loop | None = None,
) -> None:
    """Adam, a tenth of the steps to warm up, then down a cosine; gradients clipped to length 1.

    Every step draws from a generator of its own, so that a training taken up again goes on as if it
    had never stopped.

    Args:
        module: to train, in place.
        loss_of: draws a batch with the generator and returns its loss.
        steps: how many.
        stage: name, for the callback.
        rate: largest learning rate.
        seed: of the batches.
        callback: told after every step.
        state: optimiser and step of an interrupted run; kept up to date while training.

    Raises:
        InputError: a loss that is no number.
    """
    state = state or Loop()
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    if state.moments:
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state.moments})
    for step in range(state.step, steps):
        warm = min(1.0, 10 * (step + 1) / steps)
        for group in optimizer.param_groups:
            group["lr"] = rate * warm * (0.51 + 0.49 * np.cos(np.pi * step / steps))
        loss = loss_of(torch.Generator().manual_seed(1_000_003 * seed + step))
        if not torch.isfinite(loss):
            raise InputError(
                f"expected a finite loss, got {loss.item()} at step {step} of {stage}: "
                "lower the learning rate, or look for NaN in the training scenes"
            )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        state.step, state.moments = step + 1, optimizer.state_dict()["state"]
        callback(Progress(stage, step + 1, steps, loss.item()))


# --- samples --------------------------------------------------------------------------------------


def some_pixels(scene: Scene, count: int, seed: int) -> torch.Tensor:
    """Indices of `count` valid pixels; changed ones are twice as likely."""
    weight = (1.0 + (scene.true_change().ravel() > 0)) * scene.valid_hr.ravel()
    chosen = np.random.default_rng(seed).choice(
        weight.size, count, replace=False, p=weight / weight.sum()
    )
    return torch.as_tensor(chosen)


def ssje_patches(
    ssje: SSJE,
    pairs: Sequence[tuple[Prepared, torch.Tensor]],
    draw: torch.Generator,
    count: int = 2,
) -> torch.Tensor:
    """Mean loss of the SSJE on `count` square patches of different scenes, signs drawn at random.

    Args:
        ssje: to train.
        pairs: scenes as maps, with the maps of their true X1 (n, H, W).
        draw: of scenes, places and signs.
        count: patches.
    """
    losses = []
    for _ in range(count):
        scene, truth = pairs[_below(len(pairs), draw)]
        side = min(PATCH // scene.ratio, *scene.y.shape[1:])
        top, left = (_below(n - side + 1, draw) for n in scene.y.shape[1:])
        patch, inner = scene.crop(top, left, side, MARGIN)
        first = [max(at - MARGIN, 0) * scene.ratio for at in (top, left)]
        height, width = patch.start.shape[1:]
        wanted = truth[:, first[0] : first[0] + height, first[1] : first[1] + width]
        sign = 2.0 * torch.randint(0, 2, (len(scene),), generator=draw) - 1
        maps = sign[:, None, None]
        patch = replace(patch, y=patch.y * maps, start=patch.start * maps, seen=patch.seen * sign)
        _, steps = ssje(patch, return_steps=True)
        losses.append(unrolled_loss(patch, steps, wanted * maps, inner))
    return torch.stack(losses).mean()


def _below(end: int, draw: torch.Generator) -> int:
    return int(torch.randint(0, end, (1,), generator=draw))


class SftnSample(NamedTuple):
    """What the SFTN is trained on, for some pixels of a scene.

    Attributes:
        features, candidates, pull, GR: see `stsf.sftn.Curves`.
        truth: (n, K) canonical coordinates of X2.
    """

    features: torch.Tensor
    candidates: torch.Tensor
    pull: torch.Tensor
    GR: torch.Tensor
    truth: torch.Tensor

    @property
    def one_a_scene(self) -> tuple[str, ...]:
        """Entries that are the same for all pixels; the first axis of all others counts pixels."""
        return ("GR",)

    @property
    def curves(self) -> Curves:
        """What the SFTN takes."""
        return Curves(self.features, self.candidates, self.pull, self.GR)


@torch.no_grad()
def sftn_sample(
    evidence: Evidence, sftn: SpectralFineTuningNetwork, chosen: torch.Tensor
) -> SftnSample:
    """Inputs of the SFTN for some pixels, and the canonical coordinates of the truth."""
    x2 = rows(pixels(evidence.scene.truth(2)))[chosen]
    truth = evidence.coordinates.to_canonical(x2).clamp(-12, 12)
    return SftnSample(*sftn.inputs(evidence.coordinates, evidence.all[chosen]), truth)


def sftn_loss(sftn: SpectralFineTuningNetwork, batch: SftnSample) -> torch.Tensor:
    """Absolute, RMS, squared and angular error of the curves on the fine wavelengths."""
    decode = canonical.fine()
    revised = sftn(batch.curves)
    curve, wanted = (decode(z.flatten(0, -2)) for z in (revised, batch.truth))
    error = curve - wanted
    angle = (1 - F.cosine_similarity(curve, wanted, dim=1)).clamp_min(1e-7).sqrt()
    rms = error.square().mean(1).clamp_min(1e-9).sqrt()
    return (
        10 * error.abs().mean() + 5 * rms.mean() + 50 * error.square().mean() + 0.3 * angle.mean()
    )


class TveSample(NamedTuple):
    """What the weighing is trained on, for some pixels of a scene.

    Attributes:
        candidates, per_pair, per_pixel, per_coordinate, before: see `stsf.evidence.inputs.Inputs`.
        truth: (n, K) working coordinates of X2.
        energy: (K,) squared reflectance, mean over the bands, of one unit of each coordinate.
        uncorrected: (K, 32) of some bands, see `Coordinates.uncorrected`.
        floor: (32,) variance that these bands miss in any case.
        spread: (K,) of the coordinates in the scene.
    """

    candidates: torch.Tensor
    per_pair: torch.Tensor
    per_pixel: torch.Tensor
    per_coordinate: torch.Tensor
    before: torch.Tensor
    truth: torch.Tensor
    energy: torch.Tensor
    uncorrected: torch.Tensor
    floor: torch.Tensor
    spread: torch.Tensor

    @property
    def one_a_scene(self) -> tuple[str, ...]:
        """Entries that are the same for all pixels; the first axis of all others counts pixels."""
        return ("per_coordinate", "energy", "uncorrected", "floor", "spread")

    @property
    def inputs(self) -> Inputs:
        """What `weigh` takes."""
        return Inputs(
            self.candidates, self.per_pair, self.per_pixel, self.per_coordinate, self.before
        )


@torch.no_grad()
def tve_sample(
    evidence: Evidence, tve: TemporalVariationEstimator, chosen: torch.Tensor, seed: int
) -> TveSample:
    """Inputs of the weighing for some pixels, its target, and what turns both into reflectance."""
    scene, maps = evidence.scene, evidence.coordinates
    truth = maps.encode(rows(pixels(scene.truth(2)))[chosen])
    given = tve.inputs(evidence, chosen, tve.record(evidence))
    bands = torch.as_tensor(np.random.default_rng(seed).choice(len(scene.hs), SHOWN))
    energy, uncorrected = maps.energy / len(scene.hs), maps.uncorrected[:, bands]
    return TveSample(*given, truth, energy, uncorrected, evidence.floor[bands], evidence.spread)


def tve_loss(tve: TemporalVariationEstimator, batch: TveSample) -> torch.Tensor:
    """RMS and mean square error of X2, and the interval score of the error estimate."""
    weighed = tve.weigh(batch.inputs)
    # error of X2, in all and scene by scene against the cascade's
    error = batch.truth - weighed.z
    behind = batch.truth - batch.candidates[..., CASCADE, :]
    mse, of_cascade = ((e.square() * batch.energy.unsqueeze(-2)).sum(-1) for e in (error, behind))
    mine, cascade = ((a.mean(-1) + 1e-8).log() for a in (mse, of_cascade))
    # what the error estimate says of it
    fixed = Weighed(weighed.z.detach(), weighed.weights.detach(), weighed.doubt)
    sigma = tve.spread(batch.candidates.detach(), fixed, batch.spread)
    variance = sigma.square() @ batch.uncorrected.square() + batch.floor.unsqueeze(-2)
    half = Z90 * variance.sqrt()
    missed = F.relu((error.detach() @ batch.uncorrected).abs() - half)
    interval = half + 10 * missed  # Gneiting & Raftery 2007, JASA 102: 90 %, per half-width
    pixel_by_pixel = (mse + 1e-8).sqrt().mean() + 20 * mse.mean() + 0.1 * interval.mean()
    return pixel_by_pixel + SCENE * (mine + F.relu(mine - cascade + AHEAD)).mean()


def turned(batch: TveSample, draw: torch.Generator) -> TveSample:
    """The same batch with random signs of the coordinates in what the network sees.

    Half the coordinates, drawn at random, are turned round: no sign means anything.
    """
    pair = batch.per_pair
    sign = torch.randint(0, 2, (*pair.shape[:2], 1, pair.shape[-1]), generator=draw) * 2 - 1
    signed = batch.candidates.shape[-2] - 1
    pair = torch.cat([pair[:, :, :signed] * sign, pair[:, :, signed:]], 2)
    return batch._replace(per_pair=pair)


Sample = TypeVar("Sample", bound=Any)  # a NamedTuple with `truth` and `one_a_scene`


class Samples(Generic[Sample]):
    """Samples of many scenes, of which a batch takes some scenes and some pixels of each.

    Args:
        samples: one per scene.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        every = [(sample, sample._asdict()) for sample in samples]
        first, named = every[0]
        self.all: Sample = first._make(
            torch.stack([values[name] for _, values in every]) for name in named
        )

    def batch(self, draw: torch.Generator, scenes: int = 8, count: int = 512) -> Sample:
        """(scenes, count, ...) or (scenes, ...) of every entry."""
        total, each = self.all.truth.shape[:2]
        scene = torch.randint(0, total, (scenes,), generator=draw)
        pixel = torch.randint(0, each, (scenes, count), generator=draw)
        once, named = self.all.one_a_scene, self.all._asdict().items()
        chosen = {k: v[scene] if k in once else v[scene[:, None], pixel] for k, v in named}
        return self.all._make(chosen.values())
