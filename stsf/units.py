"""The two units of SSJE: one adds detail, the other decides which errors to believe.

They never see the same thing. The spatial enhancement unit looks at the sharp grid: how would a
map look if it followed the MS? It knows nothing of Y1. The error correction unit looks at the
coarse grid: what does the map get wrong of Y1, and do Y1 and M1 show the same ground there? It
knows nothing of the detail. Both treat all maps of all scenes alike: no weight belongs to a band.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stsf.threads import in_parallel

CONTEXT = 4  # numbers that describe a map: share of noise, PSF width along y and x, ratio
CHUNK = 1 << 17  # pixels at a time when not training: they fit into a processor's cache


class Refine(nn.Module):
    """A small network for maps: 1 x 1, then `depth` residual blocks of 3 x 3 and 1 x 1, then 1 x 1.

    Args:
        inputs: channels in.
        outputs: channels out; all 0 before training.
        width: channels in between.
        depth: number of blocks.

    Example:
        >>> Refine(3, 1, width=8, depth=1)(torch.ones(5, 3, 6, 6), torch.ones(5, CONTEXT)).sum()
        tensor(0., grad_fn=<SumBackward0>)
    """

    def __init__(self, inputs: int, outputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.into = nn.Conv2d(inputs, width, 1)
        self.context = nn.Linear(CONTEXT, width)
        self.look = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1, groups=width) for _ in range(depth)
        )
        self.widen = nn.ModuleList(nn.Conv2d(width, 2 * width, 1) for _ in range(depth))
        self.narrow = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for _ in range(depth))
        self.out = nn.Conv2d(width, outputs, 1)
        nn.init.zeros_(self.out.weight)
        assert self.out.bias is not None
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(n, inputs, H, W) and what is known of each map (n, CONTEXT) -> (n, outputs, H, W)."""
        x = x.contiguous(memory_format=torch.channels_last)  # 3 times faster on a CPU
        x = self.into(x) + self.context(context)[:, :, None, None]  # (n, width, H, W)
        for look, widen, narrow in zip(self.look, self.widen, self.narrow, strict=True):
            x = x + narrow(F.silu(widen(look(x)), inplace=True))
        return self.out(x)


class SpatialEnhancementUnit(nn.Module):
    """Adds the detail that a map should take from the MS.

    Local regressions on the MS, in windows of several sizes, propose what a map should look like;
    their mean is the step before training. The network sees how far each proposal is from the map,
    how much the MS varies, and how badly the map follows it, and corrects the mean.

    Args:
        windows: number of proposals.
        memory: channels handed on from stage to stage.
        width: of the network.

    Example:
        >>> unit = SpatialEnhancementUnit(windows=2, memory=4, width=16)
        >>> z, memory = torch.zeros(3, 6, 6), torch.zeros(3, 4, 6, 6)
        >>> z, _ = unit(z, torch.ones(3, 2, 6, 6), z, z, memory, torch.zeros(3, CONTEXT))
        >>> z.mean().item()  # before training: the mean of the proposals
        1.0
    """

    def __init__(self, windows: int, memory: int, width: int) -> None:
        super().__init__()
        self.net = Refine(windows + 3 + memory, 1 + memory, width, depth=1)

    def forward(
        self,
        z: Tensor,
        proposals: Tensor,
        texture: Tensor,
        misfit: Tensor,
        memory: Tensor,
        context: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """One step of all maps.

        Args:
            z: (n, H, W) maps.
            proposals: (n, windows, H, W) what local regressions make of them.
            texture: (n, H, W) how much the MS varies, logarithmic.
            misfit: (n, H, W) how badly z follows it, logarithmic.
            memory: (n, memory, H, W).
            context: (n, CONTEXT).

        Returns:
            New z and new memory.
        """

        def step(
            z: Tensor, proposals: Tensor, surroundings: Tensor, memory: Tensor, context: Tensor
        ) -> tuple[Tensor, Tensor]:
            detail = proposals - z[:, None]  # (n, windows, H, W)
            features = torch.cat([detail, z[:, None], surroundings, memory], 1)
            change = self.net(features, context)  # (n, 1 + memory, H, W)
            return z + detail.mean(1) + change[:, 0], memory + change[:, 1:]

        surroundings = torch.stack([texture, misfit], 1)
        return few_at_once(step, z, proposals, surroundings, memory, context)


class ErrorCorrectionUnit(nn.Module):
    """Decides how much of each error to believe, and where.

    A residual y - D z may be detail that z lacks, or noise, or a PSF, a shift or a stripe that D
    does not know, or ground that changed between Y1 and M1. Before training, the weight of a
    residual is the trust in Y1 at its place, the same for all maps.

    Args:
        width: of the network.

    Example:
        >>> unit, residual = ErrorCorrectionUnit(width=16), torch.ones(3, 4, 4)
        >>> believed, weight = unit(residual, residual, torch.full((4, 4), 0.9), torch.zeros(3, 4))
        >>> round(weight.mean().item(), 3), round(believed.mean().item(), 3)
        (0.9, 0.9)
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = Refine(4, 2, width, depth=2)

    def forward(
        self, residual: Tensor, explained: Tensor, trust: Tensor, context: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The part of the residual that is believed.

        Args:
            residual: (n, h, w) y - D z.
            explained: (n, h, w) D z.
            trust: (h, w) in Y1, from 0 to 1, see `stsf.evidence.components.Prepared`.
            context: (n, CONTEXT).

        Returns:
            The believed part (n, h, w), and its weight (n, h, w), 0 to 1.
        """

        def decide(
            residual: Tensor, explained: Tensor, logit: Tensor, context: Tensor
        ) -> tuple[Tensor, Tensor]:
            features = torch.stack([residual, explained, logit / 4, residual.abs()], 1)
            change = self.net(features, context)  # (n, 2, h, w)
            weight = torch.sigmoid(logit + change[:, 0])
            return weight * (residual + change[:, 1]), weight

        logit = torch.logit(trust, eps=1e-4).expand_as(residual)
        return few_at_once(decide, residual, explained, logit, context)


def few_at_once(
    function: Callable[..., tuple[Tensor, Tensor]], z: Tensor, *more: Tensor
) -> tuple[Tensor, Tensor]:
    """A function of n maps, of a few at a time where no gradient is kept: so they fit into memory.

    Args:
        function: of z and more, some of each; gives two tensors of so many maps.
        z: (n, H, W) maps.
        more: what else is known of each map, (n, ...).
    """
    if torch.is_grad_enabled():
        return function(z, *more)
    count = max(1, CHUNK // z[0].numel())
    parts = zip(*(tensor.split(count) for tensor in (z, *more)), strict=True)
    first, second = zip(*in_parallel(lambda part: function(*part), parts), strict=True)
    return torch.cat(first), torch.cat(second)
