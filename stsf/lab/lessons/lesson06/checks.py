"""Self-checks of lesson 06: each says what is right, or names the likely mistake."""

from __future__ import annotations

import numpy as np

from stsf.evidence.evidence import Evidence
from stsf.lab.lessons.exercises import exercise, is_number
from stsf.lab.lessons.lesson06.widgets import inside_band, pseudo_errors
from stsf.network import Estimate
from stsf.scene import Scene
from stsf.tve import Z90

LARGE = 0.02  # reflectance, RMS of a change worth hiding


@exercise("a")
def trusted(answer: str, evidence: Evidence) -> str:
    """Lesson 06: the scene-made candidate with the least RMS error on the pseudo-changes."""
    errors = pseudo_errors(evidence)
    ranked = sorted(errors, key=errors.__getitem__)
    if not isinstance(answer, str) or answer not in errors:
        return f"Not yet: one of {', '.join(errors)} is wanted, not {answer!r}."
    if answer == ranked[0]:
        return f"Right: {answer} errs least, {errors[answer]:.3f} in reflectance."
    if answer == ranked[-1]:
        return "Not yet: that one errs *most*; small errors are wanted."
    if answer == "injection":
        return "Not yet: injection keeps the spectrum of p, and here nothing of p is left at t2."
    return (
        "Not yet: another errs less; compare with `evidence.to_known.answers`, "
        "all of them together."
    )


@exercise("b")
def unseen_change(answer: np.ndarray, scene: Scene) -> str:
    """Lesson 06: a change of spectrum (L,) that the MS does not see, of RMS 0.02 or more."""
    if np.shape(answer) != (len(scene.hs),):
        return f"Not yet: one number for each of the {len(scene.hs)} HS bands is wanted."
    if not np.isfinite(answer).all():
        return "Not yet: some values are not finite; did you divide by zero?"
    size = float(np.sqrt(np.mean(np.square(answer))))
    measured = np.abs(scene.R.R @ answer)
    if size < 1e-9:
        return "Not yet: no change at all; the MS must not see it, but there must be one."
    if (measured > scene.noise_ms).any():
        worst = scene.ms.band_names[int(np.argmax(measured / scene.noise_ms))]
        return (
            f"Not yet: band {worst} of the MS moves by {measured.max():.4f}; take away what R "
            "sees of your change, carried back with pinv(R)."
        )
    if np.abs(answer).max() > 1:
        return "Not yet: in per cent? A reflectance lies between 0 and 1, so no change exceeds 1."
    if size < LARGE:
        return f"Not yet: the MS sees nothing, but the RMS is {size:.3f}; make it {LARGE} or more."
    return f"Right: an RMS of {size:.2f} over the bands, of which the MS sees nothing."


@exercise("c")
def band_holds(answer: float, scene: Scene, found: Estimate) -> str:
    """Lesson 06: share of the values of changed pixels that lie in their 90 % band."""
    true_x2 = scene.truth(2)
    kinds = scene.true_change()
    changed = kinds > 0
    x2, sigma, truth = (a[:, changed] for a in (found.x2, found.sigma, true_x2))
    held = inside_band(found.x2, found.sigma, true_x2).mean(axis=0)  # (H, W)
    right = float(held[changed].mean())
    if not is_number(answer):
        return f"Not yet: one share from 0 to 1 is wanted, not {answer!r}."
    close = 0.003
    if abs(answer - right) <= close:
        return f"Right: the band holds {right:.0%} of the values of changed pixels."
    if abs(answer - 100 * right) <= 100 * close:
        return "Not yet: that is in per cent; a share from 0 to 1 is wanted."
    if abs(answer - inside_band(x2, sigma / Z90, truth).mean()) <= close:
        return f"Not yet: the band is ±{Z90} σ wide, not ±σ."
    if abs(answer - (1 - right)) <= close:
        return "Not yet: that is the share *outside* the band."
    if abs(answer - held.mean()) <= close:
        return "Not yet: that is for all pixels; only the changed ones are asked for."
    if abs(answer - (x2 - truth <= Z90 * sigma).mean()) <= close:
        return "Not yet: the truth can lie above the band, too; did you take `np.abs`?"
    if abs(answer - held[~changed].mean()) <= close:
        return "Not yet: that is for the *unchanged* pixels."
    if answer == 0.9:
        return "Not yet: 0.9 is what the band promises; count what it holds."
    return "Not yet: count |x2 - truth| <= 1.645 σ over all bands of the changed pixels."
