"""Self-checks of lessons 08 to 10: the right answer is praised, a wrong one told its mistake."""

import numpy as np
import pytest

from stsf.baselines import get_method, register
from stsf.baselines.registry import _METHODS
from stsf.baselines.temporal import change_distance
from stsf.lab import judging_checks as checks


@pytest.fixture(scope="module")
def view(scene):
    """A window with changed and unchanged ground."""
    return scene.crop(slice(20, 50), slice(10, 40))


@pytest.fixture(scope="module")
def x1(scene):
    return get_method("projection", "x1")(scene)


@pytest.fixture
def own(scene, x1):
    """`own(function)`: what the self-check says of it as a method."""

    def say(function) -> str:
        register("mine", target="x2")(function)
        try:
            return checks.own_method("mine", scene, x1)
        finally:
            del _METHODS["x2", "mine"]

    return say


def mixture(weight_of):
    def method(scene, x1):
        one, other = (get_method(name, "x2")(scene, x1) for name in ("injection", "kernel"))
        w = weight_of(change_distance(scene))
        return w * one + (1 - w) * other

    return method


def test_fools_the_angle(view):
    x1 = get_method("projection", "x1")(view)
    truth, honest = view.hrhs_t2, get_method("injection", "x2")(view, x1)
    assert "Right" in checks.fools_the_angle(0.4 * truth, view, honest)
    assert "be bolder" in checks.fools_the_angle(0.9 * truth, view, honest)
    assert "what is added" in checks.fools_the_angle(truth + 0.4, view, honest)
    assert "no direction" in checks.fools_the_angle(0 * truth, view, honest)
    assert "shape" in checks.fools_the_angle(truth[0], view, honest)


def test_own_method(own, scene):
    assert "Right" in own(mixture(lambda d: np.exp(-d)))
    assert "right way round" in own(mixture(lambda d: 1 - np.exp(-d)))
    assert "the same everywhere" in own(mixture(lambda d: 0 * d + 0.5))
    assert "hides the truth" in own(lambda seen, x1: 1.0 * seen.hrhs_t2)
    assert "too good" in own(lambda _, x1: scene.hrhs_t2)
    assert "expected 'mine' to return" in own(lambda seen, x1: seen.hrms_t2)


def test_an_unregistered_name_is_told(scene, x1):
    assert "unknown method 'yours'" in checks.own_method("yours", scene, x1)
