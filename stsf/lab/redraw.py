"""What the slider widgets of the lessons share: redraw at every move, say what is seen."""

from __future__ import annotations

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure


class Redrawn:
    """Controls above, a figure below, and one line of text that a reader can quote.

    A widget derives from this, calls `show_with` once, and says in `view` what its controls mean.

    Attributes:
        text: the line below the figure.
    """

    def show_with(self, *columns: list[ipywidgets.Widget]) -> None:
        """Lay the controls out in columns and redraw whenever one of them moves."""
        self.text, self.canvas = ipywidgets.HTML(), ipywidgets.Output()
        self.columns = columns
        for control in (control for column in columns for control in column):
            control.observe(self.redraw, names="value")

    def view(self) -> tuple[Figure, str]:
        """The figure for the controls as they stand, and what it shows."""
        raise NotImplementedError

    def redraw(self, _: object = None) -> None:
        """Draw the view anew, in the place of the last one."""
        figure, text = self.view()
        with self.canvas:
            self.canvas.clear_output(wait=True)
            display(figure)
        self.text.value = text

    def _ipython_display_(self) -> None:
        self.redraw()
        beside = ipywidgets.HBox([ipywidgets.VBox(column) for column in self.columns])
        display(ipywidgets.VBox([beside, self.canvas, self.text]))


def slider(kind: type, value: object, description: str, **limits: object) -> ipywidgets.Widget:
    """A slider that reports when it is let go, with room for its name."""
    style = {"description_width": "11em"}
    return kind(
        value=value, description=description, continuous_update=False,
        style=style, layout={"width": "32em"}, **limits,
    )  # fmt: skip
