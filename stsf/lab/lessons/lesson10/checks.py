"""Self-checks of lesson 10."""

from __future__ import annotations

import numpy as np

from stsf.lab.lessons.exercises import exercise
from stsf.lab.lessons.lesson10.widgets import SHIFT_HS, left_out
from stsf.scene import Scene


@exercise("a")
def displacement(answer: tuple[float, float], scene: Scene) -> str:
    """Lesson 10: how far Y1 lies off M1, (down, right) in metres, as it was made."""
    try:
        down, right = (float(value) for value in answer)
    except (TypeError, ValueError):
        return f"Not yet: a pair (down, right) in metres is wanted, not {answer!r}."
    true = tuple(scene.ms.gsd * shift for shift in SHIFT_HS)

    def near(a: tuple[float, float]) -> bool:
        return all(abs(x - y) <= 0.2 * scene.ms.gsd for x, y in zip(a, true))

    if near((down, right)):
        return f"Right: Y1 was made {true[0]:.0f} m too far down and {-true[1]:.0f} m to the left."
    if near((scene.ms.gsd * down, scene.ms.gsd * right)):
        return "Not yet: that is in MS pixels; multiply by their size in metres."
    if near((down / scene.ratio, right / scene.ratio)):
        return "Not yet: the shift is counted in *MS* pixels, those of the HS are larger."
    if near((right, down)):
        return "Not yet: swapped; down comes first."
    if near((-down, -right)):
        return "Not yet: the other way round; a positive shift is down and right."
    return "Not yet: take the shift of the detector that was *told*, and mind its unit."


@exercise("b")
def worst_band(answer: str, scene: Scene) -> str:
    """Lesson 10: the MS band that the others predict worst at t2, beside its own spread."""
    pairs = {band: left_out(scene, band) for band in scene.ms.band_names}
    errors = {
        band: float(np.sqrt(np.mean((guess - seen) ** 2)) / seen.std())
        for band, (guess, seen) in pairs.items()
    }
    if answer not in errors:
        return f"Not yet: the name of a band is wanted, one of {', '.join(errors)}."
    if answer == max(errors, key=errors.__getitem__):
        return f"Right: {answer}, an error of {errors[answer]:.0%} of the band's spread."
    if answer == min(errors, key=errors.__getitem__):
        return "Not yet: that one is predicted best."
    return "Not yet: another band has a larger error beside its spread (`measured.std()`)."
