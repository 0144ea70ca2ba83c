"""Whole scenes by tiles: no seams, nothing lost, the same bits however often a run is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from click.testing import CliRunner, Result

import stsf
from stsf.cli.app import main
from stsf.errors import Doubt, InputError
from stsf.files.imagefile import read_image
from stsf.files.raster import write_image
from stsf.files.reading import Reading
from stsf.files.scenes import FILES, image_of, read_scene, write_scene
from stsf.tiles import grid, make_tiles, observe, put_together, tiles_of

SIDE = 54  # pixels of a tile: 18 HS pixels, so that four make the scene
PRODUCTS = ("x2", "x1", "sigma", "quality")
KEYS = ("lrhs_t1", "hrms_t1", "hrms_t2")


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A small scene with a cloud at t2 and a hole in Y1."""
    scene = stsf.load_sample().crop(slice(0, 36), slice(12, 48))
    y1, m2 = scene.lrhs_t1.copy(), scene.hrms_t2.copy()
    y1[:, 24:26, 5:8] = np.nan
    m2[:, 50:60, 70:90] = np.nan
    holes = replace(scene, lrhs_t1=y1, hrms_t2=m2)
    return write_scene(holes, tmp_path_factory.mktemp("tiles") / "scene")


@pytest.fixture(scope="session")
def paths(folder) -> tuple[str, str, str]:
    return tuple(str(folder / FILES[key]) for key in KEYS)  # type: ignore[return-value]


@pytest.fixture(scope="session")
def tiled(paths, tmp_path_factory) -> dict[str, Path]:
    """All products of an undisturbed run."""
    here = tmp_path_factory.mktemp("tiled")
    with pytest.warns(Doubt, match="2.2% of the product has no data") as said:
        made = make_tiles(paths, here / "run", PRODUCTS, side=SIDE)
    outputs = {key: here / f"{key}.tif" for key in PRODUCTS}
    doubt = next(str(w.message) for w in said if w.category is Doubt)
    put_together(made, outputs, {"WARNINGS": doubt})
    assert sorted(here.iterdir()) == sorted(outputs.values())
    (here / "report.json").write_text(json.dumps(made.report))
    return outputs


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="stsf")


def fuse(paths, out: Path, *more: object) -> list[str]:
    named = [p for pair in zip(("--hs", "--ms1", "--ms2"), paths) for p in pair]
    return ["fuse", *named, "--out", str(out), "--tile", str(SIDE), *map(str, more)]


# ------------------------------------------------------------------------------------- the product


def test_no_seams(paths, tiled):
    whole = stsf.fuse(read_scene(*paths))
    for key, cube in (("x1", whole.hrhs_t1), ("x2", whole.hrhs_t2), ("sigma", whole.sigma_t2)):
        expected = np.where(whole.valid, cube, np.nan)
        found = read_image(tiled[key]).cube
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
        off = np.abs(found - expected)[:, whole.valid].max(axis=0)
        # the rounding of single-precision sums is all that is left, and no seam shows in it
        assert np.quantile(off, 0.98) < 1e-6 and off.max() < 1e-5
    report = json.loads((tiled["x2"].parent / "report.json").read_text())
    for key in ("registration", "response"):
        assert report[key] == json.loads(json.dumps(whole.report[key]))
    for name, value in whole.report["consistency"].items():
        assert report["consistency"][name] == pytest.approx(value, abs=0.002)


def test_the_files_say_what_they_are(paths, tiled):
    scene = read_scene(*paths)
    for key, when in (("x2", 2), ("x1", 1)):
        found, expected = read_image(tiled[key]), image_of(scene, "hrhs_t2", np.zeros(1))
        assert (found.date, found.sensor) == (scene.dates[when], expected.sensor)
        np.testing.assert_allclose(found.wavelength, expected.wavelength)
        assert found.transform == scene.transform and found.crs == scene.crs
    with rasterio.open(tiled["quality"]) as source:
        np.testing.assert_array_equal(source.read(), scene.quality)


@pytest.mark.parametrize("softness", [None, (0.0, 0.6)])
def test_without_calibration_nothing_is_aligned(paths, tmp_path, softness):
    made = make_tiles(paths, tmp_path / "run", side=SIDE, calibrate=False, softness=softness)
    assert "registration" not in made.report
    put_together(made, {"x2": tmp_path / "a.tif"})
    whole = stsf.fuse(read_scene(*paths), calibrate="none", softness=softness)
    assert made.report.get("softness") == whole.report.get("softness")
    off = np.abs(read_image(tmp_path / "a.tif").cube - whole.hrhs_t2)
    assert np.nanmax(off) < 1e-5


def test_a_tile_without_data(folder, tmp_path):
    scene = read_scene(*(folder / FILES[key] for key in KEYS))
    clouds = scene.hrms_t2.copy()
    clouds[:, :, :54] = np.nan  # the first column of tiles
    write_scene(replace(scene, hrms_t2=clouds, quality=None), tmp_path / "scene")
    inputs = [tmp_path / "scene" / FILES[key] for key in KEYS]
    with pytest.warns(Doubt, match="of the product has no data"):
        made = make_tiles(inputs, tmp_path / "run", side=SIDE, force=True)
    put_together(made, {"x2": tmp_path / "a.tif"})
    found = read_image(tmp_path / "a.tif").cube
    assert np.isnan(found[:, :, :54]).all() and np.isfinite(found[:, :40, 60:]).all()


# ------------------------------------------------------------------------------------ large scenes


def test_a_large_scene_is_judged_by_windows_spread_over_it(monkeypatch, paths):
    monkeypatch.setattr(grid, "SAMPLE", 20)
    monkeypatch.setattr(grid, "MOSAIC", 10)
    seen = observe(paths, Reading())
    sample = seen.sample()
    assert sample.lrhs_t1.shape[1:] == (20, 20)
    inside = np.zeros((20, 20), bool)
    inside[3:7, 3:7] = inside[3:7, 13:17] = inside[13:17, 3:7] = inside[13:17, 13:17] = True
    assert (sample.valid_lr <= inside).all() and sample.valid_lr.sum() > 50
    last = read_scene(*paths).lrhs_t1[:, 24:34, 24:34]
    np.testing.assert_array_equal(sample.lrhs_t1[:, 10:, 10:], last)


def test_windows_cover_a_scene_once():
    for shape, ratio, side in (((44, 44), 3, 60), ((7, 100), 2, 48), ((50, 20), 10, 384)):
        count = np.zeros(shape, int)
        for tile in tiles_of(shape, ratio, side):
            count[tile.core] += 1
            inner = np.ones([s.stop - s.start for s in tile.seen])[tile.inner]
            assert inner.shape == count[tile.core].shape
            assert all(s.start % grid.STEP == 0 for s in (*tile.core, *tile.seen))
        assert (count == 1).all()


@pytest.mark.parametrize("shape", [(200, 200), (201, 200), (2000, 2000), (90, 4000), (5000, 41)])
def test_what_stands_for_a_scene_is_bounded(shape):
    windows = grid.mosaic(shape)
    pixels = sum((r.stop - r.start) * (c.stop - c.start) for row in windows for r, c in row)
    assert 0.35 * min(np.prod(shape), grid.SAMPLE**2) <= pixels <= grid.SAMPLE**2
    for part in (p for row in [*windows, grid.central(shape)] for p in row):
        assert all(0 <= s.start < s.stop <= n for s, n in zip(part, shape))


# ----------------------------------------------------------------------------- stopped and resumed


def test_a_killed_run_goes_on_and_ends_in_the_same_bits(paths, tiled, tmp_path):
    out = tmp_path / "x2.tif"
    command = [sys.executable, "-c", "from stsf.cli import main; main()", *fuse(paths, out)]
    command += ["--out-t1", str(tmp_path / "x1.tif"), "--out-error", str(tmp_path / "s.tif")]
    command += ["--out-quality", str(tmp_path / "q.tif"), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    work = tmp_path / "x2.tif.tiles"
    until = time.monotonic() + 300
    while not list(work.glob("0*.npz")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {path.name: path.stat().st_mtime_ns for path in work.glob("0*.npz")}
    assert 1 <= len(kept) < 4 and not out.exists()
    (work / ".left over.tif").write_bytes(b"half")
    result = run(*command[3:])
    assert result.exit_code == 0, result.output
    masks = json.loads(result.stdout)["masks"]
    assert masks["M2"]["no data"] == pytest.approx(10 * 20 / 108**2, abs=1e-5)
    assert not work.exists() and out.read_bytes() == tiled["x2"].read_bytes()
    assert (tmp_path / "s.tif").read_bytes() == tiled["sigma"].read_bytes()


def test_finished_tiles_are_not_made_again(paths, tmp_path):
    made = make_tiles(paths, tmp_path / "run", side=SIDE)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").glob("*.npz")}
    again = make_tiles(paths, tmp_path / "run", side=SIDE)
    assert len(before) == 4 and again.report == made.report
    assert before == {path: path.stat().st_mtime_ns for path in before}
    # one of them broken: made again, alone
    broken = min(before)
    whole = broken.read_bytes()
    broken.write_bytes(whole[:2000] + bytes(8) + whole[2008:])
    make_tiles(paths, tmp_path / "run", side=SIDE)
    assert broken.read_bytes() == whole
    assert {p: t for p, t in before.items() if p != broken} == {
        path: path.stat().st_mtime_ns for path in before if path != broken
    }
    # broken after it was made: said, and nothing else is lost
    broken.write_bytes(whole[:-3000])
    with pytest.raises(InputError, match=r"tile 000-000 .* is broken .*; 3 of 4 tiles .* kept"):
        put_together(made, {"x2": tmp_path / "a.tif"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run"]
    # other settings: said, and made anew
    with pytest.warns(Doubt, match="of other settings or inputs"):
        make_tiles(paths, tmp_path / "run", side=SIDE, calibrate=False)


def test_a_foreign_folder_is_left_alone(paths, tmp_path):
    (tmp_path / "a.tif.tiles").mkdir()
    (tmp_path / "a.tif.tiles" / "mine.txt").write_text("mine")
    result = run(*fuse(paths, tmp_path / "a.tif"))
    assert result.exit_code == 2 and "something else lies there" in result.stderr
    assert (tmp_path / "a.tif.tiles" / "mine.txt").read_text() == "mine"


def test_a_full_disk_loses_nothing(paths, tiled, tmp_path):
    import resource

    out, (soft, hard) = tmp_path / "x2.tif", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, hard))  # a tile fits, the whole does not
    try:
        result = run(*fuse(paths, out))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 2 and "4 of 4 tiles are finished and kept" in result.stderr
    assert len(result.stderr.splitlines()) <= 2 and "Traceback" not in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x2.tif.tiles"]
    assert run(*fuse(paths, out)).exit_code == 0
    np.testing.assert_array_equal(read_image(out).cube, read_image(tiled["x2"]).cube)


def test_the_page_needs_nothing_else(paths, tmp_path):
    page = tmp_path / "page.html"
    more = ["--out-error", tmp_path / "s.tif", "--report", page]
    assert run(*fuse(paths, tmp_path / "a.tif", *more)).exit_code == 0
    text = page.read_text("utf-8")
    assert text.count("data:image/png;base64,") == 3 and "$" not in text
    assert "http" not in text and "<script" not in text
    for words in (*paths, "2025-05-14", "PSF width", "no data 1.7%", "has no data", "Y1 - D X1"):
        assert words in text
    again = run(*fuse(paths, tmp_path / "b.tif", "--report", page))
    assert again.exit_code == 2 and "--overwrite" in again.stderr
    assert run(*fuse(paths, tmp_path / "b.tif", "--report", "p.txt")).exit_code == 2


@pytest.mark.slow
def test_two_workers_one_of_them_killed(paths, tiled, tmp_path):
    out = tmp_path / "x2.tif"
    command = [sys.executable, "-c", "from stsf.cli import main; main()", *fuse(paths, out)]
    process = subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.PIPE, text=True)
    work = tmp_path / "x2.tif.tiles"
    until = time.monotonic() + 300
    while not list(work.glob("0*.npz")) and time.monotonic() < until:
        time.sleep(0.05)
    workers = [pid for pid in _children(process.pid) if "spawn_main" in _command(pid)]
    os.kill(workers[0], signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == 0, said
    np.testing.assert_array_equal(read_image(out).cube, read_image(tiled["x2"]).cube)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return list(map(int, listed.split()))


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


# ------------------------------------------------------------------------------------------ refused


def test_only_the_network_works_in_tiles(paths, tmp_path):
    result = run(*fuse(paths, tmp_path / "a.tif", "--method", "projection"))
    assert result.exit_code == 2 and "the method dcstsf with --tile" in result.stderr


def test_images_that_must_be_warped_are_refused_with_the_way_out(folder, tmp_path):
    scene = read_scene(*(folder / FILES[key] for key in KEYS))
    turned = replace(
        image_of(scene, "lrhs_t1"), transform=scene.transform @ Affine.rotation(5) @ Affine.scale(3)
    )
    write_image(tmp_path / "hs.tif", turned)
    inputs = [tmp_path / "hs.tif", *(folder / FILES[key] for key in KEYS[1:])]
    with pytest.raises(InputError, match="stsf prepare"):
        observe(inputs, Reading())


def test_images_that_can_be_cropped_are(folder, tmp_path):
    """An HS that reaches beyond the MS, as `read_scene` crops it."""
    scene = read_scene(*(folder / FILES[key] for key in KEYS))
    moved = scene.transform @ Affine.translation(9, 6)
    fine = [
        replace(image_of(scene, key), cube=getattr(scene, key)[:, 6:, 9:], transform=moved)
        for key in KEYS[1:]
    ]
    paths = [folder / FILES["lrhs_t1"], tmp_path / "m1.tif", tmp_path / "m2.tif"]
    for path, image in zip(paths[1:], fine):
        write_image(path, image)
    with pytest.warns(Doubt, match="cropped"):
        found, expected = observe(paths, Reading()), read_scene(*paths)
    rows, columns = slice(3, 20), slice(5, 21)
    window, part = found.window((rows, columns)), expected.crop(rows, columns)
    assert found.size == expected.size and window.transform == part.transform
    for key, valid in zip(KEYS, ("valid_lr", "valid_hr", "valid_hr")):
        there = getattr(part, valid)
        np.testing.assert_array_equal(getattr(window, valid), there)
        np.testing.assert_array_equal(getattr(window, key)[:, there], getattr(part, key)[:, there])
