"""A scene: what was observed (Y1, M1, M2), by which sensors, and the truth where it is known.

Every inconsistency is refused on the way in, with one sentence that names the mend, so that
nothing behind this file has to ask whether its input makes sense.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from stsf.degradation import Psf, SpatialDegradation, SpectralDegradation, noise_sigma, relative_psf
from stsf.errors import InputError
from stsf.linear import SMALLEST_NOISE, as_array, fill_gaps
from stsf.sensing.bands import Sensor
from stsf.sensing.response import srf_matrix

KINDS = ("unchanged", "harvest", "emergence", "flood", "construction")  # codes of a change map
RATIOS = range(2, 11)  # HS to MS pixel size of the satellite pairs that fly
DAYS_APART = 30  # HS and MS at t1 describe one state of the ground; farther apart they do not
FEWEST = 2  # valid HS pixels, and HS pixels a side: fewer have no covariance and no gradient
OBSERVED = ("lrhs_t1", "hrms_t1", "hrms_t2")
CUBES = (*OBSERVED, "hrhs_t1", "hrhs_t2")
BRIGHT = 2.0  # no surface reflectance reaches this, except in a few glinting pixels


@dataclass(frozen=True, eq=False)
class Scene:
    """Observations on area grids of one extent; the product grid is that of M2.

    Attributes:
        lrhs_t1: Y1, (L, h, w) reflectance; as all cubes a plain or masked array, or a DataArray.
        hrms_t1: M1, (C, H, W), H = r·h and W = r·w.
        hrms_t2: M2, (C, H, W).
        hs: sensor of Y1, with L bands in order of wavelength.
        ms: sensor of M1 and M2, with C bands.
        hrhs_t1: X1, (L, H, W), where the truth is known.
        hrhs_t2: X2, (L, H, W), where the truth is known.
        change: (H, W) codes of `KINDS`, where known.
        psf: PSF of each HS detector relative to the MS; by default from the sensors' MTF.
        response: R (C, L) as found in the images (`stsf.alignment.effective_response`); without
            it R is made of the sensors' tables.
        snr_hs: signal-to-noise ratio of the HS, dB.
        snr_ms: signal-to-noise ratio of the MS, dB.
        valid_lr: (h, w) False where Y1 has no data (filled from the nearest valid pixel).
        valid_hr: (H, W) False where M1 or M2 has no data, or a cloud or its shadow hides the
            ground. NaN is filled likewise, numbers stay (`stsf.alignment.without_hidden`).
        valid_ms: (2, H, W) the same of M1 and of M2; `valid_hr` alone is taken to hide both.
        quality: (3, H, W) uint8, why Y1, M1 and M2 have no data (`stsf.files.facts.REASONS`).
        crs: coordinate reference system, if any.
        transform: pixel to map coordinates of the high-resolution grid, if any.
        dates: ISO dates (or `date` objects) of Y1, M1 and M2, if known.
        name: shown in figures and tables.

    Raises:
        InputError: any inconsistency, in one sentence.
    """

    lrhs_t1: np.ndarray
    hrms_t1: np.ndarray
    hrms_t2: np.ndarray
    hs: Sensor
    ms: Sensor
    hrhs_t1: np.ndarray | None = None
    hrhs_t2: np.ndarray | None = None
    change: np.ndarray | None = None
    # by default made from the rest (`__post_init__`): always there
    psf: tuple[Psf, ...] = None  # type: ignore[assignment]
    valid_lr: np.ndarray = None  # type: ignore[assignment]
    valid_hr: np.ndarray = None  # type: ignore[assignment]
    valid_ms: np.ndarray = None  # type: ignore[assignment]
    response: np.ndarray | None = None
    snr_hs: float = 35.0
    snr_ms: float = 40.0
    quality: np.ndarray | None = None
    crs: CRS | None = None
    transform: Affine | None = None
    dates: tuple[str, str, str] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        for key in CUBES:
            object.__setattr__(self, key, as_array(getattr(self, key)))
        if self.dates is not None:
            object.__setattr__(self, "dates", tuple(map(str, self.dates)))
        check_bands(self)
        check_grids(self)
        check_dates(self.dates or (None, None, None))
        for key in OBSERVED:
            check_values(key, getattr(self, key))
        vars(self).update(masks_of(self))
        for key in OBSERVED:
            object.__setattr__(self, key, fill_gaps(getattr(self, key)))
        if self.psf is None:
            object.__setattr__(self, "psf", relative_psf(self.hs, self.ms, self.ratio))

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the product."""
        return self.hrms_t2.shape[1], self.hrms_t2.shape[2]

    @property
    def ratio(self) -> int:
        """High-resolution pixels along one side of a low-resolution pixel."""
        return self.hrms_t2.shape[1] // self.lrhs_t1.shape[1]

    @cached_property
    def D(self) -> SpatialDegradation:
        """X -> Y on the HS bands."""
        return SpatialDegradation(self.size, self.ratio, self.psf, self.hs.detector)

    @cached_property
    def D_ms(self) -> SpatialDegradation:
        """The same blur and decimation for the MS bands, each by the nearest HS band's detector."""
        nearest = np.abs(self.ms.centre[:, None] - self.hs.centre).argmin(axis=1)
        return self.D.at(self.hs.detector[nearest])

    @cached_property
    def R(self) -> SpectralDegradation:
        """X -> M."""
        R = self.response
        return SpectralDegradation(srf_matrix(self.hs, self.ms)[0] if R is None else R)

    def truth(self, date: int) -> np.ndarray:
        """X1 or X2, where the scene has it.

        Args:
            date: 1 or 2.

        Raises:
            InputError: the true image of that date is not known.
        """
        cube = {1: self.hrhs_t1, 2: self.hrhs_t2}[date]
        if cube is None:
            raise InputError(
                f"expected a scene with its true image X{date}, got one without: "
                "take a simulated scene, such as stsf.load_sample()"
            )
        return cube

    def true_change(self) -> np.ndarray:
        """Codes of what happened (H, W), see `KINDS`, where the scene has them.

        Raises:
            InputError: the scene has no map of changes.
        """
        if self.change is None:
            raise InputError(
                "expected a scene with its map of changes, got one without: "
                "take a simulated scene, such as stsf.load_sample()"
            )
        return self.change

    @cached_property
    def noise_hs(self) -> np.ndarray:
        """(L,) standard deviation of the noise in Y1, reflectance; above 0."""
        return np.maximum(noise_sigma(self.lrhs_t1, self.snr_hs), SMALLEST_NOISE)

    @cached_property
    def noise_ms(self) -> np.ndarray:
        """(C,) standard deviation of the noise in M1 and M2, reflectance; above 0."""
        return np.maximum(noise_sigma(self.hrms_t1, self.snr_ms), SMALLEST_NOISE)

    def crop(self, rows: slice, columns: slice) -> Scene:
        """A window given in low-resolution pixels, for a quick look or a patch."""
        r = self.ratio
        coarse, fine = (rows, columns), [slice(r * s.start, r * s.stop) for s in (rows, columns)]
        moved = self.transform and self.transform * Affine.translation(fine[1].start, fine[0].start)
        window: dict[str, Any] = {"transform": moved}
        for key in (*CUBES, "change", "quality", "valid_lr", "valid_hr", "valid_ms"):
            if (values := getattr(self, key)) is not None:
                window[key] = values[..., *(coarse if key in ("lrhs_t1", "valid_lr") else fine)]
        return replace(self, **window)


def check_bands(scene: Scene) -> None:
    """Cubes have three axes, as many bands as their sensors, and the HS has more than the MS."""
    for key, sensor in (("lrhs_t1", scene.hs), ("hrms_t1", scene.ms), ("hrms_t2", scene.ms)):
        cube = getattr(scene, key)
        if cube.ndim != 3:
            raise InputError(f"{key} must be (band, y, x), got shape {cube.shape}: add the axis")
        if len(cube) != len(sensor):
            raise InputError(
                f"{key} has {len(cube)} bands, {sensor.name} has {len(sensor)}: "
                "name the right sensor or select its bands"
            )
    check_order(len(scene.hs), len(scene.ms))
    shape = len(scene.ms), len(scene.hs)
    if scene.response is not None and scene.response.shape != shape:
        raise InputError(
            f"response must be (MS bands, HS bands), {shape}, got {scene.response.shape}: "
            "set response=None where bands were taken out"
        )
    if np.any(np.diff(scene.hs.centre) <= 0):
        b = int(np.argmax(np.diff(scene.hs.centre) <= 0))
        raise InputError(
            f"wavelengths must increase from band to band, got {scene.hs.centre[b]:.1f} then "
            f"{scene.hs.centre[b + 1]:.1f} nm: sort the bands and drop overlapping ones"
        )


def check_order(hs_bands: int, ms_bands: int) -> None:
    """The hyperspectral image is the one with more bands."""
    if hs_bands <= ms_bands:
        raise InputError(
            f"expected more hyperspectral than multispectral bands, got {hs_bands} and "
            f"{ms_bands}: the two images may be swapped"
        )


def check_grids(scene: Scene) -> None:
    """One whole ratio in both directions; truth and maps on the product grid."""
    (h, w), fine = scene.lrhs_t1.shape[1:], scene.hrms_t2.shape[1:]
    if scene.hrms_t1.shape[1:] != fine:
        raise InputError(
            f"both MS dates must share one grid, got {scene.hrms_t1.shape[1:]} and {fine} pixels: "
            "warp M1 onto the grid of M2"
        )
    if fine[0] < h or fine[1] < w:
        raise InputError(
            f"the MS must be finer than the HS, got {fine} MS and {(h, w)} HS pixels: "
            "the two images may be swapped"
        )
    ratio = fine[0] / h
    if ratio != fine[1] / w or ratio not in RATIOS:
        raise InputError(
            f"one HS pixel must span a whole number of MS pixels from {RATIOS[0]} to {RATIOS[-1]}, "
            f"got {fine[0]}/{h} = {ratio:.3g} and {fine[1]}/{w} = {fine[1] / w:.3g}: "
            "crop both to one extent or resample the HS"
        )
    if min(h, w) < FEWEST:
        raise InputError(
            f"expected at least {FEWEST} HS pixels along each side, got {(h, w)}: "
            "take a larger window of all images"
        )
    expected = {"hrhs_t1": (len(scene.hs), *fine), "hrhs_t2": (len(scene.hs), *fine)}
    expected |= {"change": fine, "quality": (3, *fine), "valid_lr": (h, w)}
    expected |= {"valid_hr": fine, "valid_ms": (2, *fine)}
    for key, shape in expected.items():
        given = getattr(scene, key)
        if given is not None and given.shape != shape:
            raise InputError(
                f"{key} must have shape {shape}, got {given.shape}: crop it to the scene"
            )


def check_values(name: str, cube: np.ndarray) -> None:
    """Reflectance that varies; data in every band of some pixel."""
    check_reflectance(name, cube)
    finite = np.isfinite(cube)
    if not finite.all(axis=0).any():
        empty = np.flatnonzero(~finite.any(axis=(1, 2)))[:5] + 1
        bands = f" ({', '.join(map(str, empty))})" if empty.size else ""
        raise InputError(
            f"in {name} every pixel misses at least one band: drop the bands that hold no data "
            f"at all{bands}"
        )
    if np.nanmin(cube) == np.nanmax(cube):
        raise InputError(
            f"{name} must vary, every value is {np.nanmax(cube):.4g}: "
            "check that it is the right file"
        )


def check_reflectance(name: str, cube: np.ndarray) -> None:
    """Reflectance: finite somewhere, not digital numbers."""
    finite = cube[np.isfinite(cube)]
    if not finite.size:
        raise InputError(f"{name} has no valid pixel: check the nodata value and the extent")
    high = float(np.percentile(finite[:: max(1, finite.size // 100_000)], 98))
    if high > BRIGHT:
        raise InputError(
            f"{name} must be reflectance from 0 to 1, its 98th percentile is {high:.4g}, which "
            "looks like digital numbers: set the bands' scale (0.0001 is usual) or divide first"
        )


def masks_of(scene: Scene) -> dict[str, np.ndarray]:
    """Where cubes are finite and the masks given allow it; enough is left where all have data."""
    coarse, *dates = (np.isfinite(getattr(scene, key)).all(axis=0) for key in OBSERVED)
    coarse = coarse if scene.valid_lr is None else coarse & scene.valid_lr
    fine = np.stack(dates) if scene.valid_ms is None else np.stack(dates) & scene.valid_ms
    if scene.valid_hr is not None:  # a pixel that it alone denies is hidden at both dates
        fine &= scene.valid_hr | ~fine.all(axis=0)
    both = fine.all(axis=0)
    if coarse.sum() < FEWEST or not both.any():
        raise InputError(
            f"expected at least {FEWEST} HS pixels with data and one MS pixel with data at both "
            f"dates, got {coarse.sum()} and {both.sum()}: choose images whose valid areas overlap"
        )
    return {"valid_lr": coarse, "valid_hr": both, "valid_ms": fine}


def check_dates(dates: Sequence[str | None]) -> None:
    """Known dates of Y1, M1, M2 are dates; HS and MS at t1 lie at most `DAYS_APART` days apart."""
    known = [_day(text) for text in dates]
    if not (known[0] and known[1]):
        return
    days = abs((known[0] - known[1]).days)
    if days > DAYS_APART:
        raise InputError(
            f"HS and MS at t1 must be at most {DAYS_APART} days apart, got {dates[0]} and "
            f"{dates[1]} ({days} days): choose an MS image nearer to the HS date"
        )


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"dates must look like 2025-07-24, got {text!r}: mend the tag DATE of the file"
        ) from error
