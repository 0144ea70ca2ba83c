"""Classical fusion: go back and forth between the two things that are known of X1.

    spatial    {X : D X = Y1}    band by band; the sharp detail is free
    spectral   {X : R X = M1}    pixel by pixel; what no MS band sees is free

Each is a plane in the space of all cubes, and the nearest point of a plane A X = b to a cube X is

    X + Aᵀ(A Aᵀ)⁻¹ (b − A X),

the cube plus the residual, carried back. Projecting in turn leads to a cube on both planes (von
Neumann 1949). A single round suffices where no MS band mixes bands of different PSF: blurring and
mixing then commute, and the second projection does not disturb what the first has set right.

The data carry noise, and (A Aᵀ)⁻¹ divides by the squared singular values of A: detail that the
PSF has almost wiped out returns with its noise multiplied. The regularised version asks for the
most probable correction instead, given how spectra vary (covariance C) and how noisy the data
are (covariance N),

    X + C Aᵀ(A C Aᵀ + N)⁻¹ (b − A X),

of which the plain projection is the case C = I, N = 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator, cg

from stsf.degradation import SpatialDegradation, SpectralDegradation
from stsf.errors import InputError
from stsf.linear import (
    SMALLEST_NOISE,
    Array,
    denoise,
    difference_covariance,
    like,
    mix,
    mmse_gain,
    signal_covariance,
)
from stsf.scene import Scene

Projection = Literal["start", "spectral", "spatial"]


def inject(x: Array, m: Array, gain: np.ndarray, R: SpectralDegradation) -> Array:
    """X + G (M − R X): correct every pixel's spectrum by what the MS sees differently.

    Args:
        x: (..., L, H, W).
        m: (..., C, H, W).
        gain: G (L, C), see `mmse_gain`.
        R: spectral response.

    Example:
        >>> R = SpectralDegradation(np.array([[0.5, 0.5, 0.0]]))
        >>> x, m = np.full((3, 1, 1), 0.2), np.full((1, 1, 1), 0.3)
        >>> inject(x, m, mmse_gain(np.eye(3), R.R, 0.0), R).ravel().round(3)
        array([0.3, 0.3, 0.2])
    """
    return x + mix(gain, m - R.A(x))


class BackProjection:
    """Dᵀ(D Dᵀ + λ)⁻¹: carries a low-resolution residual back to the sharp grid.

    D_y D_yᵀ = U S Uᵀ and D_x D_xᵀ = V T Vᵀ are small, and D Dᵀ is diagonal in the patterns U ⊗ V:
    a residual is taken apart into these, each is divided by its own s·t + λ, and Dᵀ spreads the
    sum. Patterns with small s·t are those the blur wipes out; λ = σ²/c, the variance of the noise
    over that of the answer, keeps their noise from being blown up.

    Args:
        D: spatial degradation.
        damping: λ, (L,) or one for all bands; 0 is the exact projection.

    Attributes:
        eigenvalues: (detector, h, w) s·t; noise comes back multiplied by up to 1/sqrt(s·t).

    Example:
        >>> from stsf.degradation import Psf
        >>> D = SpatialDegradation((12, 12), ratio=3, psf=Psf.from_mtf(0.3, 3))
        >>> y = np.random.default_rng(0).uniform(size=(5, 4, 4))
        >>> bool(np.allclose(D.A(BackProjection(D)(y)), y))  # D Dᵀ(D Dᵀ)⁻¹ = I
        True
    """

    def __init__(self, D: SpatialDegradation, damping: ArrayLike = 0.0) -> None:
        self._apply = D.apply  # left @ x @ right with the matrices of each band's detector
        self._analyse, self._spread, eigenvalues = [], [], []
        for down_y, down_x in D.down:  # (h, H), (W, w)
            s, U = np.linalg.eigh(down_y @ down_y.T)  # (h,), (h, h)
            t, V = np.linalg.eigh(down_x.T @ down_x)  # (w,), (w, w)
            self._analyse.append((U.T, V))
            self._spread.append((down_y.T @ U, V.T @ down_x.T))
            eigenvalues.append(np.outer(s, t))  # (h, w)
        self.eigenvalues = np.stack(eigenvalues)
        of_band = 0 if D.detector is None else D.detector
        self._divisor = self.eigenvalues[of_band] + np.reshape(damping, (-1, 1, 1))  # (L, h, w)

    def __call__(self, residual: Array) -> Array:
        """(..., L, h, w) -> (..., L, H, W)."""
        patterns = self._apply(residual, self._analyse)
        return self._apply(patterns / like(self._divisor, residual), self._spread)


@dataclass(frozen=True, eq=False)
class Step:
    """One cube on the way, and how far it is from either constraint."""

    iteration: int  # number of the round, 0 for the starting point
    after: Projection  # the one just made
    x: np.ndarray  # (L, H, W) reflectance
    residual_hs: float  # RMS of Y1 − D X
    residual_ms: float  # RMS of M1 − R X


def alternating_projection(
    scene: Scene,
    iterations: int = 5,
    *,
    regularised: bool = True,
    start: np.ndarray | None = None,
) -> Iterator[Step]:
    """X1 from Y1 and M1, one projection at a time.

    The regularised version ends after the round in which both residuals have sunk into the noise:
    to go on would only fit it (discrepancy principle, Morozov 1966). That is often the first.

    Args:
        scene: the observations at t1.
        iterations: rounds of one spectral and one spatial step, at most.
        regularised: False for the plain projections.
        start: (L, H, W); by default the bicubic enlargement of Y1.

    Yields:
        The starting point, then the cube after every projection.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample().crop(slice(0, 12), slice(0, 12))
        >>> [step.after for step in alternating_projection(scene, iterations=1)]
        ['start', 'spectral', 'spatial']
    """
    if regularised:
        y, gain, back = regularised_steps(scene)
        enough = _rms(scene.noise_hs), _rms(scene.noise_ms)
    else:
        y = scene.lrhs_t1
        gain, back = mmse_gain(np.eye(len(y)), scene.R.R, 0.0), BackProjection(scene.D)
        enough = -1.0, -1.0  # never
    x = scene.D.upsample(y) if start is None else start
    if x.shape != (len(y), *scene.size):
        raise InputError(
            f"start must have shape {(len(y), *scene.size)}, got {x.shape}: crop or enlarge it"
        )
    yield _step(scene, 0, "start", x)
    for iteration in range(1, iterations + 1):
        x = inject(x, scene.hrms_t1, gain, scene.R)
        yield _step(scene, iteration, "spectral", x)
        x = x + back(y - scene.D.A(x))
        step = _step(scene, iteration, "spatial", x)
        yield step
        if step.residual_hs <= enough[0] and step.residual_ms <= enough[1]:
            return


def _step(scene: Scene, iteration: int, after: Projection, x: np.ndarray) -> Step:
    hs, ms = scene.lrhs_t1 - scene.D.A(x), scene.hrms_t1 - scene.R.A(x)
    return Step(iteration, after, x, _rms(hs), _rms(ms))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values), dtype=np.float64)))


def regularised_steps(scene: Scene) -> tuple[np.ndarray, np.ndarray, BackProjection]:
    """What the regularised version uses, learnt from the scene itself.

    Returns:
        Y1 freed from most of its noise, by the MMSE estimate of each spectrum (L, h, w); the gain
        of the spectral step, C being the covariance of differences (L, C); the spatial step,
        damped by the noise left in Y1 over the variance that the spectral step leaves unknown.
    """
    mean = scene.lrhs_t1.mean(axis=(1, 2), keepdims=True)
    wiener = denoise(scene.lrhs_t1, scene.noise_hs, scene.valid_lr)  # (L, L)
    y = mean + mix(wiener, scene.lrhs_t1 - mean)
    C = difference_covariance(y)
    gain = mmse_gain(C, scene.R.R, scene.noise_ms)
    noise_left = np.square(wiener) @ np.square(scene.noise_hs)  # (L,) variances
    unknown = np.diag(C - gain @ scene.R.R @ C)
    return y, gain, BackProjection(scene.D, noise_left / np.maximum(unknown, SMALLEST_NOISE**2))


def spectral_gain(scene: Scene) -> np.ndarray:
    """Gain (L, C) of the temporal injection: `inject(x1, scene.hrms_t2, gain, scene.R)` is X2.

    C is the covariance of the spectra in Y1: where the ground has changed, anything that occurs in
    the scene may have come.
    """
    signal = signal_covariance(scene.lrhs_t1, scene.noise_hs, scene.valid_lr)
    return mmse_gain(signal, scene.R.R, scene.noise_ms)


def null_space(scene: Scene, cube: np.ndarray) -> np.ndarray:
    """The part of a cube that neither sensor sees: D Z = 0 and R Z = 0.

    Alternating projections onto what D and what R do not see, speeded up by conjugate gradients
    (one round where the two commute). Any multiple of Z can be added to X1 without a trace in Y1
    and M1: only prior knowledge of how spectra and images look says anything about it.

    Args:
        scene: for D and R.
        cube: (L, H, W), for example the truth.

    Returns:
        Z (L, H, W) float64, orthogonal to `cube - Z`.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample().crop(slice(0, 8), slice(0, 8))
        >>> hidden = null_space(scene, scene.hrhs_t1)
        >>> bool(abs(scene.D.A(hidden)).max() < 1e-6 and abs(scene.R.A(hidden)).max() < 1e-6)
        True
    """
    gain, back = mmse_gain(np.eye(len(cube)), scene.R.R, 0.0), BackProjection(scene.D)

    def seen_in_a_round(flat: np.ndarray) -> np.ndarray:
        x = flat.reshape(cube.shape)
        z = x - back(scene.D.A(x))
        z = z - mix(gain, scene.R.A(z))
        return (x - (z - back(scene.D.A(z)))).ravel()

    x = cube.astype(np.float64)
    x = (x - back(scene.D.A(x))).ravel()
    rounds = LinearOperator((x.size, x.size), matvec=seen_in_a_round, dtype=x.dtype)
    row_part, _ = cg(rounds, seen_in_a_round(x), rtol=0.0, atol=1e-13 * np.linalg.norm(cube))
    return (x - row_part).reshape(cube.shape)
