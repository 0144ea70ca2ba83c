"""Wrong answers as readers give them, in lessons 00 and 06 to 10: each is told what is wrong."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stsf.baselines.registry import _METHODS, get_method, register
from stsf.lab.lessons import lesson00, lesson06, lesson07, lesson08, lesson09, lesson10
from stsf.tve import Z90


@pytest.fixture(scope="module")
def x1(view):
    return get_method("projection", "x1")(view)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (0.09, "no wavelength"),
        (1.7e-6, "no wavelength"),
        (None, "one wavelength"),
        (True, "one wavelength"),
        (torch.tensor(80), "number of a band"),
        (np.array(1.7), "micrometres"),
        (1700j, "one wavelength"),
    ],
)
def test_a_wavelength(answer, words, scene):
    fused = SimpleNamespace(hrhs_t2=scene.hrhs_t2 + 0.01)
    assert words in lesson00.checks.hardest_wavelength(answer, scene, fused)


@pytest.mark.parametrize(
    ("by_angle", "words"),
    [(["flood"], "angle: the name"), (None, "angle: the name"), ("Flood", "in KINDS"), ("", "in")],
)
def test_a_kind_of_change(by_angle, words, scene):
    fused = SimpleNamespace(hrhs_t2=0.9 * scene.hrhs_t2)
    assert words in lesson00.checks.worst_change(by_angle, "flood", scene, fused)


def test_a_hidden_change(view):
    R = view.R.R
    curve = 0.05 * np.sin(np.arange(len(view.hs)) / 5)
    hidden, check = curve - np.linalg.pinv(R) @ (R @ curve), lesson06.checks.unseen_change
    for answer, words in (
        (hidden, "Right"),
        (torch.as_tensor(hidden), "Right"),
        (list(hidden), "Right"),
        (100 * hidden, "in per cent?"),
        (curve, "pinv(R)"),
        (np.linalg.pinv(R) @ (R @ curve), "pinv(R)"),
        (0 * hidden, "no change at all"),
        (hidden[:, None, None], "one number for each"),
        (R @ curve, "one number for each"),
        (np.nan * hidden, "finite"),
        (None, "one number for each"),
    ):
        assert words in check(answer, view), words


def test_a_band_that_holds(view):
    """An error of 0.02 everywhere; σ follows the band, so that most of the changed are held."""
    changed = view.change > 0
    share = np.linspace(0.2, 2.0, len(view.hs))[:, None, None]
    sigma = share * np.where(changed, 0.02, 0.03) * np.ones_like(view.hrhs_t2)
    found = SimpleNamespace(x2=view.hrhs_t2 + 0.02, sigma=sigma)
    right = np.mean(0.02 <= Z90 * 0.02 * share)
    for answer, words in (
        (right, "Right"),
        (torch.tensor(right), "Right"),
        (100 * right, "per cent"),
        (1 - right, "*outside*"),
        (np.mean(share >= 1), "not ±σ"),
        (np.mean(0.02 <= Z90 * 0.03 * share), "*unchanged*"),
        (0.9, "promises"),
        (np.nan, "count"),
        ("0.6", "one share"),
        (None, "one share"),
    ):
        assert words in lesson06.checks.band_holds(answer, view, found), answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda s, n, r: r * min(1, 10 * (s + 1) / n) * (0.5 + 0.5 * np.cos(np.pi * s / n)),
            "to 0",
        ),
        (lambda s, n, r: r * np.cos(180 * s / n), "cos(π step / steps)"),
        (lambda s, n, r: ..., "Still open"),
        (lambda s, n, r: r / (s - s), "ZeroDivisionError"),
        (lambda s, n, r: [r][s], "IndexError"),
        (lambda s, n, r: torch.tensor(r), "the same rate"),
        (4e-3, "not callable"),
        (None, "not callable"),
    ],
)
def test_a_rate(answer, words):
    assert words in lesson07.checks.rate_at(answer)


def test_a_share_of_a_sample(scene):
    p = float((scene.change > 0).mean())
    for answer, words in (
        (torch.tensor(2 * p / (1 + p)), "Right"),
        (2 * p / (1 - p), "against unchanged"),
        (1 - 2 * p / (1 + p), "weigh 2"),
        (None, "one share"),
        ([p], "one share"),
    ):
        assert words in lesson07.checks.share_drawn(answer, scene), answer


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (None, "a dict"),
        ([16, 16], "a dict"),
        ({"scenes": (8, 8, 8)}, "a dict"),
        ({"scenes": 8, "steps": (9, 9, 9)}, "a dict"),
        ({"scenes": (16, 16, 16), "steps": (100, 100, 100)}, "at most"),
        ({"scenes": (8, 8, 8), "steps": (900, 0, 0)}, "at most"),
        ({"scenes": (-1, 8, 8), "steps": (9, 9, 9)}, "a dict"),
        ({"scenes": ("8", "8", "8"), "steps": (9, 9, 9)}, "a dict"),
    ],
)
def test_a_recipe(mine, words, view):
    assert words in lesson07.checks.own_recipe(mine, scene=view)


def test_a_cube_that_fools(view):
    truth, honest = view.hrhs_t2, view.hrhs_t1
    for answer, words in (
        (torch.as_tensor(0.3 * truth), "Right"),
        (truth, "be bolder"),
        (0.3, "a cube of the shape"),
        (None, "a cube of the shape"),
        (truth.transpose(1, 2, 0), "a cube of the shape"),
        (np.full_like(truth, 0.5), "what is multiplied"),
        (-truth, "what is multiplied"),
    ):
        assert words in lesson08.checks.fools_the_angle(answer, view, honest), words


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (lambda scene, x1: x1 + scene.hrms_t2, "stopped with ValueError"),
        (lambda scene, x1: x1[999], "stopped with IndexError"),
        (lambda scene, x1: None, "Not yet"),
        (lambda scene, x1: x1, "right way round"),
    ],
)
def test_a_method_that_stumbles(method, words, view, x1):
    register("stumbles", target="x2")(method)
    try:
        assert words in lesson08.checks.own_method("stumbles", view, x1)
    finally:
        del _METHODS["x2", "stumbles"]
    assert "registered under" in lesson08.checks.own_method(method, view, x1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [(0.31, "whole number"), ("12", "whole number"), (None, "whole number"), ([12], "type list"),
     (torch.tensor(18), "Right"), (np.int64(18), "Right"), (41, "whole number")],
)  # fmt: skip
def test_a_threshold(answer, words):
    angles = np.repeat(np.arange(1.0, 41.0), 10).reshape(20, 20)
    change = (angles >= 20).astype(np.uint8)
    assert words in lesson09.checks.lowest_threshold(answer, angles, change)


@pytest.mark.parametrize("answer", [("npv", 12), None, 3, "straw", ["npv"]])
def test_a_material(answer, scene):
    said = lesson09.checks.flooded_material(answer, scene, scene.hrhs_t2, np.array([[164, 157]]))
    assert said.startswith("Not yet") and ("is wanted" in said or "type list" in said)


def test_a_corner(scene):
    west, north, check = scene.transform.c, scene.transform.f, lesson10.checks.edge
    half = scene.ms.gsd * scene.ratio / 2
    for answer, words in (
        ((west, north), "Right"),
        ((north, west), "swapped"),
        ((west + half, north - half), "the centre again"),
        ((west + half - 0.5, north - half + 0.5), "half a metre"),
        ((west, north - 2 * half), "grows upward"),
        (west, "a pair"),
        (None, "a pair"),
    ):
        assert words in check(answer, scene), answer
