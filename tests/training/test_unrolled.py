"""The loss of the SSJE, unit by unit."""

import pytest
import torch

import stsf
from stsf.evidence.components import prepare
from stsf.ssje import SSJE, ssje_loss
from stsf.training.unrolled import OWN, ROUND, coarse_part, excess, unrolled_loss


@pytest.fixture(scope="module")
def maps():
    scene = stsf.load_sample().crop(slice(0, 12), slice(0, 12))
    prepared = prepare(scene)
    return prepared, prepared.encode(torch.from_numpy(scene.hrhs_t1))


def steps_of(truth, **errors):
    names = ("start", "back-projection 0", "seu 1", "ecu 1", "consistency")
    return {name: truth + errors.get(name.replace(" ", "_"), torch.zeros(())) for name in names}


def test_what_d_sees_is_all_that_it_sees(maps):
    """D of the part equals D of the whole, up to the damping."""
    prepared, truth = maps
    error = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    part = coarse_part(prepared, error)
    rest = prepared.degrade(error - part)
    assert rest.square().mean() < 0.05 * prepared.degrade(error).square().mean()
    assert part.square().mean() < 0.5 * error.square().mean()  # most of white noise is detail


def test_a_unit_pays_for_its_own_part_only(maps):
    prepared, truth = maps
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))
    coarse = coarse_part(prepared, noise)
    detail = noise - coarse
    start = {"back-projection_0": noise}
    ideal = unrolled_loss(prepared, steps_of(truth, **start), truth)
    assert ideal.item() == pytest.approx(0.0, abs=1e-6)
    # an SEU that leaves the coarse part to the ECU pays nothing, one that leaves the detail pays
    spared = unrolled_loss(prepared, steps_of(truth, **start, seu_1=coarse), truth)
    charged = unrolled_loss(prepared, steps_of(truth, **start, seu_1=detail), truth)
    assert charged > 0.9 * OWN * 0.1 > 3 * spared


def test_every_round_counts(maps):
    prepared, truth = maps
    error = torch.ones_like(truth)
    steps = steps_of(truth, **{"back-projection_0": 3 * error, "seu_1": 2 * error, "ecu_1": error})
    expected = ROUND * ssje_loss(truth + error, truth, prepared.weight)
    assert unrolled_loss(prepared, steps, truth).item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_unit_before_is_not_taught():
    before = torch.ones(2, 4, 4, requires_grad=True)
    after = torch.ones(2, 4, 4, requires_grad=True)
    excess(after, before).backward()
    assert before.grad is None and after.grad is not None and (after.grad > 0).all()


@pytest.mark.parametrize("parts", [{"seu": False}, {"ecu": False}, {"back_projection": False}])
def test_a_network_without_a_part_has_a_loss_too(maps, parts):
    prepared, truth = maps
    net = SSJE(2, **parts)
    _, steps = net(prepared, return_steps=True)
    loss = unrolled_loss(prepared, steps, truth)
    loss.backward()
    assert torch.isfinite(loss) and loss > ssje_loss(net(prepared), truth, prepared.weight)
