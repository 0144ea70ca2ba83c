"""What each part of the network is worth: trained without it, at the budget of `tiny()`.

    python -m stsf.benchmark.ablation --seeds 5 --out data/results/ablation.csv

The condition in which a part should matter was written down before any of this was trained. A
variant differs from the whole in the missing part alone: scenes, batches and budget are the same,
and what comes before it in the cascade is shared.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from stsf import metrics
from stsf.benchmark.suites import suite
from stsf.evidence.evidence import Evidence
from stsf.evidence.maps import Prepared
from stsf.files.atomic import replacing
from stsf.network import Config
from stsf.scene import Scene
from stsf.training.curriculum import draw
from stsf.training.recipe import Recipe, tiny
from stsf.training.run import Training

# part: (date, suite, region) in which it should matter, and why
EXPECTED = {
    "seu": ("x1", "simulated", "all", "only it puts detail of M1 into the maps"),
    "ecu": ("x1", "imperfect", "all", "only it can tell that Y1 is wrong: moved, or changed"),
    "stages": ("x1", "imperfect", "all", "what a wrong PSF spoils takes more than one round"),
    "back-projection": ("x1", "simulated", "all", "what Y1 says exactly is not to be learnt"),
    "sftn": (
        "x2",
        "simulated",
        "changed",
        "what the scene has never seen must come from elsewhere",
    ),
    "difference": ("x2", "simulated", "all", "only it tells what has changed"),
    "consistency": ("x2", "simulated", "changed", "there M2 knows more than any prior"),
    "context": (
        "x2",
        "imperfect",
        "changed",
        "noise and mixed pixels look like change; patches do not",
    ),
}
FIRST = ("seu", "ecu", "stages", "back-projection")  # parts of the SSJE
SCENES = ("1000", "1001", "1002", "1003")
SUITES = ("simulated", "imperfect")


@lru_cache(maxsize=8)
def _scene(name: str, identifier: str) -> Scene:
    return suite(name).make(identifier)


def without(part: str, config: Config) -> Config:
    """The configuration that lacks a part; "" is the whole."""
    if part == "stages":
        return replace(config, stages=1)
    return replace(config, without=(part,) if part else ())


class Variant(Training):
    """A training without a part, which shares what does not depend on the part.

    Args:
        part: of `EXPECTED`, or "" for the whole.
        recipe: budget and seed.
        whole: the finished training of the whole network; its training scenes are used again, and
            its SSJE where the part is one of the TVE.
    """

    def __init__(self, part: str, recipe: Recipe, whole: Variant | None = None) -> None:
        recipe = replace(recipe, config=without(part, recipe.config))
        if part in FIRST:
            recipe = replace(recipe, scenes=(recipe.scenes[0], 0, 0))
        super().__init__(recipe, None, lambda progress: None, draw)
        self._known: dict[int, Any] = whole._known if whole else {}
        if whole and part not in FIRST:
            self.network.ssje.load_state_dict(whole.network.ssje.state_dict())
            self.stage = 1
        self.run(validation=())

    def maps(self, seed: int) -> tuple[Prepared, torch.Tensor]:
        """See `Training`; made once."""
        if seed not in self._known:
            self._known[seed] = super().maps(seed)
        return self._known[seed]

    def evidence(self, stage: str, seed: int) -> Evidence:
        """See `Training`; made once."""
        if seed not in self._known:
            self._known[seed] = super().evidence(stage, seed)
        return self._known[seed]


def scores(run: Variant, part: str, seed: int) -> Iterator[dict]:
    """PSNR of X1, and of X2 by region unless the TVE was not trained, on each test scene."""
    for name in SUITES:
        for identifier in SCENES:
            scene = _scene(name, identifier)
            about = {"part": part or "nothing", "seed": seed, "suite": name, "scene": identifier}
            x1 = run.network.first_date(scene)
            psnr = metrics.psnr(x1, scene.truth(1), valid=scene.valid_hr)
            yield {**about, "date": "x1", "region": "all", "psnr": psnr}
            if part in FIRST:
                continue
            x2 = run.network.second_date(scene, x1).x2
            change = scene.true_change()
            masks = {"all": None, "changed": change > 0, "unchanged": change == 0}
            for region, mask in masks.items():
                psnr = metrics.psnr(x2, scene.truth(2), mask=mask, valid=scene.valid_hr)
                yield {**about, "date": "x2", "region": region, "psnr": psnr}


def one_seed(seed: int) -> list[dict]:
    """All variants of one seed."""
    recipe = tiny(seed)
    whole = Variant("", recipe)
    rows = list(scores(whole, "", seed))
    for part in EXPECTED:
        rows += scores(Variant(part, recipe, whole), part, seed)
    return rows


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """What is lost without each part, dB: mean over seeds and scenes, with its standard error.

    The difference is taken scene by scene against the whole network of the same seed; the standard
    error is that of the means over scenes, seed by seed.

    Args:
        table: the rows of the CSV.
    """
    keys = ["seed", "suite", "scene", "date", "region"]
    whole = table[table.part == "nothing"].set_index(keys).psnr
    rows = []
    for part, (date, name, region, why) in EXPECTED.items():
        mine = table[table.part == part].set_index(keys).psnr
        lost = (whole.reindex(mine.index) - mine).rename("lost").reset_index()
        for place in SUITES:
            chosen = lost[(lost.date == date) & (lost.suite == place) & (lost.region == region)]
            by_seed = chosen.groupby("seed").lost.mean()
            rows.append(
                {
                    "part": part,
                    "date": date,
                    "region": region,
                    "suite": place,
                    "expected here": place == name,
                    "lost (dB)": by_seed.mean(),
                    "standard error": by_seed.std() / np.sqrt(len(by_seed)),
                    "seeds": len(by_seed),
                    "why": why,
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Train all variants for some seeds and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    rows: list[dict] = []
    with ProcessPoolExecutor(chosen.workers, get_context("spawn")) as pool:
        for new in pool.map(one_seed, range(chosen.seeds)):
            rows += new  # after every seed, so that a run that is stopped leaves what it has
            table = pd.DataFrame(rows)
            with replacing(chosen.out) as temporary:
                table.to_csv(temporary, index=False, float_format="%.4f")
    print(summary(table).drop(columns="why").round(2).to_string(index=False))


if __name__ == "__main__":
    main()
