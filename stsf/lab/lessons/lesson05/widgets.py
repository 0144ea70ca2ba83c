"""Lesson 05: SSJE step by step, its maps, and its gains over the classical methods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ipywidgets
import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stsf.baselines.registry import get_method
from stsf.evidence.maps import Prepared
from stsf.inspection import with_gaps
from stsf.lab.lessons import diagram
from stsf.lab.lessons.kit import (
    FLOOR,
    SMALL_IS_GOOD,
    SUITES,
    Redrawn,
    by_scene,
    draw_pixel,
    results,
    rms,
    small_legend,
)
from stsf.plots.colour import BLUE, GREEN, GREY, SKY, rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.scene import Scene
from stsf.sensing.bands import Sensor
from stsf.ssje import SSJE

SHOWN = 30  # fine pixels on either side of the pixel that a window shows


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
    for name, z in steps.items():
        x = prepared.decode(z).numpy()
        aside = re.fullmatch("back-projection [1-9]", name) is not None
        last = max((i for i, stage in enumerate(made) if not stage.aside), default=0)
        hs, ms = rms(scene.lrhs_t1 - scene.D.A(x)), rms(scene.hrms_t1 - scene.R.A(x))
        made.append(Stage(name, last, aside, x, hs, ms, rms(x - scene.truth(1))))
    return made


def rounds(made: list[Stage]) -> dict[str, Stage]:
    """The start of the first round, and what each round hands on.

    Args:
        made: see `stages`.
    """
    found = {stage.name: stage for stage in made}
    count = sum(name.startswith("ecu") for name in found)
    return {"start": found["back-projection 0"]} | {
        f"round {k}": found[f"ecu {k}"] for k in range(1, count + 1)
    }


class StageExplorer(Redrawn):
    """The block diagram to click: what a step takes, gives and changes, and its line of code.

    Args:
        scene: with truth.
        made: see `stages`.
        pixels: name to (y, x) whose spectrum can be drawn, in the middle of the window.
    """

    def __init__(
        self, scene: Scene, made: list[Stage], pixels: Mapping[str, tuple[int, int]]
    ) -> None:
        self.scene, self.made, self.pixels = scene, made, pixels
        boxes = [(("" if i == 0 else "→ ") + stage.name, i) for i, stage in enumerate(made)]
        self.step = ipywidgets.ToggleButtons(options=boxes, style={"button_width": "11em"})
        self.where = ipywidgets.Dropdown(options=list(pixels), description="pixel")
        self.about = ipywidgets.HTMLMath()
        self.show_with([self.step], [self.where])
        self.columns = ([self.step, ipywidgets.HBox([self.where, self.about])],)

    def view(self) -> tuple[Figure, str]:
        """The cube after the chosen step, at the chosen pixel."""
        self.about.value = diagram.about(self.made[self.step.value].name)
        return stage_view(self.scene, self.made, self.step.value, self.pixels[self.where.value])


def stage_view(
    scene: Scene, made: list[Stage], step: int, pixel: tuple[int, int]
) -> tuple[Figure, str]:
    """The cube after one step, what the step changed, one spectrum, and both residuals so far.

    Args:
        scene: with truth.
        made: see `stages`.
        step: 0 for the start.
        pixel: (y, x).

    Returns:
        The figure, and one line that says what it shows.
    """
    now, last, x1 = made[step], made[made[step].before], scene.truth(1)
    figure = plt.figure(figsize=(WIDTH, 2.9), layout="constrained")
    plt.close(figure)
    *images, spectrum, fall = figure.subplots(1, 5, width_ratios=(3, 3, 3, 4, 4.4))
    _draw_window(figure, images, scene, now, last, pixel)
    draw_pixel(spectrum, scene, now.x, pixel)
    _draw_fall(fall, made, step)
    here = (slice(None), *pixel)
    text = (
        f"{now.name}: RMS of Y1 − D X = {now.residual_hs:.4f}, RMS of M1 − R X = "
        f"{now.residual_ms:.4f}, error against the truth = {now.error:.4f}; at pixel y = "
        f"{pixel[0]}, x = {pixel[1]} = {rms(now.x[here] - x1[here]):.4f}"
    )
    return figure, text


def _draw_window(
    figure: Figure, axes: Sequence[Axes], scene: Scene, now: Stage, last: Stage,
    pixel: tuple[int, int],
) -> None:  # fmt: skip
    """Before, after, and by how much the step moved the estimate round the pixel."""
    x1, nm = scene.truth(1), scene.hs.centre
    top, left = (
        int(np.clip(p - SHOWN, 0, max(n - 2 * SHOWN, 0))) for p, n in zip(pixel, scene.size)
    )
    part = (slice(None), slice(top, top + 2 * SHOWN), slice(left, left + 2 * SHOWN))
    rows, columns = now.x[part].shape[1:]
    extent = (left - 0.5, left + columns - 0.5, top + rows - 0.5, top - 0.5)
    stretch = stretch_limits([(x1, nm)], "SWIR")
    moved = np.sqrt(np.mean(np.square(now.x[part] - last.x[part]), axis=0))
    for ax, cube, title in zip(axes, (last.x, now.x), ("before", "after")):
        ax.imshow(rgb(cube[part], nm, "SWIR", stretch), extent=extent, interpolation="nearest")
        ax.set_title(f"{title}, SWIR", fontsize=9)
    shown = axes[2].imshow(
        moved, extent=extent, cmap="viridis", vmin=0, vmax=0.02, interpolation="nearest"
    )
    figure.colorbar(shown, ax=axes[2], label="reflectance", extend="max", location="bottom")
    axes[2].set_title("RMS change", fontsize=9)
    for ax in axes:
        ax.plot(pixel[1], pixel[0], "s", mfc="none", mec="white", mew=2)
        ax.set(xlabel="x (pixels)", ylabel="y (pixels)")


def _draw_fall(ax: Axes, made: list[Stage], now: int) -> None:
    """Both residuals and the true error, up to the present step; hollow: shown for comparison."""
    lines = {
        "Y1 − D X": ([s.residual_hs for s in made], SKY, "o-"),
        "M1 − R X": ([s.residual_ms for s in made], GREEN, "s--"),
        "X − X1": ([s.error for s in made], GREY, "^:"),
    }
    path = [i for i in range(now + 1) if not made[i].aside]
    aside = [i for i in range(now + 1) if made[i].aside]
    for name, (values, colour, look) in lines.items():
        shown = np.maximum(values, FLOOR)
        ax.semilogy(path, shown[path], look, color=colour, ms=5, label=name)
        ax.semilogy(aside, shown[aside], look[0], color=colour, ms=5, mfc="none")
    short = [s.name.replace("back-projection", "b-p") for s in made]
    ax.set_xticks(range(len(made)), short, rotation=90, fontsize=6)
    low = min(min(s.residual_hs, s.residual_ms) for s in made)
    high = max(max(s.residual_hs, s.residual_ms, s.error) for s in made)
    ax.set(xlabel="step", ylabel="RMS (reflectance)")
    ax.set(xlim=(-0.3, len(made) - 0.7), ylim=(0.7 * max(low, FLOOR), 1.5 * high))
    small_legend(ax)
    ax.grid(alpha=0.3)


def columns_of(prepared: Prepared, count: int) -> np.ndarray:
    """The first columns of E (count, L): what one unit of a map adds to a spectrum."""
    one = torch.zeros(len(prepared), *prepared.base.shape[1:])
    middle = one.shape[1] // 2, one.shape[2] // 2
    found = []
    for i in range(count):
        z = one.clone()
        z[i] = 1.0
        found.append((prepared.decode(z) - prepared.decode(one))[:, middle[0], middle[1]])
    return torch.stack(found).numpy()


def maps_view(
    prepared: Prepared, hs: Sensor, truth: np.ndarray, estimate: np.ndarray, count: int = 3
) -> Figure:
    """The first maps: as Y1 shows them, as estimated, as they truly are, and what they stand for.

    Args:
        prepared: the scene as maps.
        hs: the L bands.
        truth: X1 (L, H, W).
        estimate: of X1.
        count: how many maps.
    """
    figure = plt.figure(figsize=(WIDTH, 2.6 * count), layout="constrained")
    plt.close(figure)
    spectra = columns_of(prepared, count)
    sharp = [prepared.encode(torch.as_tensor(x)).numpy() for x in (estimate, truth)]
    for i, row in enumerate(figure.subplots(count, 4, squeeze=False)):
        panes = {"in Y1": prepared.y[i].numpy(), "estimated": sharp[0][i], "truth": sharp[1][i]}
        low, high = np.percentile(sharp[1][i], [1, 99])
        for ax, (title, values) in zip(row[:3], panes.items()):
            shown = ax.imshow(values, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            ax.set(title=f"map {i + 1}, {title}", xlabel="x (pixels)", ylabel="y (pixels)")
        figure.colorbar(shown, ax=row[2], label="units of the map", extend="both", fraction=0.05)
        row[3].plot(*with_gaps(hs, spectra[i]), color=BLUE)
        row[3].axhline(0, color=GREY, lw=1)
        row[3].set(title=f"column {i + 1} of E", xlabel="wavelength (nm)", ylabel="reflectance")
    return figure


RIVALS = ("local-regression", "hysure", "projection", "fuse", "cnmf")


def gains(suite: str, bands: str = "all", figure: str = "psnr") -> dict[str, pd.Series]:
    """Of the stored results: what SSJE is better than each rival, scene by scene.

    Args:
        suite: one of `kit.SUITES`.
        bands: group of bands.
        figure: of merit; a smaller angle counts as better.

    Returns:
        Rival to one gain per scene, in the unit of the figure.
    """
    wide = by_scene(results(suite), "x1", figure, bands=bands)
    if suite == "real":  # the X1 of a window is the same in each of its draws
        wide = wide.groupby(lambda scene: scene.split("/")[0]).first()
    sign = -1 if figure in SMALL_IS_GOOD else 1
    return {rival: sign * (wide["dcstsf"] - wide[rival]) for rival in RIVALS}


def losses() -> pd.DataFrame:
    """Every suite, figure, group of bands and rival where the rival has the better mean."""
    rows = [
        (suite, figure, bands, rival, int((gain < 0).sum()), len(gain))
        for suite in SUITES
        for figure in ("psnr", "sam")
        for bands in ("all", "MS-covered", "VNIR gaps", "SWIR")
        for rival, gain in gains(suite, bands, figure).items()
        if gain.mean() < 0
    ]
    names = ["suite", "figure", "bands", "better in the mean", "SSJE worse in", "of scenes"]
    return pd.DataFrame(rows, columns=names)


def gains_view(found: Mapping[str, Mapping[str, np.ndarray | pd.Series]]) -> Figure:
    """Gains over a rival, scene by scene, and their mean.

    Args:
        found: suite to rival to one gain per scene, dB.
    """
    figure = plt.figure(figsize=(WIDTH, 3.6), layout="constrained")
    plt.close(figure)
    axes = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for ax, (suite, rivals) in zip(axes, found.items()):
        for y, (_, gain) in enumerate(rivals.items()):
            ax.plot(gain, np.full(len(gain), y), "o", mfc="none", color=GREY, ms=5)
            ax.plot(np.mean(gain), y, "D", color=BLUE, ms=7)
        ax.axvline(0, color=GREY, lw=1)
        ax.set(title=suite, xlabel="gain of SSJE (PSNR, dB)")
        ax.set(
            yticks=range(len(rivals)), yticklabels=[get_method(name, "x1").label for name in rivals]
        )
        ax.grid(alpha=0.3)
    axes[0].set(ylabel="method")
    axes[0].invert_yaxis()
    axes[0].plot([], [], "o", mfc="none", color=GREY, ms=5, label="one scene")
    axes[0].plot([], [], "D", color=BLUE, ms=7, label="mean")
    figure.legend(frameon=False, ncols=2, loc="outside upper center")
    return figure
