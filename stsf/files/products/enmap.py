"""EnMAP Level-2A: its folder, its archive (also nested), or its METADATA.XML.

The bands of both detectors come in one file in order of wavelength, so that between 905 and 985 nm
they alternate; the metadata say which band is whose.
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
from stsf.files.products.unpacking import files_of
from stsf.sensing.bands import SWIR, VNIR

# quality layer -> what its values mean; land, water, snow and thin cirrus are seen
MASKS = {
    "CLASSES": lambda v: {"no data": v == 3},
    "CLOUD": lambda v: {"cloud": v == 1},
    "CLOUDSHADOW": lambda v: {"cloud shadow": v == 1},
    "CIRRUS": lambda v: {"cirrus": v >= 2},
    "HAZE": lambda v: {"haze": v == 1},
    "TESTFLAGS": lambda v: {"saturated": v & 0b110000 > 0, "defective": v & 0b11 == 3},
}


def read_enmap(path: str | Path) -> Product:
    """Open a Level-2A product; nothing is read but the metadata.

    Args:
        path: folder, tar.gz or zip, or METADATA.XML.

    Raises:
        InputError: an incomplete or damaged product, or another level.
    """
    path, held = Path(path), ExitStack()
    with ExitStack() as closing:
        closing.push(held)
        files = files_of(path, held)
        about = Metadata(
            one(files, "METADATA.XML", what="metadata file", where=path), ("navigation", "time")
        )
        level = about.text("base/level")
        if level != "L2A":
            raise InputError(
                f"expected EnMAP Level-2A (reflectance on a map), got {level} in {path}: order "
                "Level-2A of the same scene at enmap.org"
            )
        name = ("SPECTRAL_IMAGE.TIF", "SPECTRAL_IMAGE_COG.TIF")
        image = opened(one(files, *name, what="spectral image", where=path), held)
        masks = {m: opened(_mask(files, m, path), held) for m in MASKS}
        for mask in masks.values():
            if mask.shape != image.shape:
                raise InputError(
                    f"expected quality layers of {image.shape} pixels as the image has, got "
                    f"{mask.shape} in {mask.name}: download the product again"
                )
        table = _table(about, image)
        closing.pop_all()
    facts = table.facts
    assert facts is not None

    def read(part: Part) -> tuple[np.ndarray, np.ndarray]:
        dn = counts(image, part)
        cube = dn * facts.gain[:, None, None].astype(np.float32)
        cube += facts.offset[:, None, None].astype(np.float32)
        cube[dn == image.nodata] = np.nan
        quality = np.zeros(cube.shape[1:], np.uint8)
        for name, meaning in MASKS.items():
            for why, there in meaning(counts(masks[name], part)[0]).items():
                quality[there & (quality == 0)] = CODES[why]
        return cube, quality

    return Product(path, (image.count, *image.shape), table, read, (), held)


def _mask(files: list[Path], name: str, where: Path) -> Path:
    return one(
        files, f"QUALITY_{name}.TIF", f"QUALITY_{name}_COG.TIF", what="quality layer", where=where
    )


def _table(about: Metadata, image: Any) -> Image:
    """The metadata's table; the band numbers of all lists count from 1."""
    # wavelengths, widths, and what makes counts reflectance
    bands = about.all("specific/bandCharacterisation/bandID")
    if len(bands) != image.count:
        raise InputError(
            f"expected one entry a band in {about.path}, got {len(bands)} for the {image.count} "
            f"bands of {image.name}: download the product again"
        )
    centre, fwhm, gain, offset = (
        about.numbers([about.text(key, band) for band in bands], key)
        for key in ("wavelengthCenterOfBand", "FWHMOfBand", "GainOfBand", "OffsetOfBand")
    )
    # bands without data
    swir = _listed(about, "specific/swirProductQuality/expectedChannelsList")
    good = np.ones(len(bands), bool)
    for entry in about.all("product/bandStatistics/bandID"):
        empty = about.number("stdDeviation", entry) == 0 and about.number("mean", entry) < -1e5
        good[int(entry.get("number", "1")) - 1] &= not empty
    for detector in ("vnir", "swir"):
        missing = _listed(about, f"specific/{detector}ProductQuality/missingChannelsList")
        good[np.array([b for b in missing if b <= len(bands)], int) - 1] = False
    # where the sun and the sensor stood
    across, along = (
        np.deg2rad(about.number(f"specific/{key}OffNadirAngle/center"))
        for key in ("across", "along")
    )
    sun = Angles(
        90 - about.number("specific/sunElevationAngle/center"),
        about.number("specific/sunAzimuthAngle/center"),
    )
    off_nadir = float(np.rad2deg(np.arctan(np.hypot(np.tan(across), np.tan(along)))))
    # as one table
    numbers = np.arange(1, len(bands) + 1)
    names, seen_by = tuple(f"B{n}" for n in numbers), np.where(np.isin(numbers, swir), SWIR, VNIR)
    time = as_utc(about.text("base/temporalCoverage/startTime"), about.path)
    facts = Facts(seen_by, gain, offset, time, sun, view=Angles(off_nadir, np.nan))
    table = np.empty((len(bands), 0, 0), np.float32), names, centre, fwhm, good
    return Image(*table, "EnMAP", time[:10], image.crs, image.transform, facts=facts)


def _listed(about: Metadata, where: str) -> list[int]:
    texts = [t for t in about.text(where).split(",") if t.strip()]
    return [int(v) for v in about.numbers(texts, where)] if texts else []
