"""Places that look like nothing in particular: overlapping shapes of random mixtures.

Fields alone teach a network what fields look like. Here shapes of all sizes fall on one another
like dead leaves, each a random mixture of three spectra of the library, natural or built, so that
only what holds everywhere can be learnt. Between the dates more leaves fall.

Lee, Mumford & Huang, "Occlusion models for natural images", IJCV 41, 2001.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from stsf.scene import KINDS
from stsf.sensing.spectra import canopy
from stsf.world.palette import Mixer, Mixture, Palette, moist
from stsf.world.shapes import fractal

HARVEST, EMERGENCE, FLOOD, CONSTRUCTION = range(1, len(KINDS))
# Share of the pool and the change that a new leaf of this material counts as.
POOL = {
    "soil": (0.28, HARVEST),
    "built": (0.28, CONSTRUCTION),
    "canopy": (0.24, EMERGENCE),
    "npv": (0.10, HARVEST),
    "water": (0.07, FLOOD),
    "burned": (0.02, HARVEST),
    "snow": (0.01, HARVEST),
}
ENDMEMBERS = 240  # in one place
SMALLEST_LEAF = 4.0  # radius, cells


def leaf(
    rng: np.random.Generator, shape: tuple[int, int], radius: float, ragged: np.ndarray
) -> tuple[tuple[slice, slice], np.ndarray]:
    """A random ellipse, box or half disc somewhere: its window and its cells in there (bool)."""
    at = rng.uniform((0, 0), shape)
    low = np.maximum(0, np.floor(at - radius)).astype(int)
    high = np.minimum(shape, np.ceil(at + radius) + 1).astype(int)
    window = slice(low[0], high[0]), slice(low[1], high[1])
    y, x = np.ogrid[window]
    turn = rng.uniform(0, np.pi)
    u = ((x - at[1]) * np.cos(turn) + (y - at[0]) * np.sin(turn)) / radius
    v = ((y - at[0]) * np.cos(turn) - (x - at[1]) * np.sin(turn)) / (radius * rng.uniform(0.3, 1))
    outline = rng.choice([0, 1, 2])
    away = np.maximum(np.abs(u), np.abs(v)) * 1.4 if outline == 1 else np.hypot(u, v)
    inside = away < 1.0 + rng.choice([0.0, 0.25]) * ragged[window]
    return window, inside & (u > -0.2) if outline == 2 else inside


def fall(
    rng: np.random.Generator, label: np.ndarray, first: int, largest: float, until: float
) -> int:
    """Let leaves fall on `label` (changed in place) until `until` of it shows new ones.

    Radii follow r^-2: many small leaves, most of the area under large ones.

    Args:
        rng: shapes and places.
        label: (2H, 2W) numbers of the leaves on top.
        first: number of the first new leaf.
        largest: radius of the largest leaf, cells.
        until: share of the cells.

    Returns:
        number after the last new leaf.
    """
    ragged = fractal(rng, label.shape, 20.0, 2.0)
    shape = (label.shape[0], label.shape[1])
    shown, number = 0, first
    while shown < until * label.size:
        radius = 1.0 / rng.uniform(1.0 / largest, 1.0 / SMALLEST_LEAF)
        window, inside = leaf(rng, shape, radius, ragged)
        shown += int((inside & (label[window] < first)).sum())
        label[window][inside] = number
        number += 1
    return number


def pool(rng: np.random.Generator, palette: Palette) -> tuple[np.ndarray, np.ndarray]:
    """Endmembers for all leaves; between the dates canopies grow or fade, soils dry or get wet.

    Returns:
        spectra at both dates (2, endmembers, N) and the change that each stands for.
    """
    lib, kinds, spectra = palette.library, [], []
    growth, wetting = rng.uniform(0.85, 1.15), rng.uniform(-0.1, 0.1)
    materials = list(POOL)
    for material in rng.choice(materials, ENDMEMBERS, p=[POOL[m][0] for m in materials]):
        index = palette.pick(material)
        both = lib.spectra[[index, index]].astype(float)
        if material == "canopy":
            lai, chl = lib.attributes["LAI"][index], lib.attributes["CHL"][index]
            pace = np.array([1.0, growth * rng.uniform(0.95, 1.05)])
            both = canopy(lib, lai * pace, chl * pace, index)
        if material == "soil":
            wet = np.clip(rng.uniform(0, 0.7) + np.array([0.0, wetting]), 0.0, 1.0)
            both = moist(both[0], lib.wavelength, wet)
        palette.names.add(lib.names[index])
        spectra.append(both)
        kinds.append(POOL[material][1])
    return np.stack(spectra, axis=1), np.array(kinds)


def mix(
    label: np.ndarray, columns: np.ndarray, logits: np.ndarray, noise: np.ndarray, endmembers: int
) -> sparse.csr_matrix:
    """Weights (cells, endmembers): softmax of each leaf's own three logits plus noise.

    Args:
        label: (2H, 2W) leaf of each cell.
        columns: (3, leaves) endmembers of each leaf.
        logits: (3, leaves).
        noise: (3, cells).
        endmembers: how many there are in all.
    """
    leaf_of = label.ravel()
    share = np.exp(logits[:, leaf_of] + noise)
    share /= share.sum(axis=0)
    mixer = Mixer(leaf_of.size)
    for column, weight in zip(columns, share, strict=True):
        mixer.put(column[leaf_of], weight)
    return mixer.matrix(endmembers)


def dead_leaves(rng: np.random.Generator, shape: tuple[int, int], palette: Palette) -> Mixture:
    """Leaves on a fractal ground at date 1, with more of them on top at date 2."""
    fine = 2 * shape[0], 2 * shape[1]
    # which leaf lies on top, at both dates
    first = np.digitize(fractal(rng, fine, min(fine) / 3, 2.0), (-1.0, -0.3, 0.3, 1.0))
    count = fall(rng, first, 5, 0.25 * min(fine), until=0.9)
    second = first.copy()
    leaves = fall(rng, second, count, 0.1 * min(fine), until=rng.uniform(0.14, 0.2))
    # what the leaves are made of
    spectra, kinds = pool(rng, palette)
    columns = rng.integers(0, len(kinds), (3, leaves))
    logits = np.log(rng.dirichlet((0.7, 0.7, 0.7), leaves).T + 1e-3)
    noise = np.stack([0.5 * fractal(rng, fine, scale).ravel() for scale in (40.0, 15.0, 6.0)])
    weights = [mix(label, columns, logits, noise, len(kinds)) for label in (first, second)]
    # what a pixel became
    dominant = kinds[columns[logits.argmax(axis=0), np.arange(leaves)]]
    changed = np.where(second >= count, dominant[second], 0)
    shade = np.zeros((2, *fine))
    return Mixture((weights[0], weights[1]), (spectra[0], spectra[1]), shade, changed)
