"""From an MS pixel to a spectrum, learnt on the pairs that one scene offers.

A regression that can bend, with what tells how far to trust it: how new a pixel is, and which part
of the MS space it lies in.
"""

from __future__ import annotations

import torch

FEATURES = 384  # random Fourier features of the scene's regression
WIDTHS = (1.0, 2.0, 4.0)  # of their kernels, in standard deviations of the MS bands
SMOOTH, SHARP = 1e-3, 1e-5  # ridge per pair
ANCHORS, PLACES = 256, 96  # MS pixels that stand for the scene; those that keep a record of errors


class FourierRegression:
    """From an MS pixel to working coordinates, fitted on pairs of this scene.

    Ridge regression on cosines of random frequencies, which stands for Gaussian kernels of several
    widths (Rahimi & Recht, "Random features for large-scale kernel machines", NeurIPS 2007), with
    two strengths of damping. No coordinate leaves the range of the pairs by more than that range.

    Args:
        m: (n, C) MS pixels.
        z: (n, K) working coordinates.
        seed: of the frequencies.

    Example:
        >>> m = torch.rand(500, 2)
        >>> z = torch.sin(3 * m[:, :1]) * m[:, 1:]
        >>> smooth, sharp = FourierRegression(m, z)(m)
        >>> bool((sharp - z).abs().mean() < (smooth - z).abs().mean() < 0.05)
        True
    """

    def __init__(self, m: torch.Tensor, z: torch.Tensor, seed: int = 0) -> None:
        draw = torch.Generator().manual_seed(seed)
        count, bands = m.shape
        self.mean, self.spread = m.mean(0), m.std(0) + 1e-6
        widths = torch.tensor(WIDTHS)[torch.arange(FEATURES) % len(WIDTHS)]
        widths = widths * max(1.0, (bands / 4) ** 0.5)  # distances grow with the number of bands
        self._frequency = torch.randn(bands, FEATURES, generator=draw) / widths
        self._phase = 2 * torch.pi * torch.rand(FEATURES, generator=draw)
        linear, waves = self._features(m)
        design = torch.cat([torch.ones(count, 1), linear, waves], 1)
        gram, right = (design.T @ design).double(), (design.T @ z).double()
        ridge = torch.full((2, design.shape[1]), count * FEATURES / 2, dtype=torch.float64)
        ridge *= torch.tensor([[SMOOTH], [SHARP]], dtype=torch.float64)
        ridge[:, : bands + 1] = 1e-3 * count**0.5  # the linear part is hardly damped
        found = [torch.linalg.solve(gram + torch.diag(r), right).float() for r in ridge]
        self._offset, self._slopes, self._heights = torch.cat(found, 1).split([1, bands, FEATURES])
        low, high = z.min(0).values, z.max(0).values
        self._low, self._high = 2 * low - high, 2 * high - low
        chosen = torch.randperm(count, generator=draw)
        self._anchors = self._scaled(m[chosen[:ANCHORS]])
        self._places = self._anchors[:PLACES]
        nearest = torch.cdist(self._places, self._places).sort(1).values[:, 4:8]
        self._reach = nearest.mean(1) + 0.05  # each place answers for its neighbourhood

    def _scaled(self, m: torch.Tensor) -> torch.Tensor:
        return (m - self.mean) / self.spread

    def _features(self, m: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        u = self._scaled(m)
        return u, torch.addmm(self._phase, u, self._frequency).cos_()

    def __call__(self, m: torch.Tensor) -> list[torch.Tensor]:
        """(n, C) -> smooth and sharp prediction, each (n, K)."""
        linear, waves = self._features(m)
        both = torch.addmm(torch.addmm(self._offset, linear, self._slopes), waves, self._heights)
        return [z.clamp(self._low, self._high) for z in both.split(len(self._low), 1)]

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
