"""One tile: X1 from what it sees, X2 in its core, and what the report of the whole adds up."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from stsf.alignment.coverage import without_hidden
from stsf.errors import InputError
from stsf.evidence.candidates import CHUNK
from stsf.evidence.evidence import Evidence
from stsf.files.facts import REASONS, masked
from stsf.linear import moved
from stsf.metrics.consistency import in_noise
from stsf.network import DCSTSF
from stsf.scene import FEWEST, Scene
from stsf.threads import in_parallel
from stsf.tiles.grid import Part, Tile, fine, places
from stsf.tiles.observations import Observations
from stsf.tiles.whole import Whole

PRODUCTS = ("x2", "x1", "sigma", "quality")
IMAGES = ("Y1", "M1", "M2")
FITS = ("Y1 - D X1", "M1 - R X1", "M2 - R X2")

Sums = dict[str, float]  # what a tile adds to the report of the whole


def reported(tiles: Iterable[Sums]) -> dict[str, Any]:
    """What all tiles say together, as `stsf.fusion.fuse` reports it; "lost", share without data."""
    total: Counter[str] = Counter()
    for sums in tiles:
        total.update(sums)
    fit = {n: math.sqrt(total[f"{n}, squares"] / max(total[f"{n}, count"], 1)) for n in FITS}
    outside = {
        x: {
            what: round(total[f"{x} {what}"] / total["values"], 5)
            for what in ("below 0", "above 1")
        }
        for x in ("X1", "X2")
    }
    counts = {name: np.array([total[f"{name} {why}"] for why in REASONS]) for name in IMAGES}
    rounded = {name: round(value, 3) for name, value in fit.items()}
    report = {"consistency": rounded, "outside": outside, "masks": masked(counts)}
    return report | {"lost": total["lost"] / total["pixels"]}


def fuse_tile(
    observed: Observations, tile: Tile, network: DCSTSF, whole: Whole, wanted: Iterable[str]
) -> tuple[dict[str, np.ndarray], Sums]:
    """The products of a tile, and what it adds to the report.

    Args:
        observed: the files.
        tile: where.
        network: trained.
        whole: what was estimated once.
        wanted: of `PRODUCTS`.

    Raises:
        InputError: a file that cannot be read there, or values that are no reflectance.
    """
    cubes, before = observed.cubes(tile.seen)
    core, at = fine(tile.inner, observed.ratio), places([[tile.seen]], observed.ratio)
    quality = whole.reasons(before, at)[:, *core]
    has_data = all((codes == 0).all(axis=0).any() for codes in (before, quality))
    if has_data and np.isfinite(cubes[0]).all(axis=0).sum() >= FEWEST:
        try:
            scene = whole.aligned(without_hidden(observed.scene(cubes, tile.seen)), at)
        except InputError as error:
            raise InputError(f"in tile {tile.name}: {error}") from error
        arrays, sums = _fused(scene, tile.inner, network, whole)
    else:
        size = len(observed.hs), *quality.shape[1:]
        arrays = {key: np.full(size, np.nan, np.float32) for key in ("x1", "x2", "sigma")}
        sums = {"values": arrays["x1"].size, "lost": quality[0].size, "pixels": quality[0].size}
    arrays["quality"] = quality
    for name, codes in zip(IMAGES, quality):
        counts = np.bincount(codes.ravel(), minlength=len(REASONS))
        sums |= {f"{name} {why}": int(n) for why, n in zip(REASONS, counts)}
    return {key: arrays[key] for key in wanted}, sums


def _fused(
    scene: Scene, inner: Part, network: DCSTSF, whole: Whole
) -> tuple[dict[str, np.ndarray], Sums]:
    core = fine(inner, scene.ratio)
    # X1 as far as the tile sees: D needs it round the core
    x1 = network.first_date(scene, estimated=whole.statistics)
    scene = whole.seen(scene)
    y1 = (scene.lrhs_t1 - scene.D.A(x1))[:, *inner]
    x1 = np.ascontiguousarray(x1[:, *core])
    # X2 in the core
    x2, sigma = (
        rows.reshape(x1.shape)
        for rows in second_date(network, whole.evidence.part(scene, x1, core), whole)
    )
    # what is reported of them
    valid_hr, valid_lr = scene.valid_hr[core], scene.valid_lr[inner]
    m1, m2 = (m[:, *core] - scene.R.A(x) for m, x in ((scene.hrms_t1, x1), (scene.hrms_t2, x2)))
    squares = [
        in_noise(y1, whole.noise_hs, valid_lr),
        *(in_noise(m, whole.noise_ms, valid_hr) for m in (m1, m2)),
    ]
    valid = valid_hr & valid_lr.repeat(scene.ratio, 0).repeat(scene.ratio, 1)
    for cube in (x1, x2, sigma):
        cube[:, ~valid] = np.nan
    sums: Sums = {"values": x1.size, "lost": int((~valid).sum()), "pixels": valid.size}
    for name, square in zip(FITS, squares):
        sums |= {f"{name}, squares": float(square.sum()), f"{name}, count": square.size}
    for name, cube in (("X1", x1), ("X2", x2)):
        sums |= {f"{name} below 0": int((cube < 0).sum()), f"{name} above 1": int((cube > 1).sum())}
    return {"x1": x1, "x2": x2, "sigma": sigma}, sums


def second_date(network: DCSTSF, evidence: Evidence, whole: Whole) -> tuple[np.ndarray, np.ndarray]:
    """X2 and its standard error, (L, n) each, chunk by chunk: no candidate is kept."""
    chunks = [slice(i, i + CHUNK) for i in range(0, len(evidence.all), CHUNK)]
    evidence, tested = moved(evidence, network.device), moved(whole.tested, network.device)

    x2, sigma = (np.empty(evidence.all.x1.T.shape, np.float32) for _ in range(2))

    def answer(chosen: slice) -> None:
        estimate = network.tve.estimate(evidence, chosen, tested)
        x2[:, chosen] = estimate.x2.T.cpu().numpy()
        sigma[:, chosen] = (estimate.sigma.T * network.calibration).cpu().numpy()

    with torch.no_grad():
        in_parallel(answer, chunks)
    return x2, sigma
