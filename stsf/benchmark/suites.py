"""The scenes of the benchmark: simulated with exact physics, with imperfect physics, and real.

Results of different suites never share a row: a gain on simulation says little about real spectra.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import ndimage

from stsf.alignment.align import align
from stsf.degradation import Psf
from stsf.errors import InputError
from stsf.scene import KINDS, Scene
from stsf.sensing.bands import Sensor
from stsf.sensing.sensors import S2_10, ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import Imperfections, observe, wald
from stsf.world.simulation import simulate

SIZE = 120  # px, the same for every method of a suite
DRAWS = 4  # semi-real second dates of each real window
ERRORS = ("none", "half-pixel", "psf", "srf")  # of the sensitivity suite
WINDOWS = ("enmap-potsdam-north", "enmap-potsdam-west")


@dataclass(frozen=True)
class Suite:
    """A list of scenes and how to make one of them.

    Attributes:
        name: "simulated", "imperfect" or "real".
        scenes: identifiers, in the order of the table.
        make: identifier -> scene with truth at both dates.
    """

    name: str
    scenes: tuple[str, ...]
    make: Callable[[str], Scene]


def suite(name: str, seeds: Sequence[int] = range(1000, 1008)) -> Suite:
    """A suite by name.

    Args:
        name: "simulated" (exact physics, test materials), "imperfect" (the same scenes through
            `Imperfections.draw`, then calibrated), "ten-bands" (as "simulated", with ten bands of
            Sentinel-2), "sensitivity" (one error at a time, as it is and calibrated) or "real"
            (EnMAP windows by Wald's protocol with semi-real second dates).
        seeds: of the simulated scenes.

    Raises:
        InputError: an unknown name.

    Example:
        >>> suite("simulated").scenes[:2]
        ('1000', '1001')
    """
    made = {
        "simulated": (tuple(map(str, seeds)), simulated),
        "imperfect": (tuple(map(str, seeds)), imperfect),
        "ten-bands": (tuple(map(str, seeds)), ten_bands),
        "sensitivity": (
            tuple(f"{s}/{e}/{c}" for e in ERRORS for c in ("as-is", "calibrated") for s in seeds),
            sensitive,
        ),
        "real": (tuple(f"{w}/{d}" for w in WINDOWS for d in range(DRAWS)), semi_real),
    }
    if name not in made:
        raise InputError(f"expected a suite out of {', '.join(made)}, got {name!r}")
    return Suite(name, *made[name])


@lru_cache(maxsize=1)
def sensors() -> tuple[Sensor, Sensor]:
    """AHSI's clean bands and the four 10 m bands of Sentinel-2A."""
    hs = ahsi()
    return hs.select(band_quality(hs.centre) == "clean"), sentinel2("A")


def simulated(seed: str) -> Scene:
    """Ratio 3, SNR 35 dB (HS) and 40 dB (MS), nothing wrong."""
    return _observed(int(seed), None)


def ten_bands(seed: str) -> Scene:
    """As `simulated`, with the ten 10 m and 20 m bands of Sentinel-2A."""
    world = simulate(int(seed), size=SIZE, split="test")
    scene = observe(world, sensors()[0], sentinel2("A", S2_10), seed=int(seed))
    return replace(scene, name=seed)


def imperfect(seed: str) -> Scene:
    """The same world seen imperfectly, after registration and calibration."""
    return _calibrated(_observed(int(seed), Imperfections.draw(int(seed), *sensors())))


def sensitive(identifier: str) -> Scene:
    """One thing wrong: Y1 half a pixel off, its MTF 0.2 for 0.3, or each SRF 4 nm off.

    Args:
        identifier: "seed/error/as-is" or "seed/error/calibrated".
    """
    seed, error, state = identifier.split("/")
    true_psf = tuple(Psf.from_mtf(0.2, 3) for _ in sensors()[0].mtf)
    wrong = {
        "none": Imperfections(),
        "half-pixel": Imperfections(shift_hs=(0.5, 0.5)),
        "psf": Imperfections(psf=true_psf),
        "srf": Imperfections(srf_shift=4.0),
    }[error]
    scene = replace(_observed(int(seed), wrong), name=identifier)
    return scene if state == "as-is" else _calibrated(scene)


def _calibrated(scene: Scene) -> Scene:
    """What `stsf.fuse` does before it fuses."""
    return align(scene)[0]


def _observed(seed: int, imperfections: Imperfections | None) -> Scene:
    world = simulate(seed, size=SIZE, split="test")
    scene = observe(world, *sensors(), imperfections=imperfections, seed=seed)
    return replace(scene, name=str(seed))


def semi_real(identifier: str, ms: Sensor | None = None) -> Scene:
    """An EnMAP window at t1 and, as X2, the same window with pasted change and other light.

    The rule: irregular patches covering 15-25 % of the window get the content of another place of
    the same or the other window; all else is multiplied by a smooth illumination field of ±5 %
    with a tilt of ±3 % from the first to the last wavelength. Real spectra at both dates, change
    known to the pixel.

    Args:
        identifier: "window/draw".
        ms: sensor of the MS; the four 10 m bands of Sentinel-2A without it.
    """
    window, draw = identifier.rsplit("/", 1)
    cubes = {name: real_window(name)[0] for name in WINDOWS}
    hs = real_window(window)[1]
    rng = np.random.default_rng([WINDOWS.index(window), int(draw)])
    x1 = cubes[window]
    donor = _elsewhere(cubes[WINDOWS[rng.integers(len(WINDOWS))]], x1.shape[1:], rng)
    changed = _patches(x1.shape[1:], rng.uniform(0.15, 0.25), rng)
    x2 = np.where(changed, donor, x1 * _light(hs.centre, x1.shape[1:], rng)).astype(np.float32)
    scene = wald(x1, hs, ms or sentinel2("A"), 3, cube_t2=x2, name=identifier)
    height, width = scene.size
    change = changed[:height, :width].astype(np.uint8) * KINDS.index("construction")
    return replace(scene, change=change)


@lru_cache(maxsize=2)
def real_window(window: str) -> tuple[np.ndarray, Sensor]:
    """The clean bands of an EnMAP window (L, y, x), and their sensor."""
    from stsf.files.datasets import load_real  # downloads: not at import

    cube, sensor = load_real(window)  # type: ignore[arg-type]
    clean = band_quality(sensor.centre) == "clean"
    return cube[clean], sensor.select(clean)


def _elsewhere(donor: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The donor rolled by at least a quarter of its size, repeated to fill `shape`."""
    height, width = donor.shape[1:]
    roll = [int(rng.integers(n // 4, 3 * n // 4)) for n in (height, width)]
    rolled = np.roll(donor, roll, axis=(1, 2))
    rows, columns = (np.arange(n) % m for n, m in zip(shape, (height, width), strict=True))
    return rolled[:, rows[:, None], columns]


def _patches(shape: tuple[int, int], share: float, rng: np.random.Generator) -> np.ndarray:
    """(H, W) True in irregular patches that cover `share` of the area."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), 4.0, mode="reflect")
    return field > np.quantile(field, 1 - share)


def _light(wavelength: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(L, H, W) smooth factor around 1: place by place ±5 %, first to last wavelength ±3 %."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), 16.0, mode="reflect")
    field *= 0.05 / np.abs(field).max()
    position = (wavelength - wavelength[0]) / np.ptp(wavelength) - 0.5
    return 1 + field + rng.uniform(-0.03, 0.03) * position[:, None, None]
