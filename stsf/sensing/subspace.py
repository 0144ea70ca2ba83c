"""Spectral coordinates: a spectrum of 200 bands is well described by a dozen numbers.

Neighbouring bands say nearly the same, so the spectra of a scene lie close to a plane of few
dimensions. Two sets of coordinates on such planes, and what each is good for:

- the scene's own (`fit_subspace` on the LR-HS): the best fit, and different in every scene;
- those of a spectral library (`library_subspace`): the same in every scene and for every sensor.
  Real products carry traces of their processing that no library has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from stsf.errors import InputError
from stsf.linear import Array, LinearMap, pixels, regress
from stsf.sensing.bands import Sensor
from stsf.sensing.spectra import library

USABLE = (430.0, 2390.0)  # nm; beyond, the detectors' ends and an uncertain correction
OPAQUE = ((1320.0, 1480.0), (1780.0, 2000.0))  # water vapour takes almost all light
VAPOUR = ((890.0, 1000.0), (1100.0, 1170.0))  # weaker water-vapour bands and their flanks

SMALLEST_SD = 3e-3  # of the first component's; keeps noise from being whitened up to full size


def band_quality(centre: ArrayLike) -> np.ndarray:
    """What a band is worth for surface reflectance: "clean", "vapour" or "bad".

    - bad: outside 430-2390 nm, and 1320-1480 and 1780-2000 nm. Values there are mostly residue of
      the atmospheric correction: to be left out of any figure.
    - vapour: 890-1000 and 1100-1170 nm. Usable, but spiked in real products: to be scored apart.
    - clean: all others; of EnMAP's 214 bands 169.

    Args:
        centre: (L,) band centres, nm.

    Returns:
        (L,) array of str.

    Example:
        >>> band_quality([550, 940, 1130, 1400, 1650]).tolist()
        ['clean', 'vapour', 'vapour', 'bad', 'clean']
    """
    nm = np.asarray(centre, dtype=np.float64)
    quality = np.full(nm.shape, "clean", dtype="<U6")
    quality[_within(nm, VAPOUR)] = "vapour"
    quality[_within(nm, OPAQUE) | (nm < USABLE[0]) | (nm > USABLE[1])] = "bad"
    return quality


def _within(nm: np.ndarray, intervals: tuple[tuple[float, float], ...]) -> np.ndarray:
    return np.any([(nm >= low) & (nm <= high) for low, high in intervals], axis=0)


@dataclass(frozen=True, eq=False)
class Subspace:
    """Whitened coordinates on a k-dimensional plane: z = E (x - μ) / sd, x ≈ μ + Eᵀ (sd · z).

    Attributes:
        mean: μ (L,).
        basis: E (k, L), rows orthonormal over the bands that are read.
        scale: sd (k,), spread along each axis, floored at `SMALLEST_SD` of the first.
        read: (L,) False for bands that `encode` does not look at; None reads all. `decode` still
            predicts them.

    Example:
        >>> cube = np.random.default_rng(0).normal(size=(6, 8, 8)).astype(np.float32)
        >>> plane = fit_subspace(cube, k=3)
        >>> plane.encode(cube).shape, plane.decode(plane.encode(cube)).shape
        ((3, 8, 8), (6, 8, 8))
        >>> import torch  # tensors work alike
        >>> plane.encode(torch.from_numpy(cube)[None]).shape
        torch.Size([1, 3, 8, 8])
    """

    mean: np.ndarray
    basis: np.ndarray
    scale: np.ndarray
    read: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.basis)

    @property
    def encoder(self) -> LinearMap[np.ndarray]:
        """From x to z."""
        weights = self.basis / self.scale[:, None]  # (k, L)
        if self.read is not None:
            weights = weights * self.read
        return LinearMap(-weights @ self.mean, weights)

    @property
    def decoder(self) -> LinearMap[np.ndarray]:
        """From z to x."""
        return LinearMap(self.mean, self.basis.T * self.scale)

    def encode(self, x: Array) -> Array:
        """(..., L, H, W) -> (..., k, H, W) whitened coordinates, numpy or torch like `x`."""
        return self.encoder.apply(x)

    def decode(self, z: Array) -> Array:
        """(..., k, H, W) -> (..., L, H, W) reflectance, numpy or torch like `z`."""
        return self.decoder.apply(z)


def fit_subspace(spectra: np.ndarray, k: int, valid: np.ndarray | None = None) -> Subspace:
    """Principal components: the plane that loses the least variance.

    Pearson, "On lines and planes of closest fit to systems of points in space", Phil. Mag. 2, 1901.

    Args:
        spectra: cube (L, h, w) or list of spectra (n, L), reflectance.
        k: number of coordinates, at most L and below the number of spectra.
        valid: (h, w), False where a pixel of the cube is not used.

    Returns:
        Subspace with coordinates in order of variance; the largest entry of each axis is positive.

    Raises:
        InputError: k that does not fit, or spectra that are all alike.

    Example:
        >>> ramp = np.linspace(0, 1, 5)[:, None] * [1.0, 2.0, 2.0]  # spectra on a line
        >>> fit_subspace(ramp, k=1).basis.round(3)
        array([[0.333, 0.667, 0.667]])
    """
    rows = pixels(spectra, valid) if spectra.ndim == 3 else spectra.astype(np.float64)  # (n, L)
    if not 1 <= k <= min(len(rows) - 1, rows.shape[1]):
        raise InputError(
            f"expected k from 1 to {min(len(rows) - 1, rows.shape[1])} for {len(rows)} spectra of "
            f"{rows.shape[1]} bands, got {k}: ask for fewer coordinates or use a larger scene"
        )
    mean = rows.mean(axis=0)
    variance, axes = np.linalg.eigh(np.cov(rows.T, bias=True).reshape(2 * mean.shape))
    basis = axes[:, ::-1][:, :k].T  # (k, L), largest variance first
    basis *= np.sign(basis[np.arange(k), np.abs(basis).argmax(axis=1)])[:, None]
    sd = np.sqrt(np.maximum(variance[::-1][:k], 0.0))
    if sd[0] == 0.0:
        raise InputError("expected spectra that vary, got one repeated: check the file or the mask")
    return Subspace(mean, basis, np.maximum(sd, SMALLEST_SD * sd[0]))


def library_subspace(
    sensor: Sensor, k: int = 16, split: Literal["train", "test", "all"] = "train"
) -> Subspace:
    """Coordinates that are the same in every scene: PCA of the spectral library, clean bands only.

    `decode` predicts the bands that are not clean too, by the library's own regression on z.

    Args:
        sensor: bands within the library's 400-2450 nm.
        k: number of coordinates.
        split: of the library.

    Raises:
        InputError: a band outside the library, or fewer than k clean bands.

    Example:
        >>> from stsf.sensing.sensors import enmap
        >>> z = library_subspace(enmap(), k=16)
        >>> z.basis.shape, int(z.read.sum())
        ((16, 214), 169)
    """
    spectra = library(split).at(sensor)  # (n, L)
    clean = band_quality(sensor.centre) == "clean"
    plane = fit_subspace(spectra[:, clean], k)
    z = (spectra[:, clean] - plane.mean) @ plane.basis.T / plane.scale  # (n, k)
    rest = regress(z.T[..., None], spectra[:, ~clean].T[..., None])
    mean, basis = np.empty(len(sensor)), np.empty((k, len(sensor)))
    mean[clean], basis[:, clean] = plane.mean, plane.basis
    mean[~clean], basis[:, ~clean] = rest.offset, (rest.weights / plane.scale).T
    return Subspace(mean, basis, plane.scale, read=clean)
