"""Figures of merit against numbers worked out by hand, laws, torchmetrics and direct loops."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torchmetrics.functional.image import (
    error_relative_global_dimensionless_synthesis,
    peak_signal_noise_ratio,
    spectral_angle_mapper,
    structural_similarity_index_measure,
)

from stsf import metrics
from stsf.errors import InputError
from stsf.sensing.bands import from_bands
from stsf.sensing.sensors import enmap, sentinel2

# Two bands of 1 x 2 pixels. Errors: band 0 (0.1, 0), band 1 (0.2, -0.4).
REF = np.array([[[0.5, 1.0]], [[0.2, 0.6]]])
PRED = np.array([[[0.6, 1.0]], [[0.4, 0.2]]])
FIRST = np.array([[True, False]])


@pytest.fixture
def cubes():
    """Five bands of 24 x 30 pixels: smooth spectra, and a prediction with errors of 0.02."""
    rng = np.random.default_rng(3)
    rows, cols = np.mgrid[:24, :30]
    reference = np.stack([0.1 + 0.08 * b + 0.002 * rows + 0.003 * cols for b in range(5)])
    reference += rng.normal(0, 0.03, reference.shape)
    return (reference + rng.normal(0, 0.02, reference.shape)), reference


def as_torch(cube):
    return torch.tensor(cube)[None]


class TestByHand:
    def test_rmse(self):
        # squares 0.01, 0, 0.04, 0.16: mean 0.0525
        assert metrics.rmse(PRED, REF) == pytest.approx(math.sqrt(0.0525))
        # first pixel only: (0.01 + 0.04) / 2
        assert metrics.rmse(PRED, REF, mask=FIRST) == pytest.approx(math.sqrt(0.025))

    def test_global_psnr_has_its_peak_outside_the_mask_too(self):
        # peak 1.0, MSE 0.0525; inside the mask the peak is still 1.0, not 0.5
        assert metrics.psnr(PRED, REF) == pytest.approx(10 * math.log10(1 / 0.0525))
        assert metrics.psnr(PRED, REF, mask=FIRST) == pytest.approx(10 * math.log10(1 / 0.025))

    def test_mean_psnr_has_a_peak_per_band(self):
        # band 0: peak 1.0, MSE 0.005; band 1: peak 0.6, MSE 0.1
        expected = (10 * math.log10(1 / 0.005) + 10 * math.log10(0.36 / 0.1)) / 2
        assert metrics.mean_psnr(PRED, REF) == pytest.approx(expected)
        # first pixel: MSE 0.01 and 0.04, peaks as before
        expected = (10 * math.log10(1 / 0.01) + 10 * math.log10(0.36 / 0.04)) / 2
        assert metrics.mean_psnr(PRED, REF, mask=FIRST) == pytest.approx(expected)

    def test_sam(self):
        # spectra (3, 4) and (4, 3): cos = 24/25; (1, 0) and (0, 2): 90 degrees
        reference = np.array([[[3.0, 1.0]], [[4.0, 0.0]]])
        prediction = np.array([[[4.0, 0.0]], [[3.0, 2.0]]])
        first = math.degrees(math.acos(0.96))
        np.testing.assert_allclose(metrics.sam_map(prediction, reference), [[first, 90.0]])
        assert metrics.sam(prediction, reference) == pytest.approx((first + 90) / 2)
        assert metrics.sam(prediction, reference, mask=FIRST) == pytest.approx(first)

    def test_ergas(self):
        # means 0.75 and 0.4, MSE 0.005 and 0.1: terms 0.005/0.5625 and 0.1/0.16
        terms = (0.005 / 0.5625, 0.625)
        value, dropped = metrics.ergas(PRED, REF, ratio=4)
        assert (value, dropped) == (pytest.approx(25 * math.sqrt(sum(terms) / 2)), 0)
        # inside the mask: MSE 0.01 and 0.04, means of the whole image
        value, _ = metrics.ergas(PRED, REF, ratio=4, mask=FIRST)
        assert value == pytest.approx(25 * math.sqrt((0.01 / 0.5625 + 0.04 / 0.16) / 2))

    def test_correlation(self):
        # band 0: (1, 2, 3) against (1, 3, 2), centred (-1, 0, 1), (-1, 1, 0): 1 / 2; band 1: -1
        reference = np.array([[[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]])
        prediction = np.array([[[1.0, 3.0, 2.0]], [[0.3, 0.2, 0.1]]])
        assert metrics.cc(prediction, reference) == pytest.approx(-0.25)

    def test_ssim_of_a_constant_error_is_the_luminance_term(self):
        # constant 0.4 against 0.5, range 0.5: variances vanish, C1 = 0.005² = 2.5e-5
        expected = (2 * 0.4 * 0.5 + 2.5e-5) / (0.16 + 0.25 + 2.5e-5)
        got = metrics.ssim(np.full((1, 7, 9), 0.4), np.full((1, 7, 9), 0.5))
        assert got == pytest.approx(expected, abs=1e-6)

    def test_band_errors(self):
        errors = metrics.band_errors(PRED, REF)
        np.testing.assert_allclose(errors.mse, [0.005, 0.1])
        np.testing.assert_allclose(errors.peak, [1.0, 0.6])
        np.testing.assert_allclose(errors.mean, [0.75, 0.4])


class TestStatedValues:
    def test_identical_images(self, cubes):
        _, reference = cubes
        assert metrics.psnr(reference, reference) == math.inf
        assert metrics.mean_psnr(reference, reference) == math.inf
        np.testing.assert_allclose(metrics.sam_map(reference, 3 * reference), 0.0, atol=1e-5)
        assert metrics.ergas(reference, reference, ratio=3) == (0.0, 0)
        assert metrics.ssim(reference, reference) == pytest.approx(1.0, abs=1e-6)
        assert metrics.cc(reference, reference) == pytest.approx(1.0)
        assert metrics.rmse(reference, reference) == 0.0

    def test_constant_reference_has_a_psnr_but_no_correlation(self):
        reference = np.full((1, 1, 3), 0.1)  # its mean, rounded, is not 0.1
        prediction = reference + np.array([0.01, -0.01, 0.01])
        assert metrics.psnr(prediction, reference) == pytest.approx(20.0)
        assert math.isnan(metrics.cc(prediction, reference))

    def test_a_band_that_is_zero_decides_no_mean(self):
        reference = np.concatenate([REF, np.zeros((1, 1, 2))])
        prediction = np.concatenate([PRED, np.full((1, 1, 2), 0.01)])
        assert metrics.mean_psnr(prediction, reference) == metrics.mean_psnr(PRED, REF)
        assert metrics.ssim(prediction, reference) == metrics.ssim(PRED, REF)
        assert metrics.ergas(prediction, reference, 3) == (metrics.ergas(PRED, REF, 3)[0], 1)

    def test_all_bands_near_zero(self):
        value, dropped = metrics.ergas(PRED * 0.001, REF * 0.001, ratio=3)
        assert math.isnan(value)
        assert dropped == 2

    def test_no_spectrum_has_a_direction(self):
        assert math.isnan(metrics.sam(np.zeros((2, 1, 2)), REF))


class TestLaws:
    def test_sam_ignores_brightness(self, cubes):
        prediction, reference = cubes
        gain = np.linspace(0.5, 2.0, 720).reshape(24, 30)
        np.testing.assert_allclose(
            metrics.sam_map(prediction * gain, reference), metrics.sam_map(prediction, reference)
        )

    def test_sam_sees_one_band(self, cubes):
        prediction, reference = cubes
        reference = prediction.copy()
        prediction[2] *= 1.5
        assert metrics.sam(prediction, reference) > 5

    @pytest.mark.parametrize("name", ["psnr", "mean_psnr", "rmse", "cc", "sam"])
    def test_order_of_pixels_is_irrelevant(self, cubes, name):
        prediction, reference = cubes
        order = np.random.default_rng(0).permutation(24 * 30)
        shuffled = [c.reshape(5, -1)[:, order].reshape(c.shape) for c in cubes]
        figure = getattr(metrics, name)
        assert figure(*shuffled) == pytest.approx(figure(prediction, reference))

    def test_order_of_pixels_matters_to_ssim(self, cubes):
        order = np.random.default_rng(0).permutation(24 * 30)
        shuffled = [c.reshape(5, -1)[:, order].reshape(c.shape) for c in cubes]
        assert abs(metrics.ssim(*shuffled) - metrics.ssim(*cubes)) > 0.005

    @pytest.mark.parametrize("name", ["psnr", "mean_psnr", "cc", "ssim"])
    def test_units_are_irrelevant(self, cubes, name):
        prediction, reference = cubes
        figure = getattr(metrics, name)
        counts = figure(prediction * 1e4, reference * 1e4)
        assert counts == pytest.approx(figure(prediction, reference), rel=1e-5)

    def test_ergas_goes_with_one_over_ratio(self, cubes):
        three, six = (metrics.ergas(*cubes, ratio=r)[0] for r in (3, 6))
        assert three == pytest.approx(2 * six)

    def test_parts_add_up_to_the_whole(self, cubes):
        mask = np.arange(30) < 7 + np.arange(24)[:, None] // 2
        share = mask.mean()
        for figure in (metrics.rmse, lambda *a, **k: metrics.ergas(*a, ratio=3, **k)[0]):
            inside, outside = figure(*cubes, mask=mask), figure(*cubes, mask=~mask)
            whole = share * inside**2 + (1 - share) * outside**2
            assert whole == pytest.approx(figure(*cubes) ** 2)
            assert inside != pytest.approx(outside, rel=1e-3)

    def test_float32_agrees_with_float64(self, cubes):
        single = [c.astype(np.float32) for c in cubes]
        for name in ("psnr", "mean_psnr", "sam", "cc", "rmse", "ssim"):
            figure = getattr(metrics, name)
            assert figure(*single) == pytest.approx(figure(*cubes), rel=1e-5)

    def test_inputs_are_left_alone(self, cubes):
        prediction, reference = cubes
        prediction[0, 0, 0] = np.nan
        before = [c.copy() for c in cubes]
        metrics.evaluate(prediction, reference, ratio=3, valid=np.ones((24, 30), bool))
        for old, new in zip(before, cubes):
            np.testing.assert_array_equal(old, new)


class TestAgainstTorchmetrics:
    def test_psnr(self, cubes):
        prediction, reference = cubes
        theirs = peak_signal_noise_ratio(*map(as_torch, cubes), data_range=reference.max().item())
        assert metrics.psnr(prediction, reference) == pytest.approx(theirs.item(), rel=1e-6)

    def test_sam(self, cubes):
        theirs = math.degrees(spectral_angle_mapper(*map(as_torch, cubes)).item())
        assert metrics.sam(*cubes) == pytest.approx(theirs, rel=1e-6)

    def test_ergas(self, cubes):
        theirs = error_relative_global_dimensionless_synthesis(*map(as_torch, cubes), ratio=3)
        assert metrics.ergas(*cubes, ratio=3)[0] == pytest.approx(theirs.item(), rel=1e-6)

    def test_ssim_inside_the_border(self, cubes):
        prediction, reference = cubes
        for b in range(5):
            pair = [as_torch(c[b : b + 1]) for c in cubes]
            theirs = structural_similarity_index_measure(
                *pair, data_range=reference[b].max().item(), return_full_image=True
            )[1][0, 0].numpy()
            ours = metrics.ssim_map(prediction, reference)[b]
            assert theirs.shape == ours.shape
            np.testing.assert_allclose(ours[5:-5, 5:-5], theirs[5:-5, 5:-5], atol=2e-6)

    def test_correlation(self, cubes):
        expected = np.mean([np.corrcoef(p.ravel(), r.ravel())[0, 1] for p, r in zip(*cubes)])
        assert metrics.cc(*cubes) == pytest.approx(expected)


class TestTraps:
    """What the defaults of torchmetrics do, so that nobody swaps them in unaware."""

    def test_sam_is_nan_on_one_zero_pixel(self, cubes):
        prediction, reference = cubes
        expected = metrics.sam_map(prediction, reference).ravel()[1:].mean()
        prediction[:, 0, 0] = 0
        assert torch.isnan(spectral_angle_mapper(*map(as_torch, cubes)))
        assert metrics.sam(prediction, reference) == pytest.approx(expected)
        assert np.isnan(metrics.sam_map(prediction, reference)[0, 0])

    def test_ergas_assumes_a_ratio_of_four(self, cubes):
        theirs = error_relative_global_dimensionless_synthesis(*map(as_torch, cubes)).item()
        assert metrics.ergas(*cubes, ratio=4)[0] == pytest.approx(theirs)
        assert metrics.ergas(*cubes, ratio=3)[0] == pytest.approx(theirs * 4 / 3)

    def test_pooled_psnr_hides_a_bad_dark_band(self):
        reference = np.stack([np.full((4, 4), 0.8), np.full((4, 4), 0.02)])
        prediction = reference + 0.01
        # peaks 0.8 and 0.02 over 0.01: 38.06 dB; pooled 38.06, mean of 38.06 and 6.02
        assert metrics.psnr(prediction, reference) == pytest.approx(38.06, abs=0.01)
        assert metrics.mean_psnr(prediction, reference) == pytest.approx(22.04, abs=0.01)

    def test_ssim_takes_its_range_from_the_data(self, cubes):
        prediction, reference = cubes
        dim = [as_torch(c[:1]) for c in cubes]
        bright = [torch.cat([c, c + 10.0], dim=1) for c in dim]  # a second, brighter band
        default, after = (structural_similarity_index_measure(*p).item() for p in (dim, bright))
        assert after > default + 0.05  # their figure of a band depends on its neighbours
        pair = [np.concatenate([c[:1], c[:1] + 10.0]) for c in (prediction, reference)]
        alone = metrics.ssim_map(prediction[:1], reference[:1])[0]
        np.testing.assert_array_equal(metrics.ssim_map(*pair)[0], alone)

    def test_one_dark_band_explodes_ergas(self, cubes):
        reference = np.concatenate([cubes[1], np.full((1, 24, 30), 1e-5)])
        prediction = np.concatenate([cubes[0], np.full((1, 24, 30), 1e-2)])
        theirs = error_relative_global_dimensionless_synthesis(
            as_torch(prediction), as_torch(reference), ratio=3
        )
        value, dropped = metrics.ergas(prediction, reference, ratio=3)
        assert theirs > 1000 * value
        assert (value, dropped) == (pytest.approx(metrics.ergas(*cubes, ratio=3)[0]), 1)


class TestMissingData:
    @pytest.mark.parametrize("name", ["psnr", "mean_psnr", "rmse", "cc", "sam"])
    def test_nan_and_valid_leave_out_the_same_pixels(self, cubes, name):
        prediction, reference = cubes
        figure = getattr(metrics, name)
        kept = figure(prediction[:, :, 3:], reference[:, :, 3:])
        valid = np.ones((24, 30), bool)
        valid[:, :3] = False
        reference[:, :, :3] = 5.0  # would raise the peak if it counted
        assert figure(prediction, reference, valid=valid) == pytest.approx(kept)
        reference[2, :, :3] = np.nan  # one missing band is enough
        assert figure(prediction, reference) == pytest.approx(kept)

    def test_ssim_windows_leave_out_what_is_missing(self, cubes):
        prediction, reference = cubes
        valid = np.ones((24, 30), bool)
        valid[:, 12:] = False
        spoilt = reference.copy()
        spoilt[:, :, 12:] = -7.0
        # cut windows at a gap are cut windows at a border
        alone = metrics.ssim_map(prediction[:, :, :12], reference[:, :, :12])
        ours = metrics.ssim_map(prediction, spoilt, valid=valid)
        np.testing.assert_allclose(ours[:, :, :12], alone, atol=1e-6)
        assert np.isnan(ours[:, :, 12:]).all()

    def test_a_hole_in_the_prediction_is_counted_and_moves_no_peak(self, cubes):
        prediction, reference = cubes
        bright = np.unravel_index(reference.max(axis=0).argmax(), (24, 30))
        prediction[4, bright[0], bright[1]] = np.nan  # one band is enough
        error = (prediction - reference)[:, np.isfinite(prediction[4])]
        expected = 10 * np.log10(reference.max() ** 2 / np.mean(error**2))
        assert metrics.psnr(prediction, reference) == pytest.approx(expected)
        relative = np.mean(error**2, axis=1) / reference.mean(axis=(1, 2)) ** 2
        expected = 100 / 3 * np.sqrt(relative.mean())
        assert metrics.ergas(prediction, reference, ratio=3)[0] == pytest.approx(expected)
        (row,) = metrics.evaluate(prediction, reference, ratio=3)
        assert (row["n_pixels"], row["missing_pixels"]) == (719, 1)


class TestEvaluate:
    @pytest.fixture
    def change(self):
        codes = np.zeros((24, 30), np.uint8)
        codes[:6, :10], codes[10:14, 20:] = 1, 3  # 60 pixels harvest, 40 pixels flood
        return codes

    @pytest.fixture
    def bands(self):
        return {"low": np.arange(5) < 2, "high": np.arange(5) >= 2, "none": np.zeros(5, bool)}

    def test_regions_and_groups(self, cubes, change, bands):
        table = pd.DataFrame(metrics.evaluate(*cubes, ratio=3, change=change, bands=bands))
        pixels = table[table.bands == "all"].set_index("region").n_pixels.to_dict()
        assert pixels == {"all": 720, "changed": 100, "unchanged": 620, "harvest": 60, "flood": 40}
        assert list(table.bands.unique()) == ["all", "low", "high"]
        assert list(table.columns) == list(metrics.COLUMNS)

    def test_each_row_is_what_the_functions_give_for_its_bands(self, cubes, change, bands):
        masks = {"all": change >= 0, "changed": change > 0, "flood": change == 3}
        rows = metrics.evaluate(*cubes, ratio=3, change=change, bands=bands)
        tested = 0
        for row in rows:
            if row["region"] not in masks:
                continue
            keep = bands.get(row["bands"], np.ones(5, bool))
            pair, mask = [c[keep] for c in cubes], masks[row["region"]]
            for name in ("psnr", "mean_psnr", "sam", "ssim", "cc", "rmse"):
                assert row[name] == pytest.approx(getattr(metrics, name)(*pair, mask=mask)), name
            assert row["ergas"] == pytest.approx(metrics.ergas(*pair, ratio=3, mask=mask)[0])
            tested += 1
        assert tested == 9

    def test_what_was_left_out_is_counted_where_it_lies(self, cubes, change):
        prediction, reference = cubes
        reference[:2, 0, 0] = 0  # harvest; zero in the low bands only
        prediction[:, 12, 25] = np.nan  # flood
        reference[4] = 0.001
        bands = {"low": np.arange(5) < 2}
        table = pd.DataFrame(metrics.evaluate(*cubes, ratio=3, change=change, bands=bands))
        table = table.set_index(["region", "bands"])
        assert table.zero_pixels["harvest", "low"] == 1
        assert table.zero_pixels["harvest", "all"] == table.zero_pixels["unchanged", "low"] == 0
        assert table.missing_pixels["flood", "all"] == table.missing_pixels["all", "all"] == 1
        assert table.missing_pixels["harvest", "all"] == 0
        assert table.dropped_bands["harvest", "all"] == 1
        assert table.dropped_bands["harvest", "low"] == 0

    def test_a_boolean_change_map_has_no_kinds(self, cubes, change):
        rows = metrics.evaluate(*cubes, ratio=3, change=change > 0)
        assert [row["region"] for row in rows] == ["all", "changed", "unchanged"]

    def test_format_table(self, cubes, change):
        cubes[0][:, :6, :10] = cubes[1][:, :6, :10]  # no error where harvested
        cubes[1][:, 10:14, 20:] = 0.0  # flood: zero spectra
        rows = metrics.evaluate(*cubes, ratio=3, change=change)
        lines = metrics.format_table(rows).splitlines()
        assert len(lines) == 1 + len(rows) == 6
        assert lines[0].split()[:4] == ["region", "bands", "pixels", "n"]
        assert "PSNR/dB" in lines[0]
        harvest, flood = lines[4].split(), lines[5].split()
        assert harvest[:5] == ["harvest", "all", "60", "5", "inf"]
        assert flood[6] == "nan"  # SAM
        assert flood[12] == "40"  # all of them without a direction
        ends = [line.index("  all ") for line in lines[1:]]
        assert len(set(ends)) == 1  # columns stand below each other


class TestBandGroups:
    def test_gaussian_bands_cover_their_half_width(self):
        hs = from_bands([539, 541, 559, 561, 999, 1001, 1595, 1605, 1615, 1625], 10)
        ms = from_bands([550, 1610], [20, 20])  # half maximum at ±10 nm
        groups = metrics.band_groups(hs, ms)
        assert groups["MS-covered"].tolist() == [0, 1, 1, 0, 0, 0, 0, 1, 1, 0]
        assert groups["VNIR gaps"].tolist() == [1, 0, 0, 1, 1, 0, 0, 0, 0, 0]
        assert groups["SWIR"].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]

    def test_sentinel2_on_enmap(self):
        hs = enmap()
        groups = metrics.band_groups(hs, sentinel2("A"))
        total = sum(mask.astype(int) for mask in groups.values())
        assert (total == 1).all()  # four VNIR bands: the groups part the spectrum
        nearest = [np.abs(hs.centre - nm).argmin() for nm in (492, 560, 665, 833)]
        assert groups["MS-covered"][nearest].all()
        between = [np.abs(hs.centre - nm).argmin() for nm in (620, 720, 950)]
        assert groups["VNIR gaps"][between].all()


class TestRefusals:
    @pytest.mark.parametrize(
        ("change_input", "message"),
        [
            (lambda p, r: (p[:, 1:], r), r"one shape .*\(5, 23, 30\) and \(5, 24, 30\)"),
            (lambda p, r: (p[0], r), r"prediction must be \(band, y, x\), got shape \(24, 30\)"),
            (lambda p, r: (p, r[0]), "reference must be"),
            (lambda p, r: (p * np.nan, r), "at least one pixel with data in every band"),
            (lambda p, r: (p, r * np.nan), "at least one pixel with data in every band"),
            (lambda p, r: (p, -r), "reference must be positive somewhere"),
            (lambda p, r: (p, r * 0), "its largest value is 0"),
        ],
    )
    @pytest.mark.parametrize("name", ["psnr", "sam", "ssim"])
    def test_cubes(self, cubes, change_input, message, name):
        with pytest.raises(InputError, match=message):
            getattr(metrics, name)(*change_input(*cubes))

    def test_masks(self, cubes):
        empty = np.zeros((24, 30), bool)
        with pytest.raises(InputError, match="mask must hold at least one valid pixel"):
            metrics.psnr(*cubes, mask=empty)
        with pytest.raises(InputError, match="at least one pixel"):
            metrics.psnr(*cubes, valid=empty)
        with pytest.raises(InputError, match=r"mask must have the shape \(24, 30\).*got \(3, 3\)"):
            metrics.sam(*cubes, mask=np.ones((3, 3)))
        with pytest.raises(InputError, match="valid must have the shape"):
            metrics.ssim(*cubes, valid=np.ones((3, 3)))

    @pytest.mark.parametrize("ratio", [0, 0.25, -3, math.nan, math.inf])
    def test_ratio(self, cubes, ratio):
        with pytest.raises(InputError, match="ratio must be at least 1"):
            metrics.ergas(*cubes, ratio=ratio)
        with pytest.raises(InputError, match="ratio must be at least 1"):
            metrics.evaluate(*cubes, ratio=ratio)

    def test_change_and_bands(self, cubes):
        with pytest.raises(InputError, match=r"codes 0 to 4 of unchanged, harvest.*got 255"):
            metrics.evaluate(*cubes, ratio=3, change=np.full((24, 30), 255, np.uint8))
        with pytest.raises(InputError, match="change must have the shape"):
            metrics.evaluate(*cubes, ratio=3, change=np.zeros((2, 2), np.uint8))
        for bands in (np.ones(4, bool), np.arange(5)):
            with pytest.raises(InputError, match="'some' must be a boolean mask over 5 bands"):
                metrics.evaluate(*cubes, ratio=3, bands={"some": bands})
