"""What a scene must satisfy: each check is one fact, each refusal one sentence with the mend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from stsf.errors import InputError
from stsf.files.imagefile import Image

if TYPE_CHECKING:
    from stsf.scene import Scene

RATIOS = range(2, 11)  # HS to MS pixel size of the satellite pairs that fly
DAYS_APART = 30  # HS and MS at t1 describe one state of the ground; farther apart they do not
FEWEST = 2  # valid HS pixels, and HS pixels a side: fewer have no covariance and no gradient
BRIGHT = 2.0  # no surface reflectance reaches this, except in a few glinting pixels


def check_bands(scene: Scene) -> None:
    """Cubes have three axes, as many bands as their sensors, and the HS has more than the MS."""
    for key, sensor in (("lrhs_t1", scene.hs), ("hrms_t1", scene.ms), ("hrms_t2", scene.ms)):
        cube = getattr(scene, key)
        if cube.ndim != 3:
            raise InputError(f"{key} must be (band, y, x), got shape {cube.shape}: add the axis")
        if len(cube) != len(sensor):
            raise InputError(
                f"{key} has {len(cube)} bands, {sensor.name} has {len(sensor)}: "
                "name the right sensor or select its bands"
            )
    check_order(len(scene.hs), len(scene.ms))
    if np.any(np.diff(scene.hs.centre) <= 0):
        b = int(np.argmax(np.diff(scene.hs.centre) <= 0))
        raise InputError(
            f"wavelengths must increase from band to band, got {scene.hs.centre[b]:.1f} then "
            f"{scene.hs.centre[b + 1]:.1f} nm: sort the bands and drop overlapping ones"
        )


def check_order(hs_bands: int, ms_bands: int) -> None:
    """The hyperspectral image is the one with more bands."""
    if hs_bands <= ms_bands:
        raise InputError(
            f"expected more hyperspectral than multispectral bands, got {hs_bands} and "
            f"{ms_bands}: the two images may be swapped"
        )


def check_grids(scene: Scene) -> None:
    """One whole ratio in both directions; truth and maps on the product grid."""
    (h, w), fine = scene.lrhs_t1.shape[1:], scene.hrms_t2.shape[1:]
    if scene.hrms_t1.shape[1:] != fine:
        raise InputError(
            f"both MS dates must share one grid, got {scene.hrms_t1.shape[1:]} and {fine} pixels: "
            "warp M1 onto the grid of M2"
        )
    if fine[0] < h or fine[1] < w:
        raise InputError(
            f"the MS must be finer than the HS, got {fine} MS and {(h, w)} HS pixels: "
            "the two images may be swapped"
        )
    ratio = fine[0] / h
    if ratio != fine[1] / w or ratio not in RATIOS:
        raise InputError(
            f"one HS pixel must span a whole number of MS pixels from {RATIOS[0]} to {RATIOS[-1]}, "
            f"got {fine[0]}/{h} = {ratio:.3g} and {fine[1]}/{w} = {fine[1] / w:.3g}: "
            "crop both to one extent or resample the HS"
        )
    if min(h, w) < FEWEST:
        raise InputError(
            f"expected at least {FEWEST} HS pixels along each side, got {(h, w)}: "
            "take a larger window of all images"
        )
    expected = {"hrhs_t1": (len(scene.hs), *fine), "hrhs_t2": (len(scene.hs), *fine)}
    expected |= {"change": fine, "valid_hr": fine, "valid_lr": (h, w)}
    for key, shape in expected.items():
        given = getattr(scene, key)
        if given is not None and given.shape != shape:
            raise InputError(
                f"{key} must have shape {shape}, got {given.shape}: crop it to the scene"
            )


def check_values(name: str, cube: np.ndarray) -> None:
    """Reflectance that varies; data in every band of some pixel."""
    check_reflectance(name, cube)
    finite = np.isfinite(cube)
    if not finite.all(axis=0).any():
        empty = np.flatnonzero(~finite.any(axis=(1, 2)))[:5] + 1
        bands = f" ({', '.join(map(str, empty))})" if empty.size else ""
        raise InputError(
            f"in {name} every pixel misses at least one band: drop the bands that hold no data "
            f"at all{bands}"
        )
    if np.nanmin(cube) == np.nanmax(cube):
        raise InputError(
            f"{name} must vary, every value is {np.nanmax(cube):.4g}: "
            "check that it is the right file"
        )


def check_reflectance(name: str, cube: np.ndarray) -> None:
    """Reflectance: finite somewhere, not digital numbers."""
    finite = cube[np.isfinite(cube)]
    if not finite.size:
        raise InputError(f"{name} has no valid pixel: check the nodata value and the extent")
    high = float(np.percentile(finite[:: max(1, finite.size // 100_000)], 98))
    if high > BRIGHT:
        raise InputError(
            f"{name} must be reflectance from 0 to 1, its 98th percentile is {high:.4g}, which "
            "looks like digital numbers: set the bands' scale (0.0001 is usual) or divide first"
        )


def check_masks(valid_lr: np.ndarray, valid_hr: np.ndarray) -> None:
    """Enough is left where all images have data."""
    if valid_lr.sum() < FEWEST or not valid_hr.any():
        raise InputError(
            f"expected at least {FEWEST} HS pixels with data and one MS pixel with data at both "
            f"dates, got {valid_lr.sum()} and {valid_hr.sum()}: choose images whose valid areas "
            "overlap"
        )


def check_dates(dates: Sequence[str | None]) -> None:
    """Known dates of Y1, M1, M2 are dates; HS and MS at t1 lie at most `DAYS_APART` days apart."""
    known = [_day(text) for text in dates]
    if not (known[0] and known[1]):
        return
    days = abs((known[0] - known[1]).days)
    if days > DAYS_APART:
        raise InputError(
            f"HS and MS at t1 must be at most {DAYS_APART} days apart, got {dates[0]} and "
            f"{dates[1]} ({days} days): choose an MS image nearer to the HS date"
        )


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"dates must look like 2025-07-24, got {text!r}: mend the tag DATE of the file"
        ) from error


def check_files(named: Sequence[tuple[str, Image]]) -> None:
    """Y1, M1 and M2 with their file names: whatever the files say of themselves."""
    (_, y1), (name1, m1), (name2, m2) = named
    for name, image in named:
        check_values(name, image.cube)
    check_order(len(y1.cube), len(m2.cube))
    check_same_bands(name1, m1, name2, m2)
    check_place("Y1", y1, "M2", m2)
    check_place("M1", m1, "M2", m2)
    check_dates([y1.date, m1.date, m2.date])


def check_same_bands(name: str, image: Image, other: str, reference: Image) -> None:
    """As many bands, and each in the same place of the spectrum where both files say so."""
    if len(image.cube) != len(reference.cube):
        raise InputError(
            f"expected the same bands in both images, got {len(image.cube)} in {name} and "
            f"{len(reference.cube)} in {other}: choose them alike"
        )
    if image.wavelength is None or reference.wavelength is None:
        return
    near = 1.0 if reference.fwhm is None else np.maximum(reference.fwhm / 2, 1.0)
    off = np.abs(image.wavelength - reference.wavelength) > near
    if off.any():
        b = int(off.argmax())
        raise InputError(
            f"expected the same bands in one order, band {b + 1} lies at {image.wavelength[b]:.1f} "
            f"nm in {name} and at {reference.wavelength[b]:.1f} nm in {other}: sort them alike"
        )


def check_place(
    name: str, image: Image, other: str, reference: Image, pixels: str = "MS pixels"
) -> None:
    """Same CRS, and the same extent to a hundredth of a pixel, wherever both files say so."""
    if image.crs and reference.crs and image.crs != reference.crs:
        wanted = reference.crs.to_string()
        raise InputError(
            f"all images must share one CRS, {name} has {image.crs.to_string()} and {other} has "
            f"{wanted}: reproject with gdalwarp -t_srs {wanted}"
        )
    unknown = image.transform is None or reference.transform is None
    if unknown or bool(image.crs) != bool(reference.crs):
        return
    assert image.transform is not None and reference.transform is not None
    left, bottom, right, top = _extent(reference)
    gaps = np.subtract(_extent(image), (left, bottom, right, top))
    off = np.abs(gaps).max() / abs(reference.transform.a)
    if off > 0.01:
        raise InputError(
            f"all images must cover one extent, {name} differs from {other} by up to {off:.3g} "
            f"{pixels}: warp it with gdalwarp -te {left:.10g} {bottom:.10g} {right:.10g} "
            f"{top:.10g} -tr {abs(image.transform.a):.10g} {abs(image.transform.e):.10g}"
        )


def _extent(image: Image) -> tuple[float, float, float, float]:
    """Left, bottom, right, top in map coordinates."""
    transform = image.transform
    assert transform is not None
    left, top = transform * (0, 0)
    right, bottom = transform * (image.cube.shape[2], image.cube.shape[1])
    return left, bottom, right, top


def fill_gaps(cube: np.ndarray) -> np.ndarray:
    """Values of the nearest valid pixel in place of those without data, float32.

    Args:
        cube: (band, y, x), at least one pixel with data in every band.
    """
    gaps = ~np.isfinite(cube).all(axis=0)
    if not gaps.any():
        return np.asarray(cube, dtype=np.float32)
    nearest = ndimage.distance_transform_edt(gaps, return_distances=False, return_indices=True)
    return np.asarray(cube[:, nearest[0], nearest[1]], dtype=np.float32)
