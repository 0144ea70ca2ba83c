"""Places at two dates with everything known: what to train and to test on.

Between the dates leaves grow and soils dry a little everywhere, the light differs a little, and
13-25 % of the pixels change abruptly: harvest, emergence, flood, construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from stsf.errors import InputError
from stsf.scene import KINDS
from stsf.sensing.bands import Sensor
from stsf.sensing.spectra import library
from stsf.world.countryside import countryside
from stsf.world.deadleaves import dead_leaves
from stsf.world.palette import Mixture, Palette
from stsf.world.shapes import fractal

PLACES = {"parcels": countryside, "dead-leaves": dead_leaves}
SMALLEST = 24  # pixels


def light(
    rng: np.random.Generator, mixture: Mixture, wavelength: np.ndarray, date: int
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Weights and spectra of a date with the light that falls on the cells.

    A smooth brightness over the place and a slight tilt over the wavelengths multiply everything;
    a cell in shadow keeps the light of the sky, a quarter of the whole in the blue and almost
    nothing in the SWIR. Shadowed endmembers are endmembers of their own.

    Returns:
        weights (cells, 2 endmembers) and spectra (2 endmembers, N): first lit, then in shadow.
    """
    shape = mixture.changed.shape
    overall = rng.uniform(0.955, 1.015) if date == 2 else 1.0
    brightness = overall * (1.0 + 0.008 * fractal(rng, shape, max(shape), 3.0))
    tilt = (wavelength / 1000.0) ** rng.uniform(-0.015, 0.015)
    sky = 0.03 + 0.22 * (450.0 / wavelength) ** 1.5
    shade = mixture.shade[date - 1]
    lit, dark = ((brightness * part).ravel() for part in (1.0 - shade, shade))
    weights = mixture.weights[date - 1]
    both = sparse.hstack([sparse.diags(lit) @ weights, sparse.diags(dark) @ weights], "csr")
    both.eliminate_zeros()
    spectra = mixture.spectra[date - 1] * tilt
    return both.astype(np.float32), np.concatenate([spectra, spectra * sky])


def change_map(cells: np.ndarray) -> np.ndarray:
    """Change map (H, W) from its 2 × 2 cells (2H, 2W).

    A pixel is changed when at least two of its four cells are; it takes the code most of its
    changed cells have, the lower one where two are equal.

    Example:
        >>> change_map(np.array([[0, 1, 4, 3], [1, 0, 3, 0], [0, 0, 2, 2], [0, 3, 1, 1]]))
        array([[1, 3],
               [0, 1]], dtype=uint8)
    """
    height, width = cells.shape
    blocks = cells.reshape(height // 2, 2, width // 2, 2)
    count = np.stack([(blocks == code).sum(axis=(1, 3)) for code in range(1, len(KINDS))])
    return np.where(count.sum(axis=0) >= 2, 1 + count.argmax(axis=0), 0).astype(np.uint8)


def simulate(
    seed: int,
    size: int | tuple[int, int] = 240,
    split: Literal["train", "test"] = "train",
    kind: Literal["parcels", "dead-leaves"] = "parcels",
) -> Landscape:
    """A place of `size` pixels at two dates, the same for the same arguments.

    Args:
        seed: which place.
        size: pixels along a side, or (H, W), from 24 on; a pixel is meant to be 10 m.
        split: whose materials of `stsf.sensing.spectra.library` cover it.
        kind: "parcels", fields with a river and a village, or "dead-leaves", overlapping shapes
            of random mixtures.

    Returns:
        The landscape, which renders itself for any sensor.

    Raises:
        InputError: a size that is no whole number of at least 24, an unknown split or kind.

    Example:
        >>> from stsf.sensing.sensors import sentinel2
        >>> landscape = simulate(seed=7, size=24)
        >>> landscape.render(sentinel2("A"), date=2).shape, landscape.change.shape
        ((4, 48, 48), (24, 24))
    """
    sides = np.atleast_1d(size)
    if sides.dtype.kind not in "iu" or sides.size > 2 or sides.min() < SMALLEST:
        raise InputError(
            f"expected a size of at least {SMALLEST} pixels, one whole number or (height, width), "
            f"got {size}: ask for another size"
        )
    height, width = np.broadcast_to(sides, 2).tolist()
    if kind not in PLACES:
        raise InputError(f"expected kind {' or '.join(map(repr, PLACES))}, got {kind!r}: use one")
    materials = library(split)
    rng = np.random.default_rng([seed, split == "test", list(PLACES).index(kind)])
    palette = Palette(materials, rng)
    mixture = PLACES[kind](rng, (height, width), palette)
    first, second = (light(rng, mixture, materials.wavelength, date) for date in (1, 2))
    return Landscape(
        change=change_map(mixture.changed),
        wavelength=materials.wavelength,
        weights=(first[0], second[0]),
        spectra=(first[1], second[1]),
        materials=tuple(sorted(palette.names)),
    )


@dataclass(frozen=True, eq=False)
class Landscape:
    """A place at two dates: `x(date) = weights(date) @ spectra(date)`, cell by cell.

    Attributes:
        change: (H, W) uint8 codes of `stsf.scene.KINDS`; see `change_map` for the rule.
        wavelength: (N,) nm, of the library.
        weights: sparse (2H · 2W, endmembers) at date 1 and 2, shares times brightness.
        spectra: (endmembers, N) reflectance at date 1 and 2.
        materials: names of the library spectra the place is made of.
    """

    change: np.ndarray
    wavelength: np.ndarray
    weights: tuple[sparse.csr_matrix, sparse.csr_matrix]
    spectra: tuple[np.ndarray, np.ndarray]
    materials: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) pixels."""
        return self.change.shape[0], self.change.shape[1]

    def render(self, sensor: Sensor, date: int) -> np.ndarray:
        """What a sensor's bands would see with no blur at all, at twice the resolution.

        Args:
            sensor: any bands within the library's range.
            date: 1 or 2.

        Returns:
            float32 (bands, 2H, 2W) reflectance, 0 to 1.

        Raises:
            InputError: another date.
        """
        if date not in (1, 2):
            raise InputError(f"expected date 1 or 2, got {date!r}: a landscape has two dates")
        bands = self.spectra[date - 1] @ sensor.response(self.wavelength).T  # (endmembers, L)
        cells = self.weights[date - 1] @ bands.astype(np.float32)  # (2H · 2W, L)
        np.clip(cells, 0.0, 1.0, out=cells)
        height, width = self.shape
        return np.ascontiguousarray(cells.T).reshape(-1, 2 * height, 2 * width)
