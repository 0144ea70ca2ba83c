"""Is the network worth its trust in a world it was not trained in?

Six worlds that differ in where their spectra come from and in how the second date comes about. All
methods start from the same X1, that of the network (the true one where real years are compared), so
that the table says what the second half is worth. Suite "worlds" has four MS bands, suite
"worlds-ten-bands" the ten 10 m and 20 m bands of Sentinel-2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from tqdm import tqdm

from stsf import metrics
from stsf.baselines.registry import get_method
from stsf.benchmark.report import regions
from stsf.benchmark.suites import WINDOWS, real_window, semi_real, sensors
from stsf.degradation import add_noise
from stsf.files.atomic import replacing
from stsf.files.datasets import Series, fetch
from stsf.files.places import shipped_path
from stsf.network import DCSTSF, shipped
from stsf.scene import KINDS, Scene
from stsf.sensing.bands import Sensor
from stsf.sensing.response import srf_matrix
from stsf.sensing.sensors import S2_4, S2_10, sentinel2
from stsf.tve import Z90
from stsf.world.collage import collage
from stsf.world.observation import observe, wald
from stsf.world.physical import physical
from stsf.world.simulation import Landscape, simulate

SIZE = 120  # px along a side
FIRST = ("local-regression", "projection", "hysure")  # the best classical methods for X1
SCENE_ONLY = ("cascade", "blend")  # the best methods for X2 that see this scene only
SENSORS = {"worlds": S2_4, "worlds-ten-bands": S2_10}  # suite: bands of Sentinel-2A
OWN = ("parcels", "dead leaves")  # the worlds of training, with other materials
JUDGES = {"physical": "data/models/without-physical.safetensors"}  # never met that world
GROUPS = 6  # of bands, of equal size
REGIONS = ("all", "changed", "unchanged")
YEARS = (("2017", "2018"), ("2017", "2021"), ("2018", "2019"), ("2018", "2021"))
BLOCK = 12  # px a side that a tree crown takes of the scene of all crowns
SNR, BLACK = 45.0, 0.02  # dB of the noise added to real years; mean reflectance of a failed flight
CHANGED = 0.5  # of the pixels of two real years count as changed: those that changed most


def _parcels(scene: str, ms: Sensor) -> Scene:
    return _observed(simulate(int(scene), SIZE, "test"), scene, ms)


def _dead_leaves(scene: str, ms: Sensor) -> Scene:
    return _observed(simulate(int(scene), SIZE, "test", kind="dead-leaves"), scene, ms)


def _physical(scene: str, ms: Sensor) -> Scene:
    return _observed(physical(int(scene), SIZE), scene, ms)


def _collage(scene: str, ms: Sensor) -> Scene:
    """EnMAP pixels on the simulator's ground; each scene of one of the two windows."""
    seed = int(scene)
    place = simulate(seed, SIZE, "test", kind=("parcels", "dead-leaves")[seed // 2 % 2])
    return _observed(collage(place, *real_window(WINDOWS[seed % 2]), seed), scene, ms)


def _observed(place: Landscape, scene: str, ms: Sensor) -> Scene:
    return replace(observe(place, sensors()[0], ms, seed=int(scene)), name=scene)


def real_years(scene: str, ms: Sensor | None = None) -> Scene:
    """Tree crowns of two years side by side as one scene, 12 px high; X1 is known.

    The MS is rendered from all 5 nm bands through the measured response, the HS through AHSI's. As
    nobody knows what changed, the half of the pixels whose spectra differ most counts as changed.

    Args:
        scene: "first year-second year".
        ms: sensor of the MS; without it the four 10 m bands of Sentinel-2A.
    """
    crowns = [crown for crown in _crowns() if set(scene.split("-")) <= set(crown.dates)]
    years = [
        [crown.cubes[crown.dates.index(year)] for crown in crowns] for year in scene.split("-")
    ]
    lit = [min(cube.mean() for cube in pair) > BLACK for pair in zip(*years, strict=True)]
    fine = [_side_by_side([c for c, good in zip(year, lit, strict=True) if good]) for year in years]
    airborne, (hs, usual) = crowns[0].sensor, sensors()
    x1, x2, m1, m2 = (
        np.einsum("bf,fyx->byx", srf_matrix(airborne, sensor)[0], cube).astype(np.float32)
        for sensor in (hs, ms or usual) for cube in fine
    )  # fmt: skip
    moved = np.square(x2 - x1).mean(axis=0)
    change = (moved > np.quantile(moved, 1 - CHANGED)).astype(np.uint8) * KINDS.index("emergence")
    made = wald(x1, hs, ms or usual, 3, cube_t2=x2, snr_hs=SNR, snr_ms=SNR, seed=1, name=scene)
    m1, m2 = add_noise(m1, SNR, 0), add_noise(m2, SNR, 1)
    return replace(made, change=change, hrms_t1=m1, hrms_t2=m2)


@lru_cache(maxsize=1)
def _crowns() -> list[Series]:
    return list(fetch("neon-osbs").values())


def _side_by_side(crowns: list[np.ndarray]) -> np.ndarray:
    """Each crown continued by its mirror image to BLOCK x BLOCK pixels, in one row."""
    pads = [[(0, 0), *((0, BLOCK - n) for n in cube.shape[1:])] for cube in crowns]
    tiles = [np.pad(c, pad, mode="symmetric") for c, pad in zip(crowns, pads, strict=True)]
    return np.concatenate(tiles, axis=2)


WORLDS: dict[str, tuple[tuple[str, ...], Callable[[str, Sensor], Scene]]] = {
    "parcels": (("1100", "1101", "1102", "1103"), _parcels),
    "dead leaves": (("1200", "1201", "1202", "1203"), _dead_leaves),
    "physical": (("1300", "1301", "1302", "1303"), _physical),
    "real pixels": (("1400", "1401", "1402", "1403"), _collage),
    "pasted change": (tuple(f"{w}/{d}" for w, d in product(WINDOWS, range(4, 6))), semi_real),
    "real years": (tuple("-".join(pair) for pair in YEARS), real_years),
}


def network_for(world: str) -> DCSTSF:
    """The network that has not met a world (`JUDGES`); for all others the shipped one."""
    return DCSTSF.load(shipped_path(JUDGES[world])) if world in JUDGES else shipped()


def measure(world: str, scene: str, network: DCSTSF, ms: Sensor) -> Iterator[dict]:
    """One row per method and region: PSNR and SAM; of the network also what ±1.645 σ covers."""
    made = WORLDS[world][1](scene, ms)
    assert made.hrhs_t1 is not None and made.hrhs_t2 is not None and made.change is not None
    x1 = network.first_date(made)
    about = {"world": world, "scene": scene}
    firsts = {"dcstsf": x1} | {name: get_method(name, "x1")(made) for name in FIRST}
    for name, estimate in firsts.items():
        yield {**about, "target": "x1", "method": name, "region": "all"} | _figures(
            made, estimate, "x1"
        )
    start = made.hrhs_t1 if world == "real years" else x1
    said = network.second_date(made, start)
    estimates = {"dcstsf": said.x2}
    estimates |= {name: get_method(name, "x2")(made, start) for name in SCENE_ONLY}
    error = np.abs(said.x2 - made.hrhs_t2)
    for name, estimate in estimates.items():
        for region, mask in regions(made).items():
            row = {**about, "target": "x2", "method": name, "region": region,
                   **_figures(made, estimate, "x2", region)}  # fmt: skip
            if name == "dcstsf":
                row |= sureness(error[:, mask], said.sigma[:, mask])
            yield row


def sureness(error: np.ndarray, sigma: np.ndarray) -> dict[str, float]:
    """How truthful an error estimate is.

    Args:
        error: (L, n) absolute errors.
        sigma: (L, n) what was said of them.

    Returns:
        "covered", the share within ±1.645 σ; "group", the same for that sixth of the bands, in
        order of wavelength, where it is farthest from 90 %; "ranked", Spearman's rank correlation
        of the RMS error and the RMS σ of pixels.

    Example:
        >>> error = np.arange(1.0, 13.0)[:, None] * np.arange(1.0, 6.0)
        >>> {name: round(float(value), 3) for name, value in sureness(error, error).items()}
        {'covered': 1.0, 'group': 1.0, 'ranked': 1.0}
    """
    held = (error <= Z90 * sigma).mean(axis=1)
    groups = [group.mean() for group in np.array_split(held, GROUPS)]
    ranked = spearmanr(*(np.square(a).mean(axis=0) for a in (error, sigma))).statistic
    return {"covered": held.mean(), "group": max(groups, key=_beside), "ranked": ranked}


def _beside(share: float) -> float:
    """How far a share lies from the 90 % that were meant."""
    return abs(share - 0.9)


def _figures(
    scene: Scene, estimate: np.ndarray, target: str, region: str = "all"
) -> dict[str, float]:
    truth = scene.hrhs_t1 if target == "x1" else scene.hrhs_t2
    rows = metrics.evaluate(
        estimate, truth, ratio=scene.ratio, valid=scene.valid_hr,
        change=scene.change if target == "x2" else None,
    )  # fmt: skip
    (row,) = (r for r in rows if r["region"] == region and r["bands"] == "all")
    return {"psnr": row["psnr"], "sam": row["sam"]}


def run(suite: str, out: Path) -> pd.DataFrame:
    """All worlds, each judged by `network_for` it.

    Args:
        suite: of `SENSORS`, which says what MS bands there are.
        out: CSV file, written when all is done.
    """
    rows, ms = [], sentinel2("A", SENSORS[suite])
    for world, (scenes, _) in tqdm(WORLDS.items(), unit="world"):
        network = network_for(world)
        rows += [row for scene in scenes for row in measure(world, scene, network, ms)]
    table = pd.DataFrame(rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary:
        table.to_csv(temporary, index=False, float_format="%.5g")
    return table


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per world, then worst and mean of those left out of training; differences in dB.

    Args:
        table: see `run`.

    Returns:
        Columns "x1", the network's over that of the classical method that is best in this world;
        "all", "changed", "unchanged", X2 over the scene-only method that is best in this region of
        this world; "sam", in degrees, below that method's; "covered", "covered, changed" and
        "covered, unchanged", shares; "group" and the lesser "ranked" of changed and unchanged
        pixels, see `sureness`.
    """
    keys = ["world", "target", "region", "method"]
    mean = table.groupby(keys)[["psnr", "sam", "covered", "group", "ranked"]].mean()
    rows = {}
    for world in table.world.unique():
        x1, x2 = mean.loc[world, "x1", "all"], mean.loc[world, "x2"]
        row = {"x1": x1.psnr["dcstsf"] - x1.psnr.drop("dcstsf").max()}
        for region in REGIONS:
            best = x2.loc[region].loc[list(SCENE_ONLY)]
            row[region] = x2.psnr[region, "dcstsf"] - best.psnr.max()
        row["sam"] = x2.sam["all", "dcstsf"] - x2.sam["all"][list(SCENE_ONLY)].min()
        row |= {
            "covered" + (f", {region}" if region != "all" else ""): x2.covered[region, "dcstsf"]
            for region in REGIONS
        }
        row["group"] = x2.group["all", "dcstsf"]
        row["ranked"] = min(x2.ranked[region, "dcstsf"] for region in REGIONS[1:])
        rows[world] = row
    result = pd.DataFrame(rows).T
    unseen = result.loc[[world for world in result.index if world not in OWN]]
    worst = unseen.min()
    worst["sam"] = unseen.sam.max()
    worst["group"] = max(unseen.group, key=_beside)
    return pd.concat(
        [result, pd.DataFrame({"worst unseen": worst, "mean unseen": unseen.mean()}).T]
    )


def markdown(table: pd.DataFrame) -> str:
    """`summary` as a table for the README."""
    head = ["world", "X1", "X2", "changed", "unchanged", "SAM (°)", "90 % band", "changed", "unch."]
    head += ["worst sixth of bands", "σ ranks errors"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for world, row in summary(table).iterrows():
        name = f"{world} (in training)" if world in OWN else str(world)
        figures = [f"{row[c]:+.2f}" for c in ("x1", *REGIONS, "sam")]
        shares = [f"{row[c]:.0%}" for c in row.index if c.startswith("covered")]
        sure = [f"{row.group:.0%}", f"{row.ranked:.2f}"]
        lines.append("| " + " | ".join([name, *figures, *shares, *sure]) + " |")
    return "\n".join(lines)
