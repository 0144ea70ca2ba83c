"""Self-checks of lesson 02."""

from __future__ import annotations

from stsf.lab.lessons.exercises import exercise, is_number
from stsf.lab.lessons.lesson02.widgets import harm
from stsf.scene import Scene


@exercise("a")
def equal_snr(all_bands: int, seen_by_ms: int, scene: Scene) -> str:
    """Lesson 02: the highest SNR (dB, steps of 5) that harms as much as half a pixel of shift."""
    limit = harm(scene, shift=0.5)
    for name, answer in (("all_bands", all_bands), ("seen_by_ms", seen_by_ms)):
        most = getattr(limit, name)
        enough = [n for n in range(10, 51, 5) if getattr(harm(scene, float(n)), name) >= most]
        if answer not in range(10, 51, 5):
            return f"Not yet: {name}: one of 10, 15, ... 50 is wanted, not {answer!r}."
        if answer == min(enough) != max(enough):
            return f"Not yet: {name}: that is the lowest such SNR; the highest is wanted."
        if answer not in enough:
            return f"Not yet: {name}: there the noise does less harm; a low SNR means much noise."
        if answer != max(enough):
            return f"Not yet: {name}: a higher SNR already does as much harm."
    return (
        f"Right: half a pixel harms as much as noise at {all_bands} dB, counted over all bands; "
        f"at {seen_by_ms} dB, as the MS sees it."
    )


@exercise("b")
def first_pixel_shift(answer: float, ratio: int) -> str:
    """Lesson 02: the PSF shift (fine pixels) that puts the sample on the first fine pixel."""
    right = -(ratio - 1) / 2
    if not is_number(answer):
        return f"Not yet: one number is wanted, the same for both directions, not {answer!r}."
    if abs(answer - right) < 1e-6:
        return f"Right: {right:g} fine pixels at ratio {ratio}."
    if abs(answer + right) < 1e-6:
        return "Not yet: the size is right; the first pixel lies to the left of the centre."
    if abs(answer) == ratio / 2:
        return "Not yet: the common centre is that of the *first and last* pixel, not of r and 0."
    if answer == -1:
        return "Not yet: that is the shift at ratio 3; how many pixels has the block here?"
    return "Not yet: take the centre of the pixels 0 ... r - 1, then go from there to pixel 0."
