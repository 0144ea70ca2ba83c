"""Which band is which, by what its name says: a wavelength, a band of Sentinel-2, or a colour."""

from __future__ import annotations

import re

import numpy as np

# nm per unit as people write it behind a number
UNITS = dict.fromkeys(("nm", "nanometers", "nanometer"), 1.0)
UNITS |= dict.fromkeys(("um", "µm", "μm", "micrometers", "micrometer"), 1e3)
COLOURS = {"blue": "B2", "green": "B3", "red": "B4", "nir": "B8", "near infrared": "B8"}
NUMBER = r"(\d+(?:\.\d+)?)"


def wavelength_in(name: str) -> float | None:
    """The wavelength in nm that a name states with its unit, or None.

    Example:
        >>> wavelength_in("Band 1 (438.0 Nanometers)"), wavelength_in("B4, wavelength 665 nm")
        (438.0, 665.0)
        >>> wavelength_in("0.49 µm"), wavelength_in("Band 12")
        (490.0, None)
    """
    match = re.search(rf"{NUMBER}\s*({'|'.join(UNITS)})\b", name, re.IGNORECASE)
    return round(float(match[1]) * UNITS[match[2].lower()], 6) if match else None


def wavelengths_in(names: tuple[str, ...]) -> np.ndarray | None:
    """(band,) wavelengths where every name states one, else None."""
    stated = [wavelength_in(name) for name in names]
    return np.array(stated) if stated and None not in stated else None


def sentinel2_band(name: str) -> str | None:
    """The band of Sentinel-2 that a name means: by its number, or one of the four 10 m colours.

    Example:
        >>> [sentinel2_band(n) for n in ("B02", "b8a", "B4, central wavelength 665 nm", "Green")]
        ['B2', 'B8A', 'B4', 'B3']
        >>> sentinel2_band("SCL") is None
        True
    """
    numbered = re.match(r"\s*b(?:and)?[ _-]?0*(1[0-2]|[1-9])(a?)(?![0-9a-z])", name, re.IGNORECASE)
    if numbered:
        return f"B{numbered[1]}{numbered[2].upper()}"
    return COLOURS.get(name.strip().lower())
