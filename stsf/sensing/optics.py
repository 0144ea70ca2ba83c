"""Water and snow: reflectance from optical constants, by two short published models.

The constants are tables at coarse nodes, good enough for plausible spectra, not for retrieval.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

SUN_IN_WATER = 1.078  # 1 / cos of the sun's angle under water, the sun 30 degrees from zenith
BACKSCATTER_SEDIMENT = 0.0086  # m2/g at 550 nm
SNOW_PATH = 16.0  # path of light in snow, in grain diameters
SNOW_VIEW = 1.33  # K(sun) K(view), K(m) = 3/7 (1 + 2 m), for sun at 45 degrees and a nadir view


@cache
def _table(name: str) -> np.ndarray:
    """A table of optical constants as columns, wavelength in nm first."""
    text = (Path(__file__).with_name("tables") / name).read_text(encoding="utf-8")
    return np.array([line.split(",") for line in text.splitlines()[2:]], dtype=np.float64).T


def _log_interpolate(wavelength: ArrayLike, table: np.ndarray) -> np.ndarray:
    return np.exp(np.interp(np.asarray(wavelength), table[0], np.log(table[1])))


def water_absorption(wavelength: ArrayLike) -> np.ndarray:
    """Absorption of pure water in 1/m at wavelengths (N,) in nm, 400 to 2500.

    Source: Roettgers et al. 2011 (WOPP v3) to 2300 nm, Hale & Querry 1973 beyond.

    Example:
        >>> water_absorption([660, 970]).round(2)
        array([ 0.41, 45.29])
    """
    return _log_interpolate(wavelength, _table("water_absorption.csv"))


def ice_absorption(wavelength: ArrayLike) -> np.ndarray:
    """Absorption of ice in 1/m, 4 pi k / wavelength, at wavelengths (N,) in nm, 400 to 2500.

    Source: Warren & Brandt 2008, JGR 113 D14220, imaginary index k.

    Example:
        >>> ice_absorption([800, 1030]).round(1)
        array([ 2.1, 28.4])
    """
    index = _log_interpolate(wavelength, _table("ice_index.csv"))
    return 4.0 * np.pi * index / (np.asarray(wavelength, dtype=np.float64) * 1e-9)


def phytoplankton_absorption(wavelength: np.ndarray, chlorophyll: np.ndarray) -> np.ndarray:
    """Absorption of phytoplankton in 1/m: (a0 + a1 ln P) P with P = 0.06 chl^0.65 = a(440 nm).

    Source: Lee et al. 1999, Applied Optics 38(18), table 2.
    """
    nodes, a0, a1 = _table("phytoplankton.csv")
    p = 0.06 * chlorophyll**0.65
    shape = np.interp(wavelength, nodes, a0) + np.interp(wavelength, nodes, a1) * np.log(p)
    return np.maximum(shape, 0.0) * p


def water(
    wavelength: ArrayLike,
    chlorophyll: ArrayLike = 3.0,
    sediment: ArrayLike = 2.0,
    cdom: ArrayLike = 0.2,
    depth: ArrayLike = np.inf,
    bottom: float = 0.2,
) -> np.ndarray:
    """Reflectance of water seen from above, without surface glint (Lee et al. 1999).

    With absorption a, backscatter b, k = a + b, u = b / k, s = 1.078 and depth H:
    `r = (0.084 + 0.17 u) u (1 - exp(-(s + 1.03 sqrt(1 + 2.4 u)) k H))
    + bottom/pi exp(-(s + 1.04 sqrt(1 + 5.4 u)) k H)`, reflectance = `0.5 pi r / (1 - 1.5 r)`.
    Absorption: pure water, phytoplankton, coloured matter `exp(-0.015 (nm - 440))`, sediment
    `0.041 exp(-0.0123 (nm - 443))` m2/g (Babin et al. 2003). Backscatter: water
    `0.00111 (nm/500)^-4.32` (Morel 1974); sediment 0.0086 m2/g and phytoplankton
    `0.0054 chl^0.62` at 550 nm, both falling as `(550/nm)^0.5`.

    Args:
        wavelength: (N,) nm, 400 to 2500.
        chlorophyll: mg/m3; this and the next three are scalars or (n,).
        sediment: g/m3.
        cdom: absorption by coloured dissolved matter at 440 nm, 1/m.
        depth: m.
        bottom: reflectance of the bottom, 0 to 1, the same at all wavelengths.

    Returns:
        (n, N) reflectance; (1, N) for scalars.

    Source: Lee et al. 1999, Applied Optics 38(18) 3831-3843.

    Example:
        >>> water([560, 850, 1650], sediment=[1, 100]).round(2)
        array([[0.02, 0.  , 0.  ],
               [0.12, 0.02, 0.  ]])
    """
    nm = np.asarray(wavelength, dtype=np.float64)
    chl, load, yellow, h = (
        np.atleast_1d(np.asarray(value, dtype=np.float64))[:, None]  # (n, 1) against (N,)
        for value in (chlorophyll, sediment, cdom, depth)
    )
    a = water_absorption(nm) + phytoplankton_absorption(nm, chl)
    a = a + yellow * np.exp(-0.015 * (nm - 440)) + 0.041 * load * np.exp(-0.0123 * (nm - 443))
    particles = BACKSCATTER_SEDIMENT * load + 0.0054 * chl**0.62
    b = 0.00111 * (nm / 500) ** -4.32 + particles * np.sqrt(550 / nm)
    k, u = a + b, b / (a + b)
    column = np.exp(-(SUN_IN_WATER + 1.03 * np.sqrt(1 + 2.4 * u)) * k * h)
    floor = np.exp(-(SUN_IN_WATER + 1.04 * np.sqrt(1 + 5.4 * u)) * k * h)
    r = (0.084 + 0.17 * u) * u * (1 - column) + bottom / np.pi * floor
    return 0.5 * np.pi * r / (1 - 1.5 * r)


def snow(wavelength: ArrayLike, grain: ArrayLike = 0.2) -> np.ndarray:
    """Reflectance of deep, clean, dry snow (Kokhanovsky & Zege 2004).

    `R = exp(-1.33 sqrt(a L))`, a being the absorption of ice and L = 16 grain diameters. The
    expression is asymptotic for weak absorption: beyond 1400 nm it gives the shape and the
    darkness, not the exact value.

    Args:
        wavelength: (N,) nm, 400 to 2500.
        grain: radius of the ice grains in mm, scalar or (n,); 0.05 new snow to 1 old snow.

    Returns:
        (n, N) reflectance; (1, N) for a scalar.

    Source: Kokhanovsky & Zege 2004, Applied Optics 43(7) 1589-1602; L as in Kokhanovsky et al.
    2019, Remote Sensing 11(19) 2280.

    Example:
        >>> snow([550, 1030, 1650], grain=[0.1, 1.0]).round(2)
        array([[0.98, 0.67, 0.04],
               [0.95, 0.28, 0.  ]])
    """
    diameter = 2e-3 * np.atleast_1d(np.asarray(grain, dtype=np.float64))[:, None]  # m
    return np.exp(-SNOW_VIEW * np.sqrt(ice_absorption(wavelength) * SNOW_PATH * diameter))
