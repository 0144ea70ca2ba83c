"""Landsat-8 and -9, Collection 2 Level-2: its folder, its tar, or its *_MTL.xml or *_MTL.txt.

Pixels of 30 m, seven bands of surface reflectance. The responses are those of the very satellite
(`stsf.sensing.sensors.landsat`); the time is that of the scene's centre.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from stsf.errors import InputError
from stsf.files.facts import CODES, Angles, Facts
from stsf.files.imagefile import Image, Part
from stsf.files.products.layers import counts, one, opened
from stsf.files.products.metadata import Metadata, as_utc
from stsf.files.products.product import Product
from stsf.files.products.unpacking import files_of, is_packed
from stsf.sensing.sensors import get_sensor

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7")
SATELLITES = {"LANDSAT_8": "Landsat-8", "LANDSAT_9": "Landsat-9"}
FILL = 0  # count of a pixel without data
# bits of QA_PIXEL; snow (5), clear (6) and water (7) are seen
PIXEL = {0: "no data", 3: "cloud", 1: "cloud", 2: "cirrus", 4: "cloud shadow"}
# bits of QA_RADSAT: one a band, and what the ground hides from the sensor
RADIOMETRY = {11: "no data"} | dict.fromkeys(range(len(BANDS)), "saturated")
CONTENTS, SCENE = "PRODUCT_CONTENTS", "IMAGE_ATTRIBUTES"
SCALES = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"  # Level 1 has its own, under the same names


def read_landsat(path: str | Path) -> Product:
    """Open a Level-2 product; nothing is read but the metadata.

    Args:
        path: folder, tar or zip, or a metadata file.

    Raises:
        InputError: an incomplete or damaged product, another level or satellite.
    """
    path, held = Path(path), ExitStack()
    with ExitStack() as closing:  # on failure
        closing.push(held)
        files = files_of(path, held)
        whole = path.is_dir() or is_packed(path)
        about = Metadata(_told(files, path) if whole else path)
        level = about.text(f"{CONTENTS}/PROCESSING_LEVEL")
        if not level.startswith("L2"):
            raise InputError(
                f"expected Landsat Level-2 (surface reflectance), got {level} in {path}: order "
                "Collection 2 Level-2 of the same scene at earthexplorer.usgs.gov"
            )
        keys = (*(f"BAND_{b[1:]}" for b in BANDS), "QUALITY_L1_PIXEL",
                "QUALITY_L1_RADIOMETRIC_SATURATION")  # fmt: skip
        *bands, pixel, radiometry = (opened(_named(files, about, key), held) for key in keys)
        for other in (*bands, pixel, radiometry):
            if other.shape != bands[0].shape or other.transform != bands[0].transform:
                raise InputError(
                    f"expected images of one grid, {bands[0].shape} pixels, got {other.shape} in "
                    f"{other.name}: download the product again"
                )
        table = _table(about, bands[0])
        closing.pop_all()
    facts, size = table.facts, bands[0].shape
    assert facts is not None

    def read(part: Part) -> tuple[np.ndarray, np.ndarray]:
        dn = np.concatenate([counts(band, part) for band in bands])
        cube = dn * facts.gain[:, None, None].astype(np.float32)
        cube += facts.offset[:, None, None].astype(np.float32)
        cube[dn == FILL] = np.nan
        quality = np.zeros(cube.shape[1:], np.uint8)
        for source, meaning in ((pixel, PIXEL), (radiometry, RADIOMETRY)):
            flags = counts(source, part)[0]
            for bit, why in meaning.items():
                quality[(quality == 0) & (flags >> bit & 1 > 0)] = CODES[why]
        return cube, quality

    return Product(path, (len(BANDS), *size), table, read, (), held)


def _told(files: list[Path], where: Path) -> Path:
    """The metadata of a folder, which come twice."""
    kind = next((e for e in ("_MTL.xml", "_MTL.txt") if any(p.name.endswith(e) for p in files)), "")
    return one(files, kind or "_MTL.xml", what="metadata file", where=where)


def _named(files: list[Path], about: Metadata, key: str) -> Path:
    name = about.text(f"{CONTENTS}/FILE_NAME_{key}")
    found = next((file for file in files if file.name == name), None)
    if found is None:
        raise InputError(
            f"expected {name} beside {about.path}, found none: download the product again, complete"
        )
    return found


def _table(about: Metadata, image: Any) -> Image:
    """Everything the metadata say of the bands, and the responses of the satellite."""
    satellite = about.text(f"{SCENE}/SPACECRAFT_ID")
    if satellite not in SATELLITES:
        raise InputError(
            f"expected {' or '.join(SATELLITES)}, got {satellite} in {about.path}: choose a scene "
            "of these, or write its bands as one GeoTIFF and name a band table (--ms-sensor)"
        )
    sensor = get_sensor(SATELLITES[satellite])
    # counts to reflectance
    gain, offset = (
        np.array([about.number(f"{SCALES}/REFLECTANCE_{what}_BAND_{b[1:]}") for b in BANDS])
        for what in ("MULT", "ADD")
    )
    # when, and where the sun stood
    day, hour = (about.text(f"{SCENE}/{key}") for key in ("DATE_ACQUIRED", "SCENE_CENTER_TIME"))
    time = as_utc(f"{day}T{hour}", about.path)
    sun = Angles(*(about.number(f"{SCENE}/SUN_{key}") for key in ("ELEVATION", "AZIMUTH")))
    sun = sun._replace(zenith=90.0 - sun.zenith)
    own = gain, offset, time, sun, Angles(np.nan, np.nan)
    facts = Facts(sensor.detector, *own, srf_wavelength=sensor.srf_wavelength, srf=sensor.srf)
    table = np.empty((len(BANDS), 0, 0), np.float32), BANDS, sensor.centre, sensor.fwhm, None
    place = image.crs, image.transform
    return Image(*table, sensor.name, time[:10], *place, facts=facts)
