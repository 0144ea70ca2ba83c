"""An unsolved exercise is passed by and counted; the skeleton of a solution runs as it stands."""

import ast
from types import SimpleNamespace

import pytest

from stsf.lab.lessons.exercises import OPEN, exercise, progress
from stsf.lab.publish.handout import skeleton


def test_what_is_solved_and_what_is_open():
    @exercise("b")
    def second(answer, about):
        return "Right." if answer == about else "Not yet."

    @exercise("a")
    def first(answer):
        return f"Right: {answer}."

    checks = SimpleNamespace(second=second, first=first, helper=len)
    assert progress(checks) == "Exercises solved: none. Open: a, b."
    assert second(..., 3) == OPEN and second(2, 3) == "Not yet." and first(1) == "Right: 1."
    assert progress(checks) == "Exercises solved: a. Open: b."
    assert second(3, about=3) == "Right."
    assert progress(checks) == "Exercises solved: a, b. Open: none."


def test_no_answer_stops_a_check_and_a_sentence_stays_a_sentence():
    @exercise("a")
    def one(answer):
        return f"Not yet: a number, not {answer!r}." if len(answer) else "Right."

    assert one(3).startswith("Not yet: nothing can be done with an answer of type int")
    assert one([1, 2]) == "Not yet: a number, not [1, 2]."
    assert one(list(range(90))) == "Not yet: a number, not a whole list."


@pytest.mark.parametrize(
    ("solution", "names"),
    [
        ("x = 1 + 1", {"x"}),
        ("a, b = f(1)\nprint(a)", {"a", "b"}),
        ("marks = {}\nfor n in marks:\n    marks[n] = g(n)\nbest = min(marks)", {"marks", "best"}),
        ("from math import pi\nhalf = pi / 2", {"pi", "half"}),
    ],
)
def test_a_skeleton_runs_and_defines_the_same_names(solution, names):
    given = {}
    exec(skeleton(solution), given)
    assert names <= given.keys()
    assert all(given[name] in (..., {}) for name in names - {"pi"})


def test_a_function_keeps_its_head():
    given = {}
    exec(skeleton("def rate(step, rate):\n    return rate / step"), given)
    assert given["rate"](1, 2) is ...
    assert ast.parse(skeleton("")).body == []
