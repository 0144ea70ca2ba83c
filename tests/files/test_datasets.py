"""Data: the shipped scene is what its seed makes; fetched files are the ones that were pinned.

The tests of downloading use a web server on this machine; those of real data need a local copy of
the files, named by STSF_DATA.
"""

import functools
import hashlib
import http.server
import json
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from stsf.errors import InputError
from stsf.files import datasets
from stsf.files.datasets import (
    Series,
    fetch,
    fetch_files,
    file_hash,
    load_real,
    load_sample,
)
from stsf.files.scenes import FILES
from stsf.sensing.sensors import enmap
from stsf.world.sample import make_sample

REAL = pytest.mark.skipif(
    "STSF_DATA" not in os.environ, reason="needs real data: set STSF_DATA to a folder that holds it"
)


def sha256(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


# ----------------------------------------------------------------------------- the shipped scene


def test_sample_is_complete():
    scene = load_sample()
    assert scene.ratio == 3 and scene.size == (180, 180)
    assert scene.hs.name == "AHSI" and scene.ms.band_names == ("B2", "B3", "B4", "B8")
    assert scene.ms.srf is not None
    assert scene.hrhs_t1.shape == scene.hrhs_t2.shape == (len(scene.hs), 180, 180)
    assert set(np.unique(scene.change)) == {0, 1, 2, 3, 4}
    assert 0.1 < (scene.change > 0).mean() < 0.3
    assert scene.crs.to_epsg() == 32633 and scene.dates[0] < scene.dates[2]
    assert scene.valid_hr.all() and scene.valid_lr.all()


def test_sample_stays_small():
    assert sum(path.stat().st_size for path in datasets.SAMPLE.iterdir()) < 10e6


def test_sample_is_what_its_seed_makes():
    shipped, made = load_sample(), make_sample()
    for key in FILES:
        difference = np.abs(getattr(shipped, key).astype(float) - getattr(made, key))
        # Where a value lies between two counts, another machine's rounding may take the other.
        assert difference.max() <= (0 if key == "change" else 0.6e-4), key
    np.testing.assert_allclose(shipped.hs.centre, made.hs.centre, atol=1e-3)
    assert shipped.dates == made.dates and shipped.transform == made.transform
    assert shipped.psf == made.psf and shipped.snr_hs == made.snr_hs == 35.0


def test_sample_follows_its_own_model():
    """Y1 = D X1 + n and M = R X + n up to the stated noise and what the model leaves out."""
    scene = load_sample()
    for found, expected, sigma in (
        (scene.D.A(scene.hrhs_t1), scene.lrhs_t1, scene.noise_hs),
        (scene.R.A(scene.hrhs_t1), scene.hrms_t1, scene.noise_ms),
        (scene.R.A(scene.hrhs_t2), scene.hrms_t2, scene.noise_ms),
    ):
        rms = np.sqrt(np.mean((found - expected) ** 2, axis=(1, 2)))
        assert np.all(rms > 0.85 * sigma) and np.all(rms < 1.15 * sigma)


def test_without_the_clone(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "SAMPLE", tmp_path / "gone")
    with pytest.raises(InputError, match=r"expected the shipped scene in .*install stsf anew"):
        load_sample()


# ------------------------------------------------------------------------------------ downloading


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A server on this machine with one file, a cache folder, and a registry that names both."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "a.bin").write_bytes(b"content")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        asked: list[str] = []  # noqa: RUF012

        def log_message(self, *_):
            self.asked.append(self.path)

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=site)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    entry = {
        "about": "one file",
        "terms": "as you like",
        "cite": "nobody",
        "url": f"http://127.0.0.1:{server.server_port}",
        "folder": "folder",
        "files": {"a.bin": sha256(b"content")},
    }
    monkeypatch.setattr(datasets, "_registry", lambda: {"toy": entry})
    monkeypatch.setenv("STSF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("STSF_DATA", raising=False)
    yield entry, Quiet.asked, site
    server.shutdown()
    server.server_close()


def test_a_file_is_downloaded_once(web, tmp_path):
    _, asked, _ = web
    (path,) = fetch_files("toy")
    assert path == tmp_path / "cache" / "folder" / "a.bin" and path.read_bytes() == b"content"
    assert fetch_files("toy") == [path]
    assert asked == ["/a.bin"]


def test_a_damaged_file_in_the_cache_is_downloaded_again(web):
    (path,) = fetch_files("toy")
    path.write_bytes(b"damaged")
    assert fetch_files("toy")[0].read_bytes() == b"content"


def test_terms_and_citation_are_told(web, capsys):
    fetch_files("toy")
    assert capsys.readouterr().err.startswith(
        "toy: one file\n  terms: as you like\n  source: nobody\n"
    )


def test_another_file_than_the_pinned_one(web, tmp_path):
    _, _, site = web
    (site / "a.bin").write_bytes(b"changed upstream")
    with pytest.raises(
        InputError, match=r"expected the pinned file at http.*a\.bin, .*another hash"
    ):
        fetch_files("toy")
    assert not (tmp_path / "cache" / "folder" / "a.bin").exists()


def test_git_hashes_are_checked_too(web):
    entry, _, _ = web
    entry["files"] = {"a.bin": "git:6b584e8ece562ebffc15d38808cd6b98fc3d97ea"}
    assert fetch_files("toy")[0].read_bytes() == b"content"
    entry["files"] = {"a.bin": "git:" + 40 * "0"}
    with pytest.raises(InputError, match=r"expected git:0+ of .*a\.bin, got git:6b584e.*: delete"):
        fetch_files("toy")


def test_a_file_that_is_gone(web):
    _, _, site = web
    (site / "a.bin").unlink()
    with pytest.raises(InputError, match=r"expected to download .*HTTPError.*STSF_DATA"):
        fetch_files("toy")


def test_no_network(web):
    entry, _, _ = web
    entry["url"] = "http://127.0.0.1:9"  # the discard port: nobody answers
    with pytest.raises(InputError, match=r"got ConnectionError: check the network.*STSF_DATA"):
        fetch_files("toy")


def test_a_cache_that_cannot_be_written(web, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STSF_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"expected to download .*file.folder \(STSF_CACHE moves"):
        fetch_files("toy")


def test_a_local_copy_needs_no_network(web, tmp_path, monkeypatch):
    _, asked, _ = web
    (tmp_path / "copy" / "folder").mkdir(parents=True)
    (tmp_path / "copy" / "folder" / "a.bin").write_bytes(b"content")
    monkeypatch.setenv("STSF_DATA", str(tmp_path / "copy"))
    assert fetch_files("toy") == [tmp_path / "copy" / "folder" / "a.bin"]
    assert asked == []


def test_a_file_missing_in_the_local_copy(web, tmp_path, monkeypatch):
    monkeypatch.setenv("STSF_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"expected .*a\.bin in the folder that STSF_DATA names"):
        fetch_files("toy")


def test_another_file_in_the_local_copy(web, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.bin").write_bytes(b"another")
    monkeypatch.setenv("STSF_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"expected sha256:\w+ of .*a\.bin, got sha256:"):
        fetch_files("toy")


def test_an_unknown_name():
    with pytest.raises(InputError, match=r"expected one of enmap-potsdam-north, .* got 'indian'"):
        fetch("indian")


def test_git_blob_hash(tmp_path):
    """What `git hash-object` says of these two files."""
    (tmp_path / "hello").write_bytes(b"hello\n")
    (tmp_path / "empty").write_bytes(b"")
    assert file_hash(tmp_path / "hello", "git:") == "git:ce013625030ba8dba906f756967f9e9ca394464a"
    assert file_hash(tmp_path / "empty", "git:") == "git:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def test_every_source_is_pinned():
    for entry in datasets._registry().values():
        assert set(entry) == {"about", "terms", "cite", "url", "folder", "files"}
        assert re.match(
            r"https://raw\.githubusercontent\.com(/[^/]+){2}/[0-9a-f]{40}/", entry["url"]
        )
        for known in entry["files"].values():
            assert re.fullmatch(r"sha256:[0-9a-f]{64}|git:[0-9a-f]{40}", known)


# ---------------------------------------------------------------- reading, on files made up here


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Offers files under the name of a data set: mirror("tahoe", {"Im1": path, ...})."""

    def offer(name, paths):
        files = {path.name: sha256(path.read_bytes()) for path in paths}
        entry = {"about": "", "terms": "", "cite": "", "folder": ".", "files": files}
        monkeypatch.setattr(datasets, "_registry", lambda: {name: entry})
        monkeypatch.setenv("STSF_DATA", str(tmp_path))

    return offer


def enmap_tile(path, x, y):
    """2 x 2 px, 224 bands; a pixel holds its column + 10 row of the window, plus 100 band."""
    known = dict(zip(enmap().band_names, enmap().centre))
    row, column = np.indices((2, 2))
    cube = 100.0 * np.arange(1, 225)[:, None, None] + 10 * (y // 32 * 2 + row)
    cube = (cube + (x - 64) // 32 * 2 + column).astype(np.float32)
    profile = dict(driver="GTiff", dtype="float32", count=224, height=2, width=2, nodata=-32768)
    place = Affine(30, 0, 1000 + 30 * x, 0, -30, 2000 - 30 * y)
    with rasterio.open(path, "w", crs="EPSG:32633", transform=place, **profile) as target:
        for band in range(1, 225):
            centre = known.get(f"B{band}", 800.0 + band)  # repeated wavelengths below 1000 nm
            good = not 1331 < centre < 1391
            target.write(cube[band - 1] if good else np.full((2, 2), -32768, np.float32), band)
            target.update_tags(
                band, wavelength=centre, wavelength_units="Nanometers", fwhm=7.5, bbl=int(good)
            )
        target.scales = (1e-4,) * 224
    return path


def test_enmap_tiles_lie_where_their_names_say(mirror, tmp_path):
    tiles = [(96, 32), (64, 0), (128, 32), (128, 0), (64, 32), (96, 0)]
    mirror(
        "enmap-potsdam-north",
        [enmap_tile(tmp_path / f"enmap_potsdam_tile_{x}_{y}.tif", x, y) for x, y in tiles],
    )
    window = fetch("enmap-potsdam-north")
    assert window.cube.shape == (224, 4, 6) and window.cube.dtype == np.float32
    expected = 100 + 10 * np.arange(4)[:, None] + np.arange(6)
    np.testing.assert_allclose(window.cube[0], 1e-4 * expected, rtol=1e-5)
    np.testing.assert_allclose(window.cube[223], 1e-4 * (22_300 + expected), rtol=1e-5)
    assert window.transform == Affine(30, 0, 2920, 0, -30, 2000)
    assert (window.sensor, window.date) == ("EnMAP", "2022-07-24")
    np.testing.assert_array_equal(np.isnan(window.cube).all(axis=(1, 2)), ~window.good)


def test_enmap_ready_for_use(mirror, tmp_path):
    mirror("enmap-potsdam-west", [enmap_tile(tmp_path / "enmap_potsdam_tile_96_96.tif", 96, 96)])
    cube, sensor = load_real("enmap-potsdam-west")
    assert len(cube) == len(sensor) and np.isfinite(cube).all()
    assert np.all(np.diff(sensor.centre) > 0)
    assert not np.any((sensor.centre > 1331) & (sensor.centre < 1391))
    assert np.all(sensor.fwhm == 7.5)  # the product's, not the table's
    bands = np.array([int(name[1:]) for name in sensor.band_names])
    np.testing.assert_allclose(cube[:, 0, 0], 1e-4 * (100 * bands + 60 + 2), rtol=1e-5)


def test_sentinel2_series_in_order_of_time(mirror, tmp_path):
    files = np.zeros((5, 101, 100, 13), np.float32)
    files += np.arange(5)[:, None, None, None] / 10  # place in the file
    files[..., 8] += 0.01
    files[:, 7, 3, :] += 0.001
    np.save(tmp_path / "REFERENCE_SCENES.npy", files)
    mirror("sentinel2-slovenia", [tmp_path / "REFERENCE_SCENES.npy"])
    series = fetch("sentinel2-slovenia")
    assert series.cubes.shape == (5, 13, 101, 100)
    assert series.dates == ("2015-07-11", "2015-07-31", "2015-08-20", "2015-08-30", "2015-09-09")
    assert series.clear.tolist() == [True, False, False, True, True]
    np.testing.assert_allclose(series.cubes[:, 0, 0, 0], [0.4, 0.1, 0.0, 0.3, 0.2], atol=1e-6)
    np.testing.assert_allclose(series.cubes[2, 8, 7, 3], 0.011, atol=1e-6)
    assert series.sensor.band_names[8] == "B8A"
    assert series.transform * (100, 101) == (466_181, 5_079_245)


def test_neon_crowns_by_year(mirror, tmp_path):
    paths = []
    for crown, height in (("OSBS_a.1", 2), ("OSBS_b.2", 3)):
        for year in (2019, 2017):
            paths.append(tmp_path / f"{crown}_{year}.tif")
            profile = dict(driver="GTiff", dtype="int16", count=369, height=height, width=2)
            with rasterio.open(paths[-1], "w", transform=Affine(1, 0, 5, 0, -1, 5), **profile) as t:
                t.write(np.full((369, height, 2), year, np.int16))
    mirror("neon-osbs", paths)
    crowns = fetch("neon-osbs")
    assert list(crowns) == ["OSBS_a.1", "OSBS_b.2"]
    assert crowns["OSBS_b.2"].cubes.shape == (2, 369, 3, 2)
    assert crowns["OSBS_a.1"].dates == ("2017", "2019")
    np.testing.assert_allclose(crowns["OSBS_a.1"].cubes[:, 5, 0, 0], [0.2017, 0.2019])
    centre = crowns["OSBS_a.1"].sensor.centre
    for left, right in ((1340, 1435), (1795, 1961)):  # water vapour, left out
        assert not np.any((centre > left + 1) & (centre < right))


def test_tahoe_counts_are_read_band_by_pixel_by_line(mirror, tmp_path):
    line, pixel, band = np.indices((150, 110, 224), dtype="<i2")
    paths = []
    for number in range(1, 7):
        paths.append(tmp_path / f"Im{number}")
        (1000 * number + band + 2 * line + 3 * pixel).astype("<i2").tofile(paths[-1])
    mirror("tahoe", paths)
    series = fetch("tahoe")
    assert series.cubes.shape == (6, 169, 150, 110) and series.dates[4] == "2015-04-29"
    assert series.sensor.band_names[0] == "B3" and np.all(np.diff(series.sensor.centre) > 0)
    np.testing.assert_allclose(series.cubes[0, 0, 0, 0], 0.1002)  # B3 is the third band
    np.testing.assert_allclose(series.cubes[5, -1, 149, 109], 1e-4 * (6000 + 220 + 298 + 327))


# ---------------------------------------------------------------------------------- the real ones


@REAL
@pytest.mark.parametrize(("name", "size"), [("north", (64, 96)), ("west", (64, 64))])
def test_real_enmap(name, size):
    cube, sensor = load_real(f"enmap-potsdam-{name}")
    assert cube.shape == (208, *size) and cube.dtype == np.float32
    assert np.isfinite(cube).all() and 0 <= cube.min() and cube.max() < 1.1
    np.testing.assert_allclose(sensor.centre[[0, -1]], [418.24, 2445.53])
    red, nir = (np.argmin(np.abs(sensor.centre - nm)) for nm in (665, 850))
    assert np.median(cube[nir]) > 2 * np.median(cube[red])  # mostly green in July


@REAL
def test_real_enmap_tiles_join_without_a_seam():
    red = fetch("enmap-potsdam-north").cube[45]
    across, along = np.abs(np.diff(red, axis=1)).mean(0), np.abs(np.diff(red, axis=0)).mean(1)
    assert max(across[[31, 63]]) < 1.5 * across.mean() and along[31] < 1.5 * along.mean()


@REAL
def test_real_sentinel2():
    series = fetch("sentinel2-slovenia")
    blue = series.cubes[:, 1].mean(axis=(1, 2))
    assert blue[~series.clear].min() > 1.5 * blue[series.clear].max()


@REAL
def test_real_neon():
    crowns = fetch("neon-osbs")
    assert len(crowns) == 8 and all(isinstance(crown, Series) for crown in crowns.values())
    assert sum(len(crown.dates) for crown in crowns.values()) == 30
    table = Path(os.environ["STSF_DATA"]) / "neon_osbs" / "wavelengths_nm.csv"
    if table.exists():
        for crown in crowns.values():
            np.testing.assert_allclose(crown.sensor.centre, np.loadtxt(table), atol=0.01)


@REAL
def test_registry_is_that_of_the_local_copy():
    path = Path(os.environ["STSF_DATA"]) / "registry.json"
    if not path.exists():
        pytest.skip("this local copy has no registry.json")
    theirs = {(e["url"], e["sha256"]) for e in json.loads(path.read_text()).values()}
    ours = {
        (f"{entry['url']}/{file}", known.removeprefix("sha256:"))
        for name, entry in datasets._registry().items()
        if name != "tahoe"
        for file, known in entry["files"].items()
    }
    assert ours == theirs
