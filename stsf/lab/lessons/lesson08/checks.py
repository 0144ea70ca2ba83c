"""Self-checks of lesson 08."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stsf import metrics
from stsf.baselines.registry import get_method
from stsf.errors import InputError
from stsf.lab.lessons.exercises import exercise
from stsf.scene import Scene

POOR = 15.0  # dB, a PSNR that nobody would call good


TOO_GOOD = 60.0  # dB, of X2: no method can be that near to the truth without having seen it


@exercise("a")
def fools_the_angle(cheat: np.ndarray, scene: Scene, rival: np.ndarray) -> str:
    """Lesson 08: a cube that beats an honest one by its angle, with a PSNR below 15 dB."""
    x2 = scene.truth(2)
    if np.shape(cheat) != x2.shape:
        return f"Not yet: a cube of the shape {x2.shape} is wanted."
    angle, honest = metrics.sam(cheat, x2), metrics.sam(rival, x2)
    psnr = metrics.psnr(cheat, x2)
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


@exercise("b")
def own_method(name: str, scene: Scene, x1: np.ndarray) -> str:
    """Lesson 08: a registered method for X2 that beats its two parts and their mean."""
    truth = scene.truth(2)
    blind = replace(scene, hrhs_t1=None, hrhs_t2=None, change=None)
    if not isinstance(name, str):
        return f"Not yet: the name that it was registered under is wanted, not {name!r}."
    try:
        mine = metrics.psnr(get_method(name, "x2")(blind, x1), truth)
    except InputError as error:
        return f"Not yet: {error}"
    except (AttributeError, TypeError) as error:
        return (
            f"Not yet: {error}; the benchmark hides the truth, so build on the observations and "
            "x1 alone."
        )
    except Exception as error:  # whatever a reader's method may stumble over
        return f"Not yet: your method stopped with {type(error).__name__}: {error}."
    if mine > TOO_GOOD:
        return f"Not yet: {mine:.0f} dB is too good; a method must not look at the truth."
    parts = {name: get_method(name, "x2")(blind, x1) for name in ("injection", "kernel")}
    figures = {name: metrics.psnr(cube, truth) for name, cube in parts.items()}
    mean = metrics.psnr((parts["injection"] + parts["kernel"]) / 2, truth)
    told = f"injection {figures['injection']:.1f}, kernel {figures['kernel']:.1f}, mean {mean:.1f}"
    if mine > max(mean, *figures.values()):
        return f"Right: {mine:.1f} dB against {told}."
    if mine > max(figures.values()):
        return (
            f"Not yet: {mine:.1f} dB against {told}; a weight that is the same everywhere is a "
            "compromise, so let it follow the change of each pixel."
        )
    return (
        f"Not yet: {mine:.1f} dB against {told}; where little changed the injection must weigh "
        "most, so is the weight the right way round?"
    )
