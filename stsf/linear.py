"""What the story computes with: spectra in rows, linear maps, the MMSE estimate, filled gaps.

A cube is (band, y, x); a matrix acts on its bands, pixel by pixel. Numpy and torch serve alike
where the types say `Array`.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import ndimage

import stsf.threads  # noqa: F401 (whatever computes, computes on one thread)

Array = TypeVar("Array", np.ndarray, torch.Tensor)
Cube = TypeVar("Cube", np.ndarray, torch.Tensor)
Thing = TypeVar("Thing", bound=Any)

SMALLEST_NOISE = 1e-6  # reflectance; keeps bands that are zero everywhere from dividing by zero


def mix(matrix: np.ndarray, x: Array) -> Array:
    """(K, L) matrix on the bands of (..., L, H, W), numpy or torch like `x`."""
    flat = x.reshape(*x.shape[:-2], -1)  # (..., bands, H·W)
    return (like(matrix, x) @ flat).reshape(*x.shape[:-3], len(matrix), *x.shape[-2:])


def like(matrix: np.ndarray, x: Array) -> Array:
    """The matrix in the kind, precision and place of `x`."""
    if isinstance(x, torch.Tensor):
        return torch.as_tensor(matrix, dtype=x.dtype, device=x.device)
    return matrix.astype(x.dtype, copy=False)


def pixels(cube: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """(L, h, w) -> (n, L) float64: the spectra of the valid pixels, row by row.

    Example:
        >>> pixels(np.zeros((5, 2, 3), np.float32)).shape
        (6, 5)
    """
    flat = cube.reshape(len(cube), math.prod(cube.shape[1:])).T.astype(np.float64)
    return flat if valid is None else flat[valid.ravel()]


def rows(array: np.ndarray | torch.Tensor) -> torch.Tensor:
    """float32 tensor of an array, contiguous."""
    return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32)


def moved(thing: Thing, device: torch.device | str) -> Thing:
    """The same with all its tensors on a device, those in tuples, lists and objects of the kit too.

    Example:
        >>> there = moved(LinearMap(torch.zeros(1), torch.ones(1, 1)), "meta")
        >>> there.weights.device
        device(type='meta')
    """
    if isinstance(thing, torch.Tensor):
        return thing.to(device)  # type: ignore[return-value]
    if isinstance(thing, (tuple, list)):
        make = getattr(thing, "_make", type(thing))  # a NamedTuple takes its fields one by one
        return make(moved(part, device) for part in thing)
    if type(thing).__module__.startswith("stsf."):
        there = copy(thing)
        vars(there).update({name: moved(part, device) for name, part in vars(thing).items()})
        return there
    return thing


@dataclass(frozen=True, eq=False)
class LinearMap(Generic[Array]):
    """A prediction pixel by pixel: x = offset (L,) + weights (L, k) · z.

    Example:
        >>> double = LinearMap(np.array([1.0]), np.array([[2.0]]))
        >>> double.apply(np.full((1, 1, 1), 3.0)).item()  # an image
        7.0
        >>> double(np.array([[3.0], [4.0]])).ravel()  # pixels in rows
        array([7., 9.])
        >>> double.then(double)(np.array([[3.0]])).item()
        15.0
    """

    offset: Array
    weights: Array

    def __call__(self, z: Array) -> Array:
        """(n, k) -> (n, L)."""
        if isinstance(z, torch.Tensor):
            return torch.addmm(self.offset, z, self.weights.T)
        return self.offset + z @ self.weights.T

    def apply(self, z: Cube) -> Cube:
        """(..., k, H, W) -> (..., L, H, W), numpy or torch like `z`."""
        offset, weights = (np.asarray(a) for a in (self.offset, self.weights))
        return mix(weights, z) + like(offset[:, None, None], z)

    def then(self, other: LinearMap[Array]) -> LinearMap[Array]:
        """This map, then the other, as one."""
        weights = self.weights.T @ other.weights.T
        return LinearMap(other(self.offset[None])[0], weights.T)

    def tensors(self) -> LinearMap[torch.Tensor]:
        """The same in float32 tensors, for pixels in rows."""
        offset, weights = (np.asarray(a) for a in (self.offset, self.weights))
        return LinearMap(rows(offset), rows(weights.T).T)


def regress(
    inputs: np.ndarray, targets: np.ndarray, valid: np.ndarray | None = None
) -> LinearMap[np.ndarray]:
    """Least squares from `inputs` to `targets`, pixel by pixel.

    Args:
        inputs: (k, h, w).
        targets: (L, h, w).
        valid: (h, w), False where a pixel is not used.

    Example:
        >>> z = np.random.default_rng(0).normal(size=(2, 5, 5))
        >>> regress(z, 3 * z[:1] + z[1:] + 1).weights.round(6)
        array([[3., 1.]])
    """
    z, y = pixels(inputs, valid), pixels(targets, valid)  # (n, k), (n, L)
    T = np.column_stack([np.ones(len(z)), z])  # (n, 1 + k)
    W = np.linalg.lstsq(T, y, rcond=None)[0]  # (1 + k, L)
    return LinearMap(W[0], W[1:].T)


def mmse_gain(covariance: np.ndarray, R: np.ndarray, noise: ArrayLike) -> np.ndarray:
    """G = C Rᵀ(R C Rᵀ + N)⁻¹: how much of an MS residual belongs to each HS band.

    For x of mean zero and covariance C, G (R x + n) is the linear estimate of least mean square
    error (Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, ch. 12).

    Args:
        covariance: C (L, L) of what is to be estimated; the identity for a plain projection.
        R: (C, L) what is seen of it.
        noise: (C,) standard deviations, or one for all; 0 for a plain projection.

    Returns:
        (L, C).

    Example:
        >>> R = np.array([[0.5, 0.5, 0.0]])
        >>> mmse_gain(np.eye(3), R, 0.0).ravel()  # the third band is not seen and not touched
        array([1., 1., 0.])
        >>> alike = np.array([[1.0, 0.9, 0.8], [0.9, 1.0, 0.9], [0.8, 0.9, 1.0]])
        >>> mmse_gain(alike, R, 0.1).ravel().round(2)  # it varies with the others
        array([0.99, 0.99, 0.89])
    """
    measured = R @ covariance  # (C, L)
    spread = measured @ R.T + np.diag(np.broadcast_to(np.square(noise), len(R)))  # (C, C)
    return np.linalg.solve(spread, measured).T


def denoise(cube: np.ndarray, noise: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """W (L, L), the MMSE estimate of a noisy spectrum: mean + W (y - mean).

    The gain of `mmse_gain` where every band is measured, with the signal's own covariance.

    Args:
        cube: (L, h, w) observed.
        noise: (L,) standard deviations of its noise, above 0.
        valid: (h, w), False where a pixel is not used.

    Example:
        >>> draw = np.random.default_rng(0)
        >>> noisy = np.ones((2, 1, 1)) * draw.normal(size=(60, 60)) + draw.normal(size=(2, 60, 60))
        >>> denoise(noisy, np.ones(2)).round(1)  # a signal of two equal bands
        array([[0.3, 0.3],
               [0.3, 0.3]])
    """
    return mmse_gain(signal_covariance(cube, noise, valid), np.eye(len(noise)), noise)


def signal_covariance(
    cube: np.ndarray, noise: np.ndarray, valid: np.ndarray | None = None
) -> np.ndarray:
    """Covariance (L, L) of the spectra in a cube, without the part that is noise.

    In units of the noise a direction without signal has variance 1; what it has beyond is signal.
    The few directions that have any span the scene's subspace.

    Args:
        cube: (L, h, w) observed.
        noise: (L,) standard deviations of its noise, above 0.
        valid: (h, w), False where a pixel is not used.

    Example:
        >>> noisy = np.random.default_rng(0).normal(scale=0.1, size=(2, 50, 50))
        >>> bool(np.abs(signal_covariance(noisy, np.array([0.1, 0.1]))).max() < 1e-3)
        True
    """
    variance, axes = np.linalg.eigh(np.cov((pixels(cube, valid) / noise).T))
    root = axes * np.sqrt(np.maximum(variance - 1.0, 0.0)) * noise[:, None]  # (L, L)
    return root @ root.T


def difference_covariance(cube: np.ndarray) -> np.ndarray:
    """Covariance (L, L) of the differences between neighbouring pixels of a cube (L, h, w).

    The bands of an edge, a road or a roof vary together in another way than those of the scene at
    large; that is the detail which Y1 has lost.
    """
    steps = np.hstack([np.diff(cube, axis=axis).reshape(len(cube), -1) for axis in (1, 2)])
    return steps @ steps.T / steps.shape[1]


def as_array(cube: Any) -> Any:
    """A plain array of what rasterio (masked) or xarray gives, NaN where there is no data."""
    if cube is None or type(cube) is np.ndarray:
        return cube
    empty = getattr(cube, "attrs", {}).get("_FillValue", np.nan)
    if isinstance(cube, np.ma.MaskedArray):
        return np.ma.filled(cube.astype(np.float32), np.nan)
    values = np.asarray(cube)
    return np.where(values == empty, np.nan, values).astype(np.float32)


def fill_gaps(cube: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """Values of the nearest valid pixel in place of those without data, float32.

    Args:
        cube: (band, y, x).
        valid: (y, x), at least one pixel of it True; by default where all bands are finite.
    """
    gaps = ~np.isfinite(cube).all(axis=0) if valid is None else ~valid
    if not gaps.any():
        return np.asarray(cube, dtype=np.float32)
    nearest = ndimage.distance_transform_edt(gaps, return_distances=False, return_indices=True)
    return np.asarray(cube[:, nearest[0], nearest[1]], dtype=np.float32)
