"""Registration: M1 onto the grid of M2, then where Y1 samples it and how far it blurs.

One sign for every shift, (y, x) in high-resolution pixels, positive down and right: it says where
an image shows what the reference shows here. The shift of M1 is (dy, dx) with
`M1(y + dy, x + dx) = M2(y, x)`; the shift of a `Psf` says that low-resolution pixel (i, j) sees
the MS image around `r·i + (r - 1)/2 + shift_y`, and likewise across.

Every number comes with its standard deviation, or with the answer "cannot be told".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stsf.alignment.coverage import NO_DATA, with_m1
from stsf.alignment.estimates import DetectorFit, Estimate
from stsf.alignment.field import Places
from stsf.alignment.phase_correlation import SIGNIFICANT, phase_shift, shift_image
from stsf.alignment.psf_fit import fit_psf
from stsf.alignment.tie_points import NO_TIES, Ties
from stsf.degradation import SMALLEST_SIGMA, Psf, SpatialDegradation
from stsf.errors import InputError
from stsf.scene import Scene

REACH = 15  # HR px, the largest shift looked for
LOOSE_DATES = 0.1  # px: with a wider error the shift between dates is not told
LOOSE_PSF = (0.25, 0.25, 0.1, 0.1)  # px, px, and shares of the widths: the same for Y1
WORTHWHILE = 0.05  # px; a smaller shift between dates is not worth a resampling
FEWEST = 50  # LR pixels
LARGEST = 200  # LR px along one side: of a larger scene the central window is used
DETECTORS = ("VNIR", "SWIR")


@dataclass(frozen=True)
class Registration:
    """What was found and what was applied.

    Attributes:
        hs: one fit per HS detector, relative to M1 on the grid of M2; its PSF is applied.
        ms: (dy, dx) with M1(y + dy, x + dx) = M2(y, x).
        applied: the part of `ms` by which M1 was resampled; (0, 0) if it was left alone.
        ties: what tie points all over the scene say; their field, where they ask for one, takes the
            place of `applied`.
    """

    hs: tuple[DetectorFit, ...]
    ms: tuple[Estimate, Estimate]
    applied: tuple[float, float]
    ties: Ties = NO_TIES

    def apply(self, scene: Scene, at: Places | None = None) -> Scene:
        """The scene, or a part of it, with M1 resampled and the PSF as found.

        Args:
            scene: of which the images were moved (`stsf.alignment.displacement`).
            at: rows and columns of its pixels in the whole scene; without it, it is the whole.
        """
        return replace(self.resampled(scene, at), psf=tuple(fit.psf for fit in self.hs))

    def resampled(self, scene: Scene, at: Places | None = None) -> Scene:
        """The scene with M1(y + dy, x + dx) in the place of M1(y, x), its mask and codes too."""
        if not self.resamples:
            return scene
        at = at or (np.arange(scene.size[0]), np.arange(scene.size[1]))
        m1, valid = (self._moved(cube, at) for cube in (scene.hrms_t1, scene.valid_ms[:1]))
        quality = None if scene.quality is None else self.reasons(scene.quality, at)
        return with_m1(replace(scene, quality=quality), m1, valid[0])

    def reasons(self, quality: np.ndarray, at: Places) -> np.ndarray:
        """Codes (3, H, W) with those of M1 wherever they reach once it is resampled."""
        if not self.resamples:
            return quality
        before, m1 = quality[1], np.zeros_like(quality[1])
        for code in np.unique(before[before > 0]):
            m1[~self._moved(before[None] != code, at)[0]] = code
        m1[~self._moved(np.ones_like(quality[1:2], bool), at)[0]] = NO_DATA
        return np.stack([quality[0], m1, quality[2]])

    @property
    def resamples(self) -> bool:
        """Whether M1 was."""
        return self.ties.field is not None or any(self.applied)

    def _moved(self, cube: np.ndarray, at: Places) -> np.ndarray:
        field = self.ties.field
        return shift_image(cube, *self.applied) if field is None else field.resample(cube, *at)

    def summary(self) -> list[str]:
        """Plain sentences for a report."""
        if self.ms[0].told:
            shift = f"M1 is shifted against M2 by ({self.ms[0]}, {self.ms[1]}) px (down, right);"
        else:
            shift = "The shift of M1 against M2 cannot be told from this scene;"
        if self.ties.field:
            done = "M1 was resampled by a field."
        elif any(self.applied):
            done = "M1 was resampled by ({:.3f}, {:.3f}) px.".format(*self.applied)
        else:
            done = f"M1 was left as it is (a shift counts from {WORTHWHILE} px and 2 sigma on)."
        return [f"{shift} {done}", *map(str, self.hs), *self.ties.summary()]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "ms": {"shift_y": self.ms[0].as_dict(), "shift_x": self.ms[1].as_dict()},
            "ms_applied": list(self.applied),
            "hs": [fit.as_dict() for fit in self.hs],
            "tie_points": self.ties.as_dict(),
        }


def register(
    scene: Scene, ties: Ties = NO_TIES, at: Places | None = None
) -> tuple[Scene, Registration]:
    """Bring M1 onto the grid of M2, then find where and how sharply Y1 sees it.

    Args:
        scene: as observed; the PSF it carries is starting point and fallback.
        ties: of the whole scene.
        at: rows and columns of the pixels of `scene` in it, where it is a part.

    Returns:
        The scene with M1 resampled if the shift is significant (pixels whose M1 came from outside
        are no longer valid) and with the PSF as found; and what was found.

    Example:
        >>> import stsf
        >>> scene, registration = register(stsf.load_sample())
        >>> [fit.detector for fit in registration.hs]
        ['VNIR', 'SWIR']
    """
    view = _window(scene)
    dates = register_dates(view.hrms_t1, view.hrms_t2, valid=view.valid_hr)
    dy, dx = (
        e.value if e.told and abs(e.value) > max(WORTHWHILE, 2 * e.sigma) else 0.0 for e in dates
    )
    found = Registration((), dates, (dy, dx), ties)
    scene = found.resampled(scene, at)
    found = replace(found, hs=register_hs_ms(scene))
    return replace(scene, psf=tuple(fit.psf for fit in found.hs)), found


def _window(scene: Scene) -> Scene:
    """The scene, or the middle of a large one."""
    sides = scene.lrhs_t1.shape[1:]
    if max(sides) <= LARGEST:
        return scene
    starts = [max(0, (n - LARGEST) // 2) for n in sides]
    rows, columns = (slice(s, min(n, s + LARGEST)) for s, n in zip(starts, sides))
    return scene.crop(rows, columns)


def register_dates(
    m1: np.ndarray, m2: np.ndarray, *, valid: np.ndarray | None = None
) -> tuple[Estimate, Estimate]:
    """Shift between two dates, (dy, dx) with M1(y + dy, x + dx) = M2(y, x), up to 15 px.

    Args:
        m1: (band, y, x).
        m2: the same shape.
        valid: (y, x), False where either has no data.

    Returns:
        dy and dx: 0 and not told where the dates do not match significantly at any shift.

    Raises:
        InputError: shapes that differ.

    Example:
        >>> m1 = np.random.default_rng(0).uniform(0.1, 0.3, (1, 64, 64))
        >>> dy, dx = register_dates(m1, shift_image(m1, 3.0, -2.0))
        >>> round(dy.value, 1), round(dx.value, 1), dy.told
        (3.0, -2.0, True)
    """
    if m1.shape != m2.shape or m1.ndim != 3:
        raise InputError(
            f"both dates must be (band, y, x) on one grid, got {m1.shape} and {m2.shape}: "
            "warp M1 onto the grid of M2"
        )
    shift, sigma, score = phase_shift(m1, m2, valid, REACH)
    if score < SIGNIFICANT or sigma.max() > LOOSE_DATES or np.abs(shift).max() > REACH + 0.5:
        return Estimate(0.0), Estimate(0.0)
    dy, dx = (Estimate(float(d), float(s), True) for d, s in zip(shift, sigma))
    return dy, dx


def register_hs_ms(scene: Scene) -> tuple[DetectorFit, ...]:
    """Shift and PSF width of each HS detector relative to M1: R Y1 against D M1.

    A detector that no MS band falls on, or that does not match, takes the values of the other
    one (its width with the nominal difference between the two), or else keeps the nominal ones.

    Args:
        scene: M1 on the product grid.
    """
    view = _window(scene)
    fits = [_fit_detector(view, k) for k in range(len(view.psf))]
    best = next((k for k, fit in enumerate(fits) if fit.told), None)
    if best is not None:
        for k, fit in enumerate(fits):
            if not (fit.shift_y.told or fit.shift_x.told):
                fits[k] = _borrow(fit, fits[best], (view.psf[k], view.psf[best]))
    return tuple(fits)


def _fit_detector(scene: Scene, k: int) -> DetectorFit:
    """Coarse shift by phase correlation on the LR grid, then least squares."""
    nominal, r, mine = scene.psf[k], scene.ratio, scene.hs.detector == k
    share = scene.R.R[:, mine].sum(axis=1) / scene.R.R.sum(axis=1)  # (C,) of each MS response
    bands = share > 0.9
    if not bands.any():
        why = (
            "No MS band falls on this detector" if mine.any() else "Y1 has no band of this detector"
        )
        return _kept(nominal, k, why)
    response = scene.R.R[np.ix_(bands, mine)] / share[bands, None]
    target = np.tensordot(response, scene.lrhs_t1[mine], axes=1)  # (C, h, w) = R Y1
    source = scene.hrms_t1[bands].astype(float)  # (C, H, W)
    D = SpatialDegradation(scene.size, r, nominal)
    valid = scene.valid_lr & (D.A(scene.valid_hr * 1.0) > 0.999)
    coarse, _, score = phase_shift(D.A(source), target, valid, math.ceil(REACH / r))
    shift_y, shift_x = nominal.shift_y + r * coarse[0], nominal.shift_x + r * coarse[1]
    start = replace(nominal, shift_y=shift_y, shift_x=shift_x)
    good = valid & _inside(scene.size, r, start)
    if score < SIGNIFICANT or good.sum() < FEWEST:
        return _kept(nominal, k, f"Y1 and M1 match at no shift up to {REACH} px")
    psf, error = fit_psf(target, source, r, start, good, scene.noise_ms[bands])
    if max(abs(psf.shift_y), abs(psf.shift_x)) > REACH:
        return _kept(nominal, k, f"The best match lies beyond {REACH} px")
    limit = np.multiply(LOOSE_PSF, (1, 1, psf.sigma_y, psf.sigma_x))
    dy, dx, sy, sx = (
        Estimate(new, float(e), True) if e < most else Estimate(old)
        for new, e, most, old in zip(_values(psf), error, limit, _values(nominal))
    )
    known = all(part.told for part in (dy, dx, sy, sx))
    reason = "" if known else "The scene has too little detail to tell more: nominal values kept."
    return DetectorFit(DETECTORS[k], dy, dx, sy, sx, reason)


def _kept(psf: Psf, k: int, why: str) -> DetectorFit:
    dy, dx, sy, sx = (Estimate(value) for value in _values(psf))
    return DetectorFit(DETECTORS[k], dy, dx, sy, sx, f"{why}: nominal values kept.")


def _borrow(fit: DetectorFit, other: DetectorFit, nominal: tuple[Psf, Psf]) -> DetectorFit:
    """Values of a detector that was told; widths with the nominal difference between the two."""
    mine, its = nominal
    sy, sx = (
        Estimate(math.sqrt(max(sigma**2 + own**2 - ref**2, SMALLEST_SIGMA**2)))
        for sigma, own, ref in (
            (other.sigma_y.value, mine.sigma_y, its.sigma_y),
            (other.sigma_x.value, mine.sigma_x, its.sigma_x),
        )
    )
    reason = fit.reason.replace("nominal values kept", f"shift and width of the {other.detector}")
    if mine != its:
        reason = reason[:-1] + ", plus the nominal difference between their widths."
    dy, dx = Estimate(other.shift_y.value), Estimate(other.shift_x.value)
    return DetectorFit(fit.detector, dy, dx, sy, sx, reason)


def _values(psf: Psf) -> tuple[float, float, float, float]:
    return psf.shift_y, psf.shift_x, psf.sigma_y, psf.sigma_x


def _inside(size: tuple[int, int], r: int, psf: Psf) -> np.ndarray:
    """(h, w) samples that see the image only, not its mirrored border."""
    rows, columns = (
        np.abs(r * np.arange(n // r) + (r - 1) / 2 + shift - (n - 1) / 2)
        < (n - 1) / 2 - 2.5 * sigma - 1
        for n, shift, sigma in (
            (size[0], psf.shift_y, psf.sigma_y),
            (size[1], psf.shift_x, psf.sigma_x),
        )
    )
    return np.outer(rows, columns)
