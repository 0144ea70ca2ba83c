"""What a figure shows, in words: for readers who hear it, and for pages whose pictures are missing.

`stsf.lab.publish.store` calls `register` in the kernel of a lesson before its first cell, so every
stored picture has its words in the notebook's metadata, and no lesson says a word of it.
"""

from __future__ import annotations

from typing import Any

from IPython.core.getipython import get_ipython
from IPython.core.pylabtools import print_figure
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def described(figure: Figure) -> str:
    """One sentence a pane: what it is, its title, its axes, and the names of its curves.

    Example:
        >>> figure = Figure()
        >>> ax = figure.subplots()
        >>> _ = ax.plot([1, 2], label="noise"), ax.set(title="Y1", xlabel="nm", ylabel="share")
        >>> _ = ax.legend()
        >>> described(figure)
        'Curves: Y1; nm across, share up; noise.'
    """
    bars = {bar.ax for ax in figure.axes for image in ax.images if (bar := image.colorbar)}
    panes = [_pane(ax) for ax in figure.axes if ax not in bars]
    names = _names(figure.legends)
    return " ".join(panes + ([f"Throughout: {names}."] if names else []))


def _pane(ax: Axes) -> str:
    if not ax.axison:
        words = (" ".join(text.get_text().split()) for text in ax.texts)
        return f"Drawing: {', '.join(word for word in words if word)}."
    if ax.images:
        kind = "Image"
        bar = ax.images[0].colorbar
        label = bar.ax.get_ylabel() or bar.ax.get_xlabel() if bar else ""
        axes = f"colours show {label}" if label else ""
    else:
        kind = "Bars" if ax.containers and not ax.lines else "Curves"
        axes = f"{ax.get_xlabel()} across, {ax.get_ylabel()} up" if ax.get_ylabel() else ""
    legend = ax.get_legend()
    parts = [" ".join(ax.get_title().split()), axes, _names([legend] if legend else [])]
    return f"{kind}: {'; '.join(part for part in parts if part)}."


def _names(legends: list[Any]) -> str:
    return ", ".join(text.get_text() for legend in legends for text in legend.get_texts())


def register() -> None:
    """Give every figure that a notebook shows its words, as metadata of the picture."""
    plt.close(plt.figure())  # sets up the notebook's own way to show a figure, which is replaced

    def png(figure: Figure) -> tuple[bytes, dict[str, str]]:
        return print_figure(figure, bbox_inches="tight"), {"alt": described(figure)}

    shell: Any = get_ipython()
    shell.display_formatter.formatters["image/png"].for_type(Figure, png)
