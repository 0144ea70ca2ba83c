"""The table of worlds."""

import numpy as np
import pandas as pd
import pytest

from stsf.benchmark import worlds
from stsf.network import DCSTSF
from stsf.sensing.sensors import sentinel2


def table():
    """Two worlds, one of them in training, with figures that are easy to subtract."""
    rows = []
    for world, lead in (("parcels", 3.0), ("a", 1.0), ("b", -0.5)):
        about = {"world": world, "scene": "1", "sam": 2.0}
        rows += [
            {**about, "target": "x1", "region": "all", "method": m, "psnr": p}
            for m, p in (("dcstsf", 40.0), ("local-regression", 39.0))
        ]
        for region in worlds.REGIONS:
            x2 = {**about, "target": "x2", "region": region}
            sure = {"covered": 0.9, "group": 0.9 + lead / 50, "ranked": 0.4}
            rows.append({**x2, "method": "dcstsf", "psnr": 30 + lead, **sure})
            rows.append({**x2, "method": "cascade", "psnr": 30.0})
            rows.append({**x2, "method": "blend", "psnr": 28.0})
    return pd.DataFrame(rows)


def test_differences_to_the_best_and_worst_and_mean_of_the_unseen():
    found = worlds.summary(table())
    assert found.x1.eq(1.0).all()
    assert found["changed"].loc[["parcels", "a", "b"]].tolist() == [3.0, 1.0, -0.5]
    assert found.loc["worst unseen", "all"] == -0.5
    assert found.loc["mean unseen", "all"] == pytest.approx(0.25)
    assert found.group["worst unseen"] == pytest.approx(0.92)  # 0.89 is nearer to 0.9


def test_a_sixth_of_the_bands_that_is_too_sure_is_found():
    rng = np.random.default_rng(0)
    sigma = np.exp(rng.normal(size=(1, 4000))) * np.ones((12, 1))
    error = np.abs(rng.standard_normal(sigma.shape)) * sigma
    sigma[4:6] /= 2  # ±1.645 σ / 2 holds 59 % of a normal distribution
    found = worlds.sureness(error, sigma)
    assert found["group"] == pytest.approx(0.589, abs=0.02)
    assert found["covered"] == pytest.approx((5 * 0.9 + 0.589) / 6, abs=0.01)
    assert 0.5 < found["ranked"] < 1


def test_a_constant_sigma_ranks_nothing():
    error = np.abs(np.random.default_rng(0).standard_normal((6, 200)))
    shuffled = np.random.default_rng(1).permutation(error[:, ::-1].T).T
    assert abs(worlds.sureness(error, shuffled)["ranked"]) < 0.25


def test_the_table_says_which_worlds_were_trained_in():
    lines = worlds.markdown(table()).splitlines()
    assert lines[2].startswith("| parcels (in training) | +1.00 | +3.00 |")
    assert lines[-2].startswith("| worst unseen | +1.00 | -0.50 |") and "90%" in lines[-1]


def test_one_scene_of_formulas_measured(monkeypatch):
    monkeypatch.setattr(worlds, "SIZE", 36)
    rows = pd.DataFrame(worlds.measure("physical", "1", DCSTSF(), sentinel2("A")))
    assert len(rows) == 4 + 3 * 3 and np.isfinite(rows.psnr).all()
    assert rows.covered.between(0, 1).sum() == 3
