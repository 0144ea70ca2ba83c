"""Scenes: what goes to disk comes back, and each inconsistency has its own sentence."""

import json
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from stsf.degradation import Psf, relative_psf
from stsf.errors import InputError
from stsf.files.identify import sensor_of
from stsf.files.imagefile import Image, read_image
from stsf.files.raster import write_image
from stsf.files.scenes import FILES, NOTES, image_of, open_scene, read_scene, to_xarray, write_scene
from stsf.linear import fill_gaps
from stsf.scene import Scene
from stsf.sensing.bands import from_bands
from stsf.sensing.sensors import S2_10, ahsi, sentinel2

UTM33 = CRS.from_epsg(32633)
PLACE = Affine(10.0, 0.0, 465_000.0, 0.0, -10.0, 5_080_000.0)
DATES = ("2025-05-14", "2025-05-16", "2025-07-25")
HS = ahsi().select(np.arange(5, 60, 2))  # 28 bands
MS = sentinel2("A")


def reflectance(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.02, 0.6, shape).astype(np.float32)


def make(h=4, w=5, ratio=3, hs=HS, ms=MS, **changes):
    height, width = h * ratio, w * ratio
    given = dict(
        lrhs_t1=reflectance(len(hs), h, w, seed=1),
        hrms_t1=reflectance(len(ms), height, width, seed=2),
        hrms_t2=reflectance(len(ms), height, width, seed=3),
        hs=hs,
        ms=ms,
        crs=UTM33,
        transform=PLACE,
        dates=DATES,
    )
    return Scene(**given | changes)


def with_truth(**changes):
    scene = make(**changes)
    shape = (len(scene.hs), *scene.size)
    change = np.random.default_rng(6).integers(0, 5, scene.size, dtype=np.uint8)
    return replace(
        scene,
        hrhs_t1=reflectance(*shape, seed=4),
        hrhs_t2=reflectance(*shape, seed=5),
        change=change,
    )


def assert_same_sensor(found, expected):
    assert found.name == expected.name and found.band_names == expected.band_names
    assert found.gsd == expected.gsd and found.mtf == expected.mtf
    np.testing.assert_array_equal(found.detector, expected.detector)
    np.testing.assert_allclose(found.centre, expected.centre, atol=1e-3)
    np.testing.assert_allclose(found.fwhm, expected.fwhm, atol=1e-3)
    assert (found.srf is None) == (expected.srf is None)
    if expected.srf is not None:
        np.testing.assert_array_equal(found.srf, expected.srf)
        np.testing.assert_array_equal(found.srf_wavelength, expected.srf_wavelength)


# ------------------------------------------------------------------------------- to disk and back


def test_a_scene_comes_back_from_disk(tmp_path):
    scene = with_truth(psf=(Psf(1.4, 1.5, 0.3, -0.2), Psf(1.9, 1.8)), snr_hs=31.0, snr_ms=37.0)
    back = open_scene(write_scene(scene, tmp_path / "place"))
    for key in FILES:
        difference = np.abs(getattr(back, key).astype(float) - getattr(scene, key))
        assert difference.max() <= (0 if key == "change" else 0.5e-4 + 1e-7), key
    assert back.change.dtype == np.uint8
    assert (back.crs, back.transform, back.dates) == (UTM33, PLACE, DATES)
    assert (back.psf, back.snr_hs, back.snr_ms) == (scene.psf, 31.0, 37.0)
    assert back.name == "place" and back.ratio == 3 and back.size == (12, 15)
    assert back.valid_hr.all() and back.valid_lr.all()
    assert_same_sensor(back.hs, scene.hs)
    assert_same_sensor(back.ms, scene.ms)


@pytest.mark.parametrize(
    "ms",
    [
        sentinel2("B", S2_10),
        sentinel2("A", ("B8", "B4", "B3")),
        sentinel2("A", ("B2", "B11", "B5")),
    ],
    ids=["S2B, ten bands", "descending", "any three"],
)
def test_measured_responses_survive_the_disk(tmp_path, ms):
    back = open_scene(write_scene(make(ms=ms, hs=ahsi().select(np.arange(0, 140, 2))), tmp_path))
    assert_same_sensor(back.ms, ms)


def test_a_sensor_nobody_knows_survives_the_disk(tmp_path):
    hs = from_bands(
        np.arange(450.0, 1650.0, 40.0),
        35.0,
        "Mine",
        gsd=12.0,
        detector=np.zeros(30, int),
        mtf=((0.2, 0.25),),
    )
    scene = make(hs=hs)
    back = open_scene(write_scene(scene, tmp_path))
    assert_same_sensor(back.hs, hs)
    assert back.psf == scene.psf and len(back.psf) == 1
    assert back.D.A(np.ones((30, 12, 15))).shape == (30, 4, 5)


def test_without_notes_the_sensors_defaults_hold(tmp_path):
    write_scene(make(psf=(Psf(1.0, 1.0), Psf(1.0, 1.0)), snr_hs=20.0), tmp_path)
    (tmp_path / NOTES).unlink()
    back = open_scene(tmp_path)
    assert back.psf == relative_psf(HS, MS, 3) and back.snr_hs == 35.0


@pytest.mark.parametrize("text", ["{", "[]", '{"psf": [[1, 1, 0, 0]]}', '{"hs": 3, "ms": 3}'])
def test_damaged_notes(tmp_path, text):
    write_scene(make(), tmp_path)
    (tmp_path / NOTES).write_text(text)
    with pytest.raises(InputError, match=r"expected the notes of write_scene .*delete the file"):
        open_scene(tmp_path)


def test_pixels_without_data_stay_without_data(tmp_path):
    scene = make()
    scene.lrhs_t1[3, 1, 2] = scene.hrms_t1[0, 4, 5] = scene.hrms_t2[:, 7, 8] = np.nan
    masked = np.ones((12, 15), bool)
    masked[0, 0] = False
    scene = make(
        lrhs_t1=scene.lrhs_t1, hrms_t1=scene.hrms_t1, hrms_t2=scene.hrms_t2, valid_hr=masked
    )
    assert np.argwhere(~scene.valid_lr).tolist() == [[1, 2]]
    assert np.argwhere(~scene.valid_hr).tolist() == [[0, 0], [4, 5], [7, 8]]
    assert np.argwhere(~scene.valid_ms[0]).tolist() == [[0, 0], [4, 5]]
    assert np.argwhere(~scene.valid_ms[1]).tolist() == [[0, 0], [7, 8]]
    part = scene.crop(slice(1, 3), slice(1, 4))  # of 3 x 3 MS pixels
    assert np.argwhere(~part.valid_ms[1]).tolist() == [[4, 5]]
    assert np.isfinite(scene.lrhs_t1).all() and np.isfinite(scene.hrms_t2).all()
    back = open_scene(write_scene(scene, tmp_path))
    np.testing.assert_array_equal(back.valid_lr, scene.valid_lr)
    np.testing.assert_array_equal(back.valid_hr, scene.valid_hr)
    np.testing.assert_array_equal(back.valid_ms, scene.valid_ms)
    assert np.isnan(read_image(tmp_path / "hs_t1.tif").cube[:, 1, 2]).all()


def test_files_know_date_sensor_and_place(tmp_path):
    write_scene(with_truth(), tmp_path)
    dates = {file: read_image(tmp_path / file).date for file in FILES.values()}
    assert dates == {
        "hs_t1.tif": DATES[0],
        "ms_t1.tif": DATES[1],
        "ms_t2.tif": DATES[2],
        "truth_t1.tif": DATES[1],
        "truth_t2.tif": DATES[2],
        "change.tif": None,
    }
    assert read_image(tmp_path / "hs_t1.tif").sensor == "AHSI"
    assert read_image(tmp_path / "ms_t2.tif").names == ("B2", "B3", "B4", "B8")
    assert read_image(tmp_path / "hs_t1.tif").transform == PLACE * Affine.scale(3)
    assert read_image(tmp_path / "change.tif").transform == PLACE


def test_a_scene_without_place_or_dates(tmp_path, recwarn):
    back = open_scene(write_scene(make(crs=None, transform=None, dates=None), tmp_path))
    assert back.crs is back.transform is back.dates is None
    assert back.hrhs_t1 is back.change is None
    assert not recwarn.list


def test_truth_of_another_scene_is_not_mixed_in(tmp_path):
    write_scene(with_truth(), tmp_path)
    with pytest.raises(InputError, match=r"expected no truth_t1\.tif in .*another scene"):
        write_scene(make(), tmp_path)


def test_a_product_carries_the_mask_and_the_table():
    mask = np.ones((12, 15), bool)
    mask[2, 3] = False
    scene = make(valid_hr=mask)
    product = image_of(scene, "hrhs_t2", np.full((len(HS), 12, 15), 0.2))
    assert np.argwhere(np.isnan(product.cube[0])).tolist() == [[2, 3]]
    np.testing.assert_array_equal(product.wavelength, HS.centre)
    assert (product.transform, product.date) == (PLACE, DATES[2])


def test_bad_bands_are_dropped_on_reading(tmp_path):
    scene = make()
    write_scene(scene, tmp_path)
    counts = np.rint(1e4 * scene.lrhs_t1).astype("<i2")
    counts.tofile(tmp_path / "hs.img")
    flags = np.arange(len(HS)) % 5 > 0
    listed = {"wavelength": HS.centre, "fwhm": HS.fwhm, "bbl": flags.astype(int)}
    lines = [f"{key} = {{{', '.join(map(str, values))}}}" for key, values in listed.items()]
    (tmp_path / "hs.hdr").write_text(
        "ENVI\nsamples = 5\nlines = 4\nbands = 28\nheader offset = 0\ndata type = 2\n"
        "interleave = bsq\nbyte order = 0\nreflectance scale factor = 10000\n" + "\n".join(lines)
    )
    files = tmp_path / "hs.img", tmp_path / "ms_t1.tif", tmp_path / "ms_t2.tif"
    back = read_scene(*files, hs_sensor="AHSI", name="mine")
    np.testing.assert_allclose(back.hs.centre, HS.centre[flags])
    np.testing.assert_allclose(back.lrhs_t1, scene.lrhs_t1[flags], atol=0.51e-4)
    assert back.name == "mine" and back.dates is None  # the raw file has no date


# ------------------------------------------------------------------------------------ in memory


@pytest.mark.parametrize("ratio", [2, 3, 5, 10])
def test_ratio_and_size(ratio):
    scene = make(h=2, w=3, ratio=ratio)
    assert scene.ratio == ratio and scene.size == (2 * ratio, 3 * ratio)
    assert scene.D.A(np.ones((len(HS), *scene.size))).shape == scene.lrhs_t1.shape
    assert scene.D_ms.A(scene.hrms_t1).shape == (4, 2, 3)
    assert scene.R.A(np.ones((len(HS), 2, 2))).shape == (4, 2, 2)


def test_each_ms_band_is_blurred_like_the_nearest_hs_detector():
    ms = sentinel2("A", ("B8", "B11"))
    scene = make(hs=ahsi().select(np.arange(0, 140, 2)), ms=ms)
    assert scene.D_ms.detector.tolist() == [0, 1]


def test_noise_from_the_stated_ratio():
    scene = make(snr_hs=20.0, snr_ms=40.0)
    np.testing.assert_allclose(scene.noise_hs**2, (scene.lrhs_t1**2).mean((1, 2)) / 100, rtol=1e-5)
    np.testing.assert_allclose(scene.noise_ms**2, (scene.hrms_t1**2).mean((1, 2)) / 1e4, rtol=1e-5)


def test_crop_keeps_every_pixel_in_its_place():
    scene = with_truth()
    part = scene.crop(slice(1, 3), slice(2, 5))
    np.testing.assert_array_equal(part.lrhs_t1, scene.lrhs_t1[:, 1:3, 2:5])
    for key in ("hrms_t1", "hrms_t2", "hrhs_t1", "hrhs_t2", "change"):
        np.testing.assert_array_equal(getattr(part, key), getattr(scene, key)[..., 3:9, 6:15])
    assert part.transform * (0, 0) == scene.transform * (6, 3)


def test_xarray_places_the_pixel_centres():
    data = to_xarray(with_truth())
    assert data.hrhs_t2.dims == ("wavelength", "y", "x")
    np.testing.assert_array_equal(data.wavelength, HS.centre)
    assert (float(data.x[0]), float(data.y[0])) == (465_005.0, 5_079_995.0)
    assert (float(data.x_lr[1]), float(data.y_lr[1])) == (465_045.0, 5_079_955.0)
    assert data.attrs == {"ratio": 3, "hs": "AHSI", "ms": "Sentinel-2A"}


def test_gaps_take_the_nearest_valid_pixel():
    cube = np.array([[[1.0, np.nan, np.nan, 4.0]], [[5.0, 6.0, np.nan, 8.0]]])
    filled = fill_gaps(cube, np.isfinite(cube).all(axis=0))
    np.testing.assert_array_equal(filled, [[[1, 1, 4, 4]], [[5, 5, 8, 8]]])
    assert filled.dtype == np.float32 and np.isnan(cube).sum() == 3


# ------------------------------------------------------------------------------ what is refused


def refused(sentence, **changes):
    with pytest.raises(InputError, match=sentence):
        make(**changes)


def test_a_cube_without_band_axis():
    refused(r"hrms_t1 must be \(band, y, x\), got shape \(12, 15\)", hrms_t1=reflectance(12, 15))


def test_another_number_of_bands_than_the_sensor():
    refused(
        r"hrms_t2 has 3 bands, Sentinel-2A has 4: name the right sensor",
        hrms_t2=reflectance(3, 12, 15),
    )


def test_swapped_sensors_by_their_bands():
    refused(
        "expected more hyperspectral than multispectral bands, got 4 and 28",
        hs=MS,
        ms=HS,
        lrhs_t1=reflectance(4, 4, 5),
        hrms_t1=reflectance(28, 12, 15),
        hrms_t2=reflectance(28, 12, 15),
    )


@pytest.mark.parametrize("order", [[0, 2, 1, 3, 4], [0, 1, 1, 2, 3]])
def test_wavelengths_out_of_order(order):
    hs = HS.select(order)
    refused("wavelengths must increase from band to band, got", hs=hs, lrhs_t1=reflectance(5, 4, 5))


def test_ms_dates_on_two_grids():
    refused(
        r"both MS dates must share one grid, got \(9, 15\) and \(12, 15\)",
        hrms_t1=reflectance(4, 9, 15),
    )


def test_swapped_images_by_their_size():
    refused(
        r"the MS must be finer than the HS, got \(12, 15\) MS and \(24, 30\) HS",
        lrhs_t1=reflectance(28, 24, 30),
    )


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((5, 5), "12/5 = 2.4 and 15/5 = 3"),  # not whole
        ((4, 3), "12/4 = 3 and 15/3 = 5"),  # not one
        ((12, 15), "12/12 = 1 and 15/15 = 1"),  # nothing to sharpen
        ((1, 1), "12/1 = 12 and 15/1 = 15"),  # too far
    ],
)
def test_ratios_that_are_none(shape, told):
    refused(
        f"one HS pixel must span a whole number of MS pixels from 2 to 10, got {told}",
        lrhs_t1=reflectance(28, *shape),
    )


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("hrhs_t1", (28, 12, 14)),
        ("hrhs_t2", (27, 12, 15)),
        ("change", (4, 5)),
        ("valid_hr", (4, 5)),
        ("valid_ms", (12, 15)),
        ("valid_lr", (12, 15)),
    ],
)
def test_truth_and_maps_off_the_grid(key, shape):
    refused(
        rf"{key} must have shape .*, got {shape}".replace("(", r"\(").replace(")", r"\)"),
        **{key: np.ones(shape)},
    )


def test_no_valid_pixel():
    refused("lrhs_t1 has no valid pixel", lrhs_t1=np.full((28, 4, 5), np.nan))


def test_a_band_without_data():
    cube = reflectance(28, 4, 5)
    cube[7] = np.nan
    refused("every pixel misses at least one band: drop the bands", lrhs_t1=cube)


def test_digital_numbers():
    refused(
        r"hrms_t1 must be reflectance from 0 to 1, its 98th percentile is .* digital numbers",
        hrms_t1=1e4 * reflectance(4, 12, 15),
    )


def test_a_few_glinting_pixels_are_no_digital_numbers():
    cube = reflectance(28, 4, 5)
    cube[:, 0, 0], cube[0, 1, 1] = 0.5, 3.0
    assert make(lrhs_t1=cube).lrhs_t1.max() == 3.0


def test_a_constant_image():
    refused(
        r"hrms_t2 must vary, every value is 0\.25: check that it is the right file",
        hrms_t2=np.full((4, 12, 15), 0.25, np.float32),
    )


def test_dates_that_are_none():
    refused(r"dates must look like 2025-07-24, got", dates=("14.5.2025", *DATES[1:]))


def test_hs_and_ms_too_far_apart():
    refused(
        r"HS and MS at t1 must be at most 30 days apart, got 2025-05-14 and 2025-06-14 \(31 days\)",
        dates=("2025-05-14", "2025-06-14", "2025-07-25"),
    )
    assert make(dates=("2025-06-13", "2025-05-14", "2025-07-25")).dates[0] == "2025-06-13"


# ------------------------------------------------------------------------- what files contradict


def files(folder, **changes):
    """A scene on disk, with fields of single files replaced: hs_t1={"crs": ...}."""
    scene = make()
    write_scene(scene, folder)
    for stem, fields in changes.items():
        path = folder / f"{stem}.tif"
        write_image(path, replace(read_image(path), **fields))
    return [folder / FILES[key] for key in ("lrhs_t1", "hrms_t1", "hrms_t2")]


def test_another_crs(tmp_path):
    with pytest.raises(
        InputError,
        match=r"share at least 2 HS pixels.*\(EPSG:32632 against EPSG:32633\)",
    ):
        read_scene(*files(tmp_path, hs_t1={"crs": CRS.from_epsg(32632)}))


def test_another_extent(tmp_path):
    moved = PLACE * Affine.translation(0.5, 0)
    with pytest.raises(
        InputError,
        match=r"one extent, M1 differs from M2 by up to 0\.5 MS pixels: .*stsf prepare --hs ",
    ):
        read_scene(*files(tmp_path, ms_t1={"transform": moved}))


def test_the_hs_extent_counts_its_own_pixels(tmp_path):
    with pytest.raises(InputError, match=r"Y1 differs from M2 by up to 0\.5 MS pixels"):
        read_scene(*files(tmp_path, hs_t1={"transform": PLACE * Affine.scale(2.9)}))


def test_an_image_that_does_not_say_where_it_is(tmp_path):
    scene = read_scene(*files(tmp_path, hs_t1={"crs": None, "transform": None}))
    assert scene.crs == UTM33 and scene.transform == PLACE


def test_a_named_sensor_must_exist(tmp_path):
    with pytest.raises(InputError, match="expected a known sensor, got 'Hyperion'"):
        read_scene(*files(tmp_path), hs_sensor="Hyperion")


# ----------------------------------------------------------------------------- sensor of a file


def test_the_band_table_of_the_product_wins():
    image = Image(
        np.ones((2, 1, 1)), wavelength=np.array([501.0, 602.0]), fwhm=np.array([9.0, 9.5])
    )
    found = sensor_of(image, "AHSI", "--hs-sensor")
    assert found.name == "AHSI"
    np.testing.assert_array_equal(found.centre, [501.0, 602.0])
    np.testing.assert_array_equal(found.fwhm, [9.0, 9.5])


def test_a_measured_response_is_dropped_where_the_bands_are_others():
    image = Image(
        np.ones((2, 1, 1)), wavelength=np.array([520.0, 835.0]), fwhm=np.array([30.0, 99.0])
    )
    found = sensor_of(image, "Sentinel-2A", "--ms-sensor")
    assert found.srf is None and found.gsd == 10.0
    np.testing.assert_array_equal(found.centre, [520.0, 835.0])


def test_a_foreign_tag_is_no_error():
    image = Image(
        np.ones((3, 1, 1)), wavelength=np.array([500.0, 510.0, 530.0]), sensor="Some camera"
    )
    found = sensor_of(image, None, "--hs-sensor")
    assert found.name == "Some camera"
    np.testing.assert_array_equal(found.fwhm, [10.0, 15.0, 20.0])  # the spacing stands in


def test_bands_by_their_names():
    image = Image(np.ones((2, 1, 1)), names=("B11", "B3"))
    found = sensor_of(image, "Sentinel-2B", "--ms-sensor")
    assert found.band_names == ("B11", "B3") and found.srf is not None


def test_bands_by_their_number():
    names = ("first", "second", "third", "fourth")
    found = sensor_of(Image(np.ones((4, 1, 1)), names), "Sentinel-2A", "--ms-sensor")
    assert found.band_names == ("B2", "B3", "B4", "B8")


def test_neither_wavelengths_nor_sensor():
    with pytest.raises(
        InputError, match=r"expected band wavelengths .* name the sensor .*\(--x, out of AHSI"
    ):
        sensor_of(Image(np.ones((4, 1, 1))), None, "--x")


def test_a_known_sensor_with_another_number_of_bands():
    with pytest.raises(InputError, match="AHSI has 166 bands, the file has 4 and no wavelengths"):
        sensor_of(Image(np.ones((4, 1, 1))), "AHSI", "--hs-sensor")


def test_notes_are_plain_json(tmp_path):
    write_scene(make(snr_hs=31.0), tmp_path)
    assert json.loads((tmp_path / NOTES).read_text())["snr_hs"] == 31.0


@pytest.mark.parametrize("key", ["lrhs_t1", "hrms_t1", "hrms_t2"])
@pytest.mark.parametrize("kind", ["masked", "DataArray", "counts of a DataArray"])
def test_arrays_of_rasterio_and_xarray_make_a_scene(key, kind):
    import xarray as xr

    scene = make()
    cube, hole = getattr(scene, key), np.zeros(getattr(scene, key).shape, bool)
    hole[:, 1, 2] = True
    if kind == "masked":
        given = np.ma.masked_array(np.where(hole, -9999.0, cube), hole)
    elif kind == "DataArray":
        given = xr.DataArray(np.where(hole, np.nan, cube), dims=("band", "y", "x"))
    else:
        empty = {"_FillValue": -9999.0}
        given = xr.DataArray(np.where(hole, -9999.0, cube), dims=("band", "y", "x"), attrs=empty)
    found = replace(scene, **{key: given})
    valid = found.valid_lr if key == "lrhs_t1" else found.valid_hr
    assert type(getattr(found, key)) is np.ndarray
    assert not valid[1, 2] and valid.sum() == valid.size - 1
    np.testing.assert_array_equal(getattr(found, key)[:, valid], cube[:, valid])


def test_dates_may_be_dates():
    from datetime import date

    days = (date(2025, 7, 20), date(2025, 7, 24), date(2025, 9, 1))
    assert replace(make(), dates=days).dates == ("2025-07-20", "2025-07-24", "2025-09-01")
