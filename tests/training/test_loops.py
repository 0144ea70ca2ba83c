"""The loop and the losses."""

import numpy as np
import pytest
import torch
from torch import nn

from stsf.errors import InputError
from stsf.evidence.candidates import CANDIDATES
from stsf.sftn import SHOWN
from stsf.training.loops import (
    Loop,
    Progress,
    Samples,
    SftnSample,
    TveSample,
    loop,
    sftn_loss,
    some_pixels,
    turned,
    tve_loss,
)
from stsf.tve import TemporalVariationEstimator

COUNT = len(CANDIDATES)


def line(steps, state=None, seed=0, stop=None):
    """Fit y = 2 x + 1; returns the weights and the losses."""
    torch.manual_seed(0)
    model, losses = nn.Linear(1, 1), []

    def loss_of(draw):
        x = torch.rand(64, 1, generator=draw)
        return (model(x) - 2 * x - 1).square().mean()

    def after(progress: Progress):
        losses.append(progress.loss)
        if progress.step == stop:
            raise KeyboardInterrupt

    try:
        loop(model, loss_of, steps, stage="line", rate=0.1, seed=seed, callback=after, state=state)
    except KeyboardInterrupt:
        pass
    return model, losses


def test_the_loop_learns_a_line():
    model, losses = line(200)
    assert model.weight.item() == pytest.approx(2, abs=0.05)
    assert len(losses) == 200 and losses[-1] < 1e-2 * losses[0]


def test_the_same_seed_gives_the_same_and_another_does_not():
    a, b, c = (line(30, seed=seed)[0].weight.item() for seed in (1, 1, 2))
    assert a == b != c


def test_an_interrupted_loop_goes_on_as_if_it_had_not_been():
    whole, _ = line(60)
    state = Loop()
    first, _ = line(60, state=state, stop=25)
    assert state.step == 25
    saved = {name: value.clone() for name, value in first.state_dict().items()}
    second = nn.Linear(1, 1)
    second.load_state_dict(saved)

    def loss_of(draw):
        x = torch.rand(64, 1, generator=draw)
        return (second(x) - 2 * x - 1).square().mean()

    loop(second, loss_of, 60, stage="line", rate=0.1, state=state)
    assert torch.allclose(whole.weight, second.weight) and torch.allclose(whole.bias, second.bias)


def test_a_loss_that_is_no_number_stops_with_a_sentence():
    model = nn.Linear(1, 1)
    with pytest.raises(InputError, match="finite loss, got nan at step 0 of SFTN"):
        loop(model, lambda draw: model(torch.full((1, 1), torch.nan)).sum(), 3, stage="SFTN")


def batch(error=0.0, scenes=2, count=30, K=16):
    draw = torch.Generator().manual_seed(0)
    truth = torch.randn(scenes, count, K, generator=draw)
    candidates = truth[:, :, None] + error * torch.randn(scenes, count, COUNT, K, generator=draw)
    return TveSample(
        candidates,
        torch.randn(scenes, count, 3 * COUNT - 1, K, generator=draw),
        torch.randn(scenes, count, 4 * COUNT + 9, generator=draw),
        torch.randn(scenes, K, 2, generator=draw),
        torch.zeros(scenes, count, COUNT),
        truth,
        torch.full((scenes, K), 1e-4),
        0.01 * torch.randn(scenes, K, 32, generator=draw),
        torch.zeros(scenes, 32),
        torch.ones(scenes, K),
    )


def test_the_loss_of_the_estimator_grows_with_the_error():
    tve = TemporalVariationEstimator()
    losses = [tve_loss(tve, batch(error)).item() for error in (0.0, 0.1, 1.0)]
    assert losses[0] + 0.02 < losses[1] < losses[2] - 0.02


def test_the_interval_is_taught_to_hold_nine_in_ten():
    """Minimising the interval score over one common doubt gives coverage near 90 %."""
    tve = TemporalVariationEstimator()
    data = batch(0.5, scenes=4, count=400)
    loop(tve.doubt, lambda draw: tve_loss(tve, data), 150, stage="doubt", rate=0.05)
    weighed = tve.weigh(data.inputs)
    sigma = tve.spread(data.candidates, weighed, data.spread)
    half = 1.645 * (sigma.square() @ data.uncorrected.square()).sqrt()
    inside = (((data.truth - weighed.z) @ data.uncorrected).abs() <= half).float().mean()
    assert 0.86 < inside < 0.94


def test_signs_are_turned_where_they_mean_nothing_and_nowhere_else():
    data = batch()
    new = turned(data, torch.Generator().manual_seed(3))
    assert torch.equal(new[1][:, :, : COUNT - 1].abs(), data[1][:, :, : COUNT - 1].abs())
    assert not torch.equal(new[1][:, :, : COUNT - 1], data[1][:, :, : COUNT - 1])
    assert torch.equal(new[1][:, :, COUNT - 1 :], data[1][:, :, COUNT - 1 :]) and torch.equal(
        new[0], data[0]
    )
    ratio = new[1][:, :, : COUNT - 1] / data[1][:, :, : COUNT - 1]
    assert torch.allclose(ratio, ratio[:, :, :1].expand_as(ratio))  # one sign per coordinate


def test_samples_keep_scene_and_pixel_together():
    def sample(number):
        rows, one = torch.full((10, 1), float(number)), torch.tensor([float(number)])
        return SftnSample(rows, rows, rows, one, rows)

    samples = Samples(sample(s) for s in range(5))
    batch = samples.batch(torch.Generator().manual_seed(0), scenes=3, count=4)
    assert batch.truth.shape == (3, 4, 1) and torch.equal(batch.truth[:, 0], batch.GR)


def test_changed_pixels_are_drawn_twice_as_often():
    from dataclasses import replace

    import stsf

    scene = stsf.load_sample()
    change = np.zeros(scene.size, np.uint8)
    change[:90] = 1
    valid = np.ones(scene.size, bool)
    valid[:, :10] = False
    scene = replace(scene, change=change, valid_hr=valid)
    chosen = some_pixels(scene, 3000, seed=0).numpy()
    assert len(set(chosen)) == 3000 and (chosen % scene.size[1] >= 10).all()
    assert (chosen // scene.size[1] < 90).mean() == pytest.approx(2 / 3, abs=0.04)


def test_the_loss_of_the_sftn_is_smallest_at_the_truth():
    sftn = TemporalVariationEstimator().sftn
    draw = torch.Generator().manual_seed(0)
    truth = torch.randn(2, 20, 16, generator=draw)
    GR = torch.zeros(2, 16, 16)
    features = torch.randn(2, 20, sftn.first.in_features, generator=draw)

    def loss(error):
        z = (truth + error * torch.randn(truth.shape, generator=draw))[:, :, None]
        inputs = (features, z.expand(-1, -1, SHOWN, -1), torch.zeros_like(truth), GR)
        return sftn_loss(sftn, SftnSample(*inputs, truth)).item()

    assert loss(0.0) < loss(0.1) < loss(0.5)
