"""Self-checks of lessons 08 to 10: each says what is right, or names the likely mistake."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stsf import metrics
from stsf.baselines.registry import get_method
from stsf.errors import InputError
from stsf.inspection import materials, threshold_scores
from stsf.lab.lessons.change_widgets import matched_materials
from stsf.lab.lessons.own_scene_widgets import SHIFT_HS, left_out
from stsf.scene import Scene
from stsf.sensing.spectra import MATERIALS

POOR = 15.0  # dB, a PSNR that nobody would call good
PRECISE = 0.9  # share of the alarms that must be right
TOO_GOOD = 60.0  # dB, of X2: no method can be that near to the truth without having seen it


def fools_the_angle(cheat: np.ndarray, scene: Scene, rival: np.ndarray) -> str:
    """Lesson 08: a cube that beats an honest one by its angle, with a PSNR below 15 dB."""
    assert scene.hrhs_t2 is not None
    if np.shape(cheat) != scene.hrhs_t2.shape:
        return f"Not yet: a cube of the shape {scene.hrhs_t2.shape} is wanted."
    angle, honest = metrics.sam(cheat, scene.hrhs_t2), metrics.sam(rival, scene.hrhs_t2)
    psnr = metrics.psnr(cheat, scene.hrhs_t2)
    if np.isnan(angle):
        return "Not yet: no spectrum is left; a spectrum of zeros has no direction."
    if psnr >= POOR:
        return f"Not yet: the PSNR is {psnr:.1f} dB; be bolder, the spectra may be far too dark."
    if angle >= honest:
        return (
            f"Not yet: the angle is {angle:.1f}°, the honest cube has {honest:.1f}°; what is added "
            "turns a spectrum, what is multiplied does not."
        )
    return f"Right: an angle of {angle:.1f}° beats {honest:.1f}°, at a PSNR of {psnr:.0f} dB."


def own_method(name: str, scene: Scene, x1: np.ndarray) -> str:
    """Lesson 08: a registered method for X2 that beats its two parts and their mean."""
    assert scene.hrhs_t2 is not None
    truth = scene.hrhs_t2
    blind = replace(scene, hrhs_t1=None, hrhs_t2=None, change=None)

    try:
        mine = metrics.psnr(get_method(name, "x2")(blind, x1), truth)
    except InputError as error:
        return f"Not yet: {error}"
    except (AttributeError, TypeError) as error:
        return (
            f"Not yet: {error}; the benchmark hides the truth, so build on the observations and "
            "x1 alone."
        )
    if mine > TOO_GOOD:
        return f"Not yet: {mine:.0f} dB is too good; a method must not look at the truth."
    parts = {name: get_method(name, "x2")(blind, x1) for name in ("injection", "kernel")}
    found = {name: metrics.psnr(cube, truth) for name, cube in parts.items()}
    mean = metrics.psnr((parts["injection"] + parts["kernel"]) / 2, truth)
    told = f"injection {found['injection']:.1f}, kernel {found['kernel']:.1f}, mean {mean:.1f}"
    if mine > max(mean, *found.values()):
        return f"Right: {mine:.1f} dB against {told}."
    if mine > max(found.values()):
        return (
            f"Not yet: {mine:.1f} dB against {told}; a weight that is the same everywhere is a "
            "compromise, so let it follow the change of each pixel."
        )
    return (
        f"Not yet: {mine:.1f} dB against {told}; where little changed the injection must weigh "
        "most, so is the weight the right way round?"
    )


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


def flooded_material(answer: str, scene: Scene, x2: np.ndarray, places: np.ndarray) -> str:
    """Lesson 09: the material that the library match names most often, of flooded pixels in X̂2."""
    assert scene.hrhs_t2 is not None
    among = materials(scene.hs)
    found, true = (
        matched_materials(cube, places, among).most_common() for cube in (x2, scene.hrhs_t2)
    )
    said, share = found[0][0], found[0][1] / len(places)
    if answer not in MATERIALS:
        return f"Not yet: one of {', '.join(MATERIALS)} is wanted, not {answer!r}."
    if answer == said:
        return (
            f"Right: of X̂2 it says {said} ({share:.0%} of these pixels), of the truth {true[0][0]}."
        )
    if answer == true[0][0]:
        return "Not yet: that is what it says of the *truth*; take the spectra of X̂2."
    if answer in dict(found):
        return "Not yet: it occurs, but another material is named more often; count them."
    return "Not yet: that is never named here; did you take t2, and the flooded pixels?"


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
