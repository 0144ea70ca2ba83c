"""Lesson 08: the stored results of the benchmark as a table to sort."""

from __future__ import annotations

import ipywidgets
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stsf.lab.lessons.kit import SMALL_IS_GOOD, SUITES, WIDE, by_scene, results
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.plots.colour import BLUE, GREY
from stsf.plots.figures import WIDTH

NAMES = {  # figure of merit -> heading
    "psnr": "PSNR (dB)",
    "mean_psnr": "mean PSNR (dB)",
    "sam": "SAM (°)",
    "ergas": "ERGAS",
    "ssim": "SSIM",
}


class TableExplorer(Redrawn):
    """Ask the stored benchmark: which suite, which part of the image, which figure of merit."""

    def __init__(self) -> None:
        def choice(name: str, options: list[str]) -> ipywidgets.Dropdown:
            return ipywidgets.Dropdown(options=options, description=name, **WIDE)

        self.suite = choice("suite", list(SUITES))
        self.target = choice("estimate of", ["x2", "x1"])
        self.region = choice("pixels", ["all", "changed", "unchanged"])
        self.bands = choice("bands", ["all", "MS-covered", "VNIR gaps", "SWIR"])
        self.figure = choice("figure", list(NAMES))
        self.show_with([self.suite, self.target, self.figure], [self.region, self.bands])

    def view(self) -> tuple[Figure, str]:
        """The chosen table."""
        return table_view(
            self.suite.value, self.target.value, self.figure.value,
            self.region.value, self.bands.value,
        )  # fmt: skip


def table_view(
    suite: str, target: str = "x2", figure: str = "psnr", region: str = "all", bands: str = "all"
) -> tuple[Figure, str]:
    """Every method on every scene, best mean on top.

    Args:
        suite: see `results`.
        target: "x1" or "x2".
        figure: a key of `NAMES`.
        region: see `by_scene`; X1 is scored over all pixels whatever is asked.
        bands: see `by_scene`.

    Returns:
        The figure, and one line that names the best method.
    """
    table = results(suite)
    region = "all" if target == "x1" else region
    wide = by_scene(table, target, figure, region, bands)
    low = figure in SMALL_IS_GOOD
    order = wide.mean().sort_values(ascending=low).index
    label = table[table.target == target].groupby("method")["label"].first()
    drawn = sheet(WIDTH, 3.1)
    ax = drawn.subplots()
    rows = np.arange(len(order))
    ax.plot(wide[order].to_numpy().ravel(), np.tile(rows, len(wide)), "o", mfc="none", color=GREY,
            ms=4)  # fmt: skip
    ax.plot(wide.mean()[order], rows, "D", color=BLUE, ms=5)
    ax.plot([], [], "o", mfc="none", color=GREY, ms=5, label="one scene")
    ax.plot([], [], "D", color=BLUE, ms=7, label="mean")
    ax.set_yticks(range(len(order)), label[order], fontsize=8)
    ax.set_ylabel("method", fontsize=8)
    ax.set(xlabel=NAMES[figure])
    ax.invert_yaxis()
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    winners = wide.idxmin(axis=1) if low else wide.idxmax(axis=1)
    text = (
        f"{suite}, {target}, {region} pixels, {bands} bands: best mean of {NAMES[figure]} is "
        f"{wide[order[0]].mean():.2f} by {label[order[0]]}, the best in "
        f"{int((winners == order[0]).sum())} of {len(wide)} scenes"
    )
    return drawn, text


def losses(
    table: pd.DataFrame, method: str, *, leave_out: tuple[str, ...] = (), target: str = "x2"
) -> list[str]:
    """Where another method has the better mean: by region and figure, in one line each.

    Args:
        table: rows of the benchmark, see `results`.
        method: the one that is looked at.
        leave_out: methods that do not count, such as variants of the same.
        target: "x1" or "x2".
    """
    label = table[table.target == target].groupby("method")["label"].first()
    rows = []
    for region in table[table.target == target].region.unique():
        for figure in ("psnr", "sam"):
            means = by_scene(table, target, figure, region).mean().drop(list(leave_out))
            best = means.idxmin() if figure in SMALL_IS_GOOD else means.idxmax()
            if best != method:
                rows.append(
                    f"{region}, {NAMES[figure]}: {means[method]:.1f}, "
                    f"{label[best]} {means[best]:.1f}"
                )
    return rows
