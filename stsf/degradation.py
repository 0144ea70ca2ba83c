"""The observation model: `Y1 = D X1 + n`, `M1 = R X1 + n`, `M2 = R X2 + n`.

`D = S B` blurs with the point spread function (PSF) and decimates; `R` is the spectral response.
Both are linear, so each comes with its adjoint, the operator that carries a residual back.

Sampling phase, stated once for the whole kit: the two grids are area grids of the same extent.
Low-resolution pixel (i, j) covers the `ratio` x `ratio` high-resolution pixels from (r·i, r·j) on,
and its sample sits at their common centre, `r·i + (r - 1)/2`, for odd and even ratios alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from stsf.errors import InputError
from stsf.linear import Array, like, mix
from stsf.sensing.bands import Sensor

SMALLEST_SIGMA = 0.3  # HR px; below it a sampled Gaussian no longer has the width it was given


@dataclass(frozen=True)
class Psf:
    """Gaussian PSF of the HS relative to the MS, and where it samples, in high-resolution pixels.

    Args:
        sigma_y: standard deviation along the rows' direction (along track), at least 0.3.
        sigma_x: the same across track.
        shift_y: displacement of every sample, positive down.
        shift_x: the same, positive to the right.

    Raises:
        InputError: a width below 0.3 px or not finite.

    Example:
        >>> Psf.from_mtf(0.3, ratio=3)
        Psf(sigma_y=1.48..., sigma_x=1.48..., shift_y=0.0, shift_x=0.0)
    """

    sigma_y: float
    sigma_x: float
    shift_y: float = 0.0
    shift_x: float = 0.0

    def __post_init__(self) -> None:
        sigmas = (self.sigma_y, self.sigma_x)
        if not all(np.isfinite(s) and s >= SMALLEST_SIGMA for s in sigmas):
            raise InputError(
                f"PSF widths must be at least {SMALLEST_SIGMA} high-resolution pixels, got "
                f"{self.sigma_y:.3g} x {self.sigma_x:.3g}: check the MTF (0.1-0.6 is usual)"
            )

    @classmethod
    def from_mtf(
        cls,
        mtf: float | tuple[float, float],
        ratio: float,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> Psf:
        """The PSF whose modulation transfer at the coarse Nyquist frequency is `mtf`.

        Args:
            mtf: value in (0, 1), or one along and one across track.
            ratio: coarse pixel size in high-resolution pixels.
            shift: (y, x) displacement of the samples, high-resolution pixels.
        """
        along, across = (mtf, mtf) if isinstance(mtf, (int, float)) else mtf
        return cls(mtf_sigma(along, ratio), mtf_sigma(across, ratio), *shift)


def mtf_sigma(mtf: float, ratio: float) -> float:
    """Width of the Gaussian with MTF `mtf` at frequency 1/(2 ratio): (r/π)·sqrt(-2 ln G) pixels.

    The Fourier transform of a Gaussian is exp(-2π²σ²f²); set f = 1/(2r) and solve for σ.

    Example:
        >>> round(mtf_sigma(0.3, 3), 2)
        1.48
    """
    if not 0.0 < mtf < 1.0:
        raise InputError(f"MTF at Nyquist must lie between 0 and 1, got {mtf}: 0.1-0.6 is usual")
    return float(ratio / np.pi * np.sqrt(-2.0 * np.log(mtf)))


def relative_psf(hs: Sensor, ms: Sensor, ratio: int) -> tuple[Psf, ...]:
    """The PSF of each HS detector relative to the MS: σ² = σ_HS² - σ_MS², in MS pixels.

    Only this difference is observable: the sharp image of the kit is what the MS sees.

    Raises:
        InputError: the HS would be sharper than the MS.
    """
    ms_sigma = np.array([mtf_sigma(g, 1.0) for g in ms.mtf[0]])  # (2,)
    psfs = []
    for mtf in hs.mtf:
        variance = np.array([mtf_sigma(g, ratio) for g in mtf]) ** 2 - ms_sigma**2
        if not np.all(variance >= SMALLEST_SIGMA**2):
            raise InputError(
                f"{hs.name} (MTF {mtf}) is not blurrier than {ms.name} at ratio {ratio}: "
                "check the MTF values and which image is the hyperspectral one"
            )
        psfs.append(Psf(*np.sqrt(variance).tolist()))
    return tuple(psfs)


def blur_matrix(size: int, ratio: int, sigma: float, shift: float = 0.0) -> np.ndarray:
    """One axis of D: row i holds the Gaussian weights of the pixels that sample i sees.

    Phase, even ratios, sub-pixel shift and the symmetric border all live in these rows.

    Args:
        size: number of high-resolution pixels, a multiple of `ratio`.
        ratio: decimation.
        sigma: Gaussian width, high-resolution pixels.
        shift: displacement of the samples, high-resolution pixels.

    Returns:
        (size/ratio, size) float64, rows summing to 1.

    Example:
        >>> blur_matrix(6, 3, sigma=0.5).round(2)
        array([[0.11, 0.79, 0.11, 0.  , 0.  , 0.  ],
               [0.  , 0.  , 0.  , 0.11, 0.79, 0.11]])
    """
    centre = ratio * np.arange(size // ratio) + (ratio - 1) / 2 + shift  # (h,)
    reach = int(np.ceil(5 * sigma)) + 1
    taps = np.floor(centre)[:, None].astype(int) + np.arange(-reach, reach + 2)  # (h, taps)
    weights = np.exp(-0.5 * ((taps - centre[:, None]) / sigma) ** 2)
    return _place(taps, weights, size, border="symmetric")


def interpolation_matrix(size: int, ratio: int, shift: float = 0.0) -> np.ndarray:
    """One axis of the bicubic upsampling that undoes D's sampling phase (Keys, a = -0.5).

    Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 29, 1981:
    with a = -0.5 a linear ramp comes back exactly, with the common a = -0.75 it does not.

    Returns:
        (size, size/ratio) float64, rows summing to 1.
    """
    position = (np.arange(size) - (ratio - 1) / 2 - shift) / ratio  # (H,) in coarse pixels
    position = np.clip(position, -0.5, size // ratio - 0.5)  # a large shift repeats the edge
    taps = np.floor(position)[:, None].astype(int) + np.arange(-1, 3)  # (H, 4)
    t = np.abs(position[:, None] - taps)
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return _place(taps, np.where(t <= 1, near, far), size // ratio, border="drop")


def _place(taps: np.ndarray, weights: np.ndarray, size: int, border: str) -> np.ndarray:
    """Scatter (rows, taps) weights into a (rows, size) matrix with rows summing to 1."""
    if border == "drop":
        weights = np.where((taps >= 0) & (taps < size), weights, 0.0)
        taps = np.clip(taps, 0, size - 1)
    else:  # symmetric: ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
        taps = np.mod(taps, 2 * size)
        taps = np.where(taps < size, taps, 2 * size - 1 - taps)
    matrix = np.zeros((len(taps), size))
    np.add.at(matrix, (np.arange(len(taps))[:, None], taps), weights)
    return matrix / matrix.sum(axis=1, keepdims=True)


class SpatialDegradation:
    """D = S B: blur with the PSF of each detector, then keep every r-th sample.

    The PSF is separable, so D is two small matrices: `Y = D_y X D_xᵀ`, and the adjoint,
    `D_yᵀ Y D_x`, is exact by construction.

    Args:
        size: (H, W) of the high-resolution image, multiples of `ratio`.
        ratio: whole number of at least 2.
        psf: one `Psf` for all bands, or one per detector.
        detector: (L,) index of each band's PSF; needed with more than one PSF.

    Raises:
        InputError: a size, ratio or detector list that does not fit.

    Example:
        >>> D = SpatialDegradation((6, 9), ratio=3, psf=Psf.from_mtf(0.3, 3))
        >>> D.A(torch.ones(1, 4, 6, 9)).shape
        torch.Size([1, 4, 2, 3])
        >>> D.A_adjoint(np.ones((4, 2, 3))).shape
        (4, 6, 9)
    """

    def __init__(
        self,
        size: tuple[int, int],
        ratio: int,
        psf: Psf | Sequence[Psf],
        detector: np.ndarray | None = None,
    ) -> None:
        self.size, self.ratio = size, ratio
        self.psf = (psf,) if isinstance(psf, Psf) else tuple(psf)
        self.detector = None if detector is None else np.asarray(detector, dtype=int)
        self._check()
        height, width = size
        self.down = [
            (
                blur_matrix(height, ratio, p.sigma_y, p.shift_y),  # (h, H)
                blur_matrix(width, ratio, p.sigma_x, p.shift_x).T,  # (W, w)
            )
            for p in self.psf
        ]
        self._up = [
            (
                interpolation_matrix(height, ratio, p.shift_y),  # (H, h)
                interpolation_matrix(width, ratio, p.shift_x).T,  # (w, W)
            )
            for p in self.psf
        ]

    def _check(self) -> None:
        if self.ratio < 2 or self.ratio != int(self.ratio):
            raise InputError(
                f"ratio must be a whole number of at least 2, got {self.ratio}: "
                "resample one of the two grids first"
            )
        if any(n % self.ratio or n < self.ratio for n in self.size):
            raise InputError(
                f"image size must be a multiple of the ratio {self.ratio}, got {self.size}: "
                "crop the high-resolution image"
            )
        needs = self.detector is None and len(self.psf) > 1
        if needs or (self.detector is not None and self.detector.max() >= len(self.psf)):
            raise InputError(
                f"each band needs the index of its PSF (0 to {len(self.psf) - 1}), "
                f"got detector={self.detector}: pass the sensor's detector list"
            )

    def A(self, x: Array) -> Array:
        """(..., L, H, W) -> (..., L, H/r, W/r): what the HS sensor sees of `x`."""
        return self.apply(x, self.down)

    def A_adjoint(self, y: Array) -> Array:
        """(..., L, H/r, W/r) -> (..., L, H, W): <A x, y> = <x, A_adjoint y>."""
        return self.apply(y, [(left.T, right.T) for left, right in self.down])

    def upsample(self, y: Array) -> Array:
        """(..., L, H/r, W/r) -> (..., L, H, W): bicubic, on the phase and shift of `A`."""
        return self.apply(y, self._up)

    def at(self, detector: np.ndarray) -> SpatialDegradation:
        """The same PSFs for another list of bands, for example those of the MS."""
        return SpatialDegradation(self.size, self.ratio, self.psf, detector)

    def apply(self, x: Array, matrices: list[tuple[np.ndarray, np.ndarray]]) -> Array:
        """`left @ x @ right` with the pair (left, right) of each band's detector."""
        of_band = np.zeros(1, int) if self.detector is None or len(matrices) == 1 else self.detector
        if (of_band == of_band[0]).all():
            left, right = (like(m, x) for m in matrices[of_band[0]])
            return left @ x @ right
        parts = [
            like(left, x) @ x[..., of_band == k, :, :] @ like(right, x)
            for k, (left, right) in enumerate(matrices)
        ]
        order = np.argsort(np.argsort(of_band, kind="stable"), kind="stable")
        if isinstance(x, torch.Tensor):
            return torch.cat(parts, dim=-3)[..., torch.from_numpy(order), :, :]
        return np.concatenate(parts, axis=-3)[..., order, :, :]


class SpectralDegradation:
    """R: each MS band is a weighted mean of the HS bands.

    Args:
        R: (C, L) responses, rows summing to 1 (see `stsf.sensing.response.srf_matrix`).

    Example:
        >>> R = SpectralDegradation(np.array([[0.5, 0.5, 0.0]]))
        >>> R.A(np.arange(3.0).reshape(3, 1, 1)).item()
        0.5
    """

    def __init__(self, R: np.ndarray) -> None:
        self.R = np.asarray(R, dtype=np.float64)

    def A(self, x: Array) -> Array:
        """(..., L, H, W) -> (..., C, H, W)."""
        return mix(self.R, x)

    def A_adjoint(self, m: Array) -> Array:
        """(..., C, H, W) -> (..., L, H, W)."""
        return mix(self.R.T, m)


def noise_sigma(cube: np.ndarray, snr_db: float | np.ndarray) -> np.ndarray:
    """Noise standard deviation per band at a signal-to-noise ratio: SNR = 10 log10(mean x² / σ²).

    Args:
        cube: (band, y, x) reflectance.
        snr_db: decibels, one for all bands or one per band.

    Returns:
        (band,) standard deviations in reflectance.

    Example:
        >>> noise_sigma(np.full((1, 2, 2), 0.5), 20.0)
        array([0.05])
    """
    power = np.nanmean(np.square(cube, dtype=np.float64), axis=(-2, -1))
    return np.sqrt(power * 10.0 ** (-np.asarray(snr_db) / 10.0))


def add_noise(cube: np.ndarray, snr_db: float | np.ndarray, seed: int) -> np.ndarray:
    """`cube` plus white Gaussian noise of the stated SNR per band, float32."""
    sigma = noise_sigma(cube, snr_db)[:, None, None]
    noise = np.random.default_rng(seed).standard_normal(cube.shape, dtype=np.float32)
    return (cube + sigma * noise).astype(np.float32)
