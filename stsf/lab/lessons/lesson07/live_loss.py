"""Lesson 07: the loss of a training, drawn while it falls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType

import ipywidgets
import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from stsf.lab.lessons.live import Backdrop, arrange
from stsf.plots.colour import BLUE, GREY
from stsf.plots.figures import WIDTH
from stsf.training.loops import Progress
from stsf.training.run import STAGES

EVERY = 1.0  # seconds between two drawings: they take time from the training


WINDOW = 0.1  # of the steps so far, over which the loss is averaged


NARROWEST = 4.0  # from the bottom to the top of an axis: at least by this factor


TICKS = (1.0, 2.0, 5.0)


Losses = Mapping[str, Sequence[float]]  # stage -> loss of each step


def ends(losses: Sequence[float]) -> tuple[float, float]:
    """Mean loss of the first and of the last tenth of the steps.

    Example:
        >>> ends([4.0, 3.0, 2.0, 1.0])
        (4.0, 1.0)
    """
    count = max(1, int(WINDOW * len(losses)))
    return float(np.mean(losses[:count])), float(np.mean(losses[-count:]))


def loss_view(losses: Losses, steps: Mapping[str, int] | None = None) -> Figure:
    """The loss of every stage: each step, and the mean over a tenth of those so far.

    Args:
        losses: stage to the loss of each step.
        steps: stage to how many there will be.
    """
    figure = plt.figure(figsize=(WIDTH, 3.2), layout="constrained")
    plt.close(figure)
    for ax, stage in zip(figure.subplots(1, len(STAGES)), STAGES):
        values = np.asarray(losses.get(stage, ()))
        _draw_loss(ax, values)
        end = (steps or {}).get(stage, len(values))
        ax.set(title=stage, xlabel="step", ylabel="loss", xlim=(0, max(end, 1) * 1.02))
    return figure


def _draw_loss(ax: Axes, values: np.ndarray) -> None:
    """One stage, its limits and curves."""
    _scale(ax, *((values.min(), values.max()) if len(values) else (0.01, 1.0)))
    ax.grid(alpha=0.3)
    if not len(values):
        ax.text(0.5, 0.5, "no steps", color=GREY, ha="center", transform=ax.transAxes)
        return
    count = max(1, int(WINDOW * len(values)))
    mean = np.convolve(values, np.full(count, 1 / count), "valid")
    at = np.arange(1, len(values) + 1)
    ax.plot(at, values, color=GREY, alpha=0.35, lw=1, label="each step")
    ax.plot(at[count - 1 :], mean, color=BLUE, lw=2, label="mean of a tenth")
    ax.legend(frameon=False, fontsize=8, loc="upper right")


def _scale(ax: Axes, low: float, high: float) -> None:
    """The ticks stay short and the range wide, so that no label outgrows its place."""
    if low > 0:
        narrow = max(1.0, NARROWEST / (high / low)) ** 0.5
        ax.set(yscale="log", ylim=(low / narrow / 1.1, high * narrow * 1.1))
        ax.yaxis.set_major_locator(LogLocator(subs=TICKS))
    else:  # that of the TVE holds the logarithm of an error, and sinks below 0
        room = 0.3 * (high - low) + 1e-3
        ax.set(ylim=(low - room, high + room))
        ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter("{x:g}")


class LiveLoss:
    """Callback of a training: a loss plot that is alive, and a line that says how far it is.

    Use it as a context, so that the last drawing shows the end.

    Args:
        quiet: show nothing, only remember.

    Attributes:
        losses: stage to the loss of each step.
        seconds: how long each stage took, the preparation of its scenes included.

    Example:
        >>> with LiveLoss(quiet=True) as live:
        ...     live(Progress("SSJE", 1, 10, 0.5))
        >>> live.losses
        {'SSJE': [0.5]}
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.losses: dict[str, list[float]] = {}
        self.seconds: dict[str, float] = {}
        self._steps: dict[str, int] = {}
        self._places, self._backdrop = list[Bbox](), Backdrop()
        self._drawn = self._since = time.monotonic()
        self.bar = ipywidgets.IntProgress(layout={"width": "32em"})
        self.text = ipywidgets.HTML("starting")
        fits = {"max_width": "100%", "object_fit": "contain", "align_self": "flex-start"}
        self.picture = ipywidgets.Image(format="png", layout=fits)

    def __enter__(self) -> LiveLoss:
        if not self.quiet:
            display(ipywidgets.VBox([ipywidgets.HBox([self.bar, self.text]), self.picture]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        done = ", ".join(f"{name} {ends(values)[1]:.3f}" for name, values in self.losses.items())
        self.text.value = f"{'interrupted' if kind else 'done'}: last losses {done}"
        if kind is None:
            self.bar.value = self.bar.max  # the last steps may not have been drawn
        self._draw()

    def __call__(self, progress: Progress) -> None:
        """Remember a loss, and draw if the last drawing is old."""
        stage = progress.stage.removesuffix(" scenes")
        now = time.monotonic()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now
        preparing = progress.stage != stage
        if not preparing:
            self.losses.setdefault(stage, []).append(progress.loss)
            self._steps[stage] = progress.steps
        if now - self._drawn > EVERY:
            self.bar.max, self.bar.value = progress.steps, progress.step
            what = "scene" if preparing else "step"
            self.text.value = f"{stage}: {what} {progress.step} of {progress.steps}"
            self._draw()
            self._drawn = time.monotonic()

    def _draw(self) -> None:
        if not self.quiet:
            figure = loss_view(self.losses, self._steps)
            self._places = arrange(figure, self._places)
            self.picture.value = self._backdrop.png(figure)
