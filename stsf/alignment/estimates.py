"""What was found of a number, and what is in use where the scene cannot tell it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from stsf.degradation import Psf


@dataclass(frozen=True)
class Estimate:
    """One number in use, and what is known of it.

    Attributes:
        value: found in the images where `told`, else the value kept in its place.
        sigma: standard deviation; NaN where not told.
        told: False where this scene cannot tell.
    """

    value: float
    sigma: float = math.nan
    told: bool = False

    def __str__(self) -> str:
        return f"{self.value:.3f} ± {self.sigma:.3f}" if self.told else f"{self.value:.3f} (kept)"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None in place of NaN."""
        return asdict(self) | ({} if self.told else {"sigma": None})


@dataclass(frozen=True)
class DetectorFit:
    """Shift and PSF width of one HS detector relative to the MS, high-resolution pixels.

    Attributes:
        detector: "VNIR" or "SWIR".
        shift_y: as in `Psf`, positive down.
        shift_x: positive to the right.
        sigma_y: width along track.
        sigma_x: width across track.
        reason: why something could not be told and what is used instead; empty if all was told.
    """

    detector: str
    shift_y: Estimate
    shift_x: Estimate
    sigma_y: Estimate
    sigma_x: Estimate
    reason: str = ""

    @property
    def told(self) -> bool:
        """Whether all four were."""
        return not self.reason

    @property
    def psf(self) -> Psf:
        """The PSF to use."""
        return Psf(self.sigma_y.value, self.sigma_x.value, self.shift_y.value, self.shift_x.value)

    def __str__(self) -> str:
        shift = (
            f"{self.detector}: Y1 is shifted against M1 by ({self.shift_y}, {self.shift_x}) px "
            f"(down, right); PSF width {self.sigma_y} px along, {self.sigma_x} px across track."
        )
        return f"{shift} {self.reason}".strip()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        names = ("shift_y", "shift_x", "sigma_y", "sigma_x")
        estimates = {name: getattr(self, name).as_dict() for name in names}
        return {"detector": self.detector, **estimates, "reason": self.reason}
