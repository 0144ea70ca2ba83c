"""PRISMA Level-2D: one HE5 file (or its zip), two cubes with the bands between rows and columns.

The corners that the file states are centres of pixels. Its absolute position is off by 80 to 250 m:
the registration on the MS finds how far.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from stsf.errors import InputError
from stsf.files.facts import CODES, Angles, Facts
from stsf.files.imagefile import Image, Part
from stsf.files.products.layers import one
from stsf.files.products.metadata import as_utc
from stsf.files.products.product import Product
from stsf.files.products.unpacking import files_of
from stsf.sensing.bands import SWIR, VNIR

FIELDS = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields"
FULL = 65535  # counts of the upper end of a scale
CUBES = ("Vnir", "Swir")
ERRORS = {1: "defective", 3: "saturated"}  # of the error matrix; 2, below zero, is a value
SHARE = 0.1  # of the bands with an error from which on a pixel is left out


def read_prisma(path: str | Path) -> Product:
    """Open a Level-2D product; nothing is read but the metadata.

    Raises:
        InputError: an incomplete or damaged file, or another level.
    """
    import h5py  # slow to import

    path, held = Path(path), ExitStack()
    with ExitStack() as closing:
        closing.push(held)
        plain = path.suffix.lower() == ".he5"
        product = path if plain else one(files_of(path, held), ".he5", what="HE5 file", where=path)
        try:
            file = held.enter_context(h5py.File(product, "r"))
        except OSError as error:
            raise InputError(
                f"expected a complete HE5 file, could not read {path} ({error}): download it again"
            ) from error
        cubes = [_field(file, f"{name.upper()}_Cube", path) for name in CUBES]
        errors = [_field(file, f"{name.upper()}_PIXEL_L2_ERR_MATRIX", path) for name in CUBES]
        if len({c.shape[::2] for c in (*cubes, *errors)}) > 1:
            raise InputError(
                f"expected VNIR and SWIR of one size in {path}, got "
                f"{' and '.join(str(c.shape[::2]) for c in cubes)}: download it again"
            )
        acquired = [np.flatnonzero(_attribute(file, f"List_Cw_{n}", path) > 0) for n in CUBES]
        table = _table(file, path, acquired, (cubes[0].shape[0], cubes[0].shape[2]))
        closing.pop_all()
    facts = table.facts
    assert facts is not None

    def counts(fields: list[Any], part: Part) -> np.ndarray:
        try:
            return np.concatenate(
                [f[part[0], :, part[1]][:, bands] for f, bands in zip(fields, acquired)], axis=1
            ).transpose(1, 0, 2)
        except OSError as error:
            raise InputError(
                f"expected complete cubes in {path}, a part cannot be read: download it again"
            ) from error

    def read(part: Part) -> tuple[np.ndarray, np.ndarray]:
        dn = counts(cubes, part)
        cube = dn * facts.gain[:, None, None].astype(np.float32)
        cube += facts.offset[:, None, None].astype(np.float32)
        cube[:, (dn == 0).all(axis=0)] = np.nan
        wrong = counts(errors, part)
        quality = np.zeros(wrong.shape[1:], np.uint8)
        for code, why in ERRORS.items():
            quality[(wrong == code).mean(axis=0) > SHARE] = CODES[why]
        return cube, quality

    shape = len(facts.gain), cubes[0].shape[0], cubes[0].shape[2]
    return Product(path, shape, table, read, (), held)


def _field(file: Any, name: str, path: Path) -> Any:
    dataset = file.get(f"{FIELDS}/{name}")
    if dataset is None or getattr(dataset, "ndim", 0) != 3:
        raise InputError(
            f"expected {FIELDS}/{name} in {path}, found none: it is no PRISMA Level-2D product; "
            "order L2D of the same scene"
        )
    return dataset


def _attribute(file: Any, name: str, path: Path) -> Any:
    if name not in file.attrs:
        raise InputError(
            f"expected the attribute {name} in {path}, found none: it is no PRISMA Level-2D "
            "product, or was cut; download it again"
        )
    return file.attrs[name]


def _table(file: Any, path: Path, acquired: list[np.ndarray], size: tuple[int, int]) -> Image:
    def told(name: str) -> Any:
        return _attribute(file, name, path)

    def of_bands(key: str) -> np.ndarray:
        parts = [told(f"List_{key}_{name}")[bands] for name, bands in zip(CUBES, acquired)]
        return np.concatenate(parts).astype(float)

    # wavelengths, and what makes counts reflectance
    centre, fwhm = of_bands("Cw"), of_bands("Fwhm")
    ends = [[float(told(f"L2Scale{name}{end}")) for name in CUBES] for end in ("Min", "Max")]
    low, high = np.array(ends)
    # when, and where the sun stood
    start = told("Product_StartTime")
    time = as_utc(start.decode() if isinstance(start, bytes) else str(start), path)
    sun = Angles(*(float(told(f"Sun_{key}_angle")) for key in ("zenith", "azimuth")))
    scales = np.array([VNIR, SWIR]), (high - low) / FULL, low
    detector, gain, offset = (np.repeat(v, [len(bands) for bands in acquired]) for v in scales)
    facts = Facts(detector, gain, offset, time, sun, view=Angles(np.nan, np.nan))
    # on which map
    try:
        crs = CRS.from_epsg(int(told("Epsg_Code")))
    except CRSError as error:
        raise InputError(
            f"expected a known Epsg_Code in {path}, got {file.attrs['Epsg_Code']}: "
            "download it again"
        ) from error
    names = tuple(f"{n[0]}{b + 1}" for n, bands in zip(CUBES, acquired) for b in bands)
    table, place = np.empty((len(names), 0, 0), np.float32), _transform(file, path, size)
    return Image(table, names, centre, fwhm, None, "PRISMA", time[:10], crs, place, facts=facts)


def _transform(file: Any, path: Path, size: tuple[int, int]) -> Affine:
    """From the corners, which are centres of pixels."""
    west, east = (float(_attribute(file, f"Product_{c}corner_easting", path)) for c in ("UL", "LR"))
    north, south = (
        float(_attribute(file, f"Product_{c}corner_northing", path)) for c in ("UL", "LR")
    )
    x, y = (east - west) / (size[1] - 1), (south - north) / (size[0] - 1)
    return Affine(x, 0, west - x / 2, 0, y, north - y / 2)
