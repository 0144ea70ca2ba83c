"""What the lessons share: sliders, the offline switch, one pixel, the stored results."""

from __future__ import annotations

from functools import cache

import holoviews as hv
import ipywidgets
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from torch import Tensor

from stsf.errors import InputError
from stsf.files.places import shipped_path
from stsf.inspection import with_gaps
from stsf.plots.colour import (
    SOURCE_STYLE,
)
from stsf.scene import Scene

WIDE = {"style": {"description_width": "11em"}, "layout": {"width": "32em"}}


def slider(kind: type, value: object, description: str, **limits: object) -> ipywidgets.Widget:
    """A slider that reports when it is let go, with room for its name."""
    style = {"description_width": "11em"}
    return kind(
        value=value, description=description, continuous_update=False,
        style=style, layout={"width": "32em"}, **limits,
    )  # fmt: skip


def offline() -> None:
    """Load the plotting code into the notebook itself: no network is needed, ever.

    Call it once, in the setup cell.
    """
    hv.extension("bokeh", inline=True)


def rms(values: Tensor | np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(np.asarray(values, dtype=np.float64)))))


FLOOR = 1e-5  # reflectance; what a plot shows as "none"


def draw_pixel(ax: Axes, scene: Scene, x: np.ndarray, pixel: tuple[int, int]) -> None:
    """One pixel of Y1, of an estimate of X1, of the truth and of M1; axes that do not jump.

    Args:
        ax: to draw on.
        scene: with truth.
        x: (L, H, W) estimate of X1.
        pixel: (y, x).
    """
    row, column = pixel
    x1 = scene.truth(1)
    for key, values in (
        ("lrhs_t1", scene.lrhs_t1[:, row // scene.ratio, column // scene.ratio]),
        ("hrhs_t1", x[:, row, column]),
        ("truth_t1", x1[:, row, column]),
    ):
        style = SOURCE_STYLE[key]
        ax.plot(*with_gaps(scene.hs, values), color=style.colour, ls=style.line, lw=1.8,
                label=style.label)  # fmt: skip
    style = SOURCE_STYLE["hrms_t1"]
    ax.errorbar(
        scene.ms.centre, scene.hrms_t1[:, row, column], xerr=scene.ms.fwhm / 2, ls="none",
        marker=style.marker, color=style.colour, label=style.label, zorder=4,
    )  # fmt: skip
    ax.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    ax.set_ylim(0.0, 1.25 * float(x1[:, row, column].max()))  # does not jump
    small_legend(ax)
    ax.grid(alpha=0.3)


def small_legend(ax: Axes) -> None:
    """Above a narrow pane, and no wider than it."""
    legend = ax.legend(
        frameon=False, ncols=2, fontsize=6.5, handlelength=1.5, columnspacing=0.8,
        loc="lower center", bbox_to_anchor=(0.45, 1.0),
    )  # fmt: skip
    legend.set_in_layout(False)  # its width takes no room from other panes; its height does:
    ax.set_title("\n", fontsize=10)


RESULTS = shipped_path("data/results")


SUITES = ("simulated", "imperfect", "real")


SMALL_IS_GOOD = ("sam", "ergas")


@cache
def results(suite: str) -> pd.DataFrame:
    """The stored rows of the benchmark, one per method, scene, region and group of bands.

    Args:
        suite: "simulated", "imperfect", "real" or "sensitivity".

    Raises:
        InputError: no such table.

    Example:
        >>> sorted(set(results("real").target))
        ['x1', 'x2']
    """
    path = RESULTS / f"{suite}.csv"
    if not path.is_file():
        raise InputError(
            f"expected the stored results in {path}, found none: make them with "
            f"stsf benchmark --suite {suite} --out {path.name}"
        )
    return pd.read_csv(path, dtype={"scene": str})


def by_scene(
    table: pd.DataFrame,
    target: str,
    figure: str = "psnr",
    region: str = "all",
    bands: str = "all",
) -> pd.DataFrame:
    """One figure of merit, scenes as rows and methods as columns.

    Args:
        table: rows of the benchmark, see `results`.
        target: "x1" or "x2".
        figure: a column of the table, such as "psnr".
        region: "all", "changed", "unchanged" or a kind of change; X1 has "all" only.
        bands: "all", "MS-covered", "VNIR gaps", "SWIR", "clean".

    Example:
        >>> by_scene(results("simulated"), "x2").shape[0]
        8
    """
    rows = table[(table.target == target) & (table.region == region) & (table.bands == bands)]
    return rows.pivot(index="scene", columns="method", values=figure)
