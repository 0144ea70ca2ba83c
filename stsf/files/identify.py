"""Which sensor a file comes from: what the caller says, what the file says, what we know."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from stsf.errors import Doubt, InputError
from stsf.files.bandnames import sentinel2_band
from stsf.files.imagefile import Image
from stsf.sensing.bands import NOMINAL_MTF, Sensor, from_bands
from stsf.sensing.sensors import SENSORS, get_sensor, product_order, sentinel2

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
    known = known_sensor(image, name)
    if image.facts is not None:
        return _of_product(image, known)
    if image.wavelength is not None:
        fwhm = image.fwhm if image.fwhm is not None else _widths(image.wavelength, known, option)
        if known is None:
            return from_bands(image.wavelength, fwhm, name=image.sensor or "unnamed")
        nearest = np.abs(known.centre - image.wavelength[:, None]).argmin(axis=1)
        known = known.select(nearest)
        if np.all(np.abs(known.centre - image.wavelength) <= fwhm / 2):
            return replace(known, centre=image.wavelength, fwhm=fwhm)
        return from_bands(image.wavelength, fwhm, name=known.name, gsd=known.gsd)
    if known is None:
        raise InputError(
            "expected band wavelengths in the file, found none: name the sensor "
            f"({option}, out of {', '.join(SENSORS)}, or a band table as CSV)"
        )
    names = _as_known(image.names, known)
    if names:
        return known.select(names)
    if len(known) != len(image.cube):
        own = f"{option.replace('sensor', 'bands')}, such as 1-{len(known)}"
        choose = f"choose its bands with {own}, or " if len(image.cube) > len(known) else ""
        raise InputError(
            f"{known.name} has {len(known)} bands, the file has {len(image.cube)} and no "
            f"wavelengths: {choose}give the table of the file's bands "
            f"as CSV with columns name, centre, fwhm in nm ({option} TABLE.csv)"
        )
    return known.select(_by_position(known, image.cube))


def _of_product(image: Image, known: Sensor | None) -> Sensor:
    """The sensor as the product's metadata describe it; from the one we know only its MTF."""
    assert image.facts is not None and image.wavelength is not None and image.fwhm is not None
    assert image.transform is not None
    facts, mtf = image.facts, known.mtf if known else NOMINAL_MTF
    bands = image.sensor or "unnamed", image.names, image.wavelength, image.fwhm
    own = facts.detector, mtf, facts.srf_wavelength, facts.srf
    return Sensor(*bands, abs(image.transform.a), *own)


def known_sensor(image: Image, name: str | None = None) -> Sensor | None:
    """A name given by the caller must be known; a foreign tag in a file is no error."""
    if name:
        return _whole(get_sensor(name), image)
    try:
        return _whole(get_sensor(image.sensor), image) if image.sensor else None
    except InputError:
        return None


def _whole(known: Sensor, image: Image) -> Sensor:
    """All bands of Sentinel-2, of which a file may hold any, once the file tells them apart."""
    certain = image.wavelength is not None or None not in map(sentinel2_band, image.names or ("",))
    if certain and known.name in ("Sentinel-2A", "Sentinel-2B"):
        return sentinel2(known.name[-1], MSI_BANDS)
    return known


def _as_known(names: tuple[str, ...], known: Sensor) -> list[str] | None:
    """The file's names as the sensor's table writes them; None where a band is not told by name."""
    if names and set(names) <= set(known.band_names):
        return list(names)
    if known.name.startswith("Sentinel-2"):
        meant = [sentinel2_band(name) for name in names]
        if meant and len(set(meant)) == len(meant) and set(meant) <= set(known.band_names):
            return [name for name in meant if name]
    return None


def _widths(wavelength: np.ndarray, known: Sensor | None, option: str) -> np.ndarray:
    """FWHM (nm) of bands whose file gives centres only: the sensor's, else their spacing.

    Few bands far apart have a spacing that says nothing of their width.
    """
    if known is not None:
        return known.fwhm[np.abs(known.centre - wavelength[:, None]).argmin(axis=1)]
    if "ms" in option or len(wavelength) < 2:
        raise InputError(
            "expected the width (FWHM) of each band beside its wavelength, found none: name the "
            f"sensor ({option}), or a band table with columns name, centre, fwhm in its place"
        )
    order = wavelength.argsort()
    spacing = np.empty(len(wavelength))
    spacing[order] = np.abs(np.gradient(wavelength[order]))
    return np.maximum(spacing, 1e-3)


def _by_position(known: Sensor, cube: np.ndarray) -> np.ndarray:
    """Order of the sensor's bands where a file tells them by position only: the data decide.

    Products deliver some detectors in another order than that of wavelength. In the right order
    neighbouring bands say nearly the same.
    """
    orders = [product_order(known), np.arange(len(known))]
    if (orders[0] == orders[1]).all():
        return orders[0]
    step = max(1, int(cube.shape[1] * cube.shape[2] / 2000) or 1)
    spectra = cube.reshape(len(cube), -1)[:, ::step]
    spectra = spectra[:, np.isfinite(spectra).all(axis=0)]

    def roughness(order: np.ndarray) -> float:
        return float(np.abs(np.diff(spectra[known.centre[order].argsort()], axis=0)).mean())

    as_product, as_table = map(roughness, orders) if spectra.size else (0.0, 1.0)
    return orders[1] if as_table < 0.99 * as_product else orders[0]


def usable_bands(image: Image, sensor: Sensor, name: str) -> np.ndarray:
    """Indices of the bands that hold a measurement, in order of wavelength.

    Left out with a warning: bands without data or of one value everywhere (a failed detector, an
    empty layer of a stack), and of several bands at one wavelength all but the first.

    Args:
        image: the file.
        sensor: its bands, see `sensor_of`.
        name: of the file, for the warning.
    """
    flat = image.cube.reshape(len(image.cube), -1)
    some = np.isfinite(flat).any(axis=1)
    low = np.where(np.isfinite(flat), flat, np.inf).min(axis=1)
    high = np.where(np.isfinite(flat), flat, -np.inf).max(axis=1)
    alive = some & (low < high)
    if not alive.any():
        return np.arange(len(flat))  # refused as a whole later, in its own words
    order = sensor.centre.argsort(kind="stable")
    order = order[alive[order]]
    fresh = np.diff(sensor.centre[order], prepend=-np.inf) > 0
    useless = {"hold one value everywhere": np.flatnonzero(~alive)}
    useless["repeat a wavelength"] = order[~fresh]
    for what, lost in useless.items():
        if lost.size:
            bands = ", ".join(
                f"{sensor.band_names[b]} ({sensor.centre[b]:.0f} nm)" for b in lost[:5]
            )
            more = " ..." if lost.size > 5 else ""
            warnings.warn(
                f"{name}: {lost.size} bands {what} and are left out: {bands}{more}", Doubt, 3
            )
    return order[fresh]
