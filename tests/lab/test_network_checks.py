"""Self-checks of lessons 04 and 05: the right answer is praised, a wrong one told its mistake."""

import numpy as np
import pytest

from stsf.lab.lessons import lesson04a, lesson04b, lesson05

SLOPE = np.array([[0, 0, 0], [-0.5, 0, 0.5], [0, 0, 0]])
SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (SLOPE, "Right"),
        (SOBEL / 8, "Right"),
        (SLOPE.tolist(), "Right"),
        (-SLOPE, "sign"),
        (SLOPE.T, "downwards"),
        (2 * SLOPE, "it says 2"),
        (SOBEL, "it says 8"),
        (SLOPE + 1 / 9, "sum to 0"),
        (SLOPE + SLOPE.T, "Not yet"),
        (SLOPE.ravel(), "three rows"),
        ([[0, 0, 0], [0, -1, 1], [0, 0, 0]], "one neighbour only"),
        ("[-1, 0, 1]", "an answer of type str"),
    ],
)
def test_slope_filter(weights, words):
    assert words in lesson04a.checks.slope_filter(weights)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (2.0, "Right"),
        (-2.0, "uphill"),
        (1.0, "factor 2"),
        (20 / 3, "its sign turned"),
        (-20 / 3, "slope itself"),
        (6.0, "not a sum"),
        (10 / 6, "bottom"),
        (0.3, "-2 times"),
        ("2", "one number"),
    ],
)
def test_gradient_step(answer, words):
    """mean(detail * wanted) is 10/3, so the slope at 0 is -20/3 and 0.3 times it is -2."""
    wanted, detail = np.array([2.0, 4.0, 0.0]), np.array([1.0, 2.0, 1.0])
    assert words in lesson04a.checks.gradient_step(answer, wanted, detail, rate=0.3)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("a", "Right: a takes 0.5000"),
        ("start", "before the start"),
        ("b", "changes the cube most"),
        ("c", "helps least"),
        ("d", "smallest"),
        ("e", "is wanted"),
    ],
)
def test_hardest_worker(answer, words):
    """Errors 1, 0.5, then beyond the truth: 0.45, 0.6, 0.3."""
    values = {"start": 1.0, "a": 0.5, "b": -0.45, "c": -0.6, "d": -0.3}
    steps = {name: np.full((2, 3, 3), value) for name, value in values.items()}
    assert words in lesson05.checks.hardest_worker(answer, steps, np.zeros((2, 3, 3)))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (np.sqrt(2.5), "Right: what is left of Y1 is 1.6"),
        (np.sqrt(52), "in reflectance"),
        (np.sqrt(52 / 50.5), "noise of its own"),
        (2.5, "take its root"),
        (0.0, "cancel"),
        (5.0, "divide by"),
        (np.ones(3), "one number"),
    ],
)
def test_unexplained(answer, words):
    """Two bands, off by 2 of 1 and by 10 of 10."""
    residual = np.array([[[2.0, 2, 2, -2]], [[10, -10, 10, 10]]])
    assert words in lesson05.checks.unexplained(answer, residual, np.array([1.0, 10.0]))


def test_a_line_through_one_window():
    guide, image = np.array([[0.0, 1.0], [2.0, 5.0]]), np.array([[1.0, 1.0], [2.0, 4.0]])
    right = np.polyfit(guide.ravel(), image.ravel(), 1)[0]
    check = lesson04b.checks.window_line
    assert "Right" in check(right, guide, image)
    assert "forced through 0" in check(15 / 15 * 25 / 30, guide, image)
    assert "turn it round" in check(np.polyfit(image.ravel(), guide.ravel(), 1)[0], guide, image)
    assert "no slope" in check(np.corrcoef(guide.ravel(), image.ravel())[0, 1], guide, image)
    assert "over mean of" in check(9.0, guide, image)
    assert "one number" in check("0.6", guide, image)


def test_what_is_believed_in_a_patch():
    before, place = np.full((4, 4), 2.0), np.s_[:2, :2]
    after = before.copy()
    after[place] = 0.5
    check = lesson04b.checks.believed_share
    assert "Right: 25.0%" in check(0.25, before, after, place)
    assert "take the root" in check(0.0625, before, after, place)
    assert "only the patch" in check(np.sqrt(12.25 / 16), before, after, place)
    assert "turn it round" in check(4.0, before, after, place)
    assert "*not* believed" in check(0.75, before, after, place)
    assert "in the patch" in check(0.3, before, after, place)
