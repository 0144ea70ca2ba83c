"""SSJE: X1 from Y1 and M1 by unrolled alternating projections between what is known and learnt."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stsf.components import Prepared, prepare
from stsf.local import LocalRegression
from stsf.units import ErrorCorrectionUnit, SpatialEnhancementUnit

__all__ = ["SSJE", "Prepared", "prepare", "ssje_loss"]

WINDOWS = (2, 3)  # blocks of low-resolution pixels along the side of a local regression's window


class SSJE(nn.Module):
    def __init__(
        self, stages: int = 3, *, width: int = 16, depth: int = 1, memory: int = 4, seu: bool = True,
        ecu: bool = True, back_projection: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.stages, self.memory, self.back_projection = stages, memory, back_projection
        self.seu = nn.ModuleList(
            SpatialEnhancementUnit(len(WINDOWS), memory, width, depth) for _ in range(stages * seu)
        )
        self.ecu = nn.ModuleList(ErrorCorrectionUnit(width) for _ in range(stages * ecu))
        self.damping = nn.Parameter(torch.full((stages + 1,), 0.3).log())  # of the noise
        self.step = nn.Parameter(torch.ones(stages + 1))

    def forward(self, p: Prepared, return_steps: bool = False):
        z, steps = p.start, {"start": p.start}
        context = self.context(p)
        fits = [[LocalRegression(g, p.ratio, b) for b in WINDOWS] for g in p.guide] if len(self.seu) else []
        texture = self.texture(p)
        memory = z.new_zeros(len(z), self.memory, *z.shape[1:])
        if self.back_projection:
            z = self.project(p, z, 0, None)
            steps["back-projection 0"] = z
        for k in range(self.stages):
            if len(self.seu):
                follow, mis = self.follow(fits, p, z)
                z, memory = self.seu[k](z, follow, torch.stack([texture, mis], 1), memory, context)
                steps[f"seu {k + 1}"] = z
            if self.back_projection:
                z = self.project(p, z, k + 1, context)
                steps[f"back-projection {k + 1}"] = z
        return (z, steps) if return_steps else z

    def follow(self, fits, p, z):
        out, mis = [], []
        for d in p.detector.unique():
            pairs = [f(z[p.detector == d]) for f in fits[d]]
            out.append(torch.stack([a for a, _ in pairs], 1))
            mis.append(pairs[-1][1])
        m = torch.cat(mis).add(1e-4).log().add(5).div(3)
        r = p.ratio
        return torch.cat(out), m.repeat_interleave(r, 1).repeat_interleave(r, 2)

    def project(self, p, z, k, context):
        r = p.y - p.degrade(z)
        if len(self.ecu) and k:
            r, _ = self.ecu[k - 1](r, p.degrade(z), p.trust, context)
        else:
            r = r * (p.trust if len(self.ecu) else p.valid)
        return z + self.step[k] * p.back_project(r, self.damping[k].exp() * p.noise)

    def context(self, p):
        return torch.stack([p.noise, p.sharpness[:, 0], p.sharpness[:, 1], torch.full_like(p.noise, p.ratio / 3)], 1)

    def texture(self, p):
        g = p.guide.diff(dim=-1, prepend=p.guide[..., :1]).square() + p.guide.diff(dim=-2, prepend=p.guide[..., :1, :]).square()
        return g.sum(1).add(1e-4).log().add(4).div(3)[p.detector]


def ssje_loss(z, truth, weight, inner=(slice(None), slice(None))):
    """Mean absolute error of the maps, weighted by what they are worth in reflectance."""
    w = weight**0.75
    return ((z - truth).abs()[(slice(None), *inner)].mean((1, 2)) * w).sum() / w.sum()
