"""`stsf fuse` on products as delivered: EnMAP and two Sentinel-2 scenes of the sample's ground."""

import shlex

import numpy as np
import product_writers as writers
import pytest
import rasterio
from click.testing import CliRunner

import stsf
from stsf.cli.app import main
from stsf.files.imagefile import read_image
from stsf.files.scenes import read_scene
from stsf.sensing.sensors import sentinel2

EDGE = 6  # px of the tile around the HS
PLACE = (slice(0, 20), slice(0, 20))


def tile(scene, ms: np.ndarray, truth: np.ndarray, offset=-1000) -> dict[str, np.ndarray]:
    """Counts of a tile that reaches EDGE pixels beyond the scene on each side."""
    counts = {}
    for name, (number, first, last) in writers.S2_BANDS.items():
        if name in writers.TEN:
            image = ms[writers.TEN.index(name)]
        else:
            near = truth[np.abs(scene.hs.centre - (first + last) / 2).argmin()]
            image = near.reshape(len(near) // 2, 2, -1, 2).mean(axis=(1, 3))
        wide = np.pad(image, EDGE if name in writers.TEN else EDGE // 2, mode="symmetric")
        counts[name] = np.rint(wide * 10000 - (offset - number))
    return counts


@pytest.fixture(scope="module")
def fused(tmp_path_factory):
    folder, scene = tmp_path_factory.mktemp("fuse"), stsf.load_sample().crop(*PLACE)
    assert scene.ms.band_names == sentinel2().band_names == writers.TEN
    cloudy = np.zeros(scene.lrhs_t1.shape[1:])
    cloudy[2, 3] = 1
    hs = writers.enmap(folder / "enmap", scene.lrhs_t1 * 10000, {"CLOUD": cloudy}, scene.hs)
    side = scene.size[0] // 2 + EDGE
    clear = np.full((side, side), 4)
    clouds = clear.copy()
    clouds[20:22, 10:13] = 9
    ms1 = writers.sentinel2(folder / "a", tile(scene, scene.hrms_t1, scene.hrhs_t1), clear)
    ms2 = writers.sentinel2(
        folder / "b", tile(scene, scene.hrms_t2, scene.hrhs_t2), clouds, when="20240611T103021"
    )
    out = folder / "out"
    before = {p for p in folder.rglob("*")}
    result = CliRunner().invoke(
        main,
        [
            "fuse",
            "--hs",
            str(hs),
            "--ms1",
            str(ms1),
            "--ms2",
            str(ms2),
            "--out",
            str(out / "x2.tif"),
            "--out-quality",
            str(out / "q.tif"),
        ],
    )
    assert result.exit_code == 0, result.output
    made = {p for p in folder.rglob("*")} - before
    assert made == {out, out / "x2.tif", out / "q.tif"}
    with rasterio.open(out / "q.tif") as source:
        quality = source.read()
    return scene, read_image(out / "x2.tif"), quality, result


def test_the_product_lies_where_the_hs_lies(fused) -> None:
    scene, image, _, _ = fused
    assert image.cube.shape == (len(scene.hs), *scene.size)
    assert tuple(image.transform)[:6] == (10, 0, writers.WEST + 60, 0, -10, writers.NORTH - 60)
    assert image.date == "2024-06-11" and image.crs.to_epsg() == 32632


def test_it_comes_near_to_the_truth(fused) -> None:
    scene, image, _, _ = fused
    seen = np.isfinite(image.cube).all(axis=0)
    error = np.sqrt(np.mean((image.cube - scene.hrhs_t2)[:, seen] ** 2))
    unchanged = np.sqrt(np.mean((scene.hrhs_t1 - scene.hrhs_t2)[:, seen] ** 2))
    assert error < 0.5 * unchanged and error < 0.03


def test_clouds_are_carried_through_with_the_reason(fused) -> None:
    _, image, quality, _ = fused
    y1, m1, m2 = quality
    assert (y1[6:9, 9:12] == 4).all() and (y1 > 0).sum() == 9  # one HS pixel
    rows, columns = slice(40 - EDGE, 44 - EDGE), slice(20 - EDGE, 26 - EDGE)
    assert (m2[rows, columns] == 4).all() and (m2 > 0).sum() == 4 * 6
    assert not m1.any()
    assert np.isnan(image.cube[:, rows, columns]).all()


def test_what_was_taken_for_granted_is_said(fused) -> None:
    assert "brought to 10 m by cubic convolution" in fused[3].output


def test_prepare_keeps_what_a_geotiff_has_no_place_for(tmp_path) -> None:
    """Detectors that overlap and the responses of a satellite that no table of ours holds."""
    random, clear = np.random.default_rng(0), np.full((24, 24), 4)
    dn = random.integers(800, 4000, (len(writers.ENMAP_CENTRES), 12, 12))
    paths = [writers.enmap(tmp_path / "enmap", dn)]
    for seed, day in ((1, writers.S2_WHEN), (2, "20240611T103021")):
        counts = writers.sentinel2_counts(48, seed)
        paths.append(writers.sentinel2(tmp_path / day, counts, clear, when=day))
    words = [word for o, p in zip(("--hs", "--ms1", "--ms2"), paths) for word in (o, str(p))]
    folder = tmp_path / "in a folder"
    result = CliRunner().invoke(main, ["prepare", *words, "--out", str(folder)])
    assert result.exit_code == 0, result.output
    # the command that it tells to go on with finds all there is
    told = shlex.split(result.stdout.split("go on with stsf fuse ")[1])
    named = dict(zip(told[::2], told[1::2]))
    inputs = [named.pop(key) for key in ("--hs", "--ms1", "--ms2")]
    given = {key.strip("-").replace("-", "_"): value for key, value in named.items()}
    there, before = read_scene(*inputs, **given), read_scene(*paths)
    np.testing.assert_array_equal(there.lrhs_t1, before.lrhs_t1)
    overlap = (before.hs.centre > 905) & (before.hs.centre < 996)
    assert {0, 1} == set(before.hs.detector[overlap])
    np.testing.assert_array_equal(there.hs.detector, before.hs.detector)
    assert before.ms.srf is not None and before.ms.name == "Sentinel-2C"
    np.testing.assert_array_equal(there.ms.srf, before.ms.srf)
    assert read_scene(*inputs).ms.srf is None  # without the tables
