"""How soft each detector's bands of the product are meant to be.

The sharp image of the kit is what the MS sees, in every band. A spectrometer with pixels as small
as those of the MS would not be as sharp in all of them: a detector that blurs more does so in its
own pixels, so with pixels `ratio` times smaller it blurs `ratio` times less:

    softness² = (σ² - σ² of the sharpest detector) / ratio²        mean of along and across track

An image of such a spectrometer, the truth of Wald's protocol for one, is soft in that sense.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from stsf.alignment.estimates import DetectorFit, Estimate
from stsf.alignment.registration import DETECTORS
from stsf.errors import InputError
from stsf.scene import Scene
from stsf.sensing.bands import check_softness

SHARPEST = "the sharpest detector"
GIVEN = "as asked for"
IMAGES = "found in the images"
TABLE = "from the MTF in the table of its sensor"
UNKNOWN = "unknown: no MS band tells of this detector, and its table states one MTF for all"


@dataclass(frozen=True)
class Softness:
    """How much softer than the MS each detector's bands of the product are.

    Attributes:
        found: per detector, σ in high-resolution pixels.
        sources: where each comes from.
    """

    found: tuple[Estimate, ...]
    sources: tuple[str, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """What `DCSTSF.first_date` is told."""
        return tuple(estimate.value for estimate in self.found)

    def apply(self, scene: Scene) -> Scene:
        """The scene with the PSF from the product to Y1, which lacks what the product has itself.

        No detector gets a narrower one than the sharpest has: a width that was taken from another
        detector knows nothing of this one's.
        """
        y, x = (min(sigmas) for sigmas in zip(*((p.sigma_y, p.sigma_x) for p in scene.psf)))
        psf = tuple(
            replace(p, sigma_y=_without(p.sigma_y, soft, y), sigma_x=_without(p.sigma_x, soft, x))
            for p, soft in zip(scene.psf, self.values, strict=True)
        )
        return replace(scene, psf=psf)

    def seen(self, scene: Scene) -> Scene:
        """The scene with M1 and M2 as soft as the product is in the detector of each MS band."""
        detector = scene.D_ms.detector
        assert detector is not None
        of_bands = [self.values[k] for k in detector]
        m1, m2 = (
            np.stack([gaussian_filter(band, soft) for band, soft in zip(cube, of_bands)])
            for cube in (scene.hrms_t1, scene.hrms_t2)
        )
        return replace(scene, hrms_t1=m1, hrms_t2=m2)

    def summary(self) -> list[str]:
        """Plain sentences for a report."""
        return [
            f"{name}: the product is softer than the MS by {_text(estimate)} px ({source})."
            for name, estimate, source in zip(DETECTORS, self.found, self.sources)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        told = zip(DETECTORS, self.found, self.sources)
        return {"softness": {name: e.as_dict() | {"source": why} for name, e, why in told}}


def product_softness(
    scene: Scene,
    softness: Sequence[float] | Literal["auto"],
    fits: Sequence[DetectorFit] = (),
) -> Softness:
    """What is asked for, or what images and tables say.

    Args:
        scene: with the PSF in use.
        softness: per HS detector, σ in high-resolution pixels; "auto" takes it from the widths of
            the PSF that were found for both detectors, else from those that their table states.
        fits: what registration found of each detector, if it was done.

    Raises:
        InputError: another word, or numbers that are no widths.

    Example:
        >>> import stsf
        >>> product_softness(stsf.load_sample(), (0.0, 0.5)).summary()[1]
        'SWIR: the product is softer than the MS by 0.500 px (as asked for).'
    """
    if isinstance(softness, str):
        if softness != "auto":
            raise InputError(
                f"expected softness 'auto' or one number per HS detector, got {softness!r}: "
                "write it like that"
            )
        return _found(scene, fits)
    values = check_softness(softness, scene.hs)
    return Softness(tuple(map(Estimate, values)), (GIVEN,) * len(values))


def _found(scene: Scene, fits: Sequence[DetectorFit]) -> Softness:
    variance = [(p.sigma_y**2 + p.sigma_x**2) / 2 for p in scene.psf]
    sharpest = int(np.argmin(variance))
    errors = [_error(fit.sigma_y, fit.sigma_x) for fit in fits] or [math.nan] * len(variance)
    sources = [TABLE if len(set(scene.hs.mtf)) > 1 else UNKNOWN] * len(variance)
    found = [Estimate(0.0)] * len(variance)
    sources[sharpest] = SHARPEST
    for k in set(range(len(variance))) - {sharpest}:
        error = math.hypot(errors[k], errors[sharpest])
        found[k] = _estimate(variance[k] - variance[sharpest], error, scene.ratio)
        if found[k].told:
            sources[k] = IMAGES
    return Softness(tuple(found), tuple(sources))


def _error(sigma_y: Estimate, sigma_x: Estimate) -> float:
    """Standard deviation of the mean of two squared widths; NaN where the images tell neither."""
    return math.hypot(sigma_y.value * sigma_y.sigma, sigma_x.value * sigma_x.sigma)


def _estimate(more: float, error: float, ratio: int) -> Estimate:
    """Softness from the variance by which a PSF is wider; from two standard deviations on."""
    if math.isnan(error):
        return Estimate(math.sqrt(more) / ratio)
    if more <= 2 * error:
        return Estimate(0.0, math.sqrt(error) / ratio, True)
    return Estimate(math.sqrt(more) / ratio, error / (2 * math.sqrt(more) * ratio), True)


def _without(sigma: float, softness: float, least: float) -> float:
    return math.sqrt(max(sigma**2 - softness**2, least**2))


def _text(estimate: Estimate) -> str:
    return str(estimate) if estimate.told else f"{estimate.value:.3f}"
