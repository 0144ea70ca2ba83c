"""The effective response: what was built in is found, and what left-out pixels do not want stays.

Scenes are made by the formula: M = gain · (R X) + offset, with an R that the tables do not know.
"""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

import stsf
from stsf.alignment.align import align
from stsf.alignment.coverage import LEAST, covered_bands, select_ms
from stsf.alignment.pairs import STRENGTHS, Fit, Moments, Pairs
from stsf.alignment.response_fit import effective_response
from stsf.degradation import SpectralDegradation
from stsf.errors import Doubt, InputError
from stsf.files.scenes import open_scene, write_scene
from stsf.metrics.figures import psnr
from stsf.scene import Scene
from stsf.sensing.response import srf_matrix
from stsf.sensing.sensors import S2_10, sentinel2
from stsf.world.observation import jitter, wald

SHIFT = np.array([4.0, -4.0, 4.0, -4.0])  # nm
WIDTH = np.array([0.9, 1.1, 1.1, 0.9])
GAIN = np.array([1.05, 0.95, 0.97, 1.04])
OFFSET = np.array([0.01, -0.01, 0.005, -0.008])  # reflectance


def seen(scene: Scene, ms=None, seed: int = 0, **options) -> Scene:
    """The sample seen anew through its own formula, with noise."""
    options = {"snr_hs": 35.0, "snr_ms": 40.0} | options
    return wald(
        scene.truth(1),
        scene.hs,
        ms or scene.ms,
        3,
        cube_t2=scene.truth(2),
        psf=scene.psf,
        seed=seed,
        **options,
    )


def scaled(scene: Scene, gain, offset=0.0) -> Scene:
    gain, offset = (np.reshape(np.float32(v), (-1, 1, 1)) for v in (gain, offset))
    m1, m2 = (gain * m + offset for m in (scene.hrms_t1, scene.hrms_t2))
    return replace(scene, hrms_t1=m1, hrms_t2=m2)


@pytest.fixture(scope="module")
def exact(scene: Scene) -> Scene:
    return seen(scene)


@pytest.fixture(scope="module")
def wrong(scene: Scene) -> Scene:
    """Centres, widths, gains and offsets that the scene's tables do not know."""
    return replace(scaled(seen(scene, jitter(scene.ms, SHIFT, WIDTH)), GAIN, OFFSET), ms=scene.ms)


def test_an_exact_scene_stays_as_it_is(scene: Scene, exact: Scene) -> None:
    mended, found = effective_response(exact)
    assert not any(band.applied for band in found.bands)
    assert np.array_equal(mended.hrms_t1, exact.hrms_t1) and mended.response is None
    for band in found.bands:
        assert abs(band.gain - 1) < max(4 * band.sigma, 0.003) and band.predicted > 0.99
    assert len(found.summary()) == 4 and all("left as delivered" in s for s in found.summary())


@pytest.mark.parametrize("seed", range(1, 4))
def test_noise_alone_mends_nothing(seed: int, scene: Scene) -> None:
    """What a ridge learns of noise does not hold in left-out pixels."""
    noisy = seen(scene.crop(slice(0, 24), slice(0, 24)), seed=seed, snr_hs=25.0, snr_ms=30.0)
    assert not any(band.applied for band in effective_response(noisy)[1].bands)


def test_a_response_that_the_tables_do_not_know_is_found(scene: Scene, wrong: Scene) -> None:
    """At both dates: the shape goes into R, gain and offset out of the images."""
    mended, found = effective_response(wrong)
    true = srf_matrix(scene.hs, jitter(scene.ms, SHIFT, WIDTH))[0]
    for x, m in ((scene.truth(1), mended.hrms_t1), (scene.truth(2), mended.hrms_t2)):
        left = [
            float(np.sqrt(np.mean((R.A(x) - m) ** 2)))
            for R in (wrong.R, SpectralDegradation(true), mended.R)
        ]
        assert left[2] < 0.0025 < left[0]
    assert mended.response is not None and mended.response.shape == wrong.R.R.shape
    for band in found.bands:
        assert band.applied and band.after < 0.5 * band.before and not band.other_units
        assert f"MS band {band.band} against the HS at t1: gain" in str(band)


@pytest.mark.parametrize(
    ("gain", "offset"),
    [(1e-4, 0.0), (1.0, 0.4), ((0.5, 2.0, 0.7, 1.5), 0.0), (0.3, (0.1, -0.05, 0.2, 0.4))],
)
def test_other_units_are_found_and_said(gain, offset, exact: Scene) -> None:
    mended, found = effective_response(scaled(exact, gain, offset))
    gain, offset = (np.broadcast_to(v, 4) for v in (gain, offset))
    assert [band.gain for band in found.bands] == pytest.approx(gain, rel=0.004)
    np.testing.assert_allclose([b.offset for b in found.bands], offset, atol=0.002 * gain.max())
    assert all(band.answer == "gain and offset" for band in found.bands)
    np.testing.assert_allclose(mended.hrms_t1, exact.hrms_t1, atol=0.003)
    np.testing.assert_allclose(mended.hrms_t2, exact.hrms_t2, atol=0.003)
    assert "other units than the HS (bands B2, B3, B4, B8)" in found.summary()[-1]


def test_the_product_does_not_depend_on_the_units(view: Scene) -> None:
    truth, other = view.truth(2), scaled(view, (0.5, 2.0, 0.7, 1.5), 0.1)
    for method in ("projection", "dcstsf"):
        plain, mended = (stsf.fuse(s, method) for s in (view, other))
        assert psnr(mended.hrhs_t2, truth) == pytest.approx(psnr(plain.hrhs_t2, truth), abs=0.1)
        assert any("in other units than the HS" in line for line in mended.report["found"])
    with pytest.raises(InputError, match="in the units of the HS"):
        stsf.fuse(scaled(view, 1e-4), "projection", calibrate="none")


def test_a_gain_between_the_dates_is_left_alone(exact: Scene) -> None:
    brighter = replace(exact, hrms_t2=1.07 * exact.hrms_t2)
    mended, _ = effective_response(scaled(brighter, 0.8))
    ratio = np.median(mended.hrms_t2 / exact.hrms_t2, axis=(1, 2))
    assert ratio == pytest.approx([1.07] * 4, abs=0.004)


def test_ground_that_changed_between_the_overpasses_does_not_count(exact: Scene) -> None:
    patch = scaled(exact, 1.05)
    patch.hrms_t1[:, 20:50, 30:60] = patch.hrms_t1[:, 100:130, 130:160]  # 3 % of the scene
    gains = [band.gain for band in effective_response(patch)[1].bands]
    assert gains == pytest.approx([1.05] * 4, abs=0.01)


def test_images_that_have_nothing_in_common_are_not_fitted(exact: Scene) -> None:
    turned = replace(exact, hrms_t1=exact.hrms_t1[:, ::-1], hrms_t2=exact.hrms_t2[:, ::-1])
    with pytest.warns(Doubt, match="the HS tells little of the MS bands B2, B3, B4, B8"):
        _, found = effective_response(turned)
    assert not any(band.applied for band in found.bands)


def test_too_few_pixels_to_ask(exact: Scene) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small = scaled(exact.crop(slice(0, 6), slice(0, 6)), 0.5)
        mended, found = effective_response(small)
    assert np.array_equal(mended.hrms_t1, small.hrms_t1)
    assert all("too few HS pixels" in line for line in found.summary())
    assert json.dumps(found.as_dict(), allow_nan=False)


def test_what_was_found_serves_every_part_of_the_scene(wrong: Scene) -> None:
    rows, columns = slice(5, 25), slice(30, 50)
    mended, found = effective_response(wrong)
    part = found.apply(wrong.crop(rows, columns))
    np.testing.assert_array_equal(part.hrms_t2, mended.crop(rows, columns).hrms_t2)
    np.testing.assert_array_equal(part.R.R, mended.R.R)


@pytest.fixture(scope="module")
def short(scene: Scene) -> Scene:
    """Ten MS bands, and an HS that ends in the middle of the last."""
    ten = seen(scene, sentinel2("A", S2_10))
    here = np.flatnonzero(scene.hs.centre < 2240)  # B12 reaches from about 2080 to 2320 nm
    return replace(
        ten,
        hs=ten.hs.select(here),
        lrhs_t1=ten.lrhs_t1[here],
        hrhs_t1=ten.truth(1)[here],
        hrhs_t2=ten.truth(2)[here],
    )


def test_a_band_covered_in_part_is_used_where_the_scene_knows_it(short: Scene) -> None:
    ready = covered_bands(short, LEAST)
    mended, found = effective_response(ready)
    assert mended.ms.band_names == short.ms.band_names
    assert found.bands[-1].predicted > 0.95
    missed = mended.R.A(short.truth(2))[-1] - mended.hrms_t2[-1]
    assert np.sqrt(np.mean(missed**2)) < 0.1 * np.std(mended.hrms_t2[-1])


def test_and_left_out_where_it_does_not(short: Scene) -> None:
    blank = short.hrms_t1.copy()
    blank[-1] = np.random.default_rng(0).uniform(0.1, 0.3, blank[-1].shape)
    with pytest.warns(Doubt, match="covers too little are left out: B12"):
        mended, found = effective_response(covered_bands(replace(short, hrms_t1=blank), LEAST))
    assert mended.ms.band_names == short.ms.band_names[:-1] and len(found.bands) == 9
    with pytest.warns(Doubt, match="covers too little are left out: B12"):
        assert covered_bands(short).ms.band_names == short.ms.band_names[:-1]


def test_alignment_tells_both_parts(wrong: Scene) -> None:
    mended, found = align(wrong)
    assert set(found.as_dict()) == {"displacement", "registration", "response"}
    assert len(found.summary()) == 3 + 4 and mended.response is not None


def test_a_mended_scene_is_written_and_read(wrong: Scene, tmp_path) -> None:
    part = effective_response(wrong)[0].crop(slice(0, 12), slice(0, 12))
    again = open_scene(write_scene(replace(part, change=None), tmp_path / "scene"))
    np.testing.assert_array_equal(again.R.R, part.R.R)
    with pytest.raises(InputError, match=r"response must be \(MS bands, HS bands\)"):
        replace(part, response=part.R.R[:2])
    assert select_ms(part, np.array([True, False, True, False])).R.R.shape[0] == 2


def test_ridge_is_the_answer_of_its_equations() -> None:
    """Against the normal equations of Σ (m - w·y - o)² / n + λ |(w - w₀) / f|², solved as such."""
    rng = np.random.default_rng(1)
    y, m = rng.normal(size=(80, 6)), rng.normal(size=(80, 1))
    pairs = Pairs(y, m, np.zeros(80, int), rng.uniform(0.1, 1, 80), np.linalg.qr(y.T @ y)[0])
    start, freedom = Fit(rng.normal(size=6), 0.0, 1.0), rng.uniform(0.2, 1, 6)
    share = pairs.weight / pairs.weight.sum()
    apart = (y - share @ y) * np.sqrt(share)[:, None]
    rest = (m[:, 0] - y @ start.weights) * np.sqrt(share)
    rest -= np.sqrt(share) * (np.sqrt(share) @ rest)
    largest = np.linalg.eigvalsh(freedom[:, None] * (apart.T @ apart) * freedom)[-1]
    for strength, fit in zip(STRENGTHS, Moments.of(pairs).ridge(0, start, freedom), strict=True):
        A = apart.T @ apart + strength * largest * np.diag(freedom**-2)
        expected = start.weights + np.linalg.solve(A, apart.T @ rest)
        np.testing.assert_allclose(fit.weights, expected, rtol=1e-6, atol=1e-9)
        assert fit.offset == pytest.approx(share @ (m[:, 0] - y @ expected))


def test_sigma_of_a_gain_by_leaving_blocks_out_one_by_one() -> None:
    rng = np.random.default_rng(2)
    y, block = rng.normal(size=(90, 1)), np.repeat([3, 5, 8], 30)
    m, weight = 2 * y + rng.normal(0, 0.1, (90, 1)), rng.uniform(0.5, 1, 90)
    pairs = Pairs(y, m, block, weight, np.eye(1))
    gains = [
        np.polyfit(y[block != b, 0], m[block != b, 0], 1, w=np.sqrt(weight[block != b]))[0]
        for b in (3, 5, 8)
    ]
    assert pairs.sigma_of_gain(0, np.ones(1)) == pytest.approx(np.sqrt(2 * np.var(gains)))
