"""Self-checks of lesson 05."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from stsf.lab.lessons.exercises import exercise, is_number


@exercise("a")
def hardest_worker(answer: str, steps: Mapping[str, np.ndarray], truth: np.ndarray) -> str:
    """Lesson 05: the round that lowers the RMS error against the truth most."""
    names = list(steps)
    error = {
        n: float(np.sqrt(np.mean((x - truth) ** 2, dtype=np.float64))) for n, x in steps.items()
    }
    moved = {
        b: float(np.sqrt(np.mean((steps[b] - steps[a]) ** 2, dtype=np.float64)))
        for a, b in pairwise(names)
    }
    gain = {b: error[a] - error[b] for a, b in pairwise(names)}
    best = max(gain, key=gain.__getitem__)
    if answer not in error:
        return f"Not yet: one of {', '.join(gain)} is wanted, not {answer!r}."
    if answer == best:
        return f"Right: {best} takes {gain[best]:.4f} off the error."
    if answer == names[0]:
        return "Not yet: before the start there is nothing; compare each round with the one before."
    if answer == min(error, key=error.__getitem__):
        return "Not yet: after it the error is *smallest*; the largest *drop* is wanted."
    if answer == max(moved, key=moved.__getitem__):
        return "Not yet: it changes the cube most; but is all of that change for the better?"
    if answer == min(gain, key=gain.__getitem__):
        return "Not yet: that round helps least; mind the sign of the difference."
    return "Not yet: another round lowers the error more; is it the RMS over all bands and pixels?"


@exercise("b")
def unexplained(answer: float, residual: np.ndarray, noise: np.ndarray) -> str:
    """Lesson 05: RMS of a residual (L, h, w) in units of each band's noise (L,)."""
    right = float(np.sqrt(np.mean((residual / noise[:, None, None]) ** 2)))
    plain = float(np.sqrt(np.mean(residual**2)))
    if not is_number(answer):
        return f"Not yet: one number is wanted, not {type(answer).__name__}."
    if np.isclose(answer, right, rtol=0.002):
        return f"Right: what is left of Y1 is {right:.1f} times the noise."
    if np.isclose(answer, plain, rtol=0.002):
        return "Not yet: that is in reflectance; divide each band by its own noise first."
    if np.isclose(answer, plain / np.sqrt(np.mean(noise**2)), rtol=0.002):
        return "Not yet: each band has noise of its own; divide before you take the mean."
    if np.isclose(answer, right**2, rtol=0.002):
        return "Not yet: that is the mean square; take its root."
    if np.isclose(answer, np.mean(np.abs(residual / noise[:, None, None])), rtol=0.002):
        return "Not yet: that is the mean of the sizes; square, take the mean, take the root."
    if abs(answer) < 0.1 * right:
        return "Not yet: positive and negative values cancel; square them before the mean."
    return "Not yet: `scene.lrhs_t1 - scene.D.A(x1)` is the residual; what did you divide by?"
