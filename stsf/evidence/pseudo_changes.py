"""Pseudo-changes: changes whose right answer is known, made of the scene itself.

At t1 and low resolution the HS spectrum of every pixel is known. Taking pixel p for the first date
and pixel q for the second makes a change with a known answer, the spectrum of q. Whoever errs
there, on this scene's own spectra, is not to be trusted at t2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from sklearn.cluster import KMeans

from stsf.evidence.difference_image import DatePairs
from stsf.evidence.fourier import FourierRegression

TESTS = 1500  # pseudo-changes to kinds of spectra that the scene knows
KINDS, NOVEL = 10, 1000  # kinds of spectra, each left out once; pseudo-changes to kinds left out
CALM, STEP = 500, 0.3  # small pseudo-changes: a pixel goes so far toward another at most


# makes pairs of x1, m1, m2 in rows and of a regression; see `stsf.evidence.candidates.Pairing`
Pair = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, FourierRegression], DatePairs]


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
    """The three kinds of pseudo-changes that a scene puts its candidates to.

    Attributes:
        to_known: to kinds of spectra that the scene knows.
        to_novel: to kinds that the regressions have never met.
        calm: of ground that hardly changes.
    """

    to_known: PseudoChanges
    to_novel: PseudoChanges
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


def to_known_kinds(
    pair: Pair,
    known: Known,
    chosen: Drawn,
    blocks: torch.Tensor,
    whole: FourierRegression,
) -> PseudoChanges:
    """Two halves of the scene, each judged by a regression on the other.

    Args:
        pair: of the scene.
        known: of the scene.
        chosen: see `drawn`.
        blocks: (n, 2) row and column of the 4 x 4 LR pixels that each pixel lies in.
        whole: the regression on the whole scene, where a half has too few pixels.
    """
    half, (p, q) = blocks.sum(1) % 2, chosen
    parts = []
    for side in (0, 1):
        other = half != side
        f = FourierRegression(known.m[other], known.z[other]) if other.sum() > 8 else whole
        parts.append((half[q] == side, f))
    return _asked(pair, known, p, q, parts)


def to_novel_kinds(
    pair: Pair,
    known: Known,
    energy: torch.Tensor,
    fitted: tuple[torch.Tensor, torch.Tensor],
    whole: FourierRegression,
    draw: torch.Generator,
) -> PseudoChanges:
    """Changes to a kind of spectrum that the regression has never met.

    Args:
        pair: of the scene.
        known: of the scene.
        energy: (K,) of the coordinates: kinds are told by spectra.
        fitted: MS pixels and coordinates that `whole` was fitted on.
        whole: the regression on all kinds.
        draw: of the pixels.
    """
    scale = energy.sqrt()
    means = KMeans(min(KINDS, len(known.z)), n_init=1, max_iter=20, random_state=0)
    kind = torch.as_tensor(means.fit_predict((known.z * scale).numpy())).long()
    fits = whole.without(
        *fitted, torch.as_tensor(means.predict((fitted[1] * scale).numpy())).long()
    )
    q = torch.randint(0, len(known.y), (NOVEL,), generator=draw)
    p = torch.randint(0, len(known.y), (NOVEL,), generator=draw)
    return _asked(pair, known, p, q, [(kind[q] == number, f) for number, f in enumerate(fits)])


def of_calm_ground(
    pair: Pair,
    known: Known,
    chosen: Drawn,
    whole: FourierRegression,
    draw: torch.Generator,
) -> tuple[DatePairs, torch.Tensor]:
    """Part of the way from p to q only: ground that hardly changes.

    Returns:
        The pairs, and the spectra (n, L) that are the right answers.
    """
    step = STEP * torch.rand(CALM, 1, generator=draw)
    a, b = chosen.p[:CALM], chosen.q[:CALM]
    y2, m2 = (v[a] + step * (v[b] - v[a]) for v in (known.y, known.m))
    return pair(known.y[a], known.m[a], m2, whole), y2


def _asked(
    pair: Pair,
    known: Known,
    p: torch.Tensor,
    q: torch.Tensor,
    parts: list[tuple[torch.Tensor, FourierRegression]],
) -> PseudoChanges:
    """Each part of the pairs (p, q) with the regression that has not met its answers."""
    y, m, z = known
    pairs = [pair(y[p[mine]], m[p[mine]], m[q[mine]], f) for mine, f in parts]
    return PseudoChanges(DatePairs.join(pairs), torch.cat([z[q[mine]] for mine, _ in parts]))
