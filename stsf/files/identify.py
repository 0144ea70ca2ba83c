"""Which sensor a file comes from: what the caller says, what the file says, what we know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stsf.errors import InputError
from stsf.files.imagefile import Image
from stsf.sensing.bands import Sensor, from_bands
from stsf.sensing.sensors import get_sensor, sentinel2

MSI_BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")


def sensor_of(image: Image, name: str | None, option: str) -> Sensor:
    """The sensor of a file: named by the caller or the file, with the file's own band table.

    A band table read from the product always wins over the one we know; a measured response is
    kept where the bands agree to within half their width.

    Args:
        image: the file, with its band table.
        name: what the caller says; else the file's `SENSOR` tag.
        option: the command line option to name in the error.

    Raises:
        InputError: neither wavelengths nor a known sensor, or bands that do not fit.
    """
    known = _known_sensor(image, name)
    if image.wavelength is not None:
        if image.fwhm is None and len(image.wavelength) < 2:
            raise InputError(
                "expected the width of the only band, found none: add FWHM_UM to it "
                "(GDAL's IMAGERY domain)"
            )
        fwhm = image.fwhm if image.fwhm is not None else np.abs(np.gradient(image.wavelength))
        if known is None:
            return from_bands(image.wavelength, fwhm, name=image.sensor or "unnamed")
        nearest = np.abs(known.centre - image.wavelength[:, None]).argmin(axis=1)
        known = known.select(nearest)
        if np.all(np.abs(known.centre - image.wavelength) <= fwhm / 2):
            return replace(known, centre=image.wavelength, fwhm=fwhm)
        return from_bands(image.wavelength, fwhm, name=known.name, gsd=known.gsd)
    if known is None:
        raise InputError(
            f"expected band wavelengths in the file, found none: name the sensor ({option})"
        )
    if image.names and set(image.names) <= set(known.band_names):
        return known.select(list(image.names))
    if len(known) != len(image.cube):
        raise InputError(
            f"{known.name} has {len(known)} bands, the file has {len(image.cube)} and no "
            "wavelengths: add CENTRAL_WAVELENGTH_UM to each band (GDAL's IMAGERY domain)"
        )
    return known


def _known_sensor(image: Image, name: str | None) -> Sensor | None:
    """A name given by the caller must be known; a foreign tag in a file is no error."""
    if name:
        return _whole(get_sensor(name), image)
    try:
        return _whole(get_sensor(image.sensor), image) if image.sensor else None
    except InputError:
        return None


def _whole(known: Sensor, image: Image) -> Sensor:
    """All bands of Sentinel-2, of which a file may hold any, once the file tells them apart."""
    told = image.wavelength is not None or (image.names and set(image.names) <= set(MSI_BANDS))
    if told and known.name in ("Sentinel-2A", "Sentinel-2B"):
        return sentinel2(known.name[-1], MSI_BANDS)
    return known
