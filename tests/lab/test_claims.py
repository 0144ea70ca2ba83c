"""What the lessons say of their output: each claim is held against the data and network shipped.

A claim that a reader meets in a lesson stands here as a test of its own, and each is shown to fail
when that which it speaks of is changed: another network, another seed of the scene, a unit off.
"""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
import torch

import stsf
from stsf.evidence.components import prepare
from stsf.lab.lessons import lesson02, lesson04b, lesson05, lesson06
from stsf.lab.lessons.lesson00.checks import two_yardsticks
from stsf.lab.lessons.lesson01 import rebuild
from stsf.metrics.evaluation import band_groups
from stsf.metrics.figures import psnr, sam_map
from stsf.network import DCSTSF, explained_share, shipped
from stsf.scene import Scene
from stsf.sensing.spectra import MATERIALS
from stsf.sensing.subspace import fit_subspace
from stsf.world import sample


class Shown(NamedTuple):
    """What a lesson runs on."""

    scene: Scene
    network: DCSTSF


@cache
def fused(shown: Shown):
    return shown.network(shown.scene)


def errs_in_the_dark_by_angle(shown: Shown) -> bool:
    """00: unchanged water has a larger angle than other unchanged ground, and no larger error."""
    x2, truth = fused(shown).x2, shown.scene.truth(2)
    still = shown.scene.true_change() == 0
    dark = still & (truth.mean(axis=0) < 0.03)
    angle, error = sam_map(x2, truth), np.sqrt(np.mean((x2 - truth) ** 2, axis=0))
    return bool(
        np.nanmean(angle[dark]) > 3 * np.nanmean(angle[still & ~dark])
        and error[dark].mean() < 2 * error[still & ~dark].mean()
    )


def yardsticks_disagree(shown: Shown) -> bool:
    """00: the worst kind by the angle is not the worst by the RMS error."""
    found = two_yardsticks(shown.scene, _Fused(fused(shown)))
    return len({max(values, key=values.get) for values in found.values()}) == 2


class _Fused:
    def __init__(self, estimate) -> None:
        self.hrhs_t1, self.hrhs_t2 = estimate.x1, estimate.x2


def changed_is_harder(shown: Shown) -> bool:
    """00: PSNR of changed pixels is at least 6 dB below that of unchanged ones."""
    x2, truth, kinds = fused(shown).x2, shown.scene.truth(2), shown.scene.true_change()
    return psnr(x2, truth, mask=kinds == 0) - psnr(x2, truth, mask=kinds > 0) > 6


def crop_needs_more_than_village(shown: Shown) -> bool:
    """01: with 3 numbers the village errs by less than 0.01, the crop by more."""
    plane = fit_subspace(shown.scene.lrhs_t1, k=20)
    village, crop = (
        np.sqrt(np.mean((rebuild(plane, s[:, None, None], 3)[:, 0, 0] - s) ** 2))
        for s in (shown.scene.truth(1)[:, y, x] for y, x in ((128, 96), (100, 170)))
    )
    return village < 0.01 < crop


def half_a_pixel_shows(shown: Shown) -> bool:
    """02: half a pixel multiplies R Y1 - D M1; the MTF does not; 25 dB harms it less."""
    usual, shifted = lesson02.harm(shown.scene), lesson02.harm(shown.scene, shift=0.5)
    blurred = lesson02.harm(shown.scene, mtf=0.1)
    noisy = lesson02.harm(shown.scene, snr=25.0)
    return (
        shifted.seen_by_ms > 3 * usual.seen_by_ms
        and blurred.seen_by_ms < 1.3 * usual.seen_by_ms
        and noisy.seen_by_ms < shifted.seen_by_ms
        and noisy.all_bands > shifted.all_bands
    )


def ecu_doubts_a_ploughed_field(shown: Shown) -> bool:
    """04b: the weight of Y1 is below a half inside the patch, above it outside."""
    from dataclasses import replace

    y1 = shown.scene.lrhs_t1.copy()
    y1[:, 26:34, 24:32] = shown.scene.lrhs_t1[:, 10:18, 50:58]
    spoilt = replace(shown.scene, lrhs_t1=y1)
    works = lesson04b.watch(shown.network.ssje, prepare(spoilt), shown.scene.truth(1))
    if "ECU 1" not in works:
        return False
    weight = works["ECU 1"].weight.numpy()
    return weight[:, 27:33, 25:31].mean() < 0.5 < np.delete(weight, np.s_[24:36], axis=1).mean()


def each_unit_lowers_its_own_part(shown: Shown) -> bool:
    """04b: the SEU the detail that D does not see, the ECU the part that it sees."""
    errors = lesson04b.own_parts(shown.network.ssje, prepare(shown.scene), shown.scene.truth(1))
    return len(errors) == 6 and all(after < before for before, after in errors.values())


def every_round_hands_on_less(shown: Shown) -> bool:
    """05: the error after each round is below that after the round before."""
    made = lesson05.stages(shown.scene, shown.network.ssje, prepare(shown.scene))
    errors = [stage.error for stage in lesson05.rounds(made).values()]
    return len(errors) == 4 and all(b < a for a, b in pairwise(errors))


def rounds_end_better_than_they_began(shown: Shown) -> bool:
    """05: the last round hands on less error than the start had, and less than the round before."""
    made = lesson05.stages(shown.scene, shown.network.ssje, prepare(shown.scene))
    last = [stage.error for stage in lesson05.rounds(made).values()]
    return last[-1] < last[-2] and last[-1] < 0.9 * last[0]


def consistency_moves_nothing(shown: Shown) -> bool:
    """05: M1 - R X is the same after the start and at the end, to a tenth."""
    made = lesson05.stages(shown.scene, shown.network.ssje, prepare(shown.scene))
    return abs(made[-1].residual_ms - made[0].residual_ms) < 0.1 * made[0].residual_ms


def an_seu_costs_what_its_ecu_brings_back(shown: Shown) -> bool:
    """05: in every round the SEU raises error and residual of Y1, the ECU takes both down again."""
    made = lesson05.stages(shown.scene, shown.network.ssje, prepare(shown.scene))
    by_name = {stage.name: stage for stage in made}
    triples = [
        (made[by_name[f"seu {k}"].before], by_name[f"seu {k}"], by_name[f"ecu {k}"])
        for k in (1, 2, 3)
    ]
    return all(
        seu.error > max(start.error, ecu.error)
        and seu.residual_hs > max(start.residual_hs, ecu.residual_hs)
        for start, seu, ecu in triples
    )


def believing_all_explains_y1_better(shown: Shown) -> bool:
    """05: back-projection k leaves no more of Y1 than ecu k, and errs no more, by little."""
    made = lesson05.stages(shown.scene, shown.network.ssje, prepare(shown.scene))
    found = {stage.name: stage for stage in made}
    pairs = [(found[f"back-projection {k}"], found[f"ecu {k}"]) for k in (1, 2, 3)]
    return all(
        whole.residual_hs <= some.residual_hs and whole.error <= some.error < 1.1 * whole.error
        for whole, some in pairs
    )


def roof_gains_and_field_does_not(shown: Shown) -> bool:
    """05: the roof ends nearer than it started; an edge and the middle of a field do not."""
    made = lesson05.stages(shown.scene, shown.network.ssje, prepare(shown.scene))
    truth = shown.scene.truth(1)

    def errors(y: int, x: int) -> list[float]:
        return [float(np.sqrt(np.mean((made[i].x - truth)[:, y, x] ** 2))) for i in (0, -1)]

    roof, edge, field = errors(140, 100), errors(120, 60), errors(92, 61)
    return roof[1] < 0.8 * roof[0] and all(b > a and a < 0.0025 for a, b in (edge, field))


def edges_hold_little_more_than_their_share(shown: Shown) -> bool:
    """05: the steepest tenth of M1 holds 10 to 20 % of the squared error."""
    made = lesson05.stages(shown.scene, shown.network.ssje, prepare(shown.scene))
    steep = np.hypot(*np.gradient(shown.scene.hrms_t1.mean(axis=0)))
    wrong = np.square(made[-1].x - shown.scene.truth(1)).mean(axis=0)
    share = wrong[steep >= np.quantile(steep, 0.9)].sum() / wrong.sum()
    return bool(0.1 < share < 0.2)


@cache
def found(shown: Shown):
    return shown.network.second_date(shown.scene, fused(shown).x1, return_steps=True)


@cache
def canvas(shown: Shown) -> lesson06.Canvas:
    return lesson06.Canvas(
        shown.scene, shown.network, fused(shown).x1, (slice(36, 96), slice(24, 84))
    )


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def an_oracle_saves_some_forty_per_cent(shown: Shown) -> bool:
    """06: the best choice in each pixel errs by 30 to 50 % less than the best candidate."""
    truth, candidates = shown.scene.truth(2), found(shown).steps["candidates"]
    single = min(rms(cube - truth) for cube in candidates)
    return 0.5 < rms(lesson06.best_choice(candidates, shown.scene) - truth) / single < 0.7


def injection_fails_the_exam(shown: Shown) -> bool:
    """06: on pseudo-changes the two that keep X1 whole err most, the neighbours least."""
    errors = lesson06.pseudo_errors(canvas(shown).evidence)
    order = sorted(errors, key=errors.__getitem__)
    return order[0] == "neighbours" and set(order[-2:]) == {"injection", "rescaled"}


def the_weighed_sum_is_little_better(shown: Shown) -> bool:
    """06: fine-tuned errs by half of most others; the sum errs less, by a few per cent at most."""
    truth, steps = shown.scene.truth(2), found(shown).steps
    *others, tuned = (rms(cube - truth) for cube in steps["candidates"])
    weighed = rms(found(shown).x2 - truth)
    return 0.95 * tuned < weighed < tuned < 0.55 * np.median(others)


def size_of_a_difference_says_little(shown: Shown) -> bool:
    """06: of harvest, construction and flood the harvest differs most, and keeps most of X1."""
    change = shown.scene.hrms_t2 - shown.scene.hrms_t1
    places = ((39, 176), (97, 89), (163, 168))
    differs = [rms(change[:, y, x]) for y, x in places]
    kept = [found(shown).steps["kept"][place] for place in places]
    return differs[0] == max(differs) and kept[0] == max(kept) > 2 * kept[1]


def a_gain_keeps_x1_and_a_colour_does_not(shown: Shown) -> bool:
    """06: a quarter brighter keeps most of X1; two bands up and two down, or reversed, a tenth."""
    m1, x1 = shown.scene.hrms_t1[:, 47, 68], fused(shown).x1[:, 47, 68]
    up, kept = np.array([1.25, 1.25, 0.75, 0.75]), []
    for factor in (1.25, up, 2 - up):
        canvas(shown).clear()
        canvas(shown).brush(lesson06.Paint("", x1, factor * m1), [(47, 68)], radius=2)
        kept.append(canvas(shown).answer.kept[canvas(shown).at((47, 68))])
    canvas(shown).clear()
    return kept[0] > 0.6 and max(kept[1:]) < 0.1


def snow_is_doubted_most_and_not_enough(shown: Shown) -> bool:
    """06: of all paints snow has the largest σ, and an error of four σ or more."""
    table = {}
    for name in MATERIALS:
        paint = lesson06.material_paint(name, shown.scene)
        canvas(shown).clear()
        canvas(shown).brush(paint, [(47, 68)], radius=6)
        here = (slice(None), *canvas(shown).at((47, 68)))
        answer = canvas(shown).answer
        table[name] = rms(answer.sigma[here]), rms(answer.x2[here] - paint.hs)
    canvas(shown).clear()
    sigma, error = table["snow"]
    return sigma == max(s for s, _ in table.values()) and error > 4 * sigma


def slow_change_is_followed(shown: Shown) -> bool:
    """06: in unchanged pixels less than half of the change is left as error."""
    still = shown.scene.true_change() == 0
    change = rms((shown.scene.truth(2) - shown.scene.truth(1))[:, still])
    return rms((found(shown).x2 - shown.scene.truth(2))[:, still]) < 0.5 * change


def gaps_go_with_their_neighbours(shown: Shown) -> bool:
    """06: the MS explains nearly all of the VNIR gaps at t1, and about four fifths of the SWIR."""
    share, groups = explained_share(shown.scene), band_groups(shown.scene.hs, shown.scene.ms)
    return bool(
        share[groups["VNIR gaps"]].mean() > 0.97 and 0.7 < share[groups["SWIR"]].mean() < 0.9
    )


OF_THE_SCENE = (
    crop_needs_more_than_village,
    half_a_pixel_shows,
    consistency_moves_nothing,
    injection_fails_the_exam,
    gaps_go_with_their_neighbours,
)
OF_THE_NETWORK = (
    errs_in_the_dark_by_angle,
    yardsticks_disagree,
    changed_is_harder,
    ecu_doubts_a_ploughed_field,
    each_unit_lowers_its_own_part,
    every_round_hands_on_less,
    rounds_end_better_than_they_began,
    an_seu_costs_what_its_ecu_brings_back,
    believing_all_explains_y1_better,
    roof_gains_and_field_does_not,
    edges_hold_little_more_than_their_share,
    an_oracle_saves_some_forty_per_cent,
    the_weighed_sum_is_little_better,
    size_of_a_difference_says_little,
    a_gain_keeps_x1_and_a_colour_does_not,
    snow_is_doubted_most_and_not_enough,
    slow_change_is_followed,
)


@pytest.fixture(scope="module")
def as_shipped(scene) -> Shown:
    return Shown(scene, shipped())


@pytest.mark.parametrize("claim", OF_THE_SCENE + OF_THE_NETWORK, ids=lambda claim: claim.__name__)
def test_the_claim_holds(claim: Callable[[Shown], bool], as_shipped):
    assert claim(as_shipped), claim.__doc__


def broken(claims: tuple[Callable[[Shown], bool], ...], shown: Shown) -> list[str]:
    """Names of the claims that do not hold."""
    return [claim.__name__ for claim in claims if not claim(shown)]


def test_another_network_breaks_a_claim(scene):
    torch.manual_seed(0)
    blind = DCSTSF().eval()
    with torch.no_grad():  # an ECU that believes everything, whatever it sees
        for unit in blind.ssje.ecu:
            unit.net.out.bias.fill_(20.0)
    claims = (
        ecu_doubts_a_ploughed_field,
        rounds_end_better_than_they_began,
        an_seu_costs_what_its_ecu_brings_back,
        roof_gains_and_field_does_not,
    )
    assert set(broken(claims, Shown(scene, blind))) >= {c.__name__ for c in claims[2:]}


def test_a_network_that_keeps_everything_breaks_the_claims_on_the_second_date(scene):
    network = DCSTSF.load(stsf.network.SHIPPED)
    with torch.no_grad():  # injection, always
        network.tve.score.bias[0] = 80.0
    claims = (
        the_weighed_sum_is_little_better,
        size_of_a_difference_says_little,
        a_gain_keeps_x1_and_a_colour_does_not,
        slow_change_is_followed,
    )
    assert len(broken(claims, Shown(scene, network.eval()))) >= 3


def test_another_seed_of_the_sample_breaks_a_claim(monkeypatch):
    monkeypatch.setattr(sample, "SEED", sample.SEED + 1)
    other = Shown(sample.make_sample(), shipped())
    assert broken((crop_needs_more_than_village, yardsticks_disagree), other)


def test_a_unit_switched_off_breaks_a_claim(scene):
    network = DCSTSF.load(stsf.network.SHIPPED)
    for unit in network.ssje.ecu:
        unit.register_forward_hook(lambda _, given, said: (given[0], torch.ones_like(said[1])))
    shown = Shown(scene, network.eval())
    assert "ecu_doubts_a_ploughed_field" in broken((ecu_doubts_a_ploughed_field,), shown)


def test_a_unit_that_says_anything_breaks_the_claim_on_units(scene):
    network = DCSTSF.load(stsf.network.SHIPPED)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.ssje.seu[0].parameters():
            parameter.copy_(torch.randn_like(parameter))
    assert broken((each_unit_lowers_its_own_part,), Shown(scene, network.eval()))
