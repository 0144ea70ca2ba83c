"""One grid for three images: crops keep every sample, warps keep a ramp of the ground in place."""

from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.warp import transform as to_crs

from stsf.alignment.common_grid import common_grid
from stsf.alignment.placed import Placed
from stsf.errors import InputError

UTM, DEGREES = CRS.from_epsg(32633), CRS.from_epsg(4326)
M2 = Affine(10, 0, 465_000, 0, -10, 5_080_000)


def ground(x: np.ndarray, y: np.ndarray, bands: int) -> np.ndarray:
    """Plane of the map: what every image here shows, so that its place can be read off."""
    plane = 1e-4 * (x - 465_000) - 2e-4 * (y - 5_080_000) + 0.1
    return np.arange(1, bands + 1)[:, None, None] * plane


def image(transform: Affine, size: tuple[int, int], bands: int = 3, crs: CRS = UTM) -> Placed:
    """The ground at pixel centres."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
    a, b, c, d, e, f = transform[:6]
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    if crs != UTM:
        x, y = (np.reshape(v, size) for v in to_crs(crs, UTM, x.ravel(), y.ravel()))
    return Placed(ground(x, y, bands).astype(np.float32), transform, crs)


def right(found, bands: int = 5, inner: int = 2) -> None:
    """Every pixel holds the ground at its centre, up to the shift that is said.

    Within 0.06 MS pixels: GDAL's kernel for pixels that grow is not exact on a plane.
    """
    r, (dy, dx) = found.ratio, found.shift
    coarse = found.transform @ Affine.translation(dx, dy) @ Affine.scale(r)
    fine = image(found.transform, found.hrms_t2.shape[1:])
    wanted = image(coarse, found.lrhs_t1.shape[1:], bands).cube
    inside = np.s_[:, inner:-inner, inner:-inner]
    np.testing.assert_allclose(found.lrhs_t1[inside], wanted[inside], atol=6e-4)
    np.testing.assert_allclose(found.hrms_t1[inside], fine.cube[inside], atol=6e-4)
    np.testing.assert_allclose(found.hrms_t2[inside], fine.cube[inside], atol=6e-4)
    assert found.hrms_t2.shape[1:] == tuple(r * n for n in found.lrhs_t1.shape[1:])
    assert found.hrms_t1.shape == found.hrms_t2.shape


@pytest.mark.parametrize("r", [2, 3, 4, 10])
@pytest.mark.parametrize("off", [(0, 0), (-1, -2), (2, 1), (0.5, 0.0), (-0.4, 0.3)])
def test_pixels_of_a_whole_ratio_are_cropped_and_their_phase_is_said(
    r: int, off: tuple[float, float]
) -> None:
    m = image(M2, (12 * r, 11 * r))
    hs = image(M2 @ Affine.translation(*off[::-1]) @ Affine.scale(r), (13, 13), 5)
    found = common_grid(hs, m, m)
    assert found.ratio == r and set(found.lrhs_t1.ravel()) <= set(hs.cube.ravel())
    assert np.abs(np.subtract(found.shift, np.subtract(off, np.rint(off)))).max() < 1e-6
    right(found)


@pytest.mark.parametrize("gsd", [27.0, 30.5, 33.0])
@pytest.mark.parametrize("turn", [0.0, 7.0, 90.0, 180.0])
def test_other_pixels_and_turned_ones_are_warped(gsd: float, turn: float) -> None:
    m = image(M2, (90, 90))
    middle = M2 @ Affine.translation(45, 45) @ Affine.rotation(turn)
    hs = image(middle @ Affine.scale(gsd / 10) @ Affine.translation(-20, -20), (40, 40), 5)
    found = common_grid(hs, m, m)
    assert found.ratio == 3 and found.shift == (0.0, 0.0)
    right(found)


@pytest.mark.parametrize("which", ["hs", "m1"])
def test_degrees_are_warped_to_the_grid_of_m2(which: str) -> None:
    (west, east), (north, south) = to_crs(UTM, DEGREES, [464_900, 466_200], [5_080_100, 5_078_800])
    n = 43 if which == "hs" else 130
    degrees = Affine((east - west) / n, 0, west, 0, (south - north) / n, north)
    m, hs = image(M2, (90, 90)), image(M2 @ Affine.scale(3), (30, 30), 5)
    if which == "hs":
        found = common_grid(image(degrees, (n, n), 5, DEGREES), m, m)
    else:
        found = common_grid(hs, image(degrees, (n, n), 3, DEGREES), m)
    assert found.crs == UTM
    right(found, inner=4)


@pytest.mark.parametrize("off", [(3, -4), (0.5, 0.5), (-0.3, 7.2)])
def test_m1_of_another_extent_comes_onto_the_grid_of_m2(off: tuple[float, float]) -> None:
    hs, m2 = image(M2 @ Affine.scale(3), (30, 30), 5), image(M2, (90, 90))
    m1 = image(M2 @ Affine.translation(*off[::-1]), (95, 92))
    right(common_grid(hs, m1, m2))


def test_south_up_and_transposed_images_are_turned() -> None:
    m = image(M2, (60, 60))
    south_up = image(M2 @ Affine.translation(0, 60) @ Affine.scale(3, -3), (20, 20), 5)
    transposed = image(M2 @ Affine(0, 3, 0, 3, 0, 0), (20, 20), 5)
    for hs in (south_up, transposed):
        found = common_grid(hs, m, m)
        right(found)
        assert found.lrhs_t1.shape == (5, 20, 20)


@pytest.mark.parametrize("which", ["hs", "m1", "m2", "all"])
def test_ground_control_points_that_no_transform_fits(which: str) -> None:
    """A parabola along the rows; GDAL fits polynomials to the points."""

    def bent(transform: Affine, size: tuple[int, int], bands: int) -> Placed:
        rows, columns = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
        a, e, c, f = transform.a, transform.e, transform.c, transform.f

        def place(rows, columns):
            return a * columns + c, e * (rows + 1e-3 * rows**2) + f

        grid = [(i, j) for i in np.linspace(0, size[0], 6) for j in np.linspace(0, size[1], 6)]
        points = [GroundControlPoint(i, j, *place(i, j)) for i, j in grid]
        return Placed(ground(*place(rows, columns), bands), None, UTM, points)

    def either(name: str, transform: Affine, size: tuple[int, int], bands: int) -> Placed:
        return (bent if which in (name, "all") else image)(transform, size, bands)

    hs = either("hs", M2 @ Affine.scale(3), (30, 30), 5)
    m1, m2 = either("m1", M2, (90, 90), 3), either("m2", M2, (90, 90), 3)
    right(common_grid(hs, m1, m2), inner=6)


def test_what_one_image_does_not_say_is_taken_from_m2_and_told() -> None:
    m, hs = image(M2, (60, 60)), image(M2 @ Affine.scale(3), (20, 20), 5)
    for given, words in (
        (replace(hs, crs=None), "the HS names no CRS"),
        (replace(hs, transform=None, crs=None), "the HS has no georeference"),
    ):
        found = common_grid(given, m, m)
        assert any(words in line for line in found.done)
        right(found)
    bare = [replace(i, transform=None, crs=None) for i in (hs, m, image(M2, (62, 61)))]
    found = common_grid(*bare)
    assert found.transform is None and found.hrms_t2.shape == (3, 60, 60)
    np.testing.assert_array_equal(found.lrhs_t1, hs.cube)


def test_another_place_and_other_sizes_are_refused() -> None:
    m = image(M2, (60, 60))
    east = image(M2 @ Affine.translation(100, 0) @ Affine.scale(3), (20, 20), 5)
    with pytest.raises(InputError, match=r"share at least 2 HS pixels.*0 MS pixels down and 100"):
        common_grid(east, m, m)
    for factor in (1.2, 14):
        with pytest.raises(InputError, match=f"it spans {factor}"):
            common_grid(image(M2 @ Affine.scale(factor), (20, 20), 5), m, m)


def test_metres_in_a_file_that_says_degrees_are_refused() -> None:
    m, hs = image(M2, (60, 60)), image(M2 @ Affine.scale(3), (20, 20), 5)
    with pytest.raises(InputError, match=r"expected coordinates of EPSG:4326.*rio edit-info --crs"):
        common_grid(replace(hs, crs=CRS.from_epsg(4326)), m, m)


def test_pixels_without_data_stay_so() -> None:
    m, hs = image(M2, (60, 60)), image(M2 @ Affine.scale(3), (20, 20), 5)
    hs.cube[:, 4:6, 7] = np.nan
    found = common_grid(hs, replace(m, transform=M2 @ Affine.translation(-20.5, 0)), m)
    assert np.isnan(found.lrhs_t1).sum() == 5 * 2 and np.isfinite(found.hrms_t2).all()
    warped = common_grid(replace(hs, transform=hs.transform @ Affine.rotation(3.0)), m, m)
    assert np.isnan(warped.lrhs_t1).any() and np.nanmax(warped.lrhs_t1) < 2.0
