"""What a page holds of a scene: a part of it, as fine as a page can bear, with all its bands.

A small scene is held pixel by pixel. Of a large one the page gets a look: every pixel of it is the
mean of step x step pixels, `step` a power of two as the overviews of a file are.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, lcm, log2
from typing import Any

import numpy as np

from stsf.files.imagefile import Part
from stsf.lab.viewer.coding import Blob, Coded, code, count
from stsf.lab.viewer.layers import Layers

MOST_PIXELS = 600 * 600  # of a scene that a page holds pixel by pixel
LOOK_PIXELS = 256 * 256  # of a look: as many as a pane has on the screen
LOOK_BUDGET = 3e6  # bytes for the cubes of a look
SIGMA_BUDGET = 5e5  # bytes for the uncertainty


@dataclass(frozen=True, eq=False)
class Look:
    """Cubes of one part of a scene.

    Attributes:
        part: rows and columns of the product grid.
        exact: the whole scene pixel by pixel, so that nobody need ask for more.
        step: pixels of the product grid that one pixel here is the mean of, along each side.
        shape: (h, w) pixels here.
        cubes: key to (L, h, w), coarser ones on their own grid; NaN where there is no data.
        change: (h, w) true codes, if known.
        own: (h, w) images of one's own, in the order of the layers.
    """

    part: Part
    exact: bool
    step: int
    shape: tuple[int, int]
    cubes: dict[str, np.ndarray]
    change: np.ndarray | None
    own: list[np.ndarray]


def look_at(layers: Layers, part: Part | None = None) -> Look:
    """Look at a part of a scene, widened to whole pixels of the look and of the HS.

    Args:
        layers: the scene.
        part: rows and columns of the product grid; by default all, of a small scene pixel by pixel.

    Example:
        >>> from stsf.files.datasets import load_sample
        >>> from stsf.lab.viewer.layers import of_scene
        >>> found = look_at(of_scene(load_sample()))
        >>> found.step, found.shape, found.cubes["lrhs_t1"].shape
        (1, (180, 180), (114, 60, 60))
    """
    rows, columns = part or tuple(slice(0, n) for n in layers.size)
    most, step = MOST_PIXELS if part is None else LOOK_PIXELS, 1
    # as coarse as needed, on whole pixels of all images
    ratio = layers.ratio("lrhs_t1")
    while np.prod(_shape(rows, columns, step)) > most:
        step, most = 2 * step, LOOK_PIXELS
    grid = lcm(step, ratio)
    rows, columns = (
        slice(s.start // grid * grid, min(n, -(-s.stop // grid) * grid))
        for s, n in zip((rows, columns), layers.size)
    )
    shape = _shape(rows, columns, step)
    # from each file what its overviews give
    cubes = {}
    for key in layers.cubes:
        r = layers.ratio(key)
        own = slice(rows.start // r, rows.stop // r), slice(columns.start // r, columns.stop // r)
        cubes[key] = layers.read(key, own, _shape(*own, _overview(step / r)))
    change = None
    if layers.change is not None:
        change = layers.change.read((rows, columns), shape)[0].astype(np.uint8)
    images = [layer.read((rows, columns), shape)[0] for layer in layers.own.values()]
    return Look((rows, columns), part is None and step == 1, step, shape, cubes, change, images)


def _shape(rows: slice, columns: slice, step: int) -> tuple[int, int]:
    return max(1, (rows.stop - rows.start) // step), max(1, (columns.stop - columns.start) // step)


def _overview(step: float) -> int:
    """The power of two that is at least a step: an overview, ready in a file."""
    return 1 << max(0, ceil(log2(step)))


def pack(look: Look, blob: Blob) -> tuple[dict[str, Any], Coded | None]:
    """A look as the page reads it: plain values that say where in the blob its arrays are.

    The observations of a scene held pixel by pixel are 16-bit counts. Other HS cubes are
    coordinates on a plane, and so is everything HS in a look at a large scene, whose spectra come
    from the files.
    """
    planar = {
        key: cube
        for key, cube in look.cubes.items()
        if key.startswith(("hrhs", "truth")) or (not look.exact and key == "lrhs_t1")
    }
    coded = None
    sources: dict[str, dict[str, Any]] = {}
    planes: list[dict[str, Any]] = []
    if planar:
        coded = code(planar) if look.exact else code(planar, budget=LOOK_BUDGET)
        sources |= _add(coded, planes, blob)
    if "sigma_t2" in look.cubes:
        sigma = {"sigma_t2": look.cubes["sigma_t2"]}
        sources |= _add(code(sigma, budget=SIGMA_BUDGET), planes, blob)
    for key, cube in look.cubes.items():
        if key not in sources:
            counts, step = count(cube)
            sources[key] = {"counts": blob.add(counts), "step": step}
        sources[key]["shape"] = list(cube.shape[1:])
    rows, columns = look.part
    return {
        "top": rows.start,
        "left": columns.start,
        "height": rows.stop - rows.start,
        "width": columns.stop - columns.start,
        "step": look.step,
        "shape": list(look.shape),
        "sources": sources,
        "planes": planes,
        "change": None if look.change is None else blob.add(look.change),
        "layers": [blob.add(image.astype(np.float32)) for image in look.own],
    }, coded


def _add(coded: Coded, planes: list[dict[str, Any]], blob: Blob) -> dict[str, dict[str, Any]]:
    """Keep a plane and the coordinates of its cubes; the sources by key."""
    mean, basis = coded.mean.astype(np.float32), coded.basis.astype(np.float32)
    parts = {"mean": mean, "basis": basis, "step": coded.step}
    planes.append({name: blob.add(array) for name, array in parts.items()})
    return {
        key: {
            "axes": [blob.add(axis) for axis in axes],
            "valid": blob.add(coded.valid[key].astype(np.uint8)),
            "plane": len(planes) - 1,
        }
        for key, axes in coded.counts.items()
    }
