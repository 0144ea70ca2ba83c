"""The report on the network: figures against errors whose distribution is known."""

import numpy as np
import pandas as pd

from stsf.benchmark import report as network_report
from stsf.benchmark.report import coverage, summary


def normal(right=1.0):
    """(20, 20000) normal errors of many widths, twice as large in the second half of the bands."""
    rng = np.random.default_rng(0)
    sigma = 0.01 * rng.uniform(0.5, 2.0, (20, 20_000)) * np.repeat([1.0, 2.0], 10)[:, None]
    return np.abs(rng.normal(scale=sigma)), 1.645 * right * sigma


def test_an_error_estimate_that_is_right_holds_nine_in_ten_in_every_band():
    found = coverage(*normal())
    assert abs(found["covered"] - 0.9) < 0.01
    assert 0.89 < found["worst band"] <= found["best band"] < 0.91
    assert found["rank correlation"] > 0.3
    assert found["width"] < found["width, band by band"] < 0.97


def test_half_the_width_holds_far_fewer():
    assert abs(coverage(*normal(0.5))["covered"] - 0.589) < 0.01  # P(|x| < 0.8225 σ)


def test_one_width_for_all_is_worth_nothing():
    error, half = normal()
    found = coverage(error, np.full_like(half, 0.03) + 1e-9 * half)
    assert abs(found["width"] - 1) < 0.01 < found["width, band by band"] - 1
    assert found["worst band"] < 0.85 and found["best band"] > 0.95


def test_a_band_that_is_never_right_is_the_worst():
    error, half = normal()
    error[3] = 1.0
    assert coverage(error, half)["worst band"] == 0


def test_the_summary_takes_means():
    common = {"question": "softness", "suite": "real", "region": "all", "figure": "SSJE: psnr"}
    rows = [{**common, "scene": name, "value": value} for name, value in (("a", 30), ("b", 34))]
    assert summary(pd.DataFrame(rows)).value.tolist() == [32]


def test_the_fastest_run_counts(monkeypatch):
    ticks = iter([0, 5, 10, 12, 20, 29, 30, 38, 40, 47])
    monkeypatch.setattr(network_report.time, "perf_counter", lambda: next(ticks))
    assert network_report.fastest(lambda: "result") == ("result", 2)
