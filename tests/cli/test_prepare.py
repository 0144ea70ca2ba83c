"""`stsf prepare` by windows: the ground in its place, the same pixels as in one piece."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from calls import run
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.warp import calculate_default_transform
from scipy.ndimage import binary_erosion

from stsf.alignment.common_grid import common_grid
from stsf.alignment.placed import Later, Placed, warped
from stsf.files import windows
from stsf.files.imagefile import Image, read_image
from stsf.files.raster import write_image

UTM = CRS.from_epsg(32633)
FINE = Affine(10, 0, 465_000, 0, -10, 5_080_000)
HS = np.linspace(440, 900, 12)
MS = np.array([492.4, 559.8, 664.6, 832.8])
FILES = ("hs_t1.tif", "ms_t1.tif", "ms_t2.tif")


def ground(x: np.ndarray, y: np.ndarray, bands: int) -> np.ndarray:
    """Smooth waves on the map, another amplitude in every band."""
    waves = np.sin(x / 310) * np.cos(y / 270) + 0.5 * np.sin((x + y) / 173)
    return (0.3 + 0.1 * np.linspace(0.5, 1, bands)[:, None, None] * waves).astype(np.float32)


def image(transform: Affine, size: tuple[int, int], nm: np.ndarray) -> Image:
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
    cube = ground(*(transform * (columns, rows)), len(nm))
    return Image(
        cube, wavelength=nm, fwhm=np.full(len(nm), 40.0), crs=UTM, transform=transform
    )  # fmt: skip


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """M2 of 420 x 390 pixels, M1 turned by 2 degrees, an HS of pixels of 30.4 m turned by 4."""
    about = FINE * Affine.translation(200, 200)
    m1 = about * Affine.rotation(2) * Affine.translation(-230, -230)
    hs = about * Affine.rotation(4) * Affine.scale(3.04) * Affine.translation(-75, -75)
    images = (image(hs, (150, 150), HS), image(m1, (460, 450), MS), image(FINE, (420, 390), MS))
    images[1].cube[:, 200:210, 100:130] = np.nan
    return [write_image(tmp_path / name, one) for name, one in zip(FILES, images)]


def prepared(paths: list[Path], out: Path) -> list[Image]:
    words = [word for option, p in zip(("--hs", "--ms1", "--ms2"), paths) for word in (option, p)]
    result = run("prepare", *words, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stderr == "" and "the HS was warped" in result.stdout
    return [read_image(out / name) for name in FILES]


def test_windows_make_what_one_piece_makes(paths, tmp_path, monkeypatch) -> None:
    whole = prepared(paths, tmp_path / "whole")
    monkeypatch.setattr(windows, "VALUES", 4 * 128 * 128)
    seen = []
    monkeypatch.setattr(
        windows, "windows", lambda *a, f=windows.windows: seen.append(f(*a)) or f(*a)
    )
    parts = prepared(paths, tmp_path / "parts")
    assert [len(one) for one in seen] == [4, 16, 16]
    for one, other in zip(whole, parts):
        np.testing.assert_array_equal(np.isnan(one.cube), np.isnan(other.cube))
        inner = binary_erosion(
            np.isfinite(one.cube[0]), iterations=3
        )  # kernels cut off at a border
        np.testing.assert_allclose(one.cube[:, inner], other.cube[:, inner], atol=2e-4)
        assert one.transform == other.transform and one.crs == other.crs
        np.testing.assert_array_equal(one.wavelength, other.wavelength)
    # and it is the ground that lies there, in steps of no seam
    for found in parts:
        rows, columns = np.mgrid[0 : found.cube.shape[1], 0 : found.cube.shape[2]] + 0.5
        wanted = ground(*(found.transform * (columns, rows)), len(found.cube))
        inner = binary_erosion(np.isfinite(found.cube[0]), iterations=3)
        assert np.abs(found.cube - wanted)[:, inner].max() < 2e-3


@pytest.mark.parametrize("control", ["transform", "points"])
@pytest.mark.parametrize("crs", [32633, 4326])
def test_a_part_is_warped_from_what_it_needs_and_no_more(control: str, crs: int) -> None:
    """Asked for in parts, an image gives what it gives as a whole; each reads a part of it."""
    target = Placed(np.empty((1, 300, 300)), FINE, UTM)
    whole = image(FINE * Affine.translation(-20, -20) * Affine.rotation(1), (360, 360), MS)
    place = whole.transform
    if crs == 4326:
        bounds = (465_000, 5_076_600, 468_400, 5_080_000)
        place, w, h = calculate_default_transform(UTM, CRS.from_epsg(crs), 340, 340, *bounds)
        whole = replace(whole, cube=whole.cube[:, :h, :w])
    of = {"transform": place}
    if control == "points":
        nodes = [(r, c) for r in np.linspace(0, 360, 5) for c in np.linspace(0, 360, 5)]
        of = {"control": [GroundControlPoint(r, c, *(place * (c, r))) for r, c in nodes]}
    sizes = []

    def read(part):
        sizes.append([s.stop - s.start for s in part])
        return whole.cube[:, *part]

    placed = Placed(whole.cube, crs=CRS.from_epsg(crs), **of)
    once = warped(placed, target, 1)
    parts = warped(replace(placed, cube=Later(whole.cube.shape, read)), target, 1)
    assert parts.shape == once.shape and not sizes
    for rows in (slice(0, 100), slice(100, 300)):
        for columns in (slice(0, 150), slice(150, 300)):
            found, wanted = parts[:, rows, columns], once[:, rows, columns]
            np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
            inner = binary_erosion(np.isfinite(wanted[0]), iterations=3, border_value=1)
            np.testing.assert_allclose(found[:, inner], wanted[:, inner], atol=3e-4)
    assert len(sizes) == 4 and np.max(sizes) < 300


def test_a_crop_is_read_later_too() -> None:
    cube = np.random.default_rng(0).uniform(size=(3, 60, 60)).astype(np.float32)
    hs = Placed(cube[:, :20, :20], FINE * Affine.scale(3), UTM)
    off = Placed(cube, FINE * Affine.translation(-2, 5), UTM)
    later = replace(off, cube=Later(cube.shape, lambda part: cube[:, *part]))
    m2 = Placed(cube, FINE, UTM)
    now, then = common_grid(hs, off, m2), common_grid(hs, later, m2)
    assert now.done == then.done
    rows, columns = slice(3, 17), slice(0, now.hrms_t1.shape[2])
    np.testing.assert_array_equal(then.hrms_t1[:, rows, columns], now.hrms_t1[:, rows, columns])


def test_windows_of_zeros_are_fill(tmp_path: Path, monkeypatch) -> None:
    """As the whole image shows: a window may hold nothing else."""
    images = [image(FINE * Affine.scale(3), (100, 100), HS), *[image(FINE, (300, 300), MS)] * 2]
    paths = [write_image(tmp_path / name, one) for name, one in zip(FILES, images)]
    empty = images[1].cube.copy()
    empty[:, :140, :140] = 0
    write_image(paths[1], replace(images[1], cube=empty))
    monkeypatch.setattr(windows, "VALUES", 4 * 128 * 128)
    words = [word for option, p in zip(("--hs", "--ms1", "--ms2"), paths) for word in (option, p)]
    assert run("prepare", *words, "--out", tmp_path / "out").exit_code == 0
    found = read_image(tmp_path / "out" / FILES[1]).cube
    assert np.isnan(found[:, :140, :140]).all() and np.isfinite(found[:, 140:, 140:]).all()
