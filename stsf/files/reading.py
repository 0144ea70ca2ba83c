"""Three files as they lie on the disk: which bands, in which units, by which sensors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stsf.alignment.common_grid import common_grid
from stsf.alignment.placed import Placed
from stsf.errors import Doubt, InputError
from stsf.files.checks import check_grid, check_units
from stsf.files.choice import chosen_bands
from stsf.files.facts import CODES
from stsf.files.identify import known_sensor, sensor_of, usable_bands
from stsf.files.imagefile import Image
from stsf.files.products.opening import read_together
from stsf.sensing.bands import Sensor
from stsf.sensing.sensors import SENSORS


@dataclass(frozen=True)
class Reading:
    """How to read three files, where they do not say it themselves.

    Attributes:
        hs_sensor: name for `stsf.sensing.get_sensor`; else the file's `SENSOR` tag is used.
        ms_sensor: the same for the MS.
        hs_bands: the HS bands to use, see `stsf.files.choice`; all without it.
        ms_bands: the same for the MS.
        scale: of Y1, M1 and M2: what their values are multiplied by to become reflectance.
        offset: of Y1, M1 and M2: what is added to them then.
        nodata: a stored value that is no measurement, beside those that the files declare.
    """

    hs_sensor: str | None = None
    ms_sensor: str | None = None
    hs_bands: str | None = None
    ms_bands: str | None = None
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    nodata: float | None = None


class Files(NamedTuple):
    """Three images with the bands that will be used, and their sensors."""

    y1: Image
    m1: Image
    m2: Image
    hs: Sensor
    ms: Sensor


def read_files(paths: Sequence[str | Path], reading: Reading) -> Files:
    """Y1, M1 and M2 as their files have them, on whatever grid, with the bands that can be used.

    Raises:
        InputError: a file that cannot be read, or bands that cannot be told.
    """
    return with_sensors(paths, read_together(paths, reading.nodata), reading)


def with_sensors(paths: Sequence[str | Path], images: Sequence[Image], reading: Reading) -> Files:
    """Images as they were read, in reflectance, with the bands that can be used."""
    images = [
        _in_reflectance(image, scale, offset)
        for image, scale, offset in zip(images, reading.scale, reading.offset)
    ]
    check_units([(str(path), image.cube) for path, image in zip(paths, images)], reading.scale)
    _check_told(images, reading)
    named = (reading.ms_sensor, "--ms-sensor", reading.ms_bands)
    y1, hs = usable(str(paths[0]), images[0], reading.hs_sensor, "--hs-sensor", reading.hs_bands)
    ms = [usable(str(path), image, *named, False) for path, image in zip(paths[1:], images[1:])]
    m1, m2, bands = _shared(*ms[0], *ms[1])
    return Files(y1, m1, m2, hs, bands)


def _in_reflectance(image: Image, scale: float, offset: float) -> Image:
    return replace(image, cube=(image.cube * np.float32(scale) + np.float32(offset)))


def _check_told(images: Sequence[Image], reading: Reading) -> None:
    """All sensors that must be named, in one sentence."""
    named = (reading.hs_sensor, reading.ms_sensor, reading.ms_sensor)
    options = ("--hs-sensor", "--ms-sensor", "--ms-sensor")
    missing = [
        option
        for image, name, option in zip(images, named, options)
        if image.wavelength is None and not name and not known_sensor(image)
    ]
    if len(set(missing)) > 1:
        raise InputError(
            "expected band wavelengths in the files, found none: name the sensors (--hs-sensor "
            f"and --ms-sensor, out of {', '.join(SENSORS)}, or band tables as CSV)"
        )


def usable(
    name: str,
    image: Image,
    sensor: str | None,
    option: str,
    wanted: str | None = None,
    in_order: bool = True,
) -> tuple[Image, Sensor]:
    """The image's usable bands and their sensor.

    Args:
        name: of the file, for warnings.
        image: what it holds.
        sensor: name given by the user, if any.
        option: with which one names it.
        wanted: bands chosen by the user, see `stsf.files.choice`.
        in_order: of wavelength, else of the file.
    """
    own = option.replace("sensor", "bands")
    if wanted and not _fits_whole(image, sensor):  # the table describes the chosen bands only
        if (first := _told_by_file(wanted, image, option)) is not None:
            image, wanted = _only(image, first), None
    bands = sensor_of(image, sensor, option)
    if wanted:
        first = _told_by_file(wanted, image, option)
        if first is None:
            first = chosen_bands(wanted, bands.band_names, bands.centre, own)
        image, bands = _only(image, first), bands.select(first)
    chosen = usable_bands(image, bands, name)
    if image.good is not None:
        chosen = chosen[image.good[chosen]]
    chosen = chosen if in_order else np.sort(chosen)
    return replace(_only(image, chosen), good=None), bands.select(chosen)


def bands_like(bands: Sensor, hs: Sensor, name: str) -> np.ndarray:
    """Indices of the bands of a truth or product that are those of the HS, each by its wavelength.

    Args:
        bands: of the truth or product.
        hs: those wanted.
        name: of the file, for the error.

    Raises:
        InputError: a band of the HS that is not there.
    """
    gap = np.abs(bands.centre[:, None] - hs.centre)
    nearest = gap.argmin(axis=0)
    if (gap[nearest, np.arange(len(hs))] > hs.fwhm / 2).any():
        missing = int((gap.min(axis=0) > hs.fwhm / 2).argmax())
        raise InputError(
            f"expected all bands of the HS in {name}, found none at "
            f"{hs.centre[missing]:.0f} nm: take the file that belongs to this HS"
        )
    return nearest


def _told_by_file(wanted: str, image: Image, option: str) -> np.ndarray | None:
    """Bands that the file itself tells apart; None where only the sensor's table can."""
    names = image.names or ("",) * len(image.cube)
    try:
        return chosen_bands(wanted, names, image.wavelength, option)
    except InputError:
        return None


def _fits_whole(image: Image, sensor: str | None) -> bool:
    """Whether a sensor or table that the user named has one row for each band of the file."""
    known = known_sensor(image, sensor)
    return known is not None and len(known) == len(image.cube)


def _only(image: Image, bands: np.ndarray) -> Image:
    """The image with some of its bands, in the order given."""
    given = {
        key: value[bands]
        for key in ("cube", "wavelength", "fwhm", "good")
        if (value := getattr(image, key)) is not None
    }
    names = tuple(image.names[b] for b in bands) if image.names else ()
    facts = image.facts and image.facts.select(bands)
    numbers = (np.arange(len(image.cube)) if image.bands is None else image.bands)[bands]
    return replace(image, **given, names=names, facts=facts, bands=numbers)


def _shared(
    m1: Image, bands_t1: Sensor, m2: Image, bands_t2: Sensor
) -> tuple[Image, Image, Sensor]:
    """Both MS dates with the bands they share, told by wavelength, in the order of the second."""
    gap = np.abs(bands_t1.centre[:, None] - bands_t2.centre)  # (bands at t1, bands at t2)
    first, second = gap.argmin(axis=0), np.arange(len(bands_t2))
    near = gap[first, second] <= np.maximum(bands_t2.fwhm / 2, 1.0)
    first, second = first[near], second[near]
    few = 2 * len(second) < max(len(bands_t1), len(bands_t2))  # rather two sensors than one
    if few or not second.size or len(set(first)) < len(first):
        return m1, m2, bands_t2  # refused by `check_same_bands`, in its own words
    lost = {bands_t1.band_names[b] for b in range(len(bands_t1)) if b not in first}
    lost |= {bands_t2.band_names[b] for b in np.flatnonzero(~near)}
    if lost:
        warnings.warn(
            f"MS bands of one date only are left out: {', '.join(sorted(lost))}", Doubt, 3
        )
    return _only(m1, first), _only(m2, second), bands_t2.select(second)


def on_one_grid(paths: Sequence[str | Path], files: Files) -> tuple[Files, tuple[float, float]]:
    """The same images cropped to one grid, and the shift of Y1 on it in MS pixels (y, x).

    Raises:
        InputError: images that only a warp could bring onto one grid, or of different places.
    """
    try:
        check_grid([(str(path), image) for path, image in zip(paths, files[:3])])
    except InputError:
        common = common_grid(*(_with_reasons(placed(image), image) for image in files[:3]))
        if common.warped:
            raise
    else:
        return files, (0.0, 0.0)
    warnings.warn("; ".join(common.done), Doubt, 3)
    cubes = common.lrhs_t1, common.hrms_t1, common.hrms_t2
    y1, m1, m2 = (
        replace(
            image,
            cube=cube[:-1],
            transform=common.transform,
            crs=common.crs,
            control=None,
            facts=image.facts and replace(image.facts, quality=_codes(cube[-1])),
        )
        for image, cube in zip(files[:3], cubes)
    )
    return files._replace(y1=y1, m1=m1, m2=m2), common.shift


def _with_reasons(image: Placed, source: Image) -> Placed:
    """With the reasons as one more band, which is cropped with the others."""
    return replace(image, cube=np.concatenate([image.cube, reasons(source)[None]]))


def _codes(band: np.ndarray) -> np.ndarray:
    return np.nan_to_num(band, nan=CODES["no data"]).astype(np.uint8)


def reasons(image: Image) -> np.ndarray:
    """(y, x) uint8, why a pixel of a file or product has no data, codes of `REASONS`."""
    missing = np.where(np.isfinite(image.cube).all(axis=0), 0, CODES["no data"]).astype(np.uint8)
    if image.facts is None or image.facts.quality is None:
        return missing
    return np.where(image.facts.quality > 0, image.facts.quality, missing)


def placed(image: Image) -> Placed:
    """What the common grid asks of an image."""
    return Placed(image.cube, image.transform, image.crs, image.control)
