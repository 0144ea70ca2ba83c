"""A scene too large for a page: overviews on the screen, spectra and close looks from the files."""

import base64
import zlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from viewer_page import (
    at,
    check_spectra,
    click,
    colour_at,
    last,
)

import stsf
from stsf.errors import InputError
from stsf.files.imagefile import ImageFile
from stsf.files.raster import write_image
from stsf.files.scenes import image_of, write_scene
from stsf.inspection import window_pixels
from stsf.lab.viewer import look
from stsf.lab.viewer.layers import Cube, of_scene
from stsf.lab.viewer.opening import of_folder
from stsf.plots.colour import rgb, stretch_limits
from stsf.scene import Scene
from stsf.sensing.bands import from_bands
from stsf.sensing.sensors import sentinel2

SIDE, BANDS = 402, 60


@pytest.fixture(scope="module")
def scene() -> Scene:
    """402 x 402 pixels, 60 bands: smooth in space and wavelength, no two pixels alike."""
    rng = np.random.default_rng(5)
    hs = from_bands(np.linspace(450, 920, BANDS), 8, name="large", gsd=30.0)
    y, x = np.indices((SIDE, SIDE)) / SIDE
    parts = np.stack([0.2 + 0.1 * y, 0.1 + 0.2 * x, 0.05 * np.sin(20 * x) * np.cos(15 * y) + 0.1])
    parts = parts + rng.normal(0, 0.004, parts.shape)
    curves = np.stack([np.sin(np.arange(BANDS) / k) + 1.2 for k in (9, 14, 23)])

    def cube(gain: float) -> np.ndarray:
        return np.tensordot(gain * curves.T, parts, axes=1).astype(np.float32) / 2

    x1, x2 = cube(1.0), cube(1.3)
    x2[:, 100:120, 200:230] *= 0.5
    ms = sentinel2("A")
    near = np.abs(ms.centre[:, None] - hs.centre).argmin(axis=1)
    coarse = x1.reshape(BANDS, SIDE // 3, 3, SIDE // 3, 3).mean(axis=(2, 4))
    change = np.zeros((SIDE, SIDE), np.uint8)
    change[100:120, 200:230] = 1
    return Scene(
        coarse, x1[near], x2[near], hs, ms, hrhs_t1=x1, hrhs_t2=x2, change=change, name="large",
        crs=CRS.from_epsg(32633), transform=Affine(10.0, 0.0, 5e5, 0.0, -10.0, 5e6),
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(scene, tmp_path_factory) -> SimpleNamespace:
    folder = write_scene(scene, tmp_path_factory.mktemp("scene") / "large")
    x2 = write_image(folder.parent / "x2.tif", image_of(scene, "hrhs_t2"))
    return SimpleNamespace(folder=folder, fused=SimpleNamespace(hrhs_t2=x2))


@pytest.fixture(scope="module")
def small_pages() -> Any:
    """As if a page could hold no more than 70 x 70 pixels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(look, "MOST_PIXELS", 70 * 70)
        patch.setattr(look, "LOOK_PIXELS", 70 * 70)
        patch.setattr("stsf.lab.viewer.viewer.LOOK_PIXELS", 70 * 70)
        yield


@pytest.fixture(scope="module")
def explored(files, small_pages) -> Any:
    return stsf.explore(files.folder, files.fused)


@pytest.fixture(scope="module")
def page(explored, serve) -> Any:
    return serve(explored)


@pytest.fixture
def reads(monkeypatch) -> list[int]:
    """How many values each reading of a file brings into memory."""
    sizes: list[int] = []
    values = ImageFile._values

    def spy(self, source, rows, columns):
        found = values(self, source, rows, columns)
        sizes.append(found.size)
        return found

    monkeypatch.setattr(ImageFile, "_values", spy)
    return sizes


def test_files_are_looked_at_in_overviews_and_windows_only(files, small_pages, reads) -> None:
    whole = BANDS * SIDE * SIDE
    viewer = stsf.explore(files.folder, files.fused)
    assert viewer.step == 8 and reads and sum(reads) < 0.5 * whole  # two looks, glances of all
    assert max(reads) <= BANDS * 128 * 128  # glances of 100 x 100 pixels, looks of 50 x 50
    reads.clear()
    viewer.answer({"spectra": {"centre": [401, 0], "window": 5}})
    assert max(reads) <= BANDS * 5 * 5
    reads.clear()
    viewer.answer({"part": [[100, 200], [160, 250]]})
    assert max(reads) <= BANDS * 66 * 66
    reads.clear()
    part = stsf.explore(files.folder, files.fused, part=(300, 30, 60))
    assert part.size == (60, 60) and part.step == 1
    assert max(reads) <= BANDS * 128 * 128
    assert sum(reads) < 4 * BANDS * 100 * 100 + 4 * BANDS * 60 * 60


def test_a_part_of_the_files_is_the_part_of_the_scene(files, scene) -> None:
    layers = of_folder(files.folder, files.fused).crop(slice(100, 120), slice(10, 30))
    inner = of_scene(scene, scene).crop(slice(100, 120), slice(10, 30))
    assert layers.size == inner.size == (60, 60) and set(layers.cubes) < set(inner.cubes)
    for key in layers.cubes:
        np.testing.assert_allclose(layers.read(key), inner.read(key), atol=0.51e-4)
    assert (
        layers.transform == inner.transform == scene.crop(slice(100, 120), slice(10, 30)).transform
    )
    np.testing.assert_array_equal(layers.change.read(), inner.change.read())


def test_memory_and_files_give_one_look(files, scene, small_pages) -> None:
    on_disk = look.look_at(of_folder(files.folder, files.fused))
    in_memory = look.look_at(of_scene(scene, SimpleNamespace(hrhs_t2=scene.hrhs_t2)))
    assert on_disk.shape == in_memory.shape == (50, 50)
    for key, cube in in_memory.cubes.items():  # 402 pixels are 50.25 of 8
        assert np.abs(on_disk.cubes[key] - cube).mean() < 0.004, key
    near = look.look_at(of_folder(files.folder), (slice(100, 160), slice(30, 90)))
    assert near.step == 1 and near.part == (slice(99, 162), slice(30, 90))
    np.testing.assert_allclose(
        near.cubes["truth_t1"], scene.hrhs_t1[:, 99:162, 30:90], atol=0.51e-4
    )


def test_means_leave_out_what_has_no_data() -> None:
    cube = np.arange(24, dtype=np.float32).reshape(1, 4, 6)
    valid = np.ones((4, 6), bool)
    valid[0, 0] = valid[2:, 4:] = False
    found = Cube(cube, valid).read(shape=(2, 3))
    np.testing.assert_allclose(found[0, 0], [(1 + 6 + 7) / 3, 5.5, 7.5])
    assert np.isnan(found[0, 1, 2]) and found[0, 1, 0] == 15.5
    codes = Cube(np.array([[[0, 0, 4, 4]]], np.uint8)).read(shape=(1, 2))
    assert codes.tolist() == [[[0, 4]]] and codes.dtype == np.uint8


def test_files_that_do_not_fit_are_refused(files, tmp_path, scene) -> None:
    other = write_image(
        tmp_path / "x.tif", image_of(scene.crop(slice(0, 9), slice(0, 9)), "hrhs_t2")
    )
    with pytest.raises(InputError, match="take the file that belongs to this scene"):
        stsf.explore(files.folder, SimpleNamespace(hrhs_t2=other))
    with pytest.raises(InputError, match="nothing at"):
        stsf.explore(tmp_path)
    with pytest.raises(InputError, match="begins within"):
        stsf.explore(files.folder, part=(402, 0, 5))


@pytest.mark.browser
def test_a_click_on_an_overview_is_the_pixel_itself(page, explored, scene) -> None:
    page.evaluate("viewer.clear(); viewer.reset()")
    fused = SimpleNamespace(hrhs_t2=scene.hrhs_t2)
    assert "mean of 8 × 8 pixels" in page.inner_text("#footer")
    for y, x in ((0, 0), (401, 401), (0, 401), (203, 77)):
        asked = page.evaluate("viewer.items.length")
        place = at(page, y, x)
        page.evaluate(f"viewer.pin({y}, {x})") if (y, x) == (203, 77) else page.mouse.click(*place)
        page.wait_for_function(f"viewer.items.length > {asked} && viewer.items.at(-1).step === 1")
        item = last(page)
        dy, dx = np.subtract(item["centre"], (y, x))
        assert abs(dy) <= 1 and abs(dx) <= 1  # one screen pixel is 1.4 of the scene's
        pixel = window_pixels(tuple(item["centre"]), 1, scene.size)
        check_spectra(item, of_scene(scene, fused).spectra(pixel), 1e-4)
        assert item["pixels"] == 1
    assert "true change" in page.inner_text("#items thead")
    page.evaluate("viewer.pin(110, 215)")
    page.wait_for_function("viewer.items.at(-1).step === 1")
    assert "harvest" in page.inner_text("#rows tr:last-child")
    assert [pin["centre"] for pin in explored.pins][-1] == [110, 215]


@pytest.mark.browser
def test_the_curve_under_the_pointer_becomes_that_of_the_pixel(page, scene) -> None:
    page.evaluate("viewer.clear(); viewer.reset()")
    page.mouse.move(*at(page, 150, 250))
    page.wait_for_function("viewer.live?.truth_t2.count === 1 && !viewer.asking")
    y, x = page.evaluate("viewer.pointer")
    page.wait_for_function(
        f"Math.abs(viewer.live.truth_t2.mean[30] - {scene.hrhs_t2[30, y, x]}) < 1e-4"
    )
    page.mouse.move(5, 5)


@pytest.mark.browser
def test_regions_come_from_the_file_unless_they_are_too_large(page, scene) -> None:
    page.evaluate("viewer.clear(); viewer.reset()")
    box = "{type: 'rect', x0: 9.5, x1: 29.5, y0: 49.5, y1: 59.5}"
    page.evaluate(f"viewer.region({box}, true)")
    page.wait_for_function("viewer.items[0]?.step === 1")
    item = last(page)
    assert item["pixels"] == 200
    values = scene.hrhs_t2[:, 50:60, 10:30].reshape(BANDS, -1)
    np.testing.assert_allclose(item["spectra"]["hrhs_t2"]["mean"], values.mean(1), atol=1e-4)
    np.testing.assert_allclose(item["spectra"]["hrhs_t2"]["spread"], values.std(1), atol=1e-4)
    page.evaluate("viewer.region({type: 'rect', x0: 9.5, x1: 309.5, y0: 9.5, y1: 309.5}, true)")
    page.page.wait_for_timeout(300)
    assert "of 8×8" in page.inner_text("#rows tr:last-child")


@pytest.mark.browser
def test_a_closer_look_shows_the_pixels(page, scene) -> None:
    page.evaluate("viewer.clear(); viewer.reset()")
    page.select_option("#source1", "truth_t2")
    page.select_option("#stretch", "own")
    home = page.evaluate("viewer.data.look === viewer.data.whole")
    page.evaluate("""viewer.ranges[0].setv({start: 185.5, end: 215.5});
        viewer.ranges[1].setv({start: 215.5, end: 185.5})""")
    page.wait_for_function("viewer.data.look.step === 1")
    assert home and page.evaluate("viewer.data.look.holds(viewer.view())")
    page.mouse.move(5, 5)
    whole = stretch_limits([(np.array(scene.hrhs_t2), scene.hs.centre)])
    want = 255 * rgb(scene.hrhs_t2, scene.hs.centre, stretch=whole)
    top, left, low, right = page.evaluate("viewer.view()")
    y, x = (top + low) // 2, (left + right) // 2
    for where in ((y, x), (y + 3, x - 4)):
        found = colour_at(page, *where, 1)
        assert np.abs(found - want[where]).max() <= 14, where  # limits are those of 8 x 8 means
    item = click(page, y, x)
    assert item["centre"] == [y, x]
    assert "of the part in view" in page.inner_text("#scores")
    page.click("#reset")
    page.wait_for_function("viewer.data.look === viewer.data.whole")


@pytest.mark.browser
def test_a_saved_page_of_a_large_scene_says_what_its_pixels_are(
    explored,
    scene,
    open_page,
    tmp_path,
) -> None:
    page = open_page(explored.save_html(tmp_path / "large.html"))
    item = click(page, 200, 100)
    assert page.evaluate("viewer.items[0].step") == 8
    assert "1 of 8×8" in page.inner_text("#rows")
    means = scene.hrhs_t2[:, :400, :400].reshape(BANDS, 50, 8, 50, 8).mean(axis=(2, 4))
    index = item["indices"][0]
    found = item["spectra"]["truth_t2"]["mean"]
    np.testing.assert_allclose(found, means[:, index // 50, index % 50], atol=0.02)
    page.close()


def test_the_answer_of_a_look_holds_what_it_says(explored) -> None:
    answer = explored.answer({"part": [[10, 20], [60, 70]]})
    blob = zlib.decompress(base64.b64decode(answer["blob"]))
    place = answer["look"]["sources"]["hrms_t2"]["counts"]
    size = int(np.prod(place["shape"]))
    counts = np.frombuffer(blob, place["type"], size, place["at"]).reshape(place["shape"])
    assert answer["look"]["step"] == 1 and counts.shape[1:] == (51, 54)
    assert (answer["look"]["top"], answer["look"]["left"]) == (9, 18)
