"""Widgets and figures of lesson 03: two constraints, projected on in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stsf.alignment.registration import register
from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import FLOOR, Redrawn, draw_pixel, slider
from stsf.plots.colour import (
    BLUE,
    GREEN,
    GREY,
    MS_COLOUR,
    ORANGE,
    PURPLE,
    SKY,
    SOURCE_STYLE,
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


def zigzag(angle: float, rounds: int) -> np.ndarray:
    """Project in turn on two lines through the origin that cross at an angle.

    Args:
        angle: 0 to 90 degrees.
        rounds: one projection on the second line and one on the first each.

    Returns:
        (1 + 2 rounds, 2) points, the first of them on the first line, at distance 1.

    Example:
        >>> np.linalg.norm(zigzag(60.0, 2)[::2], axis=1).round(4).tolist()  # times cos² a round
        [1.0, 0.25, 0.0625]
    """
    turn = np.radians(angle)
    first, second = np.array([1.0, 0.0]), np.array([np.cos(turn), np.sin(turn)])
    points = [first]
    for _ in range(rounds):
        points.append(second * (second @ points[-1]))
        points.append(first * (first @ points[-1]))
    return np.array(points)


def zigzag_view(angles: tuple[float, ...] = (90.0, 60.0, 20.0), rounds: int = 4) -> Figure:
    """Alternating projection in a plane: how fast depends on the angle alone."""
    figure = plt.figure(figsize=(WIDTH, 3.4), layout="constrained")
    plt.close(figure)
    for ax, angle in zip(np.atleast_1d(figure.subplots(1, len(angles))), angles):
        slope = np.radians(angle)
        ax.plot([-0.2, 1.2], [0, 0], color=SKY, lw=2, label="explains Y1")
        along = np.array([-0.2, 1.2])
        ax.plot(along * np.cos(slope), along * np.sin(slope), color=GREEN, ls="--", lw=2,
                label="explains M1")  # fmt: skip
        ax.plot(*zigzag(angle, rounds).T, ".-", color=BLUE, lw=1, ms=6, label="estimate")
        ax.plot(0, 0, "o", mfc="none", mec=GREY, ms=11, label="explains both")
        ax.set(title=f"{angle:.0f}°", xlim=(-0.25, 1.25), ylim=(-0.25, 1.25), aspect="equal")
        ax.set(xlabel="first number", ylabel="second number")
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, ncols=4, loc="outside upper center")
    return figure


class ProjectionExplorer(Redrawn):
    """Step through the projections; spoil the data with noise or a shift; mend them.

    Args:
        scene: with truth; its X1 is observed afresh for every setting.
        pixel: (y, x) whose spectrum is drawn.
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
    seen = replace(observed, psf=scene.psf)
    if mend:
        seen, _ = register(seen)
    return seen, tuple(alternating_projection(seen, ROUNDS, regularised=regularised))


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
    seen, steps = projection_path(scene, snr, shift, mend, regularised)
    step = min(step, len(steps) - 1)
    now = steps[step]
    figure = plt.figure(figsize=(WIDTH, 7.0), layout="constrained")
    plt.close(figure)
    panes = figure.subplot_mosaic([["image", "error"], ["spectrum", "fall"]], height_ratios=(5, 4))
    _draw_cube(figure, panes["image"], panes["error"], scene, now.x, pixel)
    draw_pixel(panes["spectrum"], seen, now.x, pixel)
    _draw_fall(panes["fall"], scene, steps, step)
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
    image.imshow(rgb(x, nm, "SWIR", stretch), interpolation="nearest")
    image.set_title("estimate of X1, SWIR colours")
    wrong = np.sqrt(np.mean(np.square(x - x1), axis=0))
    shown = error.imshow(wrong, cmap="viridis", vmin=0, vmax=0.06, interpolation="nearest")
    figure.colorbar(shown, ax=error, label="RMS error (reflectance)", extend="max")
    error.set_title("error against the truth")
    for ax in (image, error):
        ax.plot(pixel[1], pixel[0], "s", mfc="none", mec="white", mew=2)
        ax.set(xlabel="x (pixels)", ylabel="y (pixels)")


def _draw_fall(ax: Axes, scene: Scene, steps: tuple[Step, ...], now: int) -> None:
    """Both residuals and the true error, up to the present step."""
    lines = {
        "Y1 − D X": ([s.residual_hs for s in steps], SKY, "o-"),
        "M1 − R X": ([s.residual_ms for s in steps], GREEN, "s--"),
        "error against the truth": ([error_of(scene, s) for s in steps], GREY, "^:"),
    }
    for name, (values, colour, look) in lines.items():
        shown = np.maximum(values[: now + 1], FLOOR)
        ax.semilogy(range(now + 1), shown, look, color=colour, ms=5, label=name)
    ax.set(xlabel="projections made", ylabel="RMS (reflectance)")
    ax.set(xlim=(-0.3, 2 * ROUNDS + 0.3), ylim=(FLOOR / 1.5, 0.1))
    ax.legend(frameon=False, ncols=2, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ax.grid(alpha=0.3)


def hidden_view(scene: Scene, hidden: np.ndarray, pixel: tuple[int, int]) -> Figure:
    """Three cubes that both sensors see alike: the truth, less its hidden part, and with it twice.

    Args:
        scene: with truth.
        hidden: Z (L, H, W) from `null_space`.
        pixel: (y, x) whose spectra are drawn.
    """
    x1 = scene.truth(1)
    cubes = {
        "X1 − Z": (x1 - hidden, ORANGE, "--"),
        "truth X1": (x1, SOURCE_STYLE["truth_t1"].colour, ":"),
        "X1 + Z": (x1 + hidden, PURPLE, "-"),
    }
    figure = plt.figure(figsize=(WIDTH, 6.6), layout="constrained")
    plt.close(figure)
    panes = figure.subplot_mosaic([[*cubes], ["spectrum"] * 3], height_ratios=(3, 2))
    nm, (row, column) = scene.hs.centre, pixel
    stretch = stretch_limits([(x1, nm)], "SWIR")
    for name, (cube, colour, line) in cubes.items():
        panes[name].imshow(rgb(cube, nm, "SWIR", stretch), interpolation="nearest")
        panes[name].plot(column, row, "s", mfc="none", mec="white", mew=2)
        panes[name].set(title=name, xlabel="x (pixels)", ylabel="y (pixels)")
        curve = with_gaps(scene.hs, cube[:, row, column])
        panes["spectrum"].plot(*curve, color=colour, ls=line, lw=2, label=name)
    panes["spectrum"].set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    panes["spectrum"].legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
    panes["spectrum"].grid(alpha=0.3)
    return figure


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
