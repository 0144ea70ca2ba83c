"""The loss of the SSJE: of its last result, of every round, and of each unit's own part.

Taught by the last result alone, the units divide the work as they please: the first one may spoil
what the third one mends. The SEU's own part is the detail that D does not see, the ECU's the part
that D sees; a unit that does not lower the error of its own part is told so.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from stsf.evidence.maps import Prepared
from stsf.ssje import ssje_loss

ROUND, OWN = 0.15, 0.5  # weight of each round's result, and of each unit's own part
LEFT = 0.9  # share of the error of its own part that a unit may leave
DAMPING = 1e-3  # of the projection onto what D sees


def coarse_part(prepared: Prepared, error: Tensor) -> Tensor:
    """(n, H, W) -> the same: the part of an error that D sees, Dᵀ(D Dᵀ + λ)⁻¹ D e; λ is small.

    Args:
        prepared: whose D.
        error: of the maps.
    """
    damping = error.new_full((len(error),), DAMPING)
    return prepared.back_project(prepared.degrade(error), damping)


def parts(prepared: Prepared, error: Tensor) -> dict[str, Tensor]:
    """An error (n, H, W) by whose it is: "ecu", what D sees; "seu", the rest."""
    coarse = coarse_part(prepared, error)
    return {"seu": error - coarse, "ecu": coarse}


def excess(after: Tensor, before: Tensor) -> Tensor:
    """How much more than `LEFT` of an error a unit leaves, mean over the maps; all count alike.

    Args:
        after: (n, H, W) error of the unit's own part.
        before: (n, H, W) what it was; not taught, lest a unit gain by the fault of the one before.

    Example:
        >>> import torch
        >>> before = torch.ones(2, 4, 4)
        >>> round(excess(before, before).item(), 3), excess(0.5 * before, before).item()
        (0.1, 0.0)
    """
    remaining = after.square().mean((1, 2)) / (before.detach().square().mean((1, 2)) + 1e-8)
    return F.relu(remaining.sqrt() - LEFT).mean()


def unrolled_loss(
    prepared: Prepared,
    steps: Mapping[str, Tensor],
    truth: Tensor,
    inner: tuple[slice, slice] = (slice(None), slice(None)),
) -> Tensor:
    """The loss that trains the SSJE.

    Args:
        prepared: scene or patch.
        steps: every intermediate by name, as the SSJE returns them.
        truth: (n, H, W), see `Prepared.encode`.
        inner: part of the maps to look at, see `Prepared.crop`.
    """
    cut = (slice(None), *inner)
    total = ssje_loss(steps["consistency"], truth, prepared.weight, inner)
    before = parts(prepared, steps.get("back-projection 0", steps["start"]) - truth)
    k = 1
    while made := [name for name in (f"seu {k}", f"ecu {k}") if name in steps]:
        for name in made:
            after, unit = parts(prepared, steps[name] - truth), name[:3]
            total = total + OWN * excess(after[unit][cut], before[unit][cut])
            before = after
        # the round by its result; without ECU, that is the back-projection of all of the residual
        result = steps.get(f"ecu {k}", steps.get(f"back-projection {k}", steps[made[-1]]))
        total = total + ROUND * ssje_loss(result, truth, prepared.weight, inner)
        if f"ecu {k}" not in steps:
            before = parts(prepared, result - truth)
        k += 1
    return total
