"""Laws of the observation operators: every law runs over every operator of one list."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from stsf.degradation import (
    Psf,
    SpatialDegradation,
    SpectralDegradation,
    add_noise,
    blur_matrix,
    mtf_sigma,
    noise_sigma,
    relative_psf,
)
from stsf.errors import InputError
from stsf.sensing.sensors import ahsi, sentinel2

RATIOS = range(2, 11)
TWO_PSF = (Psf(1.3, 0.9, 0.3, -0.4), Psf(1.7, 1.2, -6.2, 2.5))
DETECTOR = np.array([0, 1, 1, 0, 1])


def spatial(ratio: int) -> SpatialDegradation:
    return SpatialDegradation((6 * ratio, 5 * ratio), ratio, TWO_PSF, DETECTOR)


def spectral() -> SpectralDegradation:
    return SpectralDegradation(np.random.default_rng(0).dirichlet(np.ones(5), size=3))


# name -> (operator, shape of its input, shape of its output)
OPERATORS: dict[str, tuple[object, tuple[int, ...], tuple[int, ...]]] = {
    **{f"D ratio {r}": (spatial(r), (5, 6 * r, 5 * r), (5, 6, 5)) for r in RATIOS},
    "D one PSF": (
        SpatialDegradation((12, 8), 4, Psf.from_mtf((0.2, 0.4), 4)),
        (5, 12, 8),
        (5, 3, 2),
    ),
    "D of the MS bands": (spatial(3).at(np.array([1, 0])), (2, 18, 15), (2, 6, 5)),
    "R": (spectral(), (5, 7, 9), (3, 7, 9)),
}
law = pytest.mark.parametrize(
    ("operator", "shape_in", "shape_out"), OPERATORS.values(), ids=OPERATORS.keys()
)


def dot_product_gap(A: Callable, A_adjoint: Callable, shape_in: tuple, shape_out: tuple) -> float:
    """Relative gap between <A x, y> and <x, A* y> in float64."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, *shape_in, dtype=torch.float64, generator=generator)
    y = torch.randn(2, *shape_out, dtype=torch.float64, generator=generator)
    left, right = (A(x) * y).sum(), (x * A_adjoint(y)).sum()
    return float((left - right).abs() / (A(x).norm() * y.norm()))


@law
def test_the_adjoint_passes_the_dot_product_test(operator, shape_in, shape_out):
    assert dot_product_gap(operator.A, operator.A_adjoint, shape_in, shape_out) < 1e-10


def test_the_dot_product_test_notices_a_wrong_adjoint():
    D = spatial(3)
    assert dot_product_gap(D.A, D.upsample, (5, 18, 15), (5, 6, 5)) > 1e-3


@law
def test_operators_are_linear_and_keep_constants(operator, shape_in, shape_out):
    x, y = np.random.default_rng(2).normal(size=(2, *shape_in))
    np.testing.assert_allclose(operator.A(2 * x - y), 2 * operator.A(x) - operator.A(y), atol=1e-12)
    np.testing.assert_allclose(operator.A(np.full(shape_in, 0.3)), 0.3, atol=1e-12)


@law
def test_numpy_and_torch_give_the_same(operator, shape_in, shape_out):
    x = np.random.default_rng(3).normal(size=shape_in).astype(np.float32)
    of_tensor = operator.A(torch.from_numpy(x))
    assert isinstance(operator.A(x), np.ndarray) and of_tensor.dtype == torch.float32
    assert operator.A(x).dtype == np.float32 and operator.A(x).shape == shape_out
    np.testing.assert_allclose(operator.A(x), of_tensor.numpy(), atol=1e-5)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.25, -0.4)])
def test_degrade_then_upsample_returns_a_ramp(ratio, shift):
    rows, columns = np.mgrid[: 12 * ratio, : 12 * ratio].astype(float)
    ramp = (0.01 * rows + 0.02 * columns)[None]
    D = SpatialDegradation(ramp.shape[1:], ratio, Psf.from_mtf(0.3, ratio, shift))
    inside = (slice(None), *[slice(4 * ratio, -4 * ratio)] * 2)
    np.testing.assert_allclose(D.upsample(D.A(ramp))[inside], ramp[inside], atol=1e-6)


@pytest.mark.parametrize("ratio", RATIOS)
def test_upsampling_is_the_bicubic_of_pytorch_with_its_antialias_kernel(ratio):
    y = torch.rand(1, 2, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    D = SpatialDegradation((7 * ratio, 6 * ratio), ratio, Psf(1.0, 1.0))
    reference = torch.nn.functional.interpolate(
        y, scale_factor=ratio, mode="bicubic", antialias=True
    )
    torch.testing.assert_close(D.upsample(y), reference, atol=1e-10, rtol=0)


def test_the_sample_sits_at_the_centre_of_its_pixels():
    spike = np.zeros((1, 12, 12))
    for ratio, centre in ((3, 4), (4, None)):
        D = SpatialDegradation((12, 12), ratio, Psf(0.3, 0.3))
        if centre is not None:  # odd: the middle pixel of LR pixel (1, 1) is HR pixel (4, 4)
            spike[:] = 0
            spike[0, centre, centre] = 1
            assert D.A(spike)[0, 1, 1] > 0.95
        else:  # even: the sample lies between HR pixels 5 and 6, each with half the weight
            np.testing.assert_allclose(blur_matrix(12, 4, 0.3)[1, 5:7], 0.5, atol=1e-3)


def test_a_shift_moves_the_sample_down_and_right():
    rows, columns = np.mgrid[:30, :30].astype(float)
    D = SpatialDegradation((30, 30), 3, Psf(1.0, 1.0, shift_y=0.5, shift_x=-0.25))
    # Sample (5, 5) of the ratio-3 grid sits at HR row and column 16, plus the shift.
    assert D.A(rows[None])[0, 5, 5] == pytest.approx(16.5, abs=1e-6)
    assert D.A(columns[None])[0, 5, 5] == pytest.approx(15.75, abs=1e-6)


@pytest.mark.parametrize("ratio", [2, 3, 6])
@pytest.mark.parametrize("mtf", [0.15, 0.3, 0.45])
def test_the_psf_has_the_mtf_it_was_made_from(ratio, mtf):
    """A cosine at the coarse Nyquist frequency keeps `mtf` of its amplitude under the blur."""
    n = 60 * ratio
    wave = np.cos(np.pi * (np.arange(n) - (ratio - 1) / 2) / ratio)  # peaks at the sample centres
    amplitude = np.abs(blur_matrix(n, ratio, mtf_sigma(mtf, ratio)) @ wave)[10:-10]
    # Sampling a Gaussian of σ < 1 px aliases it a little; hence one per cent.
    np.testing.assert_allclose(amplitude, mtf, rtol=0.01)


def test_the_published_width_of_the_nominal_psf():
    assert Psf.from_mtf(0.3, 3).sigma_y == pytest.approx(1.48, abs=0.005)


def test_the_border_is_symmetric():
    """Hand-computed: σ = 1, sample at pixel 0.5; weights exp(-d²/2) at d = .5, .5, 1.5, 1.5 ...

    Outside pixels -1, -2, ... fold onto 0, 1, ..., so that pixel 0 gets exp(-.125) + exp(-1.125).
    """
    row = blur_matrix(20, 2, 1.0)[0]
    e = np.exp(-0.5 * (np.arange(8) + 0.5) ** 2)
    folded = np.array([e[0] + e[1], e[0] + e[2], e[1] + e[3], e[2] + e[4]])
    np.testing.assert_allclose(row[:4], folded / (2 * e.sum()), rtol=1e-4)


def test_each_band_is_blurred_by_its_own_detector():
    x = np.random.default_rng(4).normal(size=(5, 18, 15))
    both = spatial(3).A(x)
    for band, detector in enumerate(DETECTOR):
        alone = SpatialDegradation((18, 15), 3, TWO_PSF[detector]).A(x[band : band + 1])
        np.testing.assert_allclose(both[band], alone[0], atol=1e-12)


def test_gradients_flow_through_the_operators():
    x = torch.zeros(5, 18, 15, dtype=torch.float64, requires_grad=True)
    y = spatial(3).A(x)
    y.sum().backward()
    expected = spatial(3).A_adjoint(torch.ones_like(y))
    torch.testing.assert_close(x.grad, expected)


def test_the_relative_psf_and_the_ms_psf_together_make_the_hs_psf():
    hs, ms = ahsi(), sentinel2("A")
    for psf, (along, across) in zip(relative_psf(hs, ms, 3), hs.mtf, strict=True):
        ms_along, ms_across = ms.mtf[0]
        assert np.hypot(psf.sigma_y, mtf_sigma(ms_along, 1)) == pytest.approx(mtf_sigma(along, 3))
        assert np.hypot(psf.sigma_x, mtf_sigma(ms_across, 1)) == pytest.approx(mtf_sigma(across, 3))


def test_noise_has_the_stated_ratio_and_its_seed():
    cube = np.random.default_rng(5).uniform(0.1, 0.5, (3, 200, 200)).astype(np.float32)
    snr = np.array([20.0, 30.0, 40.0])
    noise = add_noise(cube, snr, seed=1) - cube
    np.testing.assert_allclose(noise.std(axis=(1, 2)), noise_sigma(cube, snr), rtol=0.02)
    measured = 10 * np.log10((cube**2).mean((1, 2)) / noise.var(axis=(1, 2)))
    np.testing.assert_allclose(measured, snr, atol=0.2)
    assert np.array_equal(add_noise(cube, 30.0, seed=1), add_noise(cube, 30.0, seed=1))
    assert not np.array_equal(add_noise(cube, 30.0, seed=1), add_noise(cube, 30.0, seed=2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Psf(0.1, 1.0), "PSF widths must be at least 0.3"),
        (lambda: Psf(float("nan"), 1.0), "PSF widths"),
        (lambda: mtf_sigma(1.5, 3), "MTF at Nyquist must lie between 0 and 1, got 1.5"),
        (lambda: SpatialDegradation((9, 9), 2.7, Psf(1, 1)), "ratio must be a whole number"),
        (lambda: SpatialDegradation((10, 9), 3, Psf(1, 1)), "multiple of the ratio 3"),
        (lambda: SpatialDegradation((9, 9), 3, TWO_PSF), "index of its PSF"),
        (lambda: SpatialDegradation((9, 9), 3, TWO_PSF, np.array([0, 2])), "index of its PSF"),
        (
            lambda: relative_psf(replace(ahsi(), mtf=((0.99, 0.99),) * 2), sentinel2("A"), 2),
            "not blurrier",
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make, message):
    with pytest.raises(InputError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_shift_beyond_the_image_repeats_its_edge():
    y = np.arange(5.0)[None, :, None] * np.ones((1, 5, 5))
    up = SpatialDegradation((15, 15), 3, Psf(1.0, 1.0, shift_y=14.0)).upsample(y)
    # All of row 0 lies above the samples 0, 1, 2, ...; the cut kernel undershoots by an eighth.
    np.testing.assert_allclose(up[0, 0], -0.125)
