"""Self-checks of lessons 04 and 05: each says what is right, or names the likely mistake."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from stsf.lab.lessons.filter_widgets import descend, filtered


def slope_filter(weights: np.ndarray) -> str:
    """Lesson 04: 3 x 3 weights that measure by how much an image rises per column."""
    w = np.asarray(weights, dtype=float)
    if w.shape != (3, 3):
        return f"Not yet: nine weights in three rows are wanted, got the shape {w.shape}."
    rows, columns = np.mgrid[0:7.0, 0:7.0]
    flat, right, down = (
        float(filtered(image, w)[3, 3]) for image in (np.ones((7, 7)), columns, rows)
    )
    at_centre = [right - 3 * flat, down - 3 * flat]  # without what a wrong sum adds
    if abs(flat) > 1e-6:
        return f"Not yet: on a flat field it says {flat:g}; the nine weights must sum to 0."
    if abs(at_centre[0] - 1) < 1e-6 and abs(at_centre[1]) < 1e-6:
        return "Right: 0 on a flat field, 1 where the image rises by 1 per column."
    if abs(at_centre[0]) < 1e-6 and abs(at_centre[1]) > 1e-6:
        return "Not yet: that measures the slope downwards; rows are the first axis."
    if abs(at_centre[0] + 1) < 1e-6:
        return "Not yet: the sign is wrong; the pixel to the *right* counts with a plus."
    if at_centre[0] > 0 and abs(at_centre[1]) < 1e-6:
        return (
            f"Not yet: it says {at_centre[0]:g} where the image rises by 1 per column; the outer "
            "columns are two pixels apart, and rows may add up."
        )
    return "Not yet: on an image that rises to the right it must say 1, on one that rises down 0."


def gradient_step(answer: float, wanted: np.ndarray, detail: np.ndarray, rate: float) -> str:
    """Lesson 04: the strength after one gradient step from 0 on the mean square error."""
    right = float(descend(wanted, detail, rate, 1)[1])
    if not np.isscalar(answer) or isinstance(answer, str):
        return f"Not yet: one number is wanted, the strength after the step, not {answer!r}."
    mistakes = {
        "you walked uphill; the step goes *against* the slope": -right,
        "the derivative of a square brings a factor 2": right / 2,
        "that is the slope, with its sign turned; times the rate it is a step": right / rate,
        "that is the slope itself; times the rate, and against it, it is a step": -right / rate,
        "the loss is a *mean* over the pixels, not a sum": right * np.size(wanted),
        "that is the bottom of the curve; one step does not get that far": float(
            np.mean(wanted * detail) / np.mean(detail**2)
        ),
    }
    if np.isclose(answer, right, rtol=1e-3):
        return f"Right: one step leads from 0 to {right:.2f}."
    for words, value in mistakes.items():
        if np.isclose(answer, value, rtol=1e-3):
            return f"Not yet: {words}."
    return "Not yet: slope at a = 0 is -2 times the mean of detail times wanted."


def hardest_worker(answer: str, steps: Mapping[str, np.ndarray], truth: np.ndarray) -> str:
    """Lesson 05: the step that lowers the RMS error against the truth most."""
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
        return "Not yet: before the start there is nothing; compare each step with the one before."
    if answer == min(error, key=error.__getitem__):
        return "Not yet: after it the error is *smallest*; the largest *drop* is wanted."
    if answer == max(moved, key=moved.__getitem__):
        return "Not yet: it changes the cube most; but is all of that change for the better?"
    if answer == min(gain, key=gain.__getitem__):
        return "Not yet: that step helps least; mind the sign of the difference."
    return "Not yet: another step lowers the error more; is it the RMS over all bands and pixels?"


def unexplained(answer: float, residual: np.ndarray, noise: np.ndarray) -> str:
    """Lesson 05: RMS of a residual (L, h, w) in units of each band's noise (L,)."""
    right = float(np.sqrt(np.mean((residual / noise[:, None, None]) ** 2)))
    plain = float(np.sqrt(np.mean(residual**2)))
    if not np.isscalar(answer) or isinstance(answer, str):
        return f"Not yet: one number is wanted, not {type(answer).__name__}."
    if np.isclose(answer, right, rtol=0.01):
        return f"Right: what is left of Y1 is {right:.1f} times the noise."
    if np.isclose(answer, plain, rtol=0.01):
        return "Not yet: that is in reflectance; divide each band by its own noise first."
    if np.isclose(answer, plain / np.sqrt(np.mean(noise**2)), rtol=0.01):
        return "Not yet: each band has noise of its own; divide before you take the mean."
    if np.isclose(answer, right**2, rtol=0.01):
        return "Not yet: that is the mean square; take its root."
    if abs(answer) < 0.1 * right:
        return "Not yet: positive and negative values cancel; square them before the mean."
    return "Not yet: `scene.lrhs_t1 - scene.D.A(x1)` is the residual; what did you divide by?"
