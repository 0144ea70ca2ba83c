"""The spectral response R: how an MS band is made of HS bands, and how much of it they cover."""

from __future__ import annotations

import numpy as np

from stsf.errors import InputError
from stsf.sensing.bands import Sensor

MIN_COVERAGE = 0.9  # of an MS response, by HS bands


def covered(hs: Sensor, axis: np.ndarray) -> np.ndarray:
    """Where the HS bands really measure: bool (N,) on an axis (N,) in nm.

    A wavelength counts when it lies within half a FWHM of a band centre, or between neighbouring
    centres no further apart than twice their mean FWHM (the gap between them is then no wider
    than one band).

    Example:
        >>> from stsf.sensing.bands import from_bands
        >>> hs = from_bands([500, 510, 560], fwhm=10)
        >>> covered(hs, np.array([493.0, 496, 507, 530, 556]))
        array([False,  True,  True, False,  True])
    """
    half = hs.fwhm / 2
    within = (np.abs(axis[:, None] - hs.centre) <= half).any(axis=1)
    right = np.clip(np.searchsorted(hs.centre, axis, side="right"), 1, len(hs) - 1)
    close = np.diff(hs.centre)[right - 1] <= 2 * (half[right - 1] + half[right])
    between = (axis >= hs.centre[0]) & (axis <= hs.centre[-1])
    return within | (close & between)


def band_coverage(hs: Sensor, ms: Sensor) -> np.ndarray:
    """(C,) share of each MS response, 0 to 1, on wavelengths that the HS measures."""
    axis = np.arange(np.min(ms.centre - 2 * ms.fwhm), np.max(ms.centre + 2 * ms.fwhm))
    srf = ms.srf_at(axis)
    return srf @ covered(hs, axis) / srf.sum(axis=1)


def srf_matrix(
    hs: Sensor, ms: Sensor, min_coverage: float = MIN_COVERAGE
) -> tuple[np.ndarray, np.ndarray]:
    """Spectral response R (C, L): each MS band as a weighted sum of HS bands.

    Take the spectrum as a straight line between HS band centres. Then an MS band is H p and an HS
    band M p, with p the spectrum at the centres and H, M the weights under hats (`response`). The
    HS bands are not p but slightly smoothed; R = H (2 I - M) undoes that once, which makes small
    negative weights (above -0.1) beside steep flanks of an MS response.

    Against direct convolution of 400 library spectra, ten Sentinel-2 bands (RMS error as % of the
    band's mean, mean over bands / worst band; `relative_errors` in tests/sensing/test_sensors.py):
    EnMAP 0.01 / 0.04, AHSI 0.02 / 0.10, PRISMA 0.03 / 0.09. H alone: 0.13 / 0.39, 0.22 / 0.62,
    0.27 / 0.76. The MS response sampled at the HS centres: 0.38 / 1.6, 0.20 / 0.95, 0.38 / 1.9.

    Args:
        hs: L bands with strictly increasing centres.
        ms: C bands.
        min_coverage: least share, 0 to 1, of each MS response that must be covered by HS bands.

    Returns:
        R (C, L) with rows summing to 1, and the coverage (C,) of each MS band (see `covered`).

    Raises:
        InputError: HS centres that do not increase, or an MS band covered too little.

    Example:
        >>> from stsf.sensing.sensors import enmap, sentinel2
        >>> R, coverage = srf_matrix(enmap(), sentinel2("A"))
        >>> R.shape, bool(coverage.min() > 0.95)
        ((4, 214), True)
    """
    if len(hs) < 2 or not np.all(np.diff(hs.centre) > 0):
        raise InputError(
            f"expected at least two bands of {hs.name} with strictly increasing centres, got "
            f"{len(hs)} in another order: sort the bands by wavelength and drop repeated ones"
        )
    coverage = band_coverage(hs, ms)
    if (coverage < min_coverage).any():
        worst = int(np.argmin(coverage))
        raise InputError(
            f"expected HS bands over at least {min_coverage:.0%} of every MS response, got "
            f"{coverage[worst]:.0%} for {ms.band_names[worst]} ({ms.centre[worst]:.0f} nm): leave "
            "this band out with ms.select(...), keep more HS bands, or lower min_coverage"
        )
    smoothing = hs.response(hs.centre)  # (L, L)
    return ms.response(hs.centre) @ (2.0 * np.eye(len(hs)) - smoothing), coverage
