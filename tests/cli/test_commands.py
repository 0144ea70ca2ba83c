"""The command line: what its commands do, end to end."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from calls import BANDS, INPUTS, RATIO, SIZE, altered, contents, fuse, run
from click.testing import Result

import stsf
from stsf.cli.app import main
from stsf.files.imagefile import read_image


def test_simulate_writes_a_scene(good: Path) -> None:
    files = ["change", "hs_t1", "ms_t1", "ms_t2", "truth_t1", "truth_t2"]
    assert sorted(path.name for path in good.iterdir()) == sorted(
        [f"{file}.tif" for file in files] + ["scene.json"]
    )
    assert read_image(good / "hs_t1.tif").cube.shape == (BANDS, SIZE // RATIO, SIZE // RATIO)
    assert read_image(good / "ms_t2.tif").names == ("B2", "B3", "B4", "B8")
    assert read_image(good / "truth_t2.tif").cube.shape == (BANDS, SIZE, SIZE)


def test_fuse_writes_both_products_and_a_report(fused: tuple[Result, Path], good: Path) -> None:
    result, out = fused
    assert result.exit_code == 0 and result.stderr == ""
    report = json.loads(result.stdout, parse_constant=pytest.fail)  # no NaN: that is not JSON
    assert report["method"] == "dcstsf" and report["seconds"] >= 0
    assert [fit["detector"] for fit in report["registration"]["hs"]] == ["VNIR", "SWIR"]
    assert sorted(path.name for path in out.parent.iterdir()) == ["hs_t1.tif", "hs_t2.tif"]
    truth = read_image(good / "truth_t2.tif")
    for path in out.parent.iterdir():
        found = read_image(path)
        assert found.cube.shape == truth.cube.shape and np.isfinite(found.cube).all()
        assert found.sensor == "AHSI" and found.transform == truth.transform
        np.testing.assert_allclose(found.wavelength, truth.wavelength)


def test_the_products_are_not_exchanged(fused: tuple[Result, Path], good: Path) -> None:
    error = {
        (a, b): np.square(
            read_image(fused[1].with_name(f"hs_t{a}.tif")).cube
            - read_image(good / f"truth_t{b}.tif").cube
        ).mean()
        for a in (1, 2)
        for b in (1, 2)
    }
    assert error[1, 1] < error[1, 2] and error[2, 2] < error[2, 1]


def test_evaluate_gives_the_figures(fused: tuple[Result, Path], good: Path) -> None:
    arguments = ["evaluate", "--prediction", fused[1], "--reference", good / "truth_t2.tif"]
    arguments += ["--ratio", 3, "--change", good / "change.tif"]
    rows = json.loads(run(*arguments, "--json").stdout, parse_constant=pytest.fail)
    x, y = (read_image(path).cube.astype(float) for path in (fused[1], good / "truth_t2.tif"))
    expected = 10 * np.log10(y.max() ** 2 / np.square(x - y).mean())
    assert rows[0]["region"] == rows[0]["bands"] == "all"
    assert rows[0]["psnr"] == pytest.approx(expected, abs=1e-3) and expected > 25
    assert {row["bands"] for row in rows} == {"all", "clean", "MS-covered", "VNIR gaps", "SWIR"}
    assert {"changed", "unchanged"} < {row["region"] for row in rows}
    table = run(*arguments)
    assert table.exit_code == 0 and table.stderr == ""
    assert len(table.stdout.splitlines()) == 1 + len(rows)
    assert f"{expected:.2f}" in table.stdout.splitlines()[1]


def test_infinite_figures_are_null(good: Path) -> None:
    same = good / "truth_t1.tif"
    result = run("evaluate", "--prediction", same, "--reference", same, "--ratio", 3, "--json")
    rows = json.loads(result.stdout, parse_constant=pytest.fail)
    assert rows[0]["psnr"] is None and rows[0]["rmse"] == 0.0


def test_fuse_in_words_trusting_the_sensors(good: Path, tmp_path: Path) -> None:
    result = run(*fuse(good, tmp_path), "--calibrate", "none")
    assert result.exit_code == 0 and result.stderr == ""
    assert result.stdout.startswith("method: dcstsf\n") and "shifted" not in result.stdout
    assert "Y1 - D X1" in result.stdout
    assert read_image(tmp_path / "out.tif").cube.shape == (BANDS, SIZE, SIZE)


def test_softness_of_the_product_is_told(good: Path, tmp_path: Path) -> None:
    result = run(*fuse(good, tmp_path), "--softness", "0,0.5", "--json")
    told = json.loads(result.stdout)["softness"]
    assert {name: of["value"] for name, of in told.items()} == {"VNIR": 0.0, "SWIR": 0.5}
    assert told["SWIR"]["source"] == "as asked for"
    plain = run(*fuse(good, tmp_path), "--softness", "auto")
    assert "SWIR: the product is softer than the MS by 0.000 px (unknown: no MS" in plain.stdout


def test_a_sensor_by_name_stands_in_for_wavelengths(good: Path, tmp_path: Path) -> None:
    plain = {"wavelength": None, "fwhm": None, "sensor": None}
    files = {key: altered(good, tmp_path, file, **plain) for key, file in list(INPUTS.items())[1:]}
    result = run(*fuse(good, tmp_path, **files), "--ms-sensor", "Sentinel-2A")
    assert result.exit_code == 0, result.stderr


def test_simulate_is_deterministic_and_takes_its_options(good: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    assert run("simulate", "--seed", 7, "--size", SIZE, "--out", again).exit_code == 0
    assert contents(again) == contents(good)
    options = ["--kind", "dead-leaves", "--split", "train", "--ratio", 2, "--hs-sensor", "EnMAP"]
    options += ["--ms-sensor", "Sentinel-2B-10", "--imperfect", "--shift", 0.5, -0.25]
    result = run("simulate", "--seed", 8, "--size", 24, "--out", other, *options)
    assert result.exit_code == 0, result.stderr
    assert read_image(other / "hs_t1.tif").cube.shape[1:] == (12, 12)
    assert len(read_image(other / "ms_t1.tif").cube) == 10


@pytest.mark.parametrize("command", [[], *([name] for name in main.commands)])
def test_every_help_shows_an_example(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0 and result.stderr == ""
    example = re.split("Examples?:", result.stdout)[1]
    assert re.search(rf"\n +stsf {' '.join(command)}", example)
    assert run(*command, "-h").stdout == result.stdout


def test_the_examples_are_valid() -> None:
    lines = run("--help").stdout.split("Example:")[1].strip().splitlines()
    assert [line.split()[1] for line in lines] == ["simulate", "fuse", "evaluate"]
    for _, name, *options in map(str.split, lines):
        main.commands[name].make_context(name, options)  # raises on an unknown or missing option


def test_no_command_shows_the_help() -> None:
    result = run()
    assert result.exit_code == 0 and result.stdout == run("--help").stdout


def test_version() -> None:
    result = run("--version")
    assert result.exit_code == 0 and result.stdout.strip() == f"stsf, version {stsf.__version__}"
