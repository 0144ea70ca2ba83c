"""What the slider widgets of the lessons share: redraw at every move, say what is seen.

A figure is drawn once a move. Left to itself, a notebook draws it three times: to find a layout, to
find its edges, and to show it.
"""

from __future__ import annotations

import io
import threading

import ipywidgets
import numpy as np
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox
from PIL import Image

PAD = 0.1  # inch around each part of a live figure: room for a longer tick label


class Redrawn:
    """Controls above, a figure below, and one line of text that a reader can quote.

    A widget derives from this, calls `show_with` once, and says in `view` what its controls mean.

    Attributes:
        text: the line below the figure.
        picture: the figure, as PNG.
    """

    def show_with(self, *columns: list[ipywidgets.Widget]) -> None:
        """Lay the controls out in columns and redraw whenever one of them moves."""
        self.text = ipywidgets.HTML()
        fits = {"max_width": "100%", "object_fit": "contain", "align_self": "flex-start"}
        self.picture = ipywidgets.Image(format="png", layout=fits)
        self.columns, self.places = columns, list[Bbox]()
        self._drawing = threading.RLock()  # JupyterLab may report two controls at once
        for control in (control for column in columns for control in column):
            control.observe(self.redraw, names="value")

    def view(self) -> tuple[Figure, str]:
        """The figure for the controls as they stand, and what it shows."""
        raise NotImplementedError

    def redraw(self, _: object = None) -> None:
        """Draw the view anew, in the place of the last one."""
        with self._drawing:
            figure, text = self.view()
            self.places = arrange(figure, self.places)
            self.picture.value, self.text.value = png(figure), text

    def _ipython_display_(self) -> None:
        self.redraw()
        beside = ipywidgets.HBox([ipywidgets.VBox(column) for column in self.columns])
        display(ipywidgets.VBox([beside, self.picture, self.text]))


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


def png(figure: Figure) -> bytes:
    """A figure as it stands, drawn once and packed fast."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def slider(kind: type, value: object, description: str, **limits: object) -> ipywidgets.Widget:
    """A slider that reports when it is let go, with room for its name."""
    style = {"description_width": "11em"}
    return kind(
        value=value, description=description, continuous_update=False,
        style=style, layout={"width": "32em"}, **limits,
    )  # fmt: skip
