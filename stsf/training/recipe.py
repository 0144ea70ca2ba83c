"""From nothing to a trained DC-STSF: which scenes, how many steps, in which order.

`tiny()` is for class, `full()` makes the checkpoint that comes with the kit. An interrupted
training leaves a file beside its result and goes on from there.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from stsf.degradation import Psf, SpatialDegradation
from stsf.errors import InputError
from stsf.evidence.candidates import Evidence
from stsf.evidence.components import prepare
from stsf.evidence.maps import Prepared
from stsf.files.atomic import replacing
from stsf.network import DCSTSF, Config
from stsf.scene import KINDS, Scene
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
from stsf.tve import Z90
from stsf.world.strange import exchange

VALIDATION = range(500, 506)  # seeds; training materials, never trained on
SAVE_EVERY = 200  # steps
STAGES = ("SSJE", "SFTN", "TVE")
STRANGE = {"SSJE": 0.3, "SFTN": 0.1, "TVE": 0.5}  # see `stsf.training.curriculum.draw`
FOREIGN = {"SFTN": 0.0, "TVE": 0.25}  # the SFTN never meets them: stacking
FIRST_SEED = {"SSJE": 0, "SFTN": 2000, "TVE": 4000}
SFTN_ROWS = (True, True, True, False, True)  # which entries of a sample count pixels
TVE_ROWS = (True, True, True, False, True, True, False, False, False, False)

SceneOf = Callable[[int, int, float, float], Scene]
LossOf = Callable[[torch.Generator], torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """How much of everything.

    Attributes:
        name: "tiny", "full" or one's own.
        scenes: training scenes of SSJE, SFTN and TVE; no scene serves two stages.
        steps: of each.
        size: pixels along the side of a scene, a multiple of 12 for `curriculum.draw`.
        config: of the network.
        seed: of weights and batches.
    """

    name: str
    scenes: tuple[int, int, int]
    steps: tuple[int, int, int]
    size: int = 96
    config: Config = field(default_factory=Config)
    seed: int = 0

    def __post_init__(self) -> None:
        for label in ("scenes", "steps"):
            values = getattr(self, label)
            if len(values) != 3 or any(not isinstance(v, int) or v < 0 for v in values):
                raise InputError(
                    f"expected three whole numbers from 0 on as {label} (SSJE, SFTN, TVE), got "
                    f"{values!r}: mend the recipe"
                )
        if self.size < 24:
            raise InputError(f"expected scenes of at least 24 pixels a side, got {self.size}")


def tiny(seed: int = 0) -> Recipe:
    """For class: from nothing to a useful model in three minutes on two cores."""
    return Recipe("tiny", scenes=(16, 48, 96), steps=(100, 600, 400), seed=seed)


def full(seed: int = 0) -> Recipe:
    """The shipped checkpoint: at most 45 minutes on two cores."""
    return Recipe("full", scenes=(96, 320, 320), steps=(800, 3000, 2000), seed=seed)


def ssje(seed: int = 0) -> Recipe:
    """An SSJE alone, for lesson 04: what it learns with and without one of its units."""
    return Recipe("ssje", scenes=(24, 0, 0), steps=(300, 0, 0), seed=seed)


STEP_DOWN = 2  # ratio one level down
ZERO_SHOT = Recipe(
    "zero-shot", scenes=(0, 0, 16), steps=(0, 0, 200), size=60, config=Config(without=("sftn",))
)


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
        validation: seeds of the scenes on which the error estimate is calibrated; `VALIDATION`
            without it.

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
        """All three stages, the calibration, the file."""
        tve = self.network.tve
        self._stage(0, self.network.ssje, self._ssje, 8e-3)
        self._stage(1, tve.sftn, self._sftn, 3e-3)
        tve.sftn.requires_grad_(False)
        self._stage(2, tve, self._tve, 4e-3)
        size = self.recipe.size
        calibrate(self.network, (self.scene(seed, size, 0.0, 0.0) for seed in validation))
        self.network.provenance = {
            "recipe": asdict(self.recipe), "commit": commit(), "torch": torch.__version__
        }  # fmt: skip
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
        loop(
            module, prepare_loss(count), steps, stage=STAGES[index], rate=rate,
            seed=self.recipe.seed, callback=self._after_step, state=self.state,
        )  # fmt: skip
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

    def _ssje(self, count: int) -> LossOf:
        pairs = [self.maps(seed) for seed in self._seeds("SSJE", count)]
        return lambda draw: ssje_patches(self.network.ssje, pairs, draw)

    def _evidence(self, stage: str, count: int) -> Iterator[tuple[int, Evidence]]:
        return ((seed, self.evidence(stage, seed)) for seed in self._seeds(stage, count))

    def _sftn(self, count: int) -> LossOf:
        sftn = self.network.tve.sftn
        samples = Samples(
            (sftn_sample(e, sftn, some_pixels(e.scene, self.pixels(2048), seed))
             for seed, e in self._evidence("SFTN", count)),
            SFTN_ROWS,
        )  # fmt: skip
        return lambda draw: sftn_loss(sftn, samples.batch(draw, 8, 512))

    def _tve(self, count: int) -> LossOf:
        tve = self.network.tve
        samples = Samples(
            (tve_sample(e, tve, some_pixels(e.scene, self.pixels(1200), seed), seed)
             for seed, e in self._evidence("TVE", count)),
            TVE_ROWS,
        )  # fmt: skip
        return lambda draw: tve_loss(tve, turned(samples.batch(draw, 8, 128), draw))

    def pixels(self, most: int) -> int:
        """How many pixels of a scene are kept as samples."""
        return min(most, self.recipe.size**2 // 2)


@torch.no_grad()
def calibrate(network: DCSTSF, scenes: Iterable[Scene]) -> None:
    """Scale the error estimate so that ±1.645 σ holds 90 % of the errors, all bands together."""
    ratios = []
    for scene in scenes:
        assert scene.hrhs_t2 is not None
        network.calibration.fill_(1.0)
        found = network(scene)
        error = np.abs(found.x2 - scene.hrhs_t2) / np.maximum(found.sigma, 1e-6)
        ratios.append(error[:, scene.valid_hr].ravel()[::7])
    if ratios:
        network.calibration.fill_(float(np.quantile(np.concatenate(ratios), 0.9)) / Z90)


def adapt(scene: Scene, *, seed: int = 0, callback: Callback = lambda progress: None) -> DCSTSF:
    """Zero-shot: a TVE trained from nothing on the user's own three images.

    One level down, Y1 is the truth that D M1 and D Y1 are made from; patches of it are exchanged
    and the light is changed to give a second date (`one_level_down`). The SSJE stays untrained,
    which is the classical estimate: one level down it learns the sharpness of the wrong scale.
    The SFTN stays out too: one scene is no library.

    Args:
        scene: the observations, registered and calibrated; at least 20 HS pixels a side.
        seed: of weights, patches and batches.
        callback: see `train`.

    Raises:
        InputError: a scene that is too small.
    """
    side = min(scene.lrhs_t1.shape[1:]) // STEP_DOWN * STEP_DOWN
    if side < 20:
        raise InputError(
            f"expected at least 20 HS pixels a side to learn from, got {scene.lrhs_t1.shape[1]} x "
            f"{scene.lrhs_t1.shape[2]}: take a larger scene, or the trained network"
        )
    recipe = replace(ZERO_SHOT, size=max(side, 24), seed=seed)
    return train(
        recipe, callback=callback, scene=lambda at, *_: one_level_down(scene, at), validation=[90]
    )


def one_level_down(scene: Scene, seed: int) -> Scene:
    """A training scene with truth made of Y1 and D M1, and of patches exchanged between them.

    The ratio is 2 whatever the scene's, so that as many pixels as possible are left.
    """
    assert scene.psf is not None
    rng = np.random.default_rng(seed)
    height, width = (n // STEP_DOWN * STEP_DOWN for n in scene.lrhs_t1.shape[1:])
    x1 = scene.lrhs_t1[:, :height, :width]
    m1 = scene.D_ms.A(scene.hrms_t1)[:, :height, :width]
    patch, source, light = exchange(rng, (height, width), smooth=rng.uniform(1.5, 4))
    power = rng.uniform(-0.03, 0.03)

    def second(cube: np.ndarray, centre: np.ndarray) -> np.ndarray:
        tilt = (centre / 1000.0)[:, None] ** power
        return (cube.reshape(len(cube), -1)[:, source] * light * tilt).reshape(cube.shape)

    noise = rng.standard_normal(m1.shape) * scene.noise_ms[:, None, None]
    psf = [
        Psf(p.sigma_y * STEP_DOWN / scene.ratio, p.sigma_x * STEP_DOWN / scene.ratio)
        for p in scene.psf
    ]
    below = SpatialDegradation((height, width), STEP_DOWN, psf, scene.hs.detector)
    y1, m2, x2 = below.A(x1), second(m1, scene.ms.centre) + noise, second(x1, scene.hs.centre)
    y1, m1, m2, x1, x2 = (np.asarray(cube, np.float32) for cube in (y1, m1, m2, x1, x2))
    return Scene(
        y1, m1, m2, scene.hs, scene.ms, hrhs_t1=x1, hrhs_t2=x2,
        change=patch.astype(np.uint8) * KINDS.index("construction"),
        psf=tuple(psf), snr_hs=scene.snr_hs, snr_ms=scene.snr_ms,
    )  # fmt: skip


# --- the file of an interrupted run ---------------------------------------------------------------


def write_part(path: Path, network: DCSTSF, recipe: Recipe, stage: int, state: Loop) -> None:
    """Everything that a training needs to go on, in one safetensors file."""
    tensors = {f"network/{name}": value for name, value in network.state_dict().items()}
    for index, values in state.moments.items():
        tensors |= {f"adam/{index}/{name}": value for name, value in values.items()}
    about = {
        "recipe": json.dumps(asdict(recipe)), "stage": str(stage), "step": str(state.step),
    }  # fmt: skip
    with replacing(path) as temporary:
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, temporary, about)


def read_part(path: Path, network: DCSTSF, recipe: Recipe) -> tuple[int, Loop]:
    """Fill the network and return stage and loop state.

    Raises:
        InputError: a broken file, or one of another recipe.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"expected an interrupted training, could not read {path}: delete it and start anew"
        ) from error
    if about["recipe"] != json.dumps(asdict(recipe)):
        raise InputError(
            f"expected the recipe of this training in {path}, found another: go on with that one, "
            "delete the file, or write to another name"
        )
    head = "network/"
    network.load_state_dict({k[len(head) :]: v for k, v in tensors.items() if k.startswith(head)})
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("adam/"):
            _, index, name = key.split("/")
            moments.setdefault(int(index), {})[name] = value
    return int(about["stage"]), Loop(int(about["step"]), moments)


def commit() -> str:
    """The commit of the working copy, for the provenance; "unknown" outside one."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=Path(__file__).parent,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
