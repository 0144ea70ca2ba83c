"""Files that other people wrote: the same scene as without the quirk, a warning, or a refusal."""

import warnings
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import rasterio

from stsf.errors import Doubt, InputError
from stsf.files.imagefile import read_image
from stsf.files.scenes import FILES, read_scene, write_scene
from stsf.scene import Scene
from stsf.sensing.bands import from_bands
from stsf.sensing.sensors import S2_4, get_sensor, product_order

NAMINGS = {
    "plain": ("B2", "B3", "B4", "B8"),
    "zeros": ("B02", "B03", "B04", "B08"),
    "lower case": ("b2", "b3", "b4", "b8"),
    "words": ("Band 2", "band_3", "Band-4", "Band 8"),
    "colours": ("blue", "green", "red", "nir"),
    "capitals": ("Blue", "Green", "Red", "NIR"),
    "driver": tuple(
        f"{b}, central wavelength {nm} nm" for b, nm in zip(S2_4, (490, 560, 665, 842))
    ),
    "nanometers": tuple(f"Band {i} ({nm} Nanometers)" for i, nm in enumerate((492, 560, 665, 833))),
    "micrometers": ("0.492 µm", "0.560 um", "0.665 µm", "0.833 Micrometers"),
}
ORDERS = [(3, 2, 1, 0), (2, 1, 0, 3), (0, 3, 1, 2)]


@pytest.fixture(scope="module")
def small(scene: Scene) -> Scene:
    return scene.crop(slice(0, 12), slice(0, 14))


@pytest.fixture
def folder(small: Scene, tmp_path: Path) -> Path:
    return write_scene(small, tmp_path / "scene")


def paths(folder: Path) -> list[Path]:
    return [folder / FILES[key] for key in ("lrhs_t1", "hrms_t1", "hrms_t2")]


def write(path: Path, cube: np.ndarray, names: tuple[str, ...] = (), **profile: object) -> Path:
    given = dict(driver="GTiff", count=len(cube), height=cube.shape[1], width=cube.shape[2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, "w", **{**given, "dtype": "float32", **profile}) as target:
            target.write(cube.astype(target.dtypes[0]))
            for band, name in enumerate(names, 1):
                target.set_band_description(band, name)
    return path


def same(found: Scene, wanted: Scene) -> None:
    """Bands may stand in another order; what each wavelength holds may not differ."""
    order = found.ms.centre.argsort()
    np.testing.assert_allclose(found.ms.centre[order], wanted.ms.centre, atol=12)
    for key in ("hrms_t1", "hrms_t2"):
        np.testing.assert_allclose(getattr(found, key)[order], getattr(wanted, key), atol=1e-4)
    np.testing.assert_allclose(found.lrhs_t1, wanted.lrhs_t1, atol=1e-4)


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("naming", NAMINGS)
def test_ms_bands_are_told_by_name_whatever_their_order(
    naming: str, order: tuple[int, ...], small: Scene, folder: Path, tmp_path: Path
) -> None:
    names = tuple(NAMINGS[naming][b] for b in order)
    m1 = write(tmp_path / "a.tif", small.hrms_t1[list(order)], names)
    m2 = write(tmp_path / "b.tif", small.hrms_t2[list(order)], names)
    same(read_scene(paths(folder)[0], m1, m2, ms_sensor="Sentinel-2A"), small)


@pytest.mark.parametrize("orders", list(zip(permutations(range(4)), ORDERS * 3)), ids=str)
def test_each_date_has_an_order_of_its_own(
    orders: tuple[tuple[int, ...], ...], small: Scene, folder: Path, tmp_path: Path
) -> None:
    files = [
        write(tmp_path / f"{k}.tif", cube[list(order)], tuple(S2_4[b] for b in order))
        for k, (cube, order) in enumerate(zip((small.hrms_t1, small.hrms_t2), orders))
    ]
    same(read_scene(paths(folder)[0], *files, ms_sensor="Sentinel-2A"), small)


@pytest.mark.parametrize("by", ["tags", "names", "envi"])
def test_hs_bands_out_of_order_are_sorted(
    by: str, small: Scene, folder: Path, tmp_path: Path
) -> None:
    order = np.random.default_rng(0).permutation(len(small.hs))
    nm, cube = small.hs.centre[order], small.lrhs_t1[order]
    names = tuple(f"{value:.2f} nm" for value in nm) if by == "names" else ()
    driver = {"driver": "ENVI"} if by == "envi" else {}
    path = write(tmp_path / ("h.img" if by == "envi" else "h.tif"), cube, names, **driver)
    if by == "envi":
        with (tmp_path / "h.hdr").open("a") as header:
            header.write("\nwavelength units = Nanometers\nwavelength = {")
            header.write(", ".join(f"{value:.3f}" for value in nm) + "}\n")
    if by == "tags":
        with rasterio.open(path, "r+") as target:
            for band, value in enumerate(nm, 1):
                target.update_tags(band, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=str(value / 1000))
    found = read_scene(path, *paths(folder)[1:])
    np.testing.assert_allclose(found.hs.centre, small.hs.centre, atol=0.01)
    np.testing.assert_allclose(found.lrhs_t1, small.lrhs_t1, atol=1e-4)


@pytest.mark.parametrize("name", ["PRISMA", "AHSI"])
def test_nameless_hs_bands_stand_in_the_order_of_the_product(
    name: str, small: Scene, folder: Path, tmp_path: Path
) -> None:
    """A smooth spectrum over the sensor's bands, stored as the product does and as sorted."""
    sensor = get_sensor(name)
    shape = np.sin(sensor.centre / 300) * 0.1 + 0.3
    shades = np.random.default_rng(1).uniform(0.8, 1.2, small.lrhs_t1.shape[1:])
    cube = shape[:, None, None] * shades
    for order in (product_order(sensor), np.arange(len(sensor))):
        path = write(tmp_path / "h.tif", cube[order])
        found = read_scene(path, *paths(folder)[1:], hs_sensor=name)
        wanted = np.interp(found.hs.centre, sensor.centre, shape)
        np.testing.assert_allclose(found.lrhs_t1[:, 0, 0] / shades[0, 0], wanted, rtol=1e-4)


def test_ms_wavelengths_without_widths_ask_for_them(
    small: Scene, folder: Path, tmp_path: Path
) -> None:
    names = tuple(f"{nm} nm" for nm in (492, 560, 665, 833))
    files = [write(tmp_path / f"{k}.tif", m, names) for k, m in enumerate((small.hrms_t1,) * 2)]
    with pytest.raises(InputError, match=r"expected the width \(FWHM\).*--ms-sensor"):
        read_scene(paths(folder)[0], *files)
    assert len(read_scene(paths(folder)[0], *files, ms_sensor="Sentinel-2A").ms) == 4


@pytest.mark.parametrize("band", range(4))
@pytest.mark.parametrize("value", [0.0, 0.25])
def test_a_dead_ms_band_is_left_out_with_a_warning(
    band: int, value: float, small: Scene, folder: Path, tmp_path: Path
) -> None:
    files = []
    for k, m in enumerate((small.hrms_t1, small.hrms_t2)):
        dead = m.copy()
        dead[band] = value
        files.append(write(tmp_path / f"{k}.tif", dead, S2_4))
    with pytest.warns(Doubt, match=f"hold one value everywhere and are left out: {S2_4[band]} "):
        found = read_scene(paths(folder)[0], *files, ms_sensor="Sentinel-2A")
    assert found.ms.band_names == tuple(n for n in S2_4 if n != S2_4[band])


@pytest.mark.parametrize("fill", [-9999.0, -32768.0, -1e20, 1e20, -3.4028235e38])
@pytest.mark.parametrize("which", range(3))
def test_undeclared_fill_values_are_no_measurement(
    fill: float, which: int, folder: Path, tmp_path: Path
) -> None:
    clean = read_image(paths(folder)[which])
    cube = clean.cube.copy()
    cube[:, 2:4, 3] = fill
    found = read_image(write(tmp_path / "f.tif", cube)).cube
    assert np.isnan(found[:, 2:4, 3]).all() and np.isnan(found).sum() == 2 * len(cube)
    np.testing.assert_array_equal(found[:, :, 4:], clean.cube[:, :, 4:])


@pytest.mark.parametrize(("dtype", "fill"), [("int16", -9999), ("int16", -32768), ("int32", -9999)])
def test_undeclared_fill_among_counts(dtype: str, fill: int, tmp_path: Path) -> None:
    counts = np.full((4, 5, 5), 2000)
    counts[:, 1, 1], counts[:, 2, 2] = fill, -20  # a slightly negative reflectance is one
    found = read_image(write(tmp_path / "f.tif", counts, dtype=dtype), scale=1e-4).cube
    assert np.isnan(found[:, 1, 1]).all() and np.isnan(found).sum() == 4
    np.testing.assert_allclose(found[:, 2, 2], -0.002, atol=1e-6)


def test_pixels_of_zero_in_all_bands_are_empty_and_one_dark_band_is_not(tmp_path: Path) -> None:
    cube = np.full((4, 5, 5), 0.2)
    cube[:, 0, :], cube[3, 3, 3] = 0.0, 0.0
    found = read_image(write(tmp_path / "f.tif", cube)).cube
    assert np.isnan(found[:, 0]).all() and np.isfinite(found[:, 1:]).all()


def test_truth_in_another_order_is_told_by_wavelength(small: Scene, folder: Path) -> None:
    hs = from_bands(small.hs.centre[::-1], small.hs.fwhm[::-1])
    names = tuple(f"{nm:.2f} nm" for nm in hs.centre)
    truth = write(folder / "reversed.tif", small.truth(1)[::-1], names)
    found = read_scene(*paths(folder), truth_t1=truth)
    np.testing.assert_allclose(found.truth(1), small.truth(1), atol=1e-4)
