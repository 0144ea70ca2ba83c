"""The claims of the lessons hold, and each can fail: another network, scene, or a unit off.

    PYTHONPATH=tests/lab python tests/lab/test_claims.py

prints all that fall in each case; the test asks for those that must.
"""

import claims_change as of_change
import claims_start as of_start
import claims_units as of_units
import pytest
import torch
from shown import Shown, broken

import stsf
from stsf.network import DCSTSF, SHIPPED, shipped
from stsf.world import sample

EVERY = (*of_start.CLAIMS, *of_units.CLAIMS, *of_change.CLAIMS)


def another_network(scene) -> Shown:
    """Never trained; its ECU believes everything, whatever it sees."""
    torch.manual_seed(0)
    blind = DCSTSF().eval()
    with torch.no_grad():
        for unit in blind.ssje.ecu:
            unit.net.out.bias.fill_(20.0)
    return Shown(scene, blind)


def another_seed(scene) -> Shown:
    """The sample as its maker would have made it with the next seed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "SEED", sample.SEED + 1)
        return Shown(sample.make_sample(), shipped())


def a_unit_off(scene) -> Shown:
    """The network shipped, but every ECU gives every residual the weight 1."""
    network = DCSTSF.load(SHIPPED)
    for unit in network.ssje.ecu:
        unit.register_forward_hook(lambda _, given, said: (given[0], torch.ones_like(said[1])))
    return Shown(scene, network.eval())


def a_unit_that_says_anything(scene) -> Shown:
    """The first SEU with weights drawn at random."""
    network = DCSTSF.load(SHIPPED)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.ssje.seu[0].parameters():
            parameter.copy_(torch.randn_like(parameter))
    return Shown(scene, network.eval())


def one_that_keeps_everything(scene) -> Shown:
    """The weigher of the second date trusts the injection, always."""
    network = DCSTSF.load(SHIPPED)
    with torch.no_grad():
        network.tve.score.bias[0] = 80.0
    return Shown(scene, network.eval())


FALL = {  # what must fall at least
    another_network: (
        of_units.an_seu_costs_what_its_ecu_brings_back,
        of_units.roof_gains_and_field_does_not,
        of_units.ecu_doubts_a_ploughed_field,
        of_start.changed_is_harder,
    ),
    another_seed: (of_start.crop_needs_more_than_village,),
    a_unit_off: (of_units.ecu_doubts_a_ploughed_field,),
    a_unit_that_says_anything: (of_units.each_unit_lowers_its_own_part,),
    one_that_keeps_everything: (
        of_change.the_weighed_sum_is_little_better,
        of_change.size_of_a_difference_says_little,
        of_change.a_gain_keeps_x1_and_a_colour_does_not,
    ),
}


@pytest.mark.parametrize("claim", EVERY, ids=lambda claim: claim.__name__)
def test_the_claim_holds(claim, scene):
    assert claim(Shown(scene, shipped())), claim.__doc__


@pytest.mark.parametrize("spoil", FALL, ids=lambda spoil: spoil.__name__)
def test_a_deliberate_change_is_noticed(spoil, scene):
    assert broken(FALL[spoil], spoil(scene)) == [claim.__name__ for claim in FALL[spoil]]


if __name__ == "__main__":
    for spoil in FALL:
        fallen = broken(EVERY, spoil(stsf.load_sample()))
        print(f"{spoil.__name__}: {len(fallen)} of {len(EVERY)} fall: {', '.join(fallen)}")
