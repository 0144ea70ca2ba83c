"""Do the images show the same ground, in the same bands and units?

Ground and bands are asked for before anything is estimated, units after the effective response,
which takes out a factor and an offset of the MS that both dates share.

At t1 both sensors saw one state of the ground: on the coarse grid R Y1 and D M1 should agree band
by band, up to a few per cent and what little changed between the overpasses. Where they do not, the
data are asked for the likely cause: bands in another order, another place, other units, an offset.
"""

from __future__ import annotations

import numpy as np

from stsf.alignment.coverage import clear_lr
from stsf.alignment.displacement import REACH, overlap
from stsf.alignment.phase_correlation import phase_shift
from stsf.errors import InputError
from stsf.linear import pixels
from stsf.scene import Scene

ALIKE = 0.4  # correlation below which no change of the ground explains a band
FACTORS = (0.4, 2.5)  # gains beyond are no matter of calibration
DATES_ALIKE = 0.3  # two years apart the best band still correlates by 0.46, two places by 0.2
DATES_FACTORS = (0.2, 5.0)  # snow or a flood change the level less
OFFSETS = (0.06, 0.16)  # reflectance added to all bands of one date: a baseline of processing
FEWEST = 8  # HS pixels
STEADY = 0.03  # spread of such an offset over the bands


def check_agreement(scene: Scene) -> None:
    """Refuse images of which one shows another place, or its bands in another order.

    Raises:
        InputError: the likely cause in words.

    Example:
        >>> import stsf
        >>> from dataclasses import replace
        >>> scene = stsf.load_sample()
        >>> check_agreement(scene)
        >>> check_agreement(replace(scene, hrms_t2=scene.hrms_t2 / 1e4))
        Traceback (most recent call last):
            ...
        stsf.errors.InputError: expected both MS dates in the same units, ...
    """
    expected, observed = _at_t1(scene)
    if len(observed) < FEWEST:
        return
    alike = _correlations(expected, observed)  # (C, C): of band c expected with band d seen
    _check_order(scene, alike)
    _check_ground(scene, float(np.median(np.diagonal(alike))))
    _check_dates(scene, observed, pixels(scene.D_ms.A(scene.hrms_t2), _known(scene)))


def check_units(scene: Scene) -> None:
    """Refuse an MS in other units than the HS, or with an offset at one date.

    Args:
        scene: with the effective response, where it was asked for.

    Raises:
        InputError: the factor or the offset, and the option that mends it.

    Example:
        >>> import stsf
        >>> from dataclasses import replace
        >>> scene = stsf.load_sample()
        >>> check_units(replace(scene, hrms_t1=scene.hrms_t1 / 1e4))
        Traceback (most recent call last):
            ...
        stsf.errors.InputError: expected the MS in the units of the HS, ...
    """
    expected, observed = _at_t1(scene)
    if len(observed) >= FEWEST:
        _check_factor(expected, observed)
        _check_offset(scene)


def _at_t1(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """R Y1 and D M1, (n, C) each."""
    known = _known(scene)
    return pixels(scene.R.A(scene.lrhs_t1), known), pixels(scene.D_ms.A(scene.hrms_t1), known)


def _known(scene: Scene) -> np.ndarray:
    """Coarse pixels (h, w) that both sensors know: no cloud of the MS reaches into them."""
    return scene.valid_lr & clear_lr(scene)


def _correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (x - x.mean(axis=0) for x in (a, b))
    size = np.linalg.norm(a, axis=0)[:, None] * np.linalg.norm(b, axis=0)
    return (a.T @ b) / np.maximum(size, 1e-12)


def _check_order(scene: Scene, alike: np.ndarray) -> None:
    """Another order of the MS bands that fits clearly better than the one they are taken in."""
    order = _better_order(scene, alike)
    if order:
        raise InputError(
            f"expected the MS bands in the order {', '.join(scene.ms.band_names)}, the HS says "
            f"that they are {', '.join(order)}: name them so in the files, or in a band table in "
            "the order of the files (--ms-sensor table.csv)"
        )


def _better_order(scene: Scene, alike: np.ndarray) -> list[str]:
    """Names of the bands in the order that fits clearly better than the one taken, if one does."""
    C, names = len(alike), scene.ms.band_names
    missing = 1.0 - alike  # what a band leaves unexplained
    taken = float(np.trace(missing))
    if taken <= 0.05 * C:
        return []
    from scipy.optimize import linear_sum_assignment  # a quarter of a second by itself

    best = tuple(int(d) for d in linear_sum_assignment(missing)[1])
    rest = sum(missing[c, d] for c, d in enumerate(best))
    if best == tuple(range(C)) or rest >= 0.5 * taken:
        return []
    order = [""] * C
    for c, d in enumerate(best):
        order[d] = names[c]
    return order


def _check_factor(expected: np.ndarray, observed: np.ndarray) -> None:
    """One factor for all bands: reflectance against counts, per mille or percent."""
    gain, level = _factors(expected, observed)
    if all(not FACTORS[0] < value < FACTORS[1] for value in (gain, level)):
        raise InputError(
            f"expected the MS in the units of the HS, reflectance from 0 to 1, it is {gain:.2g} "
            f"times as large in the middle of its bands: multiply both MS images by "
            f"{1 / gain:.2g}, by --scale 1,{1 / gain:.2g},{1 / gain:.2g} where none was given yet"
        )


def _factors(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """How many times as large `b` (n, C) is in the middle of its bands: by spread, by level."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = b.std(axis=0) / a.std(axis=0)
        levels = np.median(b, axis=0) / np.median(a, axis=0)
    return float(np.median(gains)), float(np.median(levels))


def _check_ground(scene: Scene, alike: float) -> None:
    """R Y1 and D M1 that have nothing in common, and the turn or shift that would mend it."""
    if alike >= ALIKE:
        return
    a = scene.R.A(scene.lrhs_t1).mean(axis=0)
    b = scene.D_ms.A(scene.hrms_t1).mean(axis=0)
    turns = {"upside down": b[::-1], "mirrored": b[:, ::-1], "turned by 180 degrees": b[::-1, ::-1]}
    turns["with rows and columns exchanged"] = b.T
    fits = {how: _alike(a, image) for how, image in turns.items() if image.shape == a.shape}
    how = max(fits, key=lambda name: fits[name])
    moved, (down, right) = _moved(a, b)
    if moved > max(2 * ALIKE, alike + 0.3, fits[how]):
        mend = "mend its georeference"
        if max(abs(down), abs(right)) <= REACH:
            mend = (
                f"let it be moved, which --calibrate auto does up to {REACH} HS pixels, or {mend}"
            )
        hint = (
            f"it fits when moved by {down} HS pixels down and {right} right (correlation "
            f"{moved:.2f}): {mend}"
        )
    elif fits[how] > max(2 * ALIKE, alike + 0.3):
        hint = f"it fits when {how} (correlation {fits[how]:.2f}): mend its georeference"
    else:
        hint = "check that they show one place at one time"
    raise InputError(
        f"expected HS and MS of t1 to show the same ground, their bands correlate by {alike:.2f} "
        f"only: {hint}"
    )


def _alike(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def _check_dates(scene: Scene, first: np.ndarray, second: np.ndarray) -> None:
    """M1 and M2 that have no band in common, their bands in two orders, or in other units."""
    pairs = _correlations(first, second)
    order = _better_order(scene, pairs)
    if order:
        raise InputError(
            f"expected both MS dates with their bands in the order {', '.join(scene.ms.band_names)}"
            f", M1 says that those of M2 are {', '.join(order)}: write M2 anew in the order of M1"
        )
    alike = float(np.diagonal(pairs).max())
    if alike < DATES_ALIKE:
        raise InputError(
            "expected both MS dates to show the same ground, no band of them correlates by more "
            f"than {alike:.2f}: check that M1 and M2 are images of one place"
        )
    gain, level = _factors(first, second)
    if all(not DATES_FACTORS[0] < value < DATES_FACTORS[1] for value in (gain, level)):
        raise InputError(
            f"expected both MS dates in the same units, M2 is {gain:.2g} times as large as M1: "
            f"multiply it by {1 / gain:.2g}, by --scale 1,1,{1 / gain:.2g} where none was given yet"
        )


def _moved(a: np.ndarray, b: np.ndarray) -> tuple[float, tuple[int, int]]:
    """Correlation of `a`, moved so that it fits, with `b` where they overlap; (down, right)."""
    shift, _, _ = phase_shift(b[None], a[None], reach=min(a.shape) // 2)
    down, right = (int(d) for d in np.rint(shift))
    there, part = overlap(a.shape, (down, right))
    return _alike(a[part], b[there]), (down, right)


def _check_offset(scene: Scene) -> None:
    """The same amount added to every band of one date, in its darkest pixels too."""
    dark = [np.percentile(m[:, scene.valid_hr], 1, axis=1) for m in (scene.hrms_t1, scene.hrms_t2)]
    middle = [np.median(m[:, scene.valid_hr], axis=1) for m in (scene.hrms_t1, scene.hrms_t2)]
    for date, sign in (("t2", 1), ("t1", -1)):
        added = sign * (dark[1] - dark[0])
        low, high = float(added.min()), float(added.max())
        moved = sign * float((middle[1] - middle[0]).min())
        if OFFSETS[0] < low and high < OFFSETS[1] and high - low < STEADY and moved > 0:
            raise InputError(
                f"expected both MS dates on one scale, all bands of {date} are brighter by "
                f"{low:.3f} to {high:.3f}, its darkest pixels too: subtract the offset of the "
                "processing baseline (Sentinel-2 from 04.00 on: 1000 counts, 0.1) with --offset "
                + ("0,0,-0.1" if date == "t2" else "0,-0.1,0")
            )
