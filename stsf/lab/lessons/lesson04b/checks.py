"""Self-checks of lesson 04b."""

from __future__ import annotations

import numpy as np

from stsf.lab.lessons.exercises import exercise, is_number
from stsf.lab.lessons.lesson04b.regression import line_through


@exercise("a")
def window_line(answer: float, guide: np.ndarray, image: np.ndarray) -> str:
    """Lesson 04b: the slope of the line from a window of M1 to the same window of a band."""
    right, _ = line_through(guide, image)
    if not is_number(answer):
        return f"Not yet: one number is wanted, the slope, not {answer!r}."
    mistakes = {
        "the means must go first; else the line is forced through 0": float(
            np.sum(guide * image) / np.sum(guide**2)
        ),
        "that predicts M1 from the band; turn it round": line_through(image, guide)[0],
        "that is the correlation; it has no units and knows no slope": float(
            np.corrcoef(guide.ravel(), image.ravel())[0, 1]
        ),
    }
    if np.isclose(answer, right, rtol=2e-3):
        return f"Right: in this window the band moves by {right:+.2f} for each 1 of M1."
    for words, value in mistakes.items():
        if np.isclose(answer, value, rtol=2e-3):
            return f"Not yet: {words}."
    return (
        "Not yet: slope = mean of (M1 − its mean)(band − its mean) over mean of (M1 − its mean)²."
    )


@exercise("b")
def believed_share(answer: float, before: np.ndarray, after: np.ndarray, place: tuple) -> str:
    """Lesson 04b: RMS of what an ECU believes of a residual over the residual's own, in a place."""

    def share(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.sqrt(np.mean(b**2) / np.mean(a**2)))

    right = share(before[place], after[place])
    if not is_number(answer):
        return f"Not yet: one number is wanted, a share from 0 to 1, not {answer!r}."
    mistakes = {
        "that is the share of the square; take the root": right**2,
        "that is the whole scene; only the patch is wanted": share(before, after),
        "turn it round: what is believed over what was there": 1 / right,
        "that is what is *not* believed": 1 - right,
    }
    if np.isclose(answer, right, rtol=2e-3, atol=0):
        return f"Right: {right:.1%} of the residual is believed there."
    for words, value in mistakes.items():
        if np.isclose(answer, value, rtol=2e-4, atol=0):
            return f"Not yet: {words}."
    return "Not yet: RMS of `after` over RMS of `before`, both in the patch, of map 1."
