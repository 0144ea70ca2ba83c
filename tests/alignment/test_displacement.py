"""Images that lie whole HS pixels off: found, moved, said; what lies near is left alone.

The images of one simulated landscape are cut at different places, so that the truth is known by
construction and what an image no longer covers is really not in it.
"""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

import stsf
from stsf import metrics
from stsf.alignment.displacement import find_displacement, moved
from stsf.errors import Doubt, InputError
from stsf.files.imagefile import read_image
from stsf.files.scenes import FILES, read_scene, write_scene
from stsf.scene import Scene
from stsf.tiles import make_tiles, put_together

SIDE, START = 40, 10  # HS pixels, of the 60 of the sample
STEPS = (0, 4, -4, 7, -7, 10, -10)


def cut(scene: Scene, down: int = 0, right: int = 0) -> Scene:
    return scene.crop(*(slice(START + d, START + d + SIDE) for d in (down, right)))


def away(scene: Scene, down: int, right: int, noise: float = 0.003) -> Scene:
    """Y1 must be moved so many HS pixels to lie where M1 lies."""
    y1 = cut(scene, down, right).lrhs_t1
    rng = np.random.default_rng(SIDE**2 + SIDE * down + right)
    y1 = y1 + noise * rng.standard_normal(y1.shape, np.float32)
    return replace(cut(scene), lrhs_t1=y1)


@pytest.mark.parametrize(("down", "right"), list(product(STEPS, STEPS)))
def test_the_whole_step_is_found(scene: Scene, down: int, right: int) -> None:
    found = find_displacement(away(scene, down, right))
    assert not found.ms1 and (found.hs.down, found.hs.right) == (down, right)
    if found.hs:
        assert found.hs.metres == pytest.approx(30 * np.hypot(down, right))
        assert found.hs.after > 0.95 and found.hs.before < 0.7


@pytest.mark.parametrize(("down", "right"), [(4, -7), (-10, 10), (7, 0)])
def test_m1_is_moved_before_y1_is_compared_with_it(scene: Scene, down: int, right: int) -> None:
    """Y1 lies on M2; M1 alone is off."""
    here, there = cut(scene), cut(scene, down, right)
    found = find_displacement(replace(here, hrms_t1=there.hrms_t1))
    assert (found.ms1.down, found.ms1.right) == (down, right) and not found.hs
    back = found.apply(replace(here, hrms_t1=there.hrms_t1))
    inside = np.s_[:, 30:-30, 30:-30]
    np.testing.assert_array_equal(back.hrms_t1[inside], here.hrms_t1[inside])
    assert back.valid_hr.sum() == (120 - 3 * abs(down)) * (120 - 3 * abs(right))


def test_the_mask_of_m1_moves_with_it_and_that_of_m2_stays(scene: Scene) -> None:
    here, m1, m2 = cut(scene), cut(scene, 4, -7).hrms_t1.copy(), cut(scene).hrms_t2.copy()
    m1[:, 40:50, 60:64] = m2[:, 70:74, 20:30] = np.nan
    codes = np.zeros((3, *here.size), np.uint8)
    codes[1, 40:50, 60:64], codes[2, 70:74, 20:30] = 4, 6
    off = replace(here, hrms_t1=m1, hrms_t2=m2, quality=codes)
    back = find_displacement(off).apply(off)
    expected = np.zeros_like(codes)
    expected[1, :12] = expected[1, :, -21:] = 1
    expected[1, 52:62, 39:43], expected[2, 70:74, 20:30] = 4, 6
    np.testing.assert_array_equal(back.quality, expected)
    np.testing.assert_array_equal(back.valid_ms, expected[1:] == 0)
    inside = np.s_[:, 30:50, 30:90]  # where a cloud over M2 hides nothing of M1
    np.testing.assert_array_equal(back.hrms_t1[inside], here.hrms_t1[inside])
    under = np.s_[:, 70:74, 20:30]
    np.testing.assert_array_equal(back.hrms_t1[under], here.hrms_t1[under])


def test_images_of_two_places_are_not_moved_together(scene: Scene) -> None:
    other = np.roll(scene.lrhs_t1, (23, 31), axis=(1, 2))
    assert not find_displacement(replace(scene, lrhs_t1=other)).hs
    with pytest.raises(InputError, match="expected HS and MS of t1 to show the same ground"):
        stsf.fuse(replace(scene, lrhs_t1=other), "projection")


def test_what_is_moved_has_its_mask_and_its_reason() -> None:
    cube = np.arange(12).reshape(1, 3, 4)
    assert moved(cube, -1, 2, -1)[0].tolist() == [[-1, -1, 4, 5], [-1, -1, 8, 9], [-1] * 4]
    np.testing.assert_array_equal(
        moved(moved(cube, 1, 1, 0), -1, -1, 0)[:, :2, :3], cube[:, :2, :3]
    )
    scene = stsf.load_sample()
    codes = np.zeros((3, *scene.size), np.uint8)
    codes[0, :3, :3] = 4
    off = replace(scene, lrhs_t1=moved(scene.lrhs_t1, -5, 0, 0.1), quality=codes)
    back = find_displacement(off).apply(off)
    assert not back.valid_lr[:5].any() and back.valid_lr[5:].all()
    assert (back.quality[0, :15] == 1).all() and (back.quality[0, 15:18, :3] == 4).all()


@pytest.mark.parametrize(("down", "right"), [(4, -4), (-7, 10)])
def test_x1_and_x2_are_as_good_as_without_it(scene: Scene, down: int, right: int) -> None:
    plain, off = stsf.fuse(cut(scene)), stsf.fuse(away(scene, down, right, noise=0.0))
    both = plain.valid & off.valid
    assert both.sum() == 9 * (SIDE - abs(down)) * (SIDE - abs(right))
    truth = cut(scene)
    for date, key in ((1, "hrhs_t1"), (2, "hrhs_t2")):
        better, other = (
            metrics.psnr(getattr(run, key), truth.truth(date), valid=both) for run in (plain, off)
        )
        assert better - other < 0.3
    report = off.report["displacement"]["hs"]
    assert (report["down"], report["right"]) == (down, right)
    line = f"Y1 was moved onto M1 by ({down}, {right}) HS pixels (down, right), "
    assert off.report["found"][0].startswith(line + f"{30 * np.hypot(down, right):.0f} m:")


def test_without_alignment_it_is_refused_with_the_option_that_moves_it(scene: Scene) -> None:
    with pytest.raises(InputError, match=r"moved by 7 HS pixels down .* which --calibrate auto"):
        stsf.fuse(away(scene, 7, -4), "projection", calibrate="none")


def test_tiles_move_the_images_where_they_read_them(scene: Scene, tmp_path: Path) -> None:
    """As the whole scene does, reasons too; a map says how long a step is."""
    place = {"crs": CRS.from_epsg(32633), "transform": Affine(9, 0, 465_000, 0, -9, 5_080_000)}
    folder = write_scene(replace(away(scene, 5, -8), **place), tmp_path / "scene")
    paths = [folder / FILES[key] for key in ("lrhs_t1", "hrms_t1", "hrms_t2")]
    whole = stsf.fuse(read_scene(*paths))
    with pytest.warns(Doubt, match="30.0% of the product has no data"):
        made = make_tiles(paths, tmp_path / "run", ("x2", "quality"), side=54)
    put_together(made, {key: tmp_path / f"{key}.tif" for key in ("x2", "quality")})
    expected = np.where(whole.valid, whole.hrhs_t2, np.nan)
    np.testing.assert_allclose(read_image(tmp_path / "x2.tif").cube, expected, atol=1e-5)
    with rasterio.open(tmp_path / "quality.tif") as source:
        codes = source.read()
    np.testing.assert_array_equal(codes, whole.scene.quality)
    assert (codes[0, :15] == 1).all() and (codes[0, :, -24:] == 1).all() and not codes[1:].any()
    assert made.report["displacement"] == whole.report["displacement"]
    assert made.report["displacement"]["hs"]["metres"] == pytest.approx(27 * np.hypot(5, 8))
