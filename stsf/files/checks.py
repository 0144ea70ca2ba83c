"""Whether files belong together: each check is one fact, each refusal names its mend."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from stsf.alignment.days import tell_days_apart
from stsf.errors import Doubt, InputError
from stsf.files.imagefile import Image
from stsf.scene import BRIGHT, check_dates, check_order, check_values

# what becomes reflectance by which factor: percent, per mille, counts of 1e-4
FACTORS = ((120.0, 0.01), (1200.0, 0.001), (float("inf"), 0.0001))


def check_files(named: Sequence[tuple[str, Image]]) -> None:
    """Y1, M1 and M2 with their file names: whatever the files say of themselves."""
    check_content(named)
    check_grid(named)


def check_content(named: Sequence[tuple[str, Image]]) -> None:
    """Y1, M1 and M2 with their file names: values, bands and dates."""
    (_, y1), (name1, m1), (name2, m2) = named
    for name, image in named:
        check_values(name, image.cube)
    check_order(len(y1.cube), len(m2.cube))
    check_same_bands(name1, m1, name2, m2)
    check_days([y1.date, m1.date, m2.date])


def check_days(dates: Sequence[str | None]) -> None:
    """Y1, M1 and M2: days that can be, and a warning where those of t1 lie apart."""
    check_dates(dates)
    tell_days_apart(dates)


def check_grid(named: Sequence[tuple[str, Image]]) -> None:
    """Y1, M1 and M2 with their file names: one CRS and one extent."""
    (hs, y1), (name1, m1), (name2, m2) = named
    mend = (
        f"bring them onto one grid with stsf prepare --hs {hs} --ms1 {name1} --ms2 {name2} "
        "--out prepared/"
    )
    check_place("Y1", y1, "M2", m2, mend=mend)
    check_place("M1", m1, "M2", m2, mend=mend)
    _check_sizes(y1, m1, m2, mend)


def _check_sizes(y1: Image, m1: Image, m2: Image, mend: str) -> None:
    """Images that nothing places, of sizes that do not quite divide."""
    (h, w), fine = y1.cube.shape[1:], m2.cube.shape[1:]
    ratio = max(1, round(fine[0] / h))
    excess = max(abs(fine[0] - ratio * h), abs(fine[1] - ratio * w))
    other = m1.cube.shape[1:] != fine and max(np.abs(np.subtract(m1.cube.shape[1:], fine))) < ratio
    if ratio > 1 and (0 < excess < ratio or (excess < ratio and other)):
        raise InputError(
            f"all images must cover one extent, got {h} x {w} HS pixels, {m1.cube.shape[1]} x "
            f"{m1.cube.shape[2]} and {fine[0]} x {fine[1]} MS pixels: {mend}"
        )


def check_units(named: Sequence[tuple[str, np.ndarray]], given: Sequence[float]) -> None:
    """Reflectance from 0 to 1 in all images, or the scales that would make it so.

    Args:
        named: file names and cubes of Y1, M1 and M2.
        given: the scales that they were read with.
    """
    scales, bright = list(given), []
    for k, (name, cube) in enumerate(named):
        finite = cube[np.isfinite(cube)]
        high = (
            float(np.percentile(finite[:: max(1, finite.size // 100_000)], 98, method="lower"))
            if finite.size
            else 0.0
        )
        if high > BRIGHT:
            bright.append(
                f"{name} must be reflectance from 0 to 1, its 98th percentile is {high:.4g}, "
                "which looks like digital numbers"
            )
            scales[k] *= next(factor for most, factor in FACTORS if high <= most)
    if bright:
        raise InputError(
            f"{'; '.join(bright)}: read with --scale {','.join(map('{:g}'.format, scales))}"
        )


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
    name: str,
    image: Image,
    other: str,
    reference: Image,
    pixels: str = "MS pixels",
    mend: str = "take two images of one place",
) -> None:
    """Same CRS, and the same extent to a hundredth of a pixel, wherever both files say so."""
    if image.crs and reference.crs and image.crs != reference.crs:
        raise InputError(
            f"all images must share one CRS, {name} has {image.crs.to_string()} and {other} has "
            f"{reference.crs.to_string()}: {mend}"
        )
    for which, one in ((name, image), (other, reference)):
        if one.control is not None:
            raise InputError(
                f"expected a regular grid, {which} is placed by control points that no transform "
                f"fits: {mend}"
            )
    if image.transform is None or reference.transform is None:
        return
    corners = _corners(reference)
    pixel = np.hypot(reference.transform.a, reference.transform.d)
    off = np.abs(_corners(image) - corners).max() / pixel
    if off > 0.01:
        raise InputError(
            f"all images must cover one extent, {name} differs from {other} by up to {off:.3g} "
            f"{pixels}: {mend}"
        )
    if bool(image.crs) != bool(reference.crs):
        which, has = (name, other) if reference.crs else (other, name)
        warnings.warn(f"{which} names no CRS: taken to have that of {has}", Doubt, 3)


def _corners(image: Image) -> np.ndarray:
    """(4, 2) map coordinates x, y of the corners, from the upper left one on."""
    assert image.transform is not None
    height, width = image.cube.shape[1:]
    return np.array([image.transform * (x, y) for y in (0, height) for x in (0, width)])
