"""Tie points all over a scene: phase correlation window by window, of M1 on M2 and of Y1 on M1."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from stsf.alignment.coverage import clear_lr
from stsf.alignment.field import Field, Points, Survey, ce90, survey
from stsf.alignment.phase_correlation import SIGNIFICANT, phase_shift
from stsf.scene import Scene

WINDOW = 40  # HS px along one side: its tie point is good to a few hundredths of a pixel
STEP = 30  # HS px from window to window, in a scene of less than
MOST = 15  # windows along a side
FEWEST = 4  # of them, else nothing is asked: one shift serves so small a scene
REACH = 15  # HR px
LOOSE = 0.15  # px: a wider error of a shift is no tie point
BEARABLE = 0.3  # HS px that Y1 may lie off one shift without a warning
CLEAR = 0.7  # share of a window that must be known


@dataclass(frozen=True, eq=False)
class Ties:
    """What tie points say of a scene.

    Attributes:
        ms: M1 against M2, HR pixels; None of too few points.
        hs: Y1 against M2, HR pixels; likewise.
        ratio: r.
    """

    ms: Survey | None = None
    hs: Survey | None = None
    ratio: int = 1

    @property
    def field(self) -> Field | None:
        """By which M1 is resampled, where one shift does not do."""
        return self.ms.field if self.ms and self.ms.matters else None

    def doubt(self) -> str:
        """What is not mended: a Y1 that one shift does not place; empty if it does."""
        off = self.hs.departure / self.ratio if self.hs and self.hs.matters else 0.0
        if off <= BEARABLE:
            return ""
        return (
            f"the HS lies up to {off:.1f} of its pixels off the place where one shift puts it, "
            f"expected at most {BEARABLE}: this is not mended; orthorectify it anew, with more "
            "ground control points or a better terrain model"
        )

    def summary(self) -> list[str]:
        """Plain sentences for a report; none of a scene too small to ask."""
        lines = []
        for name, found in (("M1", self.ms), ("Y1", self.hs)):
            if found is None:
                continue
            of = f"{name} on the grid of M2, {len(found.points)} tie points"
            of += f" ({found.outliers} more do not fit)" if found.outliers else ""
            after, before = ce90(found.after), ce90(found.before)
            if not found.matters:
                lines.append(f"{of}: one shift serves the whole scene, CE90 {before:.2f} px.")
                continue
            done = "M1 was resampled by it" if name == "M1" else "it is not mended"
            lines.append(
                f"{of}: a field of order {found.field.order} departs from one shift by up to "
                f"{found.departure:.2f} px, CE90 {after:.2f} px, {before:.2f} px with one shift; "
                f"{done}."
            )
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"ms": self.ms and self.ms.as_dict(), "hs": self.hs and self.hs.as_dict()}


NO_TIES = Ties()


def windows(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Where tie points are looked for, HS pixels; nowhere in a small scene.

    Example:
        >>> len(windows((60, 500))), len(windows((130, 160))), len(windows((5000, 2000)))
        (0, 20, 225)
    """
    counts = [min((n - WINDOW) // STEP + 1, MOST) for n in shape]
    if min(counts) < FEWEST:
        return []
    rows, columns = (
        np.linspace(0, n - WINDOW, count).astype(int) for n, count in zip(shape, counts)
    )
    return [(slice(y, y + WINDOW), slice(x, x + WINDOW)) for y in rows for x in columns]


def ties_of(scene: Scene) -> Ties:
    """Tie points of a scene in memory.

    Example:
        >>> import stsf
        >>> ties_of(stsf.load_sample()).ms is None  # too small: one shift serves it
        True
    """
    return tie((part, scene.crop(*part)) for part in windows(scene.valid_lr.shape))


def tie(parts: Iterable[tuple[tuple[slice, slice], Scene]]) -> Ties:
    """Tie points of windows of a scene, one after the other.

    Args:
        parts: rows and columns of each window (HS pixels), and what is seen there.
    """
    found: dict[str, list[np.ndarray]] = {"ms": [], "hs": []}
    r = 1
    for (rows, columns), scene in parts:
        r, clear = scene.ratio, clear_lr(scene)
        if clear.mean() < CLEAR:
            continue
        centre = r * (np.array([rows.start + rows.stop, columns.start + columns.stop]) / 2) - 0.5
        first = _shift(scene.hrms_t1, scene.hrms_t2, scene.valid_hr, REACH)
        if first is None:
            continue
        found["ms"].append(np.stack([centre, first]))
        coarse, seen = scene.D_ms.A(scene.hrms_t1), scene.R.A(scene.lrhs_t1)
        second = _shift(coarse, seen, clear & scene.valid_lr, math.ceil(REACH / r))
        if second is not None:
            found["hs"].append(np.stack([centre, r * second - first]))
    return Ties(_survey(found["ms"]), _survey(found["hs"]), r)


def _shift(a: np.ndarray, b: np.ndarray, valid: np.ndarray, reach: int) -> np.ndarray | None:
    """(2,) pixels, None where the window does not tell."""
    shift, sigma, score = phase_shift(a, b, valid, reach)
    told = score > SIGNIFICANT and sigma.max() < LOOSE and np.abs(shift).max() < reach
    return shift if told else None


def _survey(found: list[np.ndarray]) -> Survey | None:
    return survey(Points(*np.stack(found, axis=1))) if found else None
