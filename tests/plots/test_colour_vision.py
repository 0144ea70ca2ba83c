"""The palette through the eyes of colour-blind readers (Machado, Oliveira & Fernandes 2009)."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from stsf.lab.lessons.lesson06.widgets import CANDIDATE_COLOUR
from stsf.plots import colour

SEES = {  # full deficiency, linear RGB to linear RGB, as published
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
LEAST = 12.0  # CIE 1976 difference; about 2 is just to be seen side by side
WHITE = np.array([0.95047, 1.0, 1.08883])
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(name: str) -> np.ndarray:
    value = np.array(to_rgb(name))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    t = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(colours: dict[str, str], eyes: np.ndarray) -> tuple[float, str]:
    """The two colours that are hardest to tell apart, and how far apart they are."""
    seen = {name: lab(eyes @ linear(value)) for name, value in colours.items()}
    return min(
        (float(np.linalg.norm(seen[a] - seen[b])), f"{a}, {b}") for a, b in combinations(seen, 2)
    )


def together() -> dict[str, dict[str, str]]:
    """Colours that stand in one figure and are told apart by nothing else."""
    kinds = {k: v for k, v in colour.CHANGE_COLOUR.items() if k != "changed"}
    bands = dict(zip(("first", "second", "third", "fourth"), colour.MS_COLOUR, strict=False))
    return {
        "kinds of change": kinds,
        "candidates beside kinds of change": {**CANDIDATE_COLOUR, **kinds},
        "groups of bands": dict(colour.GROUP_COLOUR),
        "four MS bands": bands,
        "changed or not": {k: colour.CHANGE_COLOUR[k] for k in ("unchanged", "changed")},
    }


@pytest.mark.parametrize("eyes", SEES)
@pytest.mark.parametrize("figure", together())
def test_colours_of_one_figure_stay_apart(figure, eyes):
    apart, pair = nearest(together()[figure], np.array(SEES[eyes]))
    assert apart >= LEAST, f"{pair} are {apart:.0f} apart"


@pytest.mark.parametrize("eyes", SEES)
def test_sources_that_share_a_colour_differ_in_line_or_marker(eyes):
    for (a, one), (b, two) in combinations(colour.SOURCE_STYLE.items(), 2):
        apart, _ = nearest({a: one.colour, b: two.colour}, np.array(SEES[eyes]))
        assert apart >= LEAST or (one.line, one.marker) != (two.line, two.marker), f"{a}, {b}"


def test_the_check_finds_red_beside_green():
    apart, _ = nearest({"a": "#8a5a00", "b": "#5a7000"}, np.array(SEES["protan"]))
    assert apart < LEAST
    assert nearest({"a": "#ffffff", "b": "#000000"}, np.eye(3))[0] == pytest.approx(100, abs=0.1)
