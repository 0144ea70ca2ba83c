"""Observations of a tiny hand-made world whose every value is known."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from stsf.degradation import Psf, SpatialDegradation, SpectralDegradation, relative_psf
from stsf.errors import InputError
from stsf.sensing.response import srf_matrix
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.world.observation import Imperfections, jitter, observe, wald

HS = ahsi().select(np.arange(3, 60))
MS = sentinel2("A")
AXIS = np.arange(380.0, 1200.0, 5.0)


@dataclass(frozen=True)
class World:
    """Two smooth materials, mixed by a smooth pattern; at t2 the pattern has moved on."""

    shape: tuple[int, int] = (48, 36)

    @property
    def change(self) -> np.ndarray:
        return np.zeros(self.shape, np.uint8)

    def render(self, sensor, date):
        rows, columns = np.mgrid[: 2 * self.shape[0], : 2 * self.shape[1]] / 2.0
        mix = 0.5 + 0.2 * np.sin(rows / 3.1 + date) + 0.2 * np.cos(columns / 2.3)
        mix = mix + 0.1 * (rows > 20.5)  # an edge that no Gaussian calculus gets exactly right
        green = 0.05 + 0.4 / (1 + np.exp(-(AXIS - 715) / 12))  # a red edge
        soil = 0.1 + 0.25 * (AXIS - 380) / 800
        spectra = sensor.response(AXIS) @ np.stack([green, soil], axis=1)  # (L, 2)
        cube = spectra[:, 0, None, None] * mix + spectra[:, 1, None, None] * (1 - mix)
        return cube.astype(np.float32)


QUIET = {"snr_hs": 200.0, "snr_ms": 200.0}


def test_the_model_explains_what_was_rendered_but_not_to_the_last_digit():
    scene = observe(World(), HS, MS, 3, **QUIET)
    for seen, explained in (
        (scene.lrhs_t1, scene.D.A(scene.hrhs_t1)),
        (scene.hrms_t1, scene.R.A(scene.hrhs_t1)),
        (scene.hrms_t2, scene.R.A(scene.hrhs_t2)),
    ):
        gap = np.abs(seen - explained).max()
        assert 1e-6 < gap < 0.01  # above zero: no inverse crime


def test_the_same_seed_gives_the_same_scene():
    first, again, other = (observe(World(), HS, MS, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.lrhs_t1, again.lrhs_t1)
    assert not np.array_equal(first.lrhs_t1, other.lrhs_t1)
    assert np.array_equal(first.hrhs_t2, other.hrhs_t2)


def test_a_shifted_hs_image_is_the_model_with_that_shift():
    shifted = observe(World(), HS, MS, imperfections=Imperfections(shift_hs=(0.7, -0.4)), **QUIET)
    psf = tuple(replace(p, shift_y=0.7, shift_x=-0.4) for p in relative_psf(HS, MS, 3))
    inside = (slice(None), slice(2, -2), slice(2, -2))

    def gap(scene):
        return np.abs((scene.lrhs_t1 - scene.D.A(scene.hrhs_t1))[inside]).max()

    assert gap(replace(shifted, psf=psf)) < 0.1 * gap(shifted)


def test_a_shifted_m1_samples_the_scene_farther_down_and_right():
    still, moved = (
        observe(World(), HS, MS, imperfections=Imperfections(shift_ms1=s), **QUIET)
        for s in ((0.0, 0.0), (1.0, 2.0))
    )
    np.testing.assert_allclose(
        moved.hrms_t1[:, 4:-5, 4:-6], still.hrms_t1[:, 5:-4, 6:-4], atol=1e-5
    )
    assert np.array_equal(moved.hrms_t2, still.hrms_t2)


def test_gains_and_offsets_apply_to_the_ms_alone():
    gain, offset = np.array([1.05, 0.95, 1.0, 1.02]), np.array([0.003, 0.0, -0.003, 0.0])
    plain = observe(World(), HS, MS, **QUIET)
    wrong = Imperfections(gain_ms=gain, gain_t2=1.01, offset_ms=offset)
    other = observe(World(), HS, MS, imperfections=wrong, **QUIET)
    g, o = gain[:, None, None], offset[:, None, None]
    np.testing.assert_allclose(other.hrms_t1, g * plain.hrms_t1 + o, atol=1e-5)
    np.testing.assert_allclose(other.hrms_t2, 1.01 * g * plain.hrms_t2 + o, atol=1e-5)
    assert np.array_equal(other.lrhs_t1, plain.lrhs_t1)


def test_stripes_are_constant_along_a_column():
    plain = observe(World(), HS, MS, **QUIET)
    striped = observe(World(), HS, MS, imperfections=Imperfections(striping=0.01), **QUIET)
    stripes = striped.lrhs_t1 - plain.lrhs_t1
    np.testing.assert_allclose(stripes, stripes[:, :1].repeat(16, axis=1), atol=1e-5)
    assert stripes[:, 0].std() == pytest.approx(0.01, rel=0.1)


def test_patches_that_changed_between_y1_and_m1_are_in_y1_alone():
    plain = observe(World(), HS, MS, **QUIET)
    other = observe(World(), HS, MS, imperfections=Imperfections(changed=0.02), **QUIET)
    touched = np.abs(other.lrhs_t1 - plain.lrhs_t1).max(0) > 1e-4
    assert 0.01 < touched.mean() < 0.3
    assert np.array_equal(other.hrms_t1, plain.hrms_t1)
    assert np.array_equal(other.hrhs_t1, plain.hrhs_t1)


def test_a_jittered_response_moves_and_widens():
    axis = np.arange(400.0, 1000.0)
    moved = jitter(MS, np.array([2.0, 0, 0, 0]), np.array([1, 1.05, 1, 1])).response(axis)
    plain = MS.response(axis)
    centroid = moved @ axis - plain @ axis
    spread = [np.sqrt(r @ axis**2 - (r @ axis) ** 2) for r in (moved[1], plain[1])]
    assert centroid[0] == pytest.approx(2.0, abs=0.1)
    assert centroid[2] == pytest.approx(0.0, abs=1e-9)
    assert spread[0] / spread[1] == pytest.approx(1.05, abs=0.01)
    assert jitter(HS, 1.0, 1.1).centre[0] == HS.centre[0] + 1.0


def test_a_draw_stays_within_its_stated_ranges_and_repeats():
    draws = [Imperfections.draw(seed, HS, MS) for seed in range(20)]
    again = Imperfections.draw(7, HS, MS)
    assert draws[7].psf == again.psf and np.array_equal(draws[7].gain_ms, again.gain_ms)
    for draw in draws:
        assert max(map(abs, draw.shift_hs)) <= 2 and max(map(abs, draw.shift_ms1)) <= 1
        assert 0 <= draw.changed <= 0.02 and 0.99 <= draw.gain_t2 <= 1.01
        vnir, swir = draw.psf
        assert 0.2 <= np.sqrt(swir.sigma_y**2 - vnir.sigma_y**2) <= 0.8
    assert np.std([d.shift_hs[0] for d in draws]) > 0.5


def test_wald_is_the_model_itself():
    cube = np.random.default_rng(0).uniform(0.1, 0.5, (len(HS), 31, 32)).astype(np.float32)
    scene = wald(cube, HS, MS, 3, psf=Psf(1.2, 1.4))
    assert scene.hrhs_t1.shape == (len(HS), 30, 30)
    y1 = SpatialDegradation((30, 30), 3, Psf(1.2, 1.4)).A(cube[:, :30, :30])
    m1 = SpectralDegradation(srf_matrix(HS, MS)[0]).A(cube[:, :30, :30])
    np.testing.assert_allclose(scene.lrhs_t1, y1, atol=1e-6)
    np.testing.assert_allclose(scene.hrms_t1, m1, atol=1e-6)
    assert np.array_equal(scene.hrms_t2, scene.hrms_t1)
    noisy = wald(cube, HS, MS, 3, snr_hs=20.0, snr_ms=20.0, psf=Psf(1.2, 1.4))
    noise = noisy.lrhs_t1 - scene.lrhs_t1
    assert noise.std() == pytest.approx(np.sqrt((y1**2).mean()) / 10, rel=0.05)


def test_wald_carries_a_second_date():
    t1, t2 = np.random.default_rng(1).uniform(0.1, 0.5, (2, len(HS), 12, 12))
    scene = wald(t1, HS, MS, 3, cube_t2=t2)
    np.testing.assert_allclose(scene.hrms_t2, scene.R.A(t2), atol=1e-5)


def test_a_landscape_that_does_not_fit_the_ratio_is_refused():
    with pytest.raises(InputError, match="multiple of the ratio 5"):
        observe(World(), HS, MS, 5)
