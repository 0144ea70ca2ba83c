"""The block diagram of DC-STSF: its boxes come from the network itself, so that it cannot go stale.

The steps are those that `return_steps` names, the weights those that `explain` counts, the lines of
code those that stand in the source today.
"""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from stsf.network import DCSTSF
from stsf.plots.colour import BLUE, GREEN, GREY, LIGHT, ORANGE, RED, SKY
from stsf.plots.figures import WIDTH
from stsf.scene import Scene
from stsf.ssje import SSJE
from stsf.training.stages import explain
from stsf.tve import TemporalVariationEstimator as TVE

SMALL = slice(0, 12)  # coarse pixels: enough of a scene to ask the network for its steps
ROW = {"x1": 1.0, "x2": 0.0}  # where the two estimates stand, upward


class Box(NamedTuple):
    """A step of the network in words.

    Attributes:
        lesson: that explains it.
        takes: what goes in.
        gives: what comes out.
        equation: in TeX.
        source: where its code stands.
        line: what the line of code begins with.
    """

    lesson: int
    takes: str
    gives: str
    equation: str
    source: Callable[..., Any]
    line: str


BOXES = {  # name of a step without its number
    "start": Box(5, "Y1, M1", "maps z, coarse ones enlarged", "X = f(M_1) + E\\,z",
                 SSJE.forward, "z, context ="),
    "back-projection": Box(3, "maps z, Y1", "maps that explain Y1",
                           "z + D^+ (y - D z)", SSJE._through_d, "return z + self.step"),
    "seu": Box(4, "maps z, M1", "maps with the detail of M1",
               "z + \\mathrm{SEU}(z, M_1)", SSJE.forward, "z, memory = self.seu"),
    "ecu": Box(4, "residual of Y1", "maps that explain the part of Y1 that is believed",
               "z + D^+ (w \\cdot (y - D z))", SSJE._through_d, "believed, _ = self.ecu"),
    "consistency": Box(3, "maps z, M1", "maps that explain M1",
                       "z + G_z (M_1 - R X)", SSJE.forward, 'steps["consistency"] ='),
    "candidates": Box(6, "X̂1, M1, M2", "ten answers for t2", "X_2^{(1)} \\ldots X_2^{(10)}",
                      TVE.candidates, "return torch.cat([pairs"),
    "weights": Box(6, "candidates, M2 − M1", "a weight for each, adding up to 1",
                   "\\hat X_2 = \\sum_i w_i X_2^{(i)}", TVE.weigh, "z = (weights"),
    "kept": Box(6, "weights", "how far X̂1 is still believed", "\\sum_{i\\ \\mathrm{builds\\ on}\\ "
                "\\hat X_1} w_i", TVE.estimate, "kept ="),
}  # fmt: skip


def kind_of(step: str) -> str:
    """Name of a step without its number.

    Example:
        >>> kind_of("back-projection 2")
        'back-projection'
    """
    return re.sub(r" \d+$", "", step)


def code_of(step: str) -> str:
    """The line of code that makes a step, as it stands in the source.

    Example:
        >>> code_of("seu 1")
        'z, memory = self.seu[k - 1](z, proposals, texture, misfit, memory, context)'
    """
    box = BOXES[kind_of(step)]
    lines = [line.strip() for line in inspect.getsource(box.source).splitlines()]
    return next(line for line in lines if line.startswith(box.line))


def about(step: str) -> str:
    """What a box takes, gives and computes, and its line of code, as HTML with TeX.

    Example:
        >>> about("seu 1").startswith("<b>seu 1</b>: maps z, M1 → maps with the detail of M1")
        True
    """
    box = BOXES[kind_of(step)]
    place = Path(inspect.getsourcefile(box.source) or "").name
    code = html.escape(code_of(step))
    return (
        f"<b>{step}</b>: {box.takes} → {box.gives}, \\({box.equation}\\)"
        f"<br><code>{code}</code> ({place}, lesson {box.lesson:02d})"
    )


def on_the_way(steps: Iterable[str]) -> list[str]:
    """The steps that are passed on: *back-projection k* only stands beside *ecu k*.

    Example:
        >>> on_the_way(["back-projection 0", "seu 1", "back-projection 1", "ecu 1"])
        ['back-projection 0', 'seu 1', 'ecu 1']
    """
    names = list(steps)
    beside = {name.replace("ecu", "back-projection") for name in names if name.startswith("ecu")}
    return [name for name in names if name not in beside]


def rows_of(names: Iterable[str]) -> dict[str, list[str]]:
    """The steps that lead to X̂1, and those from there to X̂2.

    Example:
        >>> rows_of(["start", "kept"])
        {'x1': ['start'], 'x2': ['kept']}
    """
    rows: dict[str, list[str]] = {"x1": [], "x2": []}
    for name in names:
        rows["x2" if BOXES[kind_of(name)].lesson == 6 else "x1"].append(name)
    return rows


def steps_of(network: DCSTSF, scene: Scene) -> list[str]:
    """What the network says it does, in order, asked on a corner of a scene."""
    corner = scene.crop(SMALL, SMALL)
    return list(network(corner, return_steps=True).steps)


def weights_of(network: DCSTSF) -> dict[str, int]:
    """Number of weights of every box that has some, from `explain`."""
    counts = explain(network).parameters
    of_x1 = {
        f"{name.split(': ')[1].lower()} {name.split()[1].rstrip(':')}": int(count)
        for name, count in counts.items()
        if re.match(r"SSJE \d", str(name))
    }
    return {
        **of_x1,
        "candidates": int(counts["TVE: SFTN"]),
        "weights": int(counts["TVE: weighing"]),
    }


def diagram(network: DCSTSF, scene: Scene, lesson: int = 0) -> Figure:
    """The cascade from its three images to X̂1 and X̂2.

    Args:
        network: whose steps are drawn.
        scene: whose corner it is asked on.
        lesson: boxes that are known by the end of this lesson are filled; 0 fills none.
    """
    rows, counts = rows_of(on_the_way(steps_of(network, scene))), weights_of(network)
    of_x2 = rows["x2"]
    figure = plt.figure(figsize=(WIDTH, 3.6), layout="constrained")
    plt.close(figure)
    ax = figure.subplots()
    right = len(rows["x1"]) + 1
    for key, row in rows.items():
        first = 1.0 if key == "x1" else right - len(row)
        for i, name in enumerate(row):
            box, weights = BOXES[kind_of(name)], counts.get(name, 0)
            known = bool(lesson) and box.lesson <= lesson
            below = f"{weights:,} weights" if weights else f"lesson 0{box.lesson}"
            _box(ax, first + i, ROW[key], name, below, shade(name) if known else "white")
            _arrow(ax, (first + i - 0.6, ROW[key]), (first + i - 0.42, ROW[key]))
        _arrow(ax, (first + len(row) - 0.58, ROW[key]), (first + len(row) - 0.4, ROW[key]))
    _box(ax, 0, ROW["x1"], "Y1, M1", "t1", SKY)
    _box(ax, right, ROW["x1"], "X̂1", "t1", BLUE)
    _box(ax, right - len(of_x2) - 1, ROW["x2"], "M1, M2", "t1, t2", ORANGE)
    _box(ax, right, ROW["x2"], "X̂2, σ", "t2", RED)
    _arrow(ax, (right, 0.66), (right - len(of_x2) + 0.2, 0.34))
    ax.text(0.5, 1.5, "SSJE: the first date", fontweight="bold")
    ax.text(right - len(of_x2) - 1.45, 0.5, "TVE: the second date", fontweight="bold")
    ax.set(xlim=(-0.5, right + 0.5), ylim=(-0.45, 1.7))
    ax.axis("off")
    return figure


def shade(name: str) -> str:
    """Colour of a box that is known."""
    return {"seu": GREEN, "ecu": ORANGE}.get(kind_of(name), LIGHT)


def _box(ax: Axes, x: float, y: float, title: str, below: str, colour: str) -> None:
    shape = FancyBboxPatch(
        (x - 0.4, y - 0.3), 0.8, 0.6, boxstyle="round,pad=0.01,rounding_size=0.08",
        facecolor=colour, alpha=0.5, edgecolor=GREY,
    )  # fmt: skip
    ax.add_patch(shape)
    ax.text(x, y + 0.06, title.replace("-", "-\n"), ha="center", va="center", fontsize=8)
    ax.text(x, y - 0.21, below, ha="center", va="center", fontsize=6.5, color=GREY)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY})
