"""What happens on the land: what each parcel carries at both dates, and what changed abruptly.

A cell is filled from the top: tree crowns, roofs, flood water, roads, rivers, then the ground of
its parcel, itself a mixture of leaves, litter, soil and hard surfaces that varies inside the
parcel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from stsf.scene import KINDS
from stsf.world.landscapes import FIELD, FOREST, GARDEN, GRASS, ORCHARD, SITE, Land, lay_out
from stsf.world.palette import Mixer, Mixture, Palette
from stsf.world.shapes import cover, fractal

HARVEST, EMERGENCE, FLOOD, CONSTRUCTION = range(1, len(KINDS))
LEAF, VIGOUR, LITTER, MOISTURE, HARD = range(5)  # what a state says of a parcel
BARE, BUILT = 6, 7  # states besides the uses of a parcel; FIELD is a field with its crop
# Lowest and highest share under leaves, vigour, litter in the rest, moisture, hard share of all.
STATES = {
    FIELD: ((0.75, 0.97), (0.4, 0.95), (0.0, 0.3), (0.2, 0.6), (0.0, 0.0)),
    GRASS: ((0.6, 0.9), (0.1, 0.6), (0.2, 0.8), (0.3, 0.6), (0.0, 0.0)),
    FOREST: ((0.9, 1.0), (0.5, 0.9), (0.5, 1.0), (0.4, 0.6), (0.0, 0.0)),
    ORCHARD: ((0.3, 0.8), (0.2, 0.5), (0.1, 0.5), (0.3, 0.6), (0.0, 0.0)),
    GARDEN: ((0.3, 0.9), (0.1, 0.7), (0.0, 0.3), (0.2, 0.6), (0.0, 0.4)),
    SITE: ((0.6, 0.9), (0.3, 0.7), (0.2, 0.6), (0.3, 0.5), (0.0, 0.0)),
    BARE: ((0.0, 0.08), (0.2, 0.5), (0.0, 0.5), (0.1, 0.7), (0.0, 0.0)),
    BUILT: ((0.0, 0.05), (0.1, 0.3), (0.0, 0.1), (0.0, 0.4), (0.2, 0.8)),
}
TEXTURE = (0.10, 0.12, 0.15, 0.12, 0.10)  # standard deviation of a state inside a parcel
ROOFS = ("comp_shingle", "concrete_tile", "gravel", "metal", "other", "tile", "wood_shingle")
ROADS = ("asphalt", "parking_lot", "road")
PAVING = ("driveway", "parking_lot", "sidewalk", "gravel")


@dataclass(frozen=True)
class Look:
    """Which endmembers (columns of the palette) cover what; arrays (parcels,) or pairs."""

    leaves: np.ndarray
    soil: tuple[np.ndarray, np.ndarray]
    litter: np.ndarray
    hard: np.ndarray
    roof: tuple[np.ndarray, np.ndarray]
    road: tuple[int, int]
    crown: tuple[int, int]
    river: tuple[int, int]
    flood: tuple[int, int]

    @classmethod
    def choose(cls, rng: np.random.Generator, use: np.ndarray, palette: Palette) -> Look:
        """Six crops, two grasses, one wood and so on, dealt out to the parcels."""
        lai, chl = rng.uniform((4, 38), (7, 58), (6, 2)).T
        crops = [palette.leaves((1.0, top), (15, green)) for top, green in zip(lai, chl)]
        grasses = [palette.leaves((0.8, rng.uniform(2.5, 4)), (15, 45)) for _ in range(2)]
        woods = [palette.leaves((2.5, rng.uniform(5, 7.5)), (25, 58)) for _ in range(2)]
        families = {FIELD: crops, FOREST: woods[:1], SITE: grasses[:1]}
        leaves = [rng.choice(families.get(u, grasses)) for u in use]

        def deal(columns: list[int]) -> np.ndarray:
            return rng.choice(columns, use.size)

        soils = [palette.soil() for _ in range(7)]
        roofs = [palette.plain("built", ROOFS) for _ in range(8)]
        return cls(
            leaves=np.array(leaves),
            soil=(deal(soils), deal(soils)),
            litter=deal([palette.plain("npv") for _ in range(4)]),
            hard=deal([palette.plain("built", PAVING) for _ in range(4)]),
            roof=(deal(roofs), deal(roofs)),
            road=(palette.plain("built", ROADS), palette.plain("built", ROADS)),
            crown=(woods[0], woods[1]),
            river=(palette.lake((0.5, 15.0)), palette.lake((0.5, 30.0))),
            flood=(palette.lake((30.0, 200.0)), palette.lake((60.0, 200.0))),
        )


def draw_state(rng: np.random.Generator, state: np.ndarray) -> np.ndarray:
    """Random values (5, parcels) within the range of each parcel's state."""
    low, high = np.array([STATES[s] for s in range(len(STATES))]).transpose(2, 1, 0)[:, :, state]
    return rng.uniform(low, high)


def flooded(rng: np.random.Generator, land: Land) -> np.ndarray:
    """Fraction of each cell under flood water at date 2: the lowest 2-4 % outside woods."""
    prone = (land.water < 0.5) & ~np.isin(land.use, (SITE, FOREST))[land.parcel]
    level = np.quantile(land.rise[prone], rng.uniform(0.02, 0.04))
    return cover(land.rise - level) * prone


def plan(
    rng: np.random.Generator, land: Land, stays: np.ndarray, drowned: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Construction on the site, harvest and emergence on fields, until 14-20 % have changed.

    The last field is worked only in part, along its rows, so that the share is met.

    Args:
        rng: which fields.
        land: the place.
        stays: (2H, 2W) cells that nothing on the ground changes.
        drowned: (2H, 2W) cells that the flood changes.

    Returns:
        parcel numbers (2H, 2W), the kind of change of each parcel, and the number of the last
        field: its unworked part has become a parcel of its own, the last.
    """
    parcel, kind = land.parcel.copy(), np.zeros(land.use.size + 1, int)
    kind[:-1][land.use == SITE] = CONSTRUCTION
    free = np.bincount(parcel[~(stays | drowned)], minlength=land.use.size)
    wanted = rng.uniform(0.14, 0.205) * parcel.size - drowned.sum() - free[land.use == SITE].sum()
    for field in rng.permutation(np.flatnonzero(land.use == FIELD)):
        kind[field] = rng.choice([HARVEST, EMERGENCE])
        wanted -= free[field]
        if wanted <= 0:
            mine = parcel == field
            worked = np.quantile(land.rows[mine], 1.0 + wanted / free[field])
            parcel[mine & (land.rows > worked)] = land.use.size
            break
    return parcel, kind, int(field)


def seasons(rng: np.random.Generator, use: np.ndarray, kind: np.ndarray, twin: int) -> np.ndarray:
    """States (2, 5, parcels) at both dates: slow growth and drying, and the abrupt changes.

    The last parcel starts like `twin`, the field it was part of.
    """
    growing = rng.random(use.size) < 0.6
    growing = np.where(kind == HARVEST, True, np.where(kind == EMERGENCE, False, growing))
    first = draw_state(rng, np.where(use == FIELD, np.where(growing, FIELD, BARE), use))
    site = use == SITE
    first[:, site] = first[:, site][:, :1]  # one meadow before it is built up
    first[:, -1] = first[:, twin]
    second = first.copy()
    second[VIGOUR] += rng.uniform(-0.07, 0.07) + 0.08 * rng.standard_normal(use.size)
    second[LEAF] *= 1.0 + rng.uniform(-0.03, 0.03) + 0.03 * rng.standard_normal(use.size)
    second[MOISTURE] += rng.uniform(-0.07, 0.07)
    for code, state in ((HARVEST, BARE), (EMERGENCE, FIELD), (CONSTRUCTION, BUILT)):
        new = draw_state(rng, np.full(use.size, state))
        second = np.where(kind == code, new, second)
    return np.clip([first, second], 0.0, 1.0)


def blend(
    mixer: Mixer,
    pair: tuple[np.ndarray | int, np.ndarray | int],
    part: np.ndarray,
    weight: np.ndarray,
    value: np.ndarray | None = None,
) -> None:
    """Two endmembers, the first by `part` (0-1); ladders where a `value` is given."""
    for column, share in zip(pair, (part, 1.0 - part), strict=True):
        if value is None:
            mixer.put(column, weight * share)
        else:
            mixer.climb(column, value, weight * share)


def fill(
    land: Land,
    look: Look,
    state: np.ndarray,
    noise: np.ndarray,
    flood: np.ndarray,
    date: int,
    columns: int,
) -> sparse.csr_matrix:
    """Weights (cells, columns) at a date: layers from the crowns down to the ground.

    Args:
        land: the place.
        look: endmembers.
        state: (5, cells) mean state of each cell's parcel at this date.
        noise: (5, cells) texture, mean 0 and standard deviation 1.
        flood: fraction of each cell under flood water at this date.
        date: 0 or 1.
        columns: endmembers in all.
    """
    mixer, parcel = Mixer(land.parcel.size), land.parcel.ravel()
    # what covers the ground: crowns, roofs, floods, roads, water
    part = np.clip(0.5 + 0.3 * noise[VIGOUR], 0.0, 1.0)
    blend(mixer, look.crown, part, mixer.layer(land.crown), 0.6 + 0.2 * noise[MOISTURE])
    lot = land.lot.ravel() - 1
    roofs = look.roof[0][lot], look.roof[1][lot]
    blend(mixer, roofs, 0.75 + 0.25 * np.tanh(noise[HARD]), mixer.layer(land.roof[date]))
    blend(mixer, look.flood, part, mixer.layer(flood))
    paved = land.paved[date]
    blend(mixer, look.road, part, mixer.layer(paved))
    track = mixer.layer((land.road[date] - paved) / np.maximum(1.0 - paved, 1e-6))
    blend(mixer, look.river, part, mixer.layer(land.water))
    # what is left of it: hard ground, leaves, litter, soil
    ground = mixer.layer(np.ones(parcel.size))
    here = np.clip(state + np.array(TEXTURE)[:, None] * noise, 0.0, 1.0)
    hard = ground * np.where(state[HARD] > 0, here[HARD], 0.0)
    leaf = (ground - hard) * here[LEAF]
    litter = (ground - hard - leaf) * here[LITTER]
    soil = ground - hard - leaf - litter
    mixer.put(look.hard[parcel], hard)
    mixer.climb(look.leaves[parcel], here[VIGOUR], leaf)
    mixer.put(look.litter[parcel], litter)
    pair = look.soil[0][parcel], look.soil[1][parcel]
    blend(mixer, pair, part, soil + track, here[MOISTURE])
    return mixer.matrix(columns)


def texture(rng: np.random.Generator, land: Land) -> np.ndarray:
    """Noise (5, 2H, 2W) of five scales; in fields the first also follows the rows."""
    noise = [fractal(rng, land.rows.shape, scale) for scale in (60.0, 20.0, 8.0, 30.0, 4.0)]
    rows = np.sin(2 * np.pi * land.rows / rng.uniform(3, 8, land.use.size)[land.parcel])
    noise[LEAF] = 0.8 * noise[LEAF] + 0.6 * rows * (land.use == FIELD)[land.parcel]
    return np.stack(noise)


def countryside(rng: np.random.Generator, shape: tuple[int, int], palette: Palette) -> Mixture:
    """Fields, a village, a river, and what happens there between the dates."""
    land = lay_out(rng, shape)
    flood = flooded(rng, land)
    high = np.maximum(land.crown, land.roof[0]) > 0.5  # stands above flood and field work
    stays = high | (land.road[0] > 0.5) | (land.water > 0.5)
    drowned = (flood > 0.5) & ~high
    parcel, kind, twin = plan(rng, land, stays, drowned)
    changed = np.where(stays, 0, kind[parcel])
    changed[drowned] = FLOOD
    state = seasons(rng, np.append(land.use, FIELD), kind, twin)[:, :, parcel.ravel()]
    look, noise = Look.choose(rng, land.use, palette), texture(rng, land)
    spectra = np.array(palette.spectra, float)
    first, second = (
        fill(land, look, state[d], noise.reshape(5, -1), d * flood, d, len(spectra)) for d in (0, 1)
    )
    leafy = np.clip(0.25 + 0.2 * noise[HARD], 0.0, 0.7) * (land.use == FOREST)[land.parcel]
    return Mixture((first, second), (spectra, spectra), np.maximum(land.shade, leafy), changed)
