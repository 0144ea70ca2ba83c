"""From nothing to a trained DC-STSF: three stages, the error estimate, the file.

An interrupted training leaves a file beside its result and goes on from there.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from stsf.evidence.components import prepare
from stsf.evidence.evidence import Evidence
from stsf.evidence.maps import Prepared
from stsf.network import DCSTSF
from stsf.scene import Scene
from stsf.training.curriculum import draw, softened
from stsf.training.loops import (
    Callback,
    Loop,
    Progress,
    Samples,
    loop,
    sftn_loss,
    sftn_sample,
    some_pixels,
    ssje_patches,
    turned,
    tve_loss,
    tve_sample,
)
from stsf.training.part import read_part, write_part
from stsf.training.recipe import Recipe
from stsf.training.sure import SureSample, sure_sample, teach
from stsf.tve import Z90

VALIDATION = range(500, 506)  # seeds; training materials, never trained on
SAVE_EVERY = 200  # steps
STAGES = ("SSJE", "SFTN", "TVE")
STRANGE = {"SSJE": 0.3, "SFTN": 0.1, "TVE": 0.5}  # see `stsf.training.curriculum.draw`
FOREIGN = {"SFTN": 0.0, "TVE": 0.25}  # the SFTN never meets them: stacking
FIRST_SEED = {"SSJE": 0, "SFTN": 2000, "TVE": 4000, "sigma": 9000}

SceneOf = Callable[[int, int, float, float], Scene]
LossOf = Callable[[torch.Generator], torch.Tensor]


def train(
    recipe: Recipe,
    *,
    out: str | Path | None = None,
    callback: Callback = lambda progress: None,
    scene: SceneOf = draw,
    validation: Iterable[int] | None = None,
) -> DCSTSF:
    """Train a DC-STSF from nothing.

    Args:
        recipe: how much of everything.
        out: file to write; while training, `out` with ".part" appended holds what is done so far,
            and a training that was interrupted goes on from it.
        callback: told after every step, and after every scene that was prepared (stages "SSJE
            scenes", "SSJE", "SFTN scenes" and so on); raise in it to stop.
        scene: (seed, size, strange, foreign) -> training scene with truth, see `draw`.
        validation: seeds of the scenes that set the level of the error estimate, where the recipe
            has none to teach it on; `VALIDATION` without it.

    Raises:
        InputError: a loss that is no number, a broken ".part" file, or one of another recipe.
    """
    return Training(recipe, None if out is None else Path(out), callback, scene).run(
        VALIDATION if validation is None else validation
    )


class Training:
    """One run of a recipe; see `train`."""

    def __init__(
        self, recipe: Recipe, out: Path | None, callback: Callback, scene: SceneOf
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.out, self.callback, self.scene = recipe, out, callback, scene
        self.network = DCSTSF(recipe.config)
        self.part = None if out is None else Path(f"{out}.part")
        self.stage, self.state = 0, Loop()
        if self.part is not None and self.part.exists():
            self.stage, self.state = read_part(self.part, self.network, recipe)

    def run(self, validation: Iterable[int]) -> DCSTSF:
        """All three stages, the error estimate, the file."""
        tve = self.network.tve
        self._stage(0, self.network.ssje, self._ssje, 8e-3)
        self._stage(1, tve.sftn, self._sftn, 3e-3)
        tve.sftn.requires_grad_(False)
        self._stage(2, tve, self._tve, 4e-3)
        size = self.recipe.size
        if self.recipe.sure:
            samples = map(self.sure, self._seeds("sigma", self.recipe.sure))
            teach(tve.confidence, samples, self.recipe.seed, self.callback)
        else:
            calibrate(self.network, (self.scene(seed, size, 0.0, 0.0) for seed in validation))
        made = {"commit": commit(), "torch": torch.__version__}
        self.network.provenance = {"recipe": asdict(self.recipe), **made}
        if self.out is not None and self.part is not None:
            self.network.save(self.out)
            self.part.unlink(missing_ok=True)
        return self.network.eval()

    def _stage(
        self, index: int, module: nn.Module, prepare_loss: Callable[[int], LossOf], rate: float
    ) -> None:
        count, steps = self.recipe.scenes[index], self.recipe.steps[index]
        if self.stage > index or count == 0:
            return
        about: dict[str, Any] = {"stage": STAGES[index], "rate": rate, "seed": self.recipe.seed}
        loss = prepare_loss(count)
        loop(module, loss, steps, callback=self._after_step, state=self.state, **about)
        self.stage, self.state = index + 1, Loop()
        self._save()

    def _after_step(self, progress: Progress) -> None:
        if progress.step % SAVE_EVERY == 0:
            self._save()
        self.callback(progress)

    def _save(self) -> None:
        if self.part is not None:
            write_part(self.part, self.network, self.recipe, self.stage, self.state)

    def _seeds(self, stage: str, count: int) -> Iterator[int]:
        for i in range(count):
            yield 10_000 * self.recipe.seed + FIRST_SEED[stage] + i
            self.callback(Progress(f"{stage} scenes", i + 1, count, float("nan")))

    def maps(self, seed: int) -> tuple[Prepared, torch.Tensor]:
        """A training scene of the SSJE, and the maps of its true X1."""
        scene, softness = softened(self.scene(seed, self.recipe.size, STRANGE["SSJE"], 0.0), seed)
        prepared = prepare(scene, softness=softness)
        return prepared, prepared.encode(torch.as_tensor(scene.hrhs_t1))

    def evidence(self, stage: str, seed: int) -> Evidence:
        """A training scene of SFTN or TVE, with the X1 of the finished SSJE."""
        scene = self.scene(seed, self.recipe.size, STRANGE[stage], FOREIGN[stage])
        return Evidence(scene, self.network.first_date(scene))

    def sure(self, seed: int) -> SureSample:
        """A training scene of the error estimate; the SWIR of some is softer than anyone knows."""
        made = self.scene(seed, self.recipe.size, STRANGE["TVE"], FOREIGN["TVE"])
        scene, _ = softened(made, seed)
        evidence = Evidence(scene, self.network.first_date(scene))
        return sure_sample(evidence, self.network.tve, seed)

    def _ssje(self, count: int) -> LossOf:
        pairs = [self.maps(seed) for seed in self._seeds("SSJE", count)]
        return lambda draw: ssje_patches(self.network.ssje, pairs, draw)

    def _evidence(self, stage: str, count: int) -> Iterator[tuple[int, Evidence]]:
        return ((seed, self.evidence(stage, seed)) for seed in self._seeds(stage, count))

    def _sftn(self, count: int) -> LossOf:
        sftn = self.network.tve.sftn
        samples = Samples(
            sftn_sample(e, sftn, some_pixels(e.scene, self.pixels(2048), seed))
            for seed, e in self._evidence("SFTN", count)
        )
        return lambda draw: sftn_loss(sftn, samples.batch(draw, 8, 512))

    def _tve(self, count: int) -> LossOf:
        tve = self.network.tve
        samples = Samples(
            tve_sample(e, tve, some_pixels(e.scene, self.pixels(1200), seed), seed)
            for seed, e in self._evidence("TVE", count)
        )
        return lambda draw: tve_loss(tve, turned(samples.batch(draw, 8, 128), draw))

    def pixels(self, most: int) -> int:
        """How many pixels of a scene are kept as samples."""
        return min(most, self.recipe.size**2 // 2)


@torch.no_grad()
def calibrate(network: DCSTSF, scenes: Iterable[Scene]) -> None:
    """Scale the error estimate so that ±1.645 σ holds 90 % of the errors, all bands together."""
    ratios = []
    for scene in scenes:
        network.calibration.fill_(1.0)
        estimate = network(scene)
        error = np.abs(estimate.x2 - scene.truth(2)) / np.maximum(estimate.sigma, 1e-6)
        ratios.append(error[:, scene.valid_hr].ravel()[::7])
    if ratios:
        network.calibration.fill_(float(np.quantile(np.concatenate(ratios), 0.9)) / Z90)


def commit() -> str:
    """The commit of the working copy, for the provenance; "unknown" outside one."""
    try:
        command, here = ["git", "rev-parse", "--short=12", "HEAD"], Path(__file__).parent
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
