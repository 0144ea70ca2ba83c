"""Lesson 04a: one 3 x 3 filter, and how it is learnt.

Images are in percent of reflectance here, so that numbers done by hand have few zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import correlate

from stsf.lab.lessons.kit import slider
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.plots.colour import BLUE, GREY, RED
from stsf.plots.figures import WIDTH

MEAN = np.full((3, 3), 1 / 9)


CENTRE = np.zeros((3, 3))


CENTRE[1, 1] = 1.0


FILTERS = {
    "detail": CENTRE - MEAN,
    "mean": MEAN,
    "centre": CENTRE,
    "step to the right": np.array([[0, 0, 0], [0, -1, 1], [0, 0, 0]], float),
    "step downwards": np.array([[0, 0, 0], [0, -1, 0], [0, 1, 0]], float),
}


LINES = ("-", "--", "-.", ":")
OWN = "own weights"
CLOSE = np.s_[60:150, 30:120]  # what is drawn of an image: the window of lesson 03
CLOSE_EXTENT = (29.5, 119.5, 149.5, 59.5)


def filtered(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Each pixel becomes the weighted sum of the 3 x 3 pixels around it; the border is repeated.

    Example:
        >>> image = np.array([[1.0, 2.0, 4.0]] * 3)
        >>> filtered(image, FILTERS["step to the right"])[1].tolist()
        [1.0, 2.0, 0.0]
    """
    return correlate(image, weights, mode="nearest")


def product_view(window: np.ndarray, weights: np.ndarray) -> Figure:
    """One filter at one place: nine values, nine weights, nine products.

    Args:
        window: (3, 3) of an image, percent.
        weights: (3, 3).
    """
    products = window * weights
    figure = plt.figure(figsize=(WIDTH, 3.3), layout="constrained")
    plt.close(figure)
    titles = ("nine pixels (%)", "times nine weights", f"products; their sum: {products.sum():.2f}")
    for ax, values, title in zip(figure.subplots(1, 3), (window, weights, products), titles):
        spread = np.abs(values - values.mean()).max() + 1e-9
        shown = (values - values.mean()) / spread
        ax.imshow(shown, cmap="PuOr", vmin=-2, vmax=2)  # pale: the numbers stay readable
        for (i, j), value in np.ndenumerate(values):
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=12)
        ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
        ax.set(xticks=range(3), yticks=range(3), xticklabels=(-1, 0, 1), yticklabels=(-1, 0, 1))
    return figure


class FilterExplorer(Redrawn):
    """Nine weights to edit, and how much of the filter's answer is added to the image.

    Args:
        image: (H, W) what is to be improved, percent.
        truth: (H, W) what it should be.
    """

    def __init__(self, image: np.ndarray, truth: np.ndarray) -> None:
        self.image, self.truth = image, truth
        style = {"description_width": "6em"}
        self.choice = ipywidgets.Dropdown(
            options=[*FILTERS, OWN], description="filter", style=style
        )
        limits = {"min": -2.0, "max": 6.0, "step": 0.5}
        self.strength = slider(ipywidgets.FloatSlider, 0.0, "strength", **limits)
        narrow = {"width": "5em"}
        self.cells = [ipywidgets.FloatText(step=0.1, layout=narrow) for _ in range(9)]
        self._fill(FILTERS["detail"])
        rows = [ipywidgets.HBox(self.cells[i : i + 3]) for i in (0, 3, 6)]
        self.show_with([self.choice, self.strength], self.cells)
        self.columns = ([self.choice, self.strength], rows)
        self.choice.unobserve(self.redraw, names="value")
        self.choice.observe(self._chosen, names="value")

    def _fill(self, weights: np.ndarray) -> None:
        for cell, weight in zip(self.cells, weights.ravel()):
            cell.value = round(float(weight), 3)

    def _chosen(self, _: object = None) -> None:
        """All nine weights at once, then one redraw."""
        if self.choice.value == OWN:
            return
        for cell in self.cells:
            cell.unobserve(self.redraw, names="value")
        self._fill(FILTERS[self.choice.value])
        for cell in self.cells:
            cell.observe(self.redraw, names="value")
        self.redraw()

    def view(self) -> tuple[Figure, str]:
        """The image with so much of the filter's answer."""
        weights = np.array([cell.value for cell in self.cells]).reshape(3, 3)
        name = self.choice.value
        if name == OWN or np.abs(weights - FILTERS[name]).max() > 1e-3:
            name = self.choice.value = OWN
        else:
            weights = FILTERS[name]
        return filter_view(self.image, self.truth, weights, self.strength.value, name)


def filter_view(
    image: np.ndarray,
    truth: np.ndarray,
    weights: np.ndarray,
    strength: float = 0.0,
    name: str = OWN,
) -> tuple[Figure, str]:
    """The answer of a filter, the image with so much of it, what is wrong, and the best strength.

    Args:
        image: (H, W) percent.
        truth: (H, W).
        weights: (3, 3).
        strength: factor on the answer before it is added.
        name: of the filter.

    Returns:
        The figure, and one line that says what it shows.
    """
    answer = filtered(image, weights)
    improved = image + strength * answer
    figure = sheet(WIDTH, 3.0)
    panes = figure.subplots(1, 4, width_ratios=(4, 4, 4, 5))
    grey: dict[str, Any] = {"cmap": "gray", "vmin": float(truth.min()), "vmax": float(truth.max())}
    spread = float(np.percentile(np.abs(answer - np.mean(answer)), 99)) + 1e-6
    even: dict[str, Any] = {"cmap": "PuOr", "vmin": -spread, "vmax": spread}
    wrong: dict[str, Any] = {"cmap": "PuOr", "vmin": -5.0, "vmax": 5.0}
    of_answer = even if abs(weights.sum()) < 0.5 else grey
    show_image(figure, panes[0], answer[CLOSE], "answer of the filter", **of_answer)
    show_image(figure, panes[1], improved[CLOSE], f"image {strength:+.1f} × answer", **grey)
    show_image(figure, panes[2], (improved - truth)[CLOSE], "what is wrong with it", **wrong)
    for pane in panes[:3]:
        pane.images[0].set_extent(CLOSE_EXTENT)
    strengths = np.linspace(-2, 6, 33)
    fall = [np.sqrt(np.mean((image + a * answer - truth) ** 2)) for a in strengths]
    before, after = (float(np.sqrt(np.mean((x - truth) ** 2))) for x in (image, improved))
    panes[3].plot(strengths, fall, color=GREY)
    panes[3].plot(strength, after, "o", color=BLUE, ms=9)
    panes[3].set(
        xlabel="strength", ylabel="RMS error (%)", ylim=(0.8 * min(fall), 2 * before + 0.1)
    )
    panes[3].grid(alpha=0.3)
    text = (
        f"{name}, strength {strength:.1f}: weights sum to {abs(weights.sum()):.2f}; RMS error "
        f"before {before:.2f} %, after {after:.2f} %"
    )
    return figure, text


def show_image(
    figure: Figure, ax: Axes, image: np.ndarray, title: str, label: str = "%", **look: Any
) -> None:
    """One image with its own colour bar."""
    shown = ax.imshow(image, interpolation="nearest", **look)
    figure.colorbar(shown, ax=ax, label=label, extend="both", location="bottom")
    ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")


def descend(
    wanted: np.ndarray, answer: np.ndarray, rate: float, steps: int, start: float = 0.0
) -> np.ndarray:
    """Walk down the mean square of `wanted - a * answer`: the strengths a on the way, (steps + 1,).

    Args:
        wanted: what should be added to the image.
        answer: of the filter.
        rate: how far a step goes for a slope of 1.
        steps: how many.
        start: the first a.

    Example:
        >>> descend(np.array([3.0]), np.array([1.0]), rate=0.25, steps=3).tolist()
        [0.0, 1.5, 2.25, 2.625]
    """
    path = [start]
    for _ in range(steps):
        slope = -2 * float(np.mean(answer * (wanted - path[-1] * answer)))
        path.append(path[-1] - rate * slope)
    return np.array(path)


def descent_view(
    wanted: np.ndarray, answer: np.ndarray, paths: Mapping[str, Sequence[float]]
) -> Figure:
    """The loss as a curve over the strength, and walks on it.

    Args:
        wanted: what should be added to the image.
        answer: of the filter.
        paths: title to strengths, see `descend`.
    """

    def loss(a: np.ndarray | float) -> np.ndarray:
        return np.array([np.mean((wanted - value * answer) ** 2) for value in np.ravel(a)])

    figure = plt.figure(figsize=(WIDTH, 3.6), layout="constrained")
    plt.close(figure)
    best = float(np.mean(answer * wanted) / np.mean(answer**2))
    a = np.linspace(-1.2 * best, 3.2 * best, 200)
    for ax, (title, path) in zip(figure.subplots(1, len(paths), squeeze=False)[0], paths.items()):
        ax.plot(a, loss(a), color=GREY, label="loss")
        ax.plot(path, loss(np.asarray(path)), "o-", color=BLUE, ms=5, lw=1, label="steps")
        ax.plot(path[0], loss(np.asarray(path[:1])), "s", color=RED, ms=8, label="start")
        ax.set(title=title, xlabel="strength a", ylabel="mean square error (%²)")
        ax.set(xlim=(a[0], a[-1]), ylim=(0.95 * loss(best)[0], 1.02 * loss(a).max()))
        ax.grid(alpha=0.3)
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, ncols=3, loc="outside upper center")
    return figure


def kink_view() -> Figure:
    """Two activations: what makes a network more than one large filter."""
    x = np.linspace(-4, 4, 200)
    figure = plt.figure(figsize=(WIDTH, 2.8), layout="constrained")
    plt.close(figure)
    axes = figure.subplots(1, 2, sharey=True)
    shapes = {"ReLU: max(0, x)": np.maximum(x, 0), "SiLU: x / (1 + exp(-x))": x / (1 + np.exp(-x))}
    for ax, (title, y) in zip(axes, shapes.items()):
        ax.plot(x, y, color=BLUE, lw=2)
        ax.plot(x, x, color=GREY, ls=":", label="no activation")
        ax.set(title=title, xlabel="x: answer of a filter", ylabel="passed on", ylim=(-1.5, 4))
        ax.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    return figure
