"""Lesson 05: SSJE step by step."""

from __future__ import annotations

import re
from dataclasses import dataclass

import ipywidgets
import numpy as np
import torch
from matplotlib.colors import Normalize
from tqdm.auto import tqdm

from stsf.evidence.maps import Prepared
from stsf.inspection import with_gaps
from stsf.lab.lessons.boxes import SMALL, BoxPanels, small_print
from stsf.lab.lessons.kit import FLOOR, draw_pixel, rms, small_legend
from stsf.plots.colour import GREEN, GREY, SKY, SOURCE_STYLE, rgb, stretch_limits
from stsf.scene import Scene
from stsf.ssje import SSJE

IMAGE = "image, SWIR"  # what the pictures show; or a map
MAPS = 3  # of the first that can be shown
NEARER = {IMAGE: (0.01, "reflectance"), "map": (0.5, "units of the map")}  # ends of the scale


@dataclass(frozen=True, eq=False)
class Stage:
    """The cube after one step of SSJE, and how far it is from everything.

    Attributes:
        before: number of the step it starts from; *seu k* for *back-projection k* and *ecu k*.
        aside: shown for comparison; no step goes on from here.
    """

    name: str
    before: int
    aside: bool
    z: np.ndarray  # (n, H, W) maps
    x: np.ndarray  # (L, H, W) reflectance
    residual_hs: float  # RMS of Y1 - D X
    residual_ms: float  # RMS of M1 - R X
    error: float  # RMS of X - X1


def stages(scene: Scene, ssje: SSJE, prepared: Prepared) -> list[Stage]:
    """Every step of SSJE as a cube, the start first.

    Args:
        scene: with truth.
        ssje: trained.
        prepared: the scene as maps.
    """
    with torch.no_grad():
        _, steps = ssje(prepared, return_steps=True)
    made: list[Stage] = []
    for name, z in tqdm(steps.items(), desc="steps", unit="step", delay=1, leave=False):
        x = prepared.decode(z).numpy()
        aside = re.fullmatch("back-projection [1-9]", name) is not None
        last = max((i for i, stage in enumerate(made) if not stage.aside), default=0)
        hs, ms = rms(scene.lrhs_t1 - scene.D.A(x)), rms(scene.hrms_t1 - scene.R.A(x))
        made.append(Stage(name, last, aside, z.numpy(), x, hs, ms, rms(x - scene.truth(1))))
    return made


def rounds(made: list[Stage]) -> dict[str, Stage]:
    """The start of the first round, and what each round hands on.

    Args:
        made: see `stages`.
    """
    named = {stage.name: stage for stage in made}
    count = sum(name.startswith("ecu") for name in named)
    return {"start": named["back-projection 0"]} | {
        f"round {k}": named[f"ecu {k}"] for k in range(1, count + 1)
    }


class StagePanels(BoxPanels):
    """Before and after one step, where it came nearer to the truth, a spectrum, both residuals.

    Args:
        scene: with truth.
        made: see `stages`.
        prepared: the scene as maps.
        where: see `boxes.pixel_menu`.
    """

    def __init__(
        self, scene: Scene, made: list[Stage], prepared: Prepared, where: ipywidgets.Dropdown
    ) -> None:
        super().__init__(scene, where)
        self.steps, self.made = tuple(stage.name for stage in made), made
        names = [IMAGE, *(f"map {i + 1}" for i in range(min(MAPS, len(prepared))))]
        self.seen = ipywidgets.Dropdown(options=names, description="shown")
        self.controls.append(self.seen)
        self.wanted = prepared.encode(torch.as_tensor(scene.truth(1))).numpy()  # the true maps
        self.stretch = stretch_limits([(scene.truth(1), scene.hs.centre)], "SWIR")
        self.colours(2, Normalize(-1, 1), "RdBu", "error less", "both")
        self._shown = ""
        self._draw_fall()

    def show(self, step: str) -> str:
        """The step of this name; returns its residuals and its errors."""
        number = self.steps.index(step)
        now, last = self.made[number], self.made[self.made[number].before]
        moved = self.place()
        if moved:
            self._place_spectrum(now)
        if self._shown != self.seen.value:
            self._shown = self.seen.value
            self._rescale()
        self._show_pictures(last, now)
        self.estimate.set_ydata(with_gaps(self.scene.hs, now.x[:, *self.pixel])[1])
        self._move_fall(number)
        here = (slice(None), *self.pixel)
        return (
            f"{now.name}: RMS of Y1 − D X = {now.residual_hs:.4f}, RMS of M1 − R X = "
            f"{now.residual_ms:.4f}, error against the truth = {now.error:.4f}; at pixel y = "
            f"{self.pixel[0]}, x = {self.pixel[1]} = "
            f"{rms(now.x[here] - self.scene.truth(1)[here]):.4f}"
        )

    def _show_pictures(self, last: Stage, now: Stage) -> None:
        """Before, after, and by how much less or more each pixel errs."""
        if self.seen.value == IMAGE:
            truth, nm = self.scene.truth(1), self.scene.hs.centre
            size = [np.sqrt(np.mean(np.square(s.x - truth), axis=0)) for s in (last, now)]
            images = [rgb(s.x, nm, "SWIR", self.stretch) for s in (last, now)]
            errors = [f"{100 * s.error:.2f} %" for s in (last, now)]
        else:
            i = self.controls[1].index - 1
            size = [np.abs(s.z[i] - self.wanted[i]) for s in (last, now)]
            low, high = np.percentile(self.wanted[i], [1, 99])
            grey = [np.clip((s.z[i] - low) / (high - low), 0, 1) for s in (last, now)]
            images = [np.repeat(g[..., None], 3, axis=2) for g in grey]
            errors = [f"{rms(s):.3f}" for s in size]
        for pane, (word, image) in enumerate(zip(("before", "after"), images, strict=True)):
            self.picture(pane, image, f"{word}: error {errors[pane]}")
        self.picture(2, size[0] - size[1], "nearer (blue),\nfarther (red)")

    def _rescale(self) -> None:
        end, unit = NEARER[IMAGE if self.seen.value == IMAGE else "map"]
        self.drawn[2].set_clim(-end, end)
        self.drawn[2].colorbar.set_label(f"error less ({unit})", fontsize=SMALL)

    def _place_spectrum(self, now: Stage) -> None:
        """Spectra of the pixel; that of the estimate moves."""
        self.spectrum.clear()
        draw_pixel(self.spectrum, self.scene, now.x, self.pixel)
        small_print(self.spectrum)
        label = SOURCE_STYLE["hrhs_t1"].label
        self.estimate = next(line for line in self.spectrum.lines if line.get_label() == label)

    def _draw_fall(self) -> None:
        """Axes for both residuals and the true error, step by step; hollow: for comparison."""
        ax, made = self.last, self.made
        lines = {
            "Y1 − D X": ([s.residual_hs for s in made], SKY, "o-"),
            "M1 − R X": ([s.residual_ms for s in made], GREEN, "s--"),
            "X − X1": ([s.error for s in made], GREY, "^:"),
        }
        self.fall = []
        for name, (values, colour, look) in lines.items():
            (way,) = ax.semilogy([], [], look, color=colour, ms=5, label=name)
            (aside,) = ax.semilogy([], [], look[0], color=colour, ms=5, mfc="none")
            self.fall.append((np.maximum(values, FLOOR), way, aside))
        short = [s.name.replace("back-projection", "b-p") for s in made]
        ax.set_xticks(range(len(made)), short, rotation=90, fontsize=6)
        every = np.concatenate([values for values, _, _ in self.fall])
        ax.set(xlabel="step", ylabel="RMS (reflectance)")
        ax.set(xlim=(-0.3, len(made) - 0.7), ylim=(0.7 * every.min(), 1.5 * every.max()))
        small_legend(ax)
        small_print(ax)
        ax.tick_params(axis="x", labelsize=6)
        ax.grid(alpha=0.3)

    def _move_fall(self, now: int) -> None:
        """Draw the residuals up to the present step."""
        path = [i for i in range(now + 1) if not self.made[i].aside]
        aside = [i for i in range(now + 1) if self.made[i].aside]
        for values, way, hollow in self.fall:
            way.set_data(path, values[path])
            hollow.set_data(aside, values[aside])
