"""The table of worlds."""

import numpy as np
import pandas as pd
import pytest

from stsf.benchmark import worlds
from stsf.network import DCSTSF


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
            rows.append({**x2, "method": "dcstsf", "psnr": 30 + lead, "covered": 0.9})
            rows.append({**x2, "method": "cascade", "psnr": 30.0})
            rows.append({**x2, "method": "blend", "psnr": 28.0})
    return pd.DataFrame(rows)


def test_differences_to_the_best_and_worst_and_mean_of_the_unseen():
    found = worlds.summary(table())
    assert found.x1.eq(1.0).all()
    assert found["changed"].loc[["parcels", "a", "b"]].tolist() == [3.0, 1.0, -0.5]
    assert found.loc["worst unseen", "all"] == -0.5
    assert found.loc["mean unseen", "all"] == pytest.approx(0.25)


def test_the_table_says_which_worlds_were_trained_in():
    lines = worlds.markdown(table()).splitlines()
    assert lines[2].startswith("| parcels (in training) | +1.00 | +3.00 |")
    assert lines[-2].startswith("| worst unseen | +1.00 | -0.50 |") and "90%" in lines[-1]


def test_one_scene_of_formulas_measured(monkeypatch):
    monkeypatch.setattr(worlds, "SIZE", 36)
    rows = pd.DataFrame(worlds.measure("physical", "1", DCSTSF()))
    assert len(rows) == 2 + 3 * 3 and np.isfinite(rows.psnr).all()
    assert rows.covered.between(0, 1).sum() == 3
