"""From a world to what the satellites report of it: `observe` for simulated, `wald` for real cubes.

No inverse crime: the world is rendered at twice the product's resolution from fine spectra through
the measured responses, so the model's own D and R only approximate what made the images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from affine import Affine

from stsf.degradation import (
    Psf,
    SpatialDegradation,
    SpectralDegradation,
    add_noise,
    mtf_sigma,
    relative_psf,
)
from stsf.errors import InputError
from stsf.scene import Scene
from stsf.sensing.bands import Sensor
from stsf.sensing.response import srf_matrix

FINE = 2  # a landscape is rendered at this many samples along one product pixel


class Landscape(Protocol):
    """A world that can be looked at: see `stsf.world.simulation.simulate`."""

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) product pixels."""

    @property
    def change(self) -> np.ndarray:
        """(H, W) codes of `stsf.scene.KINDS`."""

    def render(self, sensor: Sensor, date: int) -> np.ndarray:
        """(band, 2H, 2W) reflectance before any blur, at date 1 or 2."""


@dataclass(frozen=True)
class Imperfections:
    """How the real observations differ from what the model will assume.

    Attributes:
        shift_hs: (y, x) displacement of Y1 against the product grid, high-resolution pixels.
        shift_ms1: (y, x) displacement of M1 against M2, high-resolution pixels.
        psf: the true PSF of each HS detector relative to the MS; None keeps the nominal one.
        gain_ms: factor on each MS band, common to both dates.
        gain_t2: factor on M2 alone.
        offset_ms: reflectance added to each MS band at both dates.
        srf_shift: displacement of each MS response, nm.
        srf_width: stretch of each MS response.
        striping: standard deviation of the column stripes in Y1, reflectance.
        changed: share of the pixels that changed between Y1 and M1.
    """

    shift_hs: tuple[float, float] = (0.0, 0.0)
    shift_ms1: tuple[float, float] = (0.0, 0.0)
    psf: tuple[Psf, ...] | None = None
    gain_ms: np.ndarray | float = 1.0
    gain_t2: float = 1.0
    offset_ms: np.ndarray | float = 0.0
    srf_shift: np.ndarray | float = 0.0
    srf_width: np.ndarray | float = 1.0
    striping: float = 0.0
    changed: float = 0.0

    @classmethod
    def draw(cls, seed: int, hs: Sensor, ms: Sensor, ratio: int = 3) -> Imperfections:
        """One draw of everything at once, within what is seen in practice.

        Shifts up to 2 px (HS) and 1 px (MS), MTF 0.15-0.45 along and across with a SWIR blurrier
        by up to σ 0.8 px, MS gain ±5 %, gain between dates ±1 %, offset ±0.003, response ±2 nm
        and ±5 %, stripes up to 0.002, up to 2 % of the pixels changed between Y1 and M1.
        """
        rng = np.random.default_rng(seed)
        sigma = np.array([mtf_sigma(g, ratio) for g in rng.uniform(0.15, 0.45, 2)])
        psf = [Psf(*sigma.tolist())]
        for _ in hs.mtf[1:]:
            psf.append(Psf(*np.sqrt(sigma**2 + rng.uniform(0.2, 0.8) ** 2).tolist()))
        return cls(
            shift_hs=tuple(rng.uniform(-2, 2, 2).tolist()),
            shift_ms1=tuple(rng.uniform(-1, 1, 2).tolist()),
            psf=tuple(psf),
            gain_ms=rng.uniform(0.95, 1.05, len(ms)),
            gain_t2=float(rng.uniform(0.99, 1.01)),
            offset_ms=rng.uniform(-0.003, 0.003, len(ms)),
            srf_shift=rng.uniform(-2, 2, len(ms)),
            srf_width=rng.uniform(0.95, 1.05, len(ms)),
            striping=float(rng.uniform(0, 0.002)),
            changed=float(rng.uniform(0, 0.02)),
        )


def observe(
    landscape: Landscape,
    hs: Sensor,
    ms: Sensor,
    ratio: int = 3,
    *,
    snr_hs: float = 35.0,
    snr_ms: float = 40.0,
    imperfections: Imperfections | None = None,
    seed: int = 0,
) -> Scene:
    """Y1, M1 and M2 of a landscape with noise, and the truth X1 and X2 as the MS would resolve it.

    Args:
        landscape: the world at both dates.
        hs: hyperspectral sensor, bands in order of wavelength.
        ms: multispectral sensor.
        ratio: HS pixel in product pixels, 2 to 10.
        snr_hs: signal-to-noise ratio of each HS band, dB.
        snr_ms: the same for the MS.
        imperfections: what goes wrong; None is the exact model.
        seed: of noise, stripes and patches.

    Returns:
        A scene with truth and change map; the scene's own PSF and responses stay nominal.

    Raises:
        InputError: landscape size not a multiple of the ratio.

    Example:
        >>> from stsf.sensing.sensors import ahsi, sentinel2
        >>> from stsf.world.simulation import simulate
        >>> hs = ahsi().select(np.arange(5, 60))
        >>> scene = observe(simulate(seed=1, size=36), hs, sentinel2("A"))
        >>> scene.lrhs_t1.shape, scene.hrms_t2.shape, scene.hrhs_t2.shape
        ((55, 12, 12), (4, 36, 36), (55, 36, 36))
    """
    if any(n % ratio for n in landscape.shape):
        raise InputError(
            f"landscape size must be a multiple of the ratio {ratio}, got {landscape.shape}: "
            "simulate another size"
        )
    wrong = imperfections or Imperfections()
    seeds = np.random.default_rng(seed).integers(2**32, size=4).tolist()
    # as a perfect instrument would see it, in the true responses
    x1, y1 = _hs_images(landscape, hs, ms, ratio, wrong, seeds[3])
    x2 = _as_ms_sees(landscape.render(hs, 2), ms)
    real_ms = jitter(ms, wrong.srf_shift, wrong.srf_width)
    m1 = _as_ms_sees(landscape.render(real_ms, 1), ms, wrong.shift_ms1)
    m2 = _as_ms_sees(landscape.render(real_ms, 2), ms)
    # with errors of calibration and noise
    gain, offset = (np.reshape(v, (-1, 1, 1)) for v in (wrong.gain_ms, wrong.offset_ms))
    y1 = add_noise(y1, snr_hs, seeds[0])
    m1 = add_noise(gain * m1 + offset, snr_ms, seeds[1])
    m2 = add_noise(wrong.gain_t2 * gain * m2 + offset, snr_ms, seeds[2])
    more: dict[str, Any] = {"change": landscape.change, "snr_hs": snr_hs, "snr_ms": snr_ms}
    place = Affine(ms.gsd, 0, 0, 0, -ms.gsd, 0)
    return Scene(y1, m1, m2, hs, ms, hrhs_t1=x1, hrhs_t2=x2, transform=place, **more)


def _hs_images(
    landscape: Landscape, hs: Sensor, ms: Sensor, ratio: int, wrong: Imperfections, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """X1 (L, H, W) and noise-free Y1 (L, h, w), both straight from the fine world."""
    rng = np.random.default_rng(seed)
    fine = landscape.render(hs, 1)  # (L, 2H, 2W)
    x1 = _as_ms_sees(fine, ms)
    sharp = [FINE * mtf_sigma(g, 1.0) for g in ms.mtf[0]]  # fine px
    psf = [
        Psf(
            float(np.hypot(FINE * p.sigma_y, sharp[0])),
            float(np.hypot(FINE * p.sigma_x, sharp[1])),
            FINE * (p.shift_y + wrong.shift_hs[0]),
            FINE * (p.shift_x + wrong.shift_hs[1]),
        )
        for p in wrong.psf or relative_psf(hs, ms, ratio)
    ]
    fine = _patched(fine, wrong.changed, rng)
    size = (fine.shape[1], fine.shape[2])
    y1 = SpatialDegradation(size, FINE * ratio, psf, hs.detector).A(fine)
    stripes = wrong.striping * rng.standard_normal((len(hs), 1, y1.shape[2]))
    return x1, (y1 + stripes).astype(np.float32)


def _as_ms_sees(
    fine: np.ndarray, ms: Sensor, shift: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """(band, 2H, 2W) -> (band, H, W) through the PSF of the MS."""
    sigma = [FINE * mtf_sigma(g, 1.0) for g in ms.mtf[0]]
    psf = Psf(sigma[0], sigma[1], FINE * shift[0], FINE * shift[1])
    return SpatialDegradation((fine.shape[1], fine.shape[2]), FINE, psf).A(fine)


def _patched(fine: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Rectangles with the content of another place, `share` of the area in all."""
    height, width = fine.shape[1:]
    changed = np.zeros((height, width), bool)
    while changed.mean() < share:
        side = rng.integers(8, max(9, min(40, height // 3)), 2)
        top, left = rng.integers(0, height - side[0]), rng.integers(0, width - side[1])
        changed[top : top + side[0], left : left + side[1]] = True
    if not changed.any():
        return fine
    elsewhere = np.roll(fine, (height // 2, width // 3), axis=(1, 2))
    return np.where(changed, elsewhere, fine)


def jitter(sensor: Sensor, shift: np.ndarray | float, width: np.ndarray | float) -> Sensor:
    """The sensor with each response displaced by `shift` nm and stretched by `width`."""
    shift, width = (np.broadcast_to(v, len(sensor)).astype(float) for v in (shift, width))
    if not shift.any() and np.all(width == 1):
        return sensor
    if sensor.srf is None:
        return replace(sensor, centre=sensor.centre + shift, fwhm=sensor.fwhm * width)
    axis = sensor.srf_wavelength
    assert axis is not None
    moved = [
        np.interp(c + (axis - c - s) / w, axis, row, left=0.0, right=0.0)
        for c, s, w, row in zip(sensor.centre, shift, width, sensor.srf, strict=True)
    ]
    return replace(sensor, srf=np.array(moved))


def wald(
    cube: np.ndarray,
    hs: Sensor,
    ms: Sensor,
    ratio: int = 3,
    *,
    cube_t2: np.ndarray | None = None,
    psf: Psf | tuple[Psf, ...] | None = None,
    snr_hs: float | None = None,
    snr_ms: float | None = None,
    seed: int = 0,
    name: str = "",
) -> Scene:
    """A scene with truth from a real cube, one level down (Wald's protocol).

    The cube plays X1; Y1 is its blurred and decimated copy, M1 its spectral degradation.
    Wald, Ranchin & Mangolini, "Fusion of satellite images of different spatial resolutions",
    PE&RS 63(6), 1997.

    Args:
        cube: (L, H, W) reflectance, NaN where there is no data; cropped to multiples of `ratio`.
        hs: its sensor.
        ms: the MS sensor to emulate.
        ratio: 2 to 10.
        cube_t2: (L, H, W) at t2; without it M2 is M1 and X2 is X1.
        psf: PSF of the reduction; by default MTF 0.3 at the coarse Nyquist frequency.
        snr_hs: dB of added noise; None adds none, and the scene states 55 dB (HS) and 60 dB (MS):
            Y1 and M1 are exact copies of the cube, whose own noise is part of the truth.
        snr_ms: the same for the MS.
        seed: of the added noise.
        name: shown in figures and tables.

    Example:
        >>> from stsf.sensing.sensors import enmap, sentinel2
        >>> hs = enmap().select(np.arange(5, 90))
        >>> cube = np.random.default_rng(0).uniform(0.1, 0.5, (85, 31, 32))
        >>> wald(cube, hs, sentinel2("A")).lrhs_t1.shape
        (85, 10, 10)
    """
    height, width = (n - n % ratio for n in cube.shape[1:])
    x1 = np.asarray(cube[:, :height, :width], np.float32)
    x2 = x1 if cube_t2 is None else np.asarray(cube_t2[:, :height, :width], np.float32)
    R = SpectralDegradation(srf_matrix(hs, ms)[0])
    psf = psf or Psf.from_mtf(0.3, ratio)
    # A detector without a PSF of its own shares the only one given.
    psf = (psf,) * len(hs.mtf) if isinstance(psf, Psf) else psf
    y1 = SpatialDegradation((height, width), ratio, psf, hs.detector).A(x1)
    m1, m2 = R.A(x1), R.A(x2)
    if snr_hs is not None:
        y1 = add_noise(y1, snr_hs, seed)
    if snr_ms is not None:
        m1, m2 = add_noise(m1, snr_ms, seed + 1), add_noise(m2, snr_ms, seed + 2)
    more: dict[str, Any] = {"psf": psf, "name": name, "snr_hs": 55.0 if snr_hs is None else snr_hs}
    more["snr_ms"] = 60.0 if snr_ms is None else snr_ms
    return Scene(y1, m1, m2, hs, ms, hrhs_t1=x1, hrhs_t2=x2, **more)
