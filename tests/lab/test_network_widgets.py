"""What the widgets of lessons 04 and 05 say, against numbers found in another way."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from stsf import metrics
from stsf.evidence.components import prepare
from stsf.lab.lessons import diagram, lesson04a, lesson04b, lesson05
from stsf.ssje import SSJE


@pytest.fixture(scope="module")
def ssje():
    """Not trained, but stirred: nothing in it is zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SSJE()
        for weight in network.parameters():
            weight.data += 0.05 * torch.randn_like(weight)
    return network.eval()


@pytest.fixture(scope="module")
def prepared(view):
    return prepare(view)


@pytest.fixture(scope="module")
def works(ssje, prepared, view):
    return lesson04b.watch(ssje, prepared, view.hrhs_t1)


@pytest.fixture(scope="module")
def made(ssje, prepared, view):
    return lesson05.stages(view, ssje, prepared)


def test_filters_answer_as_their_names_say():
    rows, columns = np.mgrid[0:6.0, 0:6.0]
    for name, on_rows, on_columns in (
        ("step to the right", 0, 1), ("step downwards", 1, 0), ("detail", 0, 0),
    ):  # fmt: skip
        weights = lesson04a.FILTERS[name]
        assert lesson04a.filtered(rows, weights)[3, 3] == pytest.approx(on_rows)
        assert lesson04a.filtered(columns, weights)[3, 3] == pytest.approx(on_columns)
    point = np.zeros((5, 5))
    point[2, 2] = 9.0
    assert lesson04a.filtered(point, lesson04a.FILTERS["mean"])[1:4, 1:4] == (
        pytest.approx(np.ones((3, 3)))
    )
    assert lesson04a.filtered(point, lesson04a.FILTERS["centre"]) == pytest.approx(point)


def test_walking_downhill_ends_at_the_least_squares_strength():
    draw = np.random.default_rng(0)
    answer = draw.normal(size=(8, 8))
    wanted = 3 * answer + draw.normal(size=(8, 8))
    best = np.linalg.lstsq(answer.reshape(-1, 1), wanted.ravel())[0][0]
    curvature = 2 * np.mean(answer**2)
    path = lesson04a.descend(wanted, answer, 0.5 / curvature, 40)
    assert path[-1] == pytest.approx(best) and (np.diff(path) > 0).all()
    wild = lesson04a.descend(wanted, answer, 2.1 / curvature, 40)
    assert abs(wild[-1] - best) > abs(wild[0] - best)


def test_filter_view_says_the_error_by_hand():
    truth = np.zeros((9, 9))
    image = np.full((9, 9), 2.0)
    text = lesson04a.filter_view(image, truth, lesson04a.MEAN, 0.5, "mean")[1]
    assert "weights sum to 1.00" in text and "before 2.00 %, after 3.00 %" in text
    text = lesson04a.filter_view(image, truth, lesson04a.FILTERS["detail"], 5.0, "detail")[1]
    assert "weights sum to 0.00" in text and "after 2.00 %" in text


def test_watch_hears_every_unit_in_turn_and_leaves_no_hook(ssje, works):
    assert list(works)[:3] == ["SEU 1", "ECU 1", "SEU 2"]
    assert len(works) == len(ssje.seu) + len(ssje.ecu)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in ssje.modules())
    for name, work in works.items():
        assert (work.weight is None) == name.startswith("SEU")
        assert work.seen.shape[2:] == work.before.shape[1:]


def test_what_a_unit_should_say_is_the_truth(ssje, prepared, view):
    """From data without noise the residual of Y1 itself is what an ECU should say."""
    x1 = prepared.decode(prepared.start).numpy()
    clean = replace(prepared, y=prepared.degrade(prepared.encode(torch.as_tensor(x1))))
    works = lesson04b.watch(ssje, clean, x1)
    torch.testing.assert_close(works["SEU 1"].wanted, prepared.start, atol=1e-3, rtol=0)
    for name in ("ECU 1", "ECU 2"):
        torch.testing.assert_close(works[name].wanted, works[name].before, atol=1e-3, rtol=0)


def test_unit_view_says_how_far_off_it_is(works):
    for name in ("SEU 1", "ECU 1"):
        text = lesson04b.unit_view(works, name, 2)[1]
        before, after = map(float, re.search(r"before ([\d.]+), after ([\d.]+)", text).groups())
        work = works[name]
        off = (work.before[1] - work.wanted[1], work.after[1] - work.wanted[1])
        assert text.startswith(f"{name}, map 2: ")
        assert before == pytest.approx(off[0].square().mean().sqrt().item(), abs=6e-4)
        assert after == pytest.approx(off[1].square().mean().sqrt().item(), abs=6e-4)


def test_stages_are_the_steps_by_name_and_end_with_the_answer(ssje, prepared, view, made):
    assert made[0].name == "start" and "seu 1" in [stage.name for stage in made]
    with torch.no_grad():
        answer = prepared.decode(ssje(prepared)).numpy()
    np.testing.assert_allclose(made[-1].x, answer, atol=1e-5)
    for stage in (made[0], made[-1]):
        assert stage.error == pytest.approx(metrics.rmse(stage.x, view.hrhs_t1), rel=1e-3)
        assert stage.residual_ms == pytest.approx(
            metrics.rmse(view.R.A(stage.x), view.hrms_t1), rel=1e-3
        )
        assert stage.residual_hs == pytest.approx(
            metrics.rmse(view.D.A(stage.x), view.lrhs_t1), rel=1e-3
        )


def test_a_step_is_compared_with_the_one_it_starts_from(made):
    """*ecu k* starts from *seu k*: *back-projection k* between them is not passed on."""
    names = [stage.name for stage in made]
    for k in (1, 2):
        for branch in (f"back-projection {k}", f"ecu {k}"):
            assert names[made[names.index(branch)].before] == f"seu {k}"
    assert names[made[names.index("seu 2")].before] == "ecu 1"
    assert names[made[names.index("seu 1")].before] == "back-projection 0"
    assert [s.name for s in made if s.aside] == [
        n for n in names if n.startswith("back-projection") and not n.endswith(" 0")
    ]
    assert list(lesson05.rounds(made))[:2] == ["start", "round 1"]


def test_every_axis_is_labelled(view, prepared, works, made):
    image = np.arange(81.0).reshape(9, 9)
    path = lesson04a.descend(image, image / 80, 0.1, 3)
    figures = [
        lesson04a.product_view(image[:3, :3], lesson04a.MEAN),
        lesson04a.filter_view(image, image, lesson04a.MEAN)[0],
        lesson04a.descent_view(image, image / 80, {"a walk": path}),
        lesson04a.kink_view(),
        lesson04b.unit_view(works, "SEU 1")[0],
        lesson04b.unit_view(works, "ECU 1")[0],
        lesson05.maps_view(prepared, view.hs, view.hrhs_t1, made[-1].x, count=2),
        lesson05.gains_view({"one": {"hysure": np.array([0.5, 1.0])}}),
    ]
    for figure in figures:
        assert all(ax.get_xlabel() or ax.get_label() == "<colorbar>" for ax in figure.axes)
    for figure in figures[:3] + figures[4:7]:
        assert all(ax.get_ylabel() or ax.get_label() == "<colorbar>" for ax in figure.axes)


@pytest.mark.parametrize("step", diagram.BOXES)
def test_every_box_shows_its_line_of_code(step):
    assert diagram.code_of(step) in diagram.about(step) or "&" in diagram.about(step)
