"""Predictions: choose, lock, run, and only then see the answer and why."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

import ipywidgets


class Question(NamedTuple):
    """One question with its answers to choose from.

    Attributes:
        asks: the question.
        options: two or more answers.
        right: one of them.
        why: what makes it right, in a sentence or two.
    """

    asks: str
    options: tuple[str, ...]
    right: str
    why: str


class Predict:
    """Choose an answer, lock it, run the next cell, then see whether it was right.

    Where no widget can live (a stored notebook, a page of the book) the answer is folded away.

    Args:
        question: what is asked.

    Attributes:
        said: the line below the buttons.

    Example:
        >>> ask = Predict(Question("1 + 1?", ("2", "3"), "2", "Count."))
        >>> ask.choice.value = "3"; ask.lock.click(); ask.choice.disabled
        True
        >>> ask.show.click(); ask.said.value
        '<b>You said: 3. It is: 2.</b> Count.'
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        wide = {"width": "auto", "max_width": "60em"}
        self.choice = ipywidgets.RadioButtons(options=question.options, value=None, layout=wide)
        self.lock = ipywidgets.Button(description="lock", icon="lock", disabled=True)
        self.show = ipywidgets.Button(description="show the answer", disabled=True)
        self.said = ipywidgets.HTML("Choose, then lock your answer.")
        self.choice.observe(self._chosen, names="value")
        self.lock.on_click(self._locked)
        self.show.on_click(self._shown)
        asks = ipywidgets.HTML(f"<b>Predict:</b> {html.escape(question.asks)}")
        buttons = ipywidgets.HBox([self.lock, self.show])
        self.box = ipywidgets.VBox([asks, self.choice, buttons, self.said])

    def _chosen(self, _: object) -> None:
        self.lock.disabled = False

    def _locked(self, _: object) -> None:
        self.choice.disabled, self.lock.disabled, self.show.disabled = True, True, False
        self.said.value = "Locked. Run the next cell, compare, then look at the answer."

    def _shown(self, _: object) -> None:
        right, why = html.escape(self.question.right), html.escape(self.question.why)
        chosen = html.escape(self.choice.value)
        verdict = f"Yes: {right}." if chosen == right else f"You said: {chosen}. It is: {right}."
        self.said.value = f"<b>{verdict}</b> {why}"
        self.show.disabled = True

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget, and for a page without a kernel the question as text that folds out."""
        return {**self.box._repr_mimebundle_(**kwargs), "text/html": folded(self.question)}


def folded(question: Question) -> str:
    """The question as HTML, its answer behind a click."""
    asks, right, why = (html.escape(part) for part in (question.asks, question.right, question.why))
    options = "".join(f"<li>{html.escape(option)}</li>" for option in question.options)
    return (
        f"<p><b>Predict:</b> {asks}</p><ul>{options}</ul>"
        f"<details><summary>Answer</summary><p><b>{right}.</b> {why}</p></details>"
    )


def ask(questions: dict[str, Question], name: str) -> Predict:
    """The question of that name, ready to be answered."""
    return Predict(questions[name])
