"""Each temporal method against a case whose answer it did not make."""

from dataclasses import replace

import numpy as np
import pytest

import stsf
from stsf.baselines import regressors, supervised, temporal
from stsf.baselines.registry import get_method, methods
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.world.observation import observe, wald
from stsf.world.simulation import simulate

HS = ahsi().select(np.arange(5, 58))
MS = sentinel2("A")
SCENE_ONLY = [name for name in methods("x2") if name != "supervised-kernel"]


def cube(seed: int, shape=(36, 30), k=3, low=0.05, high=0.5) -> np.ndarray:
    """(L, H, W): smooth abundances of k smooth random spectra."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    maps = [np.sin(rows / rng.uniform(2, 6) + columns / rng.uniform(2, 6)) for _ in range(k)]
    weights = np.exp(np.array(maps)) / np.exp(maps).sum(0)
    nodes = rng.uniform(low, high, (k, 7))
    at = np.linspace(0, 6, len(HS))
    spectra = np.array([np.interp(at, np.arange(7), n) for n in nodes])
    return np.einsum("kl,kyx->lyx", spectra, weights).astype(np.float32)


@pytest.fixture(scope="module")
def scene():
    x1 = cube(0)
    x2 = x1.copy()
    x2[:, 10:20, 8:20] = x1[:, 20:30, 15:27]  # content of another place
    return wald(x1, HS, MS, 3, cube_t2=x2)


@pytest.fixture(scope="module")
def unchanged(scene):
    return replace(scene, hrms_t2=scene.hrms_t1, hrhs_t2=scene.hrhs_t1)


def rms(a, b):
    return float(np.sqrt(np.mean((np.asarray(a) - b) ** 2)))


# --- regressors ---------------------------------------------------------------------------------

M = np.random.default_rng(0).uniform(0.1, 0.6, (600, 4))
NEW = np.random.default_rng(1).uniform(0.2, 0.5, (50, 4))
SLOPE = np.random.default_rng(2).normal(size=(4, 3))


@pytest.mark.parametrize(
    "fit",
    [
        regressors.linear,
        regressors.quadratic,
        regressors.cubic,
        regressors.local_linear,
        regressors.kernel_ridge,
    ],
)
def test_every_regressor_finds_a_linear_law(fit):
    np.testing.assert_allclose(fit(M, M @ SLOPE + 1)(NEW), NEW @ SLOPE + 1, atol=0.02)


@pytest.mark.parametrize(
    ("fit", "law"),
    [
        (regressors.quadratic, lambda m: m[:, :1] * m[:, 1:2]),
        (regressors.cubic, lambda m: m[:, :1] ** 2 * m[:, 2:3]),
        (regressors.local_linear, lambda m: np.sin(4 * m[:, :1])),
        (regressors.kernel_ridge, lambda m: np.sin(4 * m[:, :1])),
    ],
)
def test_a_bent_law_needs_the_right_regressor(fit, law):
    straight = np.abs(regressors.linear(M, law(M))(NEW) - law(NEW)).mean()
    assert np.abs(fit(M, law(M))(NEW) - law(NEW)).mean() < 0.5 * straight


def test_far_from_every_pair_the_kernel_falls_back_to_the_straight_line():
    far = np.full((1, 4), 40.0)
    linear, kernel = (f(M, M @ SLOPE) for f in (regressors.linear, regressors.kernel_ridge))
    np.testing.assert_allclose(kernel(far), linear(far), rtol=1e-6)


def test_clipping_allows_one_range_beyond_the_pairs():
    pairs = np.array([[0.0], [2.0]])
    z = np.array([-9.0, -1.0, 3.5, 9.0]).reshape(1, 2, 2)
    np.testing.assert_array_equal(regressors.clipped(z, pairs).ravel(), [-2.0, -1.0, 3.5, 4.0])


# --- methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENE_ONLY)
def test_the_shape_and_the_order_of_strength(scene, name):
    x2 = methods("x2")[name](scene, scene.hrhs_t1)
    assert x2.shape == scene.hrhs_t2.shape and np.isfinite(x2).all()
    if name not in ("copy", "fit-fc-like"):  # no gain of a window tells what was pasted
        # the minimum-norm change spreads into the seen bands only
        share = 0.99 if name == "minimum-norm" else 0.6
        assert rms(x2, scene.hrhs_t2) < share * rms(scene.hrhs_t1, scene.hrhs_t2)


@pytest.mark.parametrize("name", ["copy", "minimum-norm", "injection", "cascade", "blend"])
def test_without_change_the_cascades_keep_x1(unchanged, name):
    x2 = methods("x2")[name](unchanged, unchanged.hrhs_t1)
    assert rms(x2, unchanged.hrhs_t1) < 1e-3


def test_minimum_norm_is_the_smallest_change_that_explains_m2(scene):
    x2 = temporal.minimum_norm(scene, scene.hrhs_t1)
    np.testing.assert_allclose(scene.R.A(x2), scene.hrms_t2, atol=1e-5)
    pixel = (slice(None), 14, 12)
    change = np.linalg.lstsq(
        scene.R.R, (scene.hrms_t2 - scene.hrms_t1)[pixel].astype(float), rcond=None
    )[0]  # LAPACK's minimum-norm solution
    np.testing.assert_allclose((x2 - scene.hrhs_t1)[pixel], change, atol=1e-5)


def test_a_change_of_brightness_is_no_change_of_cover(unchanged):
    brighter = replace(unchanged, hrms_t2=1.2 * unchanged.hrms_t1)
    np.testing.assert_allclose(temporal.cover_distance(brighter), 0, atol=1e-4)
    assert temporal.change_distance(brighter).mean() > 0.1


def test_the_distance_counts_in_units_of_each_bands_spread(unchanged):
    sigma = unchanged.hrms_t1.std(axis=(1, 2))[:, None, None]
    moved = replace(unchanged, hrms_t2=unchanged.hrms_t1 + 0.5 * sigma)
    np.testing.assert_allclose(temporal.change_distance(moved), 0.5, rtol=1e-4)


# --- the control, and the order on the shipped scene --------------------------------------------


def test_the_supervised_control_learns_what_injection_cannot_know(monkeypatch):
    """On a place it was trained on, knowing how spectra move must beat the linear injection."""
    monkeypatch.setattr(supervised, "SEEDS", range(3))
    monkeypatch.setattr(supervised, "LOW_RESOLUTION_SIZE", 20)
    hs, ms = ahsi().select(np.arange(5, 58)), sentinel2("A")
    scene = observe(simulate(0, size=60, split="train"), hs, ms, seed=0)
    learnt = supervised.supervised_kernel(scene, scene.hrhs_t1)
    assert rms(learnt, scene.hrhs_t2) < 0.8 * rms(
        temporal.injection(scene, scene.hrhs_t1), scene.hrhs_t2
    )


def test_the_expected_order_on_the_shipped_scene():
    scene = stsf.load_sample()
    x1 = {name: get_method(name, "x1")(scene) for name in ("local-regression", "gsa", "bicubic")}
    errors = [rms(x, scene.hrhs_t1) for x in x1.values()]
    assert errors == sorted(errors)
    names = ("cascade", "injection", "minimum-norm", "copy")
    errors = [
        rms(get_method(name, "x2")(scene, x1["local-regression"]), scene.hrhs_t2) for name in names
    ]
    assert errors == sorted(errors)
