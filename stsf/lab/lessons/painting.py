"""Lesson 06: paint a change into M2, and see what the network makes of it.

Nothing but M2 depends on the brush, so the candidates of the painted pixels are made anew and the
pixels of a window are weighed anew; all else was computed once. The answer is the one that the
network gives for the whole scene.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import holoviews as hv
import ipywidgets
import numpy as np
import torch
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import binary_dilation

from stsf.evidence.candidates import Evidence, Pixels
from stsf.evidence.canonical import rows
from stsf.evidence.local import local_wiener
from stsf.lab.lessons.redraw import Redrawn, slider
from stsf.network import DCSTSF
from stsf.plots.colour import RED, SOURCE_STYLE, rgb, stretch_limits
from stsf.plots.figures import WIDTH, with_gaps
from stsf.scene import Scene
from stsf.sensing.spectra import MATERIALS, library
from stsf.tve import Z90

LARGEST = 12  # px, radius of the brush
REACH = 5  # px, how far a pixel counts when its neighbours are freed from noise
DOUBTFUL = 0.08  # σ (reflectance) at which the map of doubt is brightest
FROM_SCENE = "another pixel"


class Paint(NamedTuple):
    """A surface as both sensors see it.

    Attributes:
        name: what it is.
        hs: (L,) reflectance.
        ms: (C,) reflectance.
    """

    name: str
    hs: np.ndarray
    ms: np.ndarray


def material_paint(material: str, scene: Scene) -> Paint:
    """The most typical library spectrum of a material: the nearest to their mean.

    Only spectra that no network was trained on. Each sensor sees the fine spectrum through its own
    responses.

    Args:
        material: one of `stsf.sensing.spectra.MATERIALS`.
        scene: for its sensors.

    Example:
        >>> import stsf
        >>> paint = material_paint("snow", stsf.load_sample())
        >>> bool(paint.ms.min() > 0.5)
        True
    """
    unseen = library("test")
    mine = unseen.select(unseen.material == material)
    away = np.square(mine.spectra - mine.spectra.mean(axis=0)).sum(axis=1)
    typical = mine.select(np.arange(len(mine)) == np.argmin(away))
    return Paint(material, typical.at(scene.hs)[0], typical.at(scene.ms)[0])


def pixel_paint(scene: Scene, pixel: tuple[int, int]) -> Paint:
    """What another pixel of the scene is at t2."""
    assert scene.hrhs_t2 is not None
    y, x = pixel
    return Paint(f"pixel y = {y}, x = {x}", scene.hrhs_t2[:, y, x], scene.hrms_t2[:, y, x])


class Answer(NamedTuple):
    """What the network says of the window: X2 and σ (L, h, w), and the kept share of X1 (h, w)."""

    x2: np.ndarray
    sigma: np.ndarray
    kept: np.ndarray


class Canvas:
    """A window of a scene whose M2 can be painted on.

    Args:
        scene: with truth.
        network: trained.
        x1: (L, H, W) its estimate of X1.
        window: rows and columns of the scene that are looked at; only they can be painted.

    Attributes:
        m2: (C, H, W) as painted.
        truth: (L, H, W) X2 with the painted surfaces.
        painted: (H, W) True where painted.
        answer: what the network says of the window.
    """

    def __init__(
        self, scene: Scene, network: DCSTSF, x1: np.ndarray, window: tuple[slice, slice]
    ) -> None:
        assert scene.hrhs_t2 is not None
        self.scene, self.network, self.x1, self.window = scene, network, x1, window
        self.evidence = Evidence(scene, x1)
        with torch.no_grad():
            self._record = network.tve.record(self.evidence)
        self._numbers = np.arange(np.prod(scene.size)).reshape(scene.size)  # of the pixels' rows
        self._inside = torch.as_tensor(self._numbers[window].ravel())
        self._original = Pixels(*(v.clone() for v in vars(self.evidence.all).values()))
        self.clear()

    def clear(self) -> None:
        """Wash everything off."""
        assert self.scene.hrhs_t2 is not None
        self.m2, self.truth = self.scene.hrms_t2.copy(), self.scene.hrhs_t2.copy()
        self.painted = np.zeros(self.scene.size, dtype=bool)
        for name, values in vars(self._original).items():
            getattr(self.evidence.all, name).copy_(values)
        self._look()

    def brush(
        self, paint: Paint, places: Iterable[tuple[float, float]], radius: float, seed: int = 0
    ) -> None:
        """Paint discs into M2, with the noise that the MS has; `answer` follows.

        Args:
            paint: the new surface.
            places: centres (y, x) in pixels of the scene.
            radius: in pixels; 0 paints the pixel itself alone.
            seed: of the noise.
        """
        y, x = np.indices(self.scene.size)
        touched = np.zeros(self.scene.size, dtype=bool)
        for row, column in places:
            touched |= (y - row) ** 2 + (x - column) ** 2 <= max(radius, 0.5) ** 2
        mask = np.zeros_like(touched)
        mask[self.window] = touched[self.window]
        noise = np.random.default_rng(seed).standard_normal((len(paint.ms), int(mask.sum())))
        self.m2[:, mask] = paint.ms[:, None] + noise * self.scene.noise_ms[:, None]
        self.truth[:, mask] = paint.hs[:, None]
        self.painted |= mask
        self._repaint(mask)
        self._look()

    def at(self, pixel: tuple[int, int]) -> tuple[int, int]:
        """A pixel of the scene, counted within the window, as `answer` is."""
        return pixel[0] - self.window[0].start, pixel[1] - self.window[1].start

    def _repaint(self, mask: np.ndarray) -> None:
        """Make the candidates of some pixels (H, W) anew, and of those that share their noise."""
        mask = binary_dilation(mask, np.ones((3, 3)), iterations=REACH)
        every, chosen = self.evidence.all, torch.as_tensor(self._numbers[mask])
        m2 = rows(local_wiener(self.m2, self.scene.noise_ms)[:, mask].T)
        new = self.evidence.pair(every.x1[chosen], every.m1[chosen], m2, self.evidence.regression)
        for name, values in vars(new).items():
            getattr(every, name)[chosen] = values

    def _look(self) -> None:
        """Weigh the candidates of the window anew."""
        evidence, tve = self.evidence, self.network.tve
        evidence.look_around()
        x1 = evidence.all.x1[self._inside]
        with torch.no_grad():
            found = tve.estimate(evidence, self._inside, self._record, x1)
        height, width = self.m2[0][self.window].shape
        sigma = found["sigma"] * self.network.calibration
        x2, error = (v.T.reshape(-1, height, width).numpy() for v in (found["x2"], sigma))
        self.answer = Answer(x2, error, found["kept"].reshape(height, width).numpy())


def painting_view(canvas: Canvas, pixel: tuple[int, int], image: bool = True) -> tuple[Figure, str]:
    """The canvas as it is: M2, what is kept of X1, the doubt, and one pixel's curve with its band.

    Args:
        canvas: painted or not.
        pixel: (y, x) of the scene, inside the window.
        image: draw M2 too.

    Returns:
        The figure, and one line that says what it shows.
    """
    answer, names = canvas.answer, ["m2", "kept", "sigma"] if image else ["kept", "sigma"]
    figure = plt.figure(figsize=(WIDTH if image else 0.72 * WIDTH, 6.6), layout="constrained")
    plt.close(figure)
    layout: Any = [names, ["curve"] * len(names)]
    panes = figure.subplot_mosaic(layout, height_ratios=(4, 3))
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
    top = max(0.45, 1.15 * float(canvas.truth[:, y, x].max()))
    ax.set_ylim(0.0, top)
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
            frame_width=330, frame_height=330 * (ys.stop - ys.start) // (xs.stop - xs.start),
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
        display(beside, self.image, self.picture, self.text)
