"""Coordinates: laws of the plane, of the regressions, and the figures on two real windows."""

import numpy as np
import pytest
import torch

from stsf.baselines.spatial_spectral import scene_regression
from stsf.degradation import Psf
from stsf.errors import InputError
from stsf.linear import pixels
from stsf.scene import Scene
from stsf.sensing.bands import Sensor, from_bands
from stsf.sensing.sensors import ahsi, enmap
from stsf.sensing.spectra import library
from stsf.sensing.subspace import (
    band_quality,
    fit_subspace,
    library_subspace,
)
from stsf.world.observation import wald


def cube(bands: int = 7, rank: int = 7, seed: int = 0) -> np.ndarray:
    """(bands, 9, 11) float64 with `rank` independent directions of falling variance."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(99, rank)) * 0.5 ** np.arange(rank)
    return (0.3 + scores @ rng.normal(size=(rank, bands))).T.reshape(bands, 9, 11)


@pytest.mark.parametrize(
    ("nm", "quality"),
    [
        (429.9, "bad"),
        (430, "clean"),
        (889, "clean"),
        (890, "vapour"),
        (1000, "vapour"),
        (1001, "clean"),
        (1100, "vapour"),
        (1170, "vapour"),
        (1319, "clean"),
        (1320, "bad"),
        (1480, "bad"),
        (1481, "clean"),
        (1780, "bad"),
        (2000, "bad"),
        (2390, "clean"),
        (2390.5, "bad"),
    ],
)
def test_band_quality_at_the_edges(nm: float, quality: str) -> None:
    assert band_quality([nm]).tolist() == [quality]


def test_enmap_has_169_clean_bands() -> None:
    assert (band_quality(enmap().centre) == "clean").sum() == 169


def test_full_subspace_returns_every_spectrum() -> None:
    x = cube()
    plane = fit_subspace(x, k=7)
    np.testing.assert_allclose(plane.decode(plane.encode(x)), x, atol=1e-12)


def test_coordinates_are_white_and_ordered() -> None:
    z = pixels(fit_subspace(cube(), k=5).encode(cube()))
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(z.T @ z / len(z), np.eye(5), atol=1e-10)
    assert np.all(np.diff(fit_subspace(cube(), k=5).scale) <= 0)


def test_plane_is_the_best_of_its_dimension() -> None:
    """The rank-k truncation of the singular value decomposition is optimal (Eckart-Young)."""
    x = cube()
    rows = pixels(x)
    mean = rows.mean(axis=0)
    U, s, V = np.linalg.svd(rows - mean, full_matrices=False)
    best = mean + (U[:, :3] * s[:3]) @ V[:3]
    plane = fit_subspace(x, k=3)
    np.testing.assert_allclose(pixels(plane.decode(plane.encode(x))), best, atol=1e-10)


def test_small_components_are_not_blown_up() -> None:
    x = cube(rank=2)
    plane = fit_subspace(x, k=4)
    np.testing.assert_allclose(plane.scale[2:], 3e-3 * plane.scale[0])
    assert np.abs(plane.encode(x)[2:]).max() < 1e-6


def test_list_of_spectra_and_cube_agree_and_sign_is_fixed() -> None:
    x = cube()
    a, b = fit_subspace(x, k=3), fit_subspace(pixels(x), k=3)
    np.testing.assert_array_equal(a.basis, b.basis)
    largest = a.basis[np.arange(3), np.abs(a.basis).argmax(axis=1)]
    assert np.all(largest > 0)


def test_pixels_outside_the_mask_do_not_count() -> None:
    x, valid = cube(), np.ones((9, 11), bool)
    spoilt = x.copy()
    spoilt[:, 2:4, 5], valid[2:4, 5] = 50.0, False
    np.testing.assert_array_equal(
        fit_subspace(spoilt, 3, valid).basis, fit_subspace(pixels(x, valid), 3).basis
    )


def test_torch_and_numpy_agree_and_keep_their_kind() -> None:
    x = cube().astype(np.float32)
    plane = fit_subspace(x, k=4)
    batch = torch.from_numpy(x).expand(2, *x.shape)
    z = plane.encode(batch)
    assert z.shape == (2, 4, 9, 11) and z.dtype == torch.float32
    assert plane.encode(x).dtype == np.float32
    np.testing.assert_allclose(z[1].numpy(), plane.encode(x), atol=1e-4)
    np.testing.assert_allclose(plane.decode(z)[0].numpy(), plane.decode(plane.encode(x)), atol=1e-5)


@pytest.mark.parametrize("k", [0, 8])
def test_number_of_coordinates_must_fit(k: int) -> None:
    with pytest.raises(InputError, match="expected k from 1 to 7 for 99 spectra of 7 bands, got"):
        fit_subspace(cube(), k)


def test_constant_spectra_are_refused() -> None:
    with pytest.raises(InputError, match="expected spectra that vary"):
        fit_subspace(np.full((4, 3, 3), 0.25), 2)


def linear_scene(*psf: Psf) -> tuple[Scene, np.ndarray]:
    """A world in which every spectrum is an exact linear function of its two MS values."""
    hs = from_bands(np.arange(450.0, 1660.0, 60.0), 60.0)  # both detectors
    ms = from_bands([600.0, 830.0], 60.0, name="two bands")
    rng = np.random.default_rng(5)
    x = np.tensordot(rng.uniform(0.1, 0.4, (len(hs), 2)), rng.uniform(0, 1, (2, 24, 30)), 1) + 0.05
    return wald(x, hs, ms, psf=psf), x


def test_scene_regression_is_exact_in_a_linear_world() -> None:
    """Also with a blurrier SWIR: a regression on one blur for all bands would miss by 1e-2."""
    scene, x = linear_scene(Psf(1.2, 1.2), Psf(2.0, 1.7))
    np.testing.assert_allclose(scene_regression(scene).apply(scene.hrms_t1), x, atol=2e-5)


def test_library_coordinates_read_clean_bands_only() -> None:
    z = library_subspace(enmap(), k=6)
    x = library("test").at(enmap())[:50].T[:, :, None]
    dirty = band_quality(enmap().centre) != "clean"
    spoilt = np.where(dirty[:, None, None], 9.0, x)
    np.testing.assert_array_equal(z.encode(spoilt), z.encode(x))
    np.testing.assert_allclose(z.basis[:, ~dirty] @ z.basis[:, ~dirty].T, np.eye(6), atol=1e-10)


def test_library_predicts_the_other_bands_as_well_as_a_linear_map_can() -> None:
    """Least squares: what is left on the training spectra is uncorrelated with the coordinates."""
    z = library_subspace(enmap(), k=6)
    x = library("train").at(enmap()).astype(np.float64).T[:, :, None]
    left = pixels(x - z.decode(z.encode(x)))
    assert np.abs(left.mean(axis=0)).max() < 1e-5
    assert np.abs(left.T @ pixels(z.encode(x)) / len(left)).max() < 1e-5


def test_library_says_where_it_ends() -> None:
    with pytest.raises(InputError, match="within 400-2450 nm, got 5 of AHSI outside"):
        library_subspace(ahsi())


# Global PSNR in dB measured with k = 16: library plane alone, all bands; the same, clean bands;
# library coordinates and scene decoder fitted at LR, clean bands; the scene's own PCA, clean.
FIGURES = {
    "enmap-potsdam-north": (29.4, 43.0, 53.0, 55.1),
    "enmap-potsdam-west": (33.2, 43.7, 52.2, 54.0),
}


def library_coordinates(sensor: Sensor) -> np.ndarray:
    """Whitened library coordinates of the test spectra through one sensor, (n, k)."""
    z = library_subspace(sensor, k=4)
    return pixels(z.encode(library("test").at(sensor).T[:, :, None]))


def test_two_sensors_give_nearly_the_same_coordinates() -> None:
    """Up to a rotation the first coordinates do not depend on the sensor that saw the spectra."""
    a = library_coordinates(enmap())
    b = library_coordinates(ahsi().select(np.arange(5, 160)))
    predicted = a @ np.linalg.lstsq(a, b, rcond=None)[0]
    assert 1 - np.var(b - predicted) / np.var(b) > 0.99
