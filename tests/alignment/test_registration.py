"""Registration against images whose shift and blur are known from their formula.

The waves below are sampled, shifted and blurred with pencil and paper: a shift moves their phase,
a Gaussian of width σ multiplies a wave of frequency f by exp(-2π²σ²f²). Nothing of the code under
test makes its own test data.
"""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from stsf.alignment import registration
from stsf.alignment.phase_correlation import phase_shift, shift_image
from stsf.alignment.psf_fit import fit_psf
from stsf.alignment.registration import register, register_dates, register_hs_ms
from stsf.degradation import Psf
from stsf.errors import InputError
from stsf.scene import Scene
from stsf.sensing.sensors import S2_10, ahsi, sentinel2
from stsf.world.observation import Imperfections, observe
from stsf.world.simulation import simulate

needs_data = pytest.mark.skipif(
    "STSF_DATA" not in os.environ, reason="needs real data: set STSF_DATA to a folder that holds it"
)


class Waves:
    """A sum of plane waves, all below 0.4 cycles/px, stronger the longer they are."""

    def __init__(self, seed: int, count: int = 300) -> None:
        rng = np.random.default_rng(seed)
        f = np.exp(rng.uniform(np.log(0.01), np.log(0.4), count))
        angle = rng.uniform(0, np.pi, count)
        self.fy, self.fx = f * np.sin(angle), f * np.cos(angle)
        self.phase = rng.uniform(0, 2 * np.pi, count)
        self.amplitude = 0.004 * (0.1 / f) ** 0.3

    def at(self, y: np.ndarray, x: np.ndarray, sigma: tuple[float, float] = (0, 0)) -> np.ndarray:
        """(y, x) image at these positions through a Gaussian of these widths; mean 0.3."""
        weight = np.exp(-2 * np.pi**2 * ((sigma[0] * self.fy) ** 2 + (sigma[1] * self.fx) ** 2))
        rows = np.exp(2j * np.pi * np.outer(y, self.fy))
        columns = np.exp(2j * np.pi * np.outer(self.fx, x) + 1j * self.phase[:, None])
        return 0.3 + ((rows * self.amplitude * weight) @ columns).real


def grid(size: int, shift: tuple[float, float] = (0, 0)) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(size) + shift[0], np.arange(size) + shift[1]


def samples(size: int, shift: tuple[float, float], ratio: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Where LR pixels lie: at the centre of their block, plus the shift."""
    centre = ratio * np.arange(size // ratio) + (ratio - 1) / 2
    return centre + shift[0], centre + shift[1]


def wave_scene(
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    widths: tuple[tuple[float, float], ...] = ((1.5, 1.5), (1.5, 1.5)),
    dates: tuple[float, float] = (0.0, 0.0),
    bands: tuple[str, ...] = S2_10,
    size: int = 150,
    noise: float = 1e-4,
    seed: int = 0,
) -> Scene:
    """M2 on the grid, M1 displaced by `dates`, Y1 by `shift`, each detector with its own width.

    One wave field per detector, so that the SWIR cannot lean on the VNIR; each MS band with a
    gain and an offset of its own.
    """
    rng = np.random.default_rng(seed)
    hs, ms = ahsi().select(np.arange(5, 160)), sentinel2("A", bands)
    lie = [Waves(seed), Waves(seed + 100)]
    brightness = rng.uniform(0.5, 1.2, len(hs))
    coarse = np.stack([field.at(*samples(size, shift), w) for field, w in zip(lie, widths)])
    y1 = brightness[:, None, None] * coarse[hs.detector]
    gain, offset = rng.uniform(0.6, 1.2, len(ms)), rng.uniform(-0.01, 0.01, len(ms))

    def look(displaced: tuple[float, float]) -> np.ndarray:
        views = [field.at(*grid(size, displaced)) for field in lie]
        image = [g * views[k] + o for g, o, k in zip(gain, offset, ms.detector)]
        return np.stack(image) + noise * rng.standard_normal((len(ms), size, size))

    y1 = y1 + noise * rng.standard_normal(y1.shape)
    away = (-dates[0], -dates[1])  # M1(y + dy) = M2(y): M1 shows at y what M2 shows at y - dy
    return Scene(y1, look(away), look((0.0, 0.0)), hs, ms)


def test_shift_image_looks_further_down_and_right() -> None:
    image = np.arange(12.0).reshape(1, 3, 4)
    assert shift_image(image, 1, 0)[0, 0] == pytest.approx(image[0, 1], abs=1e-3)
    assert shift_image(image, 0, 1)[0, :, 0] == pytest.approx(image[0, :, 1], abs=1e-3)
    field = Waves(0)
    moved = shift_image(field.at(*grid(60))[None], 0.3, -0.6)[0]
    assert moved[8:-8, 8:-8] == pytest.approx(
        field.at(*grid(60, (0.3, -0.6)))[8:-8, 8:-8], abs=5e-3
    )


def test_a_shifted_mask_knows_nothing_of_what_lies_outside_or_beside_a_gap() -> None:
    mask = np.ones((1, 5, 6), bool)
    mask[0, 2, 2] = False
    moved = shift_image(mask, 1.0, -0.5)[0]
    expected = np.ones((5, 6), bool)
    expected[-1] = False  # looks below the last row
    expected[:, 0] = False  # looks left of the first column
    expected[1, 2:4] = False  # half of each comes from the gap
    assert np.array_equal(moved, expected)


@pytest.mark.parametrize("shift", [(0.37, -0.21), (-2.6, 1.4), (14.7, -14.2)])
def test_dates_are_found_with_their_sign(shift: tuple[float, float]) -> None:
    field, rng = Waves(1), np.random.default_rng(2)
    m2 = field.at(*grid(120))[None] + 0.001 * rng.standard_normal((1, 120, 120))
    m1 = 0.8 * field.at(*grid(120, (-shift[0], -shift[1])))[None] + 0.02
    dy, dx = register_dates(m1, m2)
    assert (dy.value, dx.value) == pytest.approx(shift, abs=0.05)
    assert dy.told and dx.told and 0.015 <= dy.sigma < 0.05  # no scatter is no proof of no error


def test_dates_survive_a_quarter_of_the_land_changing() -> None:
    rng = np.random.default_rng(3)
    m1 = Waves(4).at(*grid(160, (-0.4, 0.7)))
    m2, other = Waves(4).at(*grid(160)), 0.3 - 2 * (Waves(5).at(*grid(160)) - 0.3)
    changed = np.kron(rng.uniform(size=(8, 8)) < 0.25, np.ones((20, 20), bool))
    m2[changed] = other[changed]
    assert changed.mean() > 0.2
    dy, dx = register_dates(m1[None], m2[None])
    assert (dy.value, dx.value) == pytest.approx((0.4, -0.7), abs=0.06)


def test_a_gap_in_both_dates_does_not_pin_the_shift_to_zero() -> None:
    m1, m2 = Waves(6).at(*grid(90, (-1.3, 2.2)))[None], Waves(6).at(*grid(90))[None]
    valid = np.ones((90, 90), bool)
    valid[20:60, 30:70] = False
    m1[:, ~valid] = m2[:, ~valid] = np.random.default_rng(0).uniform(size=(~valid).sum())
    assert phase_shift(m1, m2)[0] == pytest.approx((0, 0), abs=0.3)  # what fills the gap wins
    assert phase_shift(m1, m2, valid)[0] == pytest.approx((1.3, -2.2), abs=0.1)


@pytest.mark.parametrize("kind", ["flat", "ramp", "stripes", "another place", "constant"])
def test_dates_that_cannot_be_told(kind: str) -> None:
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:120, :120] / 120
    land = {"flat": 0.0 * y, "ramp": 0.2 * x + 0.1 * y, "stripes": 0.05 * np.sin(40 * x)}
    scenes = [land.get(kind, 0.0 * y) + 3e-4 * rng.standard_normal((4, 120, 120)) for _ in range(2)]
    if kind == "another place":
        scenes = [Waves(8 + k).at(*grid(120))[None] for k in range(2)]
    if kind == "constant":
        scenes = [np.full((1, 120, 120), 0.2)] * 2
    for estimate in register_dates(*scenes):
        assert not estimate.told and estimate.value == 0.0 and np.isnan(estimate.sigma)


def test_dates_of_unequal_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"one grid, got \(1, 4, 4\) and \(1, 4, 5\): warp M1"):
        register_dates(np.zeros((1, 4, 4)), np.zeros((1, 4, 5)))


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.25, -0.4), (14.6, -14.8)])
def test_each_detector_gets_its_shift_and_widths(shift: tuple[float, float]) -> None:
    widths = ((1.3, 1.6), (1.7, 2.0))
    fits = register_hs_ms(wave_scene(shift=shift, widths=widths))
    for fit, width in zip(fits, widths, strict=True):
        assert fit.told and fit.reason == ""
        assert (fit.shift_y.value, fit.shift_x.value) == pytest.approx(shift, abs=0.005)
        assert (fit.sigma_y.value, fit.sigma_x.value) == pytest.approx(width, rel=0.005)
        assert fit.psf == Psf(
            fit.sigma_y.value, fit.sigma_x.value, fit.shift_y.value, fit.shift_x.value
        )
    assert [fit.detector for fit in fits] == ["VNIR", "SWIR"]


def test_a_detector_without_ms_bands_borrows_and_says_so() -> None:
    scene = wave_scene(shift=(0.6, -0.3), widths=((1.7, 1.6), (1.7, 1.6)), bands=("B3", "B4"))
    vnir, swir = register_hs_ms(scene)
    assert vnir.told and not swir.told
    assert swir.psf.sigma_y == pytest.approx(vnir.psf.sigma_y)
    assert swir.psf.shift_x == vnir.psf.shift_x
    assert swir.reason == "No MS band falls on this detector: shift and width of the VNIR."
    blurrier = tuple(replace(p, sigma_y=p.sigma_y + d) for p, d in zip(scene.psf, (0.0, 0.5)))
    swir = register_hs_ms(replace(scene, psf=blurrier))[1]
    more = blurrier[1].sigma_y ** 2 - blurrier[0].sigma_y ** 2  # variances add, widths do not
    assert swir.sigma_y.value == pytest.approx(np.sqrt(vnir.sigma_y.value**2 + more), rel=1e-3)
    assert swir.sigma_x.value == pytest.approx(vnir.sigma_x.value, rel=1e-3)
    assert "nominal difference" in swir.reason
    alone = scene.hs.detector == 0
    no_swir = replace(scene, lrhs_t1=scene.lrhs_t1[alone], hs=scene.hs.select(alone))
    assert register_hs_ms(no_swir)[1].reason.startswith("Y1 has no band of this detector")


def test_a_flat_scene_keeps_what_it_came_with() -> None:
    scene = wave_scene(size=90)
    rng = np.random.default_rng(9)
    flat = {
        key: 0.2 + 0.002 * rng.standard_normal(getattr(scene, key).shape)
        for key in ("lrhs_t1", "hrms_t1", "hrms_t2")
    }
    psf = (Psf(1.4, 1.5, 0.2, -0.1), Psf(1.6, 1.7))
    flat_scene = replace(scene, **flat, psf=psf)
    out, found = register(flat_scene)
    assert out.psf == psf and out.hrms_t1 is flat_scene.hrms_t1 and found.applied == (0.0, 0.0)
    assert "cannot be told" in found.summary()[0]
    assert "match at no shift up to 15 px: nominal values kept" in found.summary()[1]
    assert "(kept)" in found.summary()[1]


def test_waves_along_one_axis_tell_that_axis_only() -> None:
    size, frequencies = 120, np.array([0.03, 0.07, 0.12])
    wave = 2 * np.pi * frequencies[:, None]
    blur = np.exp(-2 * np.pi**2 * 1.6**2 * frequencies**2)[:, None]
    sharp = np.cos(wave * np.arange(size)).sum(axis=0)
    coarse = (blur * np.cos(wave * (3 * np.arange(40) + 1 + 0.35))).sum(axis=0)
    rng = np.random.default_rng(10)
    m = 0.3 + 0.02 * np.tile(sharp, (size, 1)) + 1e-4 * rng.standard_normal((1, size, size))
    y = 0.3 + 0.02 * np.tile(coarse, (40, 1)) + 1e-4 * rng.standard_normal((1, 40, 40))
    good = np.zeros((40, 40), bool)
    good[4:-4, 4:-4] = True
    psf, sigma = fit_psf(y, m, 3, Psf(1.48, 1.48), good, noise=1e-4)
    assert (psf.shift_x, psf.sigma_x) == pytest.approx((0.35, 1.6), abs=0.01)
    assert sigma[1] < 0.01 and sigma[0] > 0.5  # shift: x known, y not
    assert sigma[3] < 0.02 and sigma[2] > 0.15  # width likewise


def test_one_wavelength_tells_no_width_from_noise() -> None:
    """Blur and gain are one and the same to a single wave; only the noise prefers a width."""
    y, x = np.mgrid[:120, :120] / 120
    rng = np.random.default_rng(13)
    wave = 0.2 + 0.1 * np.sin(4 * x) * np.cos(5 * y)
    m = wave + 0.001 * rng.standard_normal((4, 120, 120))
    coarse = wave[1::3, 1::3] + 1e-4 * rng.standard_normal((4, 40, 40))
    good = np.zeros((40, 40), bool)
    good[4:-4, 4:-4] = True
    psf, sigma = fit_psf(coarse, m, 3, Psf(1.48, 1.48), good, noise=0.001)
    assert np.all(sigma[2:] > 0.1 * psf.sigma_y)  # so the width counts as not told
    assert np.all(sigma[:2] < 0.25) and abs(psf.shift_x) < 0.1  # but the place is known


def test_changed_pixels_get_no_weight() -> None:
    scene = wave_scene(shift=(0.8, 0.5), bands=("B4", "B8"))
    y1 = scene.lrhs_t1.copy()
    y1[:, 12:19, 30:37] = 0.45  # 2 % of the scene, far brighter
    fit = register_hs_ms(replace(scene, lrhs_t1=y1))[0]
    assert (fit.shift_y.value, fit.shift_x.value) == pytest.approx((0.8, 0.5), abs=0.005)
    assert fit.sigma_y.value == pytest.approx(1.5, rel=0.005)


def test_stated_errors_are_the_errors_made() -> None:
    """Over 30 draws of noise and patches the deviations, in stated sigmas, have RMS near 1."""
    truth, size = np.array([0.4, -0.3, 1.5, 1.3]), 90
    field, good = Waves(11), np.zeros((30, 30), bool)
    good[3:-3, 3:-3] = True
    sharp, coarse = field.at(*grid(size)), field.at(*samples(size, (0.4, -0.3)), (1.5, 1.3))
    scores = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        y = coarse + 0.003 * rng.standard_normal((2, 30, 30))
        tilt = 0.004 * np.kron(rng.standard_normal((2, 10, 10)), np.ones((3, 3)))  # hangs together
        m = sharp + 0.002 * rng.standard_normal((2, size, size))
        psf, sigma = fit_psf(y + tilt, m, 3, Psf(1.48, 1.48), good, noise=0.002)
        found = np.array([psf.shift_y, psf.shift_x, psf.sigma_y, psf.sigma_x])
        scores.append((found - truth) / sigma)
    rms = np.sqrt(np.mean(np.square(scores), axis=0))
    assert np.all((rms > 0.6) & (rms < 1.6)), rms


def test_register_resamples_m1_and_marks_what_came_from_outside() -> None:
    scene = wave_scene(shift=(0.5, -1.0), dates=(-1.4, 0.02), bands=("B3", "B4"))
    out, found = register(scene)
    assert (found.ms[0].value, found.ms[1].value) == pytest.approx((-1.4, 0.02), abs=0.03)
    assert found.applied == (found.ms[0].value, 0.0)  # 0.02 px is not worth a resampling
    assert not out.valid_hr[:2].any() and out.valid_hr[2:].all()
    inside = np.s_[:, 8:-8, 8:-8]
    before = np.abs(scene.hrms_t1 - scene.hrms_t2)[inside].mean()
    assert np.abs(out.hrms_t1 - out.hrms_t2)[inside].mean() < 0.1 * before
    vnir = out.psf[0]  # Y1 is displaced against M2, and M1 now lies on it
    assert (vnir.shift_y, vnir.shift_x) == pytest.approx((0.5, -1.0 + 0.02), abs=0.04)
    assert "M1 was resampled by (-1.3" in found.summary()[0]


def test_the_report_is_plain_json() -> None:
    found = register(wave_scene(bands=("B3", "B4"), size=90))[1].as_dict()
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again["ms_applied"] == [0.0, 0.0]
    assert again["hs"][1]["sigma_y"]["sigma"] is None
    assert again["hs"][0]["shift_y"]["told"] is True


def test_pixels_without_data_are_left_out() -> None:
    scene = wave_scene(shift=(0.7, 0.2), dates=(3.4, 0.5), bands=("B4", "B8"))
    m1, y1 = scene.hrms_t1.copy(), scene.lrhs_t1.copy()
    m1[:, :50, :60], y1[:, 35:, 30:] = np.nan, np.nan
    m2 = scene.hrms_t2.copy()
    m2[:, 80:85, 90:95] = np.nan
    codes = np.zeros((3, 150, 150), np.uint8)
    codes[1, :50, :60], codes[2, 80:85, 90:95] = 4, 6
    out, found = register(replace(scene, hrms_t1=m1, hrms_t2=m2, lrhs_t1=y1, quality=codes))
    # M1 moves up by 3.4 and left by 0.5, its gap with it; the gap of M2 stays
    first, second = np.zeros((2, 150, 150), bool)
    first[:47, :60] = first[-4:] = first[:, -1:] = second[80:85, 90:95] = True
    np.testing.assert_array_equal(~out.valid_ms, [first, second])
    np.testing.assert_array_equal(~out.valid_hr, first | second)
    reasons = np.where(first, 4, 0)
    reasons[-4:] = reasons[:, -1:] = 1
    np.testing.assert_array_equal(out.quality, [codes[0], reasons, codes[2]])
    assert (found.ms[0].value, found.ms[1].value) == pytest.approx((3.4, 0.5), abs=0.05)
    assert found.hs[0].sigma_y.value == pytest.approx(1.5, rel=0.01)


def test_of_a_large_scene_the_middle_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = wave_scene(shift=(0.7, 0.2), bands=("B4", "B8"))
    m1 = scene.hrms_t1.copy()
    m1[:, :20] = m1[:, :20, ::-1]  # misleading, but outside the window
    monkeypatch.setattr(registration, "LARGEST", 36)
    fit = register_hs_ms(replace(scene, hrms_t1=m1))[0]
    assert (fit.shift_y.value, fit.shift_x.value) == pytest.approx((0.7, 0.2), abs=0.01)


@pytest.mark.parametrize("ratio", [2, 4, 5])
def test_other_ratios(ratio: int) -> None:
    size, shift, width = 30 * ratio, (0.9, -0.6), 0.5 * ratio
    field, good = Waves(12), np.zeros((30, 30), bool)
    good[4:-4, 4:-4] = True
    y = field.at(*samples(size, shift, ratio), (width, width))[None]
    psf, _ = fit_psf(y, field.at(*grid(size))[None], ratio, Psf(0.45 * ratio, 0.45 * ratio), good)
    assert (psf.shift_y, psf.shift_x) == pytest.approx(shift, abs=0.01)
    assert (psf.sigma_y, psf.sigma_x) == pytest.approx((width, width), rel=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_imperfect_simulated_scenes(seed: int) -> None:
    """Everything wrong at once: HS shift to 0.05 px, widths to 5 %, dates to 0.1 px."""
    hs, ms = ahsi().select(np.arange(5, 64)), sentinel2("A")
    wrong = Imperfections.draw(seed, hs, ms)
    kind = "parcels" if seed % 2 else "dead-leaves"
    world = simulate(seed, size=120, kind=kind)
    _, found = register(observe(world, hs, ms, imperfections=wrong, seed=seed))
    dates = np.array([e.value for e in found.ms])
    assert dates == pytest.approx(-np.array(wrong.shift_ms1), abs=0.1)
    assert np.all(np.abs(dates + wrong.shift_ms1) < 3 * np.array([e.sigma for e in found.ms]))
    vnir, true = found.hs[0], wrong.psf[0]
    # Against M1 as it was resampled, which is the image that D is applied to.
    shift = np.subtract(wrong.shift_hs, wrong.shift_ms1) - found.applied
    assert (vnir.shift_y.value, vnir.shift_x.value) == pytest.approx(shift, abs=0.05)
    assert (vnir.sigma_y.value, vnir.sigma_x.value) == pytest.approx(
        (true.sigma_y, true.sigma_x), rel=0.05
    )


@pytest.fixture(scope="module")
def slovenia() -> dict[str, np.ndarray]:
    """The three clear dates, the four bands delivered at 10 m."""
    from stsf.files.datasets import fetch

    series = fetch("sentinel2-slovenia")
    bands = [series.sensor.band_names.index(name) for name in ("B2", "B3", "B4", "B8")]
    cubes = {d: cube[bands] for d, cube in zip(series.dates, series.cubes)}
    return {d: cube for (d, cube), clear in zip(cubes.items(), series.clear) if clear}


def fourier_shift(cube: np.ndarray, dy: float, dx: float) -> np.ndarray:
    """out(y, x) = cube(y + dy, x + dx), by the shift theorem."""
    fy, fx = np.fft.fftfreq(cube.shape[1])[:, None], np.fft.fftfreq(cube.shape[2])
    return np.fft.ifft2(np.fft.fft2(cube) * np.exp(2j * np.pi * (fy * dy + fx * dx))).real


@needs_data
@pytest.mark.parametrize("shift", [(0.5, -0.25), (-0.8, 0.33), (6.4, -11.7), (-13.6, 13.9)])
def test_known_shifts_of_real_images(slovenia: dict, shift: tuple[float, float]) -> None:
    noise = 0.002 * np.random.default_rng(0).standard_normal((4, 101, 100))
    dates = list(slovenia)
    for k, date in enumerate(dates):
        m1, m2 = slovenia[date], slovenia[dates[(k + 1) % 3]]
        found = [e.value for e in register_dates(m1, fourier_shift(m1, *shift) + noise)]
        assert found == pytest.approx(shift, abs=0.1)
        still = np.array([e.value for e in register_dates(m1, m2)])
        moved = np.array([e.value for e in register_dates(m1, fourier_shift(m2, *shift))])
        assert moved - still == pytest.approx(shift, abs=0.1)


@needs_data
def test_the_loop_over_three_real_dates_closes(slovenia: dict) -> None:
    a, b, c = slovenia.values()
    steps = [[e.value for e in register_dates(*pair)] for pair in ((a, b), (b, c), (c, a))]
    assert np.abs(steps).max() > 0.3  # the dates do lie apart
    assert np.sum(steps, axis=0) == pytest.approx((0.0, 0.0), abs=0.1)
