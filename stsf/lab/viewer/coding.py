"""Cubes made small enough for a page: 16-bit counts, or coordinates on a plane of few axes.

A page that holds four cubes of 114 bands as they are weighs 40 MB. Their spectra lie close to a
plane (`stsf.sensing.subspace`), so the page holds coordinates instead, each axis with as many bits
as its spread needs, and says how far the worst value is off.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stsf.errors import InputError
from stsf.sensing.subspace import fit_subspace

EMPTY = -32768  # count of a value without data
STEP = 3e-4  # reflectance per count of a coordinate: adds about 2e-4 to the worst value
AXES = (8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 96, 128, 192, 256)  # sizes of the plane
FIT_PIXELS = 20_000  # spectra that decide where the plane lies


@dataclass(frozen=True, eq=False)
class Coded:
    """Cubes as coordinates: x = mean (L,) + sum over axes of step · count · basis.

    Attributes:
        mean: (L,) reflectance.
        basis: (k, L), rows orthonormal.
        step: (k,) reflectance per count.
        counts: name to k images (H, W), each int8 or int16.
        valid: name to (H, W), False where the cube has no data.
        max_error: largest difference of a decoded value to the cube's own.
        rms_error: root mean square of that difference.
    """

    mean: np.ndarray
    basis: np.ndarray
    step: np.ndarray
    counts: dict[str, list[np.ndarray]]
    valid: dict[str, np.ndarray]
    max_error: float
    rms_error: float

    def decode(self, name: str) -> np.ndarray:
        """The cube (L, H, W) float32 as a reader of the page gets it, NaN without data."""
        z = np.stack(self.counts[name]) * self.step[:, None, None]
        cube = np.tensordot(self.basis.T, z, axes=1) + self.mean[:, None, None]
        return np.where(self.valid[name], cube, np.nan).astype(np.float32)


def code(cubes: Mapping[str, np.ndarray], tolerance: float = 1e-3, budget: float = 6.2e6) -> Coded:
    """Coordinates of cubes that share their bands and grid, on one plane fitted to all of them.

    Args:
        cubes: name to (L, H, W); a pixel with a gap in any band counts as without data.
        tolerance: error that is small enough, reflectance.
        budget: bytes; larger planes are not tried once the counts need more.

    Returns:
        The smallest plane within the tolerance, else the largest within the budget; its error is
        measured, not estimated.

    Raises:
        InputError: fewer than two pixels with data.

    Example:
        >>> cube = np.random.default_rng(0).random((3, 8, 8)).astype(np.float32)
        >>> coded = code({"x": cube})
        >>> bool(np.abs(coded.decode("x") - cube).max() <= coded.max_error + 1e-7)
        True
    """
    valid = {name: np.isfinite(cube).all(axis=0) for name, cube in cubes.items()}
    rows = np.concatenate([cube[:, valid[name]].T for name, cube in cubes.items()])  # (n, L)
    if len(rows) < 2:
        raise InputError(f"expected at least two pixels with data, got {len(rows)}: check the mask")
    area = sum(mask.size for mask in valid.values())  # bytes of an axis, at least
    most = min(rows.shape[1], len(rows) - 1, max(AXES[0], int(budget) // area))
    plane = fit_subspace(rows[:: -(-len(rows) // FIT_PIXELS)], most)
    mean, basis = plane.mean.astype(np.float32), plane.basis.astype(np.float32)
    rows -= mean  # in place: the largest array here
    z = rows @ basis.T  # (n, most)
    step = np.maximum(STEP, np.abs(z).max(axis=0) / 32767).astype(np.float32)
    counts = np.rint(z / step)
    width = np.where(np.abs(counts).max(axis=0) <= 127, 1, 2)  # bytes
    size_of = area * np.cumsum(width)  # bytes, by size
    sizes = [k for k in AXES if k < most] + [most]
    sizes = [k for k in sizes if size_of[k - 1] <= budget] or sizes[:1]

    def errors(k: int) -> tuple[float, float]:
        return _errors(rows, counts[:, :k], basis[:k] * step[:k, None])

    small, large = 0, len(sizes) - 1
    best = errors(sizes[large])
    while small < large and best[0] <= tolerance:  # a smaller plane may do
        middle = (small + large) // 2
        tried = errors(sizes[middle])
        if tried[0] <= tolerance:
            best, large = tried, middle
        else:
            small = middle + 1
    k = sizes[large]
    images = _spread(counts[:, :k], width, valid)
    worst, rms = best[0], float(np.sqrt(best[1]))
    return Coded(mean, basis[:k], step[:k], images, valid, worst, rms)


def _errors(rows: np.ndarray, counts: np.ndarray, axes: np.ndarray) -> tuple[float, float]:
    """The largest and the mean square of rows - counts · axes, some rows at a time."""
    worst, total = 0.0, 0.0
    for at in range(0, len(rows), FIT_PIXELS):
        some = slice(at, at + FIT_PIXELS)
        off = rows[some] - counts[some] @ axes
        worst = max(worst, float(np.abs(off).max()))
        total += float(np.square(off, out=off).sum(dtype=np.float64))
    return worst, total / rows.size


def _spread(
    counts: np.ndarray, width: np.ndarray, valid: dict[str, np.ndarray]
) -> dict[str, list[np.ndarray]]:
    """Counts (n, k) of valid pixels, back to one image an axis; zero where there is no data."""
    images: dict[str, list[np.ndarray]] = {}
    start = 0
    for name, mask in valid.items():
        own = counts[start : start + mask.sum()]
        start += mask.sum()
        images[name] = []
        for axis, column in enumerate(own.T):
            image = np.zeros(mask.shape, np.int8 if width[axis] == 1 else np.int16)
            image[mask] = column
            images[name].append(image)
    return images


def count(cube: np.ndarray) -> tuple[np.ndarray, float]:
    """Reflectance as int16 counts and the reflectance of one count; `EMPTY` without data.

    Example:
        >>> counts, step = count(np.array([0.25, np.nan]))
        >>> counts.tolist(), step
        ([2500, -32768], 0.0001)
    """
    step = max(1e-4, float(np.nanmax(np.abs(cube), initial=0)) / 32767)
    counts = np.rint(cube / step)
    return np.where(np.isfinite(counts), counts, EMPTY).astype(np.int16), step


class Blob:
    """Arrays one behind the other in one string of base64, found again by their place."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, array: np.ndarray) -> dict[str, Any]:
        """Keep an array; returns its type, place and shape."""
        content = np.ascontiguousarray(array).tobytes()
        place = {"type": str(array.dtype), "at": self._size, "shape": list(array.shape)}
        padding = -len(content) % 8
        self._parts += [content, b"\0" * padding]
        self._size += len(content) + padding
        return place

    def text(self) -> str:
        """All of it, compressed by zlib, as base64."""
        return base64.b64encode(zlib.compress(b"".join(self._parts))).decode("ascii")
