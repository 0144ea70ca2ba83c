"""Bands: what a sensor's band makes of a spectrum.

A band is a weighting of the spectrum, its spectral response function (SRF). Everything here rests
on one idea: between the wavelengths at which a spectrum is known it is taken as a straight line,
so that every band value is a weighted sum of the known values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from stsf.errors import InputError

VNIR, SWIR = 0, 1  # detector codes
SWIR_START = 1000.0  # nm; without detector codes, bands from here on belong to the SWIR
NOMINAL_MTF = ((0.3, 0.3), (0.3, 0.3))


def gaussian_srf(axis: np.ndarray, centre: np.ndarray, fwhm: np.ndarray) -> np.ndarray:
    """Gaussian responses (L, N), peak 1, of L bands (centre and FWHM in nm) on an axis (N,) in nm.

    Example:
        >>> gaussian_srf(np.array([545.0, 550.0]), np.array([550.0]), np.array([10.0])).round(2)
        array([[0.5, 1. ]])
    """
    return np.exp2(-((2.0 * (axis - centre[:, None]) / fwhm[:, None]) ** 2))


def hat_weights(srf: np.ndarray, axis: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Weights (L, M) that turn a spectrum known at M nodes into L band values.

    Between nodes the spectrum is a straight line: its value at axis point x is a blend of the two
    nodes around x, and each band sums these blends over its response. The weight of one node is
    the response under a hat (triangle) that reaches to its neighbours. Rows sum to 1.

    Args:
        srf: (L, N) responses on `axis`, of any scale.
        axis: (N,) nm, evenly spaced; points outside the nodes count as the nearest node.
        nodes: (M,) nm, strictly increasing, M of at least 2.

    Example:
        >>> axis = np.arange(400.0, 411.0)
        >>> hat_weights((axis == 403)[None] * 1.0, axis, np.array([400.0, 410.0]))
        array([[0.7, 0.3]])
    """
    left = np.clip(np.searchsorted(nodes, axis, side="right") - 1, 0, len(nodes) - 2)
    share = np.clip((axis - nodes[left]) / (nodes[left + 1] - nodes[left]), 0.0, 1.0)
    blend = np.zeros((len(axis), len(nodes)))  # (N, M): two entries a row
    rows = np.arange(len(axis))
    blend[rows, left] = 1.0 - share
    blend[rows, left + 1] = share
    weights = srf @ blend
    return weights / weights.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Sensor:
    """Bands of a sensor, in the order of the image's bands.

    Attributes:
        name: name of the sensor.
        band_names: one name a band.
        centre: (L,) nm.
        fwhm: (L,) nm, full width at half maximum.
        gsd: metres, of the grid on which the bands are delivered.
        detector: (L,) int, 0 = VNIR, 1 = SWIR; index into `mtf`.
        mtf: per detector (along = y, across = x), the MTF at the Nyquist frequency of `gsd`.
        srf_wavelength: (N,) nm, increasing, or None.
        srf: (L, N) measured responses; None means Gaussian from centre and FWHM.
        nominal: True when centres and widths come from a generated table, not a published one.

    Raises:
        InputError: arrays that do not match, or values that are not in nanometres.

    Example:
        >>> sensor = from_bands([450, 550, 650], fwhm=10)
        >>> len(sensor), sensor.select([0, 2]).band_names
        (3, ('B1', 'B3'))
    """

    name: str
    band_names: tuple[str, ...]
    centre: np.ndarray
    fwhm: np.ndarray
    gsd: float
    detector: np.ndarray
    mtf: tuple[tuple[float, float], ...]
    srf_wavelength: np.ndarray | None = None
    srf: np.ndarray | None = None
    nominal: bool = False

    def __post_init__(self) -> None:
        _check(self)

    def __len__(self) -> int:
        return len(self.band_names)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """The content, hashable: sensors with equal keys are the same, wherever they were made."""
        values = [getattr(self, item.name) for item in fields(self)]
        return tuple(v.tobytes() if isinstance(v, np.ndarray) else v for v in values)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sensor) and self.key == other.key

    def srf_at(self, axis: np.ndarray) -> np.ndarray:
        """Responses (L, N) of any scale at wavelengths (N,) in nm: measured, or Gaussian."""
        if self.srf is None or self.srf_wavelength is None:
            return gaussian_srf(axis, self.centre, self.fwhm)
        rows = [np.interp(axis, self.srf_wavelength, row, left=0.0, right=0.0) for row in self.srf]
        return np.stack(rows)

    def response(self, wavelength: ArrayLike) -> np.ndarray:
        """Responses (L, N) on a wavelength axis: `spectra @ response.T` are the band values.

        The axis may be coarse or have gaps: a spectrum is a straight line between its points
        (see `hat_weights`), which is integrated in steps of 1 nm. A band that reaches past an end
        of the axis is cut there. Rows sum to 1.

        Args:
            wavelength: (N,) nm, strictly increasing.

        Raises:
            InputError: an axis that does not increase, or a band centred outside it.

        Example:
            >>> from_bands([550, 555], fwhm=1).response([540, 550, 560]).round(2)
            array([[0.01, 0.99, 0.01],
                   [0.  , 0.5 , 0.5 ]])
        """
        nodes = np.asarray(wavelength, dtype=np.float64)
        if nodes.ndim != 1 or len(nodes) < 2 or not np.all(np.diff(nodes) > 0):
            raise InputError(
                f"expected at least two strictly increasing wavelengths in nm, got {nodes.size} "
                "in another order: sort the bands and drop repeated wavelengths"
            )
        outside = (self.centre < nodes[0]) | (self.centre > nodes[-1])
        if outside.any():
            first = int(np.argmax(outside))
            raise InputError(
                f"expected bands centred within {nodes[0]:g}-{nodes[-1]:g} nm, got {outside.sum()} "
                f"of {self.name} outside, first {self.band_names[first]} at "
                f"{self.centre[first]:.1f} nm: drop them with sensor.select(...)"
            )
        axis = np.arange(nodes[0], nodes[-1] + 0.5)
        return hat_weights(self.srf_at(axis), axis, nodes)

    def select(self, bands: ArrayLike) -> Sensor:
        """The same sensor with some of its bands, in the given order.

        Args:
            bands: indices, a boolean mask (L,), or band names.

        Raises:
            InputError: an unknown name, a mask of another length, an index out of range.

        Example:
            >>> from_bands([450, 550, 650], fwhm=10).select(["B3", "B1"]).centre
            array([650., 450.])
        """
        index = self._index(np.atleast_1d(np.asarray(bands)))
        return replace(
            self,
            band_names=tuple(self.band_names[i] for i in index),
            centre=self.centre[index],
            fwhm=self.fwhm[index],
            detector=self.detector[index],
            srf=None if self.srf is None else self.srf[index],
        )

    def _index(self, bands: np.ndarray) -> np.ndarray:
        if bands.dtype.kind == "U":
            unknown = [str(band) for band in bands if band not in self.band_names]
            if unknown:
                raise InputError(
                    f"expected band names of {self.name}, got {', '.join(unknown)}: "
                    f"it has {', '.join(self.band_names)}"
                )
            return np.array([self.band_names.index(str(band)) for band in bands])
        try:
            return np.arange(len(self))[bands]
        except IndexError as error:
            raise InputError(
                f"expected indices 0 to {len(self) - 1} or a mask over the {len(self)} bands of "
                f"{self.name}, got {bands.dtype} values of shape {bands.shape}: make them from "
                "this sensor's own centres"
            ) from error


def _check(sensor: Sensor) -> None:
    count = len(sensor.band_names)
    for field in ("centre", "fwhm", "detector"):
        shape = np.shape(getattr(sensor, field))
        if shape != (count,):
            raise InputError(
                f"expected one {field} for each of the {count} bands of {sensor.name}, got shape "
                f"{shape}: give a 1-d array in band order"
            )
    if count and not (np.all(sensor.fwhm >= 1.0) and np.all(sensor.centre >= 100.0)):
        raise InputError(
            f"expected centres from 100 nm and FWHM from 1 nm for {sensor.name}, got centres from "
            f"{np.min(sensor.centre):g} and FWHM from {np.min(sensor.fwhm):g}: "
            "give nanometres (micrometres times 1000)"
        )
    if not sensor.gsd > 0:
        raise InputError(
            f"expected a GSD above 0 m for {sensor.name}, got {sensor.gsd:g}: mend its gsd"
        )
    if count and not set(sensor.detector.tolist()) <= set(range(len(sensor.mtf))):
        raise InputError(
            f"expected an MTF for every detector of {sensor.name}, got {len(sensor.mtf)} for codes "
            f"{sensor.detector.min()} to {sensor.detector.max()}: give along and across for each"
        )


def from_bands(
    centre: ArrayLike,
    fwhm: ArrayLike,
    name: str = "custom",
    gsd: float = 30.0,
    band_names: Sequence[str] | None = None,
    detector: ArrayLike | None = None,
    mtf: tuple[tuple[float, float], ...] = NOMINAL_MTF,
    nominal: bool = False,
) -> Sensor:
    """Sensor with Gaussian responses from centres and widths.

    Args:
        centre: (L,) nm.
        fwhm: (L,) nm, or one width for all bands.
        name: name of the sensor.
        gsd: metres.
        band_names: default B1 ... BL.
        detector: (L,) codes; default 1 (SWIR) from 1000 nm, else 0 (VNIR).
        mtf: see `Sensor`; the default 0.3 is a nominal value.
        nominal: True for a generated table.

    Example:
        >>> from_bands([450, 550, 1600], 10).detector
        array([0, 0, 1])
    """
    centres = np.atleast_1d(np.asarray(centre, dtype=np.float64))
    widths = np.asarray(fwhm, dtype=np.float64)
    if widths.ndim == 0:
        widths = np.full(centres.shape, widths)
    if band_names is None:
        band_names = [f"B{i}" for i in range(1, len(centres) + 1)]
    if detector is None:
        detector = np.where(centres >= SWIR_START, SWIR, VNIR)
    codes = np.asarray(detector, dtype=np.int64)
    return Sensor(name, tuple(band_names), centres, widths, gsd, codes, mtf, nominal=nominal)


def check_softness(softness: Sequence[float], hs: Sensor) -> tuple[float, ...]:
    """One width per detector of an HS sensor, σ in pixels from 0 on, as a tuple.

    Example:
        >>> check_softness([0, 0.5], from_bands([500, 510, 1600], fwhm=10))
        (0.0, 0.5)
    """
    given = tuple(map(float, softness))
    if len(given) != len(hs.mtf) or not all(0 <= value < np.inf for value in given):
        raise InputError(
            f"expected {len(hs.mtf)} values of softness, one per HS detector and none below "
            f"0, got {given}: give 0 for a detector that is as sharp as the MS"
        )
    return given
