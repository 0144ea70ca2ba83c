"""What can be said of a result when there is no truth to compare it with.

Three questions, and what their answers cannot tell:

- Does X̂1 explain Y1, and do X̂1 and X̂2 explain M1 and M2? If not, something is wrong. If so, the
  error may still be large: whatever no sensor saw (`stsf.projection.null_space`) leaves no trace.
- Do the spectra look like spectra? A curve no library knows is suspicious, or a rare material, or
  residue of the atmospheric correction. So the answer for Y1, which was measured, stands beside it.
- Is reflectance between 0 and 1? Noise over dark water is not, and is harmless.
"""

from __future__ import annotations

import numpy as np

from stsf.scene import Scene
from stsf.sensing.spectra import library, library_range
from stsf.sensing.subspace import Subspace, band_quality, library_subspace

COORDINATES = 16
RARE = 99.0  # percentile of the library's own test spectra beyond which a spectrum counts as odd


def residuals(scene: Scene, x1: np.ndarray, x2: np.ndarray) -> dict[str, float]:
    """RMS of what the estimates leave unexplained, over the expected noise.

    Args:
        scene: the observations, registered.
        x1: estimate of X1 (L, H, W), NaN where there is none.
        x2: estimate of X2 (L, H, W), likewise.

    Returns:
        One number per observation: about 1 or below is explained to within the noise.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample()
        >>> found = residuals(scene, scene.hrhs_t1, scene.hrhs_t2)  # the truth itself
        >>> {name: round(value, 1) for name, value in found.items()}
        {'Y1 - D X1': 1.0, 'M1 - R X1': 1.0, 'M2 - R X2': 1.0}
    """
    valid_lr, known = scene.valid_lr, np.isfinite(x1).all(axis=0)
    if not known.all():  # an HS pixel counts where nothing of its footprint is missing
        covered = scene.D.A(np.broadcast_to(known * np.float32(1), x1.shape)).min(axis=0)
        x1, valid_lr = np.where(known, x1, 0), valid_lr & (covered > 0.999)
    misfits = {
        "Y1 - D X1": (scene.lrhs_t1 - scene.D.A(x1), scene.noise_hs, valid_lr),
        "M1 - R X1": (scene.hrms_t1 - scene.R.A(x1), scene.noise_ms, scene.valid_hr),
        "M2 - R X2": (scene.hrms_t2 - scene.R.A(x2), scene.noise_ms, scene.valid_hr),
    }
    return {name: float(np.sqrt(np.mean(in_noise(*what)))) for name, what in misfits.items()}


def in_noise(residual: np.ndarray, sigma: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """(band, n) squares of a residual over its noise (band,), where there is data (y, x)."""
    return (residual[:, valid] / np.maximum(sigma, 1e-6)[:, None]) ** 2


def plausibility(scene: Scene, x2: np.ndarray) -> dict[str, float]:
    """Share of odd spectra in X̂2, and in Y1 beside it, and of values outside 0-1.

    A spectrum is odd if the library's coordinates, learnt from its training half, describe it worse
    than 99 % of its test half. Bands outside the library or in vapour windows are not looked at.

    Args:
        scene: for Y1 and the sensor.
        x2: estimate of X2 (L, H, W).

    Returns:
        "odd spectra in X2", "odd spectra in Y1", "values of X2 outside 0-1": shares, 0 to 1; the
        first two NaN where too few bands lie in the library's range.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample()
        >>> plausibility(scene, scene.hrhs_t2)["odd spectra in X2"] < 0.05
        True
    """
    nm = scene.hs.centre
    used = (band_quality(nm) == "clean") & (nm >= library_range[0]) & (nm <= library_range[1])
    odd = {"odd spectra in X2": float("nan"), "odd spectra in Y1": float("nan")}
    if used.sum() > 2 * COORDINATES:
        sensor = scene.hs.select(used)
        plane = library_subspace(sensor, COORDINATES)
        known = library("test").at(sensor).T[:, :, None]  # (bands, n, 1) as a cube
        limit = np.percentile(_distance(plane, known), RARE)
        for key, cube, valid in (
            ("odd spectra in X2", x2, scene.valid_hr),
            ("odd spectra in Y1", scene.lrhs_t1, scene.valid_lr),
        ):
            odd[key] = float(np.mean(_distance(plane, cube[used])[valid] > limit))
    outside = np.mean((x2 < 0) | (x2 > 1))
    return {**odd, "values of X2 outside 0-1": float(outside)}


def _distance(plane: Subspace, cube: np.ndarray) -> np.ndarray:
    """(H, W) RMS over bands from a spectrum to its description by library coordinates."""
    return np.sqrt(np.mean((cube - plane.decode(plane.encode(cube))) ** 2, axis=0))
