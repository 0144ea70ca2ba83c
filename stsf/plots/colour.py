"""One palette for the whole kit, safe for colour-blind readers, and colour images of cubes.

A source keeps its colour in every figure: cold for t1, warm for t2, grey and black for the truth
(the colours of Okabe and Ito, without the yellow, which fades on white).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stsf.errors import InputError
from stsf.scene import KINDS

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, RED, PURPLE, BROWN = "#0072B2", "#D55E00", "#CC79A7", "#7A4B1E"
GREY, LIGHT = "#606060", "#DDDDDD"
NO_DATA = 0.5  # grey level of pixels without data


class Style(NamedTuple):
    """How a source is drawn; `line` and `marker` as matplotlib writes them."""

    label: str
    colour: str
    line: str
    marker: str


SOURCE_STYLE = {
    "lrhs_t1": Style("observed HS, t1 (Y1)", SKY, "--", "."),
    "hrms_t1": Style("observed MS, t1 (M1)", GREEN, "none", "o"),
    "hrms_t2": Style("observed MS, t2 (M2)", ORANGE, "none", "s"),
    "hrhs_t1": Style("fused HS, t1 (X̂1)", BLUE, "-", "none"),
    "hrhs_t2": Style("fused HS, t2 (X̂2)", RED, "-", "none"),
    "truth_t1": Style("truth X1, t1", GREY, ":", "none"),
    "truth_t2": Style("truth X2, t2", BLACK, ":", "none"),
}
CHANGE_COLOUR = dict(zip(KINDS, (LIGHT, ORANGE, GREEN, BLUE, PURPLE)), changed=RED)
GROUP_COLOUR = {"MS-covered": BLUE, "VNIR gaps": ORANGE, "SWIR": GREY}
MS_COLOUR = (BLUE, GREEN, RED, PURPLE, SKY, ORANGE, BLACK, GREY)

PRESETS = {  # wavelengths of red, green and blue, nm
    "true colour": (665.0, 560.0, 490.0),
    "NIR": (840.0, 665.0, 560.0),
    "SWIR": (2200.0, 840.0, 665.0),
    "geology": (2200.0, 1610.0, 490.0),
}
REACH = 50.0  # nm, how far the nearest band may lie from what a preset asks for

Colours = str | tuple[float, float, float]  # a preset, or wavelengths of one's own, nm


def nearest_bands(wavelength: ArrayLike, preset: Colours = "true colour") -> np.ndarray:
    """Indices (3,) of the bands that show as red, green and blue.

    Args:
        wavelength: (L,) band centres, nm.
        preset: a key of `PRESETS`, or three wavelengths in nm, whose nearest bands are taken
            however far they are.

    Raises:
        InputError: an unknown preset, or no band within `REACH` of a wavelength it needs.

    Example:
        >>> nearest_bands([492.4, 559.8, 664.6, 832.8], "NIR")
        array([3, 2, 1])
        >>> nearest_bands([492.4, 559.8, 664.6, 832.8], (900.0, 700.0, 500.0))
        array([3, 2, 0])
    """
    if isinstance(preset, str) and preset not in PRESETS:
        raise InputError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}: choose one")
    wanted = PRESETS[preset] if isinstance(preset, str) else preset
    distance = np.abs(np.asarray(wavelength)[:, None] - np.array(wanted))  # (L, 3)
    if isinstance(preset, str) and distance.min(axis=0).max() > REACH:
        missing = wanted[int(distance.min(axis=0).argmax())]
        raise InputError(
            f"the preset {preset!r} needs a band within {REACH:.0f} nm of {missing:.0f} nm, the "
            f"nearest is {distance.min(axis=0).max():.0f} nm away: choose another preset"
        )
    return distance.argmin(axis=0)


def stretch_limits(
    panes: Iterable[tuple[np.ndarray, ArrayLike]], preset: Colours = "true colour"
) -> np.ndarray:
    """Reflectance (3, 2) shown as darkest and brightest in each channel, shared by all panes.

    The limits are the 2nd and 98th percentiles of the valid pixels of all panes together.

    Args:
        panes: cube (L, H, W) and its wavelengths (L,) in nm, one pair a pane.
        preset: a key of `PRESETS`, or three wavelengths in nm.

    Raises:
        InputError: no pane has a valid pixel; a preset that a pane cannot show.

    Example:
        >>> cube = np.linspace(0, 1, 101).reshape(1, 1, 101).repeat(3, axis=0)
        >>> stretch_limits([(cube, [490, 560, 665])])[0].round(2)
        array([0.02, 0.98])
    """
    channels = [cube[nearest_bands(nm, preset)].reshape(3, -1) for cube, nm in panes]
    pixels = np.concatenate(channels, axis=1)  # (3, N)
    pixels = pixels[:, np.isfinite(pixels).all(axis=0)]
    if not pixels.size:
        raise InputError("expected a valid pixel to stretch, got none: check the nodata value")
    return np.percentile(pixels, (2, 98), axis=1).T


def rgb(
    cube: np.ndarray,
    wavelength: ArrayLike,
    preset: Colours = "true colour",
    stretch: np.ndarray | None = None,
) -> np.ndarray:
    """Colour image (H, W, 3) in 0-1 from the bands nearest to three wavelengths.

    Args:
        cube: (L, H, W) reflectance; pixels without data become grey.
        wavelength: (L,) nm.
        preset: a key of `PRESETS`, or three wavelengths in nm.
        stretch: (3, 2) from `stretch_limits`; by default the cube's own.

    Raises:
        InputError: as for `stretch_limits`.

    Example:
        >>> cube = np.array([0.1, 0.2, 0.3]).reshape(3, 1, 1)
        >>> rgb(cube, [490, 560, 665], stretch=np.array([[0, 0.4]] * 3)).round(2)
        array([[[0.75, 0.5 , 0.25]]])
    """
    limits = stretch_limits([(cube, wavelength)], preset) if stretch is None else stretch
    image = np.moveaxis(cube[nearest_bands(wavelength, preset)], 0, -1)  # (H, W, 3)
    low, high = limits[:, 0], limits[:, 1]
    shown = np.clip((image - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    return np.where(np.isfinite(image).all(axis=-1, keepdims=True), shown, NO_DATA)
