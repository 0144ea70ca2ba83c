"""Landsat-8/9 Collection 2 Level-2: counts, bits and places against numbers worked out by hand."""

import tarfile
from pathlib import Path

import numpy as np
import product_writers as writers
import pytest
import rasterio
from rasterio.transform import from_origin

from stsf.errors import InputError
from stsf.files.facts import REASONS
from stsf.files.products.landsat import BANDS, read_landsat
from stsf.files.products.metadata import Metadata
from stsf.files.products.opening import open_image
from stsf.files.scenes import read_scene

SIZE = (40, 36)
# centres and widths of OLI in nm, Barsi et al., Remote Sensing 6(10), 2014, table 1
CENTRES = (442.96, 482.04, 561.41, 654.59, 864.67, 1608.86, 2200.73)
WIDTHS = (15.98, 60.04, 57.33, 37.47, 28.25, 84.72, 186.66)


def counts(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(8000, 30000, (7, *SIZE))


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Path:
    dn = counts(1)
    dn[:, 3, 4] = 10000
    dn[2, 5, 6] = 0
    pixel, radiometry = np.full(SIZE, 1 << 6), np.zeros(SIZE, int)
    for row, bit in enumerate(range(8)):  # fill, dilated, cirrus, cloud, shadow, snow, clear, water
        pixel[10 + row, 20] = 1 << bit
    pixel[20, 20] = 1 << 3 | 1 << 4 | 3 << 8  # a cloud over a shadow, surely
    for column, bit in enumerate((0, 6, 8, 11)):  # bands 1, 7 and 9; hidden by a mountain
        radiometry[30, 10 + column] = 1 << bit
    return writers.landsat(tmp_path_factory.mktemp("landsat") / "a", dn, pixel, radiometry)


def test_values_follow_the_scale_of_each_band_at_level_2(product: Path) -> None:
    image = read_landsat(product).image()
    assert image.names == BANDS and image.cube.shape == (7, *SIZE)
    # 28e-6 · 10000 - 0.22, 29e-6 · 10000 - 0.24, ...
    expected = [0.06, 0.05, 0.04, 0.03, 0.02, 0.01, 0.0]
    np.testing.assert_allclose(image.cube[:, 3, 4], expected, atol=1e-7)
    np.testing.assert_allclose(image.cube[6, 0, 0], counts(1)[6, 0, 0] * 34e-6 - 0.34, atol=1e-6)


def test_masks_say_why(product: Path) -> None:
    image = read_landsat(product).image()
    said = np.array(REASONS)[image.facts.quality]
    assert said[10:18, 20].tolist() == [
        "no data", "cloud", "cirrus", "cloud", "cloud shadow", "clear", "clear", "clear"
    ]  # fmt: skip
    assert said[20, 20] == "cloud" and said[5, 6] == "no data"
    assert said[30, 10:14].tolist() == ["saturated", "saturated", "clear", "no data"]
    assert (said != "clear").sum() == 10
    assert np.isnan(image.cube[:, said != "clear"]).all()
    assert np.isfinite(image.cube[:, said == "clear"]).all()


def test_a_pixel_lies_round_the_point_that_the_metadata_name(product: Path) -> None:
    """Its GeoTIFFs name the middle of the first pixel, and so does the MTL."""
    whole = read_landsat(product)
    place = Metadata(product / f"{writers.LANDSAT}_MTL.xml")
    corner = [
        place.number(f"PROJECTION_ATTRIBUTES/CORNER_UL_PROJECTION_{axis}_PRODUCT") for axis in "XY"
    ]
    assert whole.transform is not None and whole.crs is not None
    assert tuple(whole.transform @ (0.5, 0.5)) == tuple(corner)
    with rasterio.Env(GTIFF_POINT_GEO_IGNORE=True):  # the numbers as they stand in the file
        with rasterio.open(product / f"{writers.LANDSAT}_SR_B1.TIF") as source:
            assert (source.transform.c, source.transform.f) == tuple(corner)
    assert whole.crs.to_epsg() == 32632


def test_a_window_is_a_part_of_the_whole(product: Path) -> None:
    whole = read_landsat(product).image()
    part = read_landsat(product).image((slice(7, 31), slice(11, 24)))
    np.testing.assert_array_equal(part.cube, whole.cube[:, 7:31, 11:24])
    np.testing.assert_array_equal(part.facts.quality, whole.facts.quality[7:31, 11:24])
    west, north = writers.LANDSAT_ORIGIN
    assert tuple(part.transform)[:6] == (30, 0, west + 330, 0, -30, north - 210)


@pytest.mark.parametrize("number", [8, 9])
def test_metadata_and_responses_are_of_that_satellite(tmp_path: Path, number: int) -> None:
    name = writers.LANDSAT.replace("LC09", f"LC0{number}")
    image = read_landsat(writers.landsat(tmp_path, counts(2), name=name)).image()
    assert (image.sensor, image.date) == (f"Landsat-{number}", "2024-04-11")
    assert image.facts.time == "2024-04-11T10:04:58+00:00"
    assert image.facts.sun == (41.25, 155.25) and np.isnan(image.facts.view).all()
    assert image.facts.detector.tolist() == [0] * 5 + [1] * 2
    off = np.abs(image.wavelength - CENTRES)
    if number == 8:
        np.testing.assert_allclose(off, 0, atol=1.0)
        np.testing.assert_allclose(image.fwhm, WIDTHS, atol=2.0)
    else:
        assert 0.2 < off.max() < 3.0  # alike, and not the same


def test_folder_archive_and_either_metadata_file_are_one(product: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / f"{writers.LANDSAT}.tar", "w") as packed:
        for file in sorted(product.iterdir()):
            packed.add(file, file.name)
    expected = open_image(product).image()
    others = [product / f"{writers.LANDSAT}_MTL.{end}" for end in ("xml", "txt")]
    for path in (*others, tmp_path / f"{writers.LANDSAT}.tar"):
        with open_image(path) as opened:
            found = opened.image()
        np.testing.assert_array_equal(found.cube, expected.cube)
        np.testing.assert_array_equal(found.facts.gain, expected.facts.gain)
        assert (found.transform, found.date) == (expected.transform, expected.date)


def test_with_an_hs_of_60_m_it_makes_a_scene_of_ratio_2(product: Path, tmp_path: Path) -> None:
    hs, ms2 = tmp_path / "hs.tif", tmp_path / "b"
    writers.landsat(ms2, counts(3), name=writers.LANDSAT.replace("20240411", "20240630"))
    west, north = writers.LANDSAT_ORIGIN
    cube = np.random.default_rng(4).random((90, 12, 10), np.float32)
    with rasterio.open(
        hs, "w", driver="GTiff", count=90, height=12, width=10, dtype="float32",
        crs=writers.UTM, transform=from_origin(west + 120, north - 240, 60, 60),
    ) as target:  # fmt: skip
        target.write(cube)
        target.update_tags(DATE="2024-04-10")
        for b, nm in enumerate(np.linspace(400, 2450, 90)):
            tags = {"CENTRAL_WAVELENGTH_UM": f"{nm / 1000:.5f}", "FWHM_UM": "0.025"}
            target.update_tags(b + 1, ns="IMAGERY", **tags)
    scene = read_scene(hs, product / f"{writers.LANDSAT}_MTL.txt", ms2)
    assert scene.ratio == 2 and scene.size == (24, 20) and scene.ms.band_names == BANDS
    assert scene.dates == ("2024-04-10", "2024-04-11", "2024-06-30")
    assert (scene.transform.c, scene.transform.f) == (west + 120, north - 240)
    np.testing.assert_array_equal(scene.lrhs_t1, cube)
    there = read_landsat(product).image().cube[:, 8:32, 4:24]
    known = scene.valid_ms[0]
    np.testing.assert_array_equal(scene.hrms_t1[:, known], there[:, known])
    assert (~known).sum() == 9 and scene.valid_ms[1].all()
    np.testing.assert_allclose(scene.ms.srf_at(np.array([865.0]))[:, 0] > 0.5, np.arange(7) == 4)


def test_level_1_is_refused_with_the_way_out(product: Path, tmp_path: Path) -> None:
    text = (product / f"{writers.LANDSAT}_MTL.txt").read_text()
    path = tmp_path / "LC09_L1TP_193026_20240411_20240412_02_T1_MTL.txt"
    path.write_text(text.replace("L2SP", "L1TP"))
    with pytest.raises(InputError, match=r"got L1TP in .*: order Collection 2 Level-2"):
        read_landsat(path)
