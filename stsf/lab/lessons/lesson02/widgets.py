"""Lesson 02: what turns the sharp image into the observed one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from stsf.degradation import Psf, SpatialDegradation, add_noise, mtf_sigma
from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import rms, slider
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.plots.colour import BLUE, ORANGE, SOURCE_STYLE, rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.scene import Scene

TICKS = (50, 40, 30, 20, 10)  # dB, on the upper axis of the curves


class Harm(NamedTuple):
    """What a degraded Y1 gets wrong, by two yardsticks, reflectance."""

    all_bands: float  # RMS of enlarged Y1 - X1: needs the truth, counts every band
    seen_by_ms: float  # RMS of R Y1 - D M1: needs no truth, sees what R mixes


class DegradationExplorer(Redrawn):
    """Sliders for what turns the sharp image into the observed one.

    Args:
        scene: with truth; its X1 is degraded afresh at every move.
        pixels: name to (y, x) whose spectrum can be drawn.
    """

    def __init__(self, scene: Scene, pixels: Mapping[str, tuple[int, int]]) -> None:
        self.scene, self.pixels = scene, pixels
        fine, whole = ipywidgets.FloatSlider, ipywidgets.IntSlider
        self.mtf = slider(fine, 0.3, "MTF at Nyquist", min=0.05, max=0.6, step=0.05)
        ratios = [2, 3, 4, 5, 6, 10]
        self.ratio = slider(ipywidgets.SelectionSlider, 3, "ratio", options=ratios)
        self.snr = slider(whole, 35, "SNR (dB)", min=10, max=50, step=5)
        style = {"description_width": "11em"}
        self.phase = ipywidgets.Dropdown(
            options=["centre", "first pixel"], description="sample sits at", style=style
        )
        limits = {"min": -2.0, "max": 2.0, "step": 0.25}
        self.shift = slider(fine, 0.0, "shift down and right", **limits)
        self.where = ipywidgets.Dropdown(options=list(pixels), description="pixel", style=style)
        self.show_with([self.mtf, self.ratio, self.snr], [self.phase, self.shift, self.where])

    def view(self) -> tuple[Figure, str]:
        """The figure for the sliders as they stand, and what it shows."""
        return degradation_view(
            self.scene, self.pixels[self.where.value], mtf=self.mtf.value, ratio=self.ratio.value,
            snr=self.snr.value, phase=self.phase.value, shift=self.shift.value,
        )  # fmt: skip


@lru_cache(maxsize=2)  # what is drawn, and the harm of it
def observe(
    scene: Scene,
    mtf: float = 0.3,
    ratio: int = 3,
    snr: float = 35.0,
    phase: str = "centre",
    shift: float = 0.0,
    seed: int = 0,
) -> tuple[np.ndarray, SpatialDegradation]:
    """Degrade the truth X1: Y1 as observed, and the D that its user believes in.

    Whoever uses Y1 assumes a sample at the centre of its pixels and no shift; `phase` and `shift`
    make that assumption wrong.

    Args:
        scene: with truth.
        mtf: PSF transfer at the coarse Nyquist frequency.
        ratio: 2 to 10; the image is cropped to a multiple.
        snr: of Y1, dB.
        phase: "centre" or "first pixel": where the sample of a coarse pixel really sits.
        shift: of Y1 against the MS, as much down as right, high-resolution pixels.
        seed: of the noise.
    """
    x1 = scene.truth(1)
    height, width = size = (scene.size[0] // ratio * ratio, scene.size[1] // ratio * ratio)
    off = shift - ((ratio - 1) / 2 if phase == "first pixel" else 0.0)
    real = SpatialDegradation(size, ratio, Psf.from_mtf(mtf, ratio, (off, off)))
    believed = SpatialDegradation(size, ratio, Psf.from_mtf(mtf, ratio))
    return add_noise(real.A(x1[:, :height, :width]), snr, seed), believed


@lru_cache(maxsize=128)
def harm(
    scene: Scene, snr: float = 35.0, shift: float = 0.0, mtf: float = 0.3, ratio: int = 3,
    phase: str = "centre",
) -> Harm:  # fmt: skip
    """By how much Y1 is wrong, see `observe`, by two yardsticks.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample()
        >>> harm(scene, shift=0.5).seen_by_ms > 3 * harm(scene).seen_by_ms
        True
    """
    y1, believed = observe(scene, mtf, ratio, snr, phase, shift)
    height, width = (n * ratio for n in y1.shape[1:])
    wrong = believed.upsample(y1) - scene.truth(1)[:, :height, :width]
    misfit = scene.R.A(y1) - believed.A(scene.hrms_t1[:, :height, :width])
    return Harm(rms(wrong), rms(misfit))


def degradation_view(
    scene: Scene,
    pixel: tuple[int, int],
    *,
    mtf: float = 0.3,
    ratio: int = 3,
    snr: float = 35.0,
    phase: str = "centre",
    shift: float = 0.0,
) -> tuple[Figure, str]:
    """Y1, where it disagrees with M1, one spectrum, and the disagreement over shift and SNR.

    Args:
        scene: with truth.
        pixel: (y, x) whose spectrum is drawn.
        mtf: as in `observe`, like the following.
        ratio: see there.
        snr: see there.
        phase: see there.
        shift: see there.

    Returns:
        The figure, and one line that says what it shows.
    """
    y1, believed = observe(scene, mtf, ratio, snr, phase, shift)
    height, width = (n * ratio for n in y1.shape[1:])
    misfit = scene.R.A(y1) - believed.A(scene.hrms_t1[:, :height, :width])  # (C, h, w)
    now = harm(scene, snr, shift, mtf, ratio, phase)
    figure = sheet(WIDTH, 2.9)
    image, map_, spectrum, curve = figure.subplots(1, 4, width_ratios=(4, 4.4, 5, 5))
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    nm, x1 = scene.hs.centre, scene.truth(1)
    shown = rgb(y1, nm, "true colour", stretch_limits([(x1, nm)]))
    image.imshow(shown, extent=extent, interpolation="nearest")
    wrong = np.sqrt(np.mean(misfit**2, axis=0))
    look: dict[str, Any] = {"cmap": "viridis", "vmin": 0, "vmax": 0.03}
    drawn = map_.imshow(wrong, extent=extent, **look)
    figure.colorbar(drawn, ax=map_, label="reflectance", extend="max", location="bottom")
    for ax, title in ((image, "Y1, as observed"), (map_, "R Y1 − D M1, RMS")):
        ax.plot(pixel[1], pixel[0], "s", mfc="none", mec="white", mew=2)
        ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
    y, x = (min(p, n - 1) for p, n in zip(pixel, (height, width), strict=True))
    _draw_spectrum(spectrum, scene, x1[:, y, x], y1[:, y // ratio, x // ratio])
    _draw_curves(curve, scene, snr, shift, now)
    text = (
        f"PSF σ = {mtf_sigma(mtf, ratio):.2f} px; Y1 is {y1.shape[1]} × {y1.shape[2]} pixels; "
        f"RMS of enlarged Y1 − X1 = {now.all_bands:.4f}, of R Y1 − D M1 = {now.seen_by_ms:.4f}"
    )
    return figure, text


def _draw_spectrum(ax: Axes, scene: Scene, fine: np.ndarray, coarse: np.ndarray) -> None:
    """One pixel in X1 and in Y1."""
    for key, values in (("truth_t1", fine), ("lrhs_t1", coarse)):
        style = SOURCE_STYLE[key]
        gaps = with_gaps(scene.hs, values)
        ax.plot(*gaps, color=style.colour, ls=style.line, label=style.label)
    ax.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    ax.set_ylim(0.0, 1.3 * float(fine.max()))  # does not jump
    ax.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _draw_curves(ax: Axes, scene: Scene, snr: float, shift: float, now: Harm) -> None:
    """How R Y1 - D M1 grows with the shift and with the noise, and where the sliders are."""
    shifts, snrs = np.arange(0.0, 2.01, 0.25), np.arange(10.0, 51.0, 5.0)
    cases = [{"shift": s} for s in shifts] + [{"snr": s} for s in snrs]
    misfits = [
        harm(scene, **case).seen_by_ms
        for case in tqdm(cases, desc="curves, once", unit="image", delay=1, leave=False)
    ]
    by_shift, by_snr = misfits[: len(shifts)], misfits[len(shifts) :]
    ax.semilogy(shifts, by_shift, "-", color=BLUE, label="over the shift (px)")
    ax.semilogy((50 - snrs) / 20, by_snr, "--", color=ORANGE, label="over the noise (top, dB)")
    ax.semilogy(abs(shift), now.seen_by_ms, "o", color=BLUE, ms=8)
    ax.semilogy((50 - snr) / 20, now.seen_by_ms, "s", color=ORANGE, ms=8)
    ax.secondary_xaxis("top").set_xticks([(50 - s) / 20 for s in TICKS], [str(s) for s in TICKS])
    ax.set(xlabel="shift (fine pixels)", ylabel="R Y1 − D M1", ylim=(8e-4, 0.05))
    ax.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.17))
    ax.grid(alpha=0.3)


def show_matrix(matrix: np.ndarray, xlabel: str, ylabel: str) -> Figure:
    """A small matrix as coloured cells with their values."""
    rows, columns = matrix.shape
    figure = plt.figure(figsize=(WIDTH, 1.0 + 0.6 * rows), layout="constrained")
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
