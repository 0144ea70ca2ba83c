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
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.text import Text

KEPT = 2  # figures of a widget: an SEU has other bars of colours than an ECU


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
        self._given, self._closed = 0, False  # of them, since it was wiped; whether it ever was

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
        self._given, self._closed = 0, True

    def subplots(self, *rows: Any, **how: Any) -> Any:
        """As in `Figure`."""
        return self._give(
            f"subplots {rows} {how}", lambda: super(Sheet, self).subplots(*rows, **how)
        )

    def subplot_mosaic(self, mosaic: Any, **how: Any) -> Any:
        """As in `Figure`."""
        make = super().subplot_mosaic
        return self._give(f"mosaic {mosaic} {how}", lambda: make(mosaic, **how))

    def colorbar(
        self, mappable: Any, cax: Axes | None = None, ax: Any = None, *rest: Any, **how: Any
    ) -> Colorbar:
        """As in `Figure`, for an image in one axes."""
        asked = f"bar {self.axes.index(ax)} {cax} {rest} {how}"
        make = super().colorbar
        bar = self._give(asked, lambda: make(mappable, cax, ax, *rest, **how))
        mappable.autoscale_None()
        if _scale(mappable) != _scale(bar):
            bar.update_normal(mappable)
        return bar

    def _give(self, asked: str, make: Callable[[], Any]) -> Any:
        if self.whole and self._closed:
            raise Unlike
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


def on_kept(kept: list[Figure], view: Callable[[], tuple[Figure, str]]) -> tuple[Figure, str]:
    """What a view shows, drawn on a figure of an earlier call where one has the same axes.

    Args:
        kept: figures of earlier calls, the last one first; afterwards the new one leads.
        view: makes its figure by `sheet`.
    """
    for last in kept:
        token = _last.set(last if isinstance(last, Sheet) else None)
        try:
            figure, text = view()
        except Unlike:
            continue
        finally:
            _last.reset(token)
        if not isinstance(figure, Sheet) or figure.whole:
            break
    else:
        figure, text = view()
    kept[:] = [figure, *(other for other in kept if other is not figure)][:KEPT]
    return figure, text


def _wipe(ax: Axes) -> None:
    """An axes as it was when it was new, as far as a view that sets the same again can tell."""
    titles = {a for a in ax.get_children() if isinstance(a, Text)} - {*ax.texts}
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
