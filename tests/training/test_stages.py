"""The stages of the network: their parameters and their arithmetic."""

import pytest

import stsf
from stsf.network import DCSTSF, Config
from stsf.training.stages import explain


def test_every_parameter_is_counted_once():
    network = DCSTSF(Config(stages=2))
    assert explain(network).parameters.sum() == sum(p.numel() for p in network.parameters())


def test_operations_are_those_of_the_matrices():
    """Two for each weight that a pixel meets, and for each number of the correction to M2."""
    network = DCSTSF(Config(stages=1, without=("seu",)))
    table = explain(network, stsf.load_sample().crop(slice(0, 12), slice(0, 12)))
    weights = sum(p.numel() for p in network.tve.sftn.parameters() if p.ndim > 1)
    assert table["operations per pixel"]["TVE: SFTN"] == 2 * (weights + 16 * 16)
    # the weighing: once a pixel, then for each of its 16 coordinates
    tve, width = network.tve, network.config.tve_width
    pixel, pair = tve.of_pixel.weight.numel(), tve.of_pair.weight.numel()
    every = pair + width * width + tve.score.weight.numel() + width  # doubt has one output
    counted = table["operations per pixel"]["TVE: weighing"]
    assert counted == pytest.approx(2 * (pixel + 16 * every), rel=0.01)
    assert "SSJE 1: SEU" not in table.index and table["operations per pixel"]["SSJE 1: ECU"] > 0
