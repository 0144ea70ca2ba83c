"""Data: the scene that travels with the kit, and real images fetched from where they are public.

Every fetched file is pinned to a commit and checked against its hash. It is kept in a cache
(`STSF_CACHE` moves it), or read from a local copy of the files (`STSF_DATA`), also checked.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.transform import from_origin

from stsf.errors import InputError
from stsf.files.identify import MSI_BANDS
from stsf.files.imagefile import Image, read_image
from stsf.files.places import shipped_path
from stsf.files.raster import SCALE
from stsf.files.scenes import open_scene
from stsf.scene import Scene
from stsf.sensing.bands import Sensor, from_bands
from stsf.sensing.sensors import enmap, from_csv, sentinel2

SAMPLE = shipped_path("data/sample")
NEON_BANDS = np.r_[0:192, 210:283, 315:419]  # of a grid of 5.0079 nm; without water vapour


@dataclass(frozen=True, eq=False)
class Series:
    """Images of one place at several dates.

    Attributes:
        cubes: (date, band, y, x) float32, reflectance.
        dates: ISO dates in order of time; a year alone where no more is known.
        clear: (date,) False where clouds hide the place.
        sensor: its bands, in order of wavelength.
        crs: coordinate reference system, or None.
        transform: pixel to map coordinates, or None.
    """

    cubes: np.ndarray
    dates: tuple[str, ...]
    clear: np.ndarray
    sensor: Sensor
    crs: CRS | None = None
    transform: Affine | None = None


def load_sample() -> Scene:
    """The shipped scene: 180 x 180 px at 10 m, ratio 3, with truth and change map; no download.

    Simulated by `stsf.world.make_sample`; `data/README.md` says how.

    Raises:
        InputError: the folder is not there: the installation is damaged.

    Example:
        >>> scene = load_sample()
        >>> scene.ratio, scene.hrms_t2.shape
        (3, (4, 180, 180))
    """
    if not SAMPLE.is_dir():
        raise InputError(
            f"expected the shipped scene in {SAMPLE}, found no folder there: install stsf "
            "anew from its repository, or make a scene with stsf simulate"
        )
    return open_scene(SAMPLE)


@overload
def fetch(name: Literal["enmap-potsdam-north", "enmap-potsdam-west"]) -> Image: ...
@overload
def fetch(name: Literal["sentinel2-slovenia", "tahoe"]) -> Series: ...
@overload
def fetch(name: Literal["neon-osbs"]) -> dict[str, Series]: ...
def fetch(name: str) -> Image | Series | dict[str, Series]:
    """Real data by name, as its product delivers it; downloaded at the first call.

    - "enmap-potsdam-north" (64 x 96 px), "enmap-potsdam-west" (64 x 64 px, partly water):
      `Image` with all 224 bands, NaN in the six that are not `good`, 30 m. See `load_real`.
    - "sentinel2-slovenia": `Series` of five dates, 13 bands, 101 x 100 px at 10 m,
      top-of-atmosphere reflectance, the second and third date cloudy.
    - "neon-osbs": eight tree crowns, a `Series` of three or four years each, 369 bands, 4-11 px at
      1 m; the years are not co-registered to the pixel, and one crown of 2017 is nearly black. FWHM
      taken as the 5 nm band spacing.
    - "tahoe": `Series` of six AVIRIS dates, 169 bands, 150 x 110 px. Not run here: written from
      the description of the files, never tried on the files themselves.

    Terms and citation are printed to the error stream at each call.

    Raises:
        InputError: unknown name, no network, or a file that is missing or not the expected one.
    """
    files = fetch_files(name)
    readers: dict[str, Callable[[list[Path]], Image | Series | dict[str, Series]]] = {
        "enmap-potsdam-north": _enmap_window,
        "enmap-potsdam-west": _enmap_window,
        "neon-osbs": _neon_crowns,
        "sentinel2-slovenia": _slovenia,
        "tahoe": _tahoe,
    }
    return readers[name](files)


def load_real(
    name: Literal["enmap-potsdam-north", "enmap-potsdam-west"],
) -> tuple[np.ndarray, Sensor]:
    """An EnMAP window ready for `stsf.world.observation.wald`: good bands, each wavelength once.

    Returns:
        cube (208, y, x) float32 reflectance without gaps, and its sensor with the band table of
        the product.
    """
    window = fetch(name)
    assert window.wavelength is not None and window.fwhm is not None and window.good is not None
    known = enmap()  # leaves out the SWIR bands below 1000 nm, which repeat the VNIR
    bands = np.array([window.names.index(band) for band in known.band_names])
    table = replace(known, centre=window.wavelength[bands], fwhm=window.fwhm[bands])
    good = window.good[bands]
    return window.cube[bands[good]], table.select(good)


def fetch_files(name: str) -> list[Path]:
    """Paths of the files of a data set on this machine, each checked against its hash."""
    known = _registry()
    if name not in known:
        raise InputError(f"expected one of {', '.join(known)}, got {name!r}: choose one of them")
    entry = known[name]
    print(
        f"{name}: {entry['about']}\n  terms: {entry['terms']}\n  source: {entry['cite']}",
        file=sys.stderr,
    )
    mirror = os.environ.get("STSF_DATA")
    paths = []
    for file, known_hash in entry["files"].items():
        if mirror:
            path = _mirrored(Path(mirror) / entry["folder"] / file)
        else:
            path = _downloaded(f"{entry['url']}/{file}", entry["folder"], known_hash)
        if file_hash(path, known_hash) != known_hash:
            raise InputError(
                f"expected {known_hash} of {path}, got {file_hash(path, known_hash)}: "
                "delete the file and get it again"
            )
        paths.append(path)
    return paths


def file_hash(path: Path, like: str) -> str:
    """Hash of a file with the method of `like`: "sha256:…", or "git:…" for git's blob sha1.

    Git hashes the word blob, the size in bytes and a zero byte before the content.
    """
    content = path.read_bytes()
    if like.startswith("git:"):
        return "git:" + hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return "sha256:" + hashlib.sha256(content).hexdigest()


@cache
def _registry() -> dict[str, Any]:
    """Name of a data set -> about, terms, cite, url, folder, files (file -> hash)."""
    table = resources.files("stsf.files") / "datasets.json"
    return json.loads(table.read_text(encoding="utf-8"))


def _mirrored(path: Path) -> Path:
    if not path.is_file():
        raise InputError(
            f"expected {path} in the folder that STSF_DATA names, found no such file: "
            "copy it there, or unset STSF_DATA to download it"
        )
    return path


def _downloaded(url: str, folder: str, known_hash: str) -> Path:
    """The file in the cache, downloaded with a progress bar if it is not there or damaged."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    target = Path(os.environ.get("STSF_CACHE") or pooch.os_cache("stsf")) / folder
    sha256 = known_hash if known_hash.startswith("sha256:") else None
    file = url.rpartition("/")[2]
    try:
        return Path(pooch.retrieve(url, sha256, fname=file, path=target, progressbar=True))
    except ValueError as error:
        raise InputError(
            f"expected the pinned file at {url}, got one with another hash: try again, or set "
            "STSF_DATA to a folder that holds the files"
        ) from error
    except OSError as error:  # no network, no such page, or a cache that cannot be written
        raise InputError(
            f"expected to download {url}, got {type(error).__name__}: check the network and the "
            f"cache {target} (STSF_CACHE moves it), or set STSF_DATA to a folder that holds the "
            "files"
        ) from error


def _enmap_window(files: Iterable[Path]) -> Image:
    """The tiles side by side; their names end in the column and row of their first pixel."""
    tiles = {tuple(map(int, path.stem.split("_")[-2:])): read_image(path) for path in files}
    columns, rows = (sorted(set(axis)) for axis in zip(*tiles))
    cube = np.block([[tiles[x, y].cube for x in columns] for y in rows])
    return replace(
        tiles[columns[0], rows[0]],
        cube=cube,
        names=tuple(f"B{band}" for band in range(1, len(cube) + 1)),
        sensor="EnMAP",
        date="2022-07-24",
    )


def _neon_crowns(files: Iterable[Path]) -> dict[str, Series]:
    sensor = from_bands(383.534 + 5.0079 * NEON_BANDS, 5.0, "NEON AIS", gsd=1.0, nominal=True)
    crowns: dict[str, dict[str, np.ndarray]] = {}
    for path in files:
        crown, _, year = path.stem.rpartition("_")
        crowns.setdefault(crown, {})[year] = read_image(path, scale=SCALE).cube
    return {
        crown: Series(
            np.stack([cubes[year] for year in sorted(cubes)]),
            tuple(sorted(cubes)),
            np.ones(len(cubes), bool),
            sensor,
        )
        for crown, cubes in crowns.items()
    }


def _slovenia(files: Iterable[Path]) -> Series:
    (path,) = files
    scenes = np.load(path)  # (5, y, x, 13), not in order of time
    dates = np.array(["2015-08-20", "2015-07-31", "2015-09-09", "2015-08-30", "2015-07-11"])
    clear = np.array([False, False, True, True, True])
    order = dates.argsort()
    return Series(
        scenes[order].transpose(0, 3, 1, 2).astype(np.float32),
        tuple(dates[order].tolist()),
        clear[order],
        sentinel2("A", MSI_BANDS),
        CRS.from_epsg(32633),
        from_origin(465_181.0, 5_080_255.0, 10.0, 10.0),
    )


def _tahoe(files: Iterable[Path]) -> Series:
    """Raw int16 counts, band by pixel by line; band names of the table count the files' bands.

    The headers of the first two dates give pixels of 14.5 and 14.7 m and rotations of -43 and -41
    degrees: check the registration before comparing dates.
    """
    with resources.as_file(resources.files("stsf.sensing") / "tables" / "aviris.csv") as table:
        sensor = from_csv(table)
    bands = [int(name[1:]) - 1 for name in sensor.band_names]
    dates = ("2014-04-10", "2014-06-02", "2014-09-19", "2014-11-17", "2015-04-29", "2015-10-13")
    counts = [np.fromfile(path, "<i2").reshape(150, 110, 224)[..., bands] for path in files]
    cubes = SCALE * np.stack(counts).transpose(0, 3, 1, 2).astype(np.float32)
    return Series(cubes, dates, np.ones(len(dates), bool), sensor)
