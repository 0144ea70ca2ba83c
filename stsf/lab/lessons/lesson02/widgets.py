"""Lesson 02: what turns the sharp image into the observed one."""

from __future__ import annotations

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from stsf.degradation import Psf, SpatialDegradation, add_noise
from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import Redrawn, slider
from stsf.plots.colour import SOURCE_STYLE, rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.scene import Scene


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
    true_x1 = scene.truth(1)
    height, width = (n - n % ratio for n in scene.size)
    x1 = true_x1[:, :height, :width]
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
