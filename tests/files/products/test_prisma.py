"""PRISMA L2D: scales, order of bands, half pixel and errors against numbers worked out by hand."""

import zipfile

import numpy as np
import product_writers as writers
import pytest

from stsf.files.facts import REASONS
from stsf.files.identify import sensor_of
from stsf.files.products.opening import open_image
from stsf.files.products.prisma import read_prisma

SIZE = (9, 11)


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    random = np.random.default_rng(4)
    vnir, swir = (random.integers(6000, 30000, (SIZE[0], n, SIZE[1])) for n in (20, 30))
    for cube in (vnir, swir):
        cube[0, :, :] = 0
    error = np.zeros(SIZE, int)
    error[3, :3] = 1, 2, 3
    return writers.prisma(tmp_path_factory.mktemp("p") / "PRS.he5", vnir, swir, error), vnir, swir


def test_values_bands_and_place(product) -> None:
    path, vnir, swir = product
    image = read_prisma(path).image()
    assert len(image.cube) == 20 - 3 + 30 - 2
    expected = -0.1 + vnir[5, 3, 7] * 1.3 / 65535
    assert image.cube[0, 5, 7] == pytest.approx(expected, abs=1e-6)
    expected = -0.1 + swir[6, 0, 2] * 1.3 / 65535
    assert image.cube[17, 6, 2] == pytest.approx(expected, abs=1e-6)
    assert image.wavelength[0] == pytest.approx(np.linspace(977.4, 406, 20)[3], abs=0.01)
    assert image.wavelength.min() > 400 and (image.fwhm == 12.5).all()
    assert image.facts.detector.tolist() == [0] * 17 + [1] * 28
    # the centre of the first pixel lies 75 m from the corner of the tile, its edge 60 m
    assert image.transform @ (0.5, 0.5) == (writers.WEST + 75, writers.NORTH - 75)
    assert image.transform @ (0, 0) == (writers.WEST + 60, writers.NORTH - 60)
    assert (image.transform.a, image.transform.e) == (30, -30)
    assert (image.date, image.facts.sun) == ("2024-04-12", (48.5, 155.0))


def test_masks_say_why(product) -> None:
    image = read_prisma(product[0]).image()
    said = np.array(REASONS)[image.facts.quality]
    assert (said[0] == "no data").all()
    assert said[3, :3].tolist() == ["defective", "clear", "saturated"]
    assert (said != "clear").sum() == SIZE[1] + 2


def test_the_sensor_is_the_products_own(product) -> None:
    image = read_prisma(product[0]).image()
    sensor = sensor_of(image, None, "--hs-sensor")
    assert sensor.name == "PRISMA" and (sensor.centre == image.wavelength).all()
    assert (sensor.detector == image.facts.detector).all() and sensor.gsd == 30


def test_in_a_zip_and_by_windows(product, tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.write(product[0], "PRS.he5")
    whole = read_prisma(product[0]).image()
    with open_image(tmp_path / "a.zip") as found:
        part = found.image((slice(2, 7), slice(1, 9)))
    np.testing.assert_array_equal(part.cube, whole.cube[:, 2:7, 1:9])
