"""Pseudo-changes: changes whose right answer is known, made of the scene itself.

At t1 and low resolution the HS spectrum of every pixel is known. Taking pixel p for the first date
and pixel q for the second makes a change with a known answer, the spectrum of q. Whoever errs
there, on this scene's own spectra, is not to be trusted at t2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from stsf.evidence.difference_image import DatePairs
from stsf.evidence.fourier import FourierRegression
from stsf.evidence.missed import missed_around

TESTS = 1500  # pseudo-changes to spectra that the scene knows
CALM, STEP = 500, 0.3  # small pseudo-changes: a pixel goes so far toward another at most


# makes pairs of x1, m1, m2, what is missed and a regression; see `stsf.evidence.candidates.Pairing`
Pair = Callable[
    [torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, FourierRegression], DatePairs
]


class Known(NamedTuple):
    """What is known at t1 and low resolution, in rows.

    Attributes:
        y: (n, L) spectra of Y1, freed from noise.
        m: (n, C) MS pixels there.
        z: (n, K) working coordinates of y.
    """

    y: torch.Tensor
    m: torch.Tensor
    z: torch.Tensor


class PseudoChanges(NamedTuple):
    """Changes and their right answers.

    Attributes:
        pairs: the two dates, with candidates that know nothing of the answer.
        answers: (n, K) working coordinates.
    """

    pairs: DatePairs
    answers: torch.Tensor


class Tests(NamedTuple):
    """The two kinds of pseudo-changes that a scene puts its candidates to.

    Attributes:
        to_known: to spectra that the scene knows.
        calm: of ground that hardly changes.
    """

    to_known: PseudoChanges
    calm: PseudoChanges


class Drawn(NamedTuple):
    """Which pixel turns into which.

    Attributes:
        p: (n,) pixels taken for the first date.
        q: (n,) for the second.
    """

    p: torch.Tensor
    q: torch.Tensor


def drawn(count: int, draw: torch.Generator) -> Drawn:
    """`TESTS` pairs of pixels in which every pixel is an answer about equally often."""
    q = torch.randperm(count, generator=draw).repeat(1 + TESTS // count)[:TESTS]
    return Drawn(torch.randint(0, count, (len(q),), generator=draw), q)


def to_known_spectra(
    pair: Pair, known: Known, chosen: Drawn, where: np.ndarray, whole: FourierRegression
) -> PseudoChanges:
    """Two halves of the scene, each judged by a regression on the other.

    Args:
        pair: of the scene.
        known: of the scene.
        chosen: see `drawn`.
        where: (h, w) bool, the pixels that are known; halves are made of blocks of 4 x 4.
        whole: the regression on the whole scene, where a half has too few pixels.
    """
    y, m, z = known
    rows, columns = where.nonzero()
    half, pairs, answers = torch.as_tensor((rows // 4 + columns // 4) % 2), [], []
    for side in (0, 1):
        other = half != side
        f = FourierRegression(m[other], z[other]) if other.sum() > 8 else whole
        there = where.copy()
        there[where] = other
        missed = torch.as_tensor(missed_around((z - f(m)[0])[other], there)[:, where].T)
        p, q = (pixels[half[chosen.q] == side] for pixels in chosen)
        pairs.append(pair(y[p], m[p], m[q], missed[q], f))
        answers.append(z[q])
    return PseudoChanges(DatePairs.join(pairs), torch.cat(answers))


def of_calm_ground(
    pair: Pair,
    known: Known,
    chosen: Drawn,
    missed: torch.Tensor,
    whole: FourierRegression,
    draw: torch.Generator,
) -> tuple[DatePairs, torch.Tensor]:
    """Part of the way from p to q only: ground that hardly changes.

    Args:
        pair: of the scene.
        known: of the scene.
        chosen: see `drawn`.
        missed: (n, K) what the regression misses around each known pixel.
        whole: the regression on the whole scene.
        draw: of how far.

    Returns:
        The pairs, and the spectra (n, L) that are the right answers.
    """
    step = STEP * torch.rand(CALM, 1, generator=draw)
    a, b = chosen.p[:CALM], chosen.q[:CALM]
    y2, m2 = (v[a] + step * (v[b] - v[a]) for v in (known.y, known.m))
    return pair(known.y[a], known.m[a], m2, missed[a], whole), y2
