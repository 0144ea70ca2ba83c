"""A scene as maps z, X1 = f(M1) + E z, and the operators that act on them.

All bands behind one map share one PSF, so D acts on the map itself, exactly.
`stsf.evidence.components` makes the maps; every notion of a band ends here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

DOUBTFUL = 4.0  # standard deviations between R Y1 and D M1 at which half of Y1 is believed


@dataclass(frozen=True, eq=False)
class Prepared:
    """Observations as n maps of unit variance, with the operators that act on them (torch).

    h x w is the low-resolution grid, H x W the high one; d counts the HS detectors.

    Attributes:
        y: (n, h, w) the residual Y1 - D f(M1) on each axis, with noise.
        noise: (n,) share of noise in its variance.
        doubt: (h, w) disagreement of R Y1 and D M1, in standard deviations.
        valid: (h, w) 1 where Y1 has data, else 0.
        start: (n, H, W) first estimate: local regression of y on D M1, applied to M1.
        guide: (1 or d, g, H, W) axes of M1 that local regressions look at.
        detector: (n,) which detector saw the bands of each map.
        group: (n,) which guide it follows.
        down: ((d, h, H), (d, W, w)) D as two matrices per detector.
        seen: (C, n) what each MS band sees of each map, reflectance.
        missed: (C, H, W) M1 - R f(M1): what the maps have to explain of M1.
        noise_ms: (C,) standard deviation of noise and mismatch in `missed`.
        sharpness: (n, 2) PSF width over the ratio, along y and x.
        base: (L, H, W) f(M1) and all that lies outside the maps.
        basis: (L, n) E.
        ratio: r.
    """

    y: Tensor
    noise: Tensor
    doubt: Tensor
    valid: Tensor
    start: Tensor
    guide: Tensor
    detector: Tensor
    group: Tensor
    down: tuple[Tensor, Tensor]
    seen: Tensor
    missed: Tensor
    noise_ms: Tensor
    sharpness: Tensor
    base: Tensor
    basis: Tensor
    ratio: int

    def __len__(self) -> int:
        return len(self.y)

    @property
    def weight(self) -> Tensor:
        """(n,) RMS over the bands of what one unit of each map is worth, reflectance."""
        return self.basis.square().mean(0).sqrt()

    @property
    def trust(self) -> Tensor:
        """(h, w) from 1, Y1 and M1 agree, to 0: the weight of Y1 before a network looks at it."""
        return self.valid * trust(self.doubt)

    def degrade(self, z: Tensor) -> Tensor:
        """D on the maps: (n, H, W) -> (n, h, w)."""
        rows, columns = self.down
        return rows[self.detector] @ z @ columns[self.detector]

    def back_project(self, residual: Tensor, damping: Tensor) -> Tensor:
        """Dᵀ(D Dᵀ + λ)⁻¹ on the maps: (n, h, w) -> (n, H, W), see `stsf.projection`.

        Args:
            residual: of y.
            damping: λ (n,) variance of the noise over that of the answer.
        """
        (rows, columns), k = self.down, self.detector
        (s, U), (t, V) = self._axes
        patterns = (U.mT[k] @ residual @ V[k]) / (
            s[k][:, :, None] * t[k][:, None, :] + damping[:, None, None]
        )
        return (rows.mT @ U)[k] @ patterns @ (V.mT @ columns.mT)[k]

    @cached_property
    def _axes(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Eigenvalues and axes of D_y D_yᵀ and D_x D_xᵀ per detector."""
        rows, columns = self.down
        y, x = torch.linalg.eigh(rows @ rows.mT), torch.linalg.eigh(columns.mT @ columns)
        return (y[0], y[1]), (x[0], x[1])

    def explain(self, z: Tensor, error: float) -> Tensor:
        """G (missed - A z): what to add to the maps so that they agree with M1, (n, H, W).

        G = Aᵀ(A Aᵀ + N/v)⁻¹ is the MMSE gain for maps whose errors have the variance v; A is `seen`
        and N the variance of `noise_ms`.

        Args:
            z: (n, H, W).
            error: v.
        """
        A = self.seen
        spread = A @ A.mT + torch.diag(self.noise_ms.square()) / error  # (C, C)
        missed = self.missed - torch.einsum("cn,nhw->chw", A, z)
        return torch.einsum("cn,chw->nhw", torch.linalg.solve(spread, A), missed)

    def decode(self, z: Tensor) -> Tensor:
        """(n, H, W) -> (L, H, W) reflectance."""
        flat = torch.addmm(self.base.flatten(1), self.basis, z.flatten(1))
        return flat.view_as(self.base)

    def encode(self, x: Tensor) -> Tensor:
        """(L, H, W) -> (n, H, W): the maps of a known X1, as near as they come to it."""
        return torch.einsum("nl,lhw->nhw", torch.linalg.pinv(self.basis), x - self.base)

    def crop(
        self, top: int, left: int, size: int, margin: int = 2
    ) -> tuple[Prepared, tuple[slice, slice]]:
        """A square window for training; D stays exact, as the sharp maps reach over its border.

        Args:
            top: first row, low-resolution pixels.
            left: first column.
            size: side, low-resolution pixels.
            margin: how far the sharp maps go beyond, low-resolution pixels.

        Returns:
            The window, and the (rows, columns) of its sharp maps inside the margin.
        """
        (h, w), r = self.y.shape[1:], self.ratio
        low = slice(top, min(top + size, h)), slice(left, min(left + size, w))
        first = [r * max(s.start - margin, 0) for s in low]
        high = [slice(a, r * min(s.stop + margin, n)) for a, s, n in zip(first, low, (h, w))]
        window = replace(
            self,
            **{k: getattr(self, k)[(..., *low)] for k in ("y", "doubt", "valid")},
            **{k: getattr(self, k)[(..., *high)] for k in ("start", "guide", "missed", "base")},
            down=(self.down[0][:, low[0], high[0]], self.down[1][:, high[1], low[1]]),
        )
        rows, columns = (slice(r * s.start - a, r * s.stop - a) for s, a in zip(low, first))
        return window, (rows, columns)


def trust(doubt: Tensor) -> Tensor:
    """Weight of an observation that is `doubt` standard deviations off: 1 / (1 + (doubt/4)⁴)."""
    return 1.0 / (1.0 + (doubt / DOUBTFUL) ** 4)
