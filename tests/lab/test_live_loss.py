"""The live loss plot remembers every step, and says how far a training is."""

import pytest

from stsf.lab.lessons.lesson07.live_loss import LiveLoss, ends, loss_view
from stsf.training.loops import Progress


def test_it_remembers_stages_and_leaves_out_the_scenes():
    with LiveLoss(quiet=True) as live:
        for i in range(3):
            live(Progress("SSJE scenes", i + 1, 3, float("nan")))
        for i in range(20):
            live(Progress("SSJE", i + 1, 20, 2.0 - 0.1 * i))
        live(Progress("TVE", 1, 5, 0.25))
    assert len(live.losses["SSJE"]) == 20 and live.losses["TVE"] == [0.25]
    assert live.text.value == "done: last losses SSJE 0.150, TVE 0.250"
    assert set(live.seconds) == {"SSJE", "TVE"}


def test_it_says_where_it_is_and_draws(monkeypatch):
    monkeypatch.setattr("stsf.lab.lessons.lesson07.live_loss.EVERY", -1.0)
    live = LiveLoss()
    live(Progress("SFTN scenes", 2, 8, float("nan")))
    assert live.text.value == "SFTN: scene 2 of 8" and live.bar.value == 2
    live(Progress("SFTN", 7, 20, 0.5))
    assert live.text.value == "SFTN: step 7 of 20" and live.bar.max == 20
    assert bytes(live.picture.value).startswith(b"\x89PNG")


def test_an_interrupted_training_says_so():
    live = LiveLoss(quiet=True)
    with pytest.raises(KeyboardInterrupt), live:
        live(Progress("SSJE", 1, 9, 0.5))
        raise KeyboardInterrupt
    assert live.text.value == "interrupted: last losses SSJE 0.500"


def test_ends_are_means_over_a_tenth():
    assert ends([1.0] * 10 + [5.0] * 80 + [3.0] * 10) == (1.0, 3.0)


def test_the_figure_has_a_pane_for_every_stage_and_room_to_come():
    figure = loss_view({"SSJE": [3.0, 2.0, 1.0]}, {"SSJE": 30})
    assert [ax.get_title() for ax in figure.axes] == ["SSJE", "SFTN", "TVE"]
    assert figure.axes[0].get_xlim()[1] > 29
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in figure.axes)


@pytest.mark.filterwarnings("error")
def test_a_loss_below_zero_is_seen():
    values = [9.0, 3.0, 0.5, -0.5, -1.2]
    ax = loss_view({"TVE": values}).axes[2]
    low, high = ax.get_ylim()
    assert low < min(values) and high > max(values)
    assert list(ax.lines[0].get_ydata()) == values
