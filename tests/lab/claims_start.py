"""What lessons 00 to 02 say of their output, held against the data and network shipped."""

import numpy as np
from shown import Shown, fused

from stsf.lab.lessons import lesson02
from stsf.lab.lessons.lesson00.checks import two_yardsticks
from stsf.lab.lessons.lesson01 import rebuild
from stsf.metrics.figures import psnr, sam_map
from stsf.sensing.subspace import fit_subspace


def errs_in_the_dark_by_angle(shown: Shown) -> bool:
    """00: unchanged water has a larger angle than other unchanged ground, and no larger error."""
    x2, truth = fused(shown).x2, shown.scene.truth(2)
    still = shown.scene.true_change() == 0
    dark = still & (truth.mean(axis=0) < 0.03)
    angle, error = sam_map(x2, truth), np.sqrt(np.mean((x2 - truth) ** 2, axis=0))
    return bool(
        np.nanmean(angle[dark]) > 3 * np.nanmean(angle[still & ~dark])
        and error[dark].mean() < 2 * error[still & ~dark].mean()
    )


def yardsticks_disagree(shown: Shown) -> bool:
    """00: the worst kind by the angle is not the worst by the RMS error."""
    found = two_yardsticks(shown.scene, _Fused(fused(shown)))
    return len({max(values, key=values.get) for values in found.values()}) == 2


class _Fused:
    def __init__(self, estimate) -> None:
        self.hrhs_t1, self.hrhs_t2 = estimate.x1, estimate.x2


def changed_is_harder(shown: Shown) -> bool:
    """00: PSNR of changed pixels is at least 6 dB below that of unchanged ones."""
    x2, truth, kinds = fused(shown).x2, shown.scene.truth(2), shown.scene.true_change()
    return psnr(x2, truth, mask=kinds == 0) - psnr(x2, truth, mask=kinds > 0) > 6


def crop_needs_more_than_village(shown: Shown) -> bool:
    """01: with 3 numbers the village errs by less than 0.01, the crop by more."""
    plane = fit_subspace(shown.scene.lrhs_t1, k=20)
    village, crop = (
        np.sqrt(np.mean((rebuild(plane, s[:, None, None], 3)[:, 0, 0] - s) ** 2))
        for s in (shown.scene.truth(1)[:, y, x] for y, x in ((128, 96), (100, 170)))
    )
    return village < 0.01 < crop


def half_a_pixel_shows(shown: Shown) -> bool:
    """02: half a pixel multiplies R Y1 - D M1; the MTF does not; 25 dB harms it less."""
    usual, shifted = lesson02.harm(shown.scene), lesson02.harm(shown.scene, shift=0.5)
    blurred = lesson02.harm(shown.scene, mtf=0.1)
    noisy = lesson02.harm(shown.scene, snr=25.0)
    return (
        shifted.seen_by_ms > 3 * usual.seen_by_ms
        and blurred.seen_by_ms < 1.3 * usual.seen_by_ms
        and noisy.seen_by_ms < shifted.seen_by_ms
        and noisy.all_bands > shifted.all_bands
    )


CLAIMS = (
    errs_in_the_dark_by_angle,
    yardsticks_disagree,
    changed_is_harder,
    crop_needs_more_than_village,
    half_a_pixel_shows,
)
