"""Self-checks of lesson 07: the right answer is praised, a wrong one told its likely mistake."""

import numpy as np
import pytest
import torch

from stsf.lab.lessons.lesson07 import checks
from stsf.training.loops import loop, some_pixels


def warm(step, steps):
    return min(1.0, 10 * (step + 1) / steps)


def cosine(step, steps):
    return 0.51 + 0.49 * np.cos(np.pi * step / steps)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda s, n, r: r * warm(s, n) * cosine(s, n), "Right"),
        (lambda s, n, r: r * cosine(s, n), "rise"),
        (lambda s, n, r: r * warm(s, n), "rises and stays"),
        (lambda s, n, r: r, "the same rate"),
        (lambda s, n, r: warm(s, n) * cosine(s, n), "multiply by"),
        (lambda s, n, r: r * warm(s, n) * np.cos(np.pi * s / n), "negative"),
        (lambda s, n, r: r * warm(s, n) * cosine(s, 2 * n), "min(1, 10"),
        (lambda s, n, r: None, "one number"),
        (lambda s: s, "one number"),
    ],
)
def test_rate_at(answer, words):
    assert words in checks.rate_at(answer)


def test_the_right_rate_is_that_of_the_loop(monkeypatch):
    """The optimiser's own rates, noted while the real loop runs."""
    found, step = [], torch.optim.Adam.step

    def note(self, *args, **kwargs):
        found.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", note)
    line = torch.nn.Linear(1, 1)
    loop(line, lambda draw: line(torch.ones(1)).square().sum(), checks.STEPS, stage="x", rate=1.0)
    assert "Right" in checks.rate_at(lambda s, n, r: r * found[s])


def test_share_drawn(scene):
    p = (scene.change > 0).mean()
    for answer, words in (
        (2 * p / (1 + p), "Right"),
        (p, "equally likely"),
        (2 * p, "add up to 1"),
        (200 * p / (1 + p), "per cent"),
        (0.9, "weigh 2"),
        ("a half", "one share"),
    ):
        assert words in checks.share_drawn(answer, scene), answer
    drawn = (scene.change.ravel() > 0)[some_pixels(scene, 1000, seed=1).numpy()].mean()
    assert "Right" in checks.share_drawn(2 * p / (1 + p), scene)
    assert drawn == pytest.approx(2 * p / (1 + p), abs=0.05)
