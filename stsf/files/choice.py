"""Bands chosen by the user: by name, by number, or by a range of wavelengths."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from stsf.errors import InputError
from stsf.files.bandnames import sentinel2_band

RANGE_NM = re.compile(r"(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)\s*nm", re.IGNORECASE)
NUMBERS = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


def chosen_bands(
    text: str, names: Sequence[str], centre: np.ndarray | None, option: str
) -> np.ndarray:
    """Indices of the bands that a text names, in the order of the file.

    Args:
        text: parts separated by commas: names, numbers (from 1) such as 3 or 1-4, or ranges of
            wavelengths such as 450-900nm.
        names: of all bands, empty where they have none.
        centre: (band,) nm, or None where not known.
        option: that the text was given to, for the error.

    Raises:
        InputError: a part that fits no band.

    Example:
        >>> chosen_bands("B2, 3-4", ["B2", "B3", "B4", "B8"], None, "--ms-bands").tolist()
        [0, 2, 3]
        >>> chosen_bands("500-700 nm", ["", "", ""], np.array([490.0, 560, 842]), "-").tolist()
        [1]
    """
    chosen: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        own = _bands(part, names, centre)
        if not own:
            known = ", ".join(filter(None, names)) or "no names"
            raise InputError(
                f"expected bands of the file in {option}, got {part!r}, the file has {len(names)} "
                f"bands ({known[:200]}): name some of them, their numbers, or a range as 450-900nm"
            )
        chosen |= own
    if not chosen:
        raise InputError(f"expected bands in {option}, got none: write names, numbers or 450-900nm")
    return np.array(sorted(chosen))


def _bands(part: str, names: Sequence[str], centre: np.ndarray | None) -> set[int]:
    plain = [name.strip().lower() for name in names]
    if part.lower() in plain:
        return {plain.index(part.lower())}
    if match := RANGE_NM.fullmatch(part):
        low, high = float(match[1]), float(match[2])
        wave = np.full(len(names), np.nan) if centre is None else centre
        return set(np.flatnonzero((wave >= low) & (wave <= high)).tolist())
    if match := NUMBERS.fullmatch(part):
        first, last = int(match[1]), int(match[2] or match[1])
        return set(range(first - 1, last)) if 1 <= first <= last <= len(names) else set()
    meant = sentinel2_band(part)
    return {b for b, name in enumerate(names) if meant and sentinel2_band(name) == meant}
