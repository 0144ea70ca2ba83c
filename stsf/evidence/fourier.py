"""From an MS pixel to a spectrum, learnt on the pairs that one scene offers.

A regression that can bend, with what tells how far to trust it: how new a pixel is, and which part
of the MS space it lies in.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import torch

from stsf.evidence.neighbours import NeighbourRegression

FEATURES = 384  # random Fourier features of the scene's regression
WIDTHS = (1.0, 2.0, 4.0)  # of their kernels, in standard deviations of the MS bands
SMOOTH, SHARP = 1e-3, 1e-5  # ridge per pair
POLYNOMIAL_BEYOND = 0.25  # of the range of the pairs: how far products of bands may go on
CUBIC_UP_TO = 6  # MS bands; with more, products of two only
ANCHORS, PLACES = 256, 96  # MS pixels that stand for the scene; those that keep a record of errors


class FourierRegression:
    """From an MS pixel to working coordinates, fitted on pairs of this scene.

    Ridge regression on cosines of random frequencies, which stands for Gaussian kernels of several
    widths (Rahimi & Recht, "Random features for large-scale kernel machines", NeurIPS 2007), with
    two strengths of damping; and on products of bands, which go on where no pair lies and the
    cosines fall back to a straight line. No coordinate leaves the range of the pairs by more than
    that range, those of the products by a quarter of it.

    Args:
        m: (n, C) MS pixels.
        z: (n, K) working coordinates.
        seed: of the frequencies.
        near: what goes by single neighbours; on the same pairs without it.

    Attributes:
        near: (n, C) MS pixels -> (n, K), see `stsf.evidence.neighbours`.

    Example:
        >>> m = torch.rand(500, 2)
        >>> z = torch.sin(3 * m[:, :1]) * m[:, 1:]
        >>> smooth, sharp, polynomial = FourierRegression(m, z)(m)
        >>> bool((sharp - z).abs().mean() < (smooth - z).abs().mean() < 0.05)
        True
    """

    def __init__(
        self,
        m: torch.Tensor,
        z: torch.Tensor,
        seed: int = 0,
        near: NeighbourRegression | None = None,
    ) -> None:
        draw = torch.Generator().manual_seed(seed)
        count, bands = m.shape
        self.mean, self.spread = m.mean(0), m.std(0) + 1e-6
        widths = torch.tensor(WIDTHS)[torch.arange(FEATURES) % len(WIDTHS)]
        widths = widths * max(1.0, (bands / 4) ** 0.5)  # distances grow with the number of bands
        self._frequency = torch.randn(bands, FEATURES, generator=draw) / widths
        self._phase = 2 * torch.pi * torch.rand(FEATURES, generator=draw)
        degree = 3 if bands <= CUBIC_UP_TO else 2
        self._products = [
            torch.tensor(list(combinations_with_replacement(range(bands), d))).T
            for d in range(2, degree + 1)
        ]
        design = self._design(m)
        self._solve((design.T @ design).double(), (design.T @ z).double(), count)
        low, high = z.min(0).values, z.max(0).values
        beyond = torch.tensor([1.0, 1.0, POLYNOMIAL_BEYOND])[:, None] * (high - low)
        self._low, self._high = low - beyond, high + beyond  # (3, K)
        self._stand(m[torch.randperm(count, generator=draw)])
        self.near = near or NeighbourRegression(m, z)

    def _solve(self, gram: torch.Tensor, right: torch.Tensor, count: int) -> None:
        """Weights from the sums over pairs: smooth and sharp on cosines; on products."""
        bands = len(self.mean)
        linear, waves = list(range(1 + bands)), list(range(1 + bands, 1 + bands + FEATURES))
        products = list(range(1 + bands + FEATURES, len(gram)))
        solutions = []
        smooth, sharp = (ridge * count * FEATURES / 2 for ridge in (SMOOTH, SHARP))
        for more, damping in ((waves, smooth), (waves, sharp), (products, 1e-3 * count**0.5)):
            used = torch.tensor(linear + more)
            ridge = torch.full((len(used),), damping, dtype=torch.float64)
            ridge[: len(linear)] = 1e-3 * count**0.5  # the linear part is hardly damped
            part = gram[used[:, None], used] + torch.diag(ridge)
            solutions.append(torch.linalg.solve(part, right[used]).float())
        smooth_sharp, polynomial = torch.cat(solutions[:2], 1), solutions[2]
        self._lines = torch.cat([smooth_sharp[: len(linear)], polynomial[: len(linear)]], 1)
        self._heights, self._factors = smooth_sharp[len(linear) :], polynomial[len(linear) :]

    def _stand(self, m: torch.Tensor) -> None:
        """Anchors and places: some of the pixels, in random order, that stand for all."""
        self._anchors = self._scaled(m[:ANCHORS])
        self._places = self._anchors[:PLACES]
        nearest = torch.cdist(self._places, self._places).sort(1).values[:, 4:8]
        self._reach = nearest.mean(1) + 0.05  # each place answers for its neighbourhood

    def _scaled(self, m: torch.Tensor) -> torch.Tensor:
        return (m - self.mean) / self.spread

    def _features(self, m: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        u = self._scaled(m)
        products = torch.cat([u[:, index].prod(1) for index in self._products], 1)
        return u, torch.addmm(self._phase, u, self._frequency).cos_(), products

    def _design(self, m: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.ones(len(m), 1), *self._features(m)], 1)

    def __call__(self, m: torch.Tensor) -> list[torch.Tensor]:
        """(n, C) -> smooth, sharp and polynomial prediction, each (n, K)."""
        linear, waves, products = self._features(m)
        count = self._heights.shape[1]
        answers = torch.addmm(self._lines[0], linear, self._lines[1:])
        answers[:, :count].addmm_(waves, self._heights)
        answers[:, count:].addmm_(products, self._factors)
        parts = zip(answers.split(self._low.shape[1], 1), self._low, self._high, strict=True)
        return [z.clamp(low, high) for z, low, high in parts]

    def novelty(self, m: torch.Tensor) -> torch.Tensor:
        """(n,) distance to the nearest anchor, in standard deviations."""
        return _squared_distance(self._scaled(m), self._anchors).amin(1).sqrt()

    def places(self, m: torch.Tensor) -> torch.Tensor:
        """(n, PLACES) how much each place of the MS space has to say about a pixel, 0 to 1."""
        return (_squared_distance(self._scaled(m), self._places) * (-0.5 / self._reach**2)).exp_()


def _squared_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(n, C), (m, C) -> (n, m)."""
    squares = a.square().sum(1, keepdim=True) + b.square().sum(1)
    return torch.addmm(squares, a, b.T, alpha=-2).clamp_min_(0)
