"""Live figures: a figure is drawn once a move, and of it only what is not as it was.

Left to itself, a notebook draws a figure three times: to find a layout, to find its edges, and to
show it. And ticks, names and legends take nine tenths of the time that one drawing takes.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import ipywidgets
import numpy as np
from IPython.display import display
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.transforms import Bbox
from PIL import Image

from stsf.lab.lessons.sheet import on_kept

Drawn = tuple[tuple[slice, slice], np.ndarray]  # where in a figure, and its pixels there

KEPT = 64  # pictures of what stands still in one axes
PAD = 0.1  # inch around each part of a live figure: room for a longer tick label


class Backdrop:
    """What stands still in figures of one kind: axes with their ticks, names and legends.

    That of one axes is drawn once, and anew when a limit, a tick, a name or a word of its legend
    is another. All else (lines, images, bars, titles, frames) is drawn on it at every move.

    Example:
        >>> from matplotlib.figure import Figure
        >>> backdrop, figure = Backdrop(), Figure(figsize=(2, 2))
        >>> (line,) = figure.subplots().plot([0, 1], [0, 1])
        >>> first = backdrop.png(figure)
        >>> line.set_ydata([1, 0])
        >>> first != backdrop.png(figure) == Backdrop().png(figure)
        True
    """

    def __init__(self) -> None:
        self._drawn: dict[str, Drawn] = {}  # what an axes says, in words -> its pixels

    def png(self, figure: Figure) -> bytes:
        """The figure as it stands, as PNG."""
        canvas = FigureCanvasAgg(figure)
        renderer = canvas.get_renderer()
        for ax in figure.axes:
            locator = ax.get_axes_locator()  # of a colour bar; others have none
            ax.apply_aspect(None if locator is None else locator(ax, renderer))
            ax.set_axisbelow(True)
        pixels = np.asarray(canvas.buffer_rgba())
        still = [self._still(canvas, ax, f"{i} {_words(ax)}") for i, ax in enumerate(figure.axes)]
        still += [self._still(canvas, x, f"{_legends([x])}") for x in figure.legends]
        _blank(figure, renderer)
        for place, part in still:
            np.minimum(pixels[place], part, out=pixels[place])
        for artist in [a for ax in figure.axes for a in _moving(ax)] + figure.texts:
            artist.draw(renderer)
        buffer = io.BytesIO()
        shown = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
        shown.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def _still(self, canvas: FigureCanvasAgg, part: Axes | Legend, words: str) -> Drawn:
        """What stands still in one axes, or a legend beside them, on a white ground."""
        words = f"{canvas.figure.get_size_inches()} {words}"
        if words not in self._drawn:
            renderer, pixels = canvas.get_renderer(), np.asarray(canvas.buffer_rgba())
            _blank(canvas.figure, renderer)
            with _left_out(_moving(part) if isinstance(part, Axes) else []):
                part.draw(renderer)
            inked = (pixels != 255).any(axis=2)
            place = _extent(inked.any(axis=1)), _extent(inked.any(axis=0))
            if len(self._drawn) == KEPT:
                del self._drawn[next(iter(self._drawn))]  # the oldest
            self._drawn[words] = place, pixels[place].copy()
        return self._drawn[words]


def _blank(figure: Figure, renderer: RendererAgg) -> None:
    renderer.clear()
    figure.patch.draw(renderer)


def _extent(inked: np.ndarray) -> slice:
    """From the first True of (n,) to the last."""
    at = np.flatnonzero(inked)
    return slice(at[0], at[-1] + 1) if at.size else slice(0, 0)


def _words(ax: Axes) -> tuple[object, ...]:
    """All that a reader can read on and beside axes, and where they are."""
    legend = ax.get_legend()
    inner = [_ticks(axis) for child in ax.child_axes for axis in (child.xaxis, child.yaxis)]
    place = ax.get_position().bounds
    return place, _ticks(ax.xaxis), _ticks(ax.yaxis), *_legends([legend] if legend else []), *inner


def _ticks(axis: Axis) -> tuple[object, ...]:
    places = [float(place) for place in axis.get_majorticklocs()]
    labels = axis.get_major_formatter().format_ticks(places)
    return axis.get_label_text(), axis.get_scale(), *axis.get_view_interval(), places, labels


def _legends(legends: Sequence[Legend]) -> list[list[str]]:
    """Their words; what bears the same name looks the same in figures of one kind."""
    return [[text.get_text() for text in legend.get_texts()] for legend in legends]


def _moving(ax: Axes) -> list[Artist]:
    """What is drawn at every move, from the back to the front."""
    still = {ax.patch, ax.xaxis, ax.yaxis, ax.get_legend(), *ax.child_axes}
    shown = (a for a in ax.get_children() if a not in still and a.get_visible())
    return sorted(shown, key=lambda artist: artist.zorder)


@contextmanager
def _left_out(artists: Sequence[Artist]) -> Iterator[None]:
    for artist in artists:
        artist.set_animated(True)
    try:
        yield
    finally:
        for artist in artists:  # whoever draws the figure as a whole sees them too
            artist.set_animated(False)


class Redrawn:
    """Controls, one line of text that a reader can quote, and below them a figure.

    A widget derives from this, calls `show_with` once, and says in `view` what its controls mean.

    Attributes:
        text: the line above the figure, in view of the controls.
        picture: the figure, as PNG.
    """

    def show_with(self, *columns: list[ipywidgets.Widget]) -> None:
        """Lay the controls out in columns and redraw whenever one of them moves."""
        self.text = ipywidgets.HTML()
        fits = {"max_width": "100%", "object_fit": "contain", "align_self": "flex-start"}
        self.picture = ipywidgets.Image(format="png", layout=fits)
        self.columns, self.places, self.backdrop = columns, list[Bbox](), Backdrop()
        self.kept: list[Figure] = []
        self._drawing = threading.RLock()  # JupyterLab may report two controls at once
        for control in (control for column in columns for control in column):
            control.observe(self.redraw, names="value")

    def view(self) -> tuple[Figure, str]:
        """The figure for the controls as they stand, and what it shows."""
        raise NotImplementedError

    def redraw(self, _: object = None) -> None:
        """Draw the view anew, in the place of the last one."""
        with self._drawing:
            figure, text = on_kept(self.kept, self.view)
            self.places = arrange(figure, self.places)
            self.picture.value, self.text.value = self.backdrop.png(figure), text

    def _ipython_display_(self) -> None:
        self.redraw()
        beside = ipywidgets.HBox([ipywidgets.VBox(column) for column in self.columns])
        display(ipywidgets.VBox([beside, self.text, self.picture]))


class Panels:
    """A figure whose axes stay: whoever derives from it makes them, and moves what is in them.

    Args:
        figure: with constrained layout.

    Attributes:
        places: of the axes, once they are found.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure, self.places, self.backdrop = figure, list[Bbox](), Backdrop()

    def png(self) -> bytes:
        """The figure as it stands, as PNG."""
        self.places = arrange(self.figure, self.places)
        return self.backdrop.png(self.figure)


def arrange(figure: Figure, places: list[Bbox]) -> list[Bbox]:
    """Put the axes of a figure where those of the last one were, so that nothing jumps.

    Args:
        figure: made with constrained layout.
        places: of its axes; where their number differs, the layout is computed.

    Returns:
        Where the axes are now.
    """
    if len(places) != len(figure.axes):
        ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD).execute(figure)
        places = [ax.get_position(original=True) for ax in figure.axes]
    figure.set_layout_engine("none")
    for ax, place in zip(figure.axes, places):
        ax.set_position(place, which="original")
    return places
