"""From three images to the fused product: calibrate, estimate X1, carry it to t2, report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from stsf import calibration
from stsf.consistency import residuals
from stsf.errors import InputError
from stsf.projection import alternating_projection, inject, spectral_gain
from stsf.registration import register
from stsf.scene import Scene

METHODS = ("projection",)


@dataclass(frozen=True, eq=False)
class Fused:
    """The product and how it came about.

    Attributes:
        hrhs_t1: estimate of X1, (L, H, W) reflectance.
        hrhs_t2: estimate of X2, (L, H, W).
        scene: the scene as it was fused: registered and calibrated.
        report: method, what the calibration found, consistency; plain values, ready for JSON.
    """

    hrhs_t1: np.ndarray
    hrhs_t2: np.ndarray
    scene: Scene
    report: Mapping[str, Any]


def fuse(
    scene: Scene,
    method: str = "projection",
    *,
    calibrate: Literal["auto", "none"] = "auto",
    progress: bool = False,
) -> Fused:
    """Predict X2 (and X1) from Y1, M1 and M2.

    Args:
        scene: the observations; truth, if any, is not looked at.
        method: "projection": regularised alternating projection for X1, then MMSE injection of
            M2 - R X1 for X2.
        calibrate: "auto" finds shifts, PSF and MS gains from the images and mends them; "none"
            takes the scene as it is.
        progress: show a progress bar.

    Raises:
        InputError: unknown method.

    Example:
        >>> import stsf
        >>> fused = stsf.fuse(stsf.load_sample().crop(slice(0, 20), slice(0, 20)))
        >>> fused.hrhs_t2.shape[1:]
        (60, 60)
    """
    if method not in METHODS:
        raise InputError(
            f"expected a method out of {', '.join(METHODS)}, got {method!r}: choose one of these"
        )
    report: dict[str, Any] = {"method": method, "calibrate": calibrate, "found": []}
    if calibrate == "auto":
        scene, registration = register(scene)
        scene, gains = calibration.calibrate(scene)
        report |= {"registration": registration.as_dict(), "gains": gains.as_dict()}
        report["found"] = registration.summary() + gains.summary()
    steps = tqdm(alternating_projection(scene), desc="X1", unit="step", disable=not progress)
    *_, last = steps
    x1 = last.x.astype(np.float32)
    x2 = inject(x1, scene.hrms_t2, spectral_gain(scene), scene.R)
    found = residuals(scene, x1, x2)
    report["consistency"] = {name: round(value, 3) for name, value in found.items()}
    return Fused(x1, x2, scene, report)


def format_report(report: Mapping[str, Any]) -> str:
    """The report of `fuse` in plain lines."""
    fit = [f"{name}: {value:.2f} of the noise" for name, value in report["consistency"].items()]
    return "\n".join(
        [f"method: {report['method']}", *report["found"], "residuals: " + ", ".join(fit)]
    )
