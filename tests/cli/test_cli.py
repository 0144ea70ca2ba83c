"""The command line: three commands end to end, and one sentence for each bad input."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from click.testing import CliRunner, Result
from rasterio.crs import CRS
from rasterio.errors import RasterioIOError
from scipy.io import netcdf_file

import stsf
from stsf.cli.app import _without_remarks, main
from stsf.files.imagefile import read_image
from stsf.files.raster import write_image

SIZE, RATIO, BANDS = 36, 3, 114  # of the simulated scene
FINE = Affine(10.0, 0, 0, 0, -10.0, 0)  # its MS grid
INPUTS = {"hs": "hs_t1.tif", "ms1": "ms_t1.tif", "ms2": "ms_t2.tif"}

Case = tuple[str, Callable[[Path, Path], list[str]], str]  # name, arguments, words of the message


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="stsf")


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def sentence(text: str) -> str:
    """The one sentence that a refusal prints, without its "Error: "."""
    lines = text.splitlines()
    assert len(lines) == 1 and lines[0].startswith("Error: "), text
    message = lines[0].removeprefix("Error: ")
    assert not re.search(r"[.!?] +[A-Z]|\.$|Traceback|previous exception", message), message
    assert ": " in message, f"names no mend: {message}"
    return message


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scene; nobody writes into this folder."""
    folder = tmp_path_factory.mktemp("cli") / "scene"
    result = run("simulate", "--seed", 7, "--size", SIZE, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="session")
def fused(good: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("fused") / "new folder" / "hs_t2.tif"
    files = [part for key, file in INPUTS.items() for part in (f"--{key}", good / file)]
    return run("fuse", *files, "--out", out, "--out-t1", out.with_name("hs_t1.tif"), "--json"), out


# ------------------------------------------------------------------------------------ what works


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


# ------------------------------------------------------------------------------------- bad inputs


def fuse(good: Path, here: Path, *more: object, **files: object) -> list[str]:
    """Arguments of `fuse` on the good scene, single ones replaced."""
    given = {key: good / file for key, file in INPUTS.items()} | {"out": here / "out.tif"} | files
    options = [part for key, value in given.items() for part in (f"--{key}", str(value))]
    return ["fuse", *options, "--overwrite", *map(str, more)]


def simulate(here: Path, *more: object) -> list[str]:
    return ["simulate", *map(str, ("--seed", 1, "--size", 24, "--out", here / "scene", *more))]


def evaluate(good: Path, *more: object, **files: object) -> list[str]:
    given = {"prediction": good / "truth_t1.tif", "reference": good / "truth_t2.tif"} | files
    options = [part for key, value in given.items() for part in (f"--{key}", str(value))]
    return ["evaluate", "--ratio", "3", *options, *map(str, more)]


def altered(good: Path, here: Path, file: str, cube: Callable | None = None, **fields) -> Path:
    """A copy of a file of the good scene with other pixels or other fields."""
    image = read_image(good / file)
    if cube is not None:
        image = replace(image, cube=np.asarray(cube(image.cube), np.float32))
    return write_image(here / file, replace(image, **fields))


def truncated(good: Path, here: Path, file: str, end: float) -> Path:
    """The first `end` bytes (or that share of the file)."""
    whole = (good / file).read_bytes()
    (here / file).write_bytes(whole[: int(end * len(whole)) if 0 < end < 1 else int(end)])
    return here / file


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def band(index: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(cube: np.ndarray) -> np.ndarray:
        cube[index] = value
        return cube

    return change


def half(left: bool) -> Callable[[np.ndarray], np.ndarray]:
    def change(cube: np.ndarray) -> np.ndarray:
        cube[..., slice(SIZE // 2) if left else slice(SIZE // 2, None)] = np.nan
        return cube

    return change


def subset(good: Path, here: Path, file: str, bands: slice) -> Path:
    """Some of the bands of a file, in another order if you like."""
    image = read_image(good / file)
    assert image.wavelength is not None and image.fwhm is not None
    return altered(
        good, here, file, lambda cube: cube[bands], names=image.names[bands],
        wavelength=image.wavelength[bands], fwhm=image.fwhm[bands],
    )  # fmt: skip


def resized(good: Path, here: Path, file: str, side: int, pixel: float | None) -> Path:
    """An image cropped or continued to other sides, with pixels of another size or no place."""
    place = None if pixel is None else Affine(pixel, 0, 0, 0, -pixel, 0)
    grow = lambda cube: np.pad(cube, ((0, 0), (0, side), (0, side)), "wrap")[:, :side, :side]  # noqa: E731
    return altered(good, here, file, grow, transform=place)


def sized(good: Path, here: Path, hs: tuple[int, float | None], ms: tuple[int, float | None]):
    sides = {"hs": hs, "ms1": ms, "ms2": ms}
    return fuse(
        good, here, **{k: resized(good, here, INPUTS[k], *side) for k, side in sides.items()}
    )


def with_crs(good: Path, here: Path, **codes: int) -> list[str]:
    files = {
        key: altered(good, here, file, crs=CRS.from_epsg(codes.get(key, 32633)))
        for key, file in INPUTS.items()
    }
    return fuse(good, here, **files)


def dated(good: Path, here: Path, **dates: str) -> list[str]:
    return fuse(good, here, **{k: altered(good, here, INPUTS[k], date=d) for k, d in dates.items()})


def tagged(good: Path, here: Path, value: str) -> Path:
    """The HS with a wavelength that is none."""
    import rasterio

    path = Path(shutil.copy(good / "hs_t1.tif", here))
    with rasterio.open(path, "r+") as target:
        target.update_tags(3, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=value)
    return path


def two_variables(path: Path) -> Path:
    """A netCDF file, which GDAL opens as a container without bands of its own."""
    with netcdf_file(path, "w") as file:
        for name, sides in (("a", (3, 3)), ("b", (4, 3))):
            dimensions = [f"{name}_y", f"{name}_x"]
            for dimension, side in zip(dimensions, sides):
                file.createDimension(dimension, side)
            file.createVariable(name, "f4", dimensions)[:] = 0.1
    return path


NO_TABLE = {"wavelength": None, "fwhm": None, "sensor": None}

FUSE: list[Case] = [
    ("missing file", lambda g, h: fuse(g, h, hs=h / "gone.tif"),
     r"expected an image file, found nothing at .*gone\.tif: check the path"),
    *[
        (f"file cut off after {end:.0%}" if 0 < end < 1 else f"file cut off after {end} bytes",
         lambda g, h, end=end: fuse(g, h, hs=truncated(g, h, "hs_t1.tif", end)),
         r"expected a complete raster, could not read .*hs_t1\.tif .*: copy or download it again")
        for end in (3, 100, 0.3, 0.49, 0.52, 0.8)
    ],
    ("file without its last byte", lambda g, h: fuse(g, h, ms2=truncated(g, h, "ms_t2.tif", -1)),
     r"could not read .*ms_t2\.tif \(its last part is missing\): copy or download it again"),
    ("text file called .tif", lambda g, h: fuse(g, h, hs=written(h / "a.tif", "no raster")),
     r"could not read .*a\.tif .*not recognized .*: copy or download it again"),
    ("empty file", lambda g, h: fuse(g, h, hs=written(h / "a.tif", "")),
     r"could not read .*a\.tif .*: copy or download it again"),
    ("file of several data sets", lambda g, h: fuse(g, h, hs=two_variables(h / "a.nc")),
     r"expected one image in .*a\.nc, found 2: name one of netcdf:.*a\.nc:., netcdf:"),
    ("folder for a file", lambda g, h: fuse(g, h, hs=g),
     "name the folder, archive or metadata file of a Sentinel-2"),
    ("another CRS", lambda g, h: with_crs(g, h, hs=32632),
     r"share at least 2 HS pixels .* \(EPSG:32632 against EPSG:32633\): choose images"),
    ("grid shifted by 1.3 px",
     lambda g, h: fuse(g, h, ms1=altered(g, h, "ms_t1.tif",
                                         transform=FINE * Affine.translation(1.3, 0))),
     r"one extent, M1 differs from M2 by up to 1\.3 MS pixels: .* with stsf prepare"),
    ("HS turned by 4 degrees",
     lambda g, h: fuse(g, h, hs=altered(
         g, h, "hs_t1.tif", transform=FINE * Affine.rotation(4) * Affine.scale(3))),
     r"one extent, Y1 differs from M2 by up to .* MS pixels: .* with stsf prepare"),
    ("ratio 2.7", lambda g, h: sized(g, h, (10, 27.0), (27, 10.0)),
     r"whole number of MS pixels from 2 to 10, got 27/10 = 2\.7 .*: crop both"),
    ("ratio 1", lambda g, h: sized(g, h, (24, 10.0), (24, 10.0)), r"from 2 to 10, got 24/24 = 1 "),
    ("ratio 11", lambda g, h: sized(g, h, (3, 110.0), (33, 10.0)), r"from 2 to 10, got 33/3 = 11 "),
    ("one HS pixel", lambda g, h: sized(g, h, (1, 30.0), (3, 10.0)),
     r"at least 2 HS pixels along each side, got \(1, 1\): take a larger window"),
    ("MS dates of different size",
     lambda g, h: fuse(g, h, ms1=resized(g, h, "ms_t1.tif", 33, None)),
     r"both MS dates must share one grid, got \(33, 33\) and \(36, 36\) pixels: warp M1"),
    ("MS dates of different extent",
     lambda g, h: fuse(g, h, ms1=resized(g, h, "ms_t1.tif", 33, 9.0)),
     r"one extent, M1 differs from M2 by up to 6\.3 MS pixels"),
    ("HS finer than the MS", lambda g, h: sized(g, h, (36, None), (24, None)),
     "the MS must be finer than the HS"),
    ("HS without wavelengths",
     lambda g, h: fuse(g, h, hs=altered(g, h, "hs_t1.tif", **NO_TABLE)),
     r"expected band wavelengths .*found none: name the sensor .*\(--hs-sensor, out of AHSI"),
    ("MS without wavelengths",
     lambda g, h: fuse(g, h, ms2=altered(g, h, "ms_t2.tif", **NO_TABLE)),
     r"expected band wavelengths .*found none: name the sensor .*\(--ms-sensor, out of AHSI"),
    ("unknown sensor", lambda g, h: fuse(g, h, "--hs-sensor", "Hyperion"),
     "expected a known sensor, got 'Hyperion': use one of AHSI, EnMAP"),
    ("sensor with another number of bands",
     lambda g, h: fuse(g, h, "--hs-sensor", "EnMAP", hs=altered(g, h, "hs_t1.tif", **NO_TABLE)),
     f"EnMAP has .* bands, the file has {BANDS} and no wavelengths: give the table of"),
    ("wavelength that is a word", lambda g, h: fuse(g, h, hs=tagged(g, h, "green")),
     r"expected finite numbers in the header of .*'green': mend its wavelength"),
    ("wavelength that is nan", lambda g, h: fuse(g, h, hs=tagged(g, h, "nan")),
     r"expected finite numbers in the header of .*got nan: mend its wavelength"),
    ("NaN everywhere",
     lambda g, h: fuse(g, h, ms2=altered(g, h, "ms_t2.tif", lambda c: c * np.nan)),
     r"ms_t2\.tif has no valid pixel: check the nodata value"),
    ("MS dates valid in different halves",
     lambda g, h: fuse(g, h, ms1=altered(g, h, "ms_t1.tif", half(left=True)),
                       ms2=altered(g, h, "ms_t2.tif", half(left=False))),
     "one MS pixel with data at both dates, got 144 and 0: choose images whose valid areas"),
    ("DN instead of reflectance",
     lambda g, h: fuse(g, h, hs=altered(g, h, "hs_t1.tif", lambda c: 1e4 * c)),
     r"hs_t1\.tif must be reflectance .* looks like digital numbers: read with --scale 0.0001,1,1"),
    ("constant image",
     lambda g, h: fuse(g, h, ms2=altered(g, h, "ms_t2.tif", lambda c: 0 * c + 0.25)),
     r"ms_t2\.tif must vary, every value is 0\.25: check that it is the right file"),
    ("HS and MS swapped", lambda g, h: fuse(g, h, hs=g / "ms_t1.tif", ms1=g / "hs_t1.tif"),
     "expected more hyperspectral than multispectral bands, got 4 and 4: .* swapped"),
    ("HS given as MS at both dates",
     lambda g, h: fuse(g, h, hs=g / "ms_t1.tif", ms1=g / "hs_t1.tif", ms2=g / "hs_t1.tif"),
     f"expected more hyperspectral than multispectral bands, got 4 and {BANDS}: .* swapped"),
    ("HS that does not cover an MS band",
     lambda g, h: fuse(g, h, hs=subset(g, h, "hs_t1.tif", slice(-9, None))),
     "expected HS bands over at least 90% of every MS response, got 0% for B2 .*: leave this band"),
    ("HS and MS three months apart",
     lambda g, h: dated(g, h, hs="2025-04-24", ms1="2025-07-24"),
     r"at most 30 days apart, got 2025-04-24 and 2025-07-24 \(91 days\): choose an MS image"),
    ("date that is none", lambda g, h: dated(g, h, ms2="24.7.2025"),
     r"dates must look like 2025-07-24, got '24\.7\.2025': mend the tag DATE"),
    ("output below a file", lambda g, h: fuse(g, h, out=written(h / "a", "x") / "b" / "out.tif"),
     "expected to write .* is a file and no folder: choose another folder"),
    ("output that is an input",
     lambda g, h: fuse(g, h, hs=shutil.copy(g / "hs_t1.tif", h), out=h / "." / "hs_t1.tif"),
     r"hs_t1\.tif is also an input: choose another output file"),
    ("second output that is an input", lambda g, h: fuse(g, h, "--out-t1", g / "hs_t1.tif"),
     r"hs_t1\.tif is also an input: choose another output file"),
    ("two outputs of one name", lambda g, h: fuse(g, h, "--out-t1", h / "out.tif"),
     r"expected two output files, got .*out\.tif twice: rename one"),
    ("output without .tif", lambda g, h: fuse(g, h, out=h / "out.png"),
     r"expected an output file ending in \.tif, got .*out\.png: rename it"),
    ("output that is a folder", lambda g, h: fuse(g, h, out=made(h / "f.tif")),
     r"f\.tif is a folder: add a file name"),
    ("output name too long", lambda g, h: fuse(g, h, out=h / f"{300 * 'a'}.tif"),
     "expected to write .*, the system says File name too long: choose"),
    ("unknown method", lambda g, h: fuse(g, h, "--method", "magic"),
     "got 'magic': choose one of these"),
    ("unknown calibration", lambda g, h: fuse(g, h, "--calibrate", "maybe"),
     "'--calibrate': 'maybe' is not one of 'auto', 'none': see stsf fuse --help"),
    ("option left out", lambda g, h: ["fuse", "--hs", str(g / "hs_t1.tif")],
     "Missing option '--ms1': see stsf fuse --help"),
    ("unknown option", lambda g, h: fuse(g, h, "--sharpen"),
     "No such option.*--sharpen.*: see stsf fuse --help"),
]  # fmt: skip

SIMULATE: list[Case] = [
    ("negative size", lambda g, h: simulate(h, "--size", -24),
     "'--size': -24 is not in the range x>=24: see stsf simulate --help"),
    ("size that is a word", lambda g, h: simulate(h, "--size", "large"),
     "'--size': 'large' is not a valid integer: see stsf simulate --help"),
    ("size not a multiple of the ratio", lambda g, h: simulate(h, "--size", 25),
     r"size must be a multiple of the ratio 3, got \(25, 25\): simulate another size"),
    ("unknown kind", lambda g, h: simulate(h, "--kind", "city"),
     "'--kind': 'city' is not one of 'parcels', 'dead-leaves'"),
    ("unknown split", lambda g, h: simulate(h, "--split", "all"), "'--split': 'all' is not one of"),
    *[
        (f"simulated ratio {ratio}", lambda g, h, ratio=ratio: simulate(h, "--ratio", ratio),
         f"'--ratio': '?{ratio}'? is not .*: see stsf simulate --help")
        for ratio in (0, 1, 2.7, 11)
    ],
    ("negative seed", lambda g, h: simulate(h, "--seed", -1), "'--seed': -1 is not in the range"),
    ("SNR that is nan", lambda g, h: simulate(h, "--snr-hs", "nan"),
     "'--snr-hs': expected finite numbers: see stsf simulate --help"),
    ("negative SNR", lambda g, h: simulate(h, "--snr-ms", -5),
     "'--snr-ms': -5.0 is not in the range x>=0: see stsf simulate --help"),
    ("infinite shift", lambda g, h: simulate(h, "--shift", 0, "inf"),
     "'--shift': expected finite numbers"),
    ("simulated sensor unknown", lambda g, h: simulate(h, "--ms-sensor", "Landsat"),
     "expected a known sensor, got 'Landsat': use one of"),
    ("band table that is missing", lambda g, h: simulate(h, "--hs-sensor", h / "bands.csv"),
     r"could not read .*bands\.csv \(No such file or directory\): check the path"),
    ("band table that is none",
     lambda g, h: simulate(h, "--hs-sensor", written(h / "bands.csv", "name;centre\nB1;500\n")),
     r"expected columns name, centre, fwhm in .*bands\.csv, got name, centre: add"),
    ("simulated sensors swapped",
     lambda g, h: simulate(h, "--hs-sensor", "Sentinel-2A", "--ms-sensor", "AHSI"),
     "expected more hyperspectral than multispectral bands, got 4 and 166: .* swapped"),
    ("scene into a file", lambda g, h: simulate(h, "--out", written(h / "file", "x")),
     "file is a file and no folder: choose another folder"),
    ("unknown command", lambda g, h: ["sharpen"], "No such command 'sharpen'.*: see stsf --help"),
    ("unknown option before the command", lambda g, h: ["--quiet", "fuse"],
     "No such option.*--quiet.*: see stsf --help"),
]  # fmt: skip

EVALUATE: list[Case] = [
    ("prediction that is missing", lambda g, h: evaluate(g, prediction=h / "gone.tif"),
     "found nothing at"),
    ("prediction of another size",
     lambda g, h: evaluate(g, prediction=resized(g, h, "truth_t2.tif", 33, None)),
     r"must have one shape .*33, 33\) and .*36, 36\): crop both"),
    ("prediction with other bands",
     lambda g, h: evaluate(g, prediction=subset(g, h, "truth_t2.tif", slice(9))),
     f"expected the same bands in both images, got 9 in .* and {BANDS} in"),
    ("prediction with bands in another order",
     lambda g, h: evaluate(g, prediction=subset(g, h, "truth_t2.tif", slice(None, None, -1))),
     "expected the same bands in one order, band 1 lies at"),
    ("prediction shifted by one pixel",
     lambda g, h: evaluate(g, prediction=altered(g, h, "truth_t2.tif",
                                                 transform=FINE * Affine.translation(0, 1))),
     r"one extent, .*truth_t2\.tif differs from .* by up to 1 pixels: take the truth"),
    ("prediction in another CRS",
     lambda g, h: evaluate(
         g, prediction=altered(g, h, "truth_t1.tif", crs=CRS.from_epsg(32632)),
         reference=altered(g, h, "truth_t2.tif", crs=CRS.from_epsg(32633))),
     "one CRS, .*EPSG:32632 and .*EPSG:32633: take the truth"),
    ("prediction empty",
     lambda g, h: evaluate(g, prediction=altered(g, h, "truth_t2.tif", lambda c: c * np.nan)),
     r"truth_t2\.tif has no valid pixel: check the nodata value"),
    ("no pixel valid in both",
     lambda g, h: evaluate(g, prediction=altered(g, h, "truth_t1.tif", half(left=True)),
                           reference=altered(g, h, "truth_t2.tif", half(left=False))),
     "expected at least one pixel with data in every band of prediction and reference, got none"),
    ("prediction in DN",
     lambda g, h: evaluate(g, prediction=altered(g, h, "truth_t2.tif", lambda c: 1e4 * c)),
     "looks like digital numbers"),
    ("reference constant",
     lambda g, h: evaluate(g, reference=altered(g, h, "truth_t2.tif", lambda c: 0 * c + 0.5)),
     r"must vary, every value is 0\.5"),
    ("change map of another size",
     lambda g, h: evaluate(g, change=resized(g, h, "change.tif", 33, None)),
     r"change must have the shape \(36, 36\) of one band, got \(33, 33\): crop it"),
    ("change map on another grid",
     lambda g, h: evaluate(g, change=altered(g, h, "change.tif",
                                             transform=FINE * Affine.translation(2, 0))),
     r"one extent, .*change\.tif differs from .* by up to 2 pixels"),
    ("image for a change map", lambda g, h: evaluate(g, change=g / "truth_t1.tif"),
     f"expected a change map of one band .*, got {BANDS} bands in .*: check that it is the right"),
    ("change map of reflectance",
     lambda g, h: evaluate(g, change=altered(g, h, "change.tif", lambda c: 0 * c + 0.5)),
     r"with the codes 0 to 4 .*, got the value 0\.5 in .*: check that it is the right file"),
    ("ratio 0", lambda g, h: evaluate(g, "--ratio", 0), "ratio must be at least 1 .*, got 0.0: "),
    ("ratio nan", lambda g, h: evaluate(g, "--ratio", "nan"), "ratio must be at least 1"),
    ("ratio that is a word", lambda g, h: evaluate(g, "--ratio", "three"),
     "'--ratio': 'three' is not a valid float: see stsf evaluate --help"),
    ("unknown MS sensor", lambda g, h: evaluate(g, "--ms-sensor", "Landsat"),
     "expected a known sensor, got 'Landsat'"),
]  # fmt: skip

CASES = FUSE + SIMULATE + EVALUATE


@pytest.mark.parametrize(("make", "words"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_bad_input(
    good: Path, tmp_path: Path, make: Callable[[Path, Path], list[str]], words: str
) -> None:
    (tmp_path / "out.tif").write_text("old")
    arguments = make(good, tmp_path)
    before = contents(tmp_path), contents(good)
    result = run(*arguments)
    assert result.exit_code == 2 and result.stdout == "", result.output
    assert re.search(words, sentence(result.stderr)), result.stderr
    assert (contents(tmp_path), contents(good)) == before


# --------------------------------------------------------------- what goes wrong on the way


@pytest.fixture
def old(tmp_path: Path) -> dict[str, bytes | None]:
    """A folder with both products of an earlier run."""
    for name in ("out.tif", "t1.tif"):
        (tmp_path / name).write_text(f"old {name}")
    return contents(tmp_path)


def both(good: Path, here: Path, calibrate: str = "none") -> list[str]:
    return fuse(good, here, "--out-t1", here / "t1.tif", "--calibrate", calibrate)


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException, call: int) -> list[int]:
    """Let the n-th file of a command fail while its bands are written."""
    import stsf.files.raster

    calls: list[int] = []
    write_bands = stsf.files.raster._write_bands

    def fail(target, image) -> None:
        calls.append(len(calls) + 1)
        if len(calls) == call:
            raise error
        write_bands(target, image)

    monkeypatch.setattr("stsf.files.raster._write_bands", fail)
    return calls


@pytest.mark.parametrize("call", [1, 2])
def test_a_writer_that_fails_half_way(good, tmp_path, old, monkeypatch, call) -> None:
    calls = failing(monkeypatch, RasterioIOError("the disk went away"), call)
    result = run(*both(good, tmp_path))
    assert result.exit_code == 2 and result.stdout == "" and len(calls) == call
    expected = ["out.tif", "t1.tif"][call - 1]
    assert re.match(rf"expected to write .*{expected}, the system says the disk went away: choose",
                    sentence(result.stderr))  # fmt: skip
    assert contents(tmp_path) == old


def test_ctrl_c_between_two_products(good, tmp_path, old, monkeypatch) -> None:
    calls = failing(monkeypatch, KeyboardInterrupt(), 2)
    result = run(*both(good, tmp_path))
    assert result.exit_code == 130 and result.stdout == "" and len(calls) == 2
    assert result.stderr == "Stopped: nothing was left half written.\n"
    assert contents(tmp_path) == old


@pytest.mark.parametrize("call", [1, 6])
def test_a_scene_is_replaced_as_a_whole_or_not_at_all(good, tmp_path, monkeypatch, call) -> None:
    shutil.copytree(good, tmp_path / "scene")
    calls = failing(monkeypatch, KeyboardInterrupt(), call)
    assert run(*simulate(tmp_path)).exit_code == 130 and len(calls) == call
    assert contents(tmp_path / "scene") == contents(good)
    assert run(*simulate(tmp_path)).exit_code == 0  # the writer works again
    assert sorted(contents(tmp_path / "scene")) == sorted(contents(good))
    assert contents(tmp_path / "scene") != contents(good)


@contextmanager
def little_disk(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size` bytes."""
    resource = pytest.importorskip("resource", reason="POSIX limits")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.97, 1.0])
def test_a_disk_that_fills_up(good, tmp_path, old, fused, share) -> None:
    """Also in the last bytes, where GDAL writes its directory and reports nothing."""
    size = fused[1].stat().st_size
    with little_disk(int(share * size) if share < 1 else size - 1):
        result = run(*both(good, tmp_path, "auto"))
    assert result.exit_code == 2, result.output
    assert "the system says File too large: choose a folder" in sentence(result.stderr)
    assert contents(tmp_path) == old


def test_a_disk_that_is_just_large_enough(good, tmp_path, fused) -> None:
    sizes = [path.stat().st_size for path in fused[1].parent.iterdir()]
    with little_disk(max(sizes)):
        result = run(*both(good, tmp_path, "auto"))
    assert result.exit_code == 0, result.stderr


def test_a_scene_on_a_full_disk(good, tmp_path) -> None:
    shutil.copytree(good, tmp_path / "scene")
    with little_disk(30_000):
        result = run(*simulate(tmp_path, "--size", SIZE))
    assert result.exit_code == 2
    assert "hs_t1.tif, the system says File too large" in sentence(result.stderr)
    assert contents(tmp_path / "scene") == contents(good)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, for whom nothing is read-only."""
    if os.name == "nt":
        pytest.skip("POSIX permissions")
    root = os.getuid() == 0
    if root:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)


@pytest.mark.parametrize("command", ["fuse", "simulate"])
def test_a_read_only_folder_is_refused_before_the_work(good, command) -> None:
    folder = Path(tempfile.mkdtemp())  # beside pytest's own, which nobody else may enter
    try:
        inner = folder / "locked"
        inner.mkdir()
        folder.chmod(0o755)
        inner.chmod(0o555)
        with as_nobody():
            result = run(*(fuse(good, inner / "new") if command == "fuse" else simulate(inner)))
        assert result.exit_code == 2
        assert re.match("expected to write .*locked is read-only: choose a folder that can",
                        sentence(result.stderr))  # fmt: skip
        assert not list(inner.iterdir())
    finally:
        inner.chmod(0o755)
        shutil.rmtree(folder)


def test_too_little_memory(good, tmp_path, old, monkeypatch) -> None:
    def exhaust(*_, **__) -> None:
        raise MemoryError

    monkeypatch.setattr("stsf.fusion.fuse", exhaust)
    result = run(*both(good, tmp_path))
    assert result.exit_code == 2 and "take a smaller window" in sentence(result.stderr)
    assert contents(tmp_path) == old


def test_a_bug_is_not_dressed_up_as_bad_input(good, tmp_path, old, monkeypatch) -> None:
    def bug(*_, **__) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("stsf.fusion.fuse", bug)
    assert isinstance(run(*both(good, tmp_path)).exception, RuntimeError)
    assert contents(tmp_path) == old


# --------------------------------------------------------------------------- as the shell sees it


def shell(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)


def test_module_and_console_script() -> None:
    script = shutil.which("stsf", path=str(Path(sys.executable).parent))
    assert script, "the console script is not installed"
    for command in ([script], [sys.executable, "-m", "stsf.cli.app"]):
        done = shell(*command, "--version")
        assert (done.returncode, done.stderr) == (0, "") and stsf.__version__ in done.stdout
        done = shell(*command, "fuse", "--hs")
        assert (done.returncode, done.stdout) == (2, "")
        assert "'--hs' requires an argument" in sentence(done.stderr)


def test_a_damaged_file_in_a_process_of_its_own(good, tmp_path, old) -> None:
    """What the C libraries and `logging` say by themselves would show up here."""
    damaged = truncated(good, tmp_path, "ms_t2.tif", -1)
    done = shell(sys.executable, "-m", "stsf.cli.app", *fuse(good, tmp_path, ms2=damaged))
    assert (done.returncode, done.stdout) == (2, "")
    assert "its last part is missing" in sentence(done.stderr)
    damaged.unlink()
    assert contents(tmp_path) == old


def test_figures_go_to_stdout_alone(good) -> None:
    done = shell(sys.executable, "-m", "stsf.cli.app", *evaluate(good, "--json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)[0]["n_pixels"] == SIZE**2


WAITING = """
import os, pathlib, signal, time
import stsf.files.raster
from stsf.cli.app import main

write_bands, calls = stsf.files.raster._write_bands, []

def wait(target, image):
    calls.append(1)
    if len(calls) == 2:
        pathlib.Path(os.environ["READY"]).touch()
        time.sleep(60)
    write_bands(target, image)

stsf.files.raster._write_bands = wait
signal.signal(signal.SIGINT, signal.default_int_handler)
main(prog_name="stsf")
"""  # stops where the first of several files is complete and the second is not


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent otherwise on Windows")
@pytest.mark.parametrize("command", ["fuse", "simulate"])
def test_ctrl_c(good, tmp_path, command) -> None:
    here, ready = tmp_path / "scene", tmp_path / "ready"
    shutil.copytree(good, here)
    before = contents(here)
    arguments = both(good, here) if command == "fuse" else simulate(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, *arguments], env=os.environ | {"READY": str(ready)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert contents(here) != before, "it was to be stopped while it writes"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, output) == (130, "")
    assert errors == "Stopped: nothing was left half written.\n"
    assert contents(here) == before


def test_remarks_in_a_broken_encoding_are_dropped_and_other_errors_are_not(
    capsys, monkeypatch
) -> None:
    class Dying:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def __del__(self) -> None:
            raise self.error

    monkeypatch.setattr(sys, "unraisablehook", _without_remarks)
    for error in (UnicodeDecodeError("utf-8", b"\xa6", 0, 1, "no start"), ValueError("seen")):
        dying = Dying(error)
        del dying
    said = capsys.readouterr().err
    assert "seen" in said and "no start" not in said
