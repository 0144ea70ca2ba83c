"""Self-checks of lesson 04a."""

from __future__ import annotations

import numpy as np

from stsf.lab.lessons.exercises import exercise, is_number
from stsf.lab.lessons.lesson04a.filters import descend, filtered


@exercise("a")
def slope_filter(weights: np.ndarray) -> str:
    """Lesson 04a: 3 x 3 weights that measure by how much an image rises per column."""
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
        if not np.allclose(w[:, 0], -w[:, 2]) or not np.allclose(w[:, 1], 0):
            return "Not yet: it says 1, but of one neighbour only; use both, with equal weights."
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


@exercise("b")
def gradient_step(answer: float, wanted: np.ndarray, detail: np.ndarray, rate: float) -> str:
    """Lesson 04a: the strength after one gradient step from 0 on the mean square error."""
    right = float(descend(wanted, detail, rate, 1)[1])
    if not is_number(answer):
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
    return "Not yet: slope at a = 0 is -2 times the mean of the filter's answer times wanted."
