"""Parts taken out of the finished network."""

import numpy as np
import pandas as pd
import pytest
import torch

from stsf.benchmark import removal
from stsf.evidence.candidates import CANDIDATES
from stsf.evidence.evidence import Evidence
from stsf.network import shipped


@pytest.fixture(scope="module")
def evidence(view):
    return Evidence(view, shipped().first_date(view))


def said(evidence, part):
    with torch.no_grad():
        return removal.Lacking(shipped(), part).eval()(evidence)


def test_without_nothing_it_is_the_network_that_ships(evidence, view):
    whole = shipped().second_date(view, shipped().first_date(view)).x2
    assert (
        np.abs(said(evidence, removal.WHOLE).x2.T.reshape(whole.shape).numpy() - whole).max() < 1e-6
    )


@pytest.mark.parametrize("name", ["injection", "fine-tuned"])
def test_a_candidate_that_is_gone_weighs_nothing_and_the_others_one(evidence, name):
    weights = said(evidence, f"candidate: {name}").weights
    assert weights[..., CANDIDATES.index(name)].max() < 1e-12
    assert torch.allclose(weights.sum(-1), torch.ones(weights.shape[:-1]), atol=1e-5)


def test_a_record_that_is_gone_says_what_the_mean_says(evidence):
    for part, name in removal.RECORDS.items():
        done = removal.Lacking(shipped(), part).record(evidence)
        assert (getattr(done, name) == done.mean).all()


def test_without_the_last_correction_m2_is_missed(evidence):
    R, m2 = evidence.coordinates.R, evidence.all.m2
    errors = [
        (said(evidence, part).x2 @ R - m2).square().mean()
        for part in (removal.WHOLE, "last correction to M2")
    ]
    assert errors[1] > 2 * errors[0]


def test_every_part_changes_something(evidence, view):
    whole = said(evidence, removal.WHOLE).x2
    for part in (removal.WEIGHING, *removal.RECORDS, *removal.FLAGS):
        assert (said(evidence, part).x2 - whole).abs().max() > 1e-4, part
    x1 = shipped().first_date(view)
    for part, lacking in removal.first_dates(shipped()).items():
        assert np.abs(lacking.first_date(view) - x1).max() > 1e-4, part
    assert np.abs(shipped().first_date(view) - x1).max() == 0  # it is whole as ever


def test_losses_by_hand():
    rows = [
        {"part": part, "world": world, "scene": scene, "date": date, "region": region, "psnr": psnr}
        for part, date, region, figures in (
            ("nothing", "x1", "all", (40, 40, 30)), ("SEU 1", "x1", "all", (38, 40, 33)),
            ("nothing", "x2", "all", (20, 20, 20)), ("veto", "x2", "all", (19, 18, 21)),
        )
        for (world, scene), psnr in zip((("a", "1"), ("a", "2"), ("b", "1")), figures)
    ]  # fmt: skip
    found = removal.summary(pd.DataFrame(rows))
    assert found.loc["SEU 1", ["x1", "least", "most"]].tolist() == [-1.0, -3.0, 1.0]
    assert found.loc["veto", ["x2", "least", "most"]].tolist() == [0.25, -1.0, 1.5]
