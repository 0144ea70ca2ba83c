"""Three files without any metadata: the messages, obeyed literally, lead to a product."""

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

from stsf.cli import main
from stsf.files.imagefile import read_image
from stsf.scene import Scene
from stsf.sensing.sensors import get_sensor

MOST = 3  # runs
KNOWN = {"--hs-sensor": "AHSI", "--ms-sensor": "Sentinel-2A"}  # what only the user can say


def bare(folder: Path, scene: Scene, factor: float, dtype: str) -> list[str]:
    """All bands of the sensor in the order of its product; no names, no place, no units."""
    hs = get_sensor("AHSI")
    spectra = np.apply_along_axis(
        lambda y: np.interp(hs.centre, scene.hs.centre, y), 0, scene.lrhs_t1
    )
    paths = []
    for name, cube in (("hs", spectra), ("a", scene.hrms_t1), ("b", scene.hrms_t2)):
        path, values = folder / f"{name}.tif", np.asarray(factor * cube)
        size = dict(count=len(cube), height=cube.shape[1], width=cube.shape[2])
        with rasterio.open(path, "w", driver="GTiff", dtype=dtype, **size) as target:
            target.write(
                np.clip(values, 0, None).round(9 if dtype == "float32" else 0).astype(dtype)
            )
        paths.append(str(path))
    return paths


def obey(message: str, words: list[str]) -> list[str]:
    """The command again with every option that the message names."""
    found = re.search(r"(--scale) (\S+)", message)
    added = [found[1], found[2]] if found else []
    for option, value in KNOWN.items():
        if option in message:
            added += [option, value]
    assert added, message
    return [*words, *added]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("factor", "dtype"), [(1.0, "float32"), (1e4, "uint16"), (1e4, "int16"), (100.0, "float32")]
)
@pytest.mark.parametrize("larger", [0, 2])
def test_three_bare_files(
    factor: float, dtype: str, larger: int, scene: Scene, tmp_path: Path
) -> None:
    """Also with MS images that reach two pixels beyond the HS."""
    small = scene.crop(slice(0, 16), slice(0, 16))
    hs, a, b = bare(tmp_path, small, factor, dtype)
    for path in (a, b) if larger else ():
        with rasterio.open(path) as source:
            cube, profile = source.read(), source.profile
        cube = np.pad(cube, ((0, 0), (0, larger), (0, larger)), "edge")
        profile |= {"height": cube.shape[1], "width": cube.shape[2]}
        with rasterio.open(path, "w", **profile) as target:
            target.write(cube)
    out = tmp_path / "out.tif"
    words = ["fuse", "--hs", hs, "--ms1", a, "--ms2", b, "--out", str(out)]
    words += ["--method", "projection"]
    for _ in range(MOST):
        result = CliRunner().invoke(main, words)
        if result.exit_code == 0:
            break
        words = obey(result.stderr, words)
    assert result.exit_code == 0, result.stderr
    found = read_image(out)
    assert found.wavelength is not None and (np.diff(found.wavelength) > 0).all()
    wanted = np.apply_along_axis(
        lambda x: np.interp(found.wavelength, small.hs.centre, x), 0, small.truth(2)
    )
    inside = found.wavelength <= small.hs.centre[-1]
    error = np.sqrt(np.nanmean((found.cube[inside] - wanted[inside]) ** 2))
    assert error < 0.03  # reflectance: bands in another order or other units miss by 0.1 and more


def test_warnings_stand_on_the_screen_in_the_report_and_in_the_file(
    scene: Scene, tmp_path: Path
) -> None:
    hs, a, b = bare(tmp_path, scene.crop(slice(0, 16), slice(0, 16)), 1.0, "float32")
    for path in (a, b):
        with rasterio.open(path, "r+") as target:
            target.write(np.full(target.shape, 0.2, "float32"), 1)
    out = tmp_path / "out.tif"
    words = ["fuse", "--hs", hs, "--ms1", a, "--ms2", b, "--out", str(out), "--json"]
    words += ["--method", "projection", "--hs-sensor", "AHSI", "--ms-sensor", "Sentinel-2A"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0
    with rasterio.open(out) as product:
        tag = product.tags()["WARNINGS"]
    for text in (result.stderr, result.stdout, tag):
        assert "hold one value everywhere and are left out: B2" in text


def test_no_command_replaces_files_that_are_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "hs_t1.tif").write_text("mine")
    words = ["simulate", "--seed", "1", "--size", "24", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2 and "or add --overwrite" in result.stderr
    assert (tmp_path / "hs_t1.tif").read_text() == "mine"
    assert CliRunner().invoke(main, [*words, "--overwrite"]).exit_code == 0
    assert CliRunner().invoke(main, words).exit_code == 0  # its own from the second time on


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["fuse", "--hs", "a.tif", "--ms1", "b.tif", "--ms2", "c.tif", "--out"], "mine.tif"),
        (["fuse", "--hs", "a", "--ms1", "b", "--ms2", "c", "--out", "x.tif", "--out-t1"], "t.tif"),
        (["train", "--out"], "mine.safetensors"),
        (["benchmark", "--suite", "simulated", "--out"], "mine.csv"),
        (["benchmark", "--suite", "worlds", "--out"], "mine.csv"),
        (["explore", ".", "--html"], "mine.html"),
    ],
)
def test_a_file_that_is_there_stays(
    words: list[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("mine")
    result = CliRunner().invoke(main, [*words, name])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert f"expected no {name} in ." in result.stderr and "--overwrite" in result.stderr
    assert Path(name).read_text() == "mine"


def test_prepare_warps_what_fuse_refuses(scene: Scene, tmp_path: Path) -> None:
    """The command that the refusal names, run as it stands, gives files that fuse takes."""
    from dataclasses import replace

    from affine import Affine
    from rasterio.crs import CRS

    from stsf.files.raster import write_image
    from stsf.files.scenes import image_of

    small = replace(
        scene.crop(slice(0, 20), slice(0, 20)),
        crs=CRS.from_epsg(32633),
        transform=Affine(10, 0, 465_000, 0, -10, 5_080_000),
    )
    paths = [
        write_image(tmp_path / f"{key}.tif", image_of(small, key))
        for key in ("lrhs_t1", "hrms_t1", "hrms_t2")
    ]
    image = read_image(paths[0])
    turned = image.transform @ Affine.translation(10, 10) @ Affine.rotation(5)
    turned = turned @ Affine.translation(-10, -10)
    rows, columns = np.mgrid[0:20, 0:20] + 0.5
    x, y = ~image.transform * (turned * (columns, rows))
    at = np.clip(np.floor([y, x]), 0, 19).astype(int)
    write_image(paths[0], replace(image, cube=image.cube[:, at[0], at[1]], transform=turned))
    words = ["fuse", *(w for o, p in zip(("--hs", "--ms1", "--ms2"), paths) for w in (o, str(p)))]
    words += ["--out", str(tmp_path / "out.tif"), "--method", "projection"]
    refused = CliRunner().invoke(main, words)
    command = re.search(r"stsf (prepare .*--out) prepared/", refused.stderr)
    assert refused.exit_code == 2 and command
    prepared = CliRunner().invoke(main, [*command[1].split(), str(tmp_path / "there")])
    assert prepared.exit_code == 0, prepared.stderr
    again = re.search(r"go on with stsf (fuse .*)", prepared.stdout)
    out = ["--out", str(tmp_path / "out.tif"), "--method", "projection"]
    fused = CliRunner().invoke(main, [*again[1].split(), *out])
    assert fused.exit_code == 0, fused.stderr
    found = read_image(tmp_path / "out.tif")
    place = found.transform
    first = round((place.f - 5_080_000) / -10), round((place.c - 465_000) / 10)
    wanted = small.truth(2)[:, first[0] :, first[1] :]
    wanted = wanted[:, : found.cube.shape[1], : found.cube.shape[2]]
    error = np.sqrt(np.nanmean((found.cube - wanted) ** 2))
    assert error < 0.04
