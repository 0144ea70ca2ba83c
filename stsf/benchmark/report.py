"""What no table of methods shows: four questions to the shipped network, and their figures.

    python -m stsf.benchmark.report --out data/results/network.csv

- error: does ±1.645 σ hold 90 % of the truth, does σ follow the error, is it worth more than one
  width for all pixels?
- softness: X1 of real windows whose SWIR is softer than the MS, without and with that knowledge,
  beside local regression without and with the same.
- zero-shot: X2 of a network trained on nothing but the scene, beside classical methods.
- time: seconds for 240 x 240 pixels, and the share of the machine's matrix-product rate.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr
from torch.utils.flop_counter import FlopCounterMode

from stsf import metrics
from stsf.baselines.registry import get_method
from stsf.benchmark.suites import WINDOWS, sensors, suite
from stsf.evidence.components import prepare
from stsf.evidence.evidence import Evidence
from stsf.files.atomic import replacing
from stsf.network import shipped
from stsf.scene import Scene
from stsf.training.zero_shot import adapt
from stsf.tve import Z90
from stsf.world.observation import observe
from stsf.world.simulation import simulate

SOFTNESS = 0.5  # px, of the SWIR of the EnMAP windows; found on these windows
ZERO_SHOT = (("simulated", ("1000", "1001", "1002", "1003")), ("real", ("enmap-potsdam-north/0",)))
SIZE, REPEATS = 240, 5  # of the timed scene; the fastest of these counts
Row = dict[str, Any]


def regions(scene: Scene) -> dict[str, np.ndarray]:
    """Valid pixels by region: all, changed, unchanged."""
    changed, valid = scene.true_change() > 0, scene.valid_hr
    return {"all": valid, "changed": changed & valid, "unchanged": ~changed & valid}


def coverage(error: np.ndarray, half: np.ndarray) -> dict[str, float]:
    """Whether stated errors hold.

    Args:
        error: (L, n) absolute errors, of pixels of all scenes.
        half: (L, n) half-widths 1.645 σ that are meant to hold 90 % of them.

    Returns:
        By name: "covered", the share that they hold, all bands together; "worst band" and "best
        band", the same for one spectral band; "rank correlation" of widths and errors, value by
        value, and "rank correlation, pixels" of their RMS over the bands; "width" and "width, band
        by band", the mean half-width over that of a constant which holds as many, one constant for
        all or one for each band. Below 1, σ knows where the errors are.
    """
    inside = error <= half
    by_band, share = inside.mean(axis=1), inside.mean()
    per_pixel = [np.square(a).mean(axis=0) for a in (half, error)]
    some = np.random.default_rng(0).choice(error.size, min(error.size, 200_000), replace=False)
    return {
        "covered": share, "worst band": by_band.min(), "best band": by_band.max(),
        "rank correlation": spearmanr(half.ravel()[some], error.ravel()[some])[0],
        "rank correlation, pixels": spearmanr(*per_pixel)[0],
        "width": half.mean() / np.quantile(error, share),
        "width, band by band": half.mean() / np.quantile(error, share, axis=1).mean(),
    }  # fmt: skip


def errors(name: str) -> Iterator[Row]:
    """`coverage` of X2 on all scenes of a suite, region by region."""
    pairs: dict[str, list[np.ndarray]] = {}
    for identifier in suite(name).scenes:
        scene = suite(name).make(identifier)
        said = shipped()(scene)
        assert scene.hrhs_t2 is not None
        pair = np.stack([np.abs(said.x2 - scene.hrhs_t2), Z90 * said.sigma])  # (2, L, H, W)
        for region, mask in regions(scene).items():
            pairs.setdefault(region, []).append(pair[:, :, mask])
    for region, parts in pairs.items():
        for figure, value in coverage(*np.concatenate(parts, axis=2)).items():
            yield {"region": region, "figure": figure, "value": value}


def softness(identifier: str) -> Iterator[Row]:
    """PSNR of X1 without and with the knowledge that the SWIR is softer than the MS."""
    scene = suite("real").make(identifier)
    swir = scene.hs.detector == 1
    classical = get_method("local-regression", "x1")
    blurred = gaussian_filter(scene.hrms_t1, SOFTNESS, axes=(1, 2))
    plain, soft = classical(scene), classical(replace(scene, hrms_t1=blurred))
    informed = np.where(swir[:, None, None], soft, plain)
    estimates = {
        "local regression": plain,
        "local regression, told": informed,
        "SSJE": shipped().first_date(scene),
        "SSJE, told": shipped().first_date(scene, softness=(0.0, SOFTNESS)),
    }
    assert scene.hrhs_t1 is not None
    for label, x1 in estimates.items():
        for row in metrics.evaluate(x1, scene.hrhs_t1, ratio=scene.ratio, valid=scene.valid_hr):
            for figure in ("psnr", "mean_psnr", "sam"):
                yield {"region": "all", "figure": f"{label}: {figure}", "value": row[figure]}


def zero_shot(name: str, identifier: str) -> Iterator[Row]:
    """PSNR of X2, all on the X1 of local regression."""
    scene = suite(name).make(identifier)
    assert scene.hrhs_t2 is not None
    x1 = get_method("local-regression", "x1")(scene)
    estimates = {m: get_method(m, "x2")(scene, x1) for m in ("cascade", "blend")}
    estimates["zero-shot"] = adapt(scene).second_date(scene, x1).x2
    for label, x2 in estimates.items():
        for region, mask in regions(scene).items():
            value = metrics.psnr(x2, scene.hrhs_t2, mask=mask)
            yield {"region": region, "figure": label, "value": value}


def fastest(function: Callable[[], Any]) -> tuple[Any, float]:
    """What a function returns, and the seconds of its fastest of some runs."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)


@torch.no_grad()
def speed() -> Iterator[Row]:
    """Seconds of each part for one scene, and its share of the rate of a large matrix product."""
    # each part by itself
    scene = observe(simulate(3, SIZE, "train"), *sensors(), seed=3)
    network = shipped()
    prepared, first = fastest(lambda: prepare(scene))
    maps, second = fastest(lambda: network.ssje(prepared))
    x1 = prepared.decode(maps).numpy()
    evidence, third = fastest(lambda: Evidence(scene, x1))
    _, fourth = fastest(lambda: network.tve(evidence))
    _, whole = fastest(lambda: network(scene))
    # against the fastest product of two matrices
    a = torch.rand(2048, 2048)
    _, product = fastest(lambda: a @ a)
    with FlopCounterMode(display=False) as counter:
        network(scene)
    rate, peak = counter.get_total_flops() / whole, 2 * 2048**3 / product
    parts = {"prepare": first, "SSJE": second, "evidence": third, "TVE": fourth, "all": whole}
    for part, value in parts.items():
        yield {
            "region": f"{SIZE} x {SIZE} x {len(scene.hs)}",
            "figure": f"{part}, s",
            "value": value,
        }
    yield {"region": "", "figure": "matrix product, GFLOP/s", "value": peak / 1e9}
    yield {"region": "", "figure": "share of it", "value": rate / peak}


def main() -> None:
    """Answer all four and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    asked: list[tuple[str, str, str, Callable[[], Iterator[Row]]]] = [("time", "", "", speed)]
    for name in ("simulated", "imperfect", "real"):
        asked.append(("error", name, "", partial(errors, name)))
    asked += [("softness", "real", w, partial(softness, f"{w}/0")) for w in WINDOWS]
    for name, scenes in ZERO_SHOT:
        asked += [("zero-shot", name, i, partial(zero_shot, name, i)) for i in scenes]
    rows = [
        {"question": question, "suite": name, "scene": scene, **row}
        for question, name, scene, answer in asked
        for row in answer()
    ]
    table = pd.DataFrame(rows)
    with replacing(chosen.out) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4g")
    print(summary(table).to_string(index=False))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over the scenes of a suite."""
    keys = ["question", "suite", "region", "figure"]
    return table.groupby(keys, sort=False).value.mean().round(3).reset_index()


if __name__ == "__main__":
    main()
