"""One alignment: where the images lie, then what each MS band is of the HS bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stsf.alignment.registration import Registration, register
from stsf.alignment.response_fit import Response, effective_response
from stsf.scene import Scene


@dataclass(frozen=True)
class Alignment:
    """What was estimated, and applied."""

    registration: Registration
    response: Response

    def apply(self, scene: Scene) -> Scene:
        """What was found, applied to the scene or to a part of it."""
        return self.response.apply(self.registration.apply(scene))

    def summary(self) -> list[str]:
        """Plain sentences for a report."""
        return self.registration.summary() + self.response.summary()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"registration": self.registration.as_dict(), "response": self.response.as_dict()}


def align(scene: Scene) -> tuple[Scene, Alignment]:
    """Shifts, PSF and the effective response, estimated and mended.

    Example:
        >>> import stsf
        >>> scene, what = align(stsf.load_sample().crop(slice(0, 20), slice(0, 20)))
        >>> sorted(what.as_dict())
        ['registration', 'response']
    """
    scene, registration = register(scene)
    scene, response = effective_response(scene)
    return scene, Alignment(registration, response)
