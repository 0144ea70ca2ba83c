"""Effective response: what each MS band is of the HS bands, as far as the scene can tell.

Two sensors never agree. Gains differ, the correction of the air leaves an offset, a response lies
some nanometres off, or the units are others altogether. Four answers compete for every band:

    as delivered        w as the tables have it, o = 0
    gain and offset     w = gain · table
    shape mended        ridge regression toward that line, mostly at the band's own wavelengths
    by the scene alone  ridge regression toward zero, which asks no table

Parts of the scene that were left out of the fit choose between them: from the plainest on, an
answer stays unless they say clearly that a bolder one misses them by less.

The HS is the reference, because the product is a hyperspectral image: gain and offset are taken
out of M1 and M2, the shape goes into R. A gain *between the dates* cannot be told from a change of
season or light, and is left alone.

Hoerl & Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics
12(1), 1970.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from stsf.alignment.coverage import select_ms, told_left_out
from stsf.alignment.pairs import STRENGTHS, TINY, Fit, Moments, Pairs, nearby
from stsf.errors import Doubt, InputError
from stsf.scene import Scene
from stsf.sensing.response import MIN_COVERAGE, band_coverage

AS_DELIVERED, LINE = "as delivered", "gain and offset"
SHAPE, ALONE = "shape mended", "by the scene alone"
FOLDS = 4  # groups of blocks that are left out in turn
SURE = 3.0  # standard errors by which left-out blocks must prefer a bolder answer
WORTHWHILE = 0.98  # of their error that it may leave
ALIKE = 0.5  # share of a band's variance that an answer must predict to be believed
PREDICTED = 0.9  # the same for a band that HS bands cover only in part
FEWEST = 50, 8  # HS pixels, and blocks of them
UNITS = 1.25, 0.05  # a larger factor, or offset in reflectance, is a matter of units


@dataclass(frozen=True)
class BandResponse:
    """What was found for one MS band, M = gain · (R X) + offset, and what was done.

    Attributes:
        band: name.
        answer: one of the four above.
        gain: MS units per unit of HS reflectance.
        sigma: standard deviation of the gain, by leaving out parts of the scene.
        offset: MS units.
        before: RMS of what the response as delivered misses of left-out pixels, MS units.
        after: the same of the answer.
        predicted: share of the band's variance that the answer predicts in left-out pixels.
    """

    band: str
    answer: str = AS_DELIVERED
    gain: float = 1.0
    sigma: float = math.nan
    offset: float = 0.0
    before: float = math.nan
    after: float = math.nan
    predicted: float = math.nan

    @property
    def applied(self) -> bool:
        """Whether the band was changed."""
        return self.answer != AS_DELIVERED

    @property
    def other_units(self) -> bool:
        """Whether gain and offset are more than calibration explains."""
        factor, offset = UNITS
        far = max(self.gain, 1 / self.gain) > factor or abs(self.offset) > offset * self.gain
        return self.applied and far

    def __str__(self) -> str:
        if math.isnan(self.sigma):
            return f"MS band {self.band}: too few HS pixels to ask, left as delivered."
        line = (
            f"MS band {self.band} against the HS at t1: gain {self.gain:#.4g} ± {self.sigma:.1g}, "
            f"offset {self.offset:+.2g}"
        )
        if not self.applied:
            return f"{line}; left as delivered."
        less = self.before / max(self.after, TINY)
        return f"{line}; {self.answer}, left-out pixels are missed {less:.3g} times less."


@dataclass(frozen=True, eq=False)
class Response:
    """Effective response of every MS band.

    Attributes:
        bands: what was found, of the MS bands in use.
        fits: what is applied, of the same.
        keep: (C,) which of the scene's MS bands these are.
    """

    bands: tuple[BandResponse, ...]
    fits: tuple[Fit, ...]
    keep: np.ndarray

    def apply(self, scene: Scene) -> Scene:
        """Gain and offset taken out of M1 and M2, and R as found, of the scene or a part of it."""
        scene = select_ms(scene, self.keep)
        if not any(band.applied for band in self.bands):
            return scene
        gain, offset = (
            np.array([getattr(fit, key) for fit in self.fits], np.float32)[:, None, None]
            for key in ("gain", "offset")
        )
        m1, m2 = ((m - offset) / gain for m in (scene.hrms_t1, scene.hrms_t2))
        R = np.stack([fit.weights / fit.gain for fit in self.fits])
        return replace(scene, hrms_t1=m1, hrms_t2=m2, response=R)

    def summary(self) -> list[str]:
        """A sentence for every band, and one of the units where they differ."""
        lines = [str(band) for band in self.bands]
        if other := [band.band for band in self.bands if band.other_units]:
            lines.append(
                f"The MS is in other units than the HS (bands {', '.join(other)}): both dates are "
                "brought to the HS's with the gains and offsets found."
            )
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None in place of NaN."""
        return {
            band.band: {k: None if v != v else v for k, v in asdict(band).items()}
            for band in self.bands
        }


def effective_response(scene: Scene) -> tuple[Scene, Response]:
    """Find w and o of each MS band at t1, and take them into the scene.

    Args:
        scene: registered; shift and PSF should be right.

    Returns:
        The scene with gain and offset taken out of M1 and M2 and with R as found, without MS bands
        that the HS covers in part and does not predict; and what was found.

    Raises:
        InputError: no MS band is left.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample()
        >>> half = replace(scene, hrms_t1=scene.hrms_t1 / 2, hrms_t2=scene.hrms_t2 / 2)
        >>> mended, found = effective_response(half)
        >>> round(found.bands[0].gain, 2), bool(mended.hrms_t1.max() > 1.9 * half.hrms_t1.max())
        (0.5, True)
    """
    pairs = Pairs.of(scene) if scene.valid_lr.sum() >= FEWEST[0] else None
    if pairs is None or len(np.unique(pairs.block)) < FEWEST[1]:
        found = [
            (Fit(w, 0.0, 1.0), BandResponse(name))
            for w, name in zip(scene.R.R, scene.ms.band_names, strict=True)
        ]
    else:
        found = _choose(pairs, scene)
    predicted = np.array([band.predicted for _, band in found])
    keep = (band_coverage(scene.hs, scene.ms) >= MIN_COVERAGE) | (predicted >= PREDICTED)
    if not keep.any():
        raise InputError(
            f"expected an MS band that the HS covers, it covers {', '.join(scene.ms.band_names)} "
            "only in part: take more HS or other MS bands"
        )
    told_left_out(scene, keep)
    kept = [pair for pair, used in zip(found, keep, strict=True) if used]
    if unlike := [band.band for _, band in kept if band.predicted < ALIKE]:
        warnings.warn(
            f"the HS tells little of the MS bands {', '.join(unlike)} at t1: check that both show "
            "the same place and that the bands are in order",
            Doubt,
            4,
        )
    response = Response(tuple(b for _, b in kept), tuple(f for f, _ in kept), keep)
    return response.apply(scene), response


def _answers(moments: Moments, scene: Scene, c: int) -> list[tuple[str, Fit]]:
    """All that compete for band c, from the plainest to the boldest."""
    nominal = scene.R.R[c]
    line = moments.line(c, nominal)
    answers = [(AS_DELIVERED, Fit(nominal, 0.0, 1.0)), (LINE, line)]
    answers += [(SHAPE, fit) for fit in moments.ridge(c, line, nearby(scene, c))]
    nothing = Fit(np.zeros_like(nominal), 0.0, line.gain)
    return answers + [(ALONE, fit) for fit in moments.ridge(c, nothing, np.ones_like(nominal))]


def _choose(pairs: Pairs, scene: Scene) -> list[tuple[Fit, BandResponse]]:
    """For each band the answer that left-out blocks prefer."""
    bands, fold = range(len(scene.ms)), 3 * pairs.block % FOLDS
    # what every answer misses of blocks that it has not seen
    miss = [np.empty((2 + 2 * len(STRENGTHS), len(fold))) for _ in bands]
    for k in range(FOLDS):
        moments, unseen = Moments.of(pairs[fold != k]), pairs[fold == k]
        for c in bands:
            fits = [fit for _, fit in _answers(moments, scene, c)]
            miss[c][:, fold == k] = unseen.missed(c, fits)
    # the answer they prefer, fitted to all
    moments, chosen = Moments.of(pairs), []
    for c in bands:
        made = _answers(moments, scene, c)
        spread = float(np.average((pairs.m[:, c] - moments.m[c]) ** 2, weights=pairs.weight))
        square = np.average(miss[c] ** 2, axis=1, weights=pairs.weight)
        line = made[1][1]
        at = 0
        if line.gain > 0:  # else the band shows the contrary of what it should
            at = _preferred([kind for kind, _ in made], square, miss[c], pairs, spread)
        gain = line.gain, pairs.sigma_of_gain(c, scene.R.R[c])
        rms = math.sqrt(square[0]), math.sqrt(square[at])
        share = 1 - float(square[at]) / max(spread, TINY)
        band = BandResponse(scene.ms.band_names[c], made[at][0], *gain, line.offset, *rms, share)
        chosen.append((made[at][1], band))
    return chosen


def _preferred(
    kinds: list[str], square: np.ndarray, miss: np.ndarray, pairs: Pairs, spread: float
) -> int:
    """Which answer: the best of each bolder kind must be better by more than chance.

    Args:
        kinds: (answers,).
        square: (answers,) mean squares of:
        miss: (answers, n) what is missed of left-out pixels.
        pairs: for blocks and weights.
        spread: variance of the band.
    """
    at = 0
    for kind in (LINE, SHAPE, ALONE):
        best = min((i for i, k in enumerate(kinds) if k == kind), key=lambda i: square[i])
        matters = square[best] < min(WORTHWHILE**2 * square[at], (1 - ALIKE) * spread)
        if matters and _certainty(miss[[at, best]], pairs) > SURE:
            at = best
    return at


def _certainty(miss: np.ndarray, pairs: Pairs) -> float:
    """By how many standard errors the blocks are missed by less, paired, in logarithms.

    Args:
        miss: (2, n) old and new.
        pairs: for blocks and weights.
    """
    blocks = np.unique(pairs.block, return_inverse=True)[1]
    old, new = (np.bincount(blocks, pairs.weight * row**2) + TINY for row in miss)
    less = np.log(old / new)
    return float(less.mean() / max(less.std(ddof=1) / math.sqrt(len(less)), TINY))
