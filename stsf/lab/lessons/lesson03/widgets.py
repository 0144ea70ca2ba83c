"""Widgets and figures of lesson 03: two constraints, projected on in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stsf.alignment.registration import register
from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import FLOOR, draw_pixel, slider, small_legend
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.plots.colour import (
    BLUE,
    GREEN,
    GREY,
    MS_COLOUR,
    ORANGE,
    SKY,
    rgb,
    stretch_limits,
)
from stsf.plots.figures import WIDTH
from stsf.projection import Step, alternating_projection
from stsf.scene import Scene
from stsf.world.observation import wald

ROUNDS = 3


SNR = {f"{n} dB": float(n) for n in (50, 40, 35, 30, 20, 10)}  # choices for Y1


SNR_MS = 40.0  # dB, wherever there is noise at all


LINES = ("-", "--", "-.", ":")


CORNER = (60, 30)  # (y, x) in the scene of the pixel where the window of this lesson begins


def here(pixel: tuple[int, int]) -> tuple[int, int]:
    """Row and column in the window of a pixel of the scene."""
    return pixel[0] - CORNER[0], pixel[1] - CORNER[1]


def extent(size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Where an image of the window stands in the coordinates of the scene."""
    (y, x), (height, width) = CORNER, size
    return x - 0.5, x + width - 0.5, y + height - 0.5, y - 0.5


class ProjectionExplorer(Redrawn):
    """Step through the projections; spoil the data with noise or a shift; mend them.

    Args:
        scene: with truth; its X1 is observed afresh for every setting.
        pixel: (y, x) of the whole scene, whose spectrum is drawn.
    """

    def __init__(self, scene: Scene, pixel: tuple[int, int]) -> None:
        self.scene, self.pixel = scene, pixel
        self.step = slider(ipywidgets.IntSlider, 0, "projections made", min=0, max=2 * ROUNDS)
        self.snr = slider(
            ipywidgets.SelectionSlider, "no noise", "SNR of Y1", options=["no noise", *SNR]
        )
        limits = {"min": 0.0, "max": 1.5, "step": 0.25}
        self.shift = slider(ipywidgets.FloatSlider, 0.0, "shift of Y1 (px)", **limits)
        self.regularised = ipywidgets.Checkbox(False, description="regularised")
        self.mend = ipywidgets.Checkbox(False, description="register first")
        self.show_with([self.step, self.snr, self.shift], [self.regularised, self.mend])

    def view(self) -> tuple[Figure, str]:
        """The cube after so many projections, under the settings."""
        settings = SNR.get(self.snr.value), self.shift.value, self.mend.value
        _, steps = projection_path(self.scene, *settings, self.regularised.value)
        self.step.max = len(steps) - 1  # the regularised way ends after one round
        return projection_view(
            self.scene, self.pixel, self.step.value, snr=SNR.get(self.snr.value),
            shift=self.shift.value, mend=self.mend.value, regularised=self.regularised.value,
        )  # fmt: skip


@lru_cache(maxsize=4)  # so that the slider of steps is quick
def projection_path(
    scene: Scene,
    snr: float | None = None,
    shift: float = 0.0,
    mend: bool = False,
    regularised: bool = False,
) -> tuple[Scene, tuple[Step, ...]]:
    """Observe the truth X1 of a scene anew, then project in turn.

    Args:
        scene: with truth; its PSF is the one that is believed.
        snr: of Y1, dB; None for data without noise. The MS then has 40 dB, or none either.
        shift: of Y1 against M1, down and right, high-resolution pixels; not told to the method.
        mend: look for the shift in the images first.
        regularised: as in `alternating_projection`.

    Returns:
        The scene as the method sees it, and its steps, the start first.
    """
    x1 = scene.truth(1)
    real = tuple(
        replace(p, shift_y=p.shift_y + shift, shift_x=p.shift_x + shift) for p in scene.psf
    )
    observed = wald(
        x1, scene.hs, scene.ms, scene.ratio, psf=real,
        snr_hs=snr, snr_ms=None if snr is None else SNR_MS,
    )  # fmt: skip
    mended = replace(observed, psf=scene.psf)
    if mend:
        mended, _ = register(mended)
    return mended, tuple(alternating_projection(mended, ROUNDS, regularised=regularised))


def error_of(scene: Scene, step: Step) -> float:
    """RMS difference between a step and the truth X1, reflectance."""
    return float(np.sqrt(np.mean(np.square(step.x - scene.truth(1)), dtype=np.float64)))


def projection_view(
    scene: Scene,
    pixel: tuple[int, int],
    step: int = 0,
    *,
    snr: float | None = None,
    shift: float = 0.0,
    mend: bool = False,
    regularised: bool = False,
) -> tuple[Figure, str]:
    """The cube after some projections: image, error, one spectrum, and both residuals so far.

    Args:
        scene: with truth.
        pixel: (y, x) whose spectrum is drawn.
        step: projections made; beyond the last one, the last.
        snr: as in `projection_path`, like the following.
        shift: see there.
        mend: see there.
        regularised: see there.

    Returns:
        The figure, and one line that says what it shows.
    """
    mended, steps = projection_path(scene, snr, shift, mend, regularised)
    step = min(step, len(steps) - 1)
    now = steps[step]
    figure = sheet(WIDTH, 3.1)
    image, error, spectrum, fall = figure.subplots(1, 4, width_ratios=(4, 4, 5, 5))
    _draw_cube(figure, image, error, scene, now.x, pixel)
    draw_pixel(spectrum, mended, now.x, here(pixel))
    _draw_fall(fall, scene, steps, step)
    made = "start" if not step else f"round {now.iteration}, {now.after} projection made"
    text = (
        f"{made}: RMS of Y1 − D X = {now.residual_hs:.4f}, RMS of M1 − R X = "
        f"{now.residual_ms:.4f}, error against the truth = {error_of(scene, now):.4f}"
    )
    return figure, text


def _draw_cube(
    figure: Figure, image: Axes, error: Axes, scene: Scene, x: np.ndarray, pixel: tuple[int, int]
) -> None:
    """The estimate in SWIR colours, and its RMS error in every pixel."""
    x1 = scene.truth(1)
    nm = scene.hs.centre
    stretch = stretch_limits([(x1, nm)], "SWIR")
    where = extent(scene.size)
    image.imshow(rgb(x, nm, "SWIR", stretch), extent=where, interpolation="nearest")
    image.set_title("X̂1, SWIR colours")
    wrong = np.sqrt(np.mean(np.square(x - x1), axis=0))
    look: dict[str, Any] = {"cmap": "viridis", "vmin": 0, "vmax": 0.06, "interpolation": "nearest"}
    shown = error.imshow(wrong, extent=where, **look)
    figure.colorbar(
        shown, ax=error, label="RMS (reflectance)", extend="max", location="bottom"
    )  # as wide as the image
    error.set_title("X̂1 − X1")
    for ax in (image, error):
        ax.plot(pixel[1], pixel[0], "s", mfc="none", mec="white", mew=2)
        ax.set(xlabel="x (pixels)", ylabel="y (pixels)")


def _draw_fall(ax: Axes, scene: Scene, steps: tuple[Step, ...], now: int) -> None:
    """Both residuals and the true error, up to the present step."""
    lines = {
        "Y1 − D X": ([s.residual_hs for s in steps], SKY, "o-"),
        "M1 − R X": ([s.residual_ms for s in steps], GREEN, "s--"),
        "X − X1": ([error_of(scene, s) for s in steps], GREY, "^:"),
    }
    for name, (values, colour, look) in lines.items():
        shown = np.maximum(values[: now + 1], FLOOR)
        ax.semilogy(range(now + 1), shown, look, color=colour, ms=5, label=name)
    ax.set(xlabel="projections made", ylabel="RMS (reflectance)")
    ax.set(xlim=(-0.3, 2 * ROUNDS + 0.3), ylim=(FLOOR / 1.5, 0.1))
    small_legend(ax)
    ax.grid(alpha=0.3)


def gain_view(scene: Scene, gains: Mapping[str, np.ndarray]) -> Figure:
    """By how much each HS band moves when one MS band is off by 1.

    Args:
        scene: for its bands.
        gains: title to G (L, C), see `mmse_gain`.
    """
    figure = plt.figure(figsize=(WIDTH, 3.4), layout="constrained")
    plt.close(figure)
    axes = figure.subplots(1, len(gains), sharex=True, squeeze=False)[0]
    for ax, (title, gain) in zip(axes, gains.items()):
        for name, column, colour, line in zip(scene.ms.band_names, gain.T, MS_COLOUR, LINES):
            ax.plot(*with_gaps(scene.hs, column), color=colour, ls=line, label=name)
        ax.axhline(0.0, color=GREY, lw=0.8)
        ax.set(title=title, xlabel="wavelength (nm)", ylabel="gain")
        ax.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    return figure


def rounds_view(falls: Mapping[str, list[float]], at: Sequence[int]) -> Figure:
    """How a residual falls from round to round, on a logarithmic scale.

    Args:
        falls: title to the residual after each round, the start first.
        at: the rounds.
    """
    figure = plt.figure(figsize=(WIDTH, 3.2), layout="constrained")
    plt.close(figure)
    ax = figure.subplots()
    for (name, values), colour, line in zip(falls.items(), (BLUE, ORANGE), LINES):
        ax.semilogy(at, np.maximum(values, FLOOR / 10), line, marker=".", color=colour, label=name)
    ax.set(xlabel="rounds", ylabel="M1 − R X (RMS)")
    ax.legend(frameon=False)
    ax.grid(alpha=0.3)
    return figure
