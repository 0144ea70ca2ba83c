"""Lesson 04b: what the units see, say and correct."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from stsf.evidence.maps import Prepared
from stsf.lab.lessons.kit import rms, slider
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.plots.figures import WIDTH
from stsf.ssje import SSJE
from stsf.training.unrolled import parts

CORNER, SIDE = (20, 15), 30  # coarse pixels of a unit's maps that are drawn: from where, how many


NAMES = {"seu": "SEU", "ecu": "ECU"}
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # ends of the colours: few, so that maps compare


@dataclass(frozen=True, eq=False)
class Work:
    """What one unit did to the n maps of a scene; an SEU on the fine grid, an ECU on the coarse.

    Attributes:
        seen: (n, channels, rows, columns) what its small network looked at.
        before: (n, rows, columns) the maps, or the residual as it was.
        after: (n, rows, columns) the maps with detail, or the residual that is believed.
        wanted: (n, rows, columns) what `after` should be, from the truth.
        weight: (n, rows, columns) how far the residual is believed; None for an SEU.
    """

    seen: Tensor
    before: Tensor
    after: Tensor
    wanted: Tensor
    weight: Tensor | None


def watch(ssje: SSJE, prepared: Prepared, truth: np.ndarray) -> dict[str, Work]:
    """Run SSJE and write down what every unit saw, thought and said.

    Args:
        ssje: trained.
        prepared: the scene as maps.
        truth: X1 (L, H, W), for what each unit should have said.

    Returns:
        By "SEU 1", "ECU 1", "SEU 2" and so on, as many as there are.
    """
    wanted = prepared.encode(torch.as_tensor(truth))
    works: dict[str, Work] = {}
    with torch.no_grad(), _listening(ssje) as heard:
        ssje(prepared)
        for name, part in heard.items():
            first, goal = part["given"][0], wanted
            after, more = part["said"]
            if name.startswith("ECU"):
                goal = prepared.degrade(wanted) - (prepared.y - first)
            weight = more if name.startswith("ECU") else None
            works[name] = Work(part["seen"][0], first, after, goal, weight)
    in_turn = sorted(works, key=lambda name: (name.split()[1], name.startswith("ECU")))
    return {name: works[name] for name in in_turn}


def own_parts(ssje: SSJE, prepared: Prepared, truth: np.ndarray) -> dict[str, tuple[float, float]]:
    """RMS error of each unit's own part, before and after it, in reflectance.

    The SEU's part is the detail that D does not see, the ECU's the coarse part that D sees.

    Args:
        ssje: trained.
        prepared: the scene as maps.
        truth: X1 (L, H, W).

    Returns:
        By "SEU 1", "ECU 1", "SEU 2" and so on.
    """

    def error(part: Tensor) -> float:
        return rms(torch.einsum("ln,nhw->lhw", prepared.basis, part).numpy())

    wanted, errors = prepared.encode(torch.as_tensor(truth)), {}
    with torch.no_grad():
        _, steps = ssje(prepared, return_steps=True)
        before = parts(prepared, steps["back-projection 0"] - wanted)
        for name, z in steps.items():
            if (unit := name.split()[0]) in NAMES:
                after = parts(prepared, z - wanted)
                errors[name.upper()] = error(before[unit]), error(after[unit])
                before = after
    return errors


@contextmanager
def _listening(ssje: SSJE) -> Iterator[dict[str, dict[str, Any]]]:
    """What goes into and comes out of every unit, while in use."""
    heard: dict[str, dict[str, Any]] = {}
    hooks = []
    for kind, title in NAMES.items():
        for number, unit in enumerate(getattr(ssje, kind), start=1):
            notes = heard[f"{title} {number}"] = {}
            hooks += [
                unit.register_forward_hook(_note_unit(notes)),
                _small(unit).register_forward_pre_hook(_note(notes, "seen")),
            ]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def _small(unit: nn.Module) -> Any:
    """The network inside a unit."""
    return next(unit.children())


def _note_unit(notes: dict[str, Any]) -> Any:
    def hook(unit: nn.Module, given: tuple, said: tuple) -> None:
        notes["given"], notes["said"] = given, said

    return hook


def _note(notes: dict[str, Any], key: str) -> Any:
    """Keep every input of a part; it may be given a few maps at a time."""

    def hook(module: nn.Module, given: tuple) -> None:
        notes.setdefault(key, []).append(given[0])

    return hook


class UnitExplorer(Redrawn):
    """Choose a unit and a map: what it sees, what it says, what it should have said.

    Args:
        works: see `watch`.
    """

    def __init__(self, works: Mapping[str, Work]) -> None:
        self.works = works
        self.unit = ipywidgets.Dropdown(
            options=list(works), description="unit",
            style={"description_width": "11em"}, layout={"width": "32em"},
        )  # fmt: skip
        most = len(next(iter(works.values())).before)
        self.map = slider(ipywidgets.IntSlider, 1, "map", min=1, max=most)
        self.show_with([self.unit], [self.map])

    def view(self) -> tuple[Figure, str]:
        """The chosen unit at work on the chosen map."""
        return unit_view(self.works, self.unit.value, self.map.value)


def unit_view(works: Mapping[str, Work], name: str, number: int = 1) -> tuple[Figure, str]:
    """One unit at work on one map.

    Args:
        works: see `watch`.
        name: a key of `works`.
        number: of the map, 1 for the one that matters most.

    Returns:
        The figure, and one line that says what it shows.
    """
    work, at = works[name], number - 1
    before, after, wanted = (a[at].numpy() for a in (work.before, work.after, work.wanted))
    added, missing = after - before, wanted - before
    if name.startswith("SEU"):
        panes = {
            "the map before": before,
            "detail the MS suggests": work.seen[at, 0].numpy(),
            "what it adds": added,
            "what it should add": missing,
            "error afterwards": after - wanted,
        }
    else:
        assert work.weight is not None
        panes = {
            "the residual before": before,
            "weight it is given": work.weight[at].numpy(),
            "residual afterwards": after,
            "what it should be": wanted,
            "error afterwards": after - wanted,
        }
    fine = (
        before.shape[0] // next(w for n, w in works.items() if n.startswith("ECU")).before.shape[1]
    )
    largest = 2.5 * max(rms(added), rms(missing))
    scale = next((s for s in SCALES if s >= largest), SCALES[-1])
    figure = _five(panes, scale, fine)
    alike = float(np.corrcoef(added.ravel(), missing.ravel())[0, 1]) if rms(added) > 1e-9 else 0.0
    text = (
        f"{name}, map {number}: changes it by {rms(added):.3f} (RMS), {rms(missing):.3f} was "
        f"wanted, correlation of the two {alike:.2f}; error before {rms(missing):.3f}, after "
        f"{rms(after - wanted):.3f}"
    )
    return figure, text


def _five(panes: Mapping[str, np.ndarray], scale: float, fine: int) -> Figure:
    """Five maps, `fine` pixels to a coarse one; signed ones share a scale."""
    figure = sheet(WIDTH, 2.9)
    for ax, (title, values) in zip(figure.subplots(1, 5, sharey=True), panes.items()):
        look: dict[str, Any] = {"cmap": "PuOr", "vmin": -scale, "vmax": scale}
        label = "units of the map"
        if title.startswith("weight"):
            look, label = {"cmap": "viridis", "vmin": 0, "vmax": 1}, "1: believed"
        elif title.startswith("the map"):
            look = {"cmap": "gray", "vmin": -2.5, "vmax": 2.5}  # a map has a spread of 1
        top, left = (max(0, min(c, n // fine - SIDE)) * fine for c, n in zip(CORNER, values.shape))
        part = values[top : top + SIDE * fine, left : left + SIDE * fine]
        extent = (left - 0.5, left + part.shape[1] - 0.5, top + part.shape[0] - 0.5, top - 0.5)
        shown = ax.imshow(part, extent=extent, interpolation="nearest", **look)
        beyond = "neither" if title.startswith("weight") else "both"
        figure.colorbar(shown, ax=ax, label=label, extend=beyond, location="bottom")
        ax.set_title(title, fontsize=9)
        ax.set(xlabel="x (pixels)", ylabel="y (pixels)")
    return figure
