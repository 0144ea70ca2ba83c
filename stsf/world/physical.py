"""A place whose spectra come from formulas: no library, smooth seasons, hardly any mixing.

What the library and the simulator share with a network's training is absent here: every spectrum
follows from absorption and scattering alone (Kubelka & Munk 1931 for leaf, soil and roof; Gordon,
Brown & Jacobs 1975 for water), and the second date is the same field some weeks on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.spatial import KDTree

from stsf.scene import KINDS
from stsf.world.shapes import fractal
from stsf.world.simulation import Landscape, change_map

AXIS = np.arange(400.0, 2451.0, 10.0)  # nm
SIDE = 14  # cells along a field, on average
# centre, width (nm) and strength of liquid water's bands
NEAR = ((970, 45, 0.03), (1195, 50, 0.08), (1450, 70, 1.5))
LIQUID = (*NEAR, (1780, 90, 0.5), (1940, 75, 3.5), (2600, 350, 4.0))
PIGMENT = ((420, 45, 3.0), (480, 30, 2.2), (620, 35, 0.7), (675, 20, 2.4))
DRY = ((1700, 60, 0.15), (2100, 110, 0.5), (2300, 70, 0.6), (2480, 90, 0.6))


def bands(lines: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    """(N,) sum of Gaussian absorption bands (centre, width in nm, strength) on `AXIS`."""
    return sum((a * np.exp(-0.5 * ((AXIS - c) / w) ** 2) for c, w, a in lines), np.zeros(len(AXIS)))


def thick(absorption: np.ndarray) -> np.ndarray:
    """Reflectance of a thick layer, absorption in units of its scattering (Kubelka & Munk).

    Example:
        >>> thick(np.array([0.0, 0.5])).round(3)  # white; 1 + k - sqrt(k² + 2 k)
        array([1.   , 0.382])
    """
    return 1 + absorption - np.sqrt(absorption**2 + 2 * absorption)


def leaf(chlorophyll: ArrayLike, water: ArrayLike, dry: ArrayLike) -> np.ndarray:
    """(..., N) reflectance of a dense stand; the three amounts are about 1."""
    amounts = (np.asarray(a)[..., None] for a in (chlorophyll, water, dry))
    parts = zip(amounts, (PIGMENT, LIQUID, DRY), (9.0, 1.0, 0.6), strict=True)
    absorbed = sum(scale * amount * bands(lines) for amount, lines, scale in parts)
    return 0.93 * thick(0.12 + absorbed * (0.7 + 0.3 * (AXIS / 1000) ** 0.5))


def soil(bright: float, iron: float, clay: float, wet: float) -> np.ndarray:
    """(N,) reflectance of bare ground: rises with the wavelength, darker where wet."""
    rise = 2.4 * np.exp(-(AXIS - 400) / 260) + iron * bands(((480, 70, 1.2), (880, 80, 0.12)))
    minerals = clay * bands(
        ((1415, 18, 0.05), (1915, 30, 0.12), (2205, 22, 0.12), (2345, 25, 0.05))
    )
    return thick((0.25 + rise + minerals) / bright + wet * (0.15 + 0.4 * bands(LIQUID)))


def roof(red: float, edge: float, dark: float) -> np.ndarray:
    """(N,) reflectance of tiles (red near 1) or of metal and tar (red near 0)."""
    step = 1 / (1 + np.exp((AXIS - edge) / 18))
    return thick(dark * (0.6 + 0.25 * np.sin(AXIS / 900)) + red * (2.5 * step + 0.15))


def water(sediment: float, algae: float) -> np.ndarray:
    """(N,) reflectance of deep water: backscatter over backscatter and absorption."""
    scatter = (0.004 + 0.05 * sediment) * (550 / AXIS) ** 0.8
    pure = 0.02 + 0.35 * np.exp((AXIS - 660) / 55).clip(0, 400) + 10 * bands(LIQUID)
    other = 0.12 * np.exp(-(AXIS - 440) / 70) + algae * 0.08 * bands(PIGMENT)
    return 0.015 + 0.33 * scatter / (scatter + pure + other)


def physical(seed: int, size: int = 120) -> Landscape:
    """A place of fields, woods, lakes and roofs at two dates.

    A field is bare, green or ripe; its greenness runs smoothly over it. Eight in ten fields grow or
    ripen by a little; the others are ploughed, emerge, are flooded or built over.

    Args:
        seed: which place.
        size: pixels along a side, from 24 on.

    Example:
        >>> place = physical(1, size=24)
        >>> place.shape, bool(0 < (place.change > 0).mean() < 0.6)
        ((24, 24), True)
    """
    rng = np.random.default_rng([seed, 17])
    side = 2 * size
    field, count = _fields(rng, side)
    kind = rng.choice(4, count, p=(0.3, 0.5, 0.1, 0.1))  # soil, stand, water, roof
    later, code = _second_kinds(rng, kind)
    spectra = _spectra(rng, kind, later)  # (2, 2 · count, N): thin and dense in every field
    vigour = np.clip(0.5 + 0.28 * fractal(rng, (side, side), side / 5, 2.5), 0, 1).ravel()
    dates = []
    for light in (np.ones(side * side), _light(rng, side)):
        row = np.arange(side * side)
        pair = np.stack([(1 - vigour) * light, vigour * light])
        column = np.stack([field.ravel(), field.ravel() + count])
        entries = (pair.ravel(), (np.tile(row, 2), column.ravel()))
        weights = sparse.csr_matrix(entries, shape=(side * side, 2 * count))
        dates.append(weights.astype(np.float32))
    return Landscape(
        change=change_map(code[field]),
        wavelength=AXIS,
        weights=(dates[0], dates[1]),
        spectra=(spectra[0], spectra[1]),
        materials=("soil", "stand", "water", "roof"),
    )


def _fields(rng: np.random.Generator, side: int) -> tuple[np.ndarray, int]:
    """(side, side) number of the field of every cell: the nearest of random points, bent."""
    count = max((side // SIDE) ** 2, 8)
    points = rng.uniform(0, side, (count, 2)) * (1.0, 0.6)
    bend = [3 * fractal(rng, (side, side), 30, 3.0) for _ in range(2)]
    y, x = np.mgrid[:side, :side] + np.stack(bend)
    return KDTree(points).query(np.stack([y, 0.6 * x], -1))[1], count


def _second_kinds(rng: np.random.Generator, kind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kinds at t2 and codes of `KINDS`; a fifth of the fields change."""
    harvest, emergence, flood, construction = range(1, 5)
    later, code = kind.copy(), np.zeros(len(kind), np.uint8)
    for i in np.flatnonzero((rng.random(len(kind)) < 0.2) & (kind < 2)):
        dice = rng.random()
        usual = (1, emergence) if kind[i] == 0 else (0, harvest)
        rare = (2, flood) if dice > 0.85 else (3, construction)
        later[i], code[i] = usual if dice < 0.7 else rare
    assert code.max(initial=0) < len(KINDS)
    return later, code


def _spectra(rng: np.random.Generator, kind: np.ndarray, later: np.ndarray) -> np.ndarray:
    """(2, 2 · fields, N) of both dates: each field's thin half, then each field's dense half."""
    place = int(rng.integers(2**32))
    grown = rng.normal(0.0, 0.25, len(kind))  # weeks on: greener where positive, riper where not
    dates = []
    for kinds, season in ((kind, 0 * grown), (later, grown)):
        halves = [
            _of_field((place, i), k, s) for i, (k, s) in enumerate(zip(kinds, season, strict=True))
        ]
        dates.append(np.stack(halves, 1).reshape(2 * len(kind), -1))
    return np.clip(np.stack(dates), 0.0, 1.0)


def _of_field(field: tuple[int, int], kind: int, season: float) -> np.ndarray:
    """(2, N) thin and dense; the same field has the same soil, stand and roof at both dates."""
    rng = np.random.default_rng(field)
    bare = soil(rng.uniform(0.6, 2.2), rng.uniform(0, 1.5), rng.uniform(0, 1.5), rng.uniform(0, 1))
    green, wet, dry = rng.uniform(0.4, 1.6), rng.uniform(0.3, 1.3), rng.uniform(0.3, 1.8)
    closed = rng.uniform(0.25, 0.8) * np.exp(season)  # leaf area of the thin half, over extinction
    tiles = roof(rng.choice((0.0, 1.0)), rng.uniform(560, 640), rng.uniform(0.05, 0.9))
    lake = water(rng.uniform(0, 1.0), rng.uniform(0, 1.0))
    stand = leaf(green * np.exp(season), wet * np.exp(0.5 * season), dry * np.exp(-0.3 * season))
    gap = np.exp(-np.array([1.0, 3.0]) * closed)[:, None]
    if int(kind) == 1:
        return gap * bare + (1 - gap) * stand
    cover, brighter = {0: (bare, 1.15), 2: (lake, 1.1), 3: (tiles, 1.1)}[int(kind)]
    return np.stack([cover, brighter * cover])


def _light(rng: np.random.Generator, side: int) -> np.ndarray:
    """(cells,) brightness at t2: smooth, within a few per cent of 1."""
    return (rng.uniform(0.96, 1.02) * (1 + 0.01 * fractal(rng, (side, side), side, 3.0))).ravel()
