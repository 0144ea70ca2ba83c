"""Lesson 07: the fine-tuning network on few and on many scenes, step by step.

    python -m stsf.lab.lessons.lesson07.overfitting --out data/results/diversity.csv

measures what more scenes and what more steps are worth; the lesson shows the result.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import ipywidgets
import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from stsf.evidence import canonical
from stsf.evidence.evidence import Evidence
from stsf.lab.lessons.kit import slider
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.network import DCSTSF, shipped
from stsf.plots.colour import BLACK, BLUE, GREEN, ORANGE, SOURCE_STYLE
from stsf.plots.figures import WIDTH
from stsf.sensing.spectra import library
from stsf.sensing.subspace import band_quality
from stsf.sftn import SpectralFineTuningNetwork
from stsf.training.curriculum import draw
from stsf.training.loops import (
    Progress,
    Samples,
    SftnSample,
    loop,
    sftn_loss,
    sftn_sample,
    some_pixels,
)
from stsf.training.run import FIRST_SEED, VALIDATION

SIZE, PIXELS, WIDTH_OF_NET = 48, 512, 112


BATCH = 128  # pixels of each of eight scenes: small, so that a lesson is quick


SHOWN = 24  # pixels whose curves are remembered


RATE = 3e-3


class Snapshot(NamedTuple):
    """The network after some steps.

    Attributes:
        step: how many.
        seen: loss on the scenes it learns from.
        unseen: loss on others.
        curves: (SHOWN, N) what it says of some pixels of the others, reflectance.
    """

    step: int
    seen: float
    unseen: float
    curves: np.ndarray


def scene_sample(network: DCSTSF, seed: int) -> SftnSample:
    """What the SFTN learns from one training scene, with the X1 of a finished network."""
    scene = draw(seed, SIZE)
    evidence = Evidence(scene, network.first_date(scene))
    return sftn_sample(evidence, network.tve.sftn, some_pixels(scene, PIXELS, seed))


def scene_samples(network: DCSTSF, count: int, first: int = FIRST_SEED["SFTN"]) -> list[SftnSample]:
    """`count` of them, seeds from `first` on."""
    return [scene_sample(network, seed) for seed in range(first, first + count)]


def unseen_samples(network: DCSTSF) -> list[SftnSample]:
    """Of scenes that no training sees: other seeds, training materials."""
    return [scene_sample(network, seed) for seed in VALIDATION]


def learn(
    seen: Sequence[SftnSample],
    unseen: Sequence[SftnSample],
    at: Iterable[int],
    seed: int = 0,
    callback: Callable[[Progress], None] | None = None,
) -> list[Snapshot]:
    """Train an SFTN from nothing and look at it now and then.

    Args:
        seen: scenes it learns from.
        unseen: scenes it is only tested on.
        at: after how many steps to look; it stops after the last.
        seed: of weights and batches.
        callback: told after every step.
    """
    torch.manual_seed(seed)
    sftn, samples = SpectralFineTuningNetwork(WIDTH_OF_NET), Samples(seen)
    looks, snapshots = sorted(at), list[Snapshot]()
    both = samples.all, Samples(unseen).all

    @torch.no_grad()
    def look(progress: Progress) -> None:
        if callback and progress.step:
            callback(progress)
        if progress.step in looks:
            known, other = (sftn_loss(sftn, batch).item() for batch in both)
            z = sftn(both[1].curves).flatten(0, 1)[:: _stride(unseen)][:SHOWN]
            snapshots.append(Snapshot(progress.step, known, other, canonical.fine()(z).numpy()))

    look(Progress("SFTN", 0, looks[-1], float("nan")))
    loop(
        sftn, lambda draw: sftn_loss(sftn, samples.batch(draw, 8, BATCH)), looks[-1],
        stage=f"{len(seen)} scenes", rate=RATE, seed=seed, callback=look,
    )  # fmt: skip
    return snapshots


def _stride(samples: Sequence[SftnSample]) -> int:
    return max(1, len(samples) * PIXELS // SHOWN)


def true_curves(unseen: Sequence[SftnSample]) -> np.ndarray:
    """(SHOWN, N) the right answers to `Snapshot.curves`."""
    z = torch.cat([sample[-1] for sample in unseen])[:: _stride(unseen)][:SHOWN]
    return canonical.fine()(z).numpy()


class Player(Redrawn):
    """Play a training: step, number of scenes and pixel by slider.

    Args:
        runs: number of scenes to its snapshots, see `learn`.
        truth: see `true_curves`.
    """

    def __init__(self, runs: Mapping[int, Sequence[Snapshot]], truth: np.ndarray) -> None:
        self.runs, self.truth = runs, truth
        steps = [snapshot.step for snapshot in next(iter(runs.values()))]
        self.step = slider(ipywidgets.SelectionSlider, steps[0], "step", options=steps)
        self.scenes = slider(
            ipywidgets.SelectionSlider, next(iter(runs)), "training scenes", options=list(runs)
        )
        self.pixel = slider(ipywidgets.IntSlider, 0, "pixel", min=0, max=len(truth) - 1)
        self.show_with([self.step, self.scenes], [self.pixel])

    def view(self) -> tuple[Figure, str]:
        """The training as far as the sliders say."""
        return training_view(
            self.runs, self.truth, self.scenes.value, self.step.value, self.pixel.value
        )


def training_view(
    runs: Mapping[int, Sequence[Snapshot]],
    truth: np.ndarray,
    scenes: int,
    step: int,
    pixel: int = 0,
) -> tuple[Figure, str]:
    """Both losses up to a step, and the curve of a pixel that was never trained on.

    Args:
        runs: number of scenes to its snapshots, see `learn`.
        truth: see `true_curves`.
        scenes: which run.
        step: which snapshot.
        pixel: number of the pixel.

    Returns:
        The figure, and one line that says what it shows.
    """
    past = [snapshot for snapshot in runs[scenes] if snapshot.step <= step]
    now = past[-1]
    figure = sheet(WIDTH, 3.1)
    fall, curve = figure.subplots(1, 2)
    at = [snapshot.step for snapshot in past]
    fall.plot(at, [s.seen for s in past], "o-", color=BLUE, label="scenes it learns from")
    fall.plot(at, [s.unseen for s in past], "s--", color=ORANGE, label="unseen scenes")
    every = [loss for run in runs.values() for s in run for loss in (s.seen, s.unseen)]
    fall.set(xlabel="step", ylabel="loss", ylim=(0, 1.05 * max(every)))
    fall.set_xlim(-0.02 * runs[scenes][-1].step, 1.03 * runs[scenes][-1].step)
    axis = library("train").wavelength
    nm = np.where(band_quality(axis) == "clean", axis, np.nan)
    estimate, right = (_with_gaps(nm, values) for values in (now.curves[pixel], truth[pixel]))
    style = SOURCE_STYLE["hrhs_t2"]
    curve.plot(nm, estimate, color=style.colour, label="the network, t2")
    curve.plot(nm, right, color=BLACK, ls=":", lw=2.2, label="truth, t2")
    curve.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    curve.set_ylim(0, 1.3 * float(truth[pixel].max()))
    for ax in (fall, curve):
        ax.legend(frameon=False, fontsize=9, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        ax.grid(alpha=0.3)
    text = (
        f"{scenes} scenes, step {now.step}: loss on the scenes it learns from {now.seen:.3f}, on "
        f"unseen scenes {now.unseen:.3f}; this pixel errs by "
        f"{np.sqrt(np.mean((now.curves[pixel] - truth[pixel]) ** 2)):.3f}"
    )
    return figure, text


def _with_gaps(nm: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values at the clean wavelengths, NaN between them."""
    full = np.full(len(nm), np.nan)
    full[np.isfinite(nm)] = values
    return full


def diversity_view(table: pd.DataFrame) -> Figure:
    """Loss on unseen scenes against steps, median and range of the draws, a curve per count.

    Args:
        table: as `main` writes it.
    """
    figure = plt.figure(figsize=(0.7 * WIDTH, 3.8), layout="constrained")
    plt.close(figure)
    ax = figure.subplots()
    for (scenes, rows), colour, look in zip(
        table.groupby("scenes"), (ORANGE, GREEN, BLUE), ("s--", "^-.", "o-")
    ):
        spread = rows.groupby("steps").unseen.agg(["min", "median", "max"])
        middle = spread["median"]
        reach = [middle - spread["min"], spread["max"] - middle]  # all draws
        ax.errorbar(spread.index, middle, yerr=reach, fmt=look, color=colour, capsize=3,
                    label=f"{scenes} scenes")  # fmt: skip
    medians = table.groupby(["scenes", "steps"]).unseen.median()
    low, high = 0.9 * table.unseen.min(), 1.5 * medians.max()
    ax.set(xscale="log", xlabel="steps", ylim=(low, high))
    ax.set_ylabel("loss on unseen scenes\n(median and range of the draws)")
    if table.unseen.max() > high:
        ax.set_title("a bar that leaves the frame: a draw went astray", fontsize="medium")
    ax.set_xticks(sorted(table.steps.unique()), [f"{s}" for s in sorted(table.steps.unique())])
    ax.minorticks_off()
    ax.legend(frameon=False)
    ax.grid(alpha=0.3)
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure 2, 8 and 24 scenes at equal steps, three draws each, and write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--scenes", type=int, nargs="+", default=[2, 8, 24])
    parser.add_argument("--steps", type=int, nargs="+", default=[50, 100, 200, 400])
    chosen = parser.parse_args(arguments)
    network, rows = shipped(), []
    unseen = unseen_samples(network)
    for number in range(chosen.draws):
        first = FIRST_SEED["SFTN"] + 1000 * (number + 10)
        every = scene_samples(network, max(chosen.scenes), first)
        for scenes in chosen.scenes:
            since = time.perf_counter()
            for snapshot in learn(every[:scenes], unseen, chosen.steps, seed=number):
                if snapshot.step:
                    losses = {"seen": round(snapshot.seen, 4), "unseen": round(snapshot.unseen, 4)}
                    rows.append({"draw": number, "scenes": scenes, "steps": snapshot.step} | losses)
            print(f"draw {number}, {scenes} scenes: {time.perf_counter() - since:.0f} s")
    pd.DataFrame(rows).to_csv(chosen.out, index=False)


if __name__ == "__main__":
    main()
