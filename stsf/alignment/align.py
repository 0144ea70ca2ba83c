"""One alignment: where the images lie, then what each MS band is of the HS bands."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stsf.alignment.agreement import check_agreement
from stsf.alignment.displacement import Displacement, find_displacement
from stsf.alignment.field import Places
from stsf.alignment.registration import Registration, register
from stsf.alignment.response_fit import Response, effective_response
from stsf.alignment.tie_points import Ties, ties_of
from stsf.errors import Doubt
from stsf.scene import Scene


@dataclass(frozen=True)
class Alignment:
    """What was estimated, and applied.

    Attributes:
        displacement: by how many whole pixels images were moved first.
        registration: where they lie then, to a part of a pixel.
        response: what each MS band is of the HS bands.
    """

    displacement: Displacement
    registration: Registration
    response: Response

    def apply(self, scene: Scene, at: Places | None = None) -> Scene:
        """What was found, applied to a scene of which the images were moved, or to a part of it.

        Args:
            scene: the part.
            at: rows and columns of its pixels in the whole scene, see `Registration.apply`.
        """
        return self.response.apply(self.registration.apply(scene, at))

    def summary(self) -> list[str]:
        """Plain sentences for a report."""
        found = self.displacement, self.registration, self.response
        return [line for part in found for line in part.summary()]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {key: part.as_dict() for key, part in vars(self).items()}


def align(
    scene: Scene,
    *,
    check: bool = False,
    survey: Callable[[Displacement], Ties] | None = None,
    at: Places | None = None,
) -> tuple[Scene, Alignment]:
    """First large, then fine: whole pixels, shifts, PSF and the effective response, all mended.

    Args:
        scene: as observed.
        check: refuse images that do not show the same ground (`check_agreement`), once they are
            moved.
        survey: measures the tie points of a larger scene, once its images are moved.
        at: rows and columns of the pixels of `scene` in that larger one.

    Raises:
        InputError: see `check`.

    Example:
        >>> import stsf
        >>> scene, what = align(stsf.load_sample().crop(slice(0, 20), slice(0, 20)))
        >>> sorted(what.as_dict())
        ['displacement', 'registration', 'response']
    """
    displacement = find_displacement(scene)
    scene = displacement.apply(scene)
    if check:
        check_agreement(scene)
    ties = survey(displacement) if survey else ties_of(scene)
    if doubt := ties.doubt():
        warnings.warn(doubt, Doubt, 3)
    scene, registration = register(scene, ties, at)
    scene, response = effective_response(scene)
    return scene, Alignment(displacement, registration, response)
