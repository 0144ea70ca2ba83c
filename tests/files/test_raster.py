"""Files in and out: nothing is lost but the stated rounding, and no half-written file survives."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio._err import CPLE_AppDefinedError
from rasterio.crs import CRS

from stsf.errors import InputError
from stsf.files import imagefile, raster
from stsf.files.atomic import alone, replacing
from stsf.files.imagefile import Image, read_image, readable
from stsf.files.raster import write_image, writing_parts

UTM33 = CRS.from_epsg(32633)
IN_NM = ["wavelength = {418.24, 550.5, 850}", "fwhm = {7, 8.5, 12}"]
IN_UM = ["wavelength = {0.41824, 0.5505, 0.85}", "fwhm = {0.007, 0.0085, 0.012}"]
PLACE = Affine(10.0, 0.0, 465_000.0, 0.0, -10.0, 5_080_000.0)


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    cube = rng.uniform(-0.01, 1.2, (3, 5, 7)).astype(np.float32)
    cube[:, 1, 2] = np.nan
    return Image(
        cube,
        names=("blue", "green", ""),
        wavelength=np.array([418.24, 550.5, 2445.53]),
        fwhm=np.array([6.99561, 10.0, 8.25]),
        sensor="Mine",
        date="2025-07-24",
        crs=UTM33,
        transform=PLACE,
    )


def envi(folder, lines, counts=None):
    """A raw 3-band, 2 x 3 pixel int16 cube with an ENVI header."""
    counts = np.arange(18, dtype="<i2").reshape(3, 2, 3) if counts is None else counts
    counts.tofile(folder / "cube.img")
    header = ["ENVI", "samples = 3", "lines = 2", "bands = 3", "header offset = 0"]
    header += ["file type = ENVI Standard", "data type = 2", "interleave = bsq", "byte order = 0"]
    (folder / "cube.hdr").write_text("\n".join([*header, *lines]))
    return folder / "cube.img"


def test_float_round_trip_is_exact(tmp_path, image):
    back = read_image(write_image(tmp_path / "a.tif", image))
    np.testing.assert_array_equal(back.cube, image.cube)
    assert back.cube.dtype == np.float32


def test_band_table_and_georeference_round_trip(tmp_path, image):
    back = read_image(write_image(tmp_path / "a.tif", image))
    np.testing.assert_allclose(back.wavelength, image.wavelength, atol=1e-3)
    np.testing.assert_allclose(back.fwhm, image.fwhm, atol=1e-3)
    assert back.names == ("blue", "green", "2445.5 nm")  # a nameless band is called by wavelength
    assert (back.sensor, back.date, back.crs) == ("Mine", "2025-07-24", UTM33)
    assert back.transform == PLACE
    assert back.good is None


def test_int16_round_trip_rounds_to_half_a_count(tmp_path, image):
    path = write_image(tmp_path / "a.tif", image, "int16")
    back = read_image(path)
    hole = np.isnan(image.cube)
    np.testing.assert_array_equal(np.isnan(back.cube), hole)
    assert np.abs(back.cube - image.cube)[~hole].max() <= 0.5e-4 + 1e-7
    assert back.cube[~hole].min() < 0  # noise over dark water may be negative
    with rasterio.open(path) as raw:
        assert raw.dtypes == ("int16",) * 3 and raw.nodata == -32768
        assert raw.scales == (1e-4,) * 3
        assert raw.profile["interleave"] == "pixel" and raw.block_shapes[0] == (128, 128)


def test_codes_round_trip(tmp_path):
    codes = np.array([[[0, 1, 4], [255, 2, 3]]], dtype=np.uint8)
    path = write_image(tmp_path / "change.tif", Image(codes, ("change",)), "uint8")
    np.testing.assert_array_equal(read_image(path).cube, codes)


def test_nothing_known_stays_unknown_and_nobody_is_warned(tmp_path, recwarn):
    back = read_image(write_image(tmp_path / "a.tif", Image(np.ones((2, 3, 4), np.float32))))
    assert back.wavelength is back.fwhm is back.good is back.crs is back.transform is None
    assert back.sensor is back.date is None and back.names == ("", "")
    assert not recwarn.list


def test_scale_offset_and_nodata_of_a_foreign_file(tmp_path):
    path = tmp_path / "dn.tif"
    profile = dict(driver="GTiff", count=2, height=1, width=3, dtype="uint16", nodata=0)
    with rasterio.open(path, "w", transform=PLACE, **profile) as target:
        target.write(np.array([[[0, 1000, 3000]], [[2000, 0, 500]]], dtype=np.uint16))
        target.scales, target.offsets = (1e-4, 2e-4), (-0.1, 0.0)
    expected = [[[np.nan, 0.0, 0.2]], [[0.4, np.nan, 0.1]]]
    np.testing.assert_allclose(read_image(path).cube, expected, atol=1e-6)


def test_scale_given_by_the_caller(tmp_path):
    counts = read_image(envi(tmp_path, [])).cube
    np.testing.assert_allclose(read_image(tmp_path / "cube.img", scale=0.5).cube, 0.5 * counts)


@pytest.mark.parametrize(
    "lines",
    [
        ["wavelength units = Nanometers", *IN_NM],
        ["wavelength units = Micrometers", *IN_UM],
        IN_NM,
        IN_UM,
        ["wavelength units = Unknown", *IN_NM],
    ],
    ids=["nm", "um", "no unit, nm", "no unit, um", "unknown unit"],
)
def test_envi_wavelengths_whatever_the_unit(tmp_path, lines):
    found = read_image(envi(tmp_path, lines))
    np.testing.assert_allclose(found.wavelength, [418.24, 550.5, 850.0])
    np.testing.assert_allclose(found.fwhm, [7.0, 8.5, 12.0])


def test_envi_values_bad_bands_and_ignored_value(tmp_path):
    lines = ["bbl = {1, 0, 1}", "data ignore value = 17", "reflectance scale factor = 100"]
    found = read_image(envi(tmp_path, lines))
    assert found.good.tolist() == [True, False, True]
    expected = np.arange(18).reshape(3, 2, 3) / 100
    expected[2, 1, 2] = np.nan
    np.testing.assert_allclose(found.cube, expected, rtol=1e-6)


def test_envi_offsets_are_in_the_units_of_the_values(tmp_path):
    """Reflectance is (value + offset) / factor: counts 0, 1, 2 ... with 1000 taken off, by hand."""
    lines = ["data offset values = {-1000, -1000, -1000}", "reflectance scale factor = 10000"]
    found = read_image(envi(tmp_path, lines)).cube
    np.testing.assert_allclose(found.ravel()[:2], [-0.1, -0.0999], atol=1e-6)


def test_band_list_of_another_length_is_not_used(tmp_path):
    found = read_image(envi(tmp_path, ["bbl = {1, 0}"]))
    assert found.good is None


def test_product_tags_per_band(tmp_path):
    """EnMAP's L2A writes plain `wavelength`, `fwhm` and `bbl` tags on each band."""
    path = tmp_path / "product.tif"
    profile = dict(driver="GTiff", count=2, height=2, width=2, dtype="float32")
    with rasterio.open(path, "w", transform=PLACE, **profile) as target:
        target.write(np.ones((2, 2, 2), np.float32))
        for band, (centre, flag) in enumerate([("418.24", "1"), ("1331.22", "0")], start=1):
            target.update_tags(
                band, wavelength=centre, wavelength_units="Nanometers", fwhm="7.5", bbl=flag
            )
    found = read_image(path)
    np.testing.assert_allclose(found.wavelength, [418.24, 1331.22])
    np.testing.assert_allclose(found.fwhm, [7.5, 7.5])
    assert found.good.tolist() == [True, False]


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs Linux's count of bytes read")
@pytest.mark.parametrize("bands", [100, 130])
def test_overviews_do_not_read_a_wide_image_once_for_each_band(tmp_path, bands):
    """Two rows of its blocks are more than GDAL keeps here, 128 bands more than it ever does."""

    def read() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    height, width = 512, 1024
    table = Image(np.zeros((bands, 1, 1), np.float32))
    strip = np.tile(np.linspace(0, 1, width, dtype=np.float32), (bands, height, 1))
    with rasterio.Env(GDAL_CACHEMAX=16_000_000):
        before = read()
        with writing_parts(tmp_path / "a.tif", table, (height, width), "int16") as write:
            write(strip, 0, 0)
        assert read() - before < 6 * 2 * strip.size  # bytes of its counts
    assert read_image(tmp_path / "a.tif").cube[-1, 0, -1] == pytest.approx(1.0)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"expected an image file, found nothing at .*gone\.tif"):
        read_image(tmp_path / "gone.tif")


@pytest.mark.parametrize("content", [b"", b"II*\0 this is no image", b"<html>404</html>"])
def test_foreign_file(tmp_path, content):
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"expected a complete raster, could not read .*a\.tif"):
        read_image(path)


def test_truncated_file(tmp_path, image):
    path = write_image(tmp_path / "a.tif", image)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"expected a complete raster.*copy or download it again"):
        read_image(path)


def test_an_error_of_gdal_itself_is_one_sentence():
    with pytest.raises(InputError, match=r"could not read a\.tif .*no directory"):
        with readable(Path("a.tif")):
            raise CPLE_AppDefinedError(3, 1, "no directory")


def test_truncated_envi_file(tmp_path):
    path = envi(tmp_path, [])
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match="expected a complete raster"):
        read_image(path)


def test_reflectance_that_int16_cannot_hold(tmp_path, image):
    image.cube[0, 0, 0] = 3.3
    with pytest.raises(InputError, match=r"int16 files hold reflectance up to 3\.2767, got 3\.3"):
        write_image(tmp_path / "a.tif", image, "int16")
    assert list(tmp_path.iterdir()) == []


def test_the_count_of_nodata_is_no_value(tmp_path):
    with pytest.raises(InputError, match="int16 files hold"):
        write_image(tmp_path / "a.tif", Image(np.full((1, 2, 2), -3.2768)), "int16")


@pytest.mark.parametrize("failure", [RuntimeError("half-way"), KeyboardInterrupt()])
def test_a_writer_that_stops_half_way_leaves_the_old_file(tmp_path, failure):
    path = tmp_path / "a.tif"
    path.write_text("old")
    with pytest.raises(type(failure)), replacing(path) as temporary:
        temporary.write_text("half of the new")
        raise failure
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


def test_a_failing_raster_write_leaves_the_old_file(tmp_path, image, monkeypatch):
    path = write_image(tmp_path / "a.tif", image)
    before = path.read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("stsf.files.raster._write_bands", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_image(path, image, "int16")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


def test_the_new_file_takes_the_place_of_the_old(tmp_path, image):
    path = write_image(tmp_path / "new folder" / "a.tif", Image(np.zeros((1, 2, 2), np.float32)))
    write_image(path, image)
    assert read_image(path).cube.shape == (3, 5, 7)
    assert [p.name for p in path.parent.iterdir()] == ["a.tif"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_written_files_follow_the_umask(tmp_path, image):
    before = os.umask(0o027)
    try:
        path = write_image(tmp_path / "a.tif", image)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_exist(tmp_path, image):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"expected to write .*choose a folder that exists"):
        write_image(tmp_path / "file" / "a.tif", image)


@pytest.mark.parametrize("reason", ["Permission denied", "No space left on device"])
def test_a_folder_that_cannot_be_written(tmp_path, image, monkeypatch, reason):
    def refuse(*_args, **_named):
        raise OSError(13, reason)

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    with pytest.raises(InputError, match=f"expected to write .*{reason}: choose a folder"):
        write_image(tmp_path / "a.tif", image)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
@pytest.mark.parametrize("short", [1, 3, 5_000, 40_000, 80_000, 120_000, 200_000, 300_000])
def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path, short):
    """Room for all but a few bytes, all but the last block, not even for the overviews."""
    noise = Image(np.random.default_rng(0).random((6, 150, 140)).astype(np.float32))
    path = write_image(tmp_path / "a.tif", noise)
    before = path.read_bytes()
    code = f"""
import resource, signal, numpy as np
from pathlib import Path
from stsf.files import raster
make = raster.copy
def copy_into_little_room(*files, **options):
    resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) - short},) * 2)
    make(*files, **options)
raster.copy = copy_into_little_room
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
noise = raster.Image(np.random.default_rng(0).random((6, 150, 140)).astype(np.float32))
with raster.replacing(Path({str(path)!r})) as temporary:
    with raster.writing_parts(temporary, noise, (150, 140)) as write:
        write(noise.cube, 0, 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "InputError: expected to write" in done.stderr
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A cube of 401 x 300 pixels that counts its rows and columns, with a hole; and its file."""
    y, x = np.indices((401, 300), dtype=np.float32) / 1000
    cube = np.stack([y, x, y + x, 1 - y])
    cube[:, 130:140, 7:20] = np.nan
    image = Image(cube, sensor="Mine", crs=UTM33, transform=PLACE)
    path = write_image(tmp_path_factory.mktemp("wide") / "wide.tif", image, "int16")
    return cube, path


def test_written_files_are_cloud_optimized(wide):
    _, path = wide
    with rasterio.open(path) as file:
        structure = file.tags(ns="IMAGE_STRUCTURE")
        assert structure["LAYOUT"] == "COG" and structure["INTERLEAVE"] == "PIXEL"
        assert file.block_shapes == [(128, 128)] * 4 and file.overviews(1) == [2, 4]
    places = {}
    for level in (None, 0, 1):  # a COG begins with its headers, then come the smallest overviews
        with (
            rasterio.open(path, overview_level=level)
            if level is not None
            else rasterio.open(path) as file
        ):
            assert file.block_shapes[0] == (128, 128)
            places[level] = int(file.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    assert places[1] < places[0] < places[None]


@pytest.mark.parametrize("lost", [1, 200, 20_000])
def test_a_file_that_lost_its_end_is_refused(wide, tmp_path, lost):
    content = wide[1].read_bytes()
    (tmp_path / "cut.tif").write_bytes(content[:-lost])
    with pytest.raises(InputError, match=r"could not read .*its last part is missing"):
        read_image(tmp_path / "cut.tif", part=(slice(0, 4), slice(0, 4)))


def test_a_part_is_a_slice_of_the_whole(wide):
    cube, path = wide
    whole = read_image(path)
    np.testing.assert_allclose(whole.cube, cube, atol=0.51e-4)
    for rows, columns in ((slice(120, 145), slice(0, 30)), (slice(400, 401), slice(299, 300))):
        part = read_image(path, part=(rows, columns))
        np.testing.assert_array_equal(part.cube, whole.cube[:, rows, columns])
        assert part.transform @ (0, 0) == PLACE @ (columns.start, rows.start)


def test_an_overview_is_the_mean_of_its_pixels_and_lies_where_they_lie(wide):
    cube, path = wide
    half = read_image(path, part=(slice(0, 400), slice(0, 300)), shape=(200, 150))
    blocks = cube[:, :400].reshape(4, 200, 2, 150, 2)
    full = np.isfinite(blocks).all(axis=(2, 4))
    off = np.abs(half.cube - blocks.mean(axis=(2, 4)))
    assert off[1][full[1]].max() < 6e-4  # 300 columns are 150 pairs
    assert off[0][full[0]].max() < 1.1e-3  # 401 rows are not: half a pixel of the overview
    assert np.isnan(half.cube[:, 66, 5]).all()  # inside the hole
    small = read_image(path, shape=(100, 75))
    assert small.transform @ (75, 100) == pytest.approx(PLACE @ (300, 401))
    centre = (np.arange(100) + 0.5) * 401 / 100 - 0.5
    np.testing.assert_allclose(small.cube[0, :, 50], centre / 1000, atol=6e-4)


def test_codes_are_never_averaged(tmp_path):
    codes = np.zeros((1, 300, 300), np.uint8)
    codes[0, :, 150:] = 4
    path = write_image(tmp_path / "change.tif", Image(codes), "uint8")
    found = read_image(path, shape=(37, 37)).cube
    assert set(np.unique(found)) == {0, 4} and found[0, :, :18].max() == 0


def test_a_scene_written_part_by_part_is_the_scene(tmp_path, wide):
    cube, path = wide
    table = read_image(path, part=(slice(0, 2), slice(0, 2)))
    target = tmp_path / "parts.tif"
    with replacing(target) as temporary:
        with writing_parts(temporary, table, (401, 300), "int16") as write:
            for top in range(0, 401, 100):
                write(cube[:, top : top + 100, :170], top, 0)
                write(cube[:, top : top + 100, 170:], top, 170)
    assert target.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("rows", [slice(-1, 5), slice(400, 402), slice(7, 7)])
def test_a_part_outside_is_refused(wide, rows):
    with pytest.raises(InputError, match=r"expected a part of the \(401, 300\) pixels .* move it"):
        read_image(wide[1], part=(rows, slice(0, 4)))


def test_a_part_costs_its_blocks_and_not_the_file(wide, tmp_path):
    """Destroy every block but one: what lies in that one is still read."""
    _, path = wide
    places = []
    with rasterio.open(path) as file:
        for y, x in set(np.ndindex(4, 3)) - {(2, 1)}:
            tags = [f"BLOCK_{what}_{x}_{y}" for what in ("OFFSET", "SIZE")]
            places.append([int(file.get_tag_item(tag, "TIFF", bidx=1)) for tag in tags])
    content = bytearray(path.read_bytes())
    for at, size in places:
        content[at : at + size] = bytes(size)
    broken = tmp_path / "broken.tif"
    broken.write_bytes(content)
    part = (slice(256, 384), slice(128, 256))
    np.testing.assert_array_equal(
        read_image(broken, part=part).cube, read_image(path, part=part).cube
    )
    np.testing.assert_array_equal(
        read_image(broken, shape=(100, 75)).cube, read_image(path, shape=(100, 75)).cube
    )
    with pytest.raises(InputError, match="complete raster"):
        read_image(broken, part=(slice(255, 384), slice(128, 256)))


def test_two_programs_do_not_make_one_file(tmp_path: Path) -> None:
    hold = (
        "import sys, time; from pathlib import Path; from stsf.files.atomic import alone\n"
        "with alone(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    out = tmp_path / "table.csv"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(out)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=r"another program is making .*table\.csv: wait"):
            alone(out).__enter__()
        with alone(tmp_path / "other.csv"):
            pass
        other.kill()
    with alone(out):  # a program that was killed holds nothing
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(20, 20), (7, 11)])
def test_a_large_file_without_overviews_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    """A ramp of 700 x 600 pixels: what is sampled lies where it is said to lie."""
    monkeypatch.setattr(imagefile, "MOST", 1000)
    rows, columns = np.mgrid[:700, :600]
    cube = np.stack([rows / 1000, columns / 1000]).astype(np.float32)
    profile = {"driver": "GTiff", "count": 2, "height": 700, "width": 600, "dtype": "float32"}
    with rasterio.open(tmp_path / "ramp.tif", "w", **profile) as target:
        target.write(cube)
    with imagefile.ImageFile(tmp_path / "ramp.tif") as file:
        assert not file.quick
        found = file.read(shape=shape)
    for axis, n in enumerate(cube.shape[1:]):
        step = n / shape[axis]
        middle = (np.arange(shape[axis]) + 0.5) * step / 1000
        along = found[axis].mean(axis=1 - axis)
        np.testing.assert_allclose(along, middle, atol=0.5 * step / 1000)


@pytest.mark.parametrize("before, after, said", [
    (1e6, 9e9, "No space left on device"),
    (9e9, 1.5e6, "No space left on device"),
    (9e9, 1.6e6, "directory at offset"),
])  # fmt: skip
def test_a_full_disk_is_called_so(tmp_path, image, monkeypatch, before, after, said):
    """Whatever GDAL says of it; and nothing else is. It takes 1.08 MB, packed 1.51 at most."""
    free, written = iter([before, after]), []

    def fail(*_files, **_options):
        raise CPLE_AppDefinedError(1, 1, "Failed to read directory at offset 13611008")

    monkeypatch.setattr(raster, "copy", fail)
    monkeypatch.setattr(raster.shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free)))
    with pytest.raises(InputError, match=f"the system says .*{said}"):
        with replacing(tmp_path / "a.tif") as temporary:
            with writing_parts(temporary, image, (300, 300)) as write:
                written.append(write(image.cube, 0, 0))
    assert bool(written) == (before > 1.08e6)
    assert list(tmp_path.iterdir()) == []
