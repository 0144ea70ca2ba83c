"""Self-checks of lesson 01."""

from __future__ import annotations

import numpy as np

from stsf.lab.lessons.exercises import exercise, is_number
from stsf.lab.lessons.lesson01.widgets import rebuild
from stsf.scene import Scene
from stsf.sensing.spectra import library
from stsf.sensing.subspace import fit_subspace


@exercise("a")
def red_edge(answer: float, scene: Scene) -> str:
    """Lesson 01: where the mean spectrum of dense canopies (LAI above 5) rises most steeply, nm."""
    lib = library()
    dense = lib.select(lib.attributes["LAI"] > 5)
    nm, mean = scene.hs.centre, dense.at(scene.hs).mean(axis=0)
    step, slope = np.diff(mean), np.diff(mean) / np.diff(nm)
    steepest = int(np.argmax(slope))
    if not is_number(answer):
        return f"Not yet: one wavelength in nm is wanted, not {answer!r}."
    middle = (nm[steepest] + nm[steepest + 1]) / 2
    if abs(answer - middle) <= 11:  # a central or a one-sided difference: a band apart
        return f"Right: the red edge of dense canopies is steepest near {middle:.0f} nm."
    if 0 < answer < 3 and answer % 1:
        return f"Not yet: {answer} looks like micrometres; 1 µm is 1000 nm."
    if 0 <= answer < len(nm):
        return f"Not yet: {answer} looks like the number of a band; give its wavelength in nm."
    if abs(answer - nm[np.argmax(np.abs(step))]) <= 10:
        return (
            "Not yet: there the curve steps down across a gap between the bands; keep the sign, "
            "and divide by the step in wavelength."
        )
    if abs(answer - nm[np.argmin(np.gradient(mean, nm))]) <= 10:
        return "Not yet: there the curve falls most steeply; the rise is wanted."
    if 680 <= answer <= 750:
        return "Not yet: near, but at another band between 680 and 750 nm the curve is steeper."
    return "Not yet: look between 680 and 750 nm; is the slope that of reflectance over wavelength?"


@exercise("b")
def enough_numbers(answer: int, scene: Scene) -> str:
    """Lesson 01: the least k at which X1, rebuilt in the plane of Y1, errs less than Y1's noise."""
    x1 = scene.truth(1)
    noise = float(np.sqrt(np.mean(scene.noise_hs**2)))
    plane, truth = fit_subspace(scene.lrhs_t1, 20), x1

    def error(k: int) -> float:
        return float(np.sqrt(np.mean((rebuild(plane, truth, k) - truth) ** 2)))

    least = next(k for k in range(1, 21) if error(k) < noise)
    if answer not in range(1, 21):
        return f"Not yet: a whole number from 1 to 20 is wanted, not {answer!r}."
    if answer < least:
        return (
            f"Not yet: {answer} numbers leave an error of {error(answer):.4f}, the noise is "
            f"{noise:.4f}; did you compare with X1, and take the root of the mean square?"
        )
    if answer > least:
        return "Not yet: that is enough, but a smaller k is too; the smallest is wanted."
    return f"Right: {answer} numbers stand for {len(scene.hs)} bands to within the noise."
