"""Kinds of quirks x formats: each file gives the scene of the same files without the quirk."""

import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.shutil import copy
from scipy.io import netcdf_file

from stsf.errors import Doubt, InputError
from stsf.files.imagefile import read_image
from stsf.files.reading import Reading
from stsf.files.scenes import read_scene
from stsf.scene import Scene
from stsf.sensing.sensors import S2_4, from_csv

FINE, UTM = Affine(10, 0, 465_000, 0, -10, 5_080_000), CRS.from_epsg(32633)
FORMATS = ("tif", "envi", "envi header", "zip", "zip member", "vrt")
QUIRKS = (
    "none",
    "other order",
    "fill",
    "south-up",
    "rows run east",
    "larger extent",
    "counts with scale",
    "scale left over",
    "two types",
    "points only",
    "no CRS",
)


@pytest.fixture(scope="module")
def small(scene: Scene) -> Scene:
    return scene.crop(slice(2, 12), slice(3, 15))


def write(path: Path, cube: np.ndarray, names: list[str], **profile) -> Path:
    driver = "GTiff" if path.suffix == ".tif" else "ENVI"
    given = dict(driver=driver, count=len(cube), height=cube.shape[1], width=cube.shape[2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, "w", **given, **{"dtype": "float32", **profile}) as target:
            target.write(cube.astype(target.dtypes[0]))
            for band, name in enumerate(names, 1):
                target.set_band_description(band, name)
    return path


def quirky(folder: Path, stem: str, image: tuple, quirk: str, envi: bool) -> Path:
    """One image of the scene with one quirk."""
    cube, names, place = image
    path, profile = folder / f"{stem}.{'img' if envi else 'tif'}", {"crs": UTM, "transform": place}
    height = cube.shape[1]
    if quirk == "other order":
        order = np.random.default_rng(3).permutation(len(cube))
        cube, names = cube[order], [names[b] for b in order]
    elif quirk == "fill":
        cube = cube.copy()
        cube[:, 0, 0] = -9999.0
    elif quirk == "south-up":
        cube = cube[:, ::-1]
        profile["transform"] = place @ Affine.translation(0, height) @ Affine.scale(1, -1)
    elif quirk == "rows run east":
        cube, profile["transform"] = cube.transpose(0, 2, 1), place @ Affine(0, 1, 0, 1, 0, 0)
    elif quirk == "larger extent" and stem != "hs":
        cube = np.pad(cube, ((0, 0), (1, 2), (2, 0)), "edge")
        profile["transform"] = place @ Affine.translation(-2, -1)
    elif quirk == "counts with scale":
        cube, profile["dtype"] = np.rint(cube * 1e4), "int16"
    elif quirk == "points only":
        profile = {}
    elif quirk == "no CRS" and stem == "hs":
        profile.pop("crs")
    write(path, cube, names, **profile)
    if quirk in ("counts with scale", "scale left over"):
        if envi:
            header = path.with_suffix(".hdr")
            header.write_text(header.read_text() + "\nreflectance scale factor = 10000\n")
        else:
            with rasterio.open(path, "r+") as target:
                target.scales = (1e-4,) * len(cube)
    if quirk == "points only":
        corners = [(y, x) for y in (0, height) for x in (0, cube.shape[2])]
        points = [GroundControlPoint(y, x, *(place * (x, y)), 0.0) for y, x in corners]
        with rasterio.open(path, "r+") as target:
            target.gcps = (points, UTM)
    return path


def packed(path: Path, kind: str, quirk: str) -> str:
    """The same image as another kind of path."""
    if kind == "envi header":
        return str(path.with_suffix(".hdr"))
    if kind.startswith("zip"):
        outer = path.with_suffix(".zip")
        with zipfile.ZipFile(outer, "w") as target:
            target.write(path, f"inner/{path.name}")
        return str(outer) if kind == "zip" else f"/vsizip/{outer}/inner/{path.name}"
    if kind == "vrt":
        outer = path.with_suffix(".vrt")
        with rasterio.open(path) as source:
            copy(source, outer, driver="VRT")
        if quirk == "two types":
            text = outer.read_text().replace(
                'dataType="Float32" band="2"', 'dataType="Float64" band="2"'
            )
            outer.write_text(text)
        return str(outer)
    return str(path)


CASES = [
    (kind, quirk)
    for quirk in QUIRKS
    for kind in FORMATS
    if not (kind.startswith("envi") and quirk in ("south-up", "rows run east", "points only"))
    and not (quirk == "two types" and kind != "vrt")
]


@pytest.mark.parametrize(("kind", "quirk"), CASES, ids=lambda value: value)
@pytest.mark.filterwarnings("ignore::stsf.errors.Doubt")
def test_every_format_and_quirk_gives_the_scene_without_it(
    kind: str, quirk: str, small: Scene, tmp_path: Path
) -> None:
    hs_names = [f"{nm:.3f} nm" for nm in small.hs.centre]
    images = {
        "hs": (small.lrhs_t1, hs_names, FINE @ Affine.scale(3)),
        "m1": (small.hrms_t1, list(S2_4), FINE),
        "m2": (small.hrms_t2, list(S2_4), FINE),
    }
    paths = [
        packed(quirky(tmp_path, stem, image, quirk, kind.startswith("envi")), kind, quirk)
        for stem, image in images.items()
    ]
    found = read_scene(*paths, ms_sensor="Sentinel-2A")
    order = found.ms.centre.argsort()
    assert found.crs == UTM and np.allclose(found.transform[:6], FINE[:6])
    known = np.ones(small.lrhs_t1.shape[1:], bool)
    if quirk == "fill":
        known[0, 0] = False
        assert not found.valid_lr[0, 0] and found.valid_lr.sum() == known.sum()
    fine = known.repeat(3, axis=0).repeat(3, axis=1)
    np.testing.assert_allclose(found.lrhs_t1[:, known], small.lrhs_t1[:, known], atol=6e-5)
    for key in ("hrms_t1", "hrms_t2"):
        wanted = getattr(small, key)[:, fine]
        np.testing.assert_allclose(getattr(found, key)[order][:, fine], wanted, atol=6e-5)


def test_a_zip_of_several_images_lists_them_and_each_can_be_named(tmp_path: Path) -> None:
    cubes = {name: np.full((3, 4, 4), 0.1 * k) for k, name in enumerate(("a.tif", "b.tif"), 1)}
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as target:
        for name, cube in cubes.items():
            target.write(write(tmp_path / name, cube, []), name)
    with pytest.raises(InputError, match=r"expected one image in .*, found 2: name one of") as told:
        read_image(tmp_path / "z.zip")
    named = str(told.value).split("name one of ")[1].split(", ")
    assert [float(read_image(name).cube.max()) for name in named] == pytest.approx([0.1, 0.2])


def test_variables_of_a_netcdf_are_listed_and_can_be_named(tmp_path: Path) -> None:
    with netcdf_file(tmp_path / "e.nc", "w") as file:
        for name, size in (("b", 5), ("y", 4), ("x", 3)):
            file.createDimension(name, size)
        file.createVariable("reflectance", "f4", ["b", "y", "x"])[:] = 0.3
        file.createVariable("elev", "f4", ["y", "x"])[:] = 100
    with pytest.raises(InputError, match=r"found 2: name one of .*e\.nc:reflectance") as told:
        read_image(tmp_path / "e.nc")
    named = str(told.value).split("name one of ")[1].split(", ")
    found = {read_image(name).cube.shape for name in named}
    assert found == {(5, 4, 3), (1, 4, 3)}


def test_the_only_variable_of_a_container_needs_no_name(tmp_path: Path) -> None:
    with netcdf_file(tmp_path / "e.nc", "w") as file:
        for name, size in (("b", 5), ("y", 4), ("x", 3)):
            file.createDimension(name, size)
        file.createVariable("reflectance", "f4", ["b", "y", "x"])[:] = 0.3
    assert read_image(tmp_path / "e.nc").cube.shape == (5, 4, 3)


def test_a_header_without_its_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.hdr").write_text("ENVI\n")
    with pytest.raises(InputError, match="expected the image beside its header"):
        read_image(tmp_path / "a.hdr")


@pytest.mark.parametrize("driver", ["tif", "img"])
def test_names_in_latin_1(driver: str, tmp_path: Path) -> None:
    """The band name holds the byte of a micro sign, as old programs write it."""
    names = ["0.490 xm", "0.560 xm", "0.665 xm"]
    path = write(tmp_path / f"a.{driver}", np.full((3, 4, 4), 0.2), names)
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes().replace(b" xm", b" \xb5m"))
    found = read_image(path)
    assert found.names == ("0.490 µm", "0.560 µm", "0.665 µm")
    np.testing.assert_allclose(found.wavelength, [490, 560, 665])


def test_near_infrared_in_the_place_of_alpha_is_reflectance(tmp_path: Path) -> None:
    cube = np.random.default_rng(0).integers(1, 250, (4, 8, 8))
    cube[3, :2] = 0
    path = write(tmp_path / "a.tif", cube, [], dtype="uint8", photometric="RGB", alpha="YES")
    with rasterio.open(path) as source:
        assert source.colorinterp[3].name == "alpha"
    np.testing.assert_array_equal(read_image(path).cube, cube)


def test_true_alpha_is_a_mask_and_no_band(tmp_path: Path) -> None:
    cube = np.random.default_rng(0).integers(1, 250, (4, 8, 8))
    cube[3] = 255
    cube[3, :2] = 0
    found = read_image(
        write(tmp_path / "a.tif", cube, [], dtype="uint8", photometric="RGB", alpha="YES")
    ).cube
    assert found.shape == (3, 8, 8) and np.isnan(found[:, :2]).all()
    np.testing.assert_array_equal(found[:, 2:], cube[:3, 2:])


def test_saturated_counts_of_16_bits_are_no_measurement(tmp_path: Path) -> None:
    cube = np.full((4, 5, 5), 2000)
    cube[:, 1, 1] = 65535
    found = read_image(write(tmp_path / "a.tif", cube, [], dtype="uint16"), scale=1e-4).cube
    assert np.isnan(found[:, 1, 1]).all() and np.isnan(found).sum() == 4


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ("B2,B3", (0, 1)),
        ("1-3", (0, 1, 2)),
        ("4, 1", (0, 3)),
        ("500-700nm", (1, 2)),
        ("green,B8", (1, 3)),
        ("b04", (2,)),
    ],
)
def test_ms_bands_are_chosen_by_name_number_or_wavelength(
    wanted: str, left: tuple[int, ...], small: Scene, tmp_path: Path
) -> None:
    paths = bare(small, tmp_path)
    found = read_scene(*paths, Reading(ms_sensor="Sentinel-2A", ms_bands=wanted))
    assert found.ms.band_names == tuple(S2_4[b] for b in left)
    np.testing.assert_allclose(found.hrms_t2, small.hrms_t2[list(left)], atol=1e-6)


def test_hs_bands_are_chosen_by_wavelength(small: Scene, tmp_path: Path) -> None:
    reading = Reading(ms_sensor="Sentinel-2A", hs_bands="400-900nm")
    found = read_scene(*bare(small, tmp_path), reading)
    inside = (small.hs.centre >= 400) & (small.hs.centre <= 900)
    np.testing.assert_allclose(found.lrhs_t1, small.lrhs_t1[inside], atol=1e-6)


@pytest.mark.parametrize(
    "wanted, low, high", [("400-900nm", 400, 900), ("1-40", 0, 0), ("h7", 0, 0)]
)
def test_hs_bands_are_chosen_by_a_table_of_all_bands(
    wanted: str, low: float, high: float, small: Scene, tmp_path: Path
) -> None:
    """A file without any metadata, its bands described by a CSV table."""
    paths, centre = bare(small, tmp_path), small.hs.centre
    paths[0] = write(tmp_path / "nameless.tif", small.lrhs_t1, [])
    rows = [f"h{k},{nm:.3f},{w:.3f}" for k, (nm, w) in enumerate(zip(centre, small.hs.fwhm))]
    (tmp_path / "t.csv").write_text("\n".join(["name,centre,fwhm", *rows]))
    how = {"hs_sensor": str(tmp_path / "t.csv"), "ms_sensor": "Sentinel-2A", "ms_bands": "B2"}
    expected = {"400-900nm": (centre >= low) & (centre <= high), "1-40": slice(40), "h7": [7, 8]}
    asked = "h7, h8" if wanted == "h7" else wanted
    read = read_scene(*paths, Reading(**how, hs_bands=asked))
    np.testing.assert_allclose(read.lrhs_t1, small.lrhs_t1[expected[wanted]], atol=1e-6)
    np.testing.assert_allclose(read.hs.centre, centre[expected[wanted]], atol=1e-3)


def test_bands_that_are_none_are_told_with_those_that_are(small: Scene, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"bands of the file in --ms-bands, got 'B77', .*B2, B3"):
        read_scene(*bare(small, tmp_path), Reading(ms_sensor="Sentinel-2A", ms_bands="B2,B77"))


@pytest.mark.parametrize("factor", [100.0, 1000.0, 1e4])
def test_other_units_are_told_with_the_scale_that_mends_them(
    factor: float, small: Scene, tmp_path: Path
) -> None:
    """The option of the message, taken literally, gives the scene in reflectance."""
    paths = bare(small, tmp_path, ms_factor=factor)
    with pytest.raises(InputError, match="looks like digital numbers: read with --scale") as told:
        read_scene(*paths, Reading(ms_sensor="Sentinel-2A"))
    scale = tuple(map(float, str(told.value).rsplit(" ", 1)[1].split(",")))
    found = read_scene(*paths, Reading(ms_sensor="Sentinel-2A", scale=scale))
    np.testing.assert_allclose(found.hrms_t1, small.hrms_t1, rtol=1e-4)


def test_offset_and_nodata_of_the_command_line(small: Scene, tmp_path: Path) -> None:
    paths = bare(small, tmp_path)
    reading = Reading(
        ms_sensor="Sentinel-2A", offset=(0, 0, -0.1), nodata=float(small.hrms_t1[0, 0, 0])
    )
    found = read_scene(*paths, reading)
    assert not found.valid_hr[0, 0]
    inside = found.valid_hr
    np.testing.assert_allclose(found.hrms_t2[:, inside], small.hrms_t2[:, inside] - 0.1, atol=1e-6)


def bare(small: Scene, folder: Path, ms_factor: float = 1.0) -> list[Path]:
    """Names of bands and nothing else."""
    names = [f"{nm:.3f} nm" for nm in small.hs.centre]
    return [
        write(folder / "h.tif", small.lrhs_t1, names),
        write(folder / "a.tif", ms_factor * small.hrms_t1, list(S2_4)),
        write(folder / "b.tif", ms_factor * small.hrms_t2, list(S2_4)),
    ]


@pytest.mark.parametrize("off", [0.3, -0.45])
def test_a_part_of_a_pixel_is_kept_as_a_shift_of_the_psf(
    off: float, small: Scene, tmp_path: Path
) -> None:
    names = [f"{nm:.3f} nm" for nm in small.hs.centre]
    moved = FINE @ Affine.translation(0, off) @ Affine.scale(3)
    paths = [
        write(tmp_path / "h.tif", small.lrhs_t1, names, crs=UTM, transform=moved),
        write(tmp_path / "a.tif", small.hrms_t1, list(S2_4), crs=UTM, transform=FINE),
        write(tmp_path / "b.tif", small.hrms_t2, list(S2_4), crs=UTM, transform=FINE),
    ]
    with pytest.warns(Doubt, match=rf"the HS lies \({off:.2f}, 0.00\) MS pixels off"):
        found = read_scene(*paths, ms_sensor="Sentinel-2A")
    assert [(round(p.shift_y, 6), p.shift_x) for p in found.psf] == [(off, 0.0)] * 2


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("sign", [",", ";", "\t", ", ", " ; "])
def test_band_tables_of_spreadsheets(sign: str, start: str, tmp_path: Path) -> None:
    centre = "500,5" if ";" in sign else "500.5"
    lines = [("Name", "centre", "fwhm"), ("a", centre, "10"), ("b", "600", "12"), ("", "", "")]
    path = tmp_path / "t.csv"
    path.write_text(start + "\n".join(sign.join(line) for line in lines), encoding="utf-8")
    found = from_csv(path)
    assert found.band_names == ("a", "b")
    np.testing.assert_allclose(found.centre, [500.5, 600])
    np.testing.assert_allclose(found.fwhm, [10, 12])
