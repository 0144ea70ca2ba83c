"""AHSI L1A: radiance, and its tables beside an image of reflectance."""

import numpy as np
import product_writers as writers
import pytest

from stsf.errors import InputError
from stsf.files.imagefile import read_image
from stsf.files.products.ahsi import read_ahsi, with_tables
from stsf.files.products.opening import open_image


@pytest.fixture
def product(tmp_path):
    random = np.random.default_rng(5)
    for cube, count, first in (("VN", 3, 400.0), ("SW", 4, 1100.0)):
        dn = random.integers(0, 4000, (count, 6, 7)).astype(np.uint16)
        writers.raster(tmp_path / f"ZY1E_AHSI_1_{cube}.tif", dn, 30)
        lines = [f"{0.01 * (b + 1):.4f},{b}" for b in range(count)]
        (tmp_path / f"ZY1E_AHSI_1_RadCal_{cube}.raw").write_text("\n".join(lines))
        lines = [f"{first + 10 * b},{9 + b}" for b in range(count)]
        (tmp_path / f"ZY1E_AHSI_1_Spectralresponse_{cube}.raw").write_text("\n".join(lines))
    return tmp_path


def test_radiance(product) -> None:
    image, dn = read_ahsi(product, 1), read_image(product / "ZY1E_AHSI_1_SW.tif").cube
    np.testing.assert_allclose(image.cube[2], 0.03 * dn[2] + 2, rtol=1e-5)
    assert image.wavelength.tolist() == [1100, 1110, 1120, 1130]
    assert image.fwhm.tolist() == [9, 10, 11, 12]


def test_radiance_is_not_fused(product) -> None:
    with pytest.raises(InputError, match="orthorectify it by its RPC, correct the atmosphere"):
        open_image(product)


def test_tables_beside_an_image(product) -> None:
    writers.raster(product / "surface.tif", np.full((7, 4, 4), 0.2, np.float32), 30)
    image = with_tables(read_image(product / "surface.tif"), product / "surface.tif")
    assert image.wavelength.tolist() == [400, 410, 420, 1100, 1110, 1120, 1130]
    assert image.sensor == "AHSI"
    writers.raster(product / "short.tif", np.full((6, 4, 4), 0.2, np.float32), 30)
    with pytest.raises(InputError, match="expected the 7 bands of the AHSI tables"):
        with_tables(read_image(product / "short.tif"), product / "short.tif")
