"""What a product says of an image beyond its band table: detectors, responses, angles, quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

# codes of a quality map; every pixel with a code above 0 has no data
REASONS = ("clear", "no data", "saturated", "defective", "cloud", "cirrus", "cloud shadow", "haze")
CODES = {name: code for code, name in enumerate(REASONS)}


def masked(counts: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Share of each reason in an image, those that occur, from counts by code.

    Example:
        >>> masked({"M2": np.array([6, 0, 0, 0, 2, 0, 0, 0])})
        {'M2': {'clear': 0.75, 'cloud': 0.25}}
    """
    return {
        name: {
            reason: round(float(n / count.sum()), 5) for reason, n in zip(REASONS, count) if n > 0
        }
        for name, count in counts.items()
    }


class Angles(NamedTuple):
    """A direction at the centre of the scene, degrees; NaN where the product does not say."""

    zenith: float
    azimuth: float


@dataclass(frozen=True, eq=False)
class Facts:
    """What only a product's metadata hold.

    Attributes:
        detector: (band,) 0 = VNIR, 1 = SWIR.
        gain: (band,) reflectance per count.
        offset: (band,) reflectance of count 0.
        time: start of the acquisition, ISO 8601, UTC.
        sun: direction of the sun.
        view: direction of the sensor.
        srf_wavelength: (N,) nm, or None.
        srf: (band, N) measured responses, or None.
        quality: (y, x) uint8 codes of `REASONS`, or None where nothing was read.
    """

    detector: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    time: str
    sun: Angles
    view: Angles
    srf_wavelength: np.ndarray | None = None
    srf: np.ndarray | None = None
    quality: np.ndarray | None = None

    def select(self, bands: np.ndarray) -> Facts:
        """The same of some of the bands (indices), in the order given."""
        return replace(
            self,
            detector=self.detector[bands],
            gain=self.gain[bands],
            offset=self.offset[bands],
            srf=None if self.srf is None else self.srf[bands],
        )
