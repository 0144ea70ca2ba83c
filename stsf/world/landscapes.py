"""The lie of the land: fields, roads, water, buildings, trees and their shadows, as plain maps.

Geometry only, no spectra: `stsf.world.countryside` covers the maps with materials. Lengths are in
cells (see `stsf.world.shapes`), positions in (y, x) order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from stsf.world.shapes import cast_shadow, cover, crowns, edges, fractal

FIELD, GRASS, FOREST, ORCHARD, GARDEN, SITE = range(6)  # what a parcel is used for
OPEN_LAND = (0.73, 0.22, 0.05)  # field, grass, orchard outside the woods


@dataclass(frozen=True, eq=False)
class Land:
    """Maps of one place, all (2H, 2W); fractions are the covered part of a cell, 0 to 1.

    Attributes:
        parcel: number of the parcel a cell belongs to, int.
        use: FIELD to SITE for each parcel, (parcels,) int.
        rows: position across the rows a farmer works in, cells.
        road: fraction under a road at date 1 and at date 2, (2, 2H, 2W).
        paved: fraction under a paved road (the rest of `road` is tracks), (2, 2H, 2W).
        water: fraction under a river or pond at both dates.
        rise: height above the water's edge in arbitrary units, for floods.
        roof: fraction under a building at date 1 and at date 2, (2, 2H, 2W).
        lot: number of the lot a building stands on, int, 0 where there is none.
        crown: fraction under a tree crown (outside forests).
        shade: fraction in cast shadow at date 1 and at date 2, (2, 2H, 2W).
    """

    parcel: np.ndarray
    use: np.ndarray
    rows: np.ndarray
    road: np.ndarray
    paved: np.ndarray
    water: np.ndarray
    rise: np.ndarray
    roof: np.ndarray
    lot: np.ndarray
    crown: np.ndarray
    shade: np.ndarray


def districts(
    rng: np.random.Generator, y: np.ndarray, x: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voronoi districts: number of the nearest of `count` centres, of the second, and the edge.

    Returns:
        nearest and second (2H, 2W) int, and the distance to the edge between the two in cells.
    """
    centre = rng.uniform(0.0, 1.0, (count, 2)) * (y.max(), x.max())
    distance, index = KDTree(centre).query(np.stack([y, x], axis=-1), k=2)
    nearest, second = index[..., 0], index[..., 1]
    apart = np.linalg.norm(centre[nearest] - centre[second], axis=-1)
    return nearest, second, (distance[..., 1] ** 2 - distance[..., 0] ** 2) / (2.0 * apart)


def split(
    rng: np.random.Generator, u: np.ndarray, v: np.ndarray, cells: np.ndarray, area: float
) -> list[np.ndarray]:
    """Cut a set of cells again and again across u or v until the pieces have about `area` cells.

    Fields are long: a piece is cut across u until it is 2.2 times longer in v, along the rows.

    Args:
        rng: where to cut.
        u: across the rows, flat (cells of the whole place,).
        v: along the rows, flat.
        cells: flat positions to divide.
        area: size wanted, in cells; pieces vary by a factor of two or so.
    """
    waiting, done = [cells], []
    while waiting:
        piece = waiting.pop()
        if piece.size <= max(4.0, area * rng.uniform(0.6, 1.8)):
            done.append(piece)
            continue
        axis = v if np.ptp(v[piece]) > 2.2 * np.ptp(u[piece]) else u
        low = axis[piece] <= np.quantile(axis[piece], rng.uniform(0.35, 0.65))
        waiting += [piece[low], piece[~low]]
    return done


def houses(rng: np.random.Generator, lot: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """One upright box in the middle of every lot: fraction of each cell under its roof.

    Args:
        rng: sizes.
        lot: lot numbers, 0 for none.
        u: first coordinate along which walls run.
        v: second.
    """
    cells = np.bincount(lot.ravel())
    cells[0] = 1  # avoids a division by zero should every cell have a lot
    middle = [np.bincount(lot.ravel(), w.ravel()) / np.maximum(cells, 1) for w in (u, v)]
    side = np.sqrt(cells) * rng.uniform(0.22, 0.4, (2, cells.size))  # half of each
    side[:, rng.random(cells.size) < 0.12] = -1.0  # an empty lot
    box = np.maximum(
        np.abs(u - middle[0][lot]) - side[0][lot], np.abs(v - middle[1][lot]) - side[1][lot]
    )
    return np.where(lot > 0, cover(box), 0.0)


def waters(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A river that winds across the place and a few ponds: fraction of each cell under water."""
    size = min(y.shape)
    across = rng.uniform(0.0, np.pi)
    river = (x - x.mean()) * np.cos(across) + (y - y.mean()) * np.sin(across)
    river += size * (rng.uniform(-0.3, 0.3) + 0.055 * fractal(rng, y.shape, size / 3, slope=3.5))
    steep = np.hypot(*np.gradient(river))  # the field is no true distance where the river bends
    wobble = fractal(rng, y.shape, 12.0, slope=3.0)
    half_width = rng.uniform(0.006, 0.016) * size * (1.0 + 0.15 * wobble)
    water = cover(np.abs(river) / np.maximum(steep, 0.3) - half_width)
    for _ in range(int(rng.integers(1, 4))):
        at_y, at_x = rng.uniform(0.05, 0.95, 2) * y.shape
        radius = rng.uniform(0.012, 0.035) * size
        water = np.maximum(water, cover(np.hypot(y - at_y, x - at_x) - radius * (1 + 0.2 * wobble)))
    return water


def settle(
    rng: np.random.Generator, y: np.ndarray, x: np.ndarray, edge: np.ndarray, dry: np.ndarray
) -> np.ndarray:
    """Where people build: 1 in villages (on a road), 2 on the site that is built up at date 2."""
    ragged = 1.0 + 0.18 * fractal(rng, y.shape, min(y.shape) / 8, slope=3.0)

    def disc(centre: np.ndarray, radius: float) -> np.ndarray:
        return np.hypot(y - centre[0], x - centre[1]) * ragged < radius

    shares = [rng.uniform(0.035, 0.06), *rng.uniform(0.003, 0.01, rng.integers(0, 4))]
    radii = np.sqrt(np.array(shares) * y.size / np.pi)
    by_road = np.argwhere(dry & (edge <= np.quantile(edge[dry], 0.05)))
    centres = by_road[rng.integers(len(by_road), size=radii.size)]
    growth = np.sqrt(rng.uniform(0.015, 0.03) * y.size / np.pi)
    inward = np.arctan2(y.mean() - centres[0, 0], x.mean() - centres[0, 1])
    inward += rng.uniform(-0.7, 0.7)  # the village grows toward the middle of the place
    step = (radii[0] + 0.8 * growth) * np.array([np.sin(inward), np.cos(inward)])
    town = np.where(disc(centres[0] + step, growth), 2, 0)
    for centre, radius in zip(centres, radii):
        town[disc(centre, radius)] = 1
    return np.where(dry, town, 0)


def parcels(
    rng: np.random.Generator, district: np.ndarray, town: np.ndarray, u: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Divide districts into fields, villages into blocks and lots.

    Returns:
        parcel number (2H, 2W), use of each parcel (parcels,), block number (2H, 2W), 0 in fields.
    """
    parcel, block = np.zeros(u.size, int), np.zeros(u.size, int)
    use: list[int] = []
    flat_u, flat_v, key = u.ravel(), v.ravel(), (district * 3 + town).ravel()
    usual = np.clip(u.size / 40, 60, 2500)
    woods, blocks = fractal(rng, u.shape, min(u.shape) / 3, slope=2.5).ravel(), 0
    for group in np.unique(key):
        cells, kind = np.flatnonzero(key == group), group % 3
        area = (usual * np.exp(rng.uniform(-1.0, 0.5)), 420.0, 900.0)[kind]
        for piece in split(rng, flat_u, flat_v, cells, area):
            blocks += 1
            block[piece] = blocks if kind else 0
            lots = [piece] if kind == 0 else split(rng, flat_u, flat_v, piece, (0, 26, 130)[kind])
            for lot in lots:
                parcel[lot] = len(use)
                wooded = woods[lot].mean() > 0.9
                open_land = FOREST if wooded else rng.choice([FIELD, GRASS, ORCHARD], p=OPEN_LAND)
                use.append((int(open_land), GARDEN, SITE)[kind])
    return parcel.reshape(u.shape), np.array(use), block.reshape(u.shape)


def roads(
    rng: np.random.Generator,
    edge: np.ndarray,
    pair: np.ndarray,
    parcel: np.ndarray,
    use: np.ndarray,
    block: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Main roads between districts, tracks along some fields, streets between blocks.

    Returns:
        fraction under a road, and under a paved road, both (2, 2H, 2W): the streets of the
        building site are there at date 2 only.
    """
    width = rng.choice([0.0, 0.8, 1.8, 2.4], size=pair.max() + 1)[pair]
    width[pair == pair.flat[edge.argmin()]] = 2.0  # at least one real road
    main = cover(edge - width / 2.0)
    tracked = (rng.random(use.size) < 0.25) & (use != GARDEN) & (use != SITE)
    tracks = np.where(edges(parcel) & tracked[parcel], 0.7, 0.0)
    street = np.where(edges(block) & (block > 0), 0.9, 0.0)
    streets = np.stack([np.where(use[parcel] == SITE, 0.0, street), street])
    paved = np.maximum(np.where(width > 1.0, main, 0.0), streets)
    return np.maximum(np.maximum(main, tracks), paved), paved


def trees(
    rng: np.random.Generator, land: np.ndarray, parcel: np.ndarray, uv: np.ndarray, bank: np.ndarray
) -> np.ndarray:
    """Trees outside the woods: single ones, gardens, hedges, river banks, orchards."""
    hedged = (rng.random(parcel.max() + 1) < 0.2)[parcel] & (land != GARDEN) & (land != SITE)
    chance = np.array([0.0006, 0.002, 0.0, 0.0, 0.05, 0.0])[land]
    chance = np.where(edges(parcel) & hedged, 0.55, chance)
    chance = np.where(bank, 0.15 * (fractal(rng, land.shape, 30.0) > 0), chance)
    spacing = 2.4  # cells, so 12 m
    to_stem = np.hypot(*(uv % spacing - spacing / 2))
    return np.maximum(crowns(rng, chance), np.where(land == ORCHARD, cover(to_stem - 0.7), 0.0))


def shadows(
    rng: np.random.Generator, roof: np.ndarray, lot: np.ndarray, crown: np.ndarray, wood: np.ndarray
) -> np.ndarray:
    """Cast shadow at both dates, (2, 2H, 2W): houses 4-9 m, trees 9 m, woods about 14 m high."""
    trees = np.maximum(9.0 * crown, np.where(wood, 14.0 + fractal(rng, wood.shape, 4.0, 1.0), 0.0))
    stories = rng.uniform(4.0, 9.0, lot.max() + 1)[lot]
    sun = rng.uniform((135.0, 35.0), (170.0, 55.0))  # azimuth and elevation of a morning pass
    return np.stack(
        [cast_shadow(np.maximum(r * stories, trees), *(sun + rng.uniform(-4, 4, 2))) for r in roof]
    )


def lay_out(rng: np.random.Generator, shape: tuple[int, int]) -> Land:
    """Draw a place of (H, W) high-resolution pixels: `Land` on the (2H, 2W) cells.

    Example:
        >>> land = lay_out(np.random.default_rng(0), (24, 24))
        >>> land.parcel.shape, land.roof.shape, bool(land.water.max() > 0.9)
        ((48, 48), (2, 48, 48), True)
    """
    y, x = np.mgrid[: 2 * shape[0], : 2 * shape[1]].astype(float)
    size, count = min(y.shape), max(3, round(y.size / 40000))
    bent_y, bent_x = (p + 0.02 * size * fractal(rng, y.shape, size / 2, 3.5) for p in (y, x))
    district, second, edge = districts(rng, bent_y, bent_x, count)
    angle = rng.uniform(0.0, np.pi, count)[district]
    u = np.cos(angle) * bent_x + np.sin(angle) * bent_y
    v = np.cos(angle) * bent_y - np.sin(angle) * bent_x
    water = waters(rng, y, x)
    near_water = ndimage.maximum_filter(water, 5) > 0.3
    town = settle(rng, y, x, edge, ~near_water)
    parcel, use, block = parcels(rng, district, town, u, v)
    pair = np.minimum(district, second) * count + np.maximum(district, second)
    road, paved = roads(rng, edge, pair, parcel, use, block)
    road = paved + (road - paved) * (1.0 - water)  # only real roads have bridges
    lot = np.where(block > 0, parcel + 1, 0)
    house = houses(rng, lot, u, v) * (1.0 - road[1])
    roof = np.stack([np.where(town == 1, house, 0.0), house])
    open_ground = (1.0 - np.maximum(road[1], water)) * (house < 0.05)
    bank = near_water & (water < 0.3)
    crown = trees(rng, use[parcel], parcel, np.stack([u, v]), bank) * open_ground
    wood = (use[parcel] == FOREST) & (open_ground > 0.5)
    shade = shadows(rng, roof, lot, crown, wood)
    hills = np.exp(1.3 * fractal(rng, y.shape, size / 4, 2.5))  # broad and narrow valley
    rise = ndimage.distance_transform_edt(water < 0.5) * hills
    return Land(parcel, use, u, road, paved, water, rise, roof, lot, crown, shade)
