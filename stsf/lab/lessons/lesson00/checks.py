"""Self-checks of lesson 00."""

from __future__ import annotations

import numpy as np

from stsf.lab.lessons.exercises import exercise, is_number
from stsf.metrics.figures import sam_map
from stsf.plots.figures import Fused
from stsf.scene import KINDS, Scene


def two_yardsticks(scene: Scene, fused: Fused) -> dict[str, dict[str, float]]:
    """Of each kind of change, the mean spectral angle (degrees) and the RMS error of X2.

    Returns:
        By "angle" and "RMS", kind to value; unchanged pixels are left out.
    """
    kinds, x2 = scene.true_change(), scene.truth(2)
    angles = sam_map(fused.hrhs_t2, x2)
    square = np.mean(np.square(fused.hrhs_t2 - x2), axis=0)
    masks = {KINDS[code]: kinds == code for code in np.unique(kinds) if code > 0}
    return {
        "angle": {kind: float(np.nanmean(angles[mask])) for kind, mask in masks.items()},
        "RMS": {kind: float(np.sqrt(np.mean(square[mask]))) for kind, mask in masks.items()},
    }


@exercise("a")
def worst_change(by_angle: str, by_rms: str, scene: Scene, fused: Fused) -> str:
    """Lesson 00: the kind of change with the largest mean angle, and with the largest RMS error."""
    right = two_yardsticks(scene, fused)
    worst = {name: max(values, key=values.__getitem__) for name, values in right.items()}
    for name, answer in (("angle", by_angle), ("RMS", by_rms)):
        values, other = right[name], worst["RMS" if name == "angle" else "angle"]
        if not isinstance(answer, str):
            return f"Not yet: {name}: the name of a kind of change is wanted, not {answer!r}."
        if answer == KINDS[0]:
            return f"Not yet: {name}: 'unchanged' is no change; leave code 0 out."
        if answer not in values:
            return f"Not yet: {name}: {answer!r} does not occur here; the kinds are in KINDS."
        if answer == min(values, key=values.__getitem__):
            return f"Not yet: {name}: that is the easiest kind; the largest is wanted."
        if answer != worst[name] and answer == other:
            return f"Not yet: {name}: that is the worst by the other yardstick; did you mix them?"
        if answer != worst[name]:
            return f"Not yet: {name}: another kind has a larger one; did you compare t2 with t2?"
    return (
        f"Right: by the angle {by_angle} ({right['angle'][by_angle]:.0f}°), by the RMS error "
        f"{by_rms} ({right['RMS'][by_rms]:.3f})."
    )


@exercise("b")
def hardest_wavelength(answer: float, scene: Scene, fused: Fused) -> str:
    """Lesson 00: where, in nm, the RMS error of X2 over the changed pixels is largest."""
    kinds = scene.true_change()
    x2 = scene.truth(2)
    nm, wrong = scene.hs.centre, np.square(fused.hrhs_t2 - x2)
    changed, unchanged = (wrong[:, mask].mean(axis=1) for mask in (kinds > 0, kinds == 0))
    worst = int(np.argmax(changed))
    if not is_number(answer):
        return f"Not yet: one wavelength in nm is wanted, not {answer!r}."
    if abs(answer - nm[worst]) <= 5:
        return f"Right: near {nm[worst]:.0f} nm the error is {np.sqrt(changed[worst]):.2f}."
    if 0 < answer < 0.35:
        return f"Not yet: {answer:.3f} is no wavelength; *where* is the error largest (`argmax`)?"
    if 0 < answer < 3 and answer % 1:
        return f"Not yet: {answer} looks like micrometres; 1 µm is 1000 nm."
    if 0 <= answer < len(nm):
        return f"Not yet: {answer} looks like the number of a band; give its wavelength in nm."
    if abs(answer - nm[np.argmin(changed)]) <= 5:
        return "Not yet: there the error is smallest; the largest is wanted."
    if abs(answer - nm[np.argmax(unchanged)]) <= 5:
        return "Not yet: that is where unchanged pixels err most; did you keep `change > 0`?"
    return "Not yet: another band has a larger RMS; is it a mean over the pixels of each band?"
