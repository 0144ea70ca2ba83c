"""One alignment: first where the images lie, then in which units; each estimated from the scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stsf.alignment.calibration import Calibration, calibrate
from stsf.alignment.registration import Registration, register
from stsf.scene import Scene


@dataclass(frozen=True)
class Alignment:
    """What was estimated, and applied."""

    registration: Registration
    gains: Calibration

    def apply(self, scene: Scene) -> Scene:
        """What was found, applied to the scene or to a part of it."""
        return self.gains.apply(self.registration.apply(scene))

    def summary(self) -> list[str]:
        """Plain sentences for a report."""
        return self.registration.summary() + self.gains.summary()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"registration": self.registration.as_dict(), "gains": self.gains.as_dict()}


def align(scene: Scene) -> tuple[Scene, Alignment]:
    """Shifts, PSF, gains and offsets, estimated and mended.

    Example:
        >>> import stsf
        >>> scene, what = align(stsf.load_sample().crop(slice(0, 20), slice(0, 20)))
        >>> sorted(what.as_dict())
        ['gains', 'registration']
    """
    scene, registration = register(scene)
    scene, gains = calibrate(scene)
    return scene, Alignment(registration, gains)
