"""Self-checks of lesson 00."""

from __future__ import annotations

import numpy as np

from stsf.lab.lessons.exercises import exercise
from stsf.metrics.figures import sam_map
from stsf.plots.figures import Fused
from stsf.scene import KINDS, Scene


@exercise("a")
def worst_change(answer: str, scene: Scene, fused: Fused) -> str:
    """Lesson 00: the kind of change with the largest mean spectral angle at t2."""
    kinds = scene.true_change()
    x2 = scene.truth(2)
    angles = sam_map(fused.hrhs_t2, x2)
    means = {KINDS[code]: float(np.nanmean(angles[kinds == code])) for code in np.unique(kinds)}
    changed = {kind: mean for kind, mean in means.items() if kind != KINDS[0]}
    if not isinstance(answer, str):
        return f"Not yet: the name of a kind is wanted, such as 'flood', not {answer!r}."
    if answer == KINDS[0]:
        return "Not yet: 'unchanged' is no change; leave code 0 out."
    if answer not in changed:
        return f"Not yet: {answer!r} does not occur here; the kinds are {', '.join(changed)}."
    if answer == min(changed, key=changed.__getitem__):
        return "Not yet: that is the easiest kind; a large angle means a large error."
    if answer != max(changed, key=changed.__getitem__):
        return "Not yet: another kind has a larger mean angle; did you compare t2 with t2?"
    return f"Right: {answer} is hardest, {changed[answer]:.0f}° on average."


@exercise("b")
def hardest_wavelength(answer: float, scene: Scene, fused: Fused) -> str:
    """Lesson 00: where, in nm, the RMS error of X2 over the changed pixels is largest."""
    kinds = scene.true_change()
    x2 = scene.truth(2)
    nm, wrong = scene.hs.centre, np.square(fused.hrhs_t2 - x2)
    changed, unchanged = (wrong[:, mask].mean(axis=1) for mask in (kinds > 0, kinds == 0))
    worst = int(np.argmax(changed))
    if not np.isscalar(answer) or isinstance(answer, str):
        return f"Not yet: one wavelength in nm is wanted, not {answer!r}."
    if abs(answer - nm[worst]) <= 5:
        return f"Right: near {nm[worst]:.0f} nm the error is {np.sqrt(changed[worst]):.2f}."
    if 0 < answer < 3 and answer % 1:
        return f"Not yet: {answer} looks like micrometres; 1 µm is 1000 nm."
    if 0 <= answer < len(nm):
        return f"Not yet: {answer} looks like the number of a band; give its wavelength in nm."
    if abs(answer - nm[np.argmin(changed)]) <= 5:
        return "Not yet: there the error is smallest; the largest is wanted."
    if abs(answer - nm[np.argmax(unchanged)]) <= 5:
        return "Not yet: that is where unchanged pixels err most; did you keep `change > 0`?"
    return "Not yet: another band has a larger RMS; is it a mean over the pixels of each band?"
