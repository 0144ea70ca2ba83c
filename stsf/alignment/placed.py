"""A cube and where it lies; cut, or warped onto another grid, at once or window by window.

A cube that does not fit in memory is `Later`: its pixels are read, or warped from what is read,
when a part of them is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.rpc import RPC
from rasterio.transform import GCPTransformer, RPCTransformer
from rasterio.warp import Resampling, reproject
from rasterio.warp import transform as to_crs

from stsf.errors import InputError

PLANE = CRS.from_epsg(3857)  # stands for a plane that nobody named: equal on both sides of a warp
MESH = (
    32  # px between points of an image whose place on a grid is computed to find what a part needs
)
KERNEL = 4  # px that a cubic kernel needs beyond a part, for pixels that do not grow
Control: TypeAlias = Sequence[GroundControlPoint] | RPC
Part: TypeAlias = tuple[slice, slice]  # rows and columns


class Later:
    """A cube (band, y, x) of which a part is computed when it is asked for.

    Example:
        >>> cube = Later((2, 40, 50), lambda part: np.ones((2, 3, 4), np.float32))
        >>> cube.shape, cube[:, 10:13, 20:24].shape
        ((2, 40, 50), (2, 3, 4))
    """

    def __init__(self, shape: tuple[int, int, int], read: Callable[[Part], np.ndarray]) -> None:
        self.shape, self._read = shape, read

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: tuple[slice, slice, slice]) -> np.ndarray:
        rows, columns = (slice(*s.indices(n)[:2]) for s, n in zip(index[1:], self.shape[1:]))
        size = rows.stop - rows.start, columns.stop - columns.start
        if min(size) <= 0:
            return np.empty((self.shape[0], max(0, size[0]), max(0, size[1])), np.float32)
        return self._read((rows, columns))


@dataclass(frozen=True, eq=False)
class Placed:
    """A cube and where it lies.

    Attributes:
        cube: (band, y, x), NaN where there is no data.
        transform: pixel to map coordinates, or None.
        crs: of these map coordinates, or None.
        control: points or polynomials in place of a transform that would not be exact.
    """

    cube: np.ndarray
    transform: Affine | None = None
    crs: CRS | None = None
    control: Control | None = None

    @property
    def located(self) -> bool:
        """Whether anything says where it lies."""
        return self.transform is not None or self.control is not None

    def to_map(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map coordinates x, y of points; pixel (0, 0) reaches from (0, 0) to (1, 1)."""
        if self.control is None:
            return moved(self.transform or Affine.identity(), columns, rows)
        kind = RPCTransformer if isinstance(self.control, RPC) else GCPTransformer
        with kind(self.control) as transformer:
            x, y = transformer.xy(rows, columns, offset="ul")
        return np.asarray(x), np.asarray(y)

    def part(self, rows: slice, columns: slice) -> Placed:
        """A window, in its place, with its pixels."""
        cube, down, right = self.cube[:, rows, columns], rows.start, columns.start
        if self.control is None:
            whole = self.transform or Affine.identity()
            return replace(self, cube=cube, transform=whole @ Affine.translation(right, down))
        if isinstance(self.control, RPC):
            rpc = copy(self.control)
            rpc.line_off, rpc.samp_off = rpc.line_off - down, rpc.samp_off - right
            return replace(self, cube=cube, control=rpc)
        points = [
            GroundControlPoint(g.row - down, g.col - right, g.x, g.y, g.z) for g in self.control
        ]
        return replace(self, cube=cube, control=points)


def moved(transform: Affine, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points through a transform."""
    a, b, c, d, e, f = transform[:6]
    return a * x + b * y + c, d * x + e * y + f


def in_pixels_of(m2: Placed, image: Placed, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(n, 2) rows and columns of the grid of `m2` at points of an image."""
    x, y = image.to_map(rows, columns)
    if image.crs and m2.crs and image.crs != m2.crs:
        try:
            x, y = to_crs(image.crs, m2.crs, x, y)
        except CRSError as error:
            raise InputError(
                f"expected coordinate systems that can be told in one another, got {image.crs} "
                f"and {m2.crs}: name their EPSG codes in the files"
            ) from error
        except CPLE_BaseError as error:  # of GDAL itself: no such place in that system
            raise InputError(
                f"expected coordinates of {image.crs} in the file that names it, got x "
                f"{np.ravel(x)[0]:.6g}, y {np.ravel(y)[0]:.6g} ({error}): name the system in "
                "which they are, as with rio edit-info --crs EPSG:code"
            ) from error
    across, down = moved(~(m2.transform or Affine.identity()), np.asarray(x), np.asarray(y))
    points = np.stack([down, across], axis=1)
    if not np.isfinite(points).all():
        raise InputError(
            f"expected images of one place, parts of one cannot be told in {m2.crs}: check their "
            "georeferences"
        )
    return points


def window(cube: np.ndarray, start: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Part of a cube, NaN beyond its border.

    Example:
        >>> window(np.ones((1, 2, 3)), np.array([0, 1]), np.array([2, 3]))[0]
        array([[ 1.,  1., nan],
               [ 1.,  1., nan]], dtype=float32)
    """
    if isinstance(cube, Later):
        return _later(cube, size, lambda part: _cut(cube, start + _first(part), _size(part)))
    return _cut(cube, start, size)


def _cut(cube: np.ndarray, start: np.ndarray, size: np.ndarray) -> np.ndarray:
    stop, whole = start + size, np.array(cube.shape[1:])
    inner = [slice(max(0, a), max(0, min(b, n))) for a, b, n in zip(start, stop, whole)]
    pads = [(max(0, -a), max(0, b - max(n, a))) for a, b, n in zip(start, stop, whole)]
    part = cube[:, inner[0], inner[1]]
    if not np.any(pads):
        return part
    return np.pad(part.astype(np.float32), ((0, 0), *pads), constant_values=np.nan)


def warped(image: Placed, target: Placed, r: int) -> np.ndarray:
    """The image on the pixels of `target`, or on areas of r x r of them; NaN beyond its border."""
    size = np.array(target.cube.shape[1:]) // r
    crs = target.crs or PLANE
    onto = (target.transform or Affine.identity()) @ Affine.scale(r)
    image = replace(image, crs=image.crs or crs)
    if not isinstance(image.cube, Later):
        return _warped(image, onto, crs, size)
    # a part at a time, each from what it needs
    mesh = _Mesh.of(image, Placed(np.empty((0, *size)), onto, crs))

    def read(part: Part) -> np.ndarray:
        first, here = _first(part), _size(part)
        needed = mesh.needed(first, here)
        if needed is None:
            return np.full((len(image.cube), *here), np.nan, np.float32)
        there = onto @ Affine.translation(first[1], first[0])
        scale = {} if (here == size).all() else mesh.scale  # GDAL's own is that of the part
        return _warped(image.part(*needed), there, crs, here, **scale)

    return _later(image.cube, size, read)


def _warped(image: Placed, onto: Affine, crs: CRS, size: np.ndarray, **scale: float) -> np.ndarray:
    out = np.full((len(image.cube), *size), np.nan, np.float32)
    cube = np.ascontiguousarray(image.cube, dtype=np.float32)
    grids: dict[str, Any] = {"src_crs": image.crs, "dst_crs": crs, "dst_transform": onto}
    grids |= {"src_nodata": np.nan, "dst_nodata": np.nan, **source(image), **scale}
    reproject(cube, out, resampling=Resampling.cubic, tolerance=0.0, **grids)
    return out


def source(image: Placed) -> dict[str, Any]:
    """Where an image lies, as rasterio's warper asks for it."""
    if isinstance(image.control, RPC):
        return {"rpcs": image.control}
    if image.control is not None:  # points without a height have height 0
        return {
            "gcps": [GroundControlPoint(g.row, g.col, g.x, g.y, g.z or 0.0) for g in image.control]
        }
    return {"src_transform": image.transform or Affine.identity()}


@dataclass(frozen=True, eq=False)
class _Mesh:
    """Where points of an image fall on a grid.

    Attributes:
        rows: (m,) of the image.
        columns: (n,) likewise.
        at: (m, n, 2) row and column of the grid.
    """

    rows: np.ndarray
    columns: np.ndarray
    at: np.ndarray

    @classmethod
    def of(cls, image: Placed, grid: Placed) -> _Mesh:
        rows, columns = (
            np.unique(np.append(np.arange(0, n, MESH), n)) * 1.0 for n in image.cube.shape[1:]
        )
        points = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
        at = in_pixels_of(grid, image, *points).reshape(len(rows), len(columns), 2)
        return cls(rows, columns, at)

    @property
    def scale(self) -> dict[str, float]:
        """Pixels of the grid along one of the image, on the whole: for one kernel everywhere."""
        down = np.median(np.diff(self.at, axis=0) / np.diff(self.rows)[:, None, None], axis=(0, 1))
        across = np.median(np.diff(self.at, axis=1) / np.diff(self.columns)[:, None], axis=(0, 1))
        return {"XSCALE": float(np.hypot(*across)), "YSCALE": float(np.hypot(*down))}

    def needed(self, first: np.ndarray, size: np.ndarray) -> Part | None:
        """Rows and columns of the image that a part of the grid is made of, if any."""
        # cells of the mesh whose corners enclose some of the part
        cells = [self.at[i : len(self.at) - 1 + i, j : self.at.shape[1] - 1 + j]
                 for i in (0, 1) for j in (0, 1)]  # fmt: skip
        low, high = np.min(cells, axis=0), np.max(cells, axis=0)
        scale = min(1.0, *self.scale.values())
        reach = KERNEL  # px of the grid: a kernel is that wide in the larger of both pixels
        met = ((low <= first + size + reach) & (high >= first - reach)).all(axis=2)
        if not met.any():
            return None
        more = int(np.ceil(KERNEL / scale))
        slices = []
        for axis, nodes in ((1, self.rows), (0, self.columns)):
            hit = np.flatnonzero(met.any(axis=axis))
            start, stop = int(nodes[hit[0]]) - more, int(nodes[hit[-1] + 1]) + more
            slices.append(slice(max(0, start), min(int(nodes[-1]), stop)))
        return slices[0], slices[1]


def _later(cube: Later, size: np.ndarray, read: Callable[[Part], np.ndarray]) -> Any:
    return Later((len(cube), int(size[0]), int(size[1])), read)


def _first(part: Part) -> np.ndarray:
    return np.array([s.start for s in part])


def _size(part: Part) -> np.ndarray:
    return np.array([s.stop - s.start for s in part])
