"""EnMAP L2A: detectors, gains, georeference and masks against numbers worked out by hand."""

import os
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import product_writers as writers
import pytest

from stsf.files.facts import REASONS
from stsf.files.products.enmap import _table, read_enmap
from stsf.files.products.metadata import Metadata
from stsf.files.products.opening import open_image

SIZE = (12, 10)


def masks() -> dict[str, np.ndarray]:
    found = {k: np.zeros(SIZE) for k in ("CLOUD", "CLOUDSHADOW", "CIRRUS", "HAZE", "TESTFLAGS")}
    found["CLASSES"] = np.ones(SIZE)
    found["CLASSES"][0] = 3
    found["CLOUD"][2, 3] = found["CLOUDSHADOW"][2, 4] = found["HAZE"][2, 5] = 1
    found["CIRRUS"][3, :3] = 1, 2, 3
    found["TESTFLAGS"][4, :5] = 1, 2, 3, 16, 32
    return found


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    counts = np.random.default_rng(3).integers(100, 5000, (70, *SIZE))
    counts[-1] = -32768
    counts[5, 9, 9] = -32768
    return writers.enmap(tmp_path_factory.mktemp("enmap"), counts, masks()), counts


def test_values_bands_and_place(product) -> None:
    path, counts = product
    image = read_enmap(path).image()
    np.testing.assert_allclose(image.cube[:-1, 6:9], counts[:-1, 6:9] / 1e4, rtol=1e-6)
    assert not image.good[-1] and image.good[:-1].all()
    assert np.all(np.diff(image.wavelength) > 0)
    assert image.fwhm[9] == pytest.approx(8.1)
    overlap = (image.wavelength > 905) & (image.wavelength < 985)
    alternate = image.facts.detector[overlap]
    assert 0 < alternate.sum() < len(alternate)
    assert sorted(image.wavelength[image.facts.detector == 0]) == pytest.approx(
        np.linspace(423, 995, 30), abs=1e-3
    )
    assert tuple(image.transform)[:6] == (30, 0, writers.WEST + 60, 0, -30, writers.NORTH - 60)
    assert image.facts.time == "2024-04-10T10:57:35+00:00"
    assert image.facts.sun == (27.0, 149.1)
    tangent = np.hypot(np.tan(np.deg2rad(3)), np.tan(np.deg2rad(4)))
    assert np.tan(np.deg2rad(image.facts.view.zenith)) == pytest.approx(tangent)


def test_masks_say_why(product) -> None:
    image = read_enmap(product[0]).image()
    said = np.array(REASONS)[image.facts.quality]
    assert (said[0] == "no data").all() and said[9, 9] == "no data"
    assert said[2, 3:6].tolist() == ["cloud", "cloud shadow", "haze"]
    assert said[3, :4].tolist() == ["clear", "cirrus", "cirrus", "clear"]
    assert said[4, :5].tolist() == ["clear", "clear", "defective", "saturated", "saturated"]
    assert (said != "clear").sum() == SIZE[1] + 1 + 3 + 2 + 3


def test_windows(product) -> None:
    whole = read_enmap(product[0]).image()
    part = read_enmap(product[0]).image((slice(3, 8), slice(2, 9)))
    np.testing.assert_array_equal(part.cube, whole.cube[:, 3:8, 2:9])
    assert part.transform @ (0, 0) == whole.transform @ (2, 3)


@pytest.mark.parametrize("kind", ["folder", "metadata", "zip", "nested tar.gz"])
def test_however_it_comes(product, kind, tmp_path) -> None:
    folder, _ = product
    path = {"folder": folder, "metadata": next(folder.glob("*METADATA.XML"))}.get(kind)
    if kind == "zip":
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w") as packed:
            for file in folder.iterdir():
                packed.write(file, f"inside/{file.name}")
    elif path is None:
        inner, path = tmp_path / "inner.tar.gz", tmp_path / "order.tar.gz"
        for target, source in ((inner, folder), (path, inner)):
            with tarfile.open(target, "w:gz") as packed:
                packed.add(source, f"deep/{source.name}")
    with open_image(path) as found:
        image = found.image()
    np.testing.assert_array_equal(image.cube, read_enmap(folder).image().cube)


@pytest.mark.skipif("STSF_DATA" not in os.environ, reason="STSF_DATA: no mirror of real data")
def test_real_metadata(tmp_path) -> None:
    mirror = Path(os.environ["STSF_DATA"]) / "products" / "enmap_l2a_qualification.zip"
    with zipfile.ZipFile(mirror) as packed:
        name = next(n for n in packed.namelist() if n.endswith("METADATA.XML"))
        about = Metadata(Path(packed.extract(name, tmp_path)), ("navigation", "time"))
    image = SimpleNamespace(count=218, name="", crs=None, transform=None)
    table = _table(about, image)
    assert (table.wavelength[[0, 1, 217]] == (423.03, 428.8, 2438.6)).all()
    assert (table.fwhm[[0, 78, 79]] == (6.93, 11.59, 9.78)).all()
    assert np.bincount(table.facts.detector).tolist() == [88, 130]
    assert table.facts.detector[78:82].tolist() == [1, 0, 1, 0]
    assert table.good.all() and table.date == "2017-06-26"
    assert table.facts.sun.zenith == pytest.approx(90 - 63.038384)
