"""What lessons 08 and 09 say of their output, held against the tables and the scene shipped."""

import numpy as np
import pandas as pd
import pytest

import stsf
from stsf import metrics
from stsf.inspection import threshold_scores
from stsf.lab.lessons import kit, lesson08
from stsf.lab.lessons.lesson08.questions import QUESTIONS as OF_08
from stsf.lab.lessons.lesson09.questions import QUESTIONS as OF_09
from stsf.scene import KINDS


def lead(table: pd.DataFrame) -> tuple[float, float]:
    """DC-STSF over blend on X2: mean and standard error, dB."""
    wide = kit.by_scene(table, "x2")
    gain = wide["dcstsf"] - wide["blend"]
    return gain.mean(), gain.std() / np.sqrt(len(gain))


def next_to_nothing_is_left(real: pd.DataFrame) -> bool:
    """08, section 7: on real spectra the lead is below its own standard error."""
    mean, error = lead(real)
    return bool(abs(mean) < error)


def ranked(suite: str, target: str, figure: str = "psnr", **which: str) -> pd.Series:
    """Means of the methods, the best first."""
    means = kit.by_scene(kit.results(suite), target, figure, **which).mean()
    return means.sort_values(ascending=figure in kit.SMALL_IS_GOOD)


def test_the_lead_on_real_spectra():
    assert lead(kit.results("simulated"))[0] > 4
    real = kit.results("real")
    assert next_to_nothing_is_left(real)
    better = real.copy()
    better.loc[better.method == "dcstsf", "psnr"] += 1.0
    assert not next_to_nothing_is_left(better), "the claim would fall"


def test_where_dcstsf_loses():
    """08, section 7: by the angle on real spectra; on simulation at construction alone."""
    own = {s: lesson08.losses(kit.results(s), "dcstsf", leave_out=("tve",)) for s in kit.SUITES}
    assert all(
        any(line.startswith(f"{region}, SAM") for line in own["real"])
        for region in ("changed", "unchanged")
    )
    for suite in ("simulated", "imperfect"):
        assert own[suite] and all(line.startswith("construction") for line in own[suite])


def test_the_answers_under_the_tables():
    """08, section 5, answers 1 to 4."""
    first = ranked("simulated", "x2")
    assert list(first.index[:3]) == ["dcstsf", "tve", "supervised-kernel"]
    assert first.iloc[1] - first.iloc[2] == pytest.approx(3.05, abs=0.5)
    real = ranked("real", "x2")
    assert "supervised-kernel" not in real.index[:8]
    assert real[["dcstsf", "blend", "cascade"]].max() - real["cascade"] < 0.2
    assert ranked("simulated", "x2", region="unchanged").index[0] == "dcstsf"
    changed = ranked("real", "x2", region="changed")
    assert abs(changed["blend"] - changed["dcstsf"]) < 0.1
    for figure in ("psnr", "sam"):
        assert ranked("imperfect", "x1", figure).index[0] == "dcstsf"
    assert ranked("simulated", "x1").index[1] == "local-regression"
    assert "local-regression" not in ranked("imperfect", "x1").index[:6]
    assert ranked("imperfect", "x1", "sam").index[1] == "local-regression"
    for suite, swir, seen in (("simulated", 26, 45), ("real", 29, 49)):
        best = [
            ranked(suite, "x2", region="changed", bands=b).iloc[0] for b in ("SWIR", "MS-covered")
        ]
        assert best == pytest.approx([swir, seen], abs=0.5)


def test_the_flood_is_hardest_and_other_scenes_help():
    """08, section 6."""
    table = kit.results("simulated")
    angles = {k: kit.by_scene(table, "x2", "sam", region=k).mean() for k in KINDS[1:]}
    blend = {kind: means["blend"] for kind, means in angles.items()}
    assert max(blend, key=blend.get) == "flood"
    assert angles["flood"]["supervised-kernel"] < 0.6 * blend["flood"]


def test_the_pond_is_beyond_any_method():
    """08, section 2: an ERGAS of 27 for an error of 0.002."""
    assert kit.results("simulated").query("target == 'x2' and region == 'all'").ergas.max() < 27


@pytest.fixture(scope="module")
def quick(scene):
    return stsf.fuse(scene, method="projection")


def test_the_answers_under_the_threshold(scene, quick):
    """09, section 3, answers 1 to 4."""
    maps = {
        "fused": metrics.sam_map(quick.hrhs_t1, quick.hrhs_t2),
        "ms": metrics.sam_map(scene.hrms_t1, scene.hrms_t2),
    }
    still, dark = scene.change == 0, scene.hrhs_t2.mean(axis=0) < 0.05
    alarms = {t: (maps["fused"] >= t) & still for t in (2, 10, 40)}
    assert alarms[2].sum() == pytest.approx(4000, rel=0.05)
    assert alarms[10].sum() == pytest.approx(650, rel=0.05)
    assert dark[alarms[10]].mean() == pytest.approx(0.66, abs=0.06)
    assert alarms[40].any() and dark[alarms[40]].all()
    for kind, kept in (("construction", (0.74, 0.01)), ("flood", (0.68, 0.47))):
        of_kind = maps["fused"][scene.change == KINDS.index(kind)]
        assert [(of_kind >= t).mean() for t in (20, 30)] == pytest.approx(kept, abs=0.03)
    for t in (2, 5, 10, 20, 40):
        one, other = (threshold_scores(m, float(t), scene.change) for m in maps.values())
        assert one["precision"] == pytest.approx(other["precision"], abs=0.03)
        assert one["recall"] == pytest.approx(other["recall"], abs=0.03)


def test_the_interval_holds_but_in_the_flood(scene):
    """09, section 5: 90 % and more in changed pixels; in flooded ones less, but for the SWIR."""
    network = stsf.fuse(scene)
    inside = np.abs(network.hrhs_t2 - scene.hrhs_t2) <= 1.645 * network.sigma_t2
    flooded = scene.change == KINDS.index("flood")
    for name, bands in metrics.band_groups(scene.hs, scene.ms).items():
        held = inside[bands]
        assert held[:, scene.change == 0].mean() > 0.9 and held[:, scene.change > 0].mean() > 0.9
        flood = held[:, flooded].mean()
        assert flood > 0.97 if name == "SWIR" else 0.8 < flood < 0.9


@pytest.mark.parametrize("questions", [OF_08, OF_09])
def test_questions_have_an_answer_among_their_options(questions):
    for question in questions.values():
        assert question.right in question.options and len(set(question.options)) >= 2
