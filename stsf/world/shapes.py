"""Noise, outlines, crowns and shadows: the brushes with which places are drawn.

All maps are (y, x) arrays of cells; a cell is half a high-resolution pixel, 5 m where a pixel is
10 m, so that most edges fall inside a pixel and the pixel is mixed.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

CELL = 5.0  # m, half a Sentinel-2 pixel


def fractal(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, slope: float = 1.5
) -> np.ndarray:
    """A random field with mean 0 and standard deviation 1, rough at every length up to `scale`.

    White noise whose amplitude falls as (1 + (scale f)²)^(-slope/2): flat for waves longer than
    `scale` cells, a power law below.

    Args:
        rng: source of the noise.
        shape: (y, x).
        scale: longest wave that still has full weight, in cells.
        slope: 1 is grainy, 3 is smooth.

    Example:
        >>> field = fractal(np.random.default_rng(0), (64, 64), scale=20)
        >>> bool(abs(field.mean()) < 1e-9), round(float(field.std()), 6)
        (True, 1.0)
    """
    spectrum = np.fft.rfft2(rng.standard_normal(shape))
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    spectrum *= (1.0 + scale**2 * (fy**2 + fx**2)) ** (-slope / 2)
    field = np.fft.irfft2(spectrum, s=shape)
    field -= field.mean()
    return field / field.std()


def cover(distance: np.ndarray) -> np.ndarray:
    """Part of a cell inside a shape, from the distance to its outline (inside is negative)."""
    return np.clip(0.5 - distance, 0.0, 1.0)


def edges(label: np.ndarray) -> np.ndarray:
    """True where the neighbour below or to the right has another label."""
    out = np.zeros(label.shape, bool)
    out[:-1] |= label[:-1] != label[1:]
    out[:, :-1] |= label[:, :-1] != label[:, 1:]
    return out


def crowns(rng: np.random.Generator, chance: np.ndarray) -> np.ndarray:
    """Scattered round tree crowns, 5-12 m wide: fraction of each cell under one.

    Args:
        rng: where the stems stand.
        chance: probability of a stem in each cell.
    """
    y, x = np.nonzero(rng.random(chance.shape) < chance)
    radius = rng.uniform(0.5, 1.2, y.size)
    off_y, off_x = rng.uniform(-0.5, 0.5, (2, y.size))
    out = np.zeros((chance.shape[0] + 2, chance.shape[1] + 2))
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            part = cover(np.hypot(dy - off_y, dx - off_x) - radius)
            np.maximum.at(out, (y + 1 + dy, x + 1 + dx), part)
    return out[1:-1, 1:-1]


def cast_shadow(height: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
    """Part of each cell in the shadow of something higher between it and the sun.

    Args:
        height: (2H, 2W) m above ground.
        azimuth: direction of the sun, degrees clockwise from north (up).
        elevation: of the sun, degrees.

    Example:
        >>> wall = np.zeros((5, 5)); wall[2, 2] = 10.0
        >>> cast_shadow(wall, azimuth=180.0, elevation=45.0)[:, 2].round(3)  # sun down
        array([0., 1., 0., 0., 0.])
    """
    drop = CELL * np.tan(np.deg2rad(elevation))  # m that a ray falls per cell
    south, east = -np.cos(np.deg2rad(azimuth)), np.sin(np.deg2rad(azimuth))
    shade = np.zeros(height.shape)
    for step in range(1, int(np.ceil(height.max() / drop)) + 1):
        dy, dx = round(step * south), round(step * east)
        toward_sun = ndimage.shift(height, (-dy, -dx), order=0)
        shade = np.maximum(shade, np.clip((toward_sun - step * drop - height) / 3.0, 0.0, 1.0))
    return shade
