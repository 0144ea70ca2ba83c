"""Radiometric calibration: bring the MS onto the reflectance scale of the HS, band by band.

Two sensors never agree to the per cent. At t1 both saw the same ground, so what the MS should have
measured is known: R Y1, on the coarse grid. The line from there to what it did measure is the gain
and offset of each MS band. The HS is the reference, because the product is a hyperspectral image.

A gain *between the dates* cannot be told from a change of season or light, and is left alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sklearn.linear_model import HuberRegressor

from stsf.linear import pixels
from stsf.scene import Scene

GAINS = (0.7, 1.4)  # beyond these the two images do not show the same ground
SURE = 3.0  # standard deviations from 1 (gain) and 0 (offset) before anything is changed


@dataclass(frozen=True)
class BandGain:
    """M = gain · (R X) + offset for one MS band.

    Attributes:
        band: name.
        gain: about 1.
        offset: reflectance.
        sigma: standard deviation of the gain.
        applied: False where the band already agrees, or the scene cannot tell.
    """

    band: str
    gain: float
    offset: float
    sigma: float
    applied: bool

    def __str__(self) -> str:
        done = "divided out" if self.applied else "left alone"
        return f"{self.band}: {self.gain:.3f} ± {self.sigma:.3f} {self.offset:+.4f} ({done})"


@dataclass(frozen=True)
class Calibration:
    """Gain and offset of every MS band."""

    bands: tuple[BandGain, ...]

    def apply(self, scene: Scene) -> Scene:
        """The scene, or a part of it, with M1 and M2 on the scale of Y1."""
        gain = np.array([b.gain if b.applied else 1.0 for b in self.bands], np.float32)
        offset = np.array([b.offset if b.applied else 0.0 for b in self.bands], np.float32)
        m1, m2 = (
            (m - offset[:, None, None]) / gain[:, None, None]
            for m in (scene.hrms_t1, scene.hrms_t2)
        )
        return replace(scene, hrms_t1=m1, hrms_t2=m2)

    def summary(self) -> list[str]:
        """Plain sentences for a report."""
        return ["MS against HS at t1, gain and offset of band " + "; ".join(map(str, self.bands))]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {gain.band: asdict(gain) for gain in self.bands}


def calibrate(scene: Scene) -> tuple[Scene, Calibration]:
    """Estimate gain and offset of each MS band at t1 and divide them out of M1 and M2.

    Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 1964:
    pixels that changed between the two overpasses do not drag the line.

    Args:
        scene: registered; shift and PSF should be right.

    Returns:
        The scene with M1 and M2 on the scale of Y1, and what was found.

    Example:
        >>> import stsf
        >>> from dataclasses import replace
        >>> scene = stsf.load_sample()
        >>> brighter = replace(scene, hrms_t1=1.05 * scene.hrms_t1, hrms_t2=1.05 * scene.hrms_t2)
        >>> round(calibrate(brighter)[1].bands[0].gain, 2)
        1.05
    """
    seen = pixels(scene.D_ms.A(scene.hrms_t1), scene.valid_lr)  # (n, C)
    expected = pixels(scene.R.A(scene.lrhs_t1), scene.valid_lr)  # (n, C)
    found = [_line(name, expected[:, c], seen[:, c]) for c, name in enumerate(scene.ms.band_names)]
    gains = Calibration(tuple(found))
    return gains.apply(scene), gains


def _line(name: str, x: np.ndarray, y: np.ndarray) -> BandGain:
    """Robust line y = gain x + offset, in units of x's spread so that the solver is well scaled."""
    centre, spread = float(x.mean()), float(x.std())
    if spread == 0.0:
        return BandGain(name, 1.0, 0.0, float("inf"), False)
    fit = HuberRegressor(epsilon=1.5, alpha=0.0).fit((x - centre)[:, None] / spread, y / spread)
    gain = float(fit.coef_[0])
    offset = spread * float(fit.intercept_) - gain * centre
    residual = (y - gain * x - offset)[~fit.outliers_]
    error = float(residual.std()) / np.sqrt(len(residual))  # of the line at the mean
    sigma = error / spread
    differs = abs(gain - 1) > SURE * sigma or abs(gain * centre + offset - centre) > SURE * error
    return BandGain(name, gain, offset, sigma, bool(differs and GAINS[0] < gain < GAINS[1]))
