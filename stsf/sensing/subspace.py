"""Spectral coordinates: a spectrum of 200 bands is well described by a dozen numbers.

Neighbouring bands say nearly the same, so the spectra of a scene lie close to a plane of few
dimensions. Three sets of coordinates on such planes, and what each is good for:

- the scene's own (`fit_subspace` on the LR-HS): the best fit, and different in every scene;
- those of the regression residual (`residual_subspace`): what the MS does not already tell;
- those of a spectral library (`library_subspace`): the same in every scene and for every sensor.
  Real products carry traces of their processing that no library has, so the way back to the
  sensor's bands, the decoder, is learnt on the scene itself (`fit_decoder`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from stsf.degradation import Array, like, mix
from stsf.errors import InputError
from stsf.sensing.bands import Sensor

if TYPE_CHECKING:
    from stsf.scene import Scene

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


def pixels(cube: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """(L, h, w) -> (n, L) float64: the spectra of the valid pixels, row by row.

    Example:
        >>> pixels(np.zeros((5, 2, 3), np.float32)).shape
        (6, 5)
    """
    flat = cube.reshape(len(cube), math.prod(cube.shape[1:])).T.astype(np.float64)
    return flat if valid is None else flat[valid.ravel()]


@dataclass(frozen=True, eq=False)
class LinearMap:
    """A prediction pixel by pixel: x = offset (L,) + weights (L, k) · z.

    Example:
        >>> double = LinearMap(np.array([1.0]), np.array([[2.0]]))
        >>> double.apply(np.full((1, 1, 1), 3.0)).item()
        7.0
    """

    offset: np.ndarray
    weights: np.ndarray

    def apply(self, z: Array) -> Array:
        """(..., k, H, W) -> (..., L, H, W), numpy or torch like `z`."""
        return mix(self.weights, z) + like(self.offset[:, None, None], z)


def regress(
    inputs: np.ndarray,
    targets: np.ndarray,
    valid: np.ndarray | None = None,
    prior: LinearMap | None = None,
    prior_pixels: float = 0.0,
) -> LinearMap:
    """Least squares from `inputs` to `targets`, pixel by pixel; ridge toward `prior`, if given.

    The prior acts like `prior_pixels` further pixels, with inputs of mean 0 and covariance I,
    on which it is exactly right: with T = [1 z], minimise
    ‖Y - T W‖² + prior_pixels ‖W - W₀‖². The answer shrinks toward W₀, not toward zero.

    Args:
        inputs: (k, h, w).
        targets: (L, h, w).
        valid: (h, w), False where a pixel is not used.
        prior: what to believe where the pixels do not tell; needs whitened inputs.
        prior_pixels: its weight.

    Example:
        >>> z = np.random.default_rng(0).normal(size=(2, 5, 5))
        >>> regress(z, 3 * z[:1] + z[1:] + 1).weights.round(6)
        array([[3., 1.]])
    """
    z, y = pixels(inputs, valid), pixels(targets, valid)  # (n, k), (n, L)
    T = np.column_stack([np.ones(len(z)), z])  # (n, 1 + k)
    if prior is None:
        W = np.linalg.lstsq(T, y, rcond=None)[0]  # (1 + k, L)
    else:
        W0 = np.column_stack([prior.offset, prior.weights]).T
        gram = T.T @ T + prior_pixels * np.eye(T.shape[1])
        W = np.linalg.solve(gram, T.T @ y + prior_pixels * W0)
    return LinearMap(W[0], W[1:].T)


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
    def encoder(self) -> LinearMap:
        """From x to z."""
        weights = self.basis / self.scale[:, None]  # (k, L)
        if self.read is not None:
            weights = weights * self.read
        return LinearMap(-weights @ self.mean, weights)

    @property
    def decoder(self) -> LinearMap:
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


def scene_regression(scene: Scene) -> LinearMap:
    """f: MS pixel -> HS spectrum, fitted where both are known, f(D M1) ≈ Y1.

    Each HS band is regressed on M1 as blurred by that band's own detector. `apply(M1)` predicts
    X1, `apply(M2)` predicts X2.
    """
    L, C = len(scene.hs), len(scene.ms)
    offset, weights = np.empty(L), np.empty((L, C))
    for detector in np.unique(scene.hs.detector):
        bands = scene.hs.detector == detector
        m_lr = scene.D.at(np.full(C, detector)).A(scene.hrms_t1)  # (C, h, w)
        f = regress(m_lr, scene.lrhs_t1[bands], scene.valid_lr)
        offset[bands], weights[bands] = f.offset, f.weights
    return LinearMap(offset, weights)


def residual_subspace(scene: Scene, k: int) -> Subspace:
    """Coordinates of what the MS does not tell: PCA of Y1 - D f(M1), f the scene's regression.

    The mean is near zero; `decode` is what to add to f(M1).
    """
    residual = scene.lrhs_t1 - scene.D.A(scene_regression(scene).apply(scene.hrms_t1))
    return fit_subspace(residual, k, scene.valid_lr)


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
    from stsf.sensing.spectra import library  # reads a file: not at import

    spectra = library(split).at(sensor)  # (n, L)
    clean = band_quality(sensor.centre) == "clean"
    plane = fit_subspace(spectra[:, clean], k)
    z = (spectra[:, clean] - plane.mean) @ plane.basis.T / plane.scale  # (n, k)
    rest = regress(z.T[..., None], spectra[:, ~clean].T[..., None])
    mean, basis = np.empty(len(sensor)), np.empty((k, len(sensor)))
    mean[clean], basis[:, clean] = plane.mean, plane.basis
    mean[~clean], basis[:, ~clean] = rest.offset, (rest.weights / plane.scale).T
    return Subspace(mean, basis, plane.scale, read=clean)


def fit_decoder(
    coordinates: Subspace,
    lrhs: np.ndarray,
    valid: np.ndarray | None = None,
    library_pixels: float = 0.1,
) -> LinearMap:
    """The scene's decoder: from library coordinates to the bands as this product shows them.

    Linear ridge on the scene's own low-resolution spectra, shrunk toward the library's decoder.

    Args:
        coordinates: see `library_subspace`.
        lrhs: Y1 (L, h, w).
        valid: (h, w), False where a pixel is not used.
        library_pixels: weight of the library: 0.1 of a pixel is overruled wherever the scene
            varies (on EnMAP 0 to 0.1 are level, 10 costs 1 dB) and decides where it does not.

    Example:
        >>> from stsf.sensing.sensors import enmap
        >>> z = library_subspace(enmap(), k=16)
        >>> y = z.decode(np.random.default_rng(0).normal(size=(16, 8, 8))) * 1.1
        >>> bool(np.abs(fit_decoder(z, y).apply(z.encode(y)) - y).max() < 0.01)
        True
    """
    return regress(coordinates.encode(lrhs), lrhs, valid, coordinates.decoder, library_pixels)
