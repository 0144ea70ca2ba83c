"""Widgets of the lessons; each works offline, each has a static figure of the same view.

A widget writes what it shows into a line of text below itself, so that a reader can quote it.
"""

from __future__ import annotations

from typing import Any

import holoviews as hv
import ipywidgets
import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from stsf.degradation import Psf, SpatialDegradation, add_noise
from stsf.lab.lessons.redraw import Redrawn, slider
from stsf.metrics.figures import sam
from stsf.plots.colour import SOURCE_STYLE, rgb, stretch_limits
from stsf.plots.figures import WIDTH, Fused, pixel_spectra, with_gaps
from stsf.scene import KINDS, Scene

DASHES = {"-": "solid", "--": "dashed", ":": "dotted"}


def offline() -> None:
    """Load the plotting code into the notebook itself: no network is needed, ever.

    Call it once, in the setup cell.
    """
    hv.extension("bokeh", inline=True)


class PixelExplorer:
    """Click a pixel of the image, see every spectrum there is of it.

    Args:
        scene: observations, truth where known.
        fused: result of `stsf.fuse`.
        pixel: (y, x) shown first.
        preset: colours of the image, see `stsf.plots.colour.PRESETS`.
    """

    def __init__(
        self, scene: Scene, fused: Fused, pixel: tuple[int, int], preset: str = "true colour"
    ) -> None:
        self.scene, self.fused, self.pixel = scene, fused, pixel
        image = self._image(preset)
        self.tap = hv.streams.Tap(source=image, x=pixel[1], y=pixel[0])
        self.text = ipywidgets.HTML(self._say())
        marker = hv.DynamicMap(self._marker, streams=[self.tap])
        spectra = hv.DynamicMap(self._spectra, streams=[self.tap])
        self.view = (image * marker + spectra).opts(shared_axes=False, toolbar="above")

    def _image(self, preset: str) -> hv.RGB:
        height, width = self.scene.size
        shown = rgb(self.scene.hrms_t2, self.scene.ms.centre, preset)
        bounds = (-0.5, -0.5, width - 0.5, height - 0.5)
        return hv.RGB(shown[::-1], bounds=bounds).opts(  # row 0 on top, y counts rows
            invert_yaxis=True, tools=["tap"], frame_width=360, frame_height=360 * height // width,
            title=f"MS at t2, {preset}: click a pixel", xlabel="x (pixels)", ylabel="y (pixels)",
        )  # fmt: skip

    def _chosen(self, x: float | None, y: float | None) -> tuple[int, int]:
        """The clicked pixel; a click beside the image keeps the last one."""
        if x is not None and y is not None:
            row, column = round(y), round(x)
            if 0 <= row < self.scene.size[0] and 0 <= column < self.scene.size[1]:
                self.pixel = row, column
        return self.pixel

    def _marker(self, x: float | None, y: float | None) -> hv.Points:
        row, column = self._chosen(x, y)
        return hv.Points([(column, row)]).opts(
            marker="square", size=11, fill_alpha=0, line_color="cyan", line_width=2.5
        )

    def _spectra(self, x: float | None, y: float | None) -> hv.Overlay:
        self._chosen(x, y)
        self.text.value = self._say()
        found = pixel_spectra(self.scene, self.pixel, self.fused)
        curves = [self._curve(key, values) for key, values in found.items()]
        return hv.Overlay(curves).opts(
            frame_width=520, frame_height=360, legend_position="bottom", legend_cols=2,
            xlabel="wavelength (nm)", ylabel="reflectance (0-1)", title=self._title(),
        )  # fmt: skip

    def _curve(self, key: str, values: np.ndarray) -> Any:
        style = SOURCE_STYLE[key]
        if style.line == "none":
            points = hv.Scatter((self.scene.ms.centre, values), label=style.label)
            marker = {"o": "circle", "s": "square"}[style.marker]
            return points.opts(color=style.colour, size=8, marker=marker)
        curve = hv.Curve(with_gaps(self.scene.hs, values), label=style.label)
        return curve.opts(color=style.colour, line_dash=DASHES[style.line], line_width=2)

    def _title(self) -> str:
        row, column = self.pixel
        kind = "" if self.scene.change is None else f" ({KINDS[self.scene.change[self.pixel]]})"
        return f"pixel y = {row}, x = {column}{kind}"

    def _say(self) -> str:
        if self.scene.hrhs_t2 is None:
            return self._title()
        at = (slice(None), slice(self.pixel[0], self.pixel[0] + 1), self.pixel[1], None)
        angle = sam(self.fused.hrhs_t2[at], self.scene.hrhs_t2[at])
        return f"{self._title()}: fused and true spectrum at t2 differ by {angle:.2f}°"

    def _ipython_display_(self) -> None:
        display(self.view, self.text)


class DegradationExplorer(Redrawn):
    """Sliders for what turns the sharp image into the observed one.

    Args:
        scene: with truth; its X1 is degraded afresh at every move.
        pixel: (y, x) whose spectrum is drawn.
    """

    def __init__(self, scene: Scene, pixel: tuple[int, int]) -> None:
        self.scene, self.pixel = scene, pixel
        fine, whole = ipywidgets.FloatSlider, ipywidgets.IntSlider
        self.mtf = slider(fine, 0.3, "MTF at Nyquist", min=0.05, max=0.6, step=0.05)
        ratios = [2, 3, 4, 5, 6, 10]
        self.ratio = slider(ipywidgets.SelectionSlider, 3, "ratio", options=ratios)
        self.snr = slider(whole, 35, "SNR (dB)", min=10, max=50, step=5)
        self.phase = ipywidgets.Dropdown(
            options=["centre", "first pixel"], description="sample sits at",
            style={"description_width": "11em"},
        )  # fmt: skip
        shift = {"min": -2.0, "max": 2.0, "step": 0.25}
        self.shift_y = slider(fine, 0.0, "HS shift down (px)", **shift)
        self.shift_x = slider(fine, 0.0, "HS shift right (px)", **shift)
        self.show_with([self.mtf, self.ratio, self.snr], [self.phase, self.shift_y, self.shift_x])

    def view(self) -> tuple[Figure, str]:
        """The figure for the sliders as they stand, and what it shows."""
        return degradation_view(
            self.scene, self.pixel, mtf=self.mtf.value, ratio=self.ratio.value,
            snr=self.snr.value, phase=self.phase.value,
            shift=(self.shift_y.value, self.shift_x.value),
        )  # fmt: skip


def degradation_view(
    scene: Scene,
    pixel: tuple[int, int],
    *,
    mtf: float = 0.3,
    ratio: int = 3,
    snr: float = 35.0,
    phase: str = "centre",
    shift: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
) -> tuple[Figure, str]:
    """Degrade the truth X1 and show the damage in image and spectrum, side by side.

    Whoever upsamples Y1 assumes a sample at the centre of its pixels and no shift; `phase` and
    `shift` make that assumption wrong.

    Args:
        scene: with truth.
        pixel: (y, x) whose spectrum is drawn.
        mtf: PSF transfer at the coarse Nyquist frequency.
        ratio: 2 to 10; the image is cropped to a multiple.
        snr: of Y1, dB.
        phase: "centre" or "first pixel": where the sample of a coarse pixel really sits.
        shift: (y, x) of Y1 against the MS, high-resolution pixels.
        seed: of the noise.

    Returns:
        The figure, and one line that says what it shows.
    """
    assert scene.hrhs_t1 is not None
    height, width = (n - n % ratio for n in scene.size)
    x1 = scene.hrhs_t1[:, :height, :width]
    corner = -(ratio - 1) / 2 if phase == "first pixel" else 0.0
    true_psf = Psf.from_mtf(mtf, ratio, (shift[0] + corner, shift[1] + corner))
    y1 = add_noise(SpatialDegradation((height, width), ratio, true_psf).A(x1), snr, seed)
    assumed = SpatialDegradation((height, width), ratio, Psf.from_mtf(mtf, ratio)).upsample(y1)
    misfit = scene.hrms_t1[:, :height, :width] - scene.R.A(assumed)  # (C, H, W)
    rms = np.sqrt(np.mean(misfit**2, axis=0))  # (H, W)
    figure = _degradation_figure(scene, x1, y1, rms, pixel)
    text = (
        f"PSF σ = {true_psf.sigma_y:.2f} px; Y1 is {y1.shape[1]} × {y1.shape[2]} pixels; "
        f"RMS of M1 − R up(Y1) = {np.sqrt(np.mean(misfit**2)):.4f}"
    )
    return figure, text


def _degradation_figure(
    scene: Scene, x1: np.ndarray, y1: np.ndarray, misfit: np.ndarray, pixel: tuple[int, int]
) -> Figure:
    """X1, Y1 and the misfit map above; the spectrum of one pixel in X1 and Y1 below."""
    figure = plt.figure(figsize=(WIDTH, 6.6), layout="constrained")
    plt.close(figure)
    panes = figure.subplot_mosaic([["x1", "y1", "misfit"], ["spectrum"] * 3], height_ratios=(3, 2))
    nm, (height, width) = scene.hs.centre, x1.shape[1:]
    stretch = stretch_limits([(x1, nm)])
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    for key, cube, title in (("x1", x1, "X1, the truth"), ("y1", y1, "Y1, as observed")):
        shown = rgb(cube, nm, "true colour", stretch)
        panes[key].imshow(shown, extent=extent, interpolation="nearest")
        panes[key].set_title(title)
    image = panes["misfit"].imshow(misfit, extent=extent, cmap="viridis", vmin=0, vmax=0.1)
    figure.colorbar(image, ax=panes["misfit"], label="reflectance", extend="max")
    panes["misfit"].set_title("RMS of M1 − R up(Y1)")
    for key in ("x1", "y1", "misfit"):
        panes[key].plot(pixel[1], pixel[0], "s", mfc="none", mec="white", mew=2)
        panes[key].set(xlabel="x (pixels)", ylabel="y (pixels)" if key == "x1" else "")
    ratio = height // y1.shape[1]
    y, x = (min(p, n - 1) for p, n in zip(pixel, x1.shape[1:], strict=True))
    for key, values in (
        ("truth_t1", x1[:, y, x]),
        ("lrhs_t1", y1[:, y // ratio, x // ratio]),
    ):
        style = SOURCE_STYLE[key]
        gaps = with_gaps(scene.hs, values)
        panes["spectrum"].plot(*gaps, color=style.colour, ls=style.line, label=style.label)
    panes["spectrum"].set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    panes["spectrum"].set_ylim(0.0, 1.25 * float(x1[:, y, x].max()))  # does not jump
    panes["spectrum"].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return figure


def show_matrix(matrix: np.ndarray, xlabel: str, ylabel: str) -> Figure:
    """A small matrix as coloured cells with their values."""
    rows, columns = matrix.shape
    figure = plt.figure(figsize=(WIDTH, 1.2 + 0.8 * rows), layout="constrained")
    plt.close(figure)
    ax = figure.subplots()
    image = ax.imshow(matrix, cmap="Blues", vmin=0, aspect="auto")
    for i, j in np.ndindex(rows, columns):
        if matrix[i, j] >= 0.005:
            shade = "white" if matrix[i, j] > 0.6 * matrix.max() else "black"
            ax.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", color=shade)
    ax.set(xlabel=xlabel, ylabel=ylabel, xticks=range(columns), yticks=range(rows))
    figure.colorbar(image, label="weight")
    return figure
