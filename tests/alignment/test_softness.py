"""How soft the product is meant to be: what images and tables say, and what X1 and X2 gain."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import stsf
from stsf import metrics
from stsf.alignment import product_softness
from stsf.alignment.estimates import DetectorFit, Estimate
from stsf.degradation import Psf, mtf_sigma
from stsf.errors import InputError
from stsf.sensing.sensors import S2_4, S2_10, ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import Imperfections, observe
from stsf.world.simulation import simulate

RATIO, MORE = 3, 1.8  # the SWIR of Y1 is blurred by σ = 1.8 px more than its VNIR
SOFT = MORE / RATIO  # so the spectrometer with pixels a third as large would be by 0.6 px
MS = mtf_sigma(0.25, 1.0)  # px, width of the MS


def soft_scene(bands, mtf_swir=0.3):
    """Truth as the spectrometer with small pixels shows it; the MTF is what its table says."""
    hs = ahsi()
    hs = hs.select(band_quality(hs.centre) == "clean")
    vnir = mtf_sigma(0.3, RATIO) ** 2 - MS**2
    psf = tuple(Psf(np.sqrt(v), np.sqrt(v)) for v in (vnir, vnir + MORE**2))
    seen = observe(
        simulate(9500, 90, "test"), hs, sentinel2("A", bands), seed=1,
        imperfections=replace(Imperfections(), psf=psf),
    )  # fmt: skip
    swir, truth = hs.detector == 1, {}
    for key in ("hrhs_t1", "hrhs_t2"):
        cube = getattr(seen, key).copy()
        cube[swir] = gaussian_filter(cube[swir], SOFT, axes=(1, 2))
        truth[key] = cube
    stated = replace(hs, mtf=((0.3, 0.3), (mtf_swir, mtf_swir)))
    return replace(seen, hs=stated, psf=None, **truth)


def psnr(fused, scene):
    """Of X1 and X2."""
    pairs = (fused.hrhs_t1, scene.hrhs_t1), (fused.hrhs_t2, scene.hrhs_t2)
    return [metrics.psnr(estimate, truth, valid=fused.valid) for estimate, truth in pairs]


def test_a_swir_that_the_ms_sees_is_found_and_both_dates_gain():
    scene = soft_scene(S2_10)
    plain, told = stsf.fuse(scene), stsf.fuse(scene, softness="auto")
    found = told.report["softness"]["SWIR"]
    assert found["source"] == "found in the images"
    assert found["value"] == pytest.approx(SOFT, abs=0.02) and 0 < found["sigma"] < 0.02
    gains = np.subtract(psnr(told, scene), psnr(plain, scene))
    assert gains[0] > 6 and gains[1] > 4  # dB
    assert "softness" not in plain.report
    assert "SWIR: the product is softer than the MS by 0." in " ".join(told.report["found"])


def test_a_swir_that_no_ms_band_sees_is_as_its_table_says():
    width = np.sqrt(mtf_sigma(0.3, RATIO) ** 2 + MORE**2)
    stated = soft_scene(S2_4, float(np.exp(-((np.pi * width / RATIO) ** 2) / 2)))
    plain, told = stsf.fuse(stated), stsf.fuse(stated, softness="auto")
    found = told.report["softness"]["SWIR"]
    assert found["source"] == "from the MTF in the table of its sensor"
    assert found["value"] == pytest.approx(SOFT, abs=1e-3) and not found["told"]
    gains = np.subtract(psnr(told, stated), psnr(plain, stated))
    assert gains[0] > 2 and gains[1] > 0.3  # dB


def test_what_nobody_tells_is_said_and_changes_nothing(view):
    plain = stsf.fuse(view)
    told = stsf.fuse(view, softness="auto")
    np.testing.assert_array_equal(plain.hrhs_t2, told.hrhs_t2)
    assert told.report["found"][-1].startswith("SWIR") and "unknown" in told.report["found"][-1]


def fit(name, width, sigma):
    along = Estimate(width, sigma, True)
    return DetectorFit(name, Estimate(0.0), Estimate(0.0), along, along)


def test_widths_by_hand(view):
    """sqrt(2.5² - 1.5²) = 2, over the ratio of 3; the variance errs by 2.5 · 0.04 · sqrt(2)."""
    scene = replace(view, psf=(Psf(1.5, 1.5), Psf(2.5, 2.5)))
    found = product_softness(scene, "auto", [fit("VNIR", 1.5, 0.0), fit("SWIR", 2.5, 0.04)])
    assert found.values == pytest.approx((0.0, 2 / 3))
    assert found.found[1].sigma == pytest.approx(0.1 * np.sqrt(2) / (2 * 2 * 3))
    narrow = found.apply(scene).psf
    assert narrow[0] == scene.psf[0]
    assert narrow[1].sigma_y == pytest.approx(np.sqrt(2.5**2 - 4 / 9))


def test_a_difference_within_its_error_is_none(view):
    scene = replace(view, psf=(Psf(1.5, 1.5), Psf(1.52, 1.52)))
    found = product_softness(scene, "auto", [fit("VNIR", 1.5, 0.02), fit("SWIR", 1.52, 0.02)])
    assert found.values == (0.0, 0.0) and found.found[1].told


def test_no_psf_becomes_narrower_than_the_sharpest(view):
    scene = product_softness(view, (0.0, 0.8)).apply(view)
    assert [p.sigma_y for p in scene.psf] == pytest.approx([p.sigma_y for p in view.psf])


def test_only_the_ms_bands_of_a_soft_detector_are_softened(view):
    seen = product_softness(view, (0.5, 0.0)).seen(view)
    assert np.abs(seen.hrms_t2 - view.hrms_t2).max() > 0.01
    np.testing.assert_array_equal(
        product_softness(view, (0.0, 0.5)).seen(view).hrms_t2, view.hrms_t2
    )


@pytest.mark.parametrize("softness", ["soft", (0.5,), (0.0, -1.0), (0.0, np.nan)])
def test_what_is_no_softness_is_refused(view, softness):
    with pytest.raises(InputError, match="softness"):
        product_softness(view, softness)


def test_a_method_that_knows_none_is_refused(view):
    with pytest.raises(InputError, match="leave the softness out"):
        stsf.fuse(view, "projection", softness="auto")
