"""The two units: what they do before training, and that they treat all maps alike."""

import pytest
import torch

from stsf.units import CHUNK, CONTEXT, ErrorCorrectionUnit, Refine, SpatialEnhancementUnit


def filled(unit, seed=0):
    """Weights as if trained on something, none of them zero."""
    draw = torch.Generator().manual_seed(seed)
    for parameter in unit.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=draw)
    return unit


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def enhancement_inputs(n=5, side=8):
    return {
        "z": random(n, side, side, seed=1),
        "proposals": random(n, 2, side, side, seed=2),
        "texture": random(n, side, side, seed=3),
        "misfit": random(n, side, side, seed=4),
        "memory": random(n, 4, side, side, seed=5),
        "context": random(n, CONTEXT, seed=6),
    }


def correction_inputs(n=5, side=6):
    return {
        "residual": random(n, side, side, seed=1),
        "explained": random(n, side, side, seed=2),
        "trust": torch.sigmoid(random(side, side, seed=3)),
        "context": random(n, CONTEXT, seed=4),
    }


def test_before_training_the_enhancement_is_the_mean_of_the_proposals():
    unit, given = SpatialEnhancementUnit(windows=2, memory=4, width=16), enhancement_inputs()
    z, memory = unit(**given)
    torch.testing.assert_close(z, given["proposals"].mean(1))
    torch.testing.assert_close(memory, given["memory"])


def test_before_training_a_residual_is_believed_as_far_as_its_place_is_trusted():
    unit, given = ErrorCorrectionUnit(width=16), correction_inputs()
    believed, weight = unit(**given)
    torch.testing.assert_close(weight, given["trust"].expand_as(weight), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(believed, given["trust"] * given["residual"], rtol=1e-4, atol=1e-6)


def test_a_place_without_trust_is_not_believed_and_gives_no_infinite_gradient():
    unit = filled(ErrorCorrectionUnit(width=16), seed=3)
    with torch.no_grad():
        unit.net.out.weight.zero_()
        unit.net.out.bias.zero_()
    given = correction_inputs() | {"trust": torch.zeros(6, 6)}
    believed, weight = unit(**given)
    assert weight.max() < 2e-4
    believed.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in unit.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    "unit, inputs",
    [
        (SpatialEnhancementUnit(windows=2, memory=4, width=16), enhancement_inputs),
        (ErrorCorrectionUnit(width=16), correction_inputs),
    ],
    ids=["enhancement", "correction"],
)
def test_every_map_is_treated_alike_and_alone(unit, inputs):
    filled(unit)
    given = inputs()
    order = torch.tensor([3, 0, 4, 1, 2])
    shared = {"trust"}
    moved = {k: v if k in shared else v[order] for k, v in given.items()}
    for whole, turned in zip(unit(**given), unit(**moved), strict=True):
        torch.testing.assert_close(turned, whole[order])
    alone = {k: v if k in shared else v[2:3] for k, v in given.items()}
    torch.testing.assert_close(unit(**alone)[0], unit(**given)[0][2:3])


def test_the_weight_of_a_residual_stays_between_0_and_1():
    _, weight = filled(ErrorCorrectionUnit(width=16))(**correction_inputs())
    assert 0 <= weight.min() and weight.max() <= 1
    assert weight.std() > 0.01  # it does depend on what it sees


def test_maps_in_portions_give_what_all_at_once_give():
    net = filled(Refine(3, 2, width=8, depth=2))
    maps = 2 * (CHUNK // 140**2) + 1  # two portions and one map
    x, context = random(maps, 3, 140, 140), random(maps, CONTEXT)
    with torch.no_grad():
        portions = net(x, context)
    torch.testing.assert_close(portions, net(x, context).detach())


def test_every_weight_of_a_unit_is_used():
    for unit, given in (
        (SpatialEnhancementUnit(windows=2, memory=4, width=16), enhancement_inputs()),
        (ErrorCorrectionUnit(width=16), correction_inputs()),
    ):
        filled(unit)
        sum(out.square().sum() for out in unit(**given)).backward()
        assert all(p.grad.abs().sum() > 0 for p in unit.parameters())
