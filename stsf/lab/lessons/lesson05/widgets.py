"""Lesson 05: the maps of SSJE, and its gains over the classical methods."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from stsf.baselines.registry import get_method
from stsf.evidence.maps import Prepared
from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import (
    SMALL_IS_GOOD,
    SUITES,
    by_scene,
    results,
)
from stsf.plots.colour import BLUE, GREY
from stsf.plots.figures import WIDTH
from stsf.sensing.bands import Sensor


def columns_of(prepared: Prepared, count: int) -> np.ndarray:
    """The first columns of E (count, L): what one unit of a map adds to a spectrum."""
    one = torch.zeros(len(prepared), *prepared.base.shape[1:])
    middle = one.shape[1] // 2, one.shape[2] // 2
    columns = []
    for i in range(count):
        z = one.clone()
        z[i] = 1.0
        columns.append((prepared.decode(z) - prepared.decode(one))[:, middle[0], middle[1]])
    return torch.stack(columns).numpy()


def maps_view(
    prepared: Prepared, hs: Sensor, truth: np.ndarray, estimate: np.ndarray, count: int = 3
) -> Figure:
    """The first maps: as Y1 shows them, as estimated, as they truly are, and what they stand for.

    Args:
        prepared: the scene as maps.
        hs: the L bands.
        truth: X1 (L, H, W).
        estimate: of X1.
        count: how many maps.
    """
    figure = plt.figure(figsize=(WIDTH, 2.6 * count), layout="constrained")
    plt.close(figure)
    spectra = columns_of(prepared, count)
    sharp = [prepared.encode(torch.as_tensor(x)).numpy() for x in (estimate, truth)]
    for i, row in enumerate(figure.subplots(count, 4, squeeze=False)):
        panes = {"in Y1": prepared.y[i].numpy(), "estimated": sharp[0][i], "truth": sharp[1][i]}
        low, high = np.percentile(sharp[1][i], [1, 99])
        for ax, (title, values) in zip(row[:3], panes.items()):
            shown = ax.imshow(values, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            ax.set(title=f"map {i + 1}, {title}", xlabel="x (pixels)", ylabel="y (pixels)")
        figure.colorbar(shown, ax=row[2], label="units of the map", extend="both", fraction=0.05)
        row[3].plot(*with_gaps(hs, spectra[i]), color=BLUE)
        row[3].axhline(0, color=GREY, lw=1)
        row[3].set(title=f"column {i + 1} of E", xlabel="wavelength (nm)", ylabel="reflectance")
    return figure


RIVALS = ("local-regression", "hysure", "projection", "fuse", "cnmf")


def gains(suite: str, bands: str = "all", figure: str = "psnr") -> dict[str, pd.Series]:
    """Of the stored results: what SSJE is better than each rival, scene by scene.

    Args:
        suite: one of `kit.SUITES`.
        bands: group of bands.
        figure: of merit; a smaller angle counts as better.

    Returns:
        Rival to one gain per scene, in the unit of the figure.
    """
    wide = by_scene(results(suite), "x1", figure, bands=bands)
    if suite == "real":  # the X1 of a window is the same in each of its draws
        wide = wide.groupby(lambda scene: scene.split("/")[0]).first()
    sign = -1 if figure in SMALL_IS_GOOD else 1
    return {rival: sign * (wide["dcstsf"] - wide[rival]) for rival in RIVALS}


def losses() -> pd.DataFrame:
    """Every suite, figure, group of bands and rival where the rival has the better mean."""
    rows = [
        (suite, figure, bands, rival, int((gain < 0).sum()), len(gain))
        for suite in SUITES
        for figure in ("psnr", "sam")
        for bands in ("all", "MS-covered", "VNIR gaps", "SWIR")
        for rival, gain in gains(suite, bands, figure).items()
        if gain.mean() < 0
    ]
    names = ["suite", "figure", "bands", "better in the mean", "SSJE worse in", "of scenes"]
    return pd.DataFrame(rows, columns=names)


def gains_view(found: Mapping[str, Mapping[str, np.ndarray | pd.Series]]) -> Figure:
    """Gains over a rival, scene by scene, and their mean.

    Args:
        found: suite to rival to one gain per scene, dB.
    """
    figure = plt.figure(figsize=(WIDTH, 3.6), layout="constrained")
    plt.close(figure)
    axes = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for ax, (suite, rivals) in zip(axes, found.items()):
        for y, (_, gain) in enumerate(rivals.items()):
            ax.plot(gain, np.full(len(gain), y), "o", mfc="none", color=GREY, ms=5)
            ax.plot(np.mean(gain), y, "D", color=BLUE, ms=7)
        ax.axvline(0, color=GREY, lw=1)
        ax.set(title=suite, xlabel="gain of SSJE (PSNR, dB)")
        ax.set(
            yticks=range(len(rivals)), yticklabels=[get_method(name, "x1").label for name in rivals]
        )
        ax.grid(alpha=0.3)
    axes[0].set(ylabel="method")
    axes[0].invert_yaxis()
    axes[0].plot([], [], "o", mfc="none", color=GREY, ms=5, label="one scene")
    axes[0].plot([], [], "D", color=BLUE, ms=7, label="mean")
    figure.legend(frameon=False, ncols=2, loc="outside upper center")
    return figure
