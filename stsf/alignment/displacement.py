"""First large: images that lie several HS pixels off are moved by whole pixels.

Products place a hyperspectral image to some 100 m at best. Beyond two HS pixels the fine
registration (`stsf.alignment.registration`) would start from edges that hide a part of the scene,
and the images hardly correlate. So the images of t1 are compared on the coarse grid: M1 with M2,
then R Y1 with M1. One is moved by whole HS pixels where all of this holds:

    - the peak of the phase correlation stands out from noise, again in what both then show;
    - it lies 2 to 10 HS pixels off along one axis at least: what is nearer is the registration's;
    - the bands correlate, and the move leaves at most `LEFT` of what they did not share before.

Nothing is resampled: the pixels keep their values, and what the image no longer covers has no data.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from stsf.alignment.coverage import NO_DATA, clear_lr, with_m1
from stsf.alignment.phase_correlation import SIGNIFICANT, phase_shift
from stsf.linear import pixels
from stsf.scene import Scene

REACH = 10  # HS px, the largest move along each axis
NEAREST = 2.0  # HS px; below, the fine registration does all
ALIKE = 0.4  # correlation that what is moved must reach
LEFT = 0.75  # share of what was not alike that may be left


@dataclass(frozen=True)
class Move:
    """By how much one image is moved.

    Attributes:
        down: HS pixels.
        right: HS pixels.
        metres: the length of both.
        before: correlation with the other image, the middle one of the bands.
        after: the same once it is moved, where they overlap.
    """

    down: int = 0
    right: int = 0
    metres: float = 0.0
    before: float = 1.0
    after: float = 1.0

    def __bool__(self) -> bool:
        return bool(self.down or self.right)


@dataclass(frozen=True)
class Displacement:
    """What is moved before anything else is estimated.

    Attributes:
        ms1: of M1 onto M2.
        hs: of Y1 onto M1, as it was moved.
    """

    ms1: Move = field(default_factory=Move)
    hs: Move = field(default_factory=Move)

    def apply(self, scene: Scene) -> Scene:
        """The scene with M1 and Y1 moved."""
        r = scene.ratio
        if self.ms1:
            step = r * self.ms1.down, r * self.ms1.right
            m1, valid = moved(scene.hrms_t1, *step, np.nan), moved(scene.valid_ms[0], *step, False)
            scene = with_m1(replace(scene, quality=_coded(scene, 1, *step)), m1, valid)
        if self.hs:
            valid = moved(scene.valid_lr, self.hs.down, self.hs.right, False)
            y1 = moved(scene.lrhs_t1, self.hs.down, self.hs.right, np.nan)
            quality = _coded(scene, 0, r * self.hs.down, r * self.hs.right)
            scene = replace(scene, lrhs_t1=y1, valid_lr=valid, quality=quality)
        return scene

    def summary(self) -> list[str]:
        """Plain sentences for a report."""
        both = ("M1", "M2", self.ms1), ("Y1", "M1", self.hs)
        return [
            f"{name} was moved onto {other} by ({m.down}, {m.right}) HS pixels (down, right), "
            f"{m.metres:.0f} m: they correlate by {m.after:.2f}, before by {m.before:.2f}. What it "
            "no longer covers has no data."
            for name, other, m in both
            if m
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None for what was not moved."""
        return {key: asdict(m) if m else None for key, m in (("ms1", self.ms1), ("hs", self.hs))}


def find_displacement(scene: Scene) -> Displacement:
    """By how many HS pixels M1 lies off M2, and Y1 off M1.

    Args:
        scene: as observed.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample()
        >>> away = replace(scene, lrhs_t1=moved(scene.lrhs_t1, -7, 4, np.nan))
        >>> find = find_displacement(away).hs
        >>> find.down, find.right, round(find.metres)
        (7, -4, 242)
        >>> bool(find_displacement(scene).hs)
        False
    """
    clear, metres = clear_lr(scene), _metres(scene)
    m1, m2 = (scene.D_ms.A(m) for m in (scene.hrms_t1, scene.hrms_t2))
    ms1 = _move(m2, m1, clear, clear, metres)
    if ms1:
        step = ms1.down, ms1.right
        m1, clear = moved(m1, *step, 0.0), clear & moved(clear, *step, False)
    return Displacement(ms1, _move(m1, scene.R.A(scene.lrhs_t1), clear, scene.valid_lr, metres))


def moved(cube: np.ndarray, down: int, right: int, rest: float | bool) -> np.ndarray:
    """Pixels (..., y, x) moved by whole pixels, `rest` where none arrives.

    Example:
        >>> moved(np.array([[1, 2, 3], [4, 5, 6]]), 1, -1, 0)
        array([[0, 0, 0],
               [2, 3, 0]])
    """
    out = np.full_like(cube, rest)
    theirs, ours = overlap(cube.shape[-2:], (down, right))
    out[..., *theirs] = cube[..., *ours]
    return out


def overlap(shape: tuple[int, ...], step: tuple[int, int]) -> tuple[Any, Any]:
    """Where an image moved by `step` covers another of its shape, and which part of it does."""
    there = tuple(slice(max(0, d), max(0, n - max(0, -d))) for d, n in zip(step, shape))
    part = tuple(slice(max(0, -d), max(0, n - max(0, d))) for d, n in zip(step, shape))
    return there, part


def _move(
    fixed: np.ndarray, loose: np.ndarray, known: np.ndarray, its: np.ndarray, metres: float
) -> Move:
    """The move of `loose` onto `fixed`, (C, h, w), by the rule above.

    Args:
        fixed: the image that stays.
        loose: the one that may be moved.
        known: (h, w) pixels of `fixed` that are known.
        its: (h, w) those of `loose`.
        metres: along one pixel.
    """
    first, _, _ = phase_shift(fixed, loose, known & its, REACH)
    step = _whole(first)
    # again, in what both then show: the part that only one shows has pulled at the peak
    there, part = overlap(known.shape, step)
    both = known[there] & its[part]
    if min(both.shape) < REACH:
        return Move()
    rest, _, score = phase_shift(fixed[:, *there], loose[:, *part], both, REACH)
    off = step + rest
    step = _whole(off)
    far = np.abs(off).max() >= NEAREST and np.abs(step).max() <= REACH
    if not far or score < SIGNIFICANT:
        return Move()
    # does it fit better?
    before = _alike(fixed, loose, known & its)
    there, part = overlap(known.shape, step)
    after = _alike(fixed[:, *there], loose[:, *part], known[there] & its[part])
    if after < ALIKE or 1 - after > LEFT * (1 - before):
        return Move()
    return Move(*step, float(metres * np.hypot(*step)), before, after)


def _whole(off: np.ndarray) -> tuple[int, int]:
    down, right = np.rint(off).astype(int).tolist()
    return down, right


def _alike(a: np.ndarray, b: np.ndarray, valid: np.ndarray) -> float:
    """The middle one of the bands' correlations where both are known."""
    a, b = (x - x.mean(axis=0) for x in (pixels(a, valid), pixels(b, valid)))
    size = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    return float(np.median((a * b).sum(axis=0) / np.maximum(size, 1e-12)))


def _coded(scene: Scene, image: int, down: int, right: int) -> np.ndarray | None:
    """The reasons why Y1 (0) or M1 (1) has no data, once it is moved by HR pixels."""
    if scene.quality is None:
        return None
    quality = scene.quality.copy()
    quality[image] = moved(quality[image], down, right, NO_DATA)
    return quality


def _metres(scene: Scene) -> float:
    """Along one HS pixel: by the map, or else as the sensor has it."""
    if scene.transform is None or scene.crs is None or not scene.crs.is_projected:
        return scene.hs.gsd
    return scene.ratio * float(np.hypot(scene.transform.a, scene.transform.d))
