"""A place of the simulator's shapes, covered with the spectra of a real image.

Every material of a simulated place is exchanged for a pixel of the image that looks like it, at
each date for itself: geometry, mixing and change are simulated, spectra are as measured.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import KDTree

from stsf.sensing.bands import Sensor
from stsf.world.simulation import Landscape

ALIKE = 24  # one of so many most similar pixels is taken
SAME = 0.05  # a material whose spectrum changes by less (RMS, relative) keeps its pixel


def collage(place: Landscape, cube: np.ndarray, sensor: Sensor, seed: int) -> Landscape:
    """The same place made of the pixels of an image.

    Args:
        place: from `stsf.world.simulation.simulate`.
        cube: (L, y, x) reflectance without gaps.
        sensor: of the image; between its bands the spectra are interpolated.
        seed: of the choice among similar pixels.

    Example:
        >>> from stsf.sensing.sensors import enmap
        >>> from stsf.world.simulation import simulate
        >>> cube = np.random.default_rng(0).uniform(size=(len(enmap()), 8, 8))
        >>> made = collage(simulate(1, size=24), cube, enmap(), seed=0)
        >>> bool(made.spectra[0].shape == simulate(1, size=24).spectra[0].shape)
        True
    """
    rng = np.random.default_rng([seed, 29])
    measured = np.maximum(cube.reshape(len(cube), -1).T, 0.0)  # (n, L)
    wanted = [date @ sensor.response(place.wavelength).T for date in place.spectra]
    lit = len(wanted[0]) // 2  # lit materials, then the same in shadow
    tree = KDTree(_shape(measured))
    first, second = (_choose(rng, tree, _shape(date[:lit])) for date in wanted)
    moved = np.sqrt(np.mean((wanted[1][:lit] - wanted[0][:lit]) ** 2, axis=1))
    same = moved < SAME * np.sqrt(np.mean(wanted[0][:lit] ** 2, axis=1))
    second = np.where(same, first, second)
    fine = np.stack([np.interp(place.wavelength, sensor.centre, m) for m in measured])
    dates = []
    for chosen, old in zip((first, second), place.spectra, strict=True):
        sky = old[lit:] / np.maximum(old[:lit], 1e-6)  # what shadow leaves of the light
        dates.append(np.clip(np.concatenate([fine[chosen], fine[chosen] * sky]), 0.0, 1.0))
    return replace(place, spectra=(dates[0], dates[1]))


def _shape(spectra: np.ndarray) -> np.ndarray:
    """Logarithms, so that a factor counts the same for dark and for bright ones."""
    return np.log(np.maximum(spectra, 0.01))


def _choose(rng: np.random.Generator, tree: KDTree, wanted: np.ndarray) -> np.ndarray:
    """Index of one of the most similar pixels for each row."""
    index = tree.query(wanted, k=min(ALIKE, tree.n))[1].reshape(len(wanted), -1)
    return index[np.arange(len(wanted)), rng.integers(index.shape[1], size=len(wanted))]
