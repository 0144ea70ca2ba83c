"""Sentinel-2 L2A: counts, offsets, grids and masks against numbers worked out by hand."""

import os
import shutil
from pathlib import Path

import numpy as np
import product_writers as writers
import pytest

from stsf.errors import InputError
from stsf.files.facts import REASONS
from stsf.files.products.layers import cubic
from stsf.files.products.metadata import Metadata
from stsf.files.products.sentinel2 import BANDS, _responses, read_sentinel2

SIZE = 40


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s2")
    counts = writers.sentinel2_counts(SIZE, seed=1)
    counts["B2"][0, 0], counts["B3"][2, 3] = 0, 65535
    counts["B4"][:] = 1000 + 3 + 2500  # offset of bandId 3: -1003
    counts["B5"][:] = np.arange(SIZE // 2) * 100 + 2000
    scl = np.full((SIZE // 2, SIZE // 2), 4)
    scl[5, 6], scl[7, 7], scl[8, 8], scl[9, 9] = 9, 3, 10, 11
    return writers.sentinel2(folder, counts, scl), counts


def test_values_follow_the_offset_of_each_band(product) -> None:
    path, counts = product
    image = read_sentinel2(path).image()
    assert image.names == BANDS
    np.testing.assert_allclose(image.cube[2][30:, 30:], 0.25, rtol=1e-6)
    expected = (counts["B8"][30, 31] - 1007) / 10000
    assert image.cube[BANDS.index("B8"), 30, 31] == pytest.approx(expected, abs=1e-6)


def test_20_m_bands_lie_in_the_middle_of_their_pixels(product) -> None:
    path, _ = product
    row = read_sentinel2(path).image().cube[BANDS.index("B5"), 30]
    centre = (np.arange(SIZE) + 0.5) / 2 - 0.5  # of the 10 m pixels, in 20 m pixels
    expected = (2000 + 100 * centre - 1004) / 10000
    np.testing.assert_allclose(row[4:-4], expected[4:-4], atol=2e-6)


def test_masks_say_why(product) -> None:
    path, _ = product
    image = read_sentinel2(path).image()
    said = np.array(REASONS)[image.facts.quality]
    assert (said[10:12, 12:14] == "cloud").all()
    assert (said[14:16, 14:16] == "cloud shadow").all()
    assert (said[16:18, 16:18] == "cirrus").all()
    assert (said[18:20, 18:20] == "clear").all()  # snow is seen
    assert said[0, 0] == "no data" and said[2, 3] == "saturated"
    assert (said != "clear").sum() == 14
    assert np.isnan(image.cube[:, said != "clear"]).all()
    assert np.isfinite(image.cube[:, said == "clear"]).all()


def test_a_window_is_a_part_of_the_whole(product) -> None:
    path, _ = product
    whole = read_sentinel2(path).image()
    part = read_sentinel2(path).image((slice(7, 31), slice(11, 24)))
    np.testing.assert_array_equal(part.cube, whole.cube[:, 7:31, 11:24])
    np.testing.assert_array_equal(part.facts.quality, whole.facts.quality[7:31, 11:24])
    assert tuple(part.transform)[:6] == (10, 0, writers.WEST + 110, 0, -10, writers.NORTH - 70)


def test_metadata_come_along(product) -> None:
    image = read_sentinel2(product[0]).image()
    assert (image.sensor, image.date) == ("Sentinel-2C", "2024-04-11")
    assert image.facts.time == "2024-04-11T10:30:21+00:00"
    assert image.facts.sun == (39.5, 155.6) and image.facts.view == (7.2, 106.3)
    assert image.wavelength[0] == pytest.approx((456 + 533) / 2)
    assert image.fwhm[0] == pytest.approx((533 - 456) / 2, abs=1)
    assert image.facts.detector.tolist() == [0] * 8 + [1, 1]
    assert image.crs.to_epsg() == 32632


def test_an_offset_applied_before_is_recognised(tmp_path) -> None:
    scl = np.full((SIZE // 2, SIZE // 2), 4)
    copy = writers.sentinel2(tmp_path / "a", writers.sentinel2_counts(SIZE, 2, darkest=100), scl)
    product = read_sentinel2(copy)
    assert "was applied" in product.doubts[-1]
    assert np.nanmin(product.image().cube[0]) >= 0.0099
    fresh = writers.sentinel2(tmp_path / "b", writers.sentinel2_counts(SIZE, 2, darkest=1100), scl)
    assert not any("was applied" in doubt for doubt in read_sentinel2(fresh).doubts)


def test_cubic_keeps_constants_and_straight_lines() -> None:
    ramp = np.arange(12.0)[:, None] * 3 + np.arange(12.0)
    fine = (np.arange(24) + 0.5) / 2 - 0.5
    expected = 3 * fine[:, None] + fine
    np.testing.assert_allclose(cubic(ramp, 2)[4:-4, 4:-4], expected[4:-4, 4:-4])
    np.testing.assert_allclose(cubic(np.full((4, 4), 0.3), 2), 0.3)


def test_level_1c_is_told(product, tmp_path) -> None:
    safe = tmp_path / "l1c.SAFE"
    shutil.copytree(product[0], safe)
    (safe / "MTD_MSIL2A.xml").rename(safe / "MTD_MSIL1C.xml")
    with pytest.raises(InputError, match="Level-1C: correct the atmosphere"):
        read_sentinel2(safe)


@pytest.mark.skipif("STSF_DATA" not in os.environ, reason="STSF_DATA: no mirror of real data")
def test_real_metadata() -> None:
    main = Metadata(Path(os.environ["STSF_DATA"]) / "products" / "s2a_MTD_MSIL2A.xml")
    spectral = {e.get("physicalBand"): e for e in main.all(".//Spectral_Information")}
    axis, srf = _responses(main, [spectral[b] for b in BANDS])
    stated = [main.number("Wavelength/CENTRAL", spectral[b]) for b in BANDS]
    np.testing.assert_allclose(srf @ axis / srf.sum(axis=1), stated, atol=1.0)
    assert {e.text for e in main.all(".//BOA_ADD_OFFSET")} == {"-1000"}
