"""Lesson 04b: the idea of the SEU on one window, a straight line from the MS to another band."""

from __future__ import annotations

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stsf.lab.lessons.kit import rms, slider
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.plots.colour import BLUE, GREY, ORANGE
from stsf.plots.figures import WIDTH

AROUND = 15  # pixels: steps in which the drawn part follows the window, so that it seldom jumps
ROUND = 5.0  # percent: limits of the scatter end on multiples of it


def line_through(guide: np.ndarray, image: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the straight line image ≈ slope · guide + offset, by least squares.

    Example:
        >>> line_through(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))
        (2.0, 1.0)
    """
    g, v = np.ravel(guide) - np.mean(guide), np.ravel(image) - np.mean(image)
    slope = float(g @ v / (g @ g))
    return slope, float(np.mean(image) - slope * np.mean(guide))


def window_view(
    guide: np.ndarray, image: np.ndarray, truth: np.ndarray, middle: tuple[int, int], side: int
) -> tuple[Figure, str]:
    """One window: its pixels in both images, the line through them, and what the line proposes.

    Args:
        guide: (H, W) a sharp band of the MS, percent.
        image: (H, W) the blurred band that is to become sharp.
        truth: (H, W) what it should become.
        middle: (y, x) of the window.
        side: odd, pixels.

    Returns:
        The figure, and one line with the line's slope and both errors inside the window.
    """
    y, x = middle
    part = np.s_[y - side // 2 : y + side // 2 + 1, x - side // 2 : x + side // 2 + 1]
    slope, offset = line_through(guide[part], image[part])
    proposal = slope * guide[part] + offset
    shown = image.copy()
    shown[part] = proposal
    figure = sheet(WIDTH, 3.0)
    *panes, scatter = figure.subplots(1, 4, width_ratios=(3, 3, 3, 4))
    limits = {"vmin": float(truth.min()), "vmax": float(np.percentile(truth, 99.5))}
    for ax, values, title in zip(
        panes, (guide, shown, truth), ("M1, one band", "window replaced", "truth")
    ):
        ax.imshow(values, cmap="gray", **({} if values is guide else limits))
        corner = (x - side / 2, y - side / 2)
        ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=ORANGE, lw=2))
        ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
        left, top = (p // AROUND * AROUND - AROUND for p in (x, y))
        ax.set(xlim=(left, left + 3 * AROUND), ylim=(top + 3 * AROUND, top))
    scatter.plot(guide[part].ravel(), image[part].ravel(), ".", color=GREY, label="blurred")
    ends = np.array([guide[part].min(), guide[part].max()])
    scatter.plot(ends, slope * ends + offset, color=BLUE, label="line = proposal")
    scatter.set(xlabel="M1 (%)", ylabel="SWIR band (%)")
    scatter.set(xlim=_round(guide[part]), ylim=_round(image[part], slope * ends + offset))
    scatter.legend(frameon=False, fontsize=8, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    scatter.grid(alpha=0.3)
    before, after = rms(image[part] - truth[part]), rms(proposal - truth[part])
    text = (
        f"window at y = {y}, x = {x}: slope {slope:+.2f}; RMS error inside before {before:.2f} %, "
        f"of the line's proposal {after:.2f} %"
    )
    return figure, text


def _round(*values: np.ndarray) -> tuple[float, float]:
    """Limits that hold all values and end on multiples of `ROUND`."""
    every = np.concatenate([np.ravel(v) for v in values]) / ROUND
    return ROUND * float(np.floor(every.min())), ROUND * float(np.ceil(every.max() + 1e-6))


class WindowExplorer(Redrawn):
    """Slide a small window over an edge; a new line in every place.

    Args:
        guide: (H, W) a sharp band of the MS, percent.
        image: (H, W) the blurred band.
        truth: (H, W) what it should become.
        middle: (y, x) where the window stands first.
    """

    def __init__(
        self, guide: np.ndarray, image: np.ndarray, truth: np.ndarray, middle: tuple[int, int]
    ) -> None:
        self.images, self.row = (guide, image, truth), middle[0]
        at = {"min": 16, "max": guide.shape[1] - 17}
        self.x = slider(ipywidgets.IntSlider, middle[1], "window at x", **at)
        self.side = slider(ipywidgets.IntSlider, 7, "side (pixels)", min=3, max=21, step=2)
        self.show_with([self.x, self.side])

    def view(self) -> tuple[Figure, str]:
        """The window where it stands."""
        return window_view(*self.images, (self.row, self.x.value), self.side.value)
