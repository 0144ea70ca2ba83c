"""Library spectra: what surfaces look like between 400 and 2450 nm.

Soils, built materials, dead and burned vegetation and PROSAIL canopies come from the package
`earthlib` (MIT licence); water and snow, which it lacks, from two short published models. The
library is split once into training and test materials, so that a network is never tested on a
material it has seen.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from stsf.errors import InputError
from stsf.sensing.bands import Sensor
from stsf.sensing.optics import snow, water

library_range = (400.0, 2450.0)  # nm; `earthlib` has no wavelengths in 1350-1460 and 1790-1960
MATERIALS = ("soil", "built", "npv", "burned", "canopy", "water", "snow")
CANOPY_PARAMETERS = ("LAI", "LMA", "CHL", "N")
TEST_CANOPY_N = 2.05  # leaf structure N from here on is test
TEST_CDOM = 0.5  # 1/m
TEST_GRAIN = 0.4  # mm
EARTHLIB_NAMES = {
    "bare": "soil",
    "built": "built",
    "npv": "npv",
    "burned": "burned",
    "vegetation": "canopy",
}


@dataclass(frozen=True, eq=False)
class Library:
    """Spectra with their wavelengths, names and origin.

    Attributes:
        wavelength: (N,) nm.
        spectra: (n, N) float32 reflectance, 0 to 1.2.
        names: n names.
        material: (n,) str, one of `MATERIALS`.
        attributes: arrays (n,). Numbers, NaN where not defined: `LAI`, `LMA` (g/cm2), `CHL`
            (ug/cm2), `N` of canopies; `chlorophyll` (mg/m3), `sediment` (g/m3), `cdom` (1/m) of
            water; `grain` (mm) of snow. Strings: `kind` (road, sand, ...), `group` (what the split
            keeps together: the site of a soil, else the name without its number).
    """

    wavelength: np.ndarray
    spectra: np.ndarray
    names: list[str]
    material: np.ndarray
    attributes: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.names)

    def select(self, mask: ArrayLike) -> Library:
        """The spectra at a boolean mask (n,) or an index array.

        Example:
            >>> lib = library("test")
            >>> set(lib.select(lib.material == "snow").material.tolist())
            {'snow'}
        """
        index = np.arange(len(self))[np.asarray(mask)]
        return Library(
            self.wavelength,
            self.spectra[index],
            [self.names[i] for i in index],
            self.material[index],
            {key: values[index] for key, values in self.attributes.items()},
        )

    def at(self, sensor: Sensor) -> np.ndarray:
        """All spectra as a sensor's bands see them, float32 (n, L).

        Between its wavelengths a spectrum is a straight line, also over the two gaps of the
        library (water vapour), where the values are only a guess.

        Raises:
            InputError: a band centred outside `library_range`.

        Example:
            >>> from stsf.sensing.sensors import enmap
            >>> library("test").at(enmap()).shape[1]
            214
        """
        return self.spectra @ sensor.response(self.wavelength).T.astype(np.float32)


def library(split: Literal["train", "test", "all"] = "all") -> Library:
    """The library, or its training or test materials; loaded once.

    Disjoint by construction: soils by site, built, dead and burned materials by name group (every
    third group in alphabetical order is test), canopies by leaf structure (test N > 2.05), water
    by coloured matter (test > 0.5 1/m), snow by grain radius (test > 0.4 mm). Five broken spectra
    of `earthlib` are left out (see `is_broken`).

    Example:
        >>> sorted(set(library("train").material.tolist()))
        ['built', 'burned', 'canopy', 'npv', 'snow', 'soil', 'water']
    """
    if split == "all":
        return _everything()
    if split not in ("train", "test"):
        raise InputError(f"expected split 'train', 'test' or 'all', got {split!r}: use one of them")
    return _split(split)


@cache
def _split(split: str) -> Library:
    everything = _everything()
    return everything.select(is_test(everything) == (split == "test"))


def is_test(lib: Library) -> np.ndarray:
    """Which spectra of the whole library belong to the test split, bool (n,)."""
    test = np.zeros(len(lib), dtype=bool)
    for materials in (("soil",), ("built", "npv", "burned")):
        mine = np.isin(lib.material, materials)
        groups = np.unique(lib.attributes["group"][mine])
        test |= mine & np.isin(lib.attributes["group"], groups[2::3])
    with np.errstate(invalid="ignore"):
        test |= lib.attributes["N"] > TEST_CANOPY_N
        test |= lib.attributes["cdom"] > TEST_CDOM
        test |= lib.attributes["grain"] > TEST_GRAIN
    return test


def is_broken(wavelength: np.ndarray, spectra: np.ndarray) -> np.ndarray:
    """Spectra (n, N) that cannot be reflectance, bool (n,).

    Not finite, zero or negative, above 1.2, or with one band more than 0.07 off the mean of its
    two neighbours 10 nm away; the sharpest real feature, kaolinite at 2210 nm, stays below.

    Example:
        >>> is_broken(np.array([400.0, 410, 420]), np.array([[0.1, 0.1, 0.1], [0.1, 0.3, 0.1]]))
        array([False,  True])
    """
    step = np.diff(wavelength)
    close = (step[1:] < 15) & (step[:-1] < 15)
    spike = np.abs(spectra[:, 1:-1] - (spectra[:, :-2] + spectra[:, 2:]) / 2)[:, close]
    sound = np.isfinite(spectra).all(1) & (spectra > 0).all(1) & (spectra <= 1.2).all(1)
    return ~sound | (spike > 0.07).any(1)


@cache
def _everything() -> Library:
    measured = _from_earthlib()
    parts = [measured, _waters(measured.wavelength), _snows(measured.wavelength)]
    attributes = {}
    for key in {key: None for part in parts for key in part.attributes}:  # in order, once each
        unknown = [np.full(len(part), np.nan) for part in parts]
        columns = [part.attributes.get(key, nan) for part, nan in zip(parts, unknown)]
        attributes[key] = np.concatenate(columns)
    spectra = np.concatenate([part.spectra for part in parts]).astype(np.float32)
    spectra.setflags(write=False)  # shared by all callers
    names = [name for part in parts for name in part.names]
    material = np.concatenate([part.material for part in parts])
    return Library(measured.wavelength, spectra, names, material, attributes)


def _from_earthlib() -> Library:
    """The sound spectra of `earthlib`.

    Read from the package's files: importing `earthlib` takes longer than all the rest.
    """
    spec = find_spec("earthlib")
    if spec is None or spec.origin is None:
        raise InputError("expected the package earthlib, found none: pip install earthlib")
    folder = Path(spec.origin).parent / "data"
    # the ENVI library and its table
    header = (folder / "spectra.sli.hdr").read_text(encoding="utf-8")
    numbers = re.findall(r"\nwavelength = \{([^}]*)\}", header)[0]
    wavelength = np.round(np.array(numbers.split(","), dtype=np.float64) * 1000, 3)
    spectra = np.fromfile(folder / "spectra.sli", dtype="<f4").reshape(-1, len(wavelength))
    with open(folder / "spectra.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # whole spectra only, with what is known of each
    keep = np.flatnonzero(~is_broken(wavelength, spectra))
    rows = [rows[i] for i in keep]
    attributes = {
        "kind": np.array([row["LEVEL_3"] for row in rows]),
        "group": np.array([_group(row) for row in rows]),
    }
    parameters = np.array([_canopy_parameters(row["NAME"]) for row in rows])
    attributes |= {key: parameters[:, j] for j, key in enumerate(CANOPY_PARAMETERS)}
    material = np.array([EARTHLIB_NAMES[row["LEVEL_2"]] for row in rows])
    return Library(wavelength, spectra[keep], [row["NAME"] for row in rows], material, attributes)


def _waters(wavelength: np.ndarray) -> Library:
    """240 waters from clear lake to silty flood, half of them shallow."""
    draw = np.random.default_rng(0).uniform(size=(4, 240))
    values = {
        "chlorophyll": 0.5 * 100 ** draw[0],  # 0.5-50 mg/m3
        "sediment": 0.5 * 400 ** draw[1],  # 0.5-200 g/m3
        "cdom": 0.05 * 40 ** draw[2],  # 0.05-2 1/m
    }
    depth = np.where(np.arange(240) % 2 == 0, 0.3 * 10 ** draw[3], np.inf)  # 0.3-3 m
    return _modelled("water", wavelength, water(wavelength, **values, depth=depth), values)


def _snows(wavelength: np.ndarray) -> Library:
    """40 snows, grain radius 0.05 to 1.2 mm."""
    grain = np.geomspace(0.05, 1.2, 40)
    return _modelled("snow", wavelength, snow(wavelength, grain), {"grain": grain})


def _modelled(
    material: str, wavelength: np.ndarray, spectra: np.ndarray, values: dict[str, np.ndarray]
) -> Library:
    label = np.full(len(spectra), material)
    names = [f"{material}-{i}" for i in range(len(spectra))]
    return Library(wavelength, spectra, names, label, {"kind": label, "group": label} | values)


def _group(row: dict[str, str]) -> str:
    """What the split keeps together: the site (0.1 degree) of a soil, else the name's stem."""
    if row["LEVEL_2"] == "bare":
        if not row["LAT"] or not row["LON"]:
            return "site unknown"
        return f"site {float(row['LAT']):.1f} {float(row['LON']):.1f}"
    return re.split(r"[._]", row["NAME"])[0]


def _canopy_parameters(name: str) -> list[float]:
    """LAI, LMA, CHL and N from a canopy's name, else NaN."""
    match = re.fullmatch(r"v-LAI-(.+)-LMA-(.+)-CHL-(.+)-N-(.+)", name)
    return [float(value) for value in match.groups()] if match else [np.nan] * 4


def canopy(
    lib: Library, lai: ArrayLike, chl: ArrayLike, like: ArrayLike | None = None
) -> np.ndarray:
    """Canopies of a library moved to another leaf area and chlorophyll: phenology.

    A canopy depends on more than its four named parameters (water, soil, geometry), so each
    spectrum keeps its own character and moves along the library's trend:
    `logit R(lai, chl) = logit R_like + t(lai, chl) - t(lai_like, chl_like)`, t being the logit of
    reflectance as a quadratic in exp(-LAI/2), LAI, LMA, CHL and N, fitted on the canopies of `lib`
    alone. (The logit, log(R / (1 - R)), keeps R between 0 and 1.)

    Args:
        lib: library whose canopies are used; give a split to stay within it.
        lai: leaf area index (n,) or scalar, clipped to 0.5-11.
        chl: chlorophyll in ug/cm2 (n,) or scalar, clipped to 10-60.
        like: canopies in `lib` by index, (n,) or scalar; None gives the trend itself at mean LMA
            and N.

    Returns:
        float32 (n, N) reflectance; (1, N) for scalars.

    Raises:
        InputError: an index that is not a canopy.

    Example:
        >>> red, nir = 27, 45  # 670 and 850 nm
        >>> dense, sparse = canopy(library("train"), [6.0, 1.0], 40.0)
        >>> bool(dense[red] < sparse[red]), bool(dense[nir] > sparse[nir])
        (True, True)
    """
    trend, mean = _canopy_trend(lib)
    lai, chl, index = np.broadcast_arrays(
        np.clip(np.atleast_1d(lai), 0.5, 11.0),
        np.clip(chl, 10.0, 60.0),
        0 if like is None else like,
    )
    if like is None:
        wanted = np.stack([lai, np.full(lai.shape, mean[1]), chl, np.full(lai.shape, mean[3])], 1)
        return expit(trend(wanted)).astype(np.float32)
    own = np.stack([lib.attributes[key][index] for key in CANOPY_PARAMETERS], axis=1)  # (n, 4)
    if np.isnan(own).any():
        raise InputError(
            "expected indices of canopies, got one of another material: choose among "
            "np.flatnonzero(lib.material == 'canopy')"
        )
    wanted = np.stack([lai, own[:, 1], chl, own[:, 3]], axis=1)
    moved = logit(lib.spectra[index]) + trend(wanted) - trend(own)
    return expit(moved).astype(np.float32)


@lru_cache(maxsize=8)
def _canopy_trend(lib: Library) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Logit of reflectance as a function of parameters (n, 4), and their means (4,)."""
    mine = lib.material == "canopy"
    if mine.sum() < 50:
        raise InputError(
            f"expected a library with at least 50 canopies, got {mine.sum()}: use library(...)"
        )
    known = np.stack([lib.attributes[key][mine] for key in CANOPY_PARAMETERS], axis=1)
    mean, std = known.mean(0), known.std(0)

    def features(parameters: np.ndarray) -> np.ndarray:
        z = np.column_stack([np.exp(-parameters[:, 0] / 2) * 5, (parameters - mean) / std])
        pairs = [z[:, i] * z[:, j] for i in range(5) for j in range(i, 5)]
        return np.column_stack([np.ones(len(z)), z, *pairs])  # (n, 21)

    weights = np.linalg.lstsq(features(known), logit(lib.spectra[mine]), rcond=None)[0]
    return lambda parameters: features(parameters) @ weights, mean
