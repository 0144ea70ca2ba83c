"""What the lessons share: live figures, the offline switch, one pixel, the stored results.

A figure is drawn once a move. Left to itself, a notebook draws it three times: to find a layout, to
find its edges, and to show it.
"""

from __future__ import annotations

import io
import threading

import holoviews as hv
import ipywidgets
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox
from PIL import Image
from torch import Tensor

from stsf.errors import InputError
from stsf.files.places import shipped_path
from stsf.inspection import with_gaps
from stsf.plots.colour import (
    SOURCE_STYLE,
)
from stsf.scene import Scene

WIDE = {"style": {"description_width": "11em"}, "layout": {"width": "32em"}}
PAD = 0.1  # inch around each part of a live figure: room for a longer tick label


class Redrawn:
    """Controls, one line of text that a reader can quote, and below them a figure.

    A widget derives from this, calls `show_with` once, and says in `view` what its controls mean.

    Attributes:
        text: the line above the figure, in view of the controls.
        picture: the figure, as PNG.
    """

    def show_with(self, *columns: list[ipywidgets.Widget]) -> None:
        """Lay the controls out in columns and redraw whenever one of them moves."""
        self.text = ipywidgets.HTML()
        fits = {"max_width": "100%", "object_fit": "contain", "align_self": "flex-start"}
        self.picture = ipywidgets.Image(format="png", layout=fits)
        self.columns, self.places = columns, list[Bbox]()
        self._drawing = threading.RLock()  # JupyterLab may report two controls at once
        for control in (control for column in columns for control in column):
            control.observe(self.redraw, names="value")

    def view(self) -> tuple[Figure, str]:
        """The figure for the controls as they stand, and what it shows."""
        raise NotImplementedError

    def redraw(self, _: object = None) -> None:
        """Draw the view anew, in the place of the last one."""
        with self._drawing:
            figure, text = self.view()
            self.places = arrange(figure, self.places)
            self.picture.value, self.text.value = png(figure), text

    def _ipython_display_(self) -> None:
        self.redraw()
        beside = ipywidgets.HBox([ipywidgets.VBox(column) for column in self.columns])
        display(ipywidgets.VBox([beside, self.text, self.picture]))


def arrange(figure: Figure, places: list[Bbox]) -> list[Bbox]:
    """Put the axes of a figure where those of the last one were, so that nothing jumps.

    Args:
        figure: made with constrained layout.
        places: of its axes; where their number differs, the layout is computed.

    Returns:
        Where the axes are now.
    """
    if len(places) != len(figure.axes):
        ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD).execute(figure)
        places = [ax.get_position(original=True) for ax in figure.axes]
    figure.set_layout_engine("none")
    for ax, place in zip(figure.axes, places):
        ax.set_position(place, which="original")
    return places


def png(figure: Figure) -> bytes:
    """A figure as it stands, drawn once and packed fast."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return packed(canvas)


def packed(canvas: FigureCanvasAgg) -> bytes:
    """What is drawn on a canvas, as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


class Panels:
    """A figure whose axes stand still: a move draws only what moves in it.

    Axes, ticks and words take nine tenths of the time that a figure takes; they are drawn once.
    Whoever derives from it makes the axes, appends to `moving`, and calls `renew` when limits or
    words change.

    Args:
        figure: with constrained layout.

    Attributes:
        moving: artists that a move changes, from the back to the front.

    Example:
        >>> figure = Figure(figsize=(2, 2), layout="constrained")
        >>> panels = Panels(figure)
        >>> panels.moving += figure.subplots().plot([0, 1], [0, 1])
        >>> panels.png() == png(figure)
        True
    """

    def __init__(self, figure: Figure) -> None:
        self.figure, self.moving, self.places = figure, list[Artist](), list[Bbox]()
        self._still: object = None

    def renew(self) -> None:
        """Draw everything anew the next time."""
        self._still = None

    def png(self) -> bytes:
        """The figure as it stands, as PNG."""
        if self._still is None:
            self.places = arrange(self.figure, self.places)
            self._canvas = FigureCanvasAgg(self.figure)
            self._animated(True)
            self._canvas.draw()
            self._still = self._canvas.copy_from_bbox(self.figure.bbox)
            self._animated(False)  # whoever draws the figure as a whole sees them too
        self._canvas.restore_region(self._still)
        for artist in self.moving:
            artist.draw(self._canvas.get_renderer())
        return packed(self._canvas)

    def _animated(self, which: bool) -> None:
        for artist in self.moving:
            artist.set_animated(which)


def slider(kind: type, value: object, description: str, **limits: object) -> ipywidgets.Widget:
    """A slider that reports when it is let go, with room for its name."""
    style = {"description_width": "11em"}
    return kind(
        value=value, description=description, continuous_update=False,
        style=style, layout={"width": "32em"}, **limits,
    )  # fmt: skip


def offline() -> None:
    """Load the plotting code into the notebook itself: no network is needed, ever.

    Call it once, in the setup cell.
    """
    hv.extension("bokeh", inline=True)


def rms(values: Tensor | np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(np.asarray(values, dtype=np.float64)))))


FLOOR = 1e-5  # reflectance; what a plot shows as "none"


def draw_pixel(ax: Axes, scene: Scene, x: np.ndarray, pixel: tuple[int, int]) -> None:
    """One pixel of Y1, of an estimate of X1, of the truth and of M1; axes that do not jump.

    Args:
        ax: to draw on.
        scene: with truth.
        x: (L, H, W) estimate of X1.
        pixel: (y, x).
    """
    row, column = pixel
    x1 = scene.truth(1)
    for key, values in (
        ("lrhs_t1", scene.lrhs_t1[:, row // scene.ratio, column // scene.ratio]),
        ("hrhs_t1", x[:, row, column]),
        ("truth_t1", x1[:, row, column]),
    ):
        style = SOURCE_STYLE[key]
        ax.plot(*with_gaps(scene.hs, values), color=style.colour, ls=style.line, lw=1.8,
                label=style.label)  # fmt: skip
    style = SOURCE_STYLE["hrms_t1"]
    ax.errorbar(
        scene.ms.centre, scene.hrms_t1[:, row, column], xerr=scene.ms.fwhm / 2, ls="none",
        marker=style.marker, color=style.colour, label=style.label, zorder=4,
    )  # fmt: skip
    ax.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    ax.set_ylim(0.0, 1.25 * float(x1[:, row, column].max()))  # does not jump
    small_legend(ax)
    ax.grid(alpha=0.3)


def small_legend(ax: Axes) -> None:
    """Above a narrow pane, and no wider than it."""
    legend = ax.legend(
        frameon=False, ncols=2, fontsize=6.5, handlelength=1.5, columnspacing=0.8,
        loc="lower center", bbox_to_anchor=(0.45, 1.0),
    )  # fmt: skip
    legend.set_in_layout(False)  # its width takes no room from other panes; its height does:
    ax.set_title("\n", fontsize=10)


RESULTS = shipped_path("data/results")


SUITES = ("simulated", "imperfect", "real")


SMALL_IS_GOOD = ("sam", "ergas")


def results(suite: str) -> pd.DataFrame:
    """The stored rows of the benchmark, one per method, scene, region and group of bands.

    Args:
        suite: "simulated", "imperfect", "real" or "sensitivity".

    Raises:
        InputError: no such table.

    Example:
        >>> sorted(set(results("real").target))
        ['x1', 'x2']
    """
    path = RESULTS / f"{suite}.csv"
    if not path.is_file():
        raise InputError(
            f"expected the stored results in {path}, found none: make them with "
            f"stsf benchmark --suite {suite} --out {path.name}"
        )
    return pd.read_csv(path, dtype={"scene": str})


def by_scene(
    table: pd.DataFrame,
    target: str,
    figure: str = "psnr",
    region: str = "all",
    bands: str = "all",
) -> pd.DataFrame:
    """One figure of merit, scenes as rows and methods as columns.

    Args:
        table: rows of the benchmark, see `results`.
        target: "x1" or "x2".
        figure: a column of the table, such as "psnr".
        region: "all", "changed", "unchanged" or a kind of change; X1 has "all" only.
        bands: "all", "MS-covered", "VNIR gaps", "SWIR", "clean".

    Example:
        >>> by_scene(results("simulated"), "x2").shape[0]
        8
    """
    rows = table[(table.target == target) & (table.region == region) & (table.bands == bands)]
    return rows.pivot(index="scene", columns="method", values=figure)
