"""What the viewer looks at: the cubes of a scene, in memory or on disk, of which it reads parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Protocol, cast

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from stsf.errors import InputError
from stsf.files.imagefile import Part
from stsf.files.values import averaged
from stsf.inspection import Pixels, mean_spread
from stsf.scene import Scene, check_grids
from stsf.sensing.bands import Sensor
from stsf.sensing.subspace import band_quality

FUSED = ("hrhs_t1", "hrhs_t2", "sigma_t2")
TRUTH = {"truth_t1": "hrhs_t1", "truth_t2": "hrhs_t2"}  # key here -> in a scene
Spectra = dict[str, tuple[np.ndarray, np.ndarray, int]]  # mean, spread and pixels by source


class Layer(Protocol):
    """A cube (band, y, x) of which parts can be read: `ImageFile`, or `Cube` in memory."""

    shape: tuple[int, int, int]

    def read(self, part: Part | None = None, shape: tuple[int, int] | None = None) -> np.ndarray:
        """(band, h, w) of a part, averaged onto `shape`, NaN where there is no data."""


class Cube:
    """A cube in memory, read as a file is.

    Attributes:
        shape: (band, y, x).
    """

    def __init__(self, cube: np.ndarray, valid: np.ndarray | None = None) -> None:
        """Keep a cube, and a mask (y, x) that is False where it has no data."""
        self.shape: tuple[int, int, int] = cube.shape
        self._cube = cube
        self._valid = None if valid is None or valid.all() else valid

    def read(self, part: Part | None = None, shape: tuple[int, int] | None = None) -> np.ndarray:
        """See `Layer`; codes (uint8) are picked, not averaged."""
        place = (slice(None), *(part or (slice(None), slice(None))))
        cube = self._cube[place]
        if self._valid is not None:
            cube = np.where(self._valid[place[1:]], cube, np.nan)
        if shape is None or shape == cube.shape[1:]:
            return cube
        rows, columns = (np.arange(n) * size // n for n, size in zip(shape, cube.shape[1:]))
        return averaged(cube, rows, columns, pick=cube.dtype == np.uint8)


class Crop:
    """A part of a layer, read as a whole one is.

    Attributes:
        shape: (band, y, x).
    """

    def __init__(self, layer: Layer, part: Part) -> None:
        """Keep a layer and the rows and columns that count."""
        rows, columns = part
        self.shape = (layer.shape[0], rows.stop - rows.start, columns.stop - columns.start)
        self._layer, self._corner = layer, (rows.start, columns.start)

    def read(self, part: Part | None = None, shape: tuple[int, int] | None = None) -> np.ndarray:
        """See `Layer`."""
        part = part or (slice(0, self.shape[1]), slice(0, self.shape[2]))
        rows, columns = (slice(c + s.start, c + s.stop) for c, s in zip(self._corner, part))
        return self._layer.read((rows, columns), shape)


@dataclass(frozen=True, eq=False)
class Layers:
    """The cubes of one scene, by key of `stsf.plots.colour.SOURCE_STYLE` and `sigma_t2`.

    Attributes:
        cubes: those that there are.
        bands: key to the bands shown, (L,) mask of the cube's own; HS bands that hold residue of
            the atmospheric correction would rule planes and axes.
        hs: sensor of the HS bands shown.
        ms: sensor of the MS bands.
        size: (H, W) of the product grid.
        change: true codes, if known.
        own: images of one's own on the product grid, by name; of each the first band is shown.
        explained: share of each HS band's variance that the MS explains at t1, if a result says.
        dropped: HS bands left out.
        crs: coordinate reference system, if any.
        transform: pixel to map coordinates, if any.
        dates: ISO dates of Y1, M1 and M2, if known.
        name: shown in the title.
    """

    cubes: Mapping[str, Layer]
    bands: Mapping[str, np.ndarray]
    hs: Sensor
    ms: Sensor
    size: tuple[int, int]
    change: Layer | None = None
    own: Mapping[str, Layer] = field(default_factory=dict)
    explained: np.ndarray | None = None
    dropped: int = 0
    crs: CRS | None = None
    transform: Affine | None = None
    dates: tuple[str, str, str] | None = None
    name: str = ""

    def ratio(self, key: str) -> int:
        """Pixels of the product grid along one side of a pixel of this cube."""
        return self.size[0] // self.cubes[key].shape[1]

    def read(
        self, key: str, part: Part | None = None, shape: tuple[int, int] | None = None
    ) -> np.ndarray:
        """The bands shown of a part given in pixels of the cube's own grid."""
        cube, bands = self.cubes[key].read(part, shape), self.bands[key]
        return cube if bands.all() else cube[bands]

    def crop(self, rows: slice, columns: slice) -> Layers:
        """A window given in pixels of the observed HS; nothing is read yet."""
        r = self.ratio("lrhs_t1")
        fine = slice(rows.start * r, rows.stop * r), slice(columns.start * r, columns.stop * r)
        coarse = (rows, columns)
        cubes = {k: Crop(c, fine if self.ratio(k) == 1 else coarse) for k, c in self.cubes.items()}
        corner = Affine.translation(fine[1].start, fine[0].start)
        return replace(
            self,
            cubes=cubes,
            change=self.change and Crop(self.change, fine),
            own={name: Crop(layer, fine) for name, layer in self.own.items()},
            size=(fine[0].stop - fine[0].start, fine[1].stop - fine[1].start),
            transform=self.transform and self.transform @ corner,
        )

    def spectra(self, pixels: Pixels) -> Spectra:
        """Mean, spread and pixel count of every source over some pixels of the product grid.

        Of the observed HS the low-resolution pixels that contain them are taken, each once. Only
        the rectangle around the pixels is read.

        Args:
            pixels: rows and columns, from `window_pixels` or `polygon_pixels`.

        Example:
            >>> from stsf.files.datasets import load_sample
            >>> from stsf.inspection import window_pixels
            >>> found = of_scene(load_sample()).spectra(window_pixels((4, 4), 3, (180, 180)))
            >>> {key: count for key, (_, _, count) in found.items()}
            {'lrhs_t1': 1, 'hrms_t1': 9, 'hrms_t2': 9, 'truth_t1': 9, 'truth_t2': 9}
        """
        spectra = {}
        for key in self.cubes:
            own = np.unique(np.stack(pixels) // self.ratio(key), axis=1)
            first, last = own.min(axis=1), own.max(axis=1) + 1
            part = slice(first[0], last[0]), slice(first[1], last[1])
            rows, columns = own - first[:, None]
            spectra[key] = mean_spread(self.read(key, part)[:, rows, columns].T)
        return spectra

    def codes(self, pixels: Pixels) -> np.ndarray | None:
        """The true change codes that occur in some pixels."""
        if self.change is None:
            return None
        (top, left), (low, right) = ([axis.min() for axis in pixels], [a.max() for a in pixels])
        area = self.change.read((slice(top, low + 1), slice(left, right + 1)))[0]
        return np.unique(area[pixels[0] - top, pixels[1] - left])


def coarse_pixels(size: tuple[int, int], ratio: int, square: tuple[int, int, int]) -> Part:
    """The HS pixels that a square of MS pixels touches.

    Args:
        size: (H, W) of the scene, MS pixels.
        ratio: HS to MS pixel size.
        square: first row, first column and side, MS pixels; what reaches beyond is cut.

    Raises:
        InputError: a square that begins outside.

    Example:
        >>> coarse_pixels((60, 90), 3, (10, 0, 20))
        (slice(3, 10, None), slice(0, 7, None))
    """
    top, left, side = square
    if not (0 <= top < size[0] and 0 <= left < size[1] and side > 0):
        raise InputError(f"expected a part that begins within {size}, got {square}: move it")
    rows, columns = (
        slice(start // ratio, -(-min(n, start + side) // ratio))
        for n, start in zip(size, (top, left))
    )
    return rows, columns


def of_scene(scene: Scene, fused: Any = None) -> Layers:
    """The layers of a scene in memory; see `stsf.lab.viewer.viewer.explore`."""
    cubes: dict[str, Layer] = {"lrhs_t1": Cube(scene.lrhs_t1, scene.valid_lr)}
    cubes |= {key: Cube(getattr(scene, key), scene.valid_hr) for key in ("hrms_t1", "hrms_t2")}
    truth = {key: getattr(scene, name) for key, name in TRUTH.items()}
    cubes |= {key: Cube(cube, scene.valid_hr) for key, cube in truth.items() if cube is not None}
    facts = SimpleNamespace(
        hs=scene.hs,
        ms=scene.ms,
        size=scene.size,
        crs=scene.crs,
        transform=scene.transform,
        dates=scene.dates,
        name=scene.name,
        valid=scene.valid_hr,
        change=None if scene.change is None else Cube(scene.change[None]),
    )
    return with_fused(facts, cubes, fused)


def with_fused(facts: SimpleNamespace, cubes: dict[str, Layer], fused: Any) -> Layers:
    """Add the fused cubes, and leave out the HS bands that are bad.

    Args:
        facts: attributes of `Layers`, and `valid` (H, W).
        cubes: the observed ones and the truth.
        fused: a result of `stsf.fuse`, or anything with some of its attributes, arrays or layers.
    """
    valid = facts.__dict__.pop("valid")
    wanted = (len(facts.hs), *facts.size)
    for key in FUSED:
        given = getattr(fused, key, None)
        if given is not None:
            layer: Layer = given if hasattr(given, "read") else Cube(np.asarray(given), valid)
            if layer.shape != wanted:
                raise InputError(
                    f"{key} must have the shape {wanted} of the scene, got {layer.shape}: "
                    "explore a result together with the scene it was made from"
                )
            cubes[key] = layer
    # bands that are shown; bad ones are dropped
    _check_shapes(facts, cubes)
    shown = band_quality(facts.hs.centre) != "bad"
    shown = shown if shown.any() else ~shown
    bands = {}
    for key, layer in cubes.items():
        bands[key] = np.ones(layer.shape[0], bool) if key.startswith("hrms") else shown
    explained = getattr(fused, "explained", None)
    dropped = int((~shown).sum())
    facts.hs = facts.hs.select(shown)
    facts.explained = None if explained is None else np.asarray(explained)[shown]
    return Layers(cubes=cubes, bands=bands, dropped=dropped, **facts.__dict__)


def _check_shapes(facts: SimpleNamespace, cubes: dict[str, Layer]) -> None:
    """One whole ratio, truth and change map on the product grid: `check_grids` on shapes alone."""
    names = ("valid_hr", "valid_ms", "valid_lr", "quality", "hrhs_t1", "hrhs_t2")
    scene = SimpleNamespace(hs=facts.hs, **dict.fromkeys(names))
    for key, layer in cubes.items():
        name = TRUTH.get(key, key)
        if name == key and key in FUSED:
            continue
        setattr(scene, name, SimpleNamespace(shape=layer.shape))
    change = facts.change
    scene.change = None if change is None else SimpleNamespace(shape=change.shape[1:])
    check_grids(cast(Scene, scene))
