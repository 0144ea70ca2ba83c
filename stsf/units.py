"""The two units of SSJE: one adds detail, the other decides which errors to believe.

They never see the same thing. The spatial enhancement unit looks at the sharp grid: how would this
map look if it followed the MS? It knows nothing of Y1. The error correction unit looks at the
coarse grid: what does the map get wrong of Y1, and do Y1 and M1 agree there at all? It knows
nothing of the detail. Both treat every map of every scene alike: no weight belongs to a band.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONTEXT = 4  # numbers that describe a map: noise, PSF width along y and x, ratio


class Refine(nn.Module):
    """A small network over maps: 1 x 1, `depth` residual blocks of 3 x 3 and 1 x 1, 1 x 1.

    Args:
        inputs: channels in.
        outputs: channels out, 0 before training.
        width: channels in between.
        depth: number of blocks.
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
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(n, inputs, H, W) and what is known of each map (n, CONTEXT) -> (n, outputs, H, W)."""
        x = x.contiguous(memory_format=torch.channels_last)  # 3 times faster on a CPU
        x = self.into(x) + self.context(context)[:, :, None, None]
        for look, widen, narrow in zip(self.look, self.widen, self.narrow, strict=True):
            x = x + narrow(F.silu(widen(look(x)), inplace=True))
        return self.out(x)


class SpatialEnhancementUnit(nn.Module):
    """Adds detail where the maps should follow the MS.

    Args:
        windows: number of local regressions it may choose from.
        memory: channels handed on to the next iteration.
        width: of the network.
        depth: of the network.
    """

    def __init__(self, windows: int = 2, memory: int = 4, width: int = 16, depth: int = 1) -> None:
        super().__init__()
        self.net = Refine(windows + 3 + memory, 1 + memory, width, depth)

    def forward(
        self, z: Tensor, follow: Tensor, texture: Tensor, memory: Tensor, context: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One step: z plus the mean of the proposed details plus what the network adds.

        Args:
            z: (n, H, W) maps.
            follow: (n, windows, H, W) z as its local regressions on the MS would have it.
            texture: (n, 2, H, W) how much the MS varies there, and how badly z follows it.
            memory: (n, memory, H, W).
            context: (n, CONTEXT).
        """
        detail = follow - z[:, None]  # (n, windows, H, W)
        seen = torch.cat([detail, z[:, None], texture, memory], 1)
        out = self.net(seen, context)
        return z + detail.mean(1) + out[:, 0], memory + out[:, 1:]


class ErrorCorrectionUnit(nn.Module):
    """Decides how much of each residual of Y1 to believe.

    Args:
        width: of the network.
        depth: of the network.
    """

    def __init__(self, width: int = 16, depth: int = 2) -> None:
        super().__init__()
        self.net = Refine(4, 2, width, depth)

    def forward(
        self, residual: Tensor, explained: Tensor, doubt: Tensor, context: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The residual as it should be, and the weight it was given (before training: the trust).

        Args:
            residual: (n, h, w) y - D z.
            explained: (n, h, w) D z.
            doubt: (h, w) trust of Y1 beforehand.
            context: (n, CONTEXT).
        """
        logit = torch.logit(doubt, eps=1e-4)[None].expand_as(residual)
        seen = torch.stack([residual, explained, logit / 4, residual.abs()], 1)
        out = self.net(seen, context)
        weight = torch.sigmoid(logit + out[:, 0])
        return weight * (residual + out[:, 1]), weight
