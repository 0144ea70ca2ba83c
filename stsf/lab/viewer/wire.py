"""How a page in a notebook asks the kernel that made it: two hidden widgets, one each way.

The page writes its open questions into a text area, which the notebook sends to the kernel; the
answers appear in a second widget beside it, where the page waits for them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import Any
from uuid import uuid4

import ipywidgets


class Wire:
    """Questions of one page and their answers.

    Attributes:
        name: CSS class by which the page finds the widgets.
        widget: to be displayed beside the page.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Answer with a function from a question to its answer, both ready for JSON."""
        self.name = f"stsf-{uuid4().hex}"
        self._answer, self._answers = answer, dict[str, Any]()
        self._questions, self._output = ipywidgets.Textarea(), ipywidgets.HTML()
        self._questions.observe(self._asked, names="value")
        self.widget = ipywidgets.VBox([self._questions, self._output], layout={"display": "none"})
        self.widget.add_class(self.name)

    def _asked(self, change: dict[str, Any]) -> None:
        """Answer what is new; keep an answer until its question is no longer open."""
        asked: dict[str, Any] = json.loads(change["new"])
        self._answers = {n: self._answers.get(n) or self._answer(q) for n, q in asked.items()}
        self._output.value = escape(json.dumps(self._answers))
