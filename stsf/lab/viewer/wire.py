"""How a page in a notebook asks the kernel that made it.

The page stands in a frame of its own and posts its questions to the window that holds it; there a
widget passes them on, and posts the answers back. Messages between windows and widgets are the same
in every notebook, so the page need not know in which one it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any
from uuid import uuid4

import anywidget
from traitlets import Unicode


class Wire(anywidget.AnyWidget):
    """Passes on the questions of one page and its answers; nothing to be seen.

    Attributes:
        name: that the page puts on its questions.
    """

    _esm = (resources.files("stsf.lab.viewer") / "web" / "wire.js").read_text("utf-8")
    name = Unicode().tag(sync=True)

    def __init__(self, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Answer with a function from a question to its answer, both ready for JSON."""
        super().__init__(name=f"stsf-{uuid4().hex}")
        self._answer = answer
        self.on_msg(self._asked)

    def _asked(self, _: Any, asked: dict[str, Any], buffers: list[bytes]) -> None:
        self.send({"number": asked["number"], "answer": self._answer(asked["question"])})
