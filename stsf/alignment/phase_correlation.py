"""The shift between two images of one grid, and how to undo it.

A shift by d turns the phase of every frequency f by 2π f·d and leaves its amplitude alone. Divide
the amplitudes out, and the transform back is a single peak at d: phase correlation (Kuglin &
Hines, "The phase correlation image alignment method", 1975). Below a pixel, d follows from the
phases themselves by least squares, and their scatter says how well it is known.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

HIGHEST = 0.35  # cycles/px; above it aliasing bends the phase of a sampled image
HANN = 2.25  # frequencies that a Hann window ties together in two dimensions
SIGNIFICANT = 5.5  # score of a phase correlation; noise alone reaches 5
COHERENT = 0.015  # px; measured floor: fields that change as a whole bend many phases together


def shift_image(cube: np.ndarray, dy: float, dx: float) -> np.ndarray:
    """Resample: out(y, x) = cube(y + dy, x + dx), by cubic spline with a symmetric border.

    Args:
        cube: (band, y, x); a boolean mask becomes False where the sample lies outside the image
            or next to a pixel that is False.
        dy: pixels; positive looks further down.
        dx: pixels; positive looks further to the right.

    Returns:
        Same shape and dtype.

    Example:
        >>> shift_image(np.arange(5.0).reshape(1, 1, 5), 0.0, 1.0).round(6)
        array([[[1., 2., 3., 4., 4.]]])
    """
    if cube.dtype == bool:
        inside = ndimage.shift(cube * 1.0, (0, -dy, -dx), order=1, mode="constant", cval=0.0)
        return inside > 0.999
    moved = ndimage.shift(np.asarray(cube, float), (0, -dy, -dx), order=3, mode="reflect")
    return moved.astype(cube.dtype)


def phase_shift(
    a: np.ndarray, b: np.ndarray, valid: np.ndarray | None = None, reach: int = 15
) -> tuple[np.ndarray, np.ndarray, float]:
    """Shift d such that a(y + dy, x + dx) = b(y, x), its standard deviation, and a score.

    Args:
        a: (band, y, x).
        b: the same shape; a band may have any gain and offset.
        valid: (y, x), False where either image has no data.
        reach: largest shift looked for, pixels.

    Returns:
        d (2,), its standard deviation (2,), and the height of the peak in units of what noise
        would give: noise alone reaches 5, at the best of 31 x 31 shifts.

    Example:
        >>> a = np.random.default_rng(0).uniform(size=(1, 64, 64))
        >>> phase_shift(a, shift_image(a, 3.0, -2.0))[0].round(1)
        array([ 3., -2.])
    """
    phasor, fy, fx = _phasors(a, b, valid)
    used = phasor != 0
    if used.sum() < 10:  # constant images, or a few pixels
        return np.zeros(2), np.full(2, np.inf), 0.0
    lags = [np.arange(-min(reach, (n - 1) // 2), min(reach, (n - 1) // 2) + 1) for n in a.shape[1:]]
    surface = fft.fft2(phasor).real[np.ix_(*lags)]
    peak = np.unravel_index(surface.argmax(), surface.shape)
    shift = np.array([axis[i] for axis, i in zip(lags, peak)], float)
    omega = 2 * np.pi * np.stack([fy[used], fx[used]])  # (2, frequencies)
    for _ in range(50):  # Gauss-Newton on sum(1 - cos(phase - omega·shift))
        residual = phasor[used] * np.exp(-1j * shift @ omega)
        safe = (omega * np.abs(residual.real)) @ omega.T  # the curvature, kept positive
        step = np.clip(np.linalg.lstsq(safe, omega @ residual.imag)[0], -0.25, 0.25)
        shift = shift + step
        if np.abs(step).max() < 1e-4:
            break
    curvature = (omega * residual.real) @ omega.T
    if np.linalg.eigvalsh(curvature)[0] < 1e-6 * np.trace(safe):  # no peak along some direction
        return shift, np.full(2, np.inf), 0.0
    # Variance = curvature⁻¹ · scatter of the phases · curvature⁻¹. The transform of a real image
    # holds every frequency twice and the window ties neighbours: that many fewer are independent.
    ties = 2 * HANN
    bread = np.linalg.inv(curvature)
    scatter = (omega * residual.imag**2) @ omega.T
    sigma = np.sqrt(ties * np.diag(bread @ scatter @ bread) + COHERENT**2)
    return shift, sigma, float(residual.real.mean() / np.sqrt(0.5 * ties / used.sum()))


def _phasors(
    a: np.ndarray, b: np.ndarray, valid: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """exp(2πi f·d) as the images have it (H, W), 0 where not used, and the frequencies f."""
    height, width = a.shape[1:]
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    if valid is not None:  # a gap has edges of its own, at the same place in both images
        window = window * ndimage.binary_erosion(valid, iterations=2, border_value=1)
    cross = sum(np.conj(_spectrum(p, window)) * _spectrum(q, window) for p, q in zip(a, b))
    fy, fx = np.meshgrid(fft.fftfreq(height), fft.fftfreq(width), indexing="ij")
    size = np.abs(cross)
    used = (np.hypot(fy, fx) < HIGHEST) & (size > 1e-12 * size.max(initial=0.0))
    return np.where(used, cross / np.where(used, size, 1.0), 0.0), fy, fx


def _spectrum(band: np.ndarray, window: np.ndarray) -> np.ndarray:
    """(H, W) -> (H, W) complex: transform of the bounded gradient, right + i·down.

    What was harvested or built changes a gradient's size and sign: bounded by the mean size, no
    single edge outweighs the rest.
    """
    down, right = np.gradient(np.asarray(band, float))
    gradient = right + 1j * down
    size = np.abs(gradient)
    bounded = gradient / (1.0 + size / max(float(size.mean()), 1e-12))
    return fft.fft2((bounded - bounded.mean()) * window)
