"""The boxes of the diagram: what they show against numbers found in another way."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from test_redraw import beyond, overlapping, seen, whole

from stsf import metrics
from stsf.evidence import CANDIDATES, prepare
from stsf.lab.lessons import boxes, diagram, lesson05, lesson06
from stsf.lab.lessons.diagram_explorer import DiagramExplorer
from stsf.lab.lessons.live import Panels
from stsf.network import shipped

PIXELS = {"a": (7, 50), "b": (40, 12)}


@pytest.fixture(scope="module")
def prepared(view):
    return prepare(view)


@pytest.fixture(scope="module")
def made(view, prepared):
    return lesson05.stages(view, shipped().ssje, prepared)


@pytest.fixture(scope="module")
def found(view, made):
    return shipped().second_date(view, made[-1].x, return_steps=True)


@pytest.fixture
def explorer(view, made, prepared, found):
    where = boxes.pixel_menu(PIXELS)
    stages = lesson05.StagePanels(view, made, prepared, where)
    return DiagramExplorer(shipped(), view, [stages, *lesson06.tve_panels(view, found, where)])


def rms(values) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def test_every_box_of_the_shipped_network_has_its_line_of_code(scene):
    names = diagram.steps_of(shipped(), scene)
    assert len(names) == 15
    for name in names:
        assert diagram.code_of(name) in diagram.about(name).replace("&quot;", '"')


def test_a_move_draws_what_a_whole_figure_would():
    figure = plt.figure(figsize=(3, 2), layout="constrained")
    plt.close(figure)
    panels = Panels(figure)
    ax = figure.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    (line,) = ax.plot([0.2, 0.8], [0.2, 0.8])
    changes = (
        lambda: line.set_data([0.2, 0.8], [0.8, 0.2]),
        lambda: line.set_visible(False),
        lambda: ax.set_xlabel("a word"),
        lambda: ax.set_ylim(0, 2),
        lambda: ax.set_yscale("symlog"),
        lambda: ax.set_xticks([0.1, 0.4], ["a", "b"]),
        lambda: ax.set_xticks([0.1, 0.4], ["a", "c"]),
        lambda: line.set(visible=True, label="some"),
        lambda: ax.legend(loc="upper left"),
        lambda: ax.set_title("above"),
        lambda: ax.set_position((0.3, 0.3, 0.4, 0.4)),
    )
    last = panels.png()
    for number, change in enumerate(changes):
        change()
        panels.places = [ax.get_position() for ax in figure.axes]
        now = panels.png()
        assert now != last, number
        assert np.array_equal(seen(now), whole(figure)), number
        last = now


def test_a_click_shows_the_box_and_its_numbers(explorer, made, view):
    explorer.redraw()
    for k in ("seu 2", "back-projection 2", "ecu 2"):
        explorer.boxes[k].click()
        stage = next(s for s in made if s.name == k)
        assert explorer.about.value == diagram.about(k)
        assert explorer.text.value.startswith(f"{k}: RMS of Y1 − D X = {stage.residual_hs:.4f}")
        off = rms(stage.x[:, 7, 50] - view.hrhs_t1[:, 7, 50])
        assert explorer.text.value.endswith(f"at pixel y = 7, x = 50 = {off:.4f}")
        assert "stsf-now" in explorer.boxes[k]._dom_classes
    assert sum("stsf-now" in box._dom_classes for box in explorer.boxes.values()) == 1


def test_before_is_the_step_it_starts_from_and_blue_is_nearer(explorer, made, view):
    explorer.click("ecu 2")
    panels, by_name = explorer.panels["ecu 2"], {s.name: s for s in made}
    before, after = by_name["seu 2"], by_name["ecu 2"]
    titles = [ax.get_title() for ax in panels.images[:2]]
    assert titles == [f"{w}: error {100 * s.error:.2f} %" for w, s in
                      (("before", before), ("after", after))]  # fmt: skip
    size = [np.sqrt(np.mean((s.x - view.hrhs_t1) ** 2, axis=0)) for s in (before, after)]
    wanted = (size[0] - size[1])[panels.window]
    np.testing.assert_allclose(panels.drawn[2].get_array(), wanted, atol=1e-6)


def test_a_map_is_compared_with_the_true_map(explorer, made, prepared, view):
    explorer.click("seu 1")
    panels = explorer.panels["seu 1"]
    panels.seen.value = "map 2"
    truth = prepared.encode(torch.as_tensor(view.hrhs_t1)).numpy()[1]
    after = next(s for s in made if s.name == "seu 1")
    assert panels.images[1].get_title() == f"after: error {rms(after.z[1] - truth):.3f}"


def test_candidates_and_weights_are_those_of_the_network(explorer, found, view):
    explorer.click("candidates")
    explorer.panels["candidates"].chosen.value = "neighbours"
    i = CANDIDATES.index("neighbours")
    wrong = found.steps["candidates"][i] - view.hrhs_t2
    assert f"neighbours: RMS error {rms(wrong):.4f}, X̂1" in explorer.text.value
    bars = explorer.panels["candidates"].bars
    assert bars[i].get_width() == pytest.approx(
        metrics.rmse(found.steps["candidates"][i], view.hrhs_t2), rel=1e-4
    )
    explorer.click("weights")
    weights = found.steps["weights"][:, 7, 50]
    widths = [bar.get_width() for bar in explorer.panels["weights"].bars]
    np.testing.assert_allclose(widths, weights)
    best = CANDIDATES[int(weights.argmax())]
    assert f"x = 50 {best} weighs most, {weights.max():.2f}" in explorer.text.value
    explorer.panels["weights"].where.value = PIXELS["b"]
    assert "at pixel y = 40, x = 12" in explorer.text.value
    explorer.click("kept")
    assert f"kept of X̂1 {found.steps['kept'][40, 12]:.2f}" in explorer.text.value


def test_nothing_is_cut_off_or_overlaps_and_axes_have_names(explorer):
    for step in ("start", "consistency", "candidates", "weights", "kept"):
        for pixel in PIXELS.values():
            explorer.panels[step].where.value = pixel
            explorer.click(step)
            figure = explorer.panels[step].figure
            assert beyond(figure) <= 0 and overlapping(figure) == [], step
            assert all(ax.get_xlabel() or ax.get_label() == "<colorbar>" for ax in figure.axes)


def test_a_box_without_panels_cannot_be_clicked(view, made, prepared):
    where = boxes.pixel_menu(PIXELS)
    one = DiagramExplorer(shipped(), view, [lesson05.StagePanels(view, made, prepared, where)])
    assert one.boxes["kept"].disabled and one.boxes["kept"].tooltip == "lesson 06"
    assert not one.boxes["ecu 1"].disabled
