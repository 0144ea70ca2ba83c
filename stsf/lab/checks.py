"""Self-checks of the exercises: each says what is right, or names the likely mistake."""

from __future__ import annotations

import numpy as np

from stsf.lab.widgets import degradation_view
from stsf.metrics import sam_map
from stsf.plots import Fused
from stsf.scene import KINDS, Scene


def worst_change(answer: str, scene: Scene, fused: Fused) -> str:
    """Lesson 00: the kind of change with the largest mean spectral angle at t2."""
    assert scene.change is not None and scene.hrhs_t2 is not None
    angles = sam_map(fused.hrhs_t2, scene.hrhs_t2)
    means = {
        KINDS[code]: float(np.nanmean(angles[scene.change == code]))
        for code in np.unique(scene.change)
    }
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


def equal_snr(answer: int, scene: Scene) -> str:
    """Lesson 02: the highest SNR (dB, steps of 5) that misfits as much as half a pixel of shift."""

    def misfit(snr: float = 35.0, shift: tuple[float, float] = (0.0, 0.0)) -> float:
        text = degradation_view(scene, (0, 0), snr=snr, shift=shift)[1]
        return float(text.split("=")[-1])

    limit = misfit(shift=(0.5, 0.5))
    enough = [snr for snr in range(10, 51, 5) if misfit(snr=snr) >= limit]
    if answer not in range(10, 51, 5):
        return f"Not yet: one of 10, 15, ... 50 is wanted, not {answer!r}."
    if answer == min(enough) != max(enough):
        return "Not yet: that is the lowest such SNR; the highest is wanted."
    if answer not in enough:
        return "Not yet: at that SNR the noise does less harm; a low SNR means much noise."
    if answer != max(enough):
        return "Not yet: a higher SNR already does as much harm."
    return f"Right: half a pixel of shift does as much harm as noise at {answer} dB."
