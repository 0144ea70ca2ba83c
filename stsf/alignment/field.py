"""A shift that varies smoothly over a scene: a polynomial through tie points, if they ask for it.

A rotation or another scale of one image is of order 1, what rough terrain or an unsteady platform
leave is often of order 2. Tie points that were left out choose: from a constant shift on, an order
stays unless they say clearly that the next one misses them by less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy import ndimage

ORDERS = (0, 1, 2)
FEWEST = 12  # tie points: twice the coefficients of order 2
SURE = 3.0  # standard errors by which left-out points must prefer the higher order
WORTHWHILE = 0.8  # of their error that it may leave
FOLDS = 6  # groups of points that are left out in turn
MATTERS = 0.1  # px by which a field departs from one shift
OUTLIER = 4.0  # times what points are off in the middle: farther off is no tie point
FINEST = 0.02  # px; no point is known better, which keeps few of them from looking too alike

Places: TypeAlias = tuple[np.ndarray, np.ndarray]  # rows (h,) and columns (w,) of pixels


@dataclass(frozen=True, eq=False)
class Points:
    """Tie points: where one image shows what the other shows here.

    Attributes:
        at: (n, 2) row and column of their windows' centres.
        shift: (n, 2) pixels, down and right.
    """

    at: np.ndarray
    shift: np.ndarray

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, some: np.ndarray) -> Points:
        return Points(self.at[some], self.shift[some])


@dataclass(frozen=True, eq=False)
class Field:
    """A shift (down, right) as a polynomial of row and column.

    Attributes:
        weights: (terms, 2) of the terms 1, y, x, y², yx, x² as far as they go.
        centre: (2,) row and column where y and x are 0.
        scale: pixels where they are 1.
    """

    weights: np.ndarray
    centre: np.ndarray
    scale: float

    @property
    def order(self) -> int:
        """Of the polynomial."""
        return {1: 0, 3: 1, 6: 2}[len(self.weights)]

    def at(self, points: np.ndarray) -> np.ndarray:
        """The shift at points (n, 2), (n, 2).

        Example:
            >>> turn = Field(np.array([[1, 0], [0, 2], [-2, 0]]), np.zeros(2), 100.0)
            >>> turn.at(np.array([[50.0, 0.0]])).tolist()
            [[1.0, 1.0]]
        """
        return _terms((points - self.centre) / self.scale, self.order) @ self.weights

    def over(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The shift of all pixels of some rows (h,) and columns (w,), (2, h, w)."""
        y, x = np.meshgrid(rows, columns, indexing="ij")
        found = self.at(np.stack([y.ravel(), x.ravel()], axis=1).astype(float))
        return found.T.reshape(2, len(rows), len(columns))

    def resample(self, cube: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """out(y, x) = cube at (y, x) + shift, as `phase_correlation.shift_image` does it.

        Args:
            cube: (band, y, x), or a mask of booleans.
            rows: (y,) what the cube's rows are in the whole scene.
            columns: (x,) likewise.
        """
        where = np.indices(cube.shape[1:]) + self.over(rows, columns)
        if cube.dtype == bool:
            inside = [
                ndimage.map_coordinates(b * 1.0, where, order=1, mode="constant", cval=0.0)
                for b in cube
            ]
            return np.stack(inside) > 0.999
        bands = [
            ndimage.map_coordinates(band.astype(float), where, order=3, mode="reflect")
            for band in cube
        ]
        return np.stack(bands).astype(cube.dtype)


@dataclass(frozen=True, eq=False)
class Survey:
    """Tie points all over a scene and the field through them.

    Attributes:
        points: those that were used.
        outliers: how many were not.
        field: of the order that the points ask for; 0 is one shift for all.
        before: (n, 2) what one shift misses of them, pixels.
        after: (n, 2) what the field misses.
    """

    points: Points
    outliers: int
    field: Field
    before: np.ndarray
    after: np.ndarray

    @property
    def matters(self) -> bool:
        """Whether the points ask for a field that is worth a resampling."""
        return self.field.order > 0 and self.departure > MATTERS

    @property
    def departure(self) -> float:
        """How far the field departs from one shift at the points, at most, pixels."""
        return float(np.hypot(*(self.before - self.after).T).max())

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: CE90 is the radius that holds 90 % of what is missed."""
        vectors = np.concatenate([self.points.at, self.before, self.after], axis=1)
        return {
            "order": self.field.order,
            "points": len(self.points),
            "outliers": self.outliers,
            "ce90_one_shift": ce90(self.before),
            "ce90": ce90(self.after),
            "departure": self.departure,
            "vectors": np.round(vectors, 3).tolist(),
        }


def ce90(missed: np.ndarray) -> float:
    """Circular error: the radius that holds 90 % of (n, 2) vectors.

    Example:
        >>> ce90(np.array([[3.0, 4.0]] * 9 + [[0.0, 50.0]])) < 10
        True
    """
    return float(np.quantile(np.hypot(*missed.T), 0.9))


def survey(points: Points) -> Survey | None:
    """The field that tie points ask for; None of too few.

    Args:
        points: some may be wrong.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> at = rng.uniform(0, 1000, (30, 2))
        >>> survey(Points(at, 0.002 * at + rng.normal(0, 0.03, (30, 2)))).field.order
        1
        >>> survey(Points(at, rng.normal(0, 0.03, (30, 2)))).field.order
        0
    """
    if len(points) < FEWEST:
        return None
    good = _without_outliers(points)
    if good.sum() < FEWEST:
        return None
    used = points[good]
    order, missed = 0, _left_out(used, 0)
    for higher in ORDERS[1:]:
        other = _left_out(used, higher)
        if _clearly_less(other, missed):
            order, missed = higher, other
    field = _fit(used, order)
    before = used.shift - used.shift.mean(axis=0)
    return Survey(used, int((~good).sum()), field, before, used.shift - field.at(used.at))


def _clearly_less(new: np.ndarray, old: np.ndarray) -> bool:
    """Whether (n, 2) errors of left-out points are smaller by more than chance, in logarithms."""
    squares = [np.square(missed).sum(axis=1) + FINEST**2 for missed in (new, old)]
    if squares[0].mean() > WORTHWHILE**2 * squares[1].mean():
        return False
    less = np.log(squares[1] / squares[0])
    return bool(less.mean() > SURE * less.std(ddof=1) / math.sqrt(len(less)))


def _left_out(points: Points, order: int) -> np.ndarray:
    """(n, 2) what the fit to the others misses of each point."""
    fold, missed = np.arange(len(points)) % FOLDS, np.empty_like(points.shift)
    for k in range(FOLDS):
        out = fold == k
        missed[out] = points.shift[out] - _fit(points[~out], order).at(points.at[out])
    return missed


def _without_outliers(points: Points) -> np.ndarray:
    """(n,) False where a point lies off the field of the highest order through the others."""
    weight = np.ones(len(points))
    for _ in range(20):  # what lies far off counts less and less (Cauchy)
        off = np.hypot(*(points.shift - _fit(points, ORDERS[-1], weight).at(points.at)).T)
        typical = max(float(np.median(off)), FINEST)
        weight = 1.0 / (1.0 + np.square(off / typical))
    return off < OUTLIER * typical


def _fit(points: Points, order: int, weight: np.ndarray | None = None) -> Field:
    low, high = points.at.min(axis=0), points.at.max(axis=0)
    centre, scale = (low + high) / 2, max(float((high - low).max()) / 2, 1.0)
    terms = _terms((points.at - centre) / scale, order)
    root = np.ones((len(points), 1)) if weight is None else np.sqrt(weight)[:, None]
    weights = np.linalg.lstsq(root * terms, root * points.shift, rcond=None)[0]
    return Field(weights, centre, scale)


def _terms(at: np.ndarray, order: int) -> np.ndarray:
    y, x = at.T
    terms = [np.ones_like(y), y, x, y * y, y * x, x * x]
    return np.stack(terms[: (1, 3, 6)[order]], axis=1)
