"""Few and many scenes: the looks at a training, the player, and the measured table."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from stsf.evidence import canonical
from stsf.lab.lessons.lesson07 import overfitting as lab
from stsf.network import DCSTSF
from stsf.training.loops import Samples, sftn_loss

RESULTS = Path(__file__).resolve().parents[2] / "data" / "results"


@pytest.fixture(scope="module")
def samples():
    torch.manual_seed(0)
    return lab.scene_samples(DCSTSF(), 2)


@pytest.fixture(scope="module")
def run(samples):
    return lab.learn(samples[:1], samples[1:], [0, 3, 12])


def test_it_looks_when_told_and_learns_its_scenes(run):
    assert [snapshot.step for snapshot in run] == [0, 3, 12]
    assert run[-1].seen < 0.9 * run[0].seen


def test_step_zero_is_the_untrained_network(samples, run):
    torch.manual_seed(0)
    sftn = lab.SpectralFineTuningNetwork(lab.WIDTH_OF_NET)
    with torch.no_grad():
        batch = Samples(samples[1:]).all
        assert run[0].unseen == pytest.approx(sftn_loss(sftn, batch).item(), rel=1e-5)


def test_curves_belong_to_their_truth(samples, run):
    truth = lab.true_curves(samples[1:])
    assert truth.shape == run[0].curves.shape and len(truth) <= lab.SHOWN
    wanted = canonical.fine()(samples[1][-1][:1]).numpy()
    np.testing.assert_allclose(truth[:1], wanted, atol=1e-6)
    own = np.sqrt(np.mean((run[0].curves - truth) ** 2, axis=1))
    other = np.sqrt(np.mean((run[0].curves - np.roll(truth, 5, axis=0)) ** 2, axis=1))
    assert np.median(own) < 0.5 * np.median(other)


def test_the_player_says_what_its_sliders_say(samples, run):
    truth = lab.true_curves(samples[1:])
    player = lab.Player({1: run}, truth)
    player.step.value, player.pixel.value = 12, 2
    said = [float(v) for v in re.findall(r"\d\.\d+", player.text.value)]
    error = np.sqrt(np.mean((run[-1].curves[2] - truth[2]) ** 2))
    assert said == pytest.approx([run[-1].seen, run[-1].unseen, error], abs=6e-4)
    assert player.text.value.startswith("1 scenes, step 12:")
    figure, _ = lab.training_view({1: run}, truth, 1, 3)
    assert len(figure.axes[0].lines[0].get_xdata()) == 2  # steps 0 and 3


def test_the_table_that_was_measured_is_whole():
    table = pd.read_csv(RESULTS / "diversity.csv")
    counts = table.groupby(["scenes", "steps"]).draw.nunique()
    assert counts.nunique() == 1 and counts.index.get_level_values(0).nunique() == 3
    figure = lab.diversity_view(table)
    assert figure.axes[0].get_xlabel() == "steps" and figure.axes[0].get_ylabel()
