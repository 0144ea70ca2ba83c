"""What the figures of lesson 06 draw, against numbers found in another way."""

import inspect
import re
from functools import reduce
from pathlib import Path

import nbformat
import numpy as np
import pytest

from stsf.evidence.candidates import CANDIDATES
from stsf.evidence.evidence import Evidence
from stsf.lab.lessons import lesson06 as lab
from stsf.lab.lessons.lesson06 import checks
from stsf.network import Estimate, explained_share

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "06_tve.ipynb"


@pytest.fixture(scope="module")
def evidence(view):
    return Evidence(view, view.hrhs_t1)


def test_error_by_kind_is_the_error_that_was_made(view):
    cube = view.hrhs_t2.copy()
    cube[:, view.change == 1] += 0.03
    found = lab.error_by_kind(cube, view)
    assert found.pop("harvest") == pytest.approx(0.03, rel=1e-4) and not any(found.values())


def test_the_oracle_takes_the_nearest(view):
    near, far = view.hrhs_t2 + 0.01, view.hrhs_t2 + 0.05
    left = np.arange(view.size[1]) < 20
    candidates = np.stack([np.where(left, near, far), np.where(left, far, near)])
    np.testing.assert_allclose(lab.best_choice(candidates, view), near, atol=1e-6)


def test_the_gate_curve_is_the_mean_in_each_bin():
    cover = np.repeat([0.04, 0.4, 4.0], 100).reshape(10, 30)
    middles, means = lab.gate_curve(cover, np.repeat([0.9, 0.5, 0.1], 100).reshape(10, 30))
    assert means.tolist() == pytest.approx([0.9, 0.5, 0.1])
    assert np.all(np.abs(np.log(middles / [0.04, 0.4, 4.0])) < np.log(1.5) / 2 + 1e-6)


def test_pseudo_errors_are_those_of_the_candidates(evidence):
    number = CANDIDATES.index("regression, smooth")
    plane = evidence.coordinates.decode.weights.T.numpy()
    z = (evidence.to_known.pairs.candidates[:, number] - evidence.to_known.answers).numpy()
    found = lab.pseudo_errors(evidence)
    assert list(found) == list(CANDIDATES[:-1])
    assert found["regression, smooth"] == pytest.approx(
        np.sqrt(np.mean((z @ plane) ** 2)), rel=1e-3
    )


def test_every_axis_is_labelled(view, evidence):
    sigma = np.full_like(view.hrhs_t2, 0.01)
    weights = np.eye(9)[view.change].transpose(2, 0, 1)
    figures = [
        lab.pseudo_change_view(evidence, 3),
        lab.trust_view(weights, view),
        lab.gate_view(evidence, np.full(view.size, 0.5)),
        lab.observability_view(view, explained_share(view), sigma, view.hrhs_t1),
    ]
    for figure in figures:
        assert any(ax.get_xlabel() for ax in figure.axes)
        assert all(ax.get_ylabel() or ax.get_xlabel() for ax in figure.axes)


def test_trusted(evidence):
    errors = lab.pseudo_errors(evidence)
    ranked = sorted(errors, key=errors.get)
    assert "Right" in checks.trusted(ranked[0], evidence)
    assert "*most*" in checks.trusted(ranked[-1], evidence)
    between = next(n for n in ranked[1:-1] if n != "injection")
    assert "another errs less" in checks.trusted(between, evidence)
    assert "one of" in checks.trusted(3, evidence)
    assert "one of" in checks.trusted("fine-tuned", evidence)


def test_unseen_change(view):
    curve = 0.05 * np.sin(np.arange(len(view.hs)) / 5)
    R = view.R.R
    hidden = curve - np.linalg.pinv(R) @ (R @ curve)
    assert "Right" in checks.unseen_change(hidden, view)
    assert "of the MS moves" in checks.unseen_change(curve, view)
    assert "of the MS moves" in checks.unseen_change(curve - R.T @ (R @ curve), view)
    assert "make it" in checks.unseen_change(0.1 * hidden, view)
    assert "no change at all" in checks.unseen_change(0 * hidden, view)
    assert "each of the" in checks.unseen_change(hidden[:4], view)


def test_band_holds(view):
    rng = np.random.default_rng(0)
    sigma = np.full(view.hrhs_t2.shape, 0.02, np.float32)
    noise = rng.standard_normal(sigma.shape) * np.where(view.change > 0, 0.03, 0.01)
    found = Estimate(view.hrhs_t1, view.hrhs_t2 + noise, sigma)
    error, changed = found.x2 - view.hrhs_t2, view.change > 0
    off = np.abs(error)[:, changed]
    right = (off <= 1.645 * 0.02).mean()
    for answer, words in (
        (right, "Right"),
        (100 * right, "per cent"),
        ((off <= 0.02).mean(), "not ±σ"),
        (1 - right, "*outside*"),
        ((np.abs(error) <= 1.645 * 0.02).mean(), "all pixels"),
        ((error[:, changed] <= 1.645 * 0.02).mean(), "np.abs"),
        ("90 %", "one share"),
        (0.5, "count"),
    ):
        assert words in checks.band_holds(answer, view, found), answer


def test_what_the_text_calls_by_name_is_there(evidence):
    """Names of the evidence in the prose and hints of lesson 06, looked up one by one."""
    notebook = nbformat.read(LESSON, as_version=4)
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    named = set(re.findall(r"(?<![\w.])evidence((?:\.\w+)+)", prose + inspect.getsource(checks)))
    assert {".coordinates.decode", ".to_known.answers"} <= named
    for name in named:
        reduce(getattr, name[1:].split("."), evidence)
