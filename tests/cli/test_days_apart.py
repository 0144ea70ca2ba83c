"""HS and MS of t1 on different days: a warning on the screen, in both reports and in the file."""

import json
import warnings
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import rasterio
from calls import dated, run

import stsf
from stsf.errors import Doubt
from stsf.files.scenes import open_scene

WORDS = "were taken {days} days apart ({hs} and {ms})"


@pytest.mark.parametrize("way", [[], ["--tile", "48"]], ids=["whole", "tiles"])
def test_it_is_said_once_everywhere(good: Path, tmp_path: Path, way: list[str]) -> None:
    page = tmp_path / "page.html"
    words = dated(good, tmp_path, hs="2025-05-14", ms1="2025-05-23", ms2="2025-07-25")
    result = run(*words, "--report", page, "--json", *way)
    assert result.exit_code == 0, result.stderr
    said = WORDS.format(days=9, hs="2025-05-14", ms="2025-05-23")
    assert result.stderr.count(said) == 1 and result.stderr.startswith("Warning: the HS and the MS")
    assert sum(said in line for line in json.loads(result.stdout)["warnings"]) == 1
    assert unescape(page.read_text("utf-8")).count(said) == 1
    with rasterio.open(tmp_path / "out.tif") as product:
        assert said in product.tags()["WARNINGS"]


def test_the_day_of_m2_need_not_be_known(good: Path, tmp_path: Path) -> None:
    words = dated(good, tmp_path, hs="2025-05-27", ms1="2025-05-23")
    result = run(*words, "--method", "projection")
    assert WORDS.format(days=4, hs="2025-05-27", ms="2025-05-23") in result.stderr


@pytest.mark.parametrize(("day", "far"), [(17, False), (18, True), (11, False), (10, True)])
def test_from_the_fourth_day_on(good: Path, day: int, far: bool) -> None:
    dates = "2025-05-14", f"2025-05-{day}", "2025-07-25"
    scene = replace(open_scene(good), dates=dates)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Doubt)
        stsf.fuse(scene, "projection")
    assert any("4 days apart" in str(w.message) for w in caught) == far


def test_prepare_says_it_too(good: Path, tmp_path: Path) -> None:
    words = dated(good, tmp_path, hs="2025-05-14", ms1="2025-05-23")
    inputs, out = words[1 : words.index("--out")], tmp_path / "prepared"
    result = run("prepare", *inputs, "--out", out)
    assert result.exit_code == 0, result.stderr
    said = WORDS.format(days=9, hs="2025-05-14", ms="2025-05-23")
    assert result.stderr.startswith(f"Warning: the HS and the MS of t1 {said}")
    assert result.stderr.count(said) == 1
    # and so does whoever goes on with what it wrote
    assert (
        said
        in run(
            *words[:1], *prepared(out), "--out", tmp_path / "x.tif", "--method", "projection"
        ).stderr
    )


@pytest.mark.parametrize("day", ["2025-07-25", "in May"])
def test_prepare_refuses_what_fuse_would(good: Path, tmp_path: Path, day: str) -> None:
    words = dated(good, tmp_path, hs="2025-05-14", ms1=day)
    inputs = words[1 : words.index("--out")]
    refused, later = run("prepare", *inputs, "--out", tmp_path / "prepared"), run(*words)
    assert refused.exit_code == later.exit_code == 2 and refused.stderr == later.stderr
    assert not (tmp_path / "prepared").exists()


def prepared(folder: Path) -> list[str]:
    names = {"--hs": "hs_t1.tif", "--ms1": "ms_t1.tif", "--ms2": "ms_t2.tif"}
    return [word for option, name in names.items() for word in (option, str(folder / name))]
