"""Widgets and figures of lesson 09: spectra of two dates, change, what to believe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from stsf.inspection import Materials, best_matches, continuum_removed, threshold_scores, with_gaps
from stsf.lab.lessons.kit import slider
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.linear import pixels
from stsf.metrics.comparison import band_errors
from stsf.metrics.evaluation import band_groups
from stsf.plots.colour import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    GROUP_COLOUR,
    LIGHT,
    ORANGE,
    PURPLE,
    RED,
    SOURCE_STYLE,
)
from stsf.plots.figures import WIDTH, Fused, pixel_spectra
from stsf.scene import Scene

Pins = Mapping[str, tuple[int, int]]  # name -> (y, x)


VERDICTS = {"rightly unchanged": LIGHT, "hit": BLUE, "false alarm": ORANGE, "missed": PURPLE}


DRAWN = ("hrhs_t1", "hrhs_t2", "truth_t2")


STEPS = np.arange(1, 41)  # degrees


def two_dates_view(scene: Scene, fused: Fused, pins: Pins) -> Figure:
    """Up to four pixels: the fused spectrum of both dates, and what is known of t2.

    Args:
        scene: with truth.
        fused: result of `stsf.fuse`.
        pins: name to (y, x).
    """
    figure = plt.figure(figsize=(WIDTH, 6.6), layout="constrained")
    plt.close(figure)
    for ax, (name, pixel) in zip(
        figure.subplots(2, 2, sharex=True, sharey=True).flat, pins.items()
    ):
        spectra = pixel_spectra(scene, pixel, fused)
        for key in DRAWN:
            _curve(ax, scene, key, spectra[key])
        style = SOURCE_STYLE["hrms_t2"]
        ax.errorbar(
            scene.ms.centre, spectra["hrms_t2"], xerr=scene.ms.fwhm / 2, ls="none",
            marker=style.marker, ms=5, color=style.colour, label=style.label, zorder=4,
        )  # fmt: skip
        ax.set(title=f"{name}: y = {pixel[0]}, x = {pixel[1]}", xlabel="wavelength (nm)")
        ax.set(ylabel="reflectance (0-1)")
        ax.grid(alpha=0.3)
    ax.set_ylim(bottom=0)
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, ncols=4, loc="outside upper center")
    return figure


def _curve(ax: Axes, scene: Scene, key: str, values: np.ndarray) -> None:
    style = SOURCE_STYLE[key]
    width = 2.2 if style.line == ":" else 1.6
    line = with_gaps(scene.hs, values)
    ax.plot(*line, color=style.colour, ls=style.line, lw=width, label=style.label)


def depth(scene: Scene, spectrum: np.ndarray, low: float, high: float) -> float:
    """Depth of the deepest dip between two wavelengths, below the line between its shoulders.

    Args:
        scene: for the bands.
        spectrum: (L,) reflectance.
        low: left shoulder, nm.
        high: right shoulder, nm.

    Returns:
        0 (no dip) to 1, whatever the brightness; NaN for a spectrum that is zero there.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample()
        >>> ramp = scene.hs.centre / 5000
        >>> round(depth(scene, ramp, 2100, 2300), 6), round(depth(scene, 3 * ramp, 2100, 2300), 6)
        (0.0, 0.0)
    """
    inside = (scene.hs.centre >= low) & (scene.hs.centre <= high)
    relative = continuum_removed(scene.hs.centre[inside], spectrum[inside])
    known = relative[np.isfinite(relative)]
    return float(1 - known.min()) if len(known) else float("nan")


def continuum_view(
    scene: Scene, fused: Fused, pixel: tuple[int, int], low: float, high: float
) -> Figure:
    """A part of the spectra of one pixel, as they are and divided by their continuum.

    Args:
        scene: with truth.
        fused: result of `stsf.fuse`.
        pixel: (y, x).
        low: shortest wavelength, nm.
        high: longest wavelength, nm.
    """
    inside = (scene.hs.centre >= low) & (scene.hs.centre <= high)
    nm = scene.hs.centre[inside]
    figure = plt.figure(figsize=(WIDTH, 3.8), layout="constrained")
    plt.close(figure)
    plain, divided = figure.subplots(1, 2, sharex=True)
    spectra = pixel_spectra(scene, pixel, fused)
    for key in DRAWN:
        style, values = SOURCE_STYLE[key], spectra[key][inside]
        look = {"ls": style.line, "lw": 2.2 if style.line == ":" else 1.6, "label": style.label}
        plain.plot(nm, values, color=style.colour, **look)
        divided.plot(nm, continuum_removed(nm, values), color=style.colour, **look)
    plain.set(ylabel="reflectance (0-1)", title="as it is")
    divided.set(ylabel="share of the continuum (0-1)", title="divided by its continuum")
    for ax in (plain, divided):
        ax.set_xlabel("wavelength (nm)")
        ax.grid(alpha=0.3)
    handles, labels = plain.get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, ncols=3, loc="outside upper center")
    return figure


class ThresholdExplorer(Redrawn):
    """Call changed what turned by more than a threshold; see hits, false alarms and misses.

    Args:
        maps: name to angle (H, W) between two dates, degrees.
        change: (H, W) true codes, 0 = unchanged.
    """

    def __init__(self, maps: Mapping[str, np.ndarray], change: np.ndarray) -> None:
        self.maps, self.change = maps, change
        self.which = ipywidgets.Dropdown(
            options=list(maps), description="angle between", style={"description_width": "11em"}
        )
        limits = {"min": int(STEPS[0]), "max": int(STEPS[-1])}
        self.threshold = slider(ipywidgets.IntSlider, 5, "threshold (°)", **limits)
        self.show_with([self.which], [self.threshold])

    def view(self) -> tuple[Figure, str]:
        """The map for the chosen angle and threshold."""
        return threshold_view(self.maps, self.change, self.which.value, self.threshold.value)


def threshold_view(
    maps: Mapping[str, np.ndarray], change: np.ndarray, which: str, threshold: float
) -> tuple[Figure, str]:
    """What a threshold calls changed, and how right it is at every threshold.

    Args:
        maps: name to angle (H, W), degrees.
        change: (H, W) true codes, 0 = unchanged.
        which: a key of `maps`.
        threshold: degrees; changed means at or above.

    Returns:
        The figure, and one line with share, precision and recall.
    """
    values, true = maps[which], change > 0
    called = values >= threshold
    verdict = np.where(called, np.where(true, 1, 2), np.where(true, 3, 0))
    figure = sheet(WIDTH, 3.3)
    image, curve = figure.subplots(1, 2, width_ratios=(2, 3))
    colours = ListedColormap(list(VERDICTS.values()))
    image.imshow(verdict, cmap=colours, vmin=-0.5, vmax=3.5, interpolation="nearest")
    image.set(xlabel="x (pixels)", ylabel="y (pixels)")
    patches = [Patch(color=colour, label=name) for name, colour in VERDICTS.items()]
    image.legend(
        handles=patches, frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0)
    )
    scores = [threshold_scores(values, float(step), change) for step in STEPS]
    for name, colour, line in (("precision", BLUE, "-"), ("recall", PURPLE, "--")):
        shares = [score[name] for score in scores]
        curve.plot(STEPS, shares, color=colour, ls=line, label=name)
    curve.axvline(threshold, color=GREY, lw=1)
    curve.set(xlabel="threshold (°)", ylabel="share (0-1)", ylim=(0, 1.05))
    curve.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    curve.grid(alpha=0.3)
    now = threshold_scores(values, threshold, change)
    text = (
        f"{which}, at least {threshold:.0f}°: {now['share']:.1%} of the pixels called changed, "
        f"precision {now['precision']:.3f}, recall {now['recall']:.3f}"
    )
    return figure, text


def matched_materials(
    cube: np.ndarray, places: Iterable[tuple[int, int]], among: Materials
) -> Counter[str]:
    """How often the closest library spectrum of a pixel is of which material.

    Args:
        cube: (L, H, W) reflectance.
        places: (y, x) of the pixels.
        among: see `stsf.inspection.materials`.
    """
    return Counter(best_matches(cube[:, y, x], among, top=1)[0]["material"] for y, x in places)


def explained(scene: Scene) -> np.ndarray:
    """(L,) share of each band's variance that a linear function of the MS bands explains at t1.

    Seen on the coarse grid, where both sensors look at the same ground: R², 0 to 1.
    """
    ms = pixels(scene.D_ms.A(scene.hrms_t1), scene.valid_lr)  # (n, C)
    hs = pixels(scene.lrhs_t1, scene.valid_lr)  # (n, L)
    ms = np.column_stack([ms, np.ones(len(ms))])
    residual = hs - ms @ np.linalg.lstsq(ms, hs, rcond=None)[0]
    return 1 - residual.var(axis=0) / hs.var(axis=0)


def achieved(scene: Scene, x2: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(L,) share of each band's variance over some pixels that an estimate of X2 got right.

    1 - MSE / variance: 1 is perfect, 0 is no better than the mean of these pixels.

    Args:
        scene: with truth.
        x2: (L, H, W) estimate.
        mask: (H, W) the pixels.
    """
    true_x2 = scene.truth(2)
    spread = true_x2[:, mask].astype(np.float64).var(axis=1)
    return 1 - band_errors(x2, true_x2, mask).mse / spread


def trust_view(scene: Scene, x2: np.ndarray) -> Figure:
    """Along the wavelengths: what the MS explains at t1, and what the estimate of X2 achieved.

    Args:
        scene: with truth and change map.
        x2: (L, H, W) estimate.
    """
    kinds = scene.true_change()
    figure = plt.figure(figsize=(WIDTH, 4.4), layout="constrained")
    plt.close(figure)
    ax = figure.subplots()
    changed = kinds > 0
    lines = {
        "explained by the MS at t1": (explained(scene), BLACK, ":"),
        "achieved at t2, unchanged": (achieved(scene, x2, ~changed), GREEN, "--"),
        "achieved at t2, changed": (achieved(scene, x2, changed), RED, "-"),
    }
    for name, (values, colour, line) in lines.items():
        ax.plot(*with_gaps(scene.hs, values), color=colour, ls=line, lw=2, label=name)
    for name, mask in band_groups(scene.hs, scene.ms).items():
        at = scene.hs.centre[mask]
        ax.plot(at, np.full(len(at), 0.02), "|", color=GROUP_COLOUR[name], label=name, ms=9)
    ax.set(xlabel="wavelength (nm)", ylabel="share of the variance (0-1)", ylim=(0, 1.05))
    ax.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ax.grid(alpha=0.3)
    return figure
