"""Self-checks of lesson 03."""

from __future__ import annotations

import numpy as np

from stsf.lab.lessons.exercises import exercise
from stsf.lab.lessons.lesson03.widgets import error_of, projection_path
from stsf.metrics.evaluation import band_groups
from stsf.scene import Scene


@exercise("a")
def most_hidden(answer: str, scene: Scene, hidden: np.ndarray) -> str:
    """Lesson 03: the group of bands with the largest RMS of the hidden part Z, in reflectance."""
    x1 = scene.truth(1)
    groups = band_groups(scene.hs, scene.ms)
    rms = {name: float(np.sqrt(np.mean(hidden[mask] ** 2))) for name, mask in groups.items()}
    share = {
        name: rms[name] / float(np.std(x1[mask], axis=(1, 2)).mean())
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


@exercise("b")
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
