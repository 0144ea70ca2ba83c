"""Self-checks of lesson 09."""

from __future__ import annotations

import numpy as np

from stsf.inspection import materials, threshold_scores
from stsf.lab.lessons.exercises import exercise
from stsf.lab.lessons.lesson09.widgets import matched_materials
from stsf.scene import Scene
from stsf.sensing.spectra import MATERIALS

PRECISE = 0.9  # share of the alarms that must be right


@exercise("a")
def lowest_threshold(answer: int, angles: np.ndarray, change: np.ndarray) -> str:
    """Lesson 09: the lowest threshold (whole degrees) at which nine of ten alarms are right."""
    scores = {t: threshold_scores(angles, float(t), change) for t in range(1, 41)}
    enough = [t for t, score in scores.items() if score["precision"] >= PRECISE]
    by_recall = [t for t, score in scores.items() if score["recall"] >= PRECISE]
    if answer not in scores:
        return f"Not yet: a whole number from 1 to 40 is wanted, not {answer!r}."
    told = f"at {answer}° the precision is {scores[answer]['precision']:.3f}"
    if answer == min(enough):
        recall = scores[answer]["recall"]
        return f"Right: {told}, and {recall:.0%} of the change is still found."
    if answer == max(by_recall):
        return f"Not yet: {told}; that is the highest threshold by *recall*."
    if answer in enough:
        return f"Not yet: {told}, but a lower threshold is precise enough too, and misses less."
    return f"Not yet: {told}, {PRECISE} is wanted."


@exercise("b")
def flooded_material(answer: str, scene: Scene, x2: np.ndarray, places: np.ndarray) -> str:
    """Lesson 09: the material that the library match names most often, of flooded pixels in X̂2."""
    true_x2 = scene.truth(2)
    among = materials(scene.hs)
    matched, true = (matched_materials(cube, places, among).most_common() for cube in (x2, true_x2))
    said, share = matched[0][0], matched[0][1] / len(places)
    if answer not in MATERIALS:
        return f"Not yet: one of {', '.join(MATERIALS)} is wanted, not {answer!r}."
    if answer == said:
        return (
            f"Right: of X̂2 it says {said} ({share:.0%} of these pixels), of the truth {true[0][0]}."
        )
    if answer == true[0][0]:
        return "Not yet: that is what it says of the *truth*; take the spectra of X̂2."
    if answer in dict(matched):
        return "Not yet: it occurs, but another material is named more often; count them."
    return "Not yet: that is never named here; did you take t2, and the flooded pixels?"
