"""Self-checks of the exercises: each says what is right, or names the likely mistake."""

from __future__ import annotations

import numpy as np

from stsf.lab.lessons.projection_widgets import error_of, projection_path
from stsf.lab.lessons.spectra_widgets import rebuild
from stsf.lab.lessons.widgets import degradation_view
from stsf.metrics.evaluation import band_groups
from stsf.metrics.figures import sam_map
from stsf.plots.figures import Fused
from stsf.scene import KINDS, Scene
from stsf.sensing.spectra import library
from stsf.sensing.subspace import fit_subspace


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


def hardest_wavelength(answer: float, scene: Scene, fused: Fused) -> str:
    """Lesson 00: where, in nm, the RMS error of X2 over the changed pixels is largest."""
    assert scene.change is not None and scene.hrhs_t2 is not None
    nm, wrong = scene.hs.centre, np.square(fused.hrhs_t2 - scene.hrhs_t2)
    changed, unchanged = (
        wrong[:, mask].mean(axis=1) for mask in (scene.change > 0, scene.change == 0)
    )
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


def first_pixel_shift(answer: float, ratio: int) -> str:
    """Lesson 02: the PSF shift (fine pixels) that puts the sample on the first fine pixel."""
    right = -(ratio - 1) / 2
    if not np.isscalar(answer) or isinstance(answer, str):
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


def red_edge(answer: float, scene: Scene) -> str:
    """Lesson 01: where the mean spectrum of dense canopies (LAI above 5) rises most steeply, nm."""
    lib = library()
    dense = lib.select(lib.attributes["LAI"] > 5)
    nm, mean = scene.hs.centre, dense.at(scene.hs).mean(axis=0)
    step, slope = np.diff(mean), np.diff(mean) / np.diff(nm)
    steepest = int(np.argmax(slope))
    if nm[steepest] - 10 <= answer <= nm[steepest + 1] + 10:
        return f"Right: the red edge of dense canopies is steepest near {answer:.0f} nm."
    if 0 <= answer < len(nm):
        return f"Not yet: {answer} looks like the number of a band; give its wavelength in nm."
    if abs(answer - nm[np.argmax(np.abs(step))]) <= 10:
        return (
            "Not yet: there the curve steps down across a gap between the bands; keep the sign, "
            "and divide by the step in wavelength."
        )
    if abs(answer - nm[np.argmin(np.gradient(mean, nm))]) <= 10:
        return "Not yet: there the curve falls most steeply; the rise is wanted."
    return "Not yet: look between 680 and 750 nm; is the slope that of reflectance over wavelength?"


def enough_numbers(answer: int, scene: Scene) -> str:
    """Lesson 01: the least k at which X1, rebuilt in the plane of Y1, errs less than Y1's noise."""
    assert scene.hrhs_t1 is not None
    noise = float(np.sqrt(np.mean(scene.noise_hs**2)))
    plane, truth = fit_subspace(scene.lrhs_t1, 20), scene.hrhs_t1

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


def most_hidden(answer: str, scene: Scene, hidden: np.ndarray) -> str:
    """Lesson 03: the group of bands with the largest RMS of the hidden part Z, in reflectance."""
    assert scene.hrhs_t1 is not None
    groups = band_groups(scene.hs, scene.ms)
    rms = {name: float(np.sqrt(np.mean(hidden[mask] ** 2))) for name, mask in groups.items()}
    share = {
        name: rms[name] / float(np.std(scene.hrhs_t1[mask], axis=(1, 2)).mean())
        for name, mask in groups.items()
    }
    if answer not in rms:
        return f"Not yet: one of {', '.join(rms)} is wanted, not {answer!r}."
    if answer == max(rms, key=rms.__getitem__):
        return f"Right: {answer}, {rms[answer]:.3f} of reflectance that neither sensor sees."
    if answer == min(rms, key=rms.__getitem__):
        return "Not yet: that is the group with the least; hidden means that Z is large."
    if answer == max(share, key=share.__getitem__):
        return "Not yet: largest as a share of the group's own spread; the RMS itself is wanted."
    return "Not yet: another group has a larger RMS; did you use `hidden`, not the truth?"


def harmful_snr(answer: int, scene: Scene) -> str:
    """Lesson 03: highest SNR (steps of 5 dB) at which the plain spatial step makes X1 worse."""

    def worse(snr: int) -> bool:
        _, (_, spectral, spatial, *_) = projection_path(scene, float(snr))
        return error_of(scene, spatial) > error_of(scene, spectral)

    harmful = [snr for snr in range(10, 51, 5) if worse(snr)]
    if answer not in range(10, 51, 5):
        return f"Not yet: one of 10, 15, ... 50 is wanted, not {answer!r}."
    if answer not in harmful:
        return "Not yet: there the spatial step still helps; a low SNR means much noise."
    if answer == min(harmful):
        return "Not yet: that is the lowest such SNR; the highest is wanted."
    if answer != max(harmful):
        return "Not yet: a higher SNR is already harmful."
    return f"Right: at {answer} dB and below, the exact projection brings more noise than detail."
