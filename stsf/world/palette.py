"""From maps to mixtures: which share of which spectrum lies in each cell.

Every cell is a linear mixture, kept sparse: a matrix of weights (cells, endmembers) and a table
of endmember spectra on the library's fine wavelength grid. Only the table meets a sensor, so any
sensor is rendered from fine spectra. What is not linear (leaves growing, soil getting wet) sits
in the table: such an endmember is a ladder of spectra, and a cell blends the two rungs around its
value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from stsf.sensing.optics import water_absorption
from stsf.sensing.spectra import Library, canopy

RUNGS = 4  # spectra in a ladder
SURFACE = 0.02  # reflectance of a water film at steep incidence
INTERNAL = 0.47  # share of the light from the soil that the film throws back (refraction 1.33)
FILM = 1.2e-4  # m of water that light crosses once in a saturated soil


def moist(soil: np.ndarray, wavelength: np.ndarray, moisture: ArrayLike) -> np.ndarray:
    """Soil darkened by water, more in the SWIR: a film that traps light and absorbs it.

    `(1 - m) dry + m wet`, `wet = (s + (1 - s)(1 - p) dry / (1 - p dry)) exp(-2 a m film)`, with s
    the reflection of the film's surface, p its internal reflection, a the absorption of water.

    Args:
        soil: (N,) reflectance of the dry soil.
        wavelength: (N,) nm.
        moisture: (n,), 0 dry to 1 saturated.

    Returns:
        (n, N) reflectance.

    Source: Lekner & Dorf 1988, Applied Optics 27(7) 1278-1280 (the film); Bach & Mauser 1994,
    IGARSS (the absorption).

    Example:
        >>> moist(np.array([0.3, 0.3]), np.array([660.0, 2200.0]), [0.0, 1.0]).round(2)
        array([[0.3 , 0.3 ],
               [0.2 , 0.13]])
    """
    m = np.atleast_1d(np.asarray(moisture, float))[:, None]
    trapped = SURFACE + (1 - SURFACE) * (1 - INTERNAL) * soil / (1 - INTERNAL * soil)
    return (1 - m) * soil + m * trapped * np.exp(-2 * m * FILM * water_absorption(wavelength))


class Palette:
    """The endmembers of one scene, chosen at random from a library as they are asked for.

    Attributes:
        library: where they come from.
        spectra: one array (N,) per endmember.
        names: library spectra that went into them.

    Example:
        >>> from stsf.sensing.spectra import library
        >>> palette = Palette(library("train"), np.random.default_rng(0))
        >>> palette.plain("built"), palette.soil(), palette.plain("npv")  # a ladder has 4 rungs
        (0, 1, 5)
    """

    def __init__(self, library: Library, rng: np.random.Generator):
        self.library = library
        self.spectra: list[np.ndarray] = []
        self.names: set[str] = set()
        self._rng = rng
        soils = np.flatnonzero(library.material == "soil")
        apart = np.abs(library.spectra[soils] - library.spectra[rng.choice(soils)]).mean(1)
        self._soils = soils[apart < np.quantile(apart, 0.2)]  # one landscape, similar soils

    def pick(self, material: str, kinds: tuple[str, ...] = ()) -> int:
        """Index in the library of a random spectrum of a material (and of some of its kinds)."""
        mine = self.library.material == material
        if kinds:
            mine &= np.isin(self.library.attributes["kind"], kinds)
        return int(self._rng.choice(np.flatnonzero(mine)))

    def add(self, spectra: np.ndarray, index: int) -> int:
        """Keep spectra (n, N) made from a library spectrum; column of the first."""
        self.spectra.extend(spectra)
        self.names.add(self.library.names[index])
        return len(self.spectra) - len(spectra)

    def plain(self, material: str, kinds: tuple[str, ...] = ()) -> int:
        """Column of a random spectrum as it is."""
        index = self.pick(material, kinds)
        return self.add(self.library.spectra[[index]], index)

    def soil(self) -> int:
        """First column of a soil from dry to saturated."""
        index = int(self._rng.choice(self._soils))
        dry = self.library.spectra[index]
        return self.add(moist(dry, self.library.wavelength, np.linspace(0, 1, RUNGS)), index)

    def leaves(self, lai: tuple[float, float], chl: tuple[float, float]) -> int:
        """First column of a canopy from low to high leaf area (m2/m2) and chlorophyll (ug/cm2)."""
        index = self.pick("canopy")
        grown = canopy(self.library, np.linspace(*lai, RUNGS), np.linspace(*chl, RUNGS), index)
        return self.add(np.minimum(grown, 0.8), index)

    def lake(self, sediment: tuple[float, float]) -> int:
        """Column of a random water with that much sediment (g/m3)."""
        load = np.nan_to_num(self.library.attributes["sediment"])  # 0 where it is no water
        fits = np.flatnonzero((load > sediment[0]) & (load < sediment[1]))
        index = int(self._rng.choice(fits))
        return self.add(self.library.spectra[[index]], index)


@dataclass(frozen=True, eq=False)
class Mixture:
    """A place at both dates, before any light falls on it.

    Attributes:
        weights: sparse (cells, endmembers) at date 1 and 2.
        spectra: (endmembers, N) at date 1 and 2.
        shade: (2, 2H, 2W) fraction of each cell in shadow.
        changed: (2H, 2W) code of the abrupt change in each cell.
    """

    weights: tuple[sparse.csr_matrix, sparse.csr_matrix]
    spectra: tuple[np.ndarray, np.ndarray]
    shade: np.ndarray
    changed: np.ndarray


class Mixer:
    """Fills cells from the top layer down: what a layer leaves free is for those below.

    Example:
        >>> mixer = Mixer(2)
        >>> mixer.put(0, mixer.layer(np.array([0.25, 1.0])))  # a tree over endmember 1
        >>> mixer.put(1, mixer.layer(np.ones(2)))
        >>> mixer.matrix(2).toarray()
        array([[0.25, 0.75],
               [1.  , 0.  ]], dtype=float32)
    """

    def __init__(self, cells: int):
        self.free = np.ones(cells)
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def layer(self, fraction: np.ndarray) -> np.ndarray:
        """Share of each cell that a layer covering `fraction` of it (any shape) takes."""
        share = self.free * fraction.ravel()
        self.free = self.free - share
        return share

    def put(self, column: ArrayLike, weight: np.ndarray) -> None:
        """Add an endmember (one for all cells or one a cell) with a weight (cells,)."""
        cell = np.flatnonzero(weight)
        columns = np.broadcast_to(np.asarray(column), weight.shape)[cell]
        self._parts.append((cell, columns, weight[cell]))

    def climb(self, column: ArrayLike, value: np.ndarray, weight: np.ndarray) -> None:
        """Add a ladder at a value (cells,) from 0, first rung, to 1, last rung."""
        height = np.clip(value, 0.0, 1.0) * (RUNGS - 1)
        rung = np.minimum(height.astype(int), RUNGS - 2)
        self.put(column + rung, weight * (1.0 - height + rung))
        self.put(column + rung + 1, weight * (height - rung))

    def matrix(self, endmembers: int) -> sparse.csr_matrix:
        """Weights (cells, endmembers); rows sum to what was covered."""
        cell, column, weight = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        size = (self.free.size, endmembers)
        return sparse.csr_matrix((weight.astype(np.float32), (cell, column)), size)
