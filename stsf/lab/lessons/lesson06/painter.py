"""Lesson 06: the painted scene as a figure, and as a widget."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import ipywidgets
import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import Redrawn, slider
from stsf.lab.lessons.lesson06.painting import (
    DOUBTFUL,
    FROM_SCENE,
    LARGEST,
    Canvas,
    material_paint,
    pixel_paint,
)
from stsf.plots.colour import RED, SOURCE_STYLE, rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.sensing.spectra import MATERIALS
from stsf.tve import Z90


def painting_view(canvas: Canvas, pixel: tuple[int, int], image: bool = True) -> tuple[Figure, str]:
    """The canvas as it is: M2, what is kept of X1, the doubt, and one pixel's curve with its band.

    Args:
        canvas: painted or not.
        pixel: (y, x) of the scene, inside the window.
        image: draw M2 too; without it the panes stand in one row, for the widget.

    Returns:
        The figure, and one line that says what it shows.
    """
    answer, names = canvas.answer, ["m2", "kept", "sigma"] if image else ["kept", "sigma"]
    figure = plt.figure(figsize=(WIDTH, 6.6 if image else 3.6), layout="constrained")
    plt.close(figure)
    layout: Any = [names, ["curve"] * 3] if image else [[*names, "curve", "curve"]]
    panes = figure.subplot_mosaic(layout, height_ratios=(4, 3) if image else None)
    ys, xs = canvas.window
    where: dict[str, Any] = {
        "extent": (xs.start - 0.5, xs.stop - 0.5, ys.stop - 0.5, ys.start - 0.5)
    }
    if image:
        panes["m2"].imshow(shown(canvas), interpolation="nearest", **where)
        panes["m2"].set_title("M2, NIR colours")
    doubt = np.sqrt(np.mean(answer.sigma**2, axis=0))
    for key, values, top, title, label in (
        ("kept", answer.kept, 1.0, "kept of X1", "share of the answer"),
        ("sigma", doubt, DOUBTFUL, "doubt σ, RMS over bands", "reflectance"),
    ):
        drawn = panes[key].imshow(values, cmap="viridis", vmin=0, vmax=top, **where)
        extend = "neither" if key == "kept" else "max"
        figure.colorbar(drawn, ax=panes[key], label=label, extend=extend, location="bottom")
        panes[key].set_title(title)
    edge: dict[str, Any] = {"levels": [0.5], "colors": RED, "linewidths": 1}
    for name in names:
        if canvas.painted.any():
            grid = np.arange(xs.start, xs.stop), np.arange(ys.start, ys.stop)
            panes[name].contour(*grid, canvas.painted[canvas.window].astype(float), **edge)
        panes[name].plot(pixel[1], pixel[0], "s", mfc="none", mec="white", mew=2)
        panes[name].set(xlabel="x (pixels)", ylabel="y (pixels)")
    _draw_curve(panes["curve"], canvas, pixel)
    return figure, say(canvas, pixel)


def shown(canvas: Canvas) -> np.ndarray:
    """(h, w, 3) the window of M2 as painted, in NIR colours; colours do not jump while painting."""
    nm = canvas.scene.ms.centre
    stretch = stretch_limits([(canvas.scene.hrms_t2[:, *canvas.window], nm)], "NIR")
    return rgb(canvas.m2[:, *canvas.window], nm, "NIR", stretch)


def _draw_curve(ax: Axes, canvas: Canvas, pixel: tuple[int, int]) -> None:
    scene, (y, x), (row, column) = canvas.scene, pixel, canvas.at(pixel)
    x2, half = canvas.answer.x2[:, row, column], Z90 * canvas.answer.sigma[:, row, column]
    style = SOURCE_STYLE["hrhs_t2"]
    nm, low = with_gaps(scene.hs, x2 - half)
    ax.fill_between(
        nm, low, with_gaps(scene.hs, x2 + half)[1], color=style.colour, alpha=0.25, lw=0,
        label="90 % band",
    )  # fmt: skip
    for key, values in (
        ("hrhs_t1", canvas.x1[:, y, x]), ("hrhs_t2", x2), ("truth_t2", canvas.truth[:, y, x]),
    ):  # fmt: skip
        style = SOURCE_STYLE[key]
        ax.plot(*with_gaps(scene.hs, values), color=style.colour, ls=style.line, lw=1.8,
                label=style.label)  # fmt: skip
    style = SOURCE_STYLE["hrms_t2"]
    ax.errorbar(
        scene.ms.centre, canvas.m2[:, y, x], xerr=scene.ms.fwhm / 2, ls="none",
        marker=style.marker, color=style.colour, label=style.label, zorder=4,
    )  # fmt: skip
    ax.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    drawn = np.concatenate([x2, canvas.truth[:, y, x], canvas.m2[:, y, x]])
    ax.set_ylim(min(0.0, 1.15 * float(drawn.min())), max(0.45, 1.15 * float(drawn.max())))
    ax.legend(frameon=False, ncols=3, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ax.grid(alpha=0.3)


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


class Painter(Redrawn):
    """Brush a change into M2; curve, kept map and doubt follow.

    Click for a dab. "look" moves the pixel whose curve is drawn, "pick" takes the clicked pixel for
    paint.

    Args:
        canvas: to paint on; it keeps the paint.
        pixel: (y, x) whose curve is drawn first.
    """

    def __init__(self, canvas: Canvas, pixel: tuple[int, int]) -> None:
        self.canvas, self.pixel = canvas, pixel
        self.paints = {name: material_paint(name, canvas.scene) for name in MATERIALS}
        self.paints[FROM_SCENE] = pixel_paint(canvas.scene, pixel)
        style = {"description_width": "7em"}
        self.paint = ipywidgets.Dropdown(
            options=list(self.paints), value="water", description="paint", style=style
        )
        self.radius = slider(ipywidgets.IntSlider, 4, "radius (px)", min=0, max=LARGEST)
        self.click = ipywidgets.ToggleButtons(
            options=["paint", "look", "pick"], description="click"
        )
        self.wash = ipywidgets.Button(description="wash off")
        self.wash.on_click(self._washed)
        self.show_with([self.paint, self.radius], [self.click, self.wash])
        for control in (self.paint, self.radius, self.click):  # nothing is to be seen of them
            control.unobserve(self.redraw, names="value")
        self._fresh = hv.streams.Stream.define("Fresh", count=0)()
        image = hv.DynamicMap(self._image, streams=[self._fresh])
        self.tap = hv.streams.Tap(source=image, x=pixel[1], y=pixel[0])
        self.tap.add_subscriber(self._clicked)
        self.image = image

    def view(self) -> tuple[Figure, str]:
        """Maps and curve as they stand."""
        return painting_view(self.canvas, self.pixel, image=False)

    def _image(self, count: int) -> hv.RGB:
        ys, xs = self.canvas.window
        bounds = (xs.start - 0.5, ys.start - 0.5, xs.stop - 0.5, ys.stop - 0.5)
        return hv.RGB(shown(self.canvas)[::-1], bounds=bounds).opts(
            invert_yaxis=True, tools=["tap"], active_tools=["tap"], default_tools=["reset"],
            frame_width=260, frame_height=260 * (ys.stop - ys.start) // (xs.stop - xs.start),
            title="M2 in NIR colours: click to paint", xlabel="x (pixels)", ylabel="y (pixels)",
        )  # fmt: skip

    def _clicked(self, x: float | None, y: float | None) -> None:
        """Paint, look or pick; a click beside the image does nothing."""
        ys, xs = self.canvas.window
        if x is None or y is None:
            return
        place = round(y), round(x)
        if not (ys.start <= place[0] < ys.stop and xs.start <= place[1] < xs.stop):
            return
        if self.click.value == "pick":
            self.paints[FROM_SCENE] = pixel_paint(self.canvas.scene, place)
            self.paint.value, self.click.value = FROM_SCENE, "paint"
            return
        self.pixel = place
        if self.click.value == "paint":
            self.canvas.brush(self.paints[self.paint.value], [place], self.radius.value)
        self._after()

    def _washed(self, _: object) -> None:
        self.canvas.clear()
        self._after()

    def _after(self) -> None:
        """Show the canvas as it is now."""
        self._fresh.event(count=self._fresh.count + 1)
        self.redraw()

    def _ipython_display_(self) -> None:
        self.redraw()
        beside = ipywidgets.HBox([ipywidgets.VBox(column) for column in self.columns])
        display(beside, self.text, self.image, self.picture)
