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


def test_values_that_are_no_reflectance_are_counted(view):
    fused = stsf.fuse(view, calibrate="none")
    said = fused.report["outside"]
    for name, cube in (("X1", fused.hrhs_t1), ("X2", fused.hrhs_t2)):
        assert said[name]["below 0"] == pytest.approx((cube < 0).mean(), abs=1e-5)
        assert said[name]["above 1"] == pytest.approx((cube > 1).mean(), abs=1e-5)
    assert f"X2: {said['X2']['below 0']:.2%} below 0" in format_report(fused.report)
