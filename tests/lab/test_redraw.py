"""Slider widgets, drawn once a move: nothing is cut off and nothing jumps."""

import io

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from stsf.evidence import canonical, prepare
from stsf.lab.lessons import sheet
from stsf.lab.lessons.lesson01 import BandPicker, SubspaceExplorer
from stsf.lab.lessons.lesson02 import DegradationExplorer
from stsf.lab.lessons.lesson03 import HiddenExplorer, ProjectionExplorer, ZigzagExplorer
from stsf.lab.lessons.lesson04a import FilterExplorer
from stsf.lab.lessons.lesson04b import UnitExplorer, WindowExplorer, watch
from stsf.lab.lessons.lesson07 import Player, Snapshot
from stsf.lab.lessons.lesson08 import TableExplorer, TrapExplorer
from stsf.lab.lessons.lesson09 import ThresholdExplorer
from stsf.lab.lessons.lesson10 import WitnessExplorer
from stsf.lab.lessons.live import Redrawn, arrange
from stsf.metrics.figures import sam_map
from stsf.network import shipped
from stsf.sensing.subspace import fit_subspace

PIXEL = (30, 30)
IN_SCENE = (90, 60)  # the same pixel, counted from the corner of the whole scene
MOVES = {  # control -> the values that change most of what stands beside the axes
    "DegradationExplorer": {"ratio": [10, 2], "snr": [10], "shift": [-2.0], "mtf": [0.05]},
    "BandPicker": {"preset": ["SWIR", "geology"]},
    "SubspaceExplorer": {"k": [0, 20], "which": ["second"]},
    "ProjectionExplorer": {"step": [6], "snr": ["10 dB"], "shift": [1.5]},
    "ZigzagExplorer": {"angle": [5, 90]},
    "HiddenExplorer": {"t": [-2.0, 2.0]},
    "FilterExplorer": {"strength": [6.0], "choice": ["mean", "step downwards"]},
    "WindowExplorer": {"x": [20, 40], "side": [21]},
    "UnitExplorer": {"map": [2], "unit": ["ECU 1", "SEU 2"]},
    "Player": {"step": [4], "scenes": [8], "pixel": [1]},
    "TrapExplorer": {"amount": [1.0], "fault": ["visible bands flat", "shifted"]},
    "TableExplorer": {"suite": ["real"], "figure": ["sam"], "target": ["x1"]},
    "ThresholdExplorer": {"threshold": [40], "which": ["M1 and M2"]},
    "WitnessExplorer": {"amount": [1.0], "fault": ["SWIR of another place"]},
}


@pytest.fixture(scope="module")
def widgets(view):
    spectra = {"first": view.hrhs_t1[:, 5, 5], "second": view.hrhs_t1[:, 40, 40]}
    x1, x2, ms = view.hrhs_t1, view.hrhs_t2, view.hrms_t1
    blurred = 100 * view.D.upsample(view.lrhs_t1)[80]
    angles = {"X̂1 and X̂2": sam_map(x1, x2), "M1 and M2": sam_map(ms, view.hrms_t2)}
    curve = np.full((2, canonical.fine().weights.shape[0]), 0.3)
    run = [Snapshot(step, 0.2, 0.3, curve * (1 + step / 9)) for step in (0, 1, 4)]
    made = [
        DegradationExplorer(view, {"roof": PIXEL}),
        BandPicker(x1, view.hs, {"pond": (5, 5), "village": PIXEL}),
        SubspaceExplorer(fit_subspace(view.lrhs_t1, 20), view.hs, spectra),
        ProjectionExplorer(view, IN_SCENE),
        ZigzagExplorer(),
        HiddenExplorer(view, 0.1 * x1, IN_SCENE),
        FilterExplorer(np.tile(blurred, (3, 3)), np.tile(100 * x1[80], (3, 3))),
        WindowExplorer(100 * ms[2], blurred, 100 * x1[80], (30, 30)),
        UnitExplorer(watch(shipped().ssje, prepare(view), x1)),
        Player({2: run, 8: run[:1] + run}, curve),
        TrapExplorer(view, 1.05 * x2, PIXEL),
        TableExplorer(),
        ThresholdExplorer(angles, view.true_change()),
        WitnessExplorer(view, x1, x2, x2, PIXEL),
    ]
    return {type(widget).__name__: widget for widget in made}


def whole(figure: Figure) -> np.ndarray:
    """(height, width, 3) the figure, drawn by matplotlib in one go."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def seen(png: bytes) -> np.ndarray:
    """(height, width, 3) what a reader sees."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def beyond(figure: Figure) -> float:
    """By how many inches something is drawn outside the picture."""
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return max(-box.x0, -box.y0, box.x1 - width, box.y1 - height)


def overlapping(figure: Figure) -> list[str]:
    """Pairs of axes whose labels or ticks run into each other."""
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    return [
        f"{i} and {j}"
        for j in range(len(boxes))
        for i in range(j)
        if boxes[i].padded(-1).overlaps(boxes[j].padded(-1))
    ]


@pytest.mark.parametrize("name", MOVES)
def test_no_move_cuts_anything_off(name, widgets):
    widget = widgets[name]
    widget.redraw()
    first = widget.places
    limits = {}
    for control, values in MOVES[name].items():
        for value in values:
            getattr(widget, control).value = value
            assert widget.places is first, "the layout is computed once"
            figure, _ = widget.view()
            arrange(figure, widget.places)
            for ax in figure.axes:
                ax.set_axisbelow(True)
            apart = np.abs(seen(widget.picture.value) - whole(figure)).max(axis=2)
            assert apart.max() == 0, f"{control} = {value}"
            assert beyond(figure) <= 0, f"{control} = {value}"
            assert overlapping(figure) == [], f"{control} = {value}"
            limits[control, value] = figure.axes[
                -1 if name == "DegradationExplorer" else 0
            ].get_ylim()
    if name == "SubspaceExplorer":
        assert limits["k", 0] == limits["k", 20] != limits["which", "second"]


def test_the_laws_above_can_fail():
    figure = plt.figure(figsize=(8, 3))
    left, right = figure.subplots(1, 2)
    assert beyond(figure) <= 0 and overlapping(figure) == []
    right.set_ylabel("a label")
    right.set_yticks([0.5], ["a tick label that is long"])
    assert overlapping(figure) == ["0 and 1"]
    left.set_title("a title that is " + 9 * "much too long ")
    assert beyond(figure) > 0
    plt.close(figure)


def test_a_later_figure_is_what_a_full_layout_would_draw(view):
    """With the same labels, the places of the last figure are those of a layout of its own."""
    widget = ProjectionExplorer(view, IN_SCENE)
    widget.redraw()
    again, alone = widget.view()[0], widget.view()[0]
    arrange(again, widget.places)
    arrange(alone, [])
    assert np.array_equal(whole(again), whole(alone))


def test_a_move_takes_the_axes_of_the_last_one(widgets, monkeypatch):
    widget, made = widgets["UnitExplorer"], []
    monkeypatch.setattr(sheet.Sheet, "__init__", lambda *size: made.append(size))
    for unit, number in (("SEU 1", 3), ("ECU 2", 4), ("SEU 2", 5)):  # other bars of colours
        widget.unit.value, widget.map.value = unit, number
    assert made == []


def test_other_axes_get_a_layout_of_their_own():
    def figure(columns: int) -> Figure:
        made = plt.figure(figsize=(4, 2), layout="constrained")
        plt.close(made)
        made.subplots(1, columns)
        return made

    one = arrange(figure(1), [])
    two = arrange(figure(2), one)
    assert len(two) == 2 and two[0].width < 0.6 * one[0].width


def test_the_picture_holds_the_figure():
    class Dot(Redrawn):
        """A square that turns red."""

        def __init__(self) -> None:
            self.show_with([])
            self.colour = "blue"

        def view(self) -> tuple[Figure, str]:
            figure = plt.figure(figsize=(2, 1), dpi=50)
            plt.close(figure)
            ax = figure.add_axes((0, 0, 1, 1))
            ax.set_axis_off()
            ax.axvspan(0, 1, color=self.colour)
            ax.set(xlim=(0.1, 0.9), ylim=(0.1, 0.9))
            return figure, self.colour

    dot = Dot()
    for colour, channel in (("blue", 2), ("red", 0)):
        dot.colour = colour
        dot.redraw()
        shown = seen(dot.picture.value)
        assert shown.shape == (50, 100, 3) and dot.text.value == colour
        assert shown[25, 50].tolist() == [255 * (k == channel) for k in range(3)]
