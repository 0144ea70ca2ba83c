"""Whether files belong together: each check is one fact, each refusal names its mend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stsf.errors import InputError
from stsf.files.imagefile import Image
from stsf.scene import check_dates, check_order, check_values


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
