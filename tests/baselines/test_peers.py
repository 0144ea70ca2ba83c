"""Each relative of STARFM is exact where its own assumption holds, and only there."""

from dataclasses import replace

import numpy as np
import pytest

from stsf.baselines import peers
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.world.observation import wald

HS = ahsi().select(np.arange(5, 58))
MS = sentinel2("A")
SIZE = (30, 30)


def rms(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2)))


def curve(seed: int) -> np.ndarray:
    """(L,) a smooth random spectrum."""
    rng = np.random.default_rng(seed)
    nodes = np.linspace(HS.centre[0], HS.centre[-1], 7)
    return np.interp(HS.centre, nodes, rng.uniform(0.1, 0.5, 7)).astype(np.float32)


def waves(seed: int) -> np.ndarray:
    """(H, W) a smooth random map between 0 and 1."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return 0.5 + 0.5 * np.sin(rows / rng.uniform(2, 5) + columns / rng.uniform(2, 5))


def mixed(amount: np.ndarray, seed: int = 0) -> np.ndarray:
    """(L, H, W) mixtures of two spectra."""
    a, b = curve(2 * seed), curve(2 * seed + 1)
    return (a[:, None, None] * amount + b[:, None, None] * (1 - amount)).astype(np.float32)


def quilt() -> np.ndarray:
    """(H, W) numbers 0, 1, 2 of three classes in blocks."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return (rows // 10 + columns // 6) % 3


def test_starfm_like_is_exact_where_its_assumption_holds():
    """Homogeneous cover, the same change everywhere, seen without loss by the MS."""
    x1 = mixed(waves(3))
    x1[:] = x1.mean(axis=(1, 2))[:, None, None]
    x1[:, :, 15:] *= 1.5  # two classes, told apart by M1
    x2 = x1 * 1.1
    scene = wald(x1, HS, MS, 3, cube_t2=x2)
    estimate = peers.starfm_like(scene, x1)
    assert rms(estimate, x2) < 0.02 * rms(x1, x2) + 1e-4


def test_starfm_like_weighs_like_neighbours_only():
    """A spike of noise in X1 is averaged away inside its class and does not cross its border."""
    x1 = np.full((len(HS), 30, 30), 0.2, np.float32)
    x1[:, :, 15:] = 0.4
    scene = wald(x1, HS, MS, 3)
    noisy = x1.copy()
    noisy[:, 10, 13] += 0.1
    out = peers.starfm_like(scene, noisy)
    assert np.abs(out - x1)[:, :, 15:].max() < 1e-4
    assert np.abs(out - x1)[:, 10, 13].max() < 0.05


def test_estarfm_like_is_exact_where_spectra_lie_on_a_line() -> None:
    """Mixtures of two spectra, in other amounts at t2: one slope tells all bands."""
    x1, x2 = mixed(waves(3)), mixed(0.2 + 0.6 * waves(4))
    scene = wald(x1, HS, MS, 3, cube_t2=x2)
    assert rms(peers.estarfm_like(scene, x1), x2) < 0.03 * rms(x1, x2)


def test_estarfm_like_takes_its_slope_from_its_own_neighbourhood() -> None:
    """Two halves, each on a line of its own: one gain for the whole scene must err."""
    west = np.arange(SIZE[1]) < SIZE[1] // 2
    x1, x2 = (np.where(west, mixed(waves(k), 0), mixed(waves(k), 1)) for k in (3, 4))
    scene = wald(x1, HS, MS, 3, cube_t2=x2)
    local, whole = (rms(f(scene, x1), x2) for f in (peers.estarfm_like, peers.injection))
    assert local < 0.7 * whole


def test_fit_fc_like_is_exact_where_one_gain_and_offset_serve_all_bands() -> None:
    x1 = mixed(waves(5))
    x2 = 1.3 * x1 + 0.02
    scene = wald(x1, HS, MS, 3, cube_t2=x2)
    assert rms(peers.fit_fc_like(scene, x1), x2) < 0.05 * rms(x1, x2)


def test_what_a_band_says_is_read_off_between_the_bands() -> None:
    """A ramp over the wavelength is read off exactly between the outer MS bands."""
    scene = wald(mixed(waves(5)), HS, MS, 3)
    read = peers._interpolation(scene) @ scene.ms.centre
    inside = (HS.centre > scene.ms.centre.min()) & (HS.centre < scene.ms.centre.max())
    np.testing.assert_allclose(read[inside], HS.centre[inside], rtol=1e-6)
    assert read.min() == scene.ms.centre.min() and read.max() == scene.ms.centre.max()


def test_fsdaf_like_is_exact_where_classes_are_homogeneous() -> None:
    """Blocks of three classes change places; the MS cannot know the bands it does not see."""
    spectra = np.stack([curve(k) for k in (10, 11, 12)])
    x1 = np.moveaxis(spectra[quilt()], -1, 0)
    x2 = np.moveaxis(spectra[np.roll(quilt(), 5, axis=0)], -1, 0)
    scene = wald(x1, HS, MS, 3, cube_t2=x2)
    assert rms(peers.fsdaf_like(scene, x1), x2) < 0.05 * rms(x1, x2)


def test_variability_is_exact_where_pixels_are_brighter_or_darker() -> None:
    x1 = mixed(waves(6))
    x2 = (x1 * (0.7 + 0.6 * waves(7))).astype(np.float32)
    scene = wald(x1, HS, MS, 3, cube_t2=x2)
    assert rms(peers.variability(scene, x1), x2) < 0.03 * rms(x1, x2)


@pytest.mark.parametrize(
    "method", [peers.estarfm_like, peers.fit_fc_like, peers.fsdaf_like, peers.variability]
)
def test_dark_or_constant_bands_make_no_nan(method) -> None:
    x1 = mixed(waves(8))
    scene = wald(x1, HS, MS, 3, cube_t2=0.5 * x1)
    dark = scene.hrms_t2.copy()
    dark[0, :12] = 0.0
    assert np.isfinite(method(replace(scene, hrms_t2=dark), x1)).all()
