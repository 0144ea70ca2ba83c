"""What the widgets of lesson 09 say, against numbers found in another way."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from stsf.inspection import materials
from stsf.lab.lessons import lesson09 as lab
from stsf.metrics.evaluation import band_groups


@pytest.fixture(scope="module")
def view(scene):
    """A window with a flood in it."""
    return scene.crop(slice(2, 14), slice(36, 48))


@pytest.fixture(scope="module")
def perfect(view):
    return SimpleNamespace(hrhs_t1=view.hrhs_t1, hrhs_t2=view.hrhs_t2)


def test_the_depth_of_a_dip_made_by_hand(view):
    nm = view.hs.centre
    dip = 1 - 0.3 * np.exp(-(((nm - 2200) / 30) ** 2))
    for brightness in (0.1, 0.5):
        found = lab.depth(view, brightness * dip * (1 + nm / 5000), 2050, 2350)
        assert found == pytest.approx(0.3, abs=0.02)
    assert np.isnan(lab.depth(view, np.zeros(len(nm)), 2050, 2350))


def test_hits_and_false_alarms_by_hand():
    change = np.array([[0, 0, 2, 2]])
    maps = {"A and B": np.array([[1.0, 8.0, 9.0, 3.0]])}
    figure, text = lab.threshold_view(maps, change, "A and B", 5)
    assert text == (
        "A and B, at least 5°: 50.0% of the pixels called changed, precision 0.500, recall 0.500"
    )
    verdicts = figure.axes[0].images[0].get_array().tolist()
    assert [list(lab.VERDICTS)[v] for v in verdicts[0]] == [
        "rightly unchanged", "false alarm", "hit", "missed",
    ]  # fmt: skip


def test_the_slider_says_what_the_figure_says():
    rng = np.random.default_rng(0)
    maps = {name: rng.uniform(0, 40, (9, 9)) for name in ("one", "two")}
    change = rng.integers(0, 2, (9, 9))
    widget = lab.ThresholdExplorer(maps, change)
    widget.which.value, widget.threshold.value = "two", 20
    assert widget.text.value == lab.threshold_view(maps, change, "two", 20)[1]
    share = float(re.search(r"([\d.]+)% of the pixels", widget.text.value)[1])
    assert share == pytest.approx(100 * np.mean(maps["two"] >= 20), abs=0.06)


def test_matched_materials_counts_each_pixel_once(scene):
    among = materials(scene.hs, each=5)
    cube = np.stack([among.spectra[0], among.spectra[-1], among.spectra[-1]], axis=1)[:, None]
    found = lab.matched_materials(cube, [(0, 0), (0, 1), (0, 2)], among)
    assert found == {among.material[0]: 1, among.material[-1]: 2}


def test_explained_is_high_where_the_ms_measures(scene):
    groups, share = band_groups(scene.hs, scene.ms), lab.explained(scene)
    assert share.min() >= 0 and share.max() <= 1
    assert share[groups["MS-covered"]].min() > 0.9 > share[groups["SWIR"]].mean()


def test_achieved_is_one_for_the_truth_and_zero_for_the_mean(view):
    mask = np.ones(view.size, bool)
    truth = view.hrhs_t2
    assert np.allclose(lab.achieved(view, truth, mask), 1)
    flat = np.broadcast_to(truth.mean(axis=(1, 2), keepdims=True), truth.shape)
    assert np.allclose(lab.achieved(view, flat, mask), 0, atol=1e-3)


def test_every_axis_is_labelled(view, perfect):
    pins = {"one": (2, 2), "two": (9, 9)}
    maps = {"A and B": np.ones(view.size)}
    for figure in (
        lab.two_dates_view(view, perfect, pins),
        lab.continuum_view(view, perfect, (2, 2), 2000, 2390),
        lab.threshold_view(maps, view.change, "A and B", 5)[0],
        lab.trust_view(view, perfect.hrhs_t2),
    ):
        drawn = [ax for ax in figure.axes if ax.has_data()]
        assert drawn and all(ax.get_xlabel() and ax.get_ylabel() for ax in drawn)
