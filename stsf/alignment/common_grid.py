"""Three images onto one grid: that of M2, and HS pixels of a whole number of its pixels.

What can be cropped is not resampled: an HS whose pixels span r x r pixels of M2 keeps its samples,
and where they lie between the pixels of M2 is said as a shift. Everything else (another CRS or
pixel size, rotation, ground control points, rational polynomials) is warped by GDAL, cubic.
Images without any georeference are taken to share their upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import calculate_default_transform

from stsf.alignment.placed import Placed, in_pixels_of, source, warped, window
from stsf.errors import InputError
from stsf.scene import FEWEST, RATIOS

NEAR = {1: 0.05, **dict.fromkeys(RATIOS, 0.25)}  # px of M2 within which pixels are cropped: M1, Y1


@dataclass(frozen=True, eq=False)
class Common:
    """Three images on one grid.

    Attributes:
        lrhs_t1: Y1, (L, h, w).
        hrms_t1: M1, (C, H, W), H = r·h and W = r·w; NaN where it does not reach.
        hrms_t2: M2, (C, H, W).
        ratio: r.
        transform: pixel to map coordinates of the fine grid, None if nothing says.
        crs: of the product.
        shift: (y, x) MS pixels by which the samples of Y1 lie off the middle of their r x r pixels.
        warped: whether Y1 or M1 was resampled.
        done: what was cropped, warped or taken for granted, in plain sentences.
    """

    lrhs_t1: np.ndarray
    hrms_t1: np.ndarray
    hrms_t2: np.ndarray
    ratio: int
    transform: Affine | None
    crs: CRS | None
    shift: tuple[float, float]
    warped: bool
    done: list[str]


def common_grid(hs: Placed, m1: Placed, m2: Placed) -> Common:
    """Crop and warp Y1 and M1 onto the grid of M2, where all three have pixels.

    Raises:
        InputError: no common ground, or pixel sizes whose ratio is none of `RATIOS`.

    Example:
        >>> fine = Affine(10, 0, 0, 0, -10, 200)
        >>> coarse = fine @ Affine.translation(-2, -2) @ Affine.scale(3)  # reaches beyond the MS
        >>> m = Placed(np.zeros((4, 20, 20)), fine)
        >>> found = common_grid(Placed(np.zeros((9, 8, 8)), coarse), m, m)
        >>> found.ratio, found.lrhs_t1.shape, found.hrms_t2.shape
        (3, (9, 6, 6), (4, 18, 18))
        >>> tuple(found.transform)[:6]  # the crop begins one MS pixel down and right
        (10.0, 0.0, 10.0, 0.0, -10.0, 190.0)
    """
    done: list[str] = []
    m2 = _regular(m2, done)
    hs, m1 = (
        _assumed(image, m2, name, done) for name, image in (("the HS", hs), ("the MS of t1", m1))
    )
    at_hs, at_m1 = (_grid_points(image, m2) for image in (hs, m1))
    r = _ratio(hs, at_hs)
    begins, off = _lattice(at_hs, hs, r)
    # the window that both MS reach, in pixels of M2
    low = np.maximum(at_m1.min(axis=0), 0.0)
    high = np.minimum(at_m1.max(axis=0), m2.cube.shape[1:])
    if off < NEAR[r]:  # whole HS pixels in it: cropped
        whole, slack = np.rint(begins), 0.5 / r
        first = np.maximum(np.ceil((low - whole) / r - slack), 0).astype(int)
        last = np.minimum(np.floor((high - whole) / r + slack), hs.cube.shape[1:]).astype(int)
        start, count, shift = whole.astype(int) + r * first, last - first, begins - whole
    else:  # new HS pixels, from its first pixel of M2 on: warped
        low, high = np.maximum(low, at_hs.min(axis=0)), np.minimum(high, at_hs.max(axis=0))
        start = np.ceil(low - 0.5).astype(int)
        count, shift = np.floor((high - start + 0.5) / r).astype(int), np.zeros(2)
    if (count < FEWEST).any():
        raise InputError(_nothing_shared(hs, m2, at_hs))
    fine = m2.transform and m2.transform @ Affine.translation(*start[::-1])
    target = replace(m2, cube=window(m2.cube, start, r * count), transform=fine)
    if off < NEAR[r]:
        y1 = window(hs.cube, first, count)
        _say_cropped("the HS", y1, hs.cube, done)
    else:
        y1 = warped(hs, target, r)
        done.append(f"the HS was warped onto pixels of {r} x {r} MS pixels")
    if np.abs(shift).max() > 0.01:
        done.append(f"the HS lies ({shift[0]:.2f}, {shift[1]:.2f}) MS pixels off (down, right)")
    m1_there = _on_fine_grid(m1, at_m1, target, start, done)
    _say_cropped("the MS of t2", target.cube, m2.cube, done)
    resampled = any("was warped" in line for line in done)
    off_centre = float(shift[0]), float(shift[1])
    return Common(y1, m1_there, target.cube, r, fine, m2.crs, off_centre, resampled, done)


def _regular(m2: Placed, done: list[str]) -> Placed:
    """M2 on a grid of its own pixels; one that only control points place is warped to north up."""
    if m2.control is None:
        return m2
    x, y = m2.to_map(*(np.array([n / 2.0]) for n in m2.cube.shape[1:]))
    crs = target = m2.crs or CRS.from_epsg(4326)
    if crs.is_geographic:  # square pixels: the zone of UTM
        target = CRS.from_epsg((32600 if y[0] >= 0 else 32700) + int((x[0] + 180) // 6) % 60 + 1)
    rows, columns = m2.cube.shape[1:]
    transform, width, height = calculate_default_transform(crs, target, columns, rows, **source(m2))
    done.append(f"the MS of t2 was warped from its control points to {target.to_string()}")
    grid = Placed(np.empty((0, height, width)), transform, target)
    return replace(grid, cube=warped(m2, grid, 1))


def _assumed(image: Placed, m2: Placed, name: str, done: list[str]) -> Placed:
    """What an image does not say of its place, from M2."""
    if not image.located:
        if m2.transform is not None:
            done.append(f"{name} has no georeference: taken to cover the extent of the MS of t2")
        ratio = np.rint(np.divide(m2.cube.shape[1:], image.cube.shape[1:])).clip(1)
        transform = (m2.transform or Affine.identity()) @ Affine.scale(ratio[1], ratio[0])
        return replace(image, transform=transform, crs=m2.crs)
    if m2.transform is None:
        raise InputError(
            f"expected a georeference in the MS of t2, as {name} has one, found none: give it "
            "the CRS and transform of that date's product, or take them from none of the images"
        )
    if image.crs is None and m2.crs is not None:
        done.append(f"{name} names no CRS: taken to have that of the MS of t2")
    return replace(image, crs=image.crs or m2.crs)


def _grid_points(image: Placed, m2: Placed) -> np.ndarray:
    """(9, 2) rows and columns of M2 at corners, edges and middle of an image."""
    steps = (np.linspace(0, n, 3) for n in image.cube.shape[1:])
    rows, columns = (axis.ravel() for axis in np.meshgrid(*steps, indexing="ij"))
    return in_pixels_of(m2, image, rows, columns)


def _ratio(hs: Placed, points: np.ndarray) -> int:
    """Whole number of MS pixels along an HS pixel, from the area that nine points span."""
    height, width = hs.cube.shape[1:]
    down = (points[7] - points[1]) / height
    across = (points[5] - points[3]) / width
    exact = float(np.sqrt(abs(down[0] * across[1] - down[1] * across[0])))
    if round(exact) not in RATIOS:
        raise InputError(
            f"one HS pixel must span a whole number of MS pixels from {RATIOS[0]} to {RATIOS[-1]}, "
            f"it spans {exact:.3g}: choose a finer or coarser MS, or name the images the other way "
            "round if they are swapped"
        )
    return round(exact)


def _lattice(points: np.ndarray, image: Placed, r: int) -> tuple[np.ndarray, float]:
    """Where pixel (0, 0) begins if the pixels are r x r of M2's, and how far they are from that."""
    steps = (np.linspace(0, n, 3) for n in image.cube.shape[1:])
    regular = r * np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 2)
    start = (points - regular).mean(axis=0)
    return start, float(np.abs(points - regular - start).max())


def _on_fine_grid(
    m1: Placed, at_m1: np.ndarray, target: Placed, start: np.ndarray, done: list[str]
) -> np.ndarray:
    """M1 on the window of M2 that begins at `start`: cropped, or warped where pixels differ."""
    begins, off = _lattice(at_m1, m1, 1)
    whole = np.rint(begins)
    if off < NEAR[1] and np.abs(begins - whole).max() < NEAR[1]:
        cube = window(m1.cube, start - whole.astype(int), np.array(target.cube.shape[1:]))
        _say_cropped("the MS of t1", cube, m1.cube, done)
        return cube
    done.append("the MS of t1 was warped onto the grid of the MS of t2")
    return warped(m1, target, 1)


def _say_cropped(name: str, new: np.ndarray, old: np.ndarray, done: list[str]) -> None:
    if new.shape != old.shape:
        (h, w), (H, W) = new.shape[1:], old.shape[1:]
        done.append(f"{name} was cropped from {H} x {W} to {h} x {w} pixels")


def _nothing_shared(hs: Placed, m2: Placed, points: np.ndarray) -> str:
    middle = points[4] - np.array(m2.cube.shape[1:]) / 2
    systems = f" ({hs.crs} against {m2.crs})" if hs.crs != m2.crs else ""
    return (
        f"expected images that share at least {FEWEST} HS pixels along each side, the HS lies "
        f"{middle[0]:.0f} MS pixels down and {middle[1]:.0f} right of the MS{systems}: choose "
        "images of one place"
    )
