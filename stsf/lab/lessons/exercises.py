"""Exercises: an unsolved one is passed by, and a last cell says which are open."""

from __future__ import annotations

import functools
from collections.abc import Callable
from numbers import Real
from types import ModuleType

import numpy as np
import torch

LONG = 80  # characters of an answer that a sentence repeats
OPEN = "Still open: put your code in place of every `...` in this cell."


class Exercise:
    """The self-check of an exercise; it remembers what it said last.

    Args:
        letter: of the exercise in its lesson.
        check: from the answer (and what it is about) to a sentence that begins with "Right" or
            "Not yet".

    Attributes:
        said: the last sentence.

    Example:
        >>> @exercise("a")
        ... def two(answer: int) -> str:
        ...     return "Right: 1 + 1." if answer == 2 else "Not yet: count again."
        >>> two(...)
        'Still open: put your code in place of every `...` in this cell.'
        >>> two(2), two.said
        ('Right: 1 + 1.', 'Right: 1 + 1.')
        >>> @exercise("b")
        ... def three(answer: list) -> str:
        ...     return "Right." if len(answer) == 3 else "Not yet."
        >>> three(3).partition(" (")[0]
        'Not yet: nothing can be done with an answer of type int'
    """

    def __init__(self, letter: str, check: Callable[..., str]) -> None:
        self.letter, self.check, self.said = letter, check, OPEN
        functools.update_wrapper(self, check)

    def __call__(self, *answer: object, **about: object) -> str:
        """The check's sentence; an answer that is still `...` is no mistake, and none stops it."""
        waiting = any(value is ... for value in (*answer, *about.values()))
        try:
            self.said = OPEN if waiting else self.check(*map(plain, answer), **about)
        except (TypeError, ValueError, AttributeError) as error:
            kind = type(answer[0]).__name__
            self.said = f"Not yet: nothing can be done with an answer of type {kind} ({error})."
        if len(self.said) > LONG and len(words := repr(answer[0])) > LONG:  # an array, say
            self.said = self.said.replace(words, f"a whole {type(answer[0]).__name__}")
        return self.said


def is_number(answer: object) -> bool:
    """Whether an answer is one real number; True and False are none.

    Example:
        >>> [is_number(x) for x in (2, np.float32(2), "2", None, [2], True)]
        [True, True, False, False, False, False]
    """
    return isinstance(answer, Real) and not isinstance(answer, bool)


def plain(value: object) -> object:
    """A tensor as an array, and an array without axes as a number.

    Example:
        >>> plain(torch.tensor(2)), plain(torch.ones(2)), plain("2")
        (2, array([1., 1.], dtype=float32), '2')
    """
    value = value.numpy(force=True) if isinstance(value, torch.Tensor) else value
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def exercise(letter: str) -> Callable[[Callable[..., str]], Exercise]:
    """Mark a function as the self-check of an exercise."""
    return functools.partial(Exercise, letter)


def progress(checks: ModuleType) -> str:
    """One line: which exercises of a lesson are solved, and which are open.

    Args:
        checks: the lesson's module of self-checks.
    """
    marks = {e.letter: e.said for e in vars(checks).values() if isinstance(e, Exercise)}
    solved = [letter for letter, said in sorted(marks.items()) if said.startswith("Right")]
    still = [letter for letter in sorted(marks) if letter not in solved]
    return f"Exercises solved: {', '.join(solved) or 'none'}. Open: {', '.join(still) or 'none'}."
