"""Images that are moved: read whole or by tiles, the product, its mask and its reasons are one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

import stsf
from stsf.alignment.phase_correlation import shift_image
from stsf.files.imagefile import Image, read_image
from stsf.files.raster import write_image
from stsf.files.scenes import FILES, image_of, read_scene
from stsf.scene import Scene
from stsf.tiles import make_tiles, put_together

KEYS = ("lrhs_t1", "hrms_t1", "hrms_t2")
START, SIDE = 10, 40  # HS pixels, of the 60 of the sample
PLACE = Affine(10, 0, 465_000, 0, -10, 5_080_000)
PRODUCTS = ("x1", "x2", "quality")


def cut(down: int = 0, right: int = 0, farther: int = 0) -> Scene:
    """The sample from so many HS pixels down and right on, and `farther` beyond each border."""
    starts = (START + down - farther, START + right - farther)
    part = stsf.load_sample().crop(*(slice(s, s + SIDE + 2 * farther) for s in starts))
    corner = Affine.translation(-3 * farther, -3 * farther)
    return replace(part, transform=PLACE * corner, crs=CRS.from_epsg(32633))


def images() -> dict[str, Image]:
    return {key: image_of(cut(), key) for key in KEYS}


def m1_off_with_clouds() -> dict[str, Image]:
    """M1 lies 5 HS and some parts of a pixel off; each date has a cloud of its own."""
    bent = replace(cut(5, -4), hrms_t1=shift_image(cut(5, -4).hrms_t1, 0.4, -0.7))
    found = images() | {"hrms_t1": image_of(bent, "hrms_t1")}
    found["hrms_t1"].cube[:, 40:60, 70:80] = np.nan
    found["hrms_t2"].cube[:, 20:30, 50:66] = np.nan
    return found | {"hrms_t1": replace(found["hrms_t1"], transform=PLACE)}


def m1_reaches_farther() -> dict[str, Image]:
    return images() | {"hrms_t1": image_of(cut(4, -5, farther=5), "hrms_t1")}


def y1_reaches_farther() -> dict[str, Image]:
    return images() | {"lrhs_t1": image_of(cut(4, -5, farther=5), "lrhs_t1")}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [m1_off_with_clouds, m1_reaches_farther, y1_reaches_farther])
def test_whole_and_tiles_are_one(case, tmp_path: Path) -> None:
    paths = [tmp_path / FILES[key] for key in KEYS]
    for path, image in zip(paths, case().values()):
        write_image(path, image)
    whole = stsf.fuse(read_scene(*paths))
    made = make_tiles(paths, tmp_path / "run", PRODUCTS, side=54)
    put_together(made, {key: tmp_path / f"{key}.tif" for key in PRODUCTS})
    assert whole.report["displacement"] == made.report["displacement"]
    assert 0.5 < whole.valid.mean() < 0.95
    for key, cube in (("x1", whole.hrhs_t1), ("x2", whole.hrhs_t2)):
        expected = np.where(whole.valid, cube, np.nan)
        np.testing.assert_allclose(read_image(tmp_path / f"{key}.tif").cube, expected, atol=1e-5)
    with rasterio.open(tmp_path / "quality.tif") as source:
        codes = source.read()
    np.testing.assert_array_equal(codes, whole.scene.quality)
    # and every pixel without data has a reason
    np.testing.assert_array_equal((codes == 0).all(axis=0), whole.valid)
