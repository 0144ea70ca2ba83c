"""Lesson 06: the painted scene as a figure, and as a widget."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets
import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from stsf.inspection import with_gaps
from stsf.lab.lessons.boxes import SMALL, small_print
from stsf.lab.lessons.kit import slider
from stsf.lab.lessons.lesson06.painting import (
    DOUBTFUL,
    FROM_SCENE,
    LARGEST,
    Canvas,
    material_paint,
    pixel_paint,
)
from stsf.lab.lessons.lesson06.surface import Places, Surface
from stsf.lab.lessons.live import Panels
from stsf.plots.colour import RED, SOURCE_STYLE, rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.sensing.spectra import MATERIALS
from stsf.tve import Z90

STEP = 0.4  # reflectance; the axis of the curve ends on a multiple of it, and jumps seldom
CURVES = ("hrhs_t1", "hrhs_t2", "truth_t2")


class PaintingPanels(Panels):
    """The canvas as it is: M2, what is kept of X1, the doubt, and one pixel's curve with its band.

    Args:
        canvas: painted or not.
    """

    def __init__(self, canvas: Canvas) -> None:
        figure = plt.figure(figsize=(WIDTH, 3.5), layout="constrained")
        plt.close(figure)
        super().__init__(figure)
        self.canvas = canvas
        self.axes: dict[str, Axes] = figure.subplot_mosaic(
            [["m2", "kept", "curve"], ["m2", "sigma", "curve"]], width_ratios=(4.2, 2.6, 4.2)
        )
        ys, xs = canvas.window
        extent = (xs.start - 0.5, xs.stop - 0.5, ys.stop - 0.5, ys.start - 0.5)
        self.images: dict[str, AxesImage] = {}
        self.edges: dict[str, LineCollection] = {}
        for key, top, title in (
            ("m2", 1.0, "M2, NIR colours"),
            ("kept", 1.0, "kept of X1"),
            ("sigma", DOUBTFUL, "doubt σ (RMS)"),
        ):
            ax = self.axes[key]
            blank = np.zeros((ys.stop - ys.start, xs.stop - xs.start))
            self.images[key] = ax.imshow(blank, extent=extent, cmap="viridis", vmin=0, vmax=top)
            self.edges[key] = LineCollection([], colors=RED, linewidths=1)
            ax.add_collection(self.edges[key])
            ax.set_title(title, fontsize=SMALL + 1)
            ax.set(xlabel="x (pixels)", ylabel="y (pixels)")
            small_print(ax)
        look: dict[str, Any] = {"marker": "s", "mfc": "none", "mec": "white", "mew": 2}
        self.marks = [self.axes[key].plot(xs.start, ys.start, **look)[0] for key in self.images]
        for key, label, extend in (
            ("kept", "share", "neither"), ("sigma", "reflectance", "max"),
        ):  # fmt: skip
            bar = figure.colorbar(self.images[key], ax=self.axes[key], extend=extend)
            bar.set_label(label)
            small_print(bar.ax)
        self._draw_curves()

    def show(self, pixel: tuple[int, int]) -> str:
        """The canvas as it is now, and the curve of a pixel (y, x); returns what `say` says."""
        canvas = self.canvas
        self.images["m2"].set_data(shown(canvas))
        self.images["kept"].set_data(canvas.answer.kept)
        self.images["sigma"].set_data(np.sqrt(np.mean(canvas.answer.sigma**2, axis=0)))
        outline = edges(canvas)
        for key, mark in zip(self.images, self.marks, strict=True):
            self.edges[key].set_segments(outline)
            mark.set_data([pixel[1]], [pixel[0]])
        self._move_curves(pixel)
        return say(canvas, pixel)

    def _draw_curves(self) -> None:
        """Curves with nothing in them yet, and the names of their axes."""
        ax, style = self.axes["curve"], SOURCE_STYLE["hrhs_t2"]
        self.band = ax.fill_between([], [], [], color=style.colour, alpha=0.25, lw=0,
                                    label="90 % band")  # fmt: skip
        self.curves = {
            key: ax.plot([], [], color=s.colour, ls=s.line, lw=1.8, label=s.label)[0]
            for key, s in SOURCE_STYLE.items() if key in CURVES
        }  # fmt: skip
        style = SOURCE_STYLE["hrms_t2"]
        (self.points,) = ax.plot(
            [], [], ls="none", marker=style.marker, color=style.colour, label=style.label
        )
        self.widths = LineCollection([], colors=style.colour)
        ax.add_collection(self.widths)
        nm = self.canvas.scene.hs.centre
        ax.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
        ax.set(xlim=(nm[0] - 50, nm[-1] + 50), ylim=(-STEP / 4, STEP))
        ax.legend(frameon=False, ncols=3, fontsize=SMALL - 1, loc="lower center",
                  bbox_to_anchor=(0.45, 1.0), columnspacing=0.8)  # fmt: skip
        small_print(ax)
        ax.grid(alpha=0.3)

    def _move_curves(self, pixel: tuple[int, int]) -> None:
        """The curve of a pixel and all that belongs to it, on axes that reach beyond it."""
        canvas, ax, (row, column) = self.canvas, self.axes["curve"], self.canvas.at(pixel)
        hs, ms, here = canvas.scene.hs, canvas.scene.ms, (slice(None), *pixel)
        x2, half = canvas.answer.x2[:, row, column], Z90 * canvas.answer.sigma[:, row, column]
        values = (canvas.x1[here], x2, canvas.truth[here])
        for key, curve in zip(CURVES, values, strict=True):
            self.curves[key].set_data(*with_gaps(hs, curve))
        colour = SOURCE_STYLE["hrhs_t2"].colour
        self.band.remove()
        nm, low = with_gaps(hs, x2 - half)
        self.band = ax.fill_between(nm, low, with_gaps(hs, x2 + half)[1], color=colour, alpha=0.25,
                                    lw=0)  # fmt: skip
        m2 = canvas.m2[here]
        self.points.set_data(ms.centre, m2)
        self.widths.set_segments(
            [[(c - w / 2, v), (c + w / 2, v)] for c, w, v in zip(ms.centre, ms.fwhm, m2)]
        )
        every = np.concatenate([*values, x2 - half, x2 + half, m2])
        low, high = (STEP * np.floor(every.min() / STEP), STEP * np.ceil(every.max() / STEP))
        ends = (-STEP / 4 if every.min() > -STEP / 4 else low, max(STEP, high))
        if not np.allclose(ends, ax.get_ylim()):
            ax.set_ylim(ends)


def painting_view(canvas: Canvas, pixel: tuple[int, int]) -> tuple[Figure, str]:
    """The canvas as it is, see `PaintingPanels`.

    Args:
        canvas: painted or not.
        pixel: (y, x) of the scene, inside the window.

    Returns:
        The figure, and one line that says what it shows.
    """
    panels = PaintingPanels(canvas)
    text = panels.show(pixel)
    return panels.figure, text


def shown(canvas: Canvas) -> np.ndarray:
    """(h, w, 3) the window of M2 as painted, in NIR colours; colours do not jump while painting."""
    nm = canvas.scene.ms.centre
    stretch = stretch_limits([(canvas.scene.hrms_t2[:, *canvas.window], nm)], "NIR")
    return rgb(canvas.m2[:, *canvas.window], nm, "NIR", stretch)


def edges(canvas: Canvas) -> list[list[tuple[float, float]]]:
    """Where paint ends, as lines (x, y) between pixels of the window."""
    ys, xs = canvas.window
    inside = np.pad(canvas.painted[canvas.window], 1)
    down, across = np.nonzero(inside[:, 1:] != inside[:, :-1])  # pixel on either side of x + 1/2
    upright = [(xs.start + x - 0.5, ys.start + y - 1.0) for y, x in zip(down, across, strict=True)]
    down, across = np.nonzero(inside[1:] != inside[:-1])
    level = [(xs.start + x - 1.0, ys.start + y - 0.5) for y, x in zip(down, across, strict=True)]
    return [[(x, y - 0.5), (x, y + 0.5)] for x, y in upright] + [
        [(x - 0.5, y), (x + 0.5, y)] for x, y in level
    ]


def say(canvas: Canvas, pixel: tuple[int, int]) -> str:
    """What the network says of a pixel, and whether it is right, in one line."""
    (y, x), (row, column) = pixel, canvas.at(pixel)
    x2, sigma, kept = (a[..., row, column] for a in canvas.answer)
    error = np.abs(x2 - canvas.truth[:, y, x])
    return (
        f"{canvas.painted.sum()} pixels painted; pixel y = {y}, x = {x}: kept {kept:.2f}, doubt "
        f"σ {np.sqrt(np.mean(sigma**2)):.3f}, error {np.sqrt(np.mean(error**2)):.3f}; the 90 % "
        f"band holds the truth in {np.mean(error <= Z90 * sigma):.0%} of the bands"
    )


class Painter:
    """Brush a change into M2; curve, kept map and doubt follow.

    Click for a dab, press and drag for a stroke. "look" moves the pixel whose curve is drawn,
    "pick" takes the clicked pixel for paint.

    Args:
        canvas: to paint on; it keeps the paint.
        pixel: (y, x) whose curve is drawn first.

    Attributes:
        text: what `say` says, above the picture.
        surface: the picture, to be painted on.
    """

    def __init__(self, canvas: Canvas, pixel: tuple[int, int]) -> None:
        self.canvas, self.pixel, self.panels = canvas, pixel, PaintingPanels(canvas)
        self.paints = {name: material_paint(name, canvas.scene) for name in MATERIALS}
        self.paints[FROM_SCENE] = pixel_paint(canvas.scene, pixel)
        narrow = {"style": {"description_width": "4em"}, "layout": {"width": "15em"}}
        self.paint = ipywidgets.Dropdown(
            options=list(self.paints), value="water", description="paint", **narrow
        )
        self.radius = slider(ipywidgets.IntSlider, 4, "radius (px)", min=0, max=LARGEST)
        self.radius.style.description_width, self.radius.layout.width = "6em", "17em"
        self.click = ipywidgets.ToggleButtons(
            options=["paint", "look", "pick"], style={"button_width": "4.5em"}
        )
        self.wash = ipywidgets.Button(description="wash off", layout={"width": "7em"})
        self.wash.on_click(self._washed)
        self.text = ipywidgets.HTML()
        ys, xs = canvas.window
        window = (xs.start, ys.start, xs.stop - xs.start, ys.stop - ys.start)
        self.surface = Surface(window, self._passed)
        self.radius.observe(self._resized, names="value")
        self._drawing = threading.RLock()  # JupyterLab may report two controls at once
        self._resized()

    def redraw(self) -> None:
        """Show the canvas as it is now."""
        with self._drawing:
            self.text.value = self.surface.alt = self.panels.show(self.pixel)
            picture, box = self.panels.png(), self.panels.axes["m2"].get_position()
            self.surface.pane = [box.x0, 1 - box.y1, box.width, box.height]
            self.surface.png = picture

    def _resized(self, _: object = None) -> None:
        self.surface.radius = self.radius.value

    def _passed(self, places: Places) -> None:
        """Paint, look or pick; what lies beside the window does nothing."""
        ys, xs = self.canvas.window
        inside = [p for p in places if ys.start <= p[0] < ys.stop and xs.start <= p[1] < xs.stop]
        if not inside:
            return
        if self.click.value == "pick":
            self.paints[FROM_SCENE] = pixel_paint(self.canvas.scene, inside[-1])
            self.paint.value, self.click.value = FROM_SCENE, "paint"
            return
        self.pixel = inside[-1]
        if self.click.value == "paint":
            self.canvas.brush(self.paints[self.paint.value], inside, self.radius.value)
        self.redraw()

    def _washed(self, _: object) -> None:
        self.canvas.clear()
        self.redraw()

    def _ipython_display_(self) -> None:
        self.redraw()
        controls = ipywidgets.HBox([self.paint, self.radius, self.click, self.wash])
        controls.layout.flex_flow = "row wrap"
        display(ipywidgets.VBox([controls, self.text, self.surface]))
