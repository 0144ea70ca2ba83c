"""Widgets and figures of lesson 01: spectra, bands, and a spectrum in a few numbers."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import slider
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.plots.colour import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    MS_COLOUR,
    ORANGE,
    PRESETS,
    PURPLE,
    RED,
    SKY,
    nearest_bands,
    rgb,
)
from stsf.plots.figures import WIDTH
from stsf.sensing.bands import Sensor, from_bands
from stsf.sensing.response import srf_matrix
from stsf.sensing.spectra import Library
from stsf.sensing.subspace import Subspace

Pins = Mapping[str, tuple[int, int]]  # name -> (y, x)


PIN_LOOK = ((BLUE, "o"), (GREEN, "^"), (ORANGE, "s"), (PURPLE, "D"))  # marker and colour: both tell


MATERIAL_COLOUR = {
    "water": BLUE, "canopy": GREEN, "soil": ORANGE, "built": PURPLE,
    "npv": RED, "snow": SKY, "burned": BLACK,
}  # fmt: skip


LINES = ("-", "--", "-.", ":")  # first, second ... spectrum of one material


FEATURES = {  # nm; what a spectrum tells at a glance
    "red edge": (680.0, 750.0),
    "leaf water": (1150.0, 1250.0),
    "clay": (2160.0, 2240.0),
}


OWN = "own choice"


class BandPicker(Redrawn):
    """Choose three wavelengths as red, green and blue, by preset or one by one.

    Args:
        cube: (L, H, W) reflectance.
        sensor: its L bands.
        pins: up to four named pixels whose spectra are drawn.
    """

    def __init__(self, cube: np.ndarray, sensor: Sensor, pins: Pins) -> None:
        self.cube, self.sensor, self.pins = cube, sensor, pins
        self.preset = ipywidgets.Dropdown(
            options=[*PRESETS, OWN], description="preset", style={"description_width": "11em"}
        )
        limits = {"min": 440.0, "max": 2380.0, "step": 5.0, "readout_format": ".0f"}
        self.channels = [
            slider(ipywidgets.FloatSlider, nm, f"{name} (nm)", **limits)
            for name, nm in zip(("red", "green", "blue"), PRESETS["true colour"])
        ]
        self.show_with(self.channels, [self.preset])
        self.preset.unobserve(self.redraw, names="value")
        self.preset.observe(self._use_preset, names="value")

    def _use_preset(self, _: object = None) -> None:
        """All three sliders at once, then one redraw."""
        if self.preset.value == OWN:
            return
        for channel, nm in zip(self.channels, PRESETS[self.preset.value]):
            channel.unobserve(self.redraw, names="value")
            channel.value = nm
            channel.observe(self.redraw, names="value")
        self.redraw()

    def view(self) -> tuple[Figure, str]:
        """The image in the chosen wavelengths, and the spectra of the pins."""
        red, green, blue = (channel.value for channel in self.channels)
        if (red, green, blue) != PRESETS.get(self.preset.value):
            self.preset.value = OWN
        return band_view(self.cube, self.sensor, self.pins, (red, green, blue))


def band_view(
    cube: np.ndarray, sensor: Sensor, pins: Pins, wavelengths: tuple[float, float, float]
) -> tuple[Figure, str]:
    """A false-colour image, and where its three bands cut the spectra of some pixels.

    Args:
        cube: (L, H, W) reflectance.
        sensor: its L bands.
        pins: two to four named pixels (y, x).
        wavelengths: shown as red, green and blue, nm; the nearest bands are taken.

    Returns:
        The figure, and one line with the bands, the values of the pins in them, and by how much the
        colours of the last two differ on the screen, from 0 (alike) to 1 (black and white).
    """
    bands = nearest_bands(sensor.centre, wavelengths)  # (3,)
    figure = sheet(WIDTH, 3.1)
    image, curves = figure.subplots(1, 2, width_ratios=(2, 3))
    image.imshow(rgb(cube, sensor.centre, wavelengths))
    image.set(xlabel="x (pixels)", ylabel="y (pixels)")
    for (name, (y, x)), (colour, marker) in zip(pins.items(), PIN_LOOK):
        image.plot(x, y, marker, color=colour, mec="white", mew=1.5, ms=10)
        curves.plot(*with_gaps(sensor, cube[:, y, x]), color=colour, label=name)
        curves.plot(sensor.centre[bands], cube[bands, y, x], marker, color=colour, ms=7)
    for letter, colour, nm in zip("RGB", (RED, GREEN, BLUE), sensor.centre[bands]):
        curves.axvline(nm, color=colour, lw=1.5)
        curves.text(nm, 1.01, letter, transform=curves.get_xaxis_transform(), ha="center")
    _label(curves)
    curves.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.06))
    chosen = ", ".join(
        f"{name} {nm:.0f} nm" for name, nm in zip(("red", "green", "blue"), sensor.centre[bands])
    )
    values = "; ".join(
        f"{name} " + " / ".join(f"{value:.2f}" for value in cube[bands, y, x])
        for name, (y, x) in pins.items()
    )
    colours = rgb(cube, sensor.centre, wavelengths)
    *_, (y1, x1), (y2, x2) = pins.values()
    apart = float(np.sqrt(np.mean(np.square(colours[y1, x1] - colours[y2, x2]))))
    last = " and ".join([*pins][-2:])
    return figure, f"{chosen}: {values}; colours of {last} differ by {apart:.2f}"


class SubspaceExplorer(Redrawn):
    """Rebuild a spectrum from its first k coordinates.

    Args:
        plane: coordinates; k runs from 0 to their number.
        sensor: the bands.
        spectra: name to spectrum (L,).
    """

    def __init__(self, plane: Subspace, sensor: Sensor, spectra: Mapping[str, np.ndarray]) -> None:
        self.plane, self.sensor, self.spectra = plane, sensor, spectra
        self.which = ipywidgets.Dropdown(
            options=list(spectra), description="spectrum", style={"description_width": "11em"}
        )
        self.k = slider(ipywidgets.IntSlider, 2, "numbers k", min=0, max=len(plane))
        self.show_with([self.which], [self.k])

    def view(self) -> tuple[Figure, str]:
        """The spectrum and what k numbers make of it."""
        return subspace_view(self.plane, self.sensor, self.spectra[self.which.value], self.k.value)


def rebuild(plane: Subspace, cube: np.ndarray, k: int) -> np.ndarray:
    """A cube (L, H, W) from only the first k of its coordinates; k = 0 is the mean spectrum.

    Example:
        >>> from stsf.sensing.subspace import fit_subspace
        >>> ramp = np.linspace(0, 1, 5)[:, None] * [1.0, 2.0, 2.0]  # spectra on a line
        >>> plane = fit_subspace(ramp, k=1)
        >>> rebuild(plane, ramp.T[..., None], 1)[:, 2, 0]
        array([0.5, 1. , 1. ])
    """
    z = plane.encode(cube)
    z[k:] = 0.0
    return plane.decode(z)


def subspace_view(
    plane: Subspace, sensor: Sensor, spectrum: np.ndarray, k: int
) -> tuple[Figure, str]:
    """A spectrum beside its copy from k numbers, and how the error falls with k.

    Args:
        plane: coordinates.
        sensor: L bands.
        spectrum: (L,) reflectance.
        k: how many of the coordinates are used.

    Returns:
        The figure, and one line with k and the RMS error.
    """
    copies = [rebuild(plane, spectrum[:, None, None], n)[:, 0, 0] for n in range(len(plane) + 1)]
    errors = [float(np.sqrt(np.mean((copy - spectrum) ** 2))) for copy in copies]
    figure = sheet(WIDTH, 3.1)
    curve, fall = figure.subplots(1, 2, width_ratios=(3, 2))
    curve.plot(*with_gaps(sensor, spectrum), color=GREY, ls=":", lw=3, label="spectrum")
    curve.plot(*with_gaps(sensor, copies[k]), color=PURPLE, label="from k numbers")
    _label(curve)
    low, high = np.min([*copies, spectrum]), np.max([*copies, spectrum])
    curve.set_ylim(min(0.0, 1.05 * low), 1.05 * high)  # of every k: does not jump
    curve.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    fall.semilogy(errors, ".-", color=GREY)
    fall.semilogy(k, errors[k], "o", color=PURPLE, ms=9)
    fall.set(xlabel="numbers k", ylabel="RMS error (reflectance)")
    fall.grid(alpha=0.3)
    return figure, f"k = {k}: RMS error {errors[k]:.4f}, {len(spectrum)} bands"


def library_view(lib: Library, picks: Mapping[str, int]) -> Figure:
    """Spectra of a library, with the places where they tell what they are.

    Args:
        lib: spectral library.
        picks: label to index, up to four of one material.
    """
    figure = plt.figure(figsize=(WIDTH, 4.6), layout="constrained")
    plt.close(figure)
    ax, leaf = figure.subplots(1, 2, width_ratios=(3, 1))
    axis = from_bands(lib.wavelength, 10.0)  # for the gaps of the library
    drawn: list[str] = []
    for name, index in picks.items():
        material = str(lib.material[index])
        colour, line = MATERIAL_COLOUR[material], LINES[drawn.count(material)]
        ax.plot(*with_gaps(axis, lib.spectra[index]), lw=1.8, label=name, color=colour, ls=line)
        drawn.append(material)
        if material == "canopy":
            near = np.abs(lib.wavelength - np.mean(FEATURES["leaf water"])) <= 120
            curve = lib.spectra[index][near]
            leaf.plot(lib.wavelength[near], curve / curve.max(), color=colour, ls=line, lw=1.8)
    for name, (low, high) in FEATURES.items():
        ax.axvspan(low, high, color=GREY, alpha=0.15, lw=0)
        ax.text((low + high) / 2, 0.98, name, ha="center", va="top", fontsize=9,
                transform=ax.get_xaxis_transform())  # fmt: skip
    _label(ax)
    ax.set_ylim(top=1.1 * ax.get_ylim()[1])
    ax.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    leaf.set(title="leaf water, closer", xlabel="wavelength (nm)", ylabel="over its maximum")
    leaf.grid(alpha=0.3)
    return figure


def compare_view(hs: Sensor, ms: Sensor, lib: Library, picks: Mapping[str, int]) -> Figure:
    """The same spectra as the two sensors see them: HS as curves, MS as points with band widths.

    Args:
        hs: hyperspectral sensor.
        ms: multispectral sensor.
        lib: spectral library.
        picks: label to index, up to four.
    """
    figure = plt.figure(figsize=(WIDTH, 3.8), layout="constrained")
    plt.close(figure)
    ax = figure.subplots()
    for (name, index), line, marker in zip(picks.items(), LINES, "osD^"):
        one = lib.select([index])
        colour = MATERIAL_COLOUR[str(one.material[0])]
        ax.plot(*with_gaps(hs, one.at(hs)[0]), color=colour, ls=line, label=f"{name}, HS")
        ax.errorbar(
            ms.centre, one.at(ms)[0], xerr=ms.fwhm / 2, ls="none", marker=marker, ms=8,
            color=colour, mfc="none", mew=1.5, label=f"{name}, MS", zorder=4,
        )  # fmt: skip
    _label(ax)
    ax.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def weights_view(hs: Sensor, ms: Sensor) -> Figure:
    """The rows of R: with which weight each HS band enters each MS band."""
    R, _ = srf_matrix(hs, ms)
    figure = plt.figure(figsize=(WIDTH, 3.4), layout="constrained")
    plt.close(figure)
    ax = figure.subplots()
    for name, row, colour, marker in zip(ms.band_names, R, MS_COLOUR, "os^Dv<>p"):
        used = np.abs(row) > 1e-4
        gaps = with_gaps(hs.select(used), row[used])
        ax.plot(*gaps, marker + "-", color=colour, ms=5, lw=1, label=name)
    ax.axhline(0.0, color=GREY, lw=1)
    ax.set(xlabel="wavelength of the HS band (nm)", ylabel="weight")
    ax.legend(frameon=False, ncols=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ax.grid(alpha=0.3)
    return figure


def _label(ax: Axes) -> None:
    ax.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.grid(alpha=0.3)
