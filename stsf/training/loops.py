"""Training: losses, samples and a plain loop. No framework, nothing hidden.

Three stages, each on scenes that the one before has not seen, so that what follows learns how far
to trust what came first: SSJE on patches; SFTN on pixels, with the X1 of the finished SSJE; the
weighing of candidates, with both finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from stsf.errors import InputError
from stsf.evidence import canonical
from stsf.evidence.candidates import CASCADE, Evidence
from stsf.evidence.maps import Prepared
from stsf.linear import pixels
from stsf.scene import Scene
from stsf.ssje import SSJE, ssje_loss
from stsf.tve import Z90, SpectralFineTuningNetwork, TemporalVariationEstimator

PATCH, MARGIN = (
    36,
    2,
)  # side of a patch in high-resolution pixels; around it, in low-resolution ones
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
    assert scene.change is not None and scene.valid_hr is not None
    weight = (1.0 + (scene.change.ravel() > 0)) * scene.valid_hr.ravel()
    chosen = np.random.default_rng(seed).choice(
        weight.size, count, replace=False, p=weight / weight.sum()
    )
    return torch.as_tensor(chosen)


Sample = tuple[torch.Tensor, ...]


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
        losses.append(ssje_loss(ssje(patch), wanted * maps, scene.weight, inner))
    return torch.stack(losses).mean()


def _below(end: int, draw: torch.Generator) -> int:
    return int(torch.randint(0, end, (1,), generator=draw))


@torch.no_grad()
def sftn_sample(
    evidence: Evidence, sftn: SpectralFineTuningNetwork, chosen: torch.Tensor
) -> Sample:
    """Inputs of the SFTN for some pixels, and the canonical coordinates of the truth."""
    scene = evidence.scene
    assert scene.hrhs_t2 is not None
    truth = evidence.to_canonical(canonical.rows(pixels(scene.hrhs_t2))[chosen]).clamp(-12, 12)
    inputs = sftn.inputs(evidence, evidence.all[chosen])
    return *inputs, evidence.blind, truth


def sftn_loss(sftn: SpectralFineTuningNetwork, batch: Sample) -> torch.Tensor:
    """Absolute, RMS, squared and angular error of the curves on the fine wavelengths."""
    *inputs, truth = batch
    decode = canonical.fine()
    found, wanted = (decode(z.flatten(0, -2)) for z in (sftn(*inputs), truth))
    error = found - wanted
    angle = (1 - F.cosine_similarity(found, wanted, dim=1)).clamp_min(1e-7).sqrt()
    rms = error.square().mean(1).clamp_min(1e-9).sqrt()
    return (
        10 * error.abs().mean() + 5 * rms.mean() + 50 * error.square().mean() + 0.3 * angle.mean()
    )


@torch.no_grad()
def tve_sample(
    evidence: Evidence, tve: TemporalVariationEstimator, chosen: torch.Tensor, seed: int
) -> Sample:
    """Inputs of the weighing for some pixels, its target, and what turns both into reflectance."""
    scene = evidence.scene
    assert scene.hrhs_t2 is not None
    truth = evidence.encode(canonical.rows(pixels(scene.hrhs_t2))[chosen])
    features = tve.features(evidence, chosen, tve.record(evidence))
    bands = torch.as_tensor(np.random.default_rng(seed).choice(len(scene.hs), SHOWN))
    some, always = evidence.left.weights[:, bands], evidence.left.offset[bands]
    share = evidence.energy / len(scene.hs)
    return *features, truth, share, some, always, evidence.spread


def tve_loss(tve: TemporalVariationEstimator, batch: Sample) -> torch.Tensor:
    """RMS and mean square error of X2, and the interval score of the error estimate.

    Half the coordinates, drawn at random, are turned round: no sign means anything.
    """
    *inputs, truth, share, some, always, scale = batch
    candidates = inputs[0]
    mixed, weights, doubt = tve.weigh(*inputs)
    error = truth - mixed
    mse = (error.square() * share.unsqueeze(-2)).sum(-1)
    sigma = tve.spread(candidates.detach(), mixed.detach(), weights.detach(), doubt, scale)
    ahead = (
        mse.mean(-1),
        ((truth - candidates[..., CASCADE, :]).square() * share.unsqueeze(-2)).sum(-1).mean(-1),
    )
    mine, cascade = ((a + 1e-8).log() for a in ahead)  # scene by scene
    half = Z90 * (sigma.square() @ some.square() + always.unsqueeze(-2)).sqrt()
    missed = F.relu((error.detach() @ some).abs() - half)
    interval = half + 10 * missed  # Gneiting & Raftery 2007, JASA 102: 90 %, per half-width
    return (
        (mse + 1e-8).sqrt().mean() + 20 * mse.mean() + 0.1 * interval.mean()
        + SCENE * (mine + F.relu(mine - cascade + AHEAD)).mean()
    )  # fmt: skip


def turned(batch: Sample, draw: torch.Generator) -> Sample:
    """The same batch with random signs of the coordinates in what the network sees."""
    candidates, per_pair, *rest = batch
    sign = torch.randint(0, 2, (*per_pair.shape[:2], 1, per_pair.shape[-1]), generator=draw) * 2 - 1
    signed = candidates.shape[-2] - 1
    per_pair = torch.cat([per_pair[:, :, :signed] * sign, per_pair[:, :, signed:]], 2)
    return candidates, per_pair, *rest


class Samples:
    """Samples of many scenes, of which a batch takes some scenes and some pixels of each.

    Args:
        samples: one per scene.
        per_pixel: for each entry, whether its first axis counts pixels.
    """

    def __init__(self, samples: Iterable[Sample], per_pixel: tuple[bool, ...]) -> None:
        self._entries = [torch.stack(entry) for entry in zip(*samples, strict=True)]
        self._per_pixel = per_pixel

    def batch(self, draw: torch.Generator, scenes: int = 8, count: int = 512) -> Sample:
        """(scenes, count, ...) or (scenes, ...) of every entry."""
        total, each = self._entries[0].shape[:2]
        scene = torch.randint(0, total, (scenes,), generator=draw)
        pixel = torch.randint(0, each, (scenes, count), generator=draw)
        return tuple(
            entry[scene[:, None], pixel] if mine else entry[scene]
            for entry, mine in zip(self._entries, self._per_pixel, strict=True)
        )
