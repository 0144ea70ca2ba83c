"""The report on the network: figures against errors whose distribution is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stsf.baselines import network_report
from stsf.baselines.network_report import coverage, summary
from stsf.network import Estimate


@pytest.fixture(scope="module")
def scene():
    """20 bands of 60 x 60 pixels, the left half changed; X2 is 0."""
    change = np.zeros((60, 60), np.uint8)
    change[:, :30] = 1
    return SimpleNamespace(
        hrhs_t2=np.zeros((20, 60, 60), np.float32), change=change, valid_hr=np.ones((60, 60), bool)
    )


def estimate(scene, right=1.0):
    """Normal errors, twice as large where changed; σ is right times a factor."""
    rng = np.random.default_rng(0)
    sigma = np.where(scene.change > 0, 0.02, 0.01) * rng.uniform(0.5, 2.0, (20, 60, 60))
    return Estimate(scene.hrhs_t2, rng.normal(scale=sigma), right * sigma)


def table(found, scene):
    return pd.DataFrame(coverage(found, scene)).set_index(["region", "figure"]).value


def test_an_error_estimate_that_is_right_holds_nine_in_ten_everywhere(scene):
    rows = table(estimate(scene), scene)
    for region in ("all", "changed", "unchanged"):
        assert abs(rows[region, "covered"] - 0.9) < 0.01
        assert (
            0.86 < rows[region, "covered, worst band"] < rows[region, "covered, best band"] < 0.94
        )
        assert rows[region, "width"] < 0.97  # it knows where the error is large
    assert rows["all", "rank correlation"] > rows["changed", "rank correlation"] > 0.1


def test_half_the_width_holds_far_fewer(scene):
    rows = table(estimate(scene, 0.5), scene)
    assert abs(rows["all", "covered"] - 0.589) < 0.01  # P(|x| < 0.8225 σ)


def test_one_width_for_all_is_worth_nothing(scene):
    found = estimate(scene)
    nearly = 0.02 + 1e-6 * np.random.default_rng(1).random(found.x2.shape)
    rows = table(replace(found, sigma=nearly), scene)
    assert abs(rows["all", "width"] - 1) < 0.05


def test_the_summary_takes_means_but_of_the_worst_band_the_worst():
    common = {"question": "error", "suite": "simulated", "region": "all"}
    rows = [
        {**common, "figure": figure, "value": value}
        for figure, values in {"covered": (0.8, 1.0), "covered, worst band": (0.7, 0.9)}.items()
        for value in values
    ]
    found = summary(pd.DataFrame(rows)).set_index("figure").value
    assert found["covered"] == pytest.approx(0.9) and found["covered, worst band"] == 0.7


def test_the_fastest_run_counts(monkeypatch):
    ticks = iter([0, 5, 10, 12, 20, 29, 30, 38, 40, 47])
    monkeypatch.setattr(network_report.time, "perf_counter", lambda: next(ticks))
    assert network_report.fastest(lambda: "result") == ("result", 2)
