"""What `fuse` says of its product: gaps stay gaps, values that are no reflectance are counted."""

from dataclasses import replace

import numpy as np
import pytest

import stsf
from stsf.fusion import format_report
from stsf.metrics.consistency import residuals


@pytest.fixture(scope="module")
def cloudy(view):
    """A cloud of 40 pixels over M2 alone."""
    ms = view.hrms_t2.copy()
    ms[:, 10:15, 20:28] = np.nan
    return replace(view, hrms_t2=ms, valid_hr=None, valid_lr=None, hrhs_t1=None, hrhs_t2=None)


@pytest.mark.parametrize("method", ["dcstsf", "projection"])
def test_a_cloud_is_nodata_in_every_cube_of_the_result(cloudy, method):
    fused = stsf.fuse(cloudy, method, calibrate="none")
    cubes = [fused.hrhs_t1, fused.hrhs_t2]
    cubes += [] if fused.sigma_t2 is None else [fused.sigma_t2]
    for cube in cubes:
        missing = np.isnan(cube).any(axis=0)
        assert missing.sum() == 40 and missing[10:15, 20:28].all()
    found = residuals(cloudy, fused.hrhs_t1, fused.hrhs_t2)
    assert all(0 < value < 5 for value in found.values())


@pytest.mark.parametrize("method", ["dcstsf", "projection"])
def test_a_cloud_over_m2_leaves_x1_as_it_is(view, cloudy, method):
    """X1 is of Y1 and M1: what M1 shows beneath that cloud is not lost to its neighbours."""
    fused, clear = (stsf.fuse(scene, method, calibrate="none") for scene in (cloudy, view))
    expected = np.where(cloudy.valid_hr, clear.hrhs_t1, np.float32("nan"))
    np.testing.assert_array_equal(fused.hrhs_t1, expected)


@pytest.mark.parametrize("method", ["dcstsf", "projection"])
def test_what_stands_under_a_mask_reaches_no_estimate(view, method):
    """Numbers under a mask do what NaN there does: nothing, in any cube of the result."""
    bare = replace(view, hrhs_t1=None, hrhs_t2=None, valid_lr=None, valid_hr=None)
    cloud = np.ones(view.size, bool)
    cloud[: round(0.6 * len(cloud))] = False
    night = np.ones(view.lrhs_t1.shape[1:], bool)
    night[0, :4] = False
    garbage = {
        "hrms_t1": np.where(cloud, view.hrms_t1, np.float32(0.95)),
        "hrms_t2": np.where(cloud, view.hrms_t2, np.float32(0.1)),
        "lrhs_t1": np.where(night, view.lrhs_t1, np.float32(0.7)),
    }
    gaps = {
        key: np.where(night if key == "lrhs_t1" else cloud, cube, np.float32("nan"))
        for key, cube in garbage.items()
    }
    numbers = stsf.fuse(replace(bare, **garbage, valid_hr=cloud, valid_lr=night), method)
    nothing = stsf.fuse(replace(bare, **gaps), method)
    np.testing.assert_array_equal(numbers.hrhs_t1, nothing.hrhs_t1)
    np.testing.assert_array_equal(numbers.hrhs_t2, nothing.hrhs_t2)


def test_values_that_are_no_reflectance_are_counted(view):
    fused = stsf.fuse(view, calibrate="none")
    said = fused.report["outside"]
    for name, cube in (("X1", fused.hrhs_t1), ("X2", fused.hrhs_t2)):
        assert said[name]["below 0"] == pytest.approx((cube < 0).mean(), abs=1e-5)
        assert said[name]["above 1"] == pytest.approx((cube > 1).mean(), abs=1e-5)
    assert f"X2: {said['X2']['below 0']:.2%} below 0" in format_report(fused.report)
