"""From nothing to a trained network, stopped and taken up again, and zero-shot."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import stsf
from stsf.errors import InputError
from stsf.files.weights import read_weights, write_weights
from stsf.network import Config
from stsf.training import run as module
from stsf.training import zero_shot
from stsf.training.curriculum import draw
from stsf.training.recipe import Recipe, full, tiny
from stsf.training.run import train
from stsf.training.zero_shot import adapt, one_level_down

MICRO = Recipe("micro", scenes=(1, 1, 1), steps=(2, 3, 3), size=48)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Save after every step; calibrate on nothing."""
    monkeypatch.setattr(module, "SAVE_EVERY", 1)


def run(out=None, callback=lambda progress: None, recipe=MICRO):
    return train(recipe, out=out, callback=callback, validation=())


def weights(network):
    return torch.cat([p.flatten() for p in network.parameters()])


def test_a_training_runs_through_all_stages_and_says_so(tmp_path):
    told = []
    network = run(tmp_path / "a.safetensors", told.append)
    stages = list(dict.fromkeys(p.stage for p in told))
    assert stages == ["SSJE scenes", "SSJE", "SFTN scenes", "SFTN", "TVE scenes", "TVE"]
    assert [p.step for p in told if p.stage == "TVE"] == [1, 2, 3]
    assert [f.name for f in tmp_path.iterdir()] == ["a.safetensors"]
    assert network.provenance["recipe"]["name"] == "micro"


def test_the_same_seed_gives_the_same_network_and_another_does_not():
    a, b = run(), run()
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(run(recipe=replace(MICRO, seed=1))))


@pytest.mark.parametrize("stop", [("SSJE", 1), ("SFTN", 2), ("TVE scenes", 1), ("TVE", 2)])
def test_a_stopped_training_goes_on_as_if_it_had_not_been_stopped(tmp_path, stop):
    def callback(progress):
        if (progress.stage, progress.step) == stop:
            raise KeyboardInterrupt

    out = tmp_path / "a.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(out, callback)
    assert [f.name for f in tmp_path.iterdir()] == ["a.safetensors.part"]
    told = []
    again = run(out, told.append)
    if stop[0] in ("SFTN", "TVE"):
        assert told[0].stage != "SSJE scenes"  # what was finished is not done again
    assert torch.allclose(weights(again), weights(run()), atol=1e-6)


def test_a_part_of_another_recipe_or_a_broken_one_is_refused_and_kept(tmp_path):
    out = tmp_path / "a.safetensors"
    part = tmp_path / "a.safetensors.part"

    def stop(progress):
        if progress.stage == "SFTN":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(out, stop)
    before = part.read_bytes()
    with pytest.raises(InputError, match="got another: go on"):
        run(out, recipe=replace(MICRO, seed=3))
    assert part.read_bytes() == before
    tensors, about = read_weights(part, mend="")
    write_weights(part, tensors, about | {"format": "stsf DC-STSF 1"})
    with pytest.raises(InputError, match=r"this version .*got stsf DC-STSF 1: delete it"):
        run(out)
    part.write_bytes(before[:1000])
    with pytest.raises(InputError, match=r"could not read .*delete it"):
        run(out)


def test_a_training_scene_with_nan_stops_with_a_sentence():
    def broken(seed, size, strange, foreign):
        scene = draw(seed, size, strange, foreign)
        truth = scene.hrhs_t2.copy()
        truth[:] = np.nan
        return replace(scene, hrhs_t2=truth)

    with pytest.raises((InputError, ValueError), match="finite"):
        train(MICRO, scene=broken, validation=())


@pytest.mark.parametrize(
    "wrong", [{"scenes": (1, 2)}, {"steps": (1, 2, -3)}, {"steps": (1, 2, 2.5)}, {"size": 12}]
)
def test_a_wrong_recipe_is_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        replace(MICRO, **wrong)


def test_presets_differ_in_size_and_share_the_network():
    assert sum(tiny().steps) < sum(full().steps) / 3
    assert tiny().config == full().config == Config()


def test_calibration_brings_nine_in_ten_into_the_interval():
    network = train(MICRO, validation=())
    scenes = [draw(seed, 48) for seed in (900, 901)]
    module.calibrate(network, scenes)
    inside = []
    for scene in scenes:
        found = network(scene)
        inside.append((np.abs(found.x2 - scene.hrhs_t2) <= 1.645 * found.sigma).mean())
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_one_level_down_is_made_of_the_observations_alone():
    scene = stsf.load_sample()
    blind = replace(scene, hrhs_t1=None, hrhs_t2=None, change=None)
    below = one_level_down(blind, 3)
    assert below.size == (60, 60) and below.ratio == 2
    np.testing.assert_array_equal(below.hrhs_t1, scene.lrhs_t1[:, :60, :60])
    same = below.change == 0
    ratio = below.hrms_t2[:, same].mean(1) / below.hrms_t1[:, same].mean(1)
    assert 0.85 < ratio.min() <= ratio.max() < 1.15
    assert 0.1 < (~same).mean() < 0.3


def test_zero_shot_needs_no_truth_and_leaves_the_ssje_as_it_was(monkeypatch):
    scene = stsf.load_sample()
    blind = replace(scene, hrhs_t1=None, hrhs_t2=None, change=None)
    monkeypatch.setattr(zero_shot, "ZERO_SHOT", Recipe("zero-shot", (0, 1, 1), (0, 4, 4), 60))
    stages = []
    network = adapt(blind, callback=lambda progress: stages.append(progress.stage))
    assert "SSJE" not in stages and "TVE" in stages
    assert np.isfinite(network(blind).x2).all()


def test_zero_shot_refuses_a_scene_that_is_too_small():
    with pytest.raises(InputError, match="at least 20 HS pixels"):
        adapt(stsf.load_sample().crop(slice(0, 16), slice(0, 40)))
