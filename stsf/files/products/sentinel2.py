"""Sentinel-2 Level-2A: a SAFE folder, its zip, or its MTD_MSIL2A.xml.

Offsets, responses and angles are the product's own. The bands of 20 m are brought to 10 m by cubic
convolution: they hold no detail finer than 20 m. The scene classification decides what is seen.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from stsf.errors import InputError
from stsf.files.facts import CODES, Angles, Facts
from stsf.files.imagefile import Image, Part, readable
from stsf.files.products.layers import coarse_part, counts, cubic, opened
from stsf.files.products.metadata import Metadata, as_utc
from stsf.files.products.product import Product
from stsf.files.products.unpacking import files_of
from stsf.sensing.bands import SWIR, SWIR_START, VNIR

TEN, TWENTY = ("B2", "B3", "B4", "B8"), ("B5", "B6", "B7", "B8A", "B11", "B12")
BANDS = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
NODATA, SATURATED = 0, 65535
# scene classification -> why a pixel is left out; dark, vegetation, bare, water, snow are seen
SCL = {0: "no data", 1: "defective", 3: "cloud shadow", 8: "cloud", 9: "cloud", 10: "cirrus"}
TOO_DARK = -0.02  # reflectance; lower for one pixel in a hundred: the offset was applied before
GLANCE = 512  # pixels a side of the small picture in which the darkest pixels are looked for


def read_sentinel2(path: str | Path, bands: tuple[str, ...] = BANDS) -> Product:
    """Open a Level-2A product; nothing is read but the metadata and a small picture.

    Args:
        path: SAFE folder, zip, or MTD_MSIL2A.xml.
        bands: names out of `BANDS`, in the order of the image.

    Raises:
        InputError: an incomplete or damaged product, or another level.
    """
    path, held = Path(path), ExitStack()
    with ExitStack() as closing:  # on failure
        closing.push(held)
        files = files_of(path, held)
        main = Metadata(_named(files, "MTD_MSIL2A.xml", path))
        tile = Metadata(_named(files, "MTD_TL.xml", path), without=("Values_List",))
        sources = {b: opened(_band(files, main, b, path), held) for b in bands}
        scene_classes = opened(_jp2(files, "SCL_20m", path), held)
        table, doubts = _table(main, tile, bands, sources)
        ten = next((sources[b] for b in bands if b in TEN), None)
        if ten is None:
            raise InputError(f"expected one of {', '.join(TEN)} among the bands: add one")
        closing.pop_all()
    facts, whole = table.facts, ten.shape
    assert facts is not None

    def read(part: Part) -> tuple[np.ndarray, np.ndarray]:
        coarse, inside = coarse_part(part, 2, scene_classes.shape)
        quality = _why(counts(scene_classes, coarse)[0]).repeat(2, 0).repeat(2, 1)[inside]
        cube = np.empty((len(bands), *quality.shape), np.float32)
        for b, name in enumerate(bands):
            dn, inside_band = _dn(sources[name], part, whole)
            values = dn * np.float32(facts.gain[b]) + np.float32(facts.offset[b])
            values[(dn == NODATA) | (dn == SATURATED)] = np.nan
            full = dn == SATURATED
            if inside_band is not None:
                values = cubic(values, 2)[inside_band]
                full = full.repeat(2, 0).repeat(2, 1)[inside_band]
            cube[b], quality[(quality == 0) & full] = values, CODES["saturated"]
        return cube, quality

    return Product(path, (len(bands), *whole), table, read, doubts, held)


def _named(files: list[Path], name: str, where: Path) -> Path:
    matches = [p for p in files if p.name == name]
    if len(matches) != 1:
        level = ""
        if any(p.name == "MTD_MSIL1C.xml" for p in files):
            level = " (it is Level-1C: correct the atmosphere with sen2cor, or download Level-2A)"
        raise InputError(
            f"expected one {name} in {where}, got {len(matches)}{level}: "
            "name one Level-2A product, complete as it was downloaded"
        )
    return matches[0]


def _jp2(files: list[Path], ending: str, where: Path) -> Path:
    matches = [p for p in files if p.stem.endswith(ending) and p.suffix.lower() in (".jp2", ".tif")]
    if len(matches) != 1:
        raise InputError(
            f"expected one image *_{ending}.jp2 in {where}, got {len(matches)}: "
            "download the product again, complete"
        )
    return matches[0]


def _band(files: list[Path], main: Metadata, band: str, where: Path) -> Path:
    if band not in BANDS:
        raise InputError(f"expected bands out of {', '.join(BANDS)}, got {band!r}: mend the name")
    image = _jp2(files, f"{_padded(band)}_{10 if band in TEN else 20}m", where)
    when = re.search(r"MSIL2A_(\d{8}T\d{6})_", main.text(".//PRODUCT_URI"))
    if when and when[1] not in image.name:
        raise InputError(
            f"expected images of {when[1]}, as the metadata of {where} say, got {image.name}: "
            "two products are mixed; unpack each into its own folder"
        )
    return image


def _why(scene_class: np.ndarray) -> np.ndarray:
    """Codes of `REASONS` of scene classes."""
    table = np.zeros(256, np.uint8)
    for code, why in SCL.items():
        table[code] = CODES[why]
    return table[scene_class]


def _padded(band: str) -> str:
    return band if band == "B8A" else f"B{int(band[1:]):02d}"


def _dn(source: Any, part: Part, whole: tuple[int, int]) -> tuple[np.ndarray, Part | None]:
    """Counts (h, w) of a part of the 10 m grid; of a 20 m band with where to cut it out."""
    if source.shape == whole:
        return counts(source, part)[0], None
    coarse, inside = coarse_part(part, 2, source.shape)
    return counts(source, coarse)[0], inside


def _table(
    main: Metadata, tile: Metadata, bands: tuple[str, ...], sources: dict[str, Any]
) -> tuple[Image, tuple[str, ...]]:
    """Everything the metadata say of the bands, and what is taken for granted."""
    # the bands of the product, their responses, centres and widths
    spectral = {e.get("physicalBand"): e for e in main.all(".//Spectral_Information")}
    missing = [b for b in bands if b not in spectral]
    if missing:
        raise InputError(
            f"expected Spectral_Information of {missing[0]} in {main.path}, found none: "
            "download the product again"
        )
    own = [spectral[b] for b in bands]
    axis, srf = _responses(main, own)
    centre = srf @ axis / srf.sum(axis=1)
    fwhm = np.array([np.ptp(axis[row >= row.max() / 2]) + 1.0 for row in srf])
    # counts to reflectance
    gain = 1 / main.number(".//BOA_QUANTIFICATION_VALUE")
    ids = [e.get("bandId") for e in own]
    listed = {e.get("band_id"): e.text or "" for e in main.root.iter("BOA_ADD_OFFSET")}
    add = main.numbers([listed.get(i or "", "0") if listed else "0" for i in ids], "BOA_ADD_OFFSET")
    # what a user should know
    doubts = []
    if twenty := ", ".join(b for b in bands if b in TWENTY):
        coarse = "by cubic convolution: they hold no detail finer than 20 m"
        doubts.append(f"the 20 m bands {twenty} were brought to 10 m {coarse}")
    if add.any() and _applied(sources, bands, gain, add):
        add = np.zeros(len(bands))
        doubts.append(
            f"{main.path.parent.name}: the offset in the metadata was applied to these counts "
            "before (one pixel in a hundred would be darker than -0.02): it is not applied again"
        )
    # where, when, and from where it was seen
    ten = sources[next(b for b in bands if b in TEN)]
    view = [_angles(tile, f".//Mean_Viewing_Incidence_Angle[@bandId='{i}']") for i in ids]
    detector, sun = np.where(centre >= SWIR_START, SWIR, VNIR), _angles(tile, ".//Mean_Sun_Angle")
    time = as_utc(main.text(".//DATATAKE_SENSING_START"), main.path)
    gains = np.full(len(bands), gain)
    facts = Facts(detector, gains, gain * add, time, sun, view[0], srf_wavelength=axis, srf=srf)
    sensor, date = main.text(".//SPACECRAFT_NAME"), time[:10]
    table = np.empty((len(bands), 0, 0), np.float32), bands, centre, fwhm, None, sensor, date
    return Image(*table, ten.crs, ten.transform, facts=facts), tuple(doubts)


def _responses(main: Metadata, own: list[ET.Element]) -> tuple[np.ndarray, np.ndarray]:
    """(N,) nm in steps of 1 nm and (band, N) responses."""
    starts = [main.number("Wavelength/MIN", e) for e in own]
    values = [main.numbers(main.text("Spectral_Response/VALUES", e).split(), "VALUES") for e in own]
    steps = [main.number("Spectral_Response/STEP", e) for e in own]
    ends = [s + step * (len(v) - 1) for s, step, v in zip(starts, steps, values)]
    axis = np.arange(min(starts), max(ends) + 1.0)
    at = [s + step * np.arange(len(v)) for s, step, v in zip(starts, steps, values)]
    rows = [np.interp(axis, nm, v, left=0, right=0) for nm, v in zip(at, values)]
    return axis, np.stack(rows)


def _angles(tile: Metadata, where: str) -> Angles:
    element = tile.root.find(where)
    if element is None:
        return Angles(np.nan, np.nan)
    return Angles(tile.number("ZENITH_ANGLE", element), tile.number("AZIMUTH_ANGLE", element))


def _applied(sources: dict[str, Any], bands: tuple[str, ...], gain: float, add: np.ndarray) -> bool:
    """Whether the darkest pixels of two bands say that the offset is in the counts already."""
    too_dark = 0
    for b, name in enumerate(bands):
        source = sources[name]
        with readable(Path(source.name)):
            dn = source.read(1, out_shape=tuple(min(GLANCE, n) for n in source.shape))
        measured = dn[(dn != NODATA) & (dn != SATURATED)]
        if measured.size and gain * (np.percentile(measured, 1) + add[b]) < TOO_DARK:
            too_dark += 1
    return too_dark >= min(2, len(bands))
