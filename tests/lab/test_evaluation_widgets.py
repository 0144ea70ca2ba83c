"""What the widgets of lesson 08 say, against numbers found in another way."""

import re

import numpy as np
import pandas as pd
import pytest

from stsf import metrics
from stsf.errors import InputError
from stsf.lab.lessons import kit
from stsf.lab.lessons import lesson08 as lab


@pytest.fixture(scope="module")
def view(scene):
    return scene.crop(slice(22, 34), slice(24, 36))


@pytest.mark.parametrize("fault", list(lab.FAULTS))
def test_a_fault_grows_with_its_amount_and_none_is_none(view, fault):
    truth = view.hrhs_t2
    assert np.allclose(lab.spoil(view, fault, 0.0), truth, atol=1e-6)
    errors = [metrics.rmse(lab.spoil(view, fault, a), truth) for a in (0.25, 0.5, 1.0)]
    assert 0 < errors[0] < errors[1] < errors[2]


def test_what_each_fault_leaves_alone(view):
    truth = view.hrhs_t2
    assert metrics.sam(lab.spoil(view, "darker", 0.5), truth) < 0.01
    flat = lab.spoil(view, "visible bands flat", 1.0)
    visible = view.hs.centre < 700
    assert np.ptp(flat[visible], axis=(1, 2)).max() < 1e-6
    assert np.array_equal(flat[~visible], truth[~visible])
    stale = lab.spoil(view, "change ignored", 1.0)
    changed = view.change > 0
    assert np.allclose(stale[:, changed], view.hrhs_t1[:, changed])
    assert np.array_equal(stale[:, ~changed], truth[:, ~changed])


def test_a_shift_moves_content_to_the_right(view):
    moved = lab.spoil(view, "shifted", 0.5)  # one pixel
    assert np.allclose(moved[:, :, 1:], view.hrhs_t2[:, :, :-1], atol=1e-6)


def test_the_trap_names_the_figures_that_are_fooled(view):
    rival = 0.9 * view.hrhs_t2 + 0.01  # turns the spectra a little
    _, text = lab.trap_view(view, rival, (5, 5), "darker", 0.5)
    assert text.startswith("darker 0.50: PSNR ") and "SAM 0.0°" in text
    fooled = text.split("by: ")[1].split(", ")
    assert "SAM" in fooled and "PSNR" not in fooled and "ERGAS" not in fooled
    shown = float(re.search(r"PSNR ([\d.]+) dB", text)[1])
    truth = view.hrhs_t2
    by_hand = 10 * np.log10(truth.max() ** 2 / np.mean((0.5 * truth) ** 2))
    assert shown == pytest.approx(by_hand, abs=0.06)


def test_the_widget_shows_what_the_static_figure_shows(view):
    rival = 0.9 * view.hrhs_t2
    widget = lab.TrapExplorer(view, rival, (5, 5))
    widget.fault.value, widget.amount.value = "noise", 0.25
    assert widget.text.value == lab.trap_view(view, rival, (5, 5), "noise", 0.25)[1]
    table = lab.TableExplorer()
    table.figure.value, table.region.value = "sam", "changed"
    assert table.text.value == lab.table_view("simulated", "x2", "sam", "changed")[1]


@pytest.mark.parametrize(("figure", "best"), [("psnr", max), ("sam", min)])
def test_the_table_names_the_best(figure, best):
    rows = pd.read_csv(kit.RESULTS / "real.csv")
    rows = rows.query("target == 'x2' and region == 'changed' and bands == 'SWIR'")
    means = {label: group[figure].mean() for label, group in rows.groupby("label")}
    winner = best(means, key=means.get)
    drawn, text = lab.table_view("real", "x2", figure, "changed", "SWIR")
    assert f"is {means[winner]:.2f} by {winner}," in text
    assert drawn.axes[0].get_yticklabels()[0].get_text() == winner
    of_scenes = rows.loc[getattr(rows.groupby("scene")[figure], f"idx{best.__name__}")(), "label"]
    assert f"in {(of_scenes == winner).sum()} of {rows.scene.nunique()} scenes" in text


def test_x1_has_no_changed_pixels():
    assert lab.table_view("simulated", "x1", "psnr", "changed") is not None
    assert "x1, all pixels" in lab.table_view("simulated", "x1", "psnr", "changed")[1]


def test_missing_results_are_one_sentence():
    with pytest.raises(InputError, match="stsf benchmark --suite lunar"):
        kit.results("lunar")


def test_every_axis_is_labelled(view):
    for figure in (
        lab.trap_view(view, 0.9 * view.hrhs_t2, (5, 5), "blur", 0.5)[0],
        lab.table_view("imperfect", "x1")[0],
    ):
        assert all(ax.get_xlabel() or ax.get_label() == "<colorbar>" for ax in figure.axes)
        assert all(ax.get_ylabel() or ax.get_label() == "<colorbar>" for ax in figure.axes)


def test_losses_by_hand():
    def row(method: str, region: str, psnr: float, sam: float) -> dict:
        about = {"scene": "1", "target": "x2", "bands": "all", "label": method.upper()}
        return {**about, "method": method, "region": region, "psnr": psnr, "sam": sam}

    table = pd.DataFrame(
        [
            row("a", "all", 30, 2), row("b", "all", 20, 3), row("c", "all", 40, 1),
            row("a", "flood", 20, 9), row("b", "flood", 25, 8), row("c", "flood", 40, 1),
        ]
    )  # fmt: skip
    assert lab.losses(table, "a", leave_out=("c",)) == [
        "flood, PSNR (dB): 20.0, B 25.0",
        "flood, SAM (°): 9.0, B 8.0",
    ]
    assert lab.losses(table, "c") == []
