"""Lesson 03: two sets that meet, and what is free in both."""

from __future__ import annotations

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import FLOOR, rms, slider
from stsf.lab.lessons.lesson03.widgets import extent, here
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.plots.colour import BLUE, GREEN, GREY, PURPLE, SKY, SOURCE_STYLE, rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.scene import Scene


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
    figure = sheet(WIDTH, 3.2)
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


def hidden_view(
    scene: Scene, hidden: np.ndarray, pixel: tuple[int, int], t: float = 1.0
) -> tuple[Figure, str]:
    """The truth with t times its hidden part added, which both sensors see alike.

    Args:
        scene: with truth, observed exactly.
        hidden: Z (L, H, W) from `null_space`.
        pixel: (y, x) of the whole scene, whose spectrum is drawn.
        t: how much of Z is added.

    Returns:
        The figure, and one line with both residuals and the error.
    """
    x1, nm = scene.truth(1), scene.hs.centre
    cube = x1 + t * hidden
    hs, ms = rms(scene.lrhs_t1 - scene.D.A(cube)), rms(scene.hrms_t1 - scene.R.A(cube))
    figure = sheet(WIDTH, 3.1)
    truth, image, curve, bars = figure.subplots(1, 4, width_ratios=(4, 4, 6, 3))
    stretch = stretch_limits([(x1, nm)], "SWIR")
    for ax, shown, title in ((truth, x1, "X1"), (image, cube, f"X1 {t:+.1f} Z")):
        ax.imshow(rgb(shown, nm, "SWIR", stretch), extent=extent(scene.size))
        ax.plot(pixel[1], pixel[0], "s", mfc="none", mec="white", mew=2)
        ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
    row, column = here(pixel)
    style = SOURCE_STYLE["truth_t1"]
    curve.plot(*with_gaps(scene.hs, cube[:, row, column]), color=PURPLE, lw=2, label="X1 + t Z")
    curve.plot(*with_gaps(scene.hs, x1[:, row, column]), color=style.colour, ls=":", label="X1")
    curve.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    curve.set_ylim(0.0, 1.5 * float(x1[:, row, column].max()))
    curve.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    curve.grid(alpha=0.3)
    names = ("Y1 − D X", "M1 − R X", "X − X1")
    bars.bar(names, (hs, ms, rms(cube - x1)), color=(SKY, GREEN, GREY))
    bars.set(
        ylim=(0, 2 * rms(hidden) + FLOOR), ylabel="RMS (reflectance)", xlabel="residuals, error"
    )
    bars.tick_params(axis="x", rotation=60)
    text = (
        f"t = {t:+.1f}: RMS of Y1 − D X = {hs:.4f}, of M1 − R X = {ms:.4f}; "
        f"error against the truth = {rms(cube - x1):.4f}"
    )
    return figure, text


class HiddenExplorer(Redrawn):
    """Add t times the hidden part; the sensors notice nothing.

    Args:
        scene: with truth, observed exactly.
        hidden: Z (L, H, W) from `null_space`.
        pixel: (y, x) of the whole scene, whose spectrum is drawn.
    """

    def __init__(self, scene: Scene, hidden: np.ndarray, pixel: tuple[int, int]) -> None:
        self.scene, self.hidden, self.pixel = scene, hidden, pixel
        self.t = slider(ipywidgets.FloatSlider, 0.0, "t", min=-2.0, max=2.0, step=0.1)
        self.show_with([self.t])

    def view(self) -> tuple[Figure, str]:
        """X1 + t Z."""
        return hidden_view(self.scene, self.hidden, self.pixel, self.t.value)


class ZigzagExplorer(Redrawn):
    """Turn one line against the other, and see how fast the zigzag gets home."""

    def __init__(self) -> None:
        limits = {"min": 5, "max": 90, "step": 5}
        self.angle = slider(ipywidgets.IntSlider, 60, "angle (°)", **limits)
        self.show_with([self.angle])

    def view(self) -> tuple[Figure, str]:
        """The zigzag at this angle."""
        angle = float(self.angle.value)
        away = np.linalg.norm(zigzag(angle, 4)[::2], axis=1)
        said = ", ".join(f"{distance:.2f}" for distance in away)
        return zigzag_view((angle,)), f"{angle:.0f}°: distance after each round {said}"
