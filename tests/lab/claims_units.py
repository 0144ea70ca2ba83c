"""What lessons 04b and 05 say of the units and of SSJE, held against the network shipped."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from shown import Shown

from stsf.evidence.components import prepare
from stsf.lab.lessons import lesson04b, lesson05


def ecu_doubts_a_ploughed_field(shown: Shown) -> bool:
    """04b: the weight of Y1 is below a half inside the patch, above it outside."""
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


CLAIMS = (
    ecu_doubts_a_ploughed_field,
    each_unit_lowers_its_own_part,
    every_round_hands_on_less,
    rounds_end_better_than_they_began,
    consistency_moves_nothing,
    an_seu_costs_what_its_ecu_brings_back,
    believing_all_explains_y1_better,
    roof_gains_and_field_does_not,
    edges_hold_little_more_than_their_share,
)
