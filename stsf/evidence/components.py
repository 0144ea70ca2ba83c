"""What a scene itself teaches of X1, before any network: the start of SSJE.

    X1 = f(M1) + E z        f: the scene's regression of Y1 on D M1; z: maps of what f misses

The columns of E are found per HS detector, on the residual Y1 - D f(M1) in units of its noise
(minimum noise fraction). All bands behind one column share one PSF, so D acts on its map exactly,
and each map can be super-resolved by itself: nothing here depends on how many bands there are.
f, E and all else that is one for a whole scene is estimated in `stsf.evidence.statistics`.

Where Y1 and M1 do not show the same ground, Y1 must not be believed: `doubt` finds these places
from R Y1 against D M1, the one comparison that needs no estimate of X1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from stsf.evidence.local import local_fit, local_wiener
from stsf.evidence.maps import Prepared
from stsf.evidence.statistics import (
    OfDetector,
    Statistics,
    as_seen,
    believed,
    disagreement,
    statistics,
)
from stsf.scene import Scene


def prepare(
    scene: Scene,
    components: int = 8,
    softness: Sequence[float] | None = None,
    estimated: Statistics | None = None,
) -> Prepared:
    """Everything SSJE looks at.

    Args:
        scene: the observations, registered and calibrated.
        components: maps per HS detector, at most; directions that vary no more than noise get
            none.
        softness: per HS detector, how much softer than M1 the product itself is meant to be (σ in
            high-resolution pixels). None: as sharp as M1. Needed where X1 is a real image whose
            SWIR is less sharp than its VNIR.
        estimated: of the whole, where the scene is a part; by default estimated on the scene.

    Returns:
        The scene as maps.

    Raises:
        InputError: one softness per detector is missing, or one is negative.

    Example:
        >>> import stsf
        >>> prepared = prepare(stsf.load_sample())
        >>> prepared.start.shape[1:], prepared.decode(prepared.start).shape
        (torch.Size([180, 180]), torch.Size([114, 180, 180]))
    """
    of = estimated or statistics(scene, components, softness)
    # where both images show the same ground, and how sharp M1 is without its noise
    doubt = disagreement(scene, of.usual)
    weight = believed(scene, doubt)  # (h, w)
    sharp = local_wiener(scene.hrms_t1, of.noise_ms, middle=of.middle)
    base = np.empty((len(scene.hs), *scene.size), np.float32)
    kept, basis, group = [], [], []
    guides: list[np.ndarray] = []
    # per detector: what M1 predicts of Y1, and the maps of the rest
    for k, own in of.detectors.items():
        m, m_lr = as_seen(scene, sharp, k, of.softness[k])
        residual = scene.lrhs_t1[own.bands] - own.f.apply(m_lr)
        outside = own.axes.others(residual, weight).astype(np.float32)
        up = scene.D.at(np.full(len(own.bands), k)).upsample
        base[own.bands] = own.f.apply(m) + up(outside)
        y, noise = own.axes.maps(residual), own.axes.noise
        start = _start(scene, k, own, y, m, m_lr, weight)
        kept.append((np.full(len(y), k), y, noise, start))
        basis.append(_rows(own.axes.basis, own.bands, len(scene.hs)))
        if not guides or of.softness[k] != of.softness[0]:
            guides.append(own.guide.maps(m))
        group.append(np.full(len(y), len(guides) - 1))
    # all maps in one stack
    detector, y, noise, start = (np.concatenate(part) for part in zip(*kept, strict=True))
    E = np.concatenate(basis, axis=1)  # (L, n)
    sharpness = np.array([[p.sigma_y, p.sigma_x] for p in scene.psf])[detector] / scene.ratio
    missed = sharp - scene.R.A(base)
    arrays = {"y": y, "noise": noise, "start": start, "sharpness": sharpness, "basis": E}
    arrays |= {"base": base, "guide": np.stack(guides), "doubt": doubt, "valid": scene.valid_lr}
    arrays |= {"seen": scene.R.R @ E, "missed": missed, "noise_ms": of.mismatch}
    rows, columns = (np.stack(part) for part in zip(*scene.D.down, strict=True))
    return Prepared(
        **{name: torch.as_tensor(a, dtype=torch.float32) for name, a in arrays.items()},
        detector=torch.as_tensor(detector),
        group=torch.as_tensor(np.concatenate(group)),
        down=(torch.from_numpy(rows).float(), torch.from_numpy(columns).float()),
        ratio=scene.ratio,
    )


def _start(
    scene: Scene,
    k: int,
    own: OfDetector,
    y: np.ndarray,
    m: np.ndarray,
    m_lr: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """(n, H, W) local regression of the maps on D M1 at low resolution, applied to M1."""
    target = y * (1.0 - own.axes.noise)[:, None, None]
    slopes, offset = local_fit(m_lr, target, weight, 1.0, 0.01, own.spread)
    up = scene.D.at(np.full(len(target), k)).upsample
    slopes, offset = slopes.astype(np.float32), offset.astype(np.float32)
    return up(offset) + sum(up(s) * band for s, band in zip(slopes, m, strict=True))


def _rows(matrix: np.ndarray, rows: np.ndarray, length: int) -> np.ndarray:
    whole = np.zeros((length, matrix.shape[1]))
    whole[rows] = matrix
    return whole
