"""Files that the kit did not write, in the viewer: shown right, or refused in a sentence."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from click.testing import CliRunner

import stsf
from stsf.cli import main
from stsf.errors import InputError
from stsf.files.raster import write_image
from stsf.files.scenes import image_of
from stsf.lab.viewer.opening import of_files
from stsf.scene import Scene
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import observe
from stsf.world.simulation import simulate

KEYS = ("lrhs_t1", "hrms_t1", "hrms_t2", "hrhs_t2")


@pytest.fixture(scope="module")
def scene() -> Scene:
    hs = ahsi()
    made = observe(
        simulate(3, size=48), hs.select(band_quality(hs.centre) == "clean"), sentinel2("A"), seed=3
    )
    return replace(made, crs="EPSG:32633", transform=Affine(10, 0, 4e5, 0, -10, 5e6))


def written(folder: Path, scene: Scene, order: slice = slice(None), **names: str) -> dict:
    """The scene's files under names of their own, bands in an order of their own."""
    files = {}
    for key in KEYS:
        image = image_of(scene, key)
        parts = {"cube": image.cube[order], "names": tuple(image.names)[order]}
        parts |= {k: getattr(image, k)[order] for k in ("wavelength", "fwhm")}
        files[key] = write_image(folder / names.get(key, f"{key}.tif"), replace(image, **parts))
    return files


def stored(path: Path, cube: np.ndarray, scene: Scene, **more: object) -> Path:
    """A file without band table."""
    profile = {
        "driver": "GTiff", "count": len(cube), "height": cube.shape[1], "width": cube.shape[2],
        "dtype": cube.dtype, "crs": scene.crs, "transform": scene.transform,
    }  # fmt: skip
    with rasterio.open(path, "w", **(profile | more)) as target:
        target.write(cube)
    return path


def test_bands_in_another_order_are_the_same_layers(tmp_path: Path, scene: Scene) -> None:
    files = written(tmp_path, scene, slice(None, None, -1))
    layers = of_files(files, SimpleNamespace(hrhs_t2=files["hrhs_t2"]))
    assert (np.diff(layers.hs.centre) > 0).all()
    order = [layers.ms.band_names.index(name) for name in scene.ms.band_names]
    for key in ("lrhs_t1", "truth_t2", "hrhs_t2"):
        wanted = getattr(scene, {"truth_t2": "hrhs_t2"}.get(key, key))
        np.testing.assert_allclose(layers.read(key), wanted, atol=0.51e-4)
    for key in ("hrms_t1", "hrms_t2"):
        np.testing.assert_allclose(layers.read(key)[order], getattr(scene, key), atol=0.51e-4)


@pytest.mark.parametrize("role", ["truth", "fused"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"transform": Affine(10, 0, 4e5 + 300, 0, -10, 5e6)}, "one extent"),
        ({"crs": "EPSG:32634"}, "one CRS"),
        ({"cube": 1e4}, "reflectance"),
        ({"bands": slice(0, 60)}, "all bands of the HS"),
    ],
)
def test_a_truth_or_product_that_does_not_fit_is_refused(
    tmp_path: Path, scene: Scene, role: str, change: dict, words: str
) -> None:
    files = written(tmp_path, scene)
    image = image_of(scene, "hrhs_t2")
    if "cube" in change:
        change = {"cube": image.cube * change["cube"]}
    if "bands" in change:
        kept = change["bands"]
        change = {k: getattr(image, k)[kept] for k in ("cube", "wavelength", "fwhm")}
        change["names"] = tuple(image.names)[kept]
    other = write_image(tmp_path / "other.tif", replace(image, **change))
    del files["hrhs_t2"]
    truth = {"hrhs_t2": other} if role == "truth" else {}
    fused = SimpleNamespace(hrhs_t2=other) if role == "fused" else None
    with pytest.raises(InputError, match=words):
        of_files(files | truth, fused)


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint16", "float64"])
def test_a_change_map_of_any_type_is_never_averaged(
    tmp_path: Path, scene: Scene, dtype: str
) -> None:
    files = written(tmp_path, scene)
    board = (np.indices(scene.size).sum(axis=0) % 2).astype(dtype)  # every mean would be a half
    path = stored(tmp_path / "c.tif", board[None], scene)
    with rasterio.open(path, "r+") as target:
        target.build_overviews([2, 4], rasterio.enums.Resampling.average)
    layers = of_files(files | {"change": path})
    assert layers.change is not None
    for shape in (scene.size, (24, 24), (12, 12)):
        assert set(np.unique(layers.change.read(shape=shape))) <= {0, 1}
    np.testing.assert_array_equal(layers.change.read()[0], board)


def test_fill_that_no_file_declares_sets_no_axis(tmp_path: Path, scene: Scene) -> None:
    files = {}
    for key in KEYS[:3]:
        image = image_of(scene, key)
        cube = image.cube.copy()
        cube[:, :, : cube.shape[2] // 4] = -9999
        files[key] = stored(
            tmp_path / f"{key}.tif", cube, scene,
            transform=image.transform,
        )  # fmt: skip
    reading = stsf.files.reading.Reading(hs_sensor=_table(tmp_path, scene), ms_sensor="Sentinel-2A",
                                         ms_bands="1-4")  # fmt: skip
    viewer = stsf.explore(files, reading=reading)
    low, high = viewer._meta["limits"]["value"]
    assert -0.1 < low and high < 1.5


def _table(folder: Path, scene: Scene) -> str:
    """The HS's bands as a CSV table."""
    rows = zip(scene.hs.band_names, scene.hs.centre, scene.hs.fwhm, strict=True)
    lines = ["name,centre,fwhm", *(f"{n},{c:.2f},{w:.2f}" for n, c, w in rows)]
    path = folder / "bands.csv"
    path.write_text("\n".join(lines))
    return str(path)


def run(*words: object) -> object:
    return CliRunner().invoke(main, ["explore", *map(str, words)])


def test_files_of_any_name_make_a_page(tmp_path: Path, scene: Scene) -> None:
    files = written(tmp_path, scene, lrhs_t1="y.tif", hrms_t1="a.tif", hrms_t2="b.tif")
    words = ["--hs", files["lrhs_t1"], "--ms1", files["hrms_t1"], "--ms2", files["hrms_t2"]]
    html = tmp_path / "page.html"
    done = run(*words, "--truth-t2", files["hrhs_t2"], "--fused-t2", files["hrhs_t2"],
               "--html", html)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert html.stat().st_size > 100_000


def test_what_it_advises_it_has(tmp_path: Path, scene: Scene) -> None:
    """Bare files without any band table: every option that the refusal names is one of explore."""
    for key, name in zip(KEYS[:3], ("hs_t1", "ms_t1", "ms_t2"), strict=True):
        image = image_of(scene, key)
        stored(tmp_path / f"{name}.tif", image.cube, scene, transform=image.transform)
    refused = run(tmp_path, "--html", tmp_path / "p.html")
    assert refused.exit_code == 2 and refused.stderr.count("\n") == 1
    named = set(re.findall(r"--[a-z][a-z0-9-]+", refused.stderr))
    assert named and all(option in run("--help").output for option in named)
    obeyed = run(tmp_path, "--html", tmp_path / "p.html", "--hs-sensor", _table(tmp_path, scene),
                 "--ms-sensor", "Sentinel-2A")  # fmt: skip
    assert obeyed.exit_code == 0, obeyed.output


@pytest.mark.parametrize(
    "words",
    [[], ["--hs", "y.tif"], ["folder", "--ms1", "a.tif"], ["folder", "--truth-t1", "t.tif"]],
)
def test_half_a_choice_is_refused(words: list[str], tmp_path: Path) -> None:
    done = run(*words, "--html", tmp_path / "p.html")
    assert done.exit_code == 2 and done.stderr.count("\n") == 1
    assert "--hs, --ms1 and --ms2" in done.stderr


def test_counts_are_shown_in_the_units_that_are_told(tmp_path: Path, scene: Scene) -> None:
    files = {}
    for key in KEYS[:3]:
        image = image_of(scene, key)
        counts = replace(image, cube=image.cube * 1e4 + 1000)
        files[key] = write_image(tmp_path / f"{key}.tif", counts)
    reading = stsf.files.reading.Reading(scale=(1e-4,) * 3, offset=(-0.1,) * 3)
    layers = of_files(files, reading=reading)
    for key in KEYS[:3]:
        np.testing.assert_allclose(layers.read(key), getattr(scene, key), atol=1e-4)
