"""A picture to press and drag on: it says where, in pixels of the image in one of its panes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any

import anywidget
from traitlets import Bytes, Int, List, Unicode

Places = list[tuple[int, int]]  # (y, x) in pixels of the scene


class Surface(anywidget.AnyWidget):
    """A picture whose pane can be painted on with the mouse, a finger or the keys.

    What is passed while an answer is on its way comes with the next message, so a drag is followed
    as fast as it can be answered.

    Args:
        window: (x, y, columns, rows) of the scene that the pane shows.
        painted: called with the places, in the order they were passed.

    Attributes:
        png: the picture.
        pane: left, top, width and height of the pane, as shares of the picture.
        radius: of the ring that shows the brush, in pixels of the scene.
        alt: what the picture shows, in words.

    Example:
        >>> heard = []
        >>> surface = Surface((24, 36, 60, 60), heard.extend)
        >>> surface.answer({"places": [[40, 30], [40, 31]]})
        >>> heard
        [(40, 30), (40, 31)]
    """

    _esm = (resources.files("stsf.lab.lessons.lesson06") / "surface.js").read_text("utf-8")
    png, alt = Bytes(b"").tag(sync=True), Unicode("").tag(sync=True)
    pane, window = List([0.0, 0.0, 1.0, 1.0]).tag(sync=True), List([0, 0, 1, 1]).tag(sync=True)
    radius = Int(0).tag(sync=True)

    def __init__(
        self, window: tuple[int, int, int, int], painted: Callable[[Places], None]
    ) -> None:
        super().__init__(window=list(window))
        self._painted = painted
        self.on_msg(lambda _, said, buffers: self.answer(said))

    def answer(self, said: dict[str, Any]) -> None:
        """Pass on a stroke; the page sends no other before it hears that this one is done."""
        try:
            self._painted([(int(y), int(x)) for y, x in said["places"]])
        finally:
            self.send({"done": True})
