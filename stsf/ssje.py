"""SSJE, spatial-spectral joint estimation: X1 from Y1 and M1 by learnt alternating projections.

    prepare             what the scene itself teaches: X1 = f(M1) + E z (`stsf.evidence.components`)
    for k = 1 ... K
        SEU             z takes on detail from the MS
        through D       what z gets wrong of Y1 is carried back ...
        ECU             ... as far as it is to be believed
    through R           what f(M1) + E z gets wrong of M1, against its noise

Before training this is a classical method: guided filtering in turn with back-projection. What is
learnt, some 10,000 numbers, is the same for every map z, whatever its sensor and scene.
"""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor, nn

from stsf.evidence.components import prepare
from stsf.evidence.local import LocalRegression
from stsf.evidence.maps import Prepared
from stsf.units import ErrorCorrectionUnit, SpatialEnhancementUnit

__all__ = ["SSJE", "Prepared", "prepare", "ssje_loss"]

WINDOWS = (2, 3)  # sides of the windows of local regression, low-resolution pixels
DAMPING = 0.3  # of the back-projection, times the noise, before training
UNEXPLAINED = 0.03  # variance of the error of a map: what the consistency with M1 weighs noise by


class SSJE(nn.Module):
    """z, and with it X1, stage by stage.

    Args:
        stages: K.
        width: of the units' networks.
        memory: channels that the spatial enhancement units hand on.
        seu: False leaves these units out (for the ablation).
        ecu: False leaves the error correction units out: all of Y1 is believed.
        back_projection: False never looks at what is wrong of Y1.

    Example:
        >>> import stsf
        >>> prepared = prepare(stsf.load_sample().crop(slice(0, 12), slice(0, 12)))
        >>> z, steps = SSJE(stages=1)(prepared, return_steps=True)
        >>> list(steps)
        ['start', 'back-projection 0', 'seu 1', 'back-projection 1', 'ecu 1', 'consistency']
        >>> prepared.decode(z).shape
        torch.Size([114, 36, 36])
    """

    def __init__(
        self,
        stages: int = 3,
        *,
        width: int = 16,
        memory: int = 4,
        seu: bool = True,
        ecu: bool = True,
        back_projection: bool = True,
    ) -> None:
        super().__init__()
        self.stages, self.memory, self.back_projection = stages, memory, back_projection
        self.seu = nn.ModuleList(
            SpatialEnhancementUnit(len(WINDOWS), memory, width) for _ in range(stages * seu)
        )
        self.ecu = nn.ModuleList(ErrorCorrectionUnit(width) for _ in range(stages * ecu))
        self.damping = nn.Parameter(torch.full((stages + 1,), DAMPING).log())
        self.step = nn.Parameter(torch.ones(stages + 1))

    @overload
    def forward(self, prepared: Prepared, return_steps: Literal[False] = False) -> Tensor: ...
    @overload
    def forward(
        self, prepared: Prepared, return_steps: Literal[True]
    ) -> tuple[Tensor, dict[str, Tensor]]: ...
    def forward(
        self, prepared: Prepared, return_steps: bool = False
    ) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        """The maps (n, H, W); `prepared.decode` makes a cube of them.

        Args:
            prepared: see `stsf.evidence.components.prepare`.
            return_steps: with every intermediate by name, in order: "start", "back-projection 0";
                for k = 1 ... K "seu k", "back-projection k" (all of the residual believed) and
                "ecu k" (only what the unit believes; this goes on); "consistency". All are maps.
        """
        z, context = prepared.start, describe(prepared)
        steps = {"start": z}
        if self.back_projection:
            z = self._through_d(prepared, z, 0, context, steps)
        if self.seu:
            follow = [LocalRegression(g, prepared.ratio, WINDOWS) for g in prepared.guide]
            texture = variation(prepared.guide)[prepared.group]
            memory = z.new_zeros(len(z), self.memory, *z.shape[1:])
        for k in range(1, self.stages + 1):
            if self.seu:
                proposals, misfit = propose(follow, prepared, z)
                z, memory = self.seu[k - 1](z, proposals, texture, misfit, memory, context)
                steps[f"seu {k}"] = z
            if self.back_projection:
                z = self._through_d(prepared, z, k, context, steps)
            if not return_steps:
                steps.clear()  # a dozen maps each
        steps["consistency"] = z = z + prepared.explain(z, UNEXPLAINED)
        return (z, steps) if return_steps else z

    def _through_d(
        self, prepared: Prepared, z: Tensor, k: int, context: Tensor, steps: dict[str, Tensor]
    ) -> Tensor:
        """Maps z plus what they get wrong of Y1, as far as that is believed, carried back."""

        def carried_back(part: Tensor) -> Tensor:
            damping = self.damping[k].exp() * prepared.noise
            return z + self.step[k] * prepared.back_project(part, damping)

        explained = prepared.degrade(z)
        residual = prepared.y - explained  # (n, h, w)
        if self.ecu and k > 0:
            steps[f"back-projection {k}"] = carried_back(residual * prepared.valid)
            believed, _ = self.ecu[k - 1](residual, explained, prepared.trust, context)
            steps[f"ecu {k}"] = carried_back(believed)
            return steps[f"ecu {k}"]
        believed = residual * (prepared.trust if self.ecu else prepared.valid)
        steps[f"back-projection {k}"] = carried_back(believed)
        return steps[f"back-projection {k}"]


def describe(prepared: Prepared) -> Tensor:
    """(n, 4) what the units are told of each map: share of noise, PSF widths, ratio; about 1."""
    ratio = torch.full_like(prepared.noise, prepared.ratio / 3)
    return torch.column_stack([prepared.noise, prepared.sharpness, ratio])


def variation(guide: Tensor) -> Tensor:
    """(d, g, H, W) -> (d, H, W) logarithm of the squared gradient, shifted to about 0 ± 1."""
    down = guide.diff(dim=-2, prepend=guide[..., :1, :]).square()
    right = guide.diff(dim=-1, prepend=guide[..., :1]).square()
    return ((down + right).sum(1) + 1e-4).log().add(4).div(3)


def propose(follow: list[LocalRegression], prepared: Prepared, z: Tensor) -> tuple[Tensor, Tensor]:
    """Each map as its guide would have it (n, windows, H, W), and the logarithm of its misfit."""
    pairs = [follow[d](z[prepared.group == d]) for d in prepared.group.unique()]
    misfit = torch.cat([m for _, m in pairs]).add(1e-4).log().add(5).div(3)  # (n, h, w)
    r = prepared.ratio
    misfit = misfit.repeat_interleave(r, 1).repeat_interleave(r, 2)
    return torch.cat([p for p, _ in pairs]), misfit


def ssje_loss(
    z: Tensor,
    truth: Tensor,
    weight: Tensor,
    inner: tuple[slice, slice] = (slice(None), slice(None)),
) -> Tensor:
    """Mean absolute error of the maps, weighted by the power 3/4 of their worth in reflectance.

    The power keeps the weak maps in the game: they hold what tells materials apart.

    Args:
        z: (n, H, W) estimate.
        truth: (n, H, W), see `Prepared.encode`.
        weight: (n,), see `Prepared.weight`.
        inner: part of the maps to look at, see `Prepared.crop`.

    Example:
        >>> ssje_loss(torch.ones(2, 4, 4), torch.zeros(2, 4, 4), torch.tensor([1.0, 3.0])).item()
        1.0
    """
    share = weight**0.75
    error = (z - truth).abs()[(slice(None), *inner)].mean(dim=(1, 2))  # (n,)
    return (error * share).sum() / share.sum()
