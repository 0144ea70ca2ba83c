"""Spectral coordinates that mean the same for every sensor: what the TVE has learnt to think in.

Principal components of the spectral library and of its mixtures, on the library's own fine
wavelengths. A sensor's bands are a window on them: from its bands the coordinates are estimated
(MMSE, so that a sensor with few bands or a gap gets the most likely ones), and from the
coordinates its bands follow. No weight of the network knows a band.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from stsf.errors import InputError
from stsf.linear import LinearMap, rows
from stsf.sensing.bands import Sensor
from stsf.sensing.spectra import library
from stsf.sensing.subspace import Subspace, band_quality, fit_subspace

K = 16  # coordinates
MATERIALS = ("soil", "built", "canopy", "npv", "water")
EACH, MIXTURES = 600, 6000  # spectra of each material, and mixtures of three of them
READ_NOISE = 0.003  # reflectance; what the estimate from a sensor's bands expects of their noise


@lru_cache(maxsize=1)
def _spectra() -> tuple[np.ndarray, Subspace, np.ndarray]:
    """Training spectra (n, N), the plane through their clean wavelengths, coordinates (n, K)."""
    training, rng = library("train"), np.random.default_rng(0)
    chosen = [rng.choice(np.flatnonzero(training.material == name), EACH) for name in MATERIALS]
    pure = training.spectra[np.concatenate(chosen)].astype(np.float64)
    shares = rng.dirichlet((0.5, 0.5, 0.5), MIXTURES)  # (MIXTURES, 3)
    mixed = np.einsum("nk,nkl->nl", shares, pure[rng.integers(0, len(pure), shares.shape)])
    spectra = np.concatenate([pure, mixed])
    clean = band_quality(training.wavelength) == "clean"
    plane = fit_subspace(spectra[:, clean], K)
    z = (spectra[:, clean] - plane.mean) @ plane.basis.T / plane.scale
    return spectra, plane, z


def mixtures(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, N) training spectra and mixtures of them, and their wavelengths (N,) in nm."""
    spectra = _spectra()[0]
    chosen = np.random.default_rng(0).integers(0, len(spectra), count)
    return spectra[chosen], library("train").wavelength


def fine() -> LinearMap[torch.Tensor]:
    """From coordinates to reflectance at the clean wavelengths of the library, 10 nm apart.

    Example:
        >>> fine()(torch.zeros(1, K)).shape[1] > 100
        True
    """
    plane = _spectra()[1]
    return LinearMap(rows(plane.mean), rows(plane.basis * plane.scale[:, None]).T)


@lru_cache(maxsize=8)
def read(sensor: Sensor) -> tuple[LinearMap[torch.Tensor], LinearMap[torch.Tensor]]:
    """Coordinates from a sensor's bands, and bands from coordinates.

    Args:
        sensor: bands within the library's 400-2450 nm.

    Returns:
        encode (L -> K), the linear MMSE estimate; decode (K -> L), least squares on the library.

    Raises:
        InputError: a band outside the library.

    Example:
        >>> from stsf.sensing.sensors import enmap
        >>> encode, decode = read(enmap())
        >>> z = torch.randn(5, K)
        >>> bool((encode(decode(z)) - z).abs().median() < 0.1)
        True
    """
    spectra, _, z = _spectra()
    values = spectra @ sensor.response(library("train").wavelength).T  # (n, L)
    noisy = values + np.random.default_rng(0).normal(scale=READ_NOISE, size=values.shape)
    return _fit(noisy, z), _fit(z, values)


def _fit(inputs: np.ndarray, targets: np.ndarray) -> LinearMap[torch.Tensor]:
    design = np.column_stack([np.ones(len(inputs)), inputs])
    gram = design.T @ design + 1e-6 * np.eye(design.shape[1])
    weights = np.linalg.solve(gram, design.T @ targets)
    return LinearMap(rows(weights[0]), rows(weights[1:]).T)


def inside(sensor: Sensor) -> np.ndarray:
    """(L,) True for bands within the library; the others are left to the scene itself.

    Raises:
        InputError: none at all.
    """
    axis = library("train").wavelength
    within = (sensor.centre >= axis[0]) & (sensor.centre <= axis[-1])
    if not within.any():
        raise InputError(
            f"expected hyperspectral bands within {axis[0]:g}-{axis[-1]:g} nm, {sensor.name} has "
            f"none: check that its wavelengths are in nm"
        )
    return within
