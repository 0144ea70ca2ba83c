"""The stages of a DC-STSF in the order they work: their weights, and the arithmetic they take."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from stsf.evidence.components import prepare
from stsf.evidence.evidence import Evidence
from stsf.network import DCSTSF
from stsf.scene import Scene


def explain(network: DCSTSF, scene: Scene | None = None) -> pd.DataFrame:
    """The stages of a network in the order they work, with their parameters.

    Args:
        network: on the CPU.
        scene: if given, the multiplications and additions in the matrix products and convolutions
            of each stage are counted on it, for one pixel of the product.

    Example:
        >>> bool(explain(DCSTSF()).parameters.sum() < 500_000)
        True
    """
    ssje, tve = network.ssje, network.tve
    # which modules work in which stage
    stages: dict[str, list[nn.Module]] = {}
    for k in range(ssje.stages):
        for unit in ("seu", "ecu"):
            if k < len(made := getattr(ssje, unit)):
                stages[f"SSJE {k + 1}: {unit.upper()}"] = [made[k]]
    weighing = [module for module in tve.children() if module is not tve.sftn]
    stages |= {"TVE: SFTN": [tve.sftn], "TVE: weighing": weighing}
    # their parameters, and those that belong to no module
    parameters = {name: sum(map(_size, modules)) for name, modules in stages.items()}
    parameters["SSJE: step sizes"] = sum(p.numel() for p in ssje.parameters(recurse=False))
    table = pd.DataFrame({"parameters": pd.Series(parameters)}).rename_axis("stage")
    if scene is not None:
        counts, size = _operations(network, scene), scene.size[0] * scene.size[1]
        table["operations per pixel"] = [round(counts.get(name, 0) / size) for name in table.index]
    return table


def _size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@torch.enable_grad()  # so that nothing goes to other threads, where it would not be counted
def _operations(network: DCSTSF, scene: Scene) -> dict[str, int]:
    """Multiplications and additions of each stage for all pixels of a scene."""
    ssje, tve = network.ssje, network.tve
    # SSJE: unit by unit
    prepared = prepare(scene)
    z, by_module = _counted(lambda: ssje(prepared))
    counts = {
        f"SSJE {k + 1}: {unit.upper()}": by_module.get(f"SSJE.{unit}.{k}", 0)
        for unit in ("seu", "ecu")
        for k in range(ssje.stages)
    }
    # TVE: the curves of all pixels, then the weighing of all candidates
    evidence = Evidence(scene, prepared.decode(z).detach())
    curves = tve.sftn.inputs(evidence.coordinates, evidence.all)
    given = tve.inputs(evidence, slice(None), tve.record(evidence))
    counts["TVE: SFTN"] = _counted(lambda: tve.sftn(curves))[1]["Global"]
    counts["TVE: weighing"] = _counted(lambda: tve.weigh(given).z)[1]["Global"]
    return counts


def _counted(run: Callable[[], Tensor]) -> tuple[Tensor, dict[str, int]]:
    """What a function returns, and the operations in each module by its name; "Global" for all."""
    with FlopCounterMode(display=False) as counter:
        result = run()
    return result, {name: sum(ops.values()) for name, ops in counter.get_flop_counts().items()}
