"""The benchmark: which tasks, resumed runs, honest scores, scenes made by their stated rule."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from stsf.baselines.registry import register
from stsf.benchmark import runs as benchmark
from stsf.benchmark import suites
from stsf.cli.app import main
from stsf.errors import InputError
from stsf.lab.publish.readme import with_tables
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.world.observation import wald

HS, MS = ahsi().select(np.arange(5, 58)), sentinel2("A")
CALLS: list[str] = []


@register("counting", target="x1", label="Counts its calls")
def counting(scene):
    CALLS.append(scene.name)
    return scene.D.upsample(scene.lrhs_t1)


@pytest.fixture
def tiny(monkeypatch):
    """A suite of two small scenes in place of the simulated one."""

    def make(identifier: str):
        rng = np.random.default_rng(int(identifier))
        t1, t2 = rng.uniform(0.1, 0.5, (2, len(HS), 18, 18)).astype(np.float32)
        return wald(t1, HS, MS, 3, cube_t2=t2, name=identifier)

    small = suites.Suite("simulated", ("1", "2"), make)
    monkeypatch.setattr(benchmark, "suite", lambda name, seeds=(): small)
    benchmark._scene.cache_clear()
    benchmark._first_date.cache_clear()
    CALLS.clear()


def test_tasks_are_methods_times_scenes():
    found = benchmark.tasks("simulated", ["bicubic", "copy"], seeds=[1000, 1001])
    assert [(t.scene, t.target, t.method) for t in found] == [
        ("1000", "x1", "bicubic"),
        ("1000", "x2", "copy"),
        ("1001", "x1", "bicubic"),
        ("1001", "x2", "copy"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("nowhere",),
            "expected a suite out of simulated, imperfect, ten-bands, sensitivity, real, "
            "got 'nowhere'",
        ),
        (("simulated", ["bicubic", "magic"]), "unknown method 'magic'"),
    ],
)
def test_unknown_names_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        benchmark.tasks(*arguments)


def test_a_killed_run_continues_where_it_stopped(tiny, tmp_path):
    out = tmp_path / "table.csv"
    todo = benchmark.tasks("simulated", ["counting"])
    first = benchmark.run(todo, out, workers=1, progress=False)
    assert CALLS == ["1", "2"] and not list(tmp_path.glob("*.journal"))
    # As a kill leaves it: one task finished, the line of the next cut off.
    rows = benchmark.run_task(todo[0])
    half = json.dumps([todo[1].key, rows])[:-20]
    out.with_suffix(".csv.journal").write_text(json.dumps([todo[0].key, rows]) + "\n" + half)
    out.unlink()
    CALLS.clear()
    again = benchmark.run(todo, out, workers=1, progress=False)
    assert CALLS == ["2"]
    pd.testing.assert_frame_equal(
        first.drop(columns=["seconds", "peak_mb"]), again.drop(columns=["seconds", "peak_mb"])
    )


def test_the_file_holds_what_was_returned(tiny, tmp_path):
    table = benchmark.run(
        benchmark.tasks("simulated", ["counting"]), tmp_path / "t.csv", workers=1, progress=False
    )
    stored = pd.read_csv(tmp_path / "t.csv")
    assert list(stored.columns) == list(table.columns)
    np.testing.assert_allclose(stored.psnr, table.psnr, rtol=1e-4)


def test_a_perfect_method_scores_perfectly_and_a_wrong_one_as_computed_by_hand(tiny):
    scene = benchmark._scene("simulated", "1")
    row = benchmark.score(scene, scene.hrhs_t2 + 0.01, "x2")[0]
    expected = 20 * np.log10(scene.hrhs_t2.max() / 0.01)
    assert row["psnr"] == pytest.approx(expected, abs=1e-3)
    assert benchmark.score(scene, scene.hrhs_t1, "x1")[0]["rmse"] == 0


def test_the_summary_is_a_mean_over_scenes_best_first():
    rows = [
        {
            "target": "x1",
            "region": "all",
            "bands": "all",
            "label": label,
            "scene": scene,
            "psnr": psnr,
            "mean_psnr": psnr,
            "sam": 1.0,
            "ergas": 1.0,
            "ssim": 1.0,
            "seconds": 1.0,
        }
        for label, scene, psnr in (("a", 1, 30.0), ("a", 2, 34.0), ("b", 1, 40.0), ("b", 2, 40.0))
    ]
    rows.append({**rows[0], "bands": "SWIR", "psnr": 99.0})
    found = benchmark.summary(pd.DataFrame(rows), "x1")
    assert list(found.index) == ["b", "a"] and found.psnr["a"] == 32.0
    assert found.spread["a"] == pytest.approx(np.sqrt(8))


def test_simulated_scenes_use_test_materials_only_and_repeat():
    scene, again = suites.simulated("1000"), suites.simulated("1000")
    assert scene.size == (suites.SIZE, suites.SIZE) and scene.ratio == 3
    assert np.array_equal(scene.lrhs_t1, again.lrhs_t1)


def test_each_error_of_the_sensitivity_suite_does_what_it_says(monkeypatch):
    monkeypatch.setattr(suites, "SIZE", 60)
    plain = suites.sensitive("1000/none/as-is")
    for error, differs in (
        ("half-pixel", "lrhs_t1"),
        ("psf", "lrhs_t1"),
        ("srf", "hrms_t1"),
    ):
        scene = suites.sensitive(f"1000/{error}/as-is")
        (same,) = {"lrhs_t1", "hrms_t1"} - {differs}
        assert not np.allclose(getattr(scene, differs), getattr(plain, differs), atol=1e-3)
        assert np.array_equal(getattr(scene, same), getattr(plain, same))
        assert scene.psf == plain.psf  # what the method believes stays nominal
    mended = suites.sensitive("1000/half-pixel/calibrated")
    assert mended.psf[0].shift_y == pytest.approx(0.5, abs=0.05)


def test_patches_cover_the_stated_share():
    for seed in range(5):
        mask = suites._patches((60, 90), 0.2, np.random.default_rng(seed))
        assert mask.mean() == pytest.approx(0.2, abs=0.01)


def test_light_stays_within_its_stated_range():
    light = suites._light(HS.centre, (40, 50), np.random.default_rng(0))
    assert 0.935 - 1e-9 <= light.min() and light.max() <= 1.065 + 1e-9
    assert np.abs(light - 1).max() > 0.03


@pytest.mark.skipif("STSF_DATA" not in os.environ, reason="needs real data: set STSF_DATA")
def test_semi_real_scenes_follow_their_rule():
    for name in (f"{suites.WINDOWS[0]}/0", f"{suites.WINDOWS[1]}/1"):
        scene = suites.semi_real(name)
        changed = scene.change > 0
        assert 0.12 < changed.mean() < 0.28
        ratio = scene.hrhs_t2[:, ~changed] / np.maximum(scene.hrhs_t1[:, ~changed], 1e-3)
        assert 0.93 < np.median(ratio) < 1.07
        assert suites.semi_real(name).hrhs_t2 == pytest.approx(scene.hrhs_t2)


# --- command and stored results -----------------------------------------------------------------


def test_the_command_runs_a_suite_and_prints_its_table(tiny, tmp_path):
    out = tmp_path / "t.csv"
    arguments = ["benchmark", "--suite", "simulated", "--methods", "counting", "--workers", "1"]
    done = CliRunner().invoke(main, [*arguments, "--out", str(out)])
    assert done.exit_code == 0 and "| Counts its calls | " in done.stdout
    shown = CliRunner().invoke(main, ["benchmark", "--show", str(out)])
    assert shown.stdout == done.stdout
    shown = CliRunner().invoke(main, ["benchmark", "--show", str(out), "--json"])
    means = json.loads(shown.stdout, parse_constant=pytest.fail)  # one document, no NaN
    table = pd.read_csv(out)
    for target, rows in means.items():
        for label, row in rows.items():
            of = (table.target == target) & (table.label == label)
            whole = table[of & (table.bands == "all") & (table.region == "all")]
            assert row["psnr"] == pytest.approx(whole.psnr.mean())
    assert set(means) == set(table.target)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--show", "nothing.csv"], "could not read nothing.csv"),
        (["--show", __file__], "lacks its columns|could not read"),
        ([], "expected --suite and --out, or --show"),
        (["--suite", "simulated", "--out", "t.csv", "--seeds", "8:3"], "FIRST below END"),
        (["--suite", "simulated", "--out", "t.csv", "--methods", "magic"], "unknown method"),
        (["--suite", "nowhere", "--out", "t.csv"], "'nowhere' is not one of"),
    ],
)
def test_bad_calls_get_one_sentence_and_exit_code_2(arguments, message):
    done = CliRunner().invoke(main, ["benchmark", *arguments])
    assert done.exit_code == 2 and re.search(message, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1


RESULTS = Path(__file__).resolve().parents[2] / "data" / "results"


def test_the_readme_prints_the_stored_results():
    readme = (RESULTS.parent.parent / "README.md").read_text("utf-8")
    assert readme.count("<!-- table ") >= 4
    assert with_tables(readme) == readme


@pytest.mark.parametrize("target", ["x1", "x2"])
def test_a_seed_of_the_stored_table_comes_out_again(target):
    """Fast methods, seed 1000: the machine may round differently, the figure may not differ."""
    fast = {"x1": ["bicubic", "gsa", "local-regression"], "x2": ["copy", "injection", "ridge"]}
    stored = pd.read_csv(RESULTS / "simulated.csv").astype({"scene": str})
    benchmark._scene.cache_clear()
    benchmark._first_date.cache_clear()
    for method in fast[target]:
        again = pd.DataFrame(
            benchmark.run_task(benchmark.Task("simulated", "1000", target, method))
        )
        known = stored[
            (stored.scene == "1000") & (stored.target == target) & (stored.method == method)
        ].reset_index(drop=True)
        assert (known[["region", "bands"]] == again[["region", "bands"]]).all(axis=None)
        np.testing.assert_allclose(again.psnr, known.psnr, atol=0.05)
        np.testing.assert_allclose(again.sam, known.sam, atol=0.05)
