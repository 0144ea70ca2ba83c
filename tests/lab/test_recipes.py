"""Lesson 07: a recipe of one's own, the blame for X2, the ablation in words, home and abroad."""

import numpy as np
import pandas as pd
import pytest
import torch

from stsf.benchmark import worlds
from stsf.evidence import record
from stsf.evidence.candidates import CANDIDATES
from stsf.lab.lessons import kit, lesson07
from stsf.lab.lessons.lesson07 import ablated, abroad, checks
from stsf.lab.lessons.lesson07.questions import QUESTIONS
from stsf.metrics.figures import psnr
from stsf.network import DCSTSF
from stsf.scene import KINDS
from stsf.world.simulation import simulate

FEW = {"scenes": (0, 0, 0), "steps": (0, 0, 0)}


def spoilt() -> DCSTSF:
    """Untrained, but for units of the SSJE that say anything."""
    torch.manual_seed(0)
    network = DCSTSF()
    with torch.no_grad():
        for parameter in network.ssje.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return network.eval()


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (FEW, "X1 +0.0 dB, X2 +0.0 dB against the untrained network. Give scenes and steps"),
        ({"scenes": (0, 8, 8), "steps": (0, 150, 100)}, "8 scenes are few for the SFTN"),
        ({"scenes": (0, 20, 8), "steps": (0, 250, 40)}, "learns its scenes by heart"),
        ({"scenes": (3, 30, 8), "steps": (0, 0, 0)}, "41 scenes and 0 steps; at most 40 and 300"),
        ({"scenes": (3, 3, 3), "steps": (100, 101, 100)}, "9 scenes and 301 steps"),
        ({"scenes": (1, 2)}, "a dict with 'scenes' and 'steps'"),
        ({"scenes": (1, 2), "steps": (1, 1, 1)}, "three whole numbers"),
        ("tiny", "a dict with 'scenes' and 'steps'"),
        (None, "a dict with 'scenes' and 'steps'"),
    ],
)
def test_a_recipe_that_is_not_right(mine, words, view, monkeypatch):
    """What training would give is taken for given: nothing."""
    monkeypatch.setattr(checks, "train", lambda recipe, **_: DCSTSF(recipe.config).eval())
    said = checks.own_recipe(mine, view)
    assert said.startswith("Not yet") and words in said


def test_a_recipe_that_harms_x1(view, monkeypatch):
    monkeypatch.setattr(checks, "train", lambda recipe, **_: spoilt())
    said = checks.own_recipe({"scenes": (5, 8, 8), "steps": (20, 9, 9)}, view)
    assert "The SSJE learnt from 5 scenes in 20 steps" in said and "X1 -" in said


def test_a_recipe_that_is_right(view, monkeypatch):
    """The second half of the shipped network, the first half untrained."""
    from stsf.network import shipped

    def half(recipe, **_):
        network = DCSTSF(recipe.config)
        network.tve.load_state_dict(shipped().tve.state_dict())
        return network.eval()

    monkeypatch.setattr(checks, "train", half)
    monkeypatch.setattr(checks, "RISES", 0.3)  # the window is small
    said = checks.own_recipe({"scenes": (0, 16, 16), "steps": (0, 150, 100)}, view)
    assert said.startswith("Right: X1 is not harmed") and said.endswith("with 32 scenes.")


def test_who_is_to_blame(view):
    trained, plain = spoilt(), DCSTSF().eval()
    truth, x1 = view.truth(2), plain.first_date(view)
    own = psnr(trained.second_date(view, trained.first_date(view)).x2, truth)
    given = psnr(trained.second_date(view, x1).x2, truth)
    assert given > own + 0.1

    def said(answer):
        return checks.regained(answer, trained=trained, untrained=plain, scene=view)

    assert said(given - own).startswith(f"Right: X2 gains {given - own:.1f} dB")
    assert "other way round" in said(own - given) and "PSNR itself" in said(given)
    assert "less PSNR of X2 from the network's own" in said(7.0)
    assert "one number in dB" in said("far") and "one number in dB" in said((1, 2))


@pytest.fixture(scope="module")
def rows():
    return pd.read_csv(kit.RESULTS / "ablation.csv")


def test_the_parts_in_plain_words(rows):
    assert set(rows.part) - {"nothing"} == set(ablated.PLAIN)
    assert set(ablated.by_place(rows).index) == set(ablated.PLAIN.values())


def test_parts_by_region_are_means_over_seeds_and_scenes(rows):
    table = ablated.by_region(rows)
    chosen = rows[(rows.date == "x2") & (rows.suite == "simulated") & (rows.region == "changed")]
    means = chosen.groupby("part").psnr.mean()
    for part in ("sftn", "difference", "consistency", "context"):
        found = table.loc[(ablated.PLAIN[part], "simulated"), "changed"]
        assert found == pytest.approx(means["nothing"] - means[part], abs=1e-6)
    assert len(table) == 8


def test_where_the_last_correction_matters_and_the_neighbours_do_not(rows):
    """07, section 6: the correction in changed pixels; the neighbours less than two errors."""
    table, places = ablated.by_region(rows), ablated.by_place(rows)
    last = table.loc[ablated.PLAIN["consistency"]]
    assert (last.changed > 0.3).all() and (last.unchanged.abs() < 0.15).all()
    context = places.loc[ablated.PLAIN["context"]]
    assert (context["lost (dB)"].abs() < 2 * context["standard error"]).all()


@pytest.fixture(scope="module")
def visits():
    return lesson07.visit(lesson07.stranger())


def test_the_stranger_has_not_met_the_world_abroad():
    assert "physical" in abroad.JUDGES and lesson07.stranger().config == DCSTSF().config


def test_shares_of_trust_add_up(visits):
    for seen in visits.values():
        assert list(seen.trust(seen.changed)) == list(CANDIDATES)
        assert sum(seen.trust(~seen.changed).values()) == pytest.approx(1.0, abs=1e-3)
        truth, still = seen.scene.truth(2), ~seen.changed
        rivals = [psnr(cube, truth, mask=still) for cube in seen.rivals.values()]
        assert seen.gain(still) == pytest.approx(psnr(seen.x2, truth, mask=still) - max(rivals))


def test_the_fine_tuned_is_trusted_at_home_and_shut_out_abroad(visits):
    """07, section 8: 40 % and 1 %; a gain of decibels and about none; the past kept in both."""
    home, away = visits["at home"], visits["abroad"]
    tuned = [v.trust(v.changed)["fine-tuned"] for v in (home, away)]
    assert tuned[0] > 0.3 and tuned[1] < 0.05
    assert home.gain() > 2 and -1 < away.gain() < 0.5
    for seen in (home, away):
        kept = seen.trust(~seen.changed)
        assert max(kept, key=kept.get) == "injection"


def test_abroad_it_costs_next_to_nothing():
    """07, section 8: decibels in parcels, at most a tenth lost anywhere."""
    told = worlds.summary(pd.read_csv(kit.RESULTS / "worlds.csv"))[["all", "changed", "unchanged"]]
    assert told.loc["parcels", "all"] > 2
    assert told.drop("parcels")["all"].max() < 0.6 and told.min().min() > -0.15


def test_the_claim_falls_where_nothing_was_trained_or_examined(visits, monkeypatch):
    """Untrained and without the veto it trusts the fine-tuned one abroad, too."""
    monkeypatch.setattr(record, "BELIEVED", 1e9)
    away = visits["abroad"].scene
    plain = DCSTSF().eval()
    said = plain.second_date(away, plain.first_date(away), return_steps=True)
    assert said.steps["weights"][abroad.TUNED][away.change > 0].mean() > 0.1


def test_the_view_names_places_and_candidates(visits):
    figure = lesson07.abroad_view(visits)
    assert [ax.get_title() for ax in figure.axes[:2]] == [
        "at home: M2, changes outlined", "at home: who weighs most",
    ]  # fmt: skip
    bars = figure.axes[-1]
    assert [label.get_text() for label in bars.get_yticklabels()] == list(CANDIDATES)
    assert all(ax.get_ylabel() for ax in figure.axes)
    first = next(iter(visits.values())).trust(next(iter(visits.values())).changed)
    widths = [patch.get_width() for patch in bars.patches[: len(CANDIDATES)]]
    assert widths == pytest.approx([100 * share for share in first.values()])


def test_home_is_the_world_of_the_simulator(visits):
    again = simulate(1101, abroad.SIZE, "test")
    assert (visits["at home"].scene.change == again.change).all()
    assert np.unique(visits["abroad"].scene.change).max() < len(KINDS)


def test_questions_have_an_answer_among_their_options():
    for question in QUESTIONS.values():
        assert question.right in question.options and len(set(question.options)) >= 2
