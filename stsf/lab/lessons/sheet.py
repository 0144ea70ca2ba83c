"""A figure to draw on again: the next view of a widget finds the axes of its last one, wiped.

Axes and bars of colours take more time to make than all that is drawn in them. So a view asks
`sheet` for its figure: a widget that redraws gets its last one back; anybody else gets a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure


class Sheet(Figure):
    """A figure whose axes, once asked for, are given again in the same order.

    Args:
        width: inches.
        height: inches.

    Example:
        >>> page = Sheet(2, 2)
        >>> first = page.subplots()
        >>> _ = first.plot([0, 9])
        >>> page.wipe()
        >>> page.subplots() is first, len(first.lines), page.whole
        (True, 0, True)
    """

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), layout="constrained")
        self._made: list[tuple[str, Any]] = []  # what was asked for, and what was given
        self._given = 0  # of them, since it was wiped

    @property
    def whole(self) -> bool:
        """Whether all that was there before is in use again."""
        return self._given == len(self._made)

    def wipe(self) -> None:
        """Take everything off the axes but the axes themselves."""
        bars = {made.ax for _, made in self._made if isinstance(made, Colorbar)}
        for artist in (*self.texts, *self.legends):
            artist.remove()
        for ax in self.axes:
            if ax not in bars:
                _wipe(ax)
        self._given = 0

    def subplots(self, *rows: Any, **how: Any) -> Any:
        """As in `Figure`."""
        return self._give(
            f"subplots {rows} {how}", lambda: super(Sheet, self).subplots(*rows, **how)
        )

    def subplot_mosaic(self, mosaic: Any, **how: Any) -> Any:
        """As in `Figure`."""
        asked = f"mosaic {mosaic} {how}"
        return self._give(asked, lambda: super(Sheet, self).subplot_mosaic(mosaic, **how))

    def colorbar(self, mappable: ScalarMappable, ax: Axes, **how: Any) -> Colorbar:
        """As in `Figure`, for one image."""
        asked = f"bar {self.axes.index(ax)} {how}"
        bar = self._give(asked, lambda: super(Sheet, self).colorbar(mappable, ax=ax, **how))
        mappable.autoscale_None()
        if _scale(mappable) != _scale(bar):
            bar.update_normal(mappable)
        return bar

    def _give(self, asked: str, make: Callable[[], Any]) -> Any:
        if self.whole:
            self._made.append((asked, make()))
        before, made = self._made[self._given]
        if before != asked:
            raise Unlike
        self._given += 1
        return made


class Unlike(Exception):
    """A view has other axes than the last one."""


_last: ContextVar[Sheet | None] = ContextVar("last", default=None)


def sheet(width: float, height: float) -> Figure:
    """An empty figure with constrained layout; while a widget redraws, its last one.

    Args:
        width: inches.
        height: inches.
    """
    last = _last.get()
    if last is None or last.get_size_inches().tolist() != [width, height]:
        return Sheet(width, height)
    last.wipe()
    return last


def on_the_last(last: Figure | None, view: Callable[[], tuple[Figure, str]]) -> tuple[Figure, str]:
    """What a view shows, drawn on the figure of its last call where that has the same axes.

    Args:
        last: figure of its last call.
        view: makes its figure by `sheet`.
    """
    if isinstance(last, Sheet):
        token = _last.set(last)
        try:
            figure, text = view()
            if not isinstance(figure, Sheet) or figure.whole:
                return figure, text
        except Unlike:
            pass
        finally:
            _last.reset(token)
    return view()


def _wipe(ax: Axes) -> None:
    """An axes as it was when it was new, as far as a view that sets the same again can tell."""
    titles = (ax.title, ax._left_title, ax._right_title)
    stays: set[Artist] = {ax.patch, ax.xaxis, ax.yaxis, *ax.spines.values(), *titles}
    for artist in set(ax.get_children()) - stays:
        artist.remove()
    ax.containers.clear()
    for title in titles:
        title.set_text("")
    ax.set_prop_cycle(None)
    for name in ("x", "y"):
        if getattr(ax, f"get_{name}scale")() != "linear":
            getattr(ax, f"set_{name}scale")("linear")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.relim()
    ax.autoscale(True)


def _scale(coloured: Any) -> tuple[object, ...]:
    norm = coloured.norm
    return type(norm), norm.vmin, norm.vmax, coloured.cmap.name
