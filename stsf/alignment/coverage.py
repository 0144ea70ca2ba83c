"""What of a scene can be used: pixels that no mask hides, MS bands that the HS covers."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from stsf.errors import Doubt
from stsf.linear import fill_gaps
from stsf.scene import Scene
from stsf.sensing.response import MIN_COVERAGE, band_coverage, srf_matrix

CLEAR = 0.99  # share of a coarse pixel that the MS knows
LEAST = 0.5  # share of its response that must be covered for a band to be tried at all
NO_DATA = 1  # code of `Scene.quality`


def without_hidden(scene: Scene) -> Scene:
    """The scene with the nearest valid pixel also in place of numbers under its images' masks.

    `stsf.fuse` begins with it: what a mask hides reaches no estimate, whatever stands there.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample()
        >>> without_hidden(scene) is scene  # nothing is masked
        True
    """
    if scene.valid_lr.all() and scene.valid_hr.all():
        return scene
    masks = {"lrhs_t1": scene.valid_lr, "hrms_t1": scene.valid_ms[0], "hrms_t2": scene.valid_ms[1]}
    filled: dict[str, Any] = {k: fill_gaps(getattr(scene, k), mask) for k, mask in masks.items()}
    return replace(scene, **filled)


def with_m1(scene: Scene, m1: np.ndarray, valid: np.ndarray) -> Scene:
    """The scene with another M1 (C, H, W) and its mask (H, W); M2 keeps its own."""
    masks: dict[str, Any] = {"valid_ms": np.stack([valid, scene.valid_ms[1]]), "valid_hr": None}
    return replace(scene, hrms_t1=m1, **masks)


def clear_lr(scene: Scene) -> np.ndarray:
    """(h, w) coarse pixels that the MS knows: no cloud at either date reaches into them."""
    valid = np.broadcast_to(scene.valid_hr.astype(np.float32), scene.hrms_t1.shape)
    return scene.D_ms.A(valid).min(axis=0) > CLEAR


def covered_bands(scene: Scene, least: float = MIN_COVERAGE) -> Scene:
    """The scene without MS bands that the HS covers by less, with a warning.

    Args:
        scene: as observed.
        least: `LEAST` keeps what `stsf.alignment.effective_response` may judge: R is then made of
            the part of each response that the HS covers.
    """
    if scene.response is not None:
        return scene
    share = band_coverage(scene.hs, scene.ms)
    within = (scene.ms.centre > scene.hs.centre[0]) & (scene.ms.centre < scene.hs.centre[-1])
    keep = (share >= MIN_COVERAGE) | ((share >= least) & within)
    if not keep.any():
        return scene  # refused by `srf_matrix`, in its own words
    told_left_out(scene, keep)
    scene = select_ms(scene, keep)
    if (share[keep] < MIN_COVERAGE).any():
        return replace(scene, response=srf_matrix(scene.hs, scene.ms, least)[0])
    return scene


def told_left_out(scene: Scene, keep: np.ndarray) -> None:
    """A warning that names the bands that a mask (C,) leaves out."""
    if not keep.all():
        lost = ", ".join(scene.ms.band_names[c] for c in np.flatnonzero(~keep))
        warnings.warn(f"MS bands of which the HS covers too little are left out: {lost}", Doubt, 4)


def select_ms(scene: Scene, keep: np.ndarray) -> Scene:
    """The scene with some of its MS bands, by a mask (C,) or by their numbers.

    Example:
        >>> import stsf
        >>> select_ms(stsf.load_sample(), np.array([0, 2])).ms.band_names
        ('B2', 'B4')
    """
    return replace(
        scene,
        hrms_t1=scene.hrms_t1[keep],
        hrms_t2=scene.hrms_t2[keep],
        ms=scene.ms.select(keep),
        response=None if scene.response is None else scene.response[keep],
    )
