"""What a scene must satisfy: each check is one fact, each refusal one sentence with the mend."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from stsf.errors import InputError
from stsf.raster import Image

if TYPE_CHECKING:
    from stsf.scene import Scene

RATIOS = range(2, 11)  # HS to MS pixel size of the satellite pairs that fly
DAYS_APART = 30  # HS and MS at t1 describe one state of the ground; farther apart they do not
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
    if len(scene.hs) <= len(scene.ms):
        raise InputError(
            f"expected more hyperspectral than multispectral bands, got {len(scene.hs)} and "
            f"{len(scene.ms)}: the two images may be swapped"
        )
    if np.any(np.diff(scene.hs.centre) <= 0):
        b = int(np.argmax(np.diff(scene.hs.centre) <= 0))
        raise InputError(
            f"wavelengths must increase from band to band, got {scene.hs.centre[b]:.1f} then "
            f"{scene.hs.centre[b + 1]:.1f} nm: sort the bands and drop overlapping ones"
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
    expected = {"hrhs_t1": (len(scene.hs), *fine), "hrhs_t2": (len(scene.hs), *fine)}
    expected |= {"change": fine, "valid_hr": fine, "valid_lr": (h, w)}
    for key, shape in expected.items():
        given = getattr(scene, key)
        if given is not None and given.shape != shape:
            raise InputError(
                f"{key} must have shape {shape}, got {given.shape}: crop it to the scene"
            )


def check_values(key: str, cube: np.ndarray) -> None:
    """Reflectance: finite somewhere, not digital numbers, not constant."""
    finite = cube[np.isfinite(cube)]
    if not finite.size:
        raise InputError(f"{key} has no valid pixel: check the nodata value and the extent")
    high = float(np.percentile(finite[:: max(1, finite.size // 100_000)], 98))
    if high > BRIGHT:
        raise InputError(
            f"{key} must be reflectance from 0 to 1, its 98th percentile is {high:.4g}, which "
            "looks like digital numbers: set the bands' scale (0.0001 is usual) or divide first"
        )
    if finite.min() == finite.max():
        raise InputError(
            f"{key} must vary, every value is {finite[0]:.4g}: check that it is the right file"
        )


def check_dates(dates: tuple[str, str, str] | None) -> None:
    """HS and MS at t1 lie at most `DAYS_APART` days apart."""
    if dates is None:
        return
    try:
        days = abs((date.fromisoformat(dates[0]) - date.fromisoformat(dates[1])).days)
    except ValueError as error:
        raise InputError(f"dates must look like 2025-07-24, got {dates}: mend the DATE") from error
    if days > DAYS_APART:
        raise InputError(
            f"HS and MS at t1 must be at most {DAYS_APART} days apart, got {dates[0]} and "
            f"{dates[1]} ({days} days): choose an MS image nearer to the HS date"
        )


def check_georeference(y1: Image, m1: Image, m2: Image) -> None:
    """Same CRS, and the same extent to a hundredth of an MS pixel, wherever the files say so."""
    named = (("Y1", y1), ("M1", m1))
    for name, image in named:
        if image.crs and m2.crs and image.crs != m2.crs:
            raise InputError(
                f"all images must share one CRS, {name} has {image.crs.to_string()} and M2 has "
                f"{m2.crs.to_string()}: reproject with gdalwarp -t_srs {m2.crs.to_string()}"
            )
    if not m2.crs or m2.transform is None:
        return
    pixel = abs(m2.transform.a)
    left, bottom, right, top = _extent(m2)
    for name, image in named:
        if not image.crs or image.transform is None:
            continue
        off = np.abs(np.subtract(_extent(image), (left, bottom, right, top))).max() / pixel
        if off > 0.01:
            raise InputError(
                f"all images must cover one extent, {name} differs from M2 by up to {off:.3g} MS "
                f"pixels: warp it with gdalwarp -te {left:.10g} {bottom:.10g} {right:.10g} "
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
    """Values of the nearest valid pixel in place of those without data, float32."""
    gaps = ~np.isfinite(cube).all(axis=0)
    if not gaps.any():
        return np.asarray(cube, dtype=np.float32)
    if gaps.all():
        raise InputError(
            "every pixel misses at least one band: drop the bands that hold no data at all"
        )
    nearest = ndimage.distance_transform_edt(gaps, return_distances=False, return_indices=True)
    return np.asarray(cube[:, nearest[0], nearest[1]], dtype=np.float32)
