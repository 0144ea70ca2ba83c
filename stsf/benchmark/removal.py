"""What each part of the network that ships carries, in worlds that it was not trained in.

    python -m stsf.benchmark.removal --out data/results/removal.csv

Nothing is trained anew: one part is taken out of the finished network, and the rest has to do
without. A candidate's weight goes to the others; a record says of every place what the mean record
says; a unit hands on what it was given. That is not what a network loses that was trained without
the part (`stsf.benchmark.ablation`): one that relies on a part may do worse without it than one
that never had it. The effective response is no part of the network; it is left out where every MS
response is wrong (`Imperfections.draw`), after registration.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from stsf import metrics
from stsf.alignment.registration import register
from stsf.alignment.response_fit import effective_response
from stsf.benchmark.report import regions
from stsf.benchmark.suites import sensors
from stsf.benchmark.worlds import OWN, SIZE, WORLDS, network_for
from stsf.evidence.candidates import CANDIDATES
from stsf.evidence.evidence import Evidence
from stsf.evidence.inputs import Inputs
from stsf.evidence.record import Record
from stsf.files.atomic import replacing
from stsf.network import DCSTSF
from stsf.scene import Scene
from stsf.tve import TemporalVariationEstimator, Weighed
from stsf.world.observation import Imperfections, observe
from stsf.world.physical import physical

WHOLE, RESPONSE = "nothing", "effective response"
VETO, WEIGHING = "veto", "learnt weighing"
RECORDS = {"record near the pixel": "local", "record of calm ground": "calm"}
FLAGS = {"difference image": "difference", "7 x 7 neighbourhood": "context",
         "last correction to M2": "consistency"}  # fmt: skip
WEIGHED = {f"candidate: {name}": number for number, name in enumerate(CANDIDATES)}
SECOND = (*RECORDS, VETO, WEIGHING, *FLAGS, *WEIGHED)  # parts of the TVE
MISREAD = "physical, imperfect"  # the world in which the effective response is left out


class Lacking(TemporalVariationEstimator):
    """The TVE of a trained network without one part.

    Args:
        network: trained.
        part: of `SECOND`.
    """

    def __init__(self, network: DCSTSF, part: str) -> None:
        flags = {flag: part != name for name, flag in FLAGS.items()}
        super().__init__(network.config.tve_width, network.config.sftn_width, **flags)
        self.load_state_dict(network.tve.state_dict())
        self.part = part

    def record(self, evidence: Evidence) -> Record:
        """See `TemporalVariationEstimator`."""
        done = super().record(evidence)
        if self.part not in RECORDS:
            return done
        name = RECORDS[self.part]
        return done._replace(**{name: done.mean.expand_as(getattr(done, name))})

    def inputs(self, evidence: Evidence, chosen: Tensor | slice, done: Record) -> Inputs:
        """See `TemporalVariationEstimator`."""
        given = super().inputs(evidence, chosen, done)
        before = given.before.clone()
        if self.part == VETO:
            before[..., -1] = 0.0
        if self.part in WEIGHED:
            before[..., WEIGHED[self.part]] = -1e4
        return given._replace(before=before)

    def weigh(self, given: Inputs, *, share: float = 1.0) -> Weighed:
        """See `TemporalVariationEstimator`."""
        return super().weigh(given, share=0.0 if self.part == WEIGHING else share)


class Idle(nn.Module):
    """In place of an SEU or ECU: what came in goes out, believed as far as Y1 is."""

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        """Of an SEU the maps and the memory; of an ECU the residual, weighed by the trust."""
        if len(given) == 4:
            residual, _, trust, _ = given
            return residual * trust, trust.expand_as(residual)
        return given[0], given[4]


def first_dates(network: DCSTSF) -> dict[str, DCSTSF]:
    """The network without each of its SEUs, each of its ECUs, and the steps through D."""
    found = {}
    for name in ("seu", "ecu"):
        for k in range(network.config.stages):
            found[f"{name.upper()} {k + 1}"] = lacking = deepcopy(network)
            getattr(lacking.ssje, name)[k] = Idle()
    found["steps through D"] = lacking = deepcopy(network)
    lacking.ssje.back_projection = False
    return found


def scores(scene: Scene, estimate: np.ndarray, date: int) -> Iterator[dict[str, Any]]:
    """PSNR by region; of X1 of the whole image only."""
    for region, mask in regions(scene).items():
        if date == 2 or region == "all":
            psnr = metrics.psnr(estimate, scene.truth(date), mask=mask)
            yield {"date": f"x{date}", "region": region, "psnr": psnr}


@torch.no_grad()
def measure(scene: Scene, network: DCSTSF, known: bool) -> Iterator[dict[str, Any]]:
    """One row per part, date and region.

    Args:
        scene: with truth.
        network: that has not met its world.
        known: start from the true X1 (real years).
    """
    x1 = network.first_date(scene)
    for part, lacking in {WHOLE: network, **first_dates(network)}.items():
        for row in scores(scene, lacking.first_date(scene), 1):
            yield {"part": part, **row}
    start = scene.truth(1) if known else x1
    evidence = Evidence(scene, start)
    for part in (WHOLE, *SECOND):
        tve = Lacking(network, part).eval()
        x2 = tve(evidence).x2.T.reshape(start.shape).numpy()
        for row in scores(scene, x2, 2):
            yield {"part": part, **row}


def misread(seed: str, network: DCSTSF) -> Iterator[dict[str, Any]]:
    """With and without the effective response, where every MS response is wrong."""
    wrong = Imperfections.draw(int(seed), *sensors())
    place = physical(int(seed), SIZE)
    seen = register(observe(place, *sensors(), imperfections=wrong, seed=int(seed)))[0]
    for part, scene in {WHOLE: effective_response(seen)[0], RESPONSE: seen}.items():
        said = network(scene)
        for date, estimate in ((1, said.x1), (2, said.x2)):
            for row in scores(scene, estimate, date):
                yield {"part": part, **row}


def run(out: Path, scenes: int) -> pd.DataFrame:
    """All parts, in all worlds but those of training.

    Args:
        out: CSV file, written anew after every scene.
        scenes: of each world, at most.
    """
    rows: list[dict[str, Any]] = []
    todo = [(world, s) for world in WORLDS if world not in OWN for s in WORLDS[world][0][:scenes]]
    todo += [(MISREAD, s) for s in WORLDS["physical"][0][:scenes]]
    for world, name in tqdm(todo, unit="scene"):
        network = network_for("physical" if world == MISREAD else world)
        if world == MISREAD:
            new = misread(name, network)
        else:
            new = measure(WORLDS[world][1](name, sensors()[1]), network, world == "real years")
        rows += [{"world": world, "scene": name, **row} for row in new]
        with replacing(out) as temporary:
            pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.4f")
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """What is lost without each part, dB: mean over the worlds, and the least and most in one.

    Args:
        table: see `run`.

    Returns:
        One row per part; columns "x1", "x2", "changed", "unchanged", and of X1 or X2 as a whole,
        whichever the part is of, "least" and "most".
    """
    keys = ["world", "scene", "date", "region"]
    whole = table[table.part == WHOLE].set_index(keys).psnr
    rest = table[table.part != WHOLE].set_index(["part", *keys]).psnr
    lost = whole.reindex(rest.index.droplevel("part")).to_numpy() - rest
    by_world = lost.groupby(["part", "date", "region", "world"], sort=False).mean()
    wide = by_world.groupby(["part", "date", "region"], sort=False).mean().unstack([1, 2])
    wide.columns = [date if region == "all" else region for date, region in wide.columns]
    every = by_world.xs("all", level="region").groupby("part", sort=False)
    return wide.join(every.agg(least="min", most="max")).loc[rest.index.unique("part")]


def main() -> None:
    """Take every part out once and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=4)
    chosen = parser.parse_args()
    print(summary(run(chosen.out, chosen.scenes)).round(2).to_string())


if __name__ == "__main__":
    main()
