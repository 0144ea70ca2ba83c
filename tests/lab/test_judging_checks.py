"""Self-checks of lessons 08 to 10: the right answer is praised, a wrong one told its mistake."""

import numpy as np
import pytest

from stsf.baselines.registry import _METHODS, get_method, register
from stsf.baselines.temporal import change_distance
from stsf.lab.lessons import lesson08, lesson10
from stsf.lab.lessons.lesson09.checks import flooded_material, lowest_threshold
from stsf.sensing.spectra import library


@pytest.fixture(scope="module")
def x1(scene):
    return get_method("projection", "x1")(scene)


@pytest.fixture
def own(scene, x1):
    """`own(function)`: what the self-check says of it as a method."""

    def say(function) -> str:
        register("mine", target="x2")(function)
        try:
            return lesson08.checks.own_method("mine", scene, x1)
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
    assert "Right" in lesson08.checks.fools_the_angle(0.4 * truth, view, honest)
    assert "be bolder" in lesson08.checks.fools_the_angle(0.9 * truth, view, honest)
    assert "what is added" in lesson08.checks.fools_the_angle(truth + 0.4, view, honest)
    assert "no direction" in lesson08.checks.fools_the_angle(0 * truth, view, honest)
    assert "shape" in lesson08.checks.fools_the_angle(truth[0], view, honest)


def test_own_method(own, scene):
    assert "Right" in own(mixture(lambda d: np.exp(-d)))
    assert "right way round" in own(mixture(lambda d: 1 - np.exp(-d)))
    assert "the same everywhere" in own(mixture(lambda d: 0 * d + 0.5))
    assert "hides the truth" in own(lambda seen, x1: 1.0 * seen.hrhs_t2)
    assert "too good" in own(lambda _, x1: scene.hrhs_t2)
    assert "expected 'mine' to return" in own(lambda seen, x1: seen.hrms_t2)


def test_lowest_threshold():
    """Angles 1 to 40°, ten pixels each; the change has the larger ones, from 20° on all of them."""
    angles = np.repeat(np.arange(1.0, 41.0), 10).reshape(20, 20)
    change = (angles >= 20).astype(np.uint8)
    for right in (18, 19, 20):
        precise = 21 / (41 - right)
        assert (precise >= 0.9) == (right >= 18)
    assert "Right: at 18° the precision is 0.913" in lowest_threshold(18, angles, change)
    assert "0.9 is wanted" in lowest_threshold(17, angles, change)
    assert "misses less" in lowest_threshold(25, angles, change)
    assert "by *recall*" in lowest_threshold(22, angles, change)
    assert "whole number" in lowest_threshold(18.5, angles, change)


def test_flooded_material(scene):
    """An estimate that shows straw where there is water, and soil in one place."""
    lib = library()
    straw, soil = (
        lib.select([list(lib.material).index(m)]).at(scene.hs)[0] for m in ("npv", "soil")
    )
    y, x = (164, 157)  # the pond
    places = np.array([[y, x], [y, x + 1], [y + 1, x]])
    x2 = np.broadcast_to(straw[:, None, None], scene.hrhs_t2.shape).copy()
    x2[:, y, x] = soil
    assert "Right: of X̂2 it says npv (67%" in flooded_material("npv", scene, x2, places)
    assert "of the truth water" in flooded_material("npv", scene, x2, places)
    assert "of the *truth*" in flooded_material("water", scene, x2, places)
    assert "more often" in flooded_material("soil", scene, x2, places)
    assert "never named" in flooded_material("canopy", scene, x2, places)
    assert "is wanted" in flooded_material("flood", scene, x2, places)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((11.8, -7.8), "Right: Y1 was made 12 m too far down and 8 m to the left"),
        ((1.18, -0.78), "in MS pixels"),
        ((35.5, -23.4), "those of the HS are larger"),
        ((-7.8, 11.8), "swapped"),
        ((-11.8, 7.8), "other way round"),
        ((6.0, -9.0), "was *told*"),
        (11.8, "a pair"),
        ("far", "a pair"),
    ],
)
def test_displacement(scene, answer, words):
    assert words in lesson10.checks.displacement(answer, scene)


@pytest.mark.parametrize(
    ("worst", "best", "words"),
    [
        ("B8", "B4", "Right: B8"),
        ("B8", "B2", "so is its spread"),
        ("B4", "B8", "the other way round"),
        ("B3", "B4", "larger share than B3"),
        ("B8", "B3", "smaller share than B3"),
        ("B8", 0, "easiest: the name of a band"),
        ({"B8": 0.4}, "B4", "hardest: the name of a band"),
        (None, "B4", "hardest: the name of a band"),
    ],
)
def test_worst_and_best_band(worst, best, words, monkeypatch, view):
    """Errors and spreads by hand: B2 is off by little and varies by less."""
    made = {"B2": (0.01, 0.03), "B3": (0.03, 0.04), "B4": (0.02, 0.1), "B8": (0.09, 0.1)}

    def left_out(scene, band):
        error, spread = made[band]
        seen = np.array([-spread, spread])
        return seen + error, seen

    monkeypatch.setattr(lesson10.checks, "left_out", left_out)
    assert words in lesson10.checks.worst_and_best_band(worst, best, view)


def test_an_unregistered_name_is_told(scene, x1):
    assert "unknown method 'yours'" in lesson08.checks.own_method("yours", scene, x1)
