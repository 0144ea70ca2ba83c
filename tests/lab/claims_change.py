"""What lesson 06 says of the second date, held against the data and network shipped."""

import numpy as np
from shown import Shown, canvas, found, fused, rms

from stsf.lab.lessons import lesson06
from stsf.metrics.evaluation import band_groups
from stsf.network import explained_share
from stsf.sensing.spectra import MATERIALS


def an_oracle_saves_some_forty_per_cent(shown: Shown) -> bool:
    """06: the best choice in each pixel errs by 30 to 50 % less than the best candidate."""
    truth, candidates = shown.scene.truth(2), found(shown).steps["candidates"]
    single = min(rms(cube - truth) for cube in candidates)
    return 0.5 < rms(lesson06.best_choice(candidates, shown.scene) - truth) / single < 0.7


def injection_fails_the_exam(shown: Shown) -> bool:
    """06: on pseudo-changes the two that keep X1 whole err most, the regression here least."""
    errors = lesson06.pseudo_errors(canvas(shown).evidence)
    order = sorted(errors, key=errors.__getitem__)
    return order[0] == "regression, here" and set(order[-2:]) == {"injection", "rescaled"}


def the_weighed_sum_is_little_better(shown: Shown) -> bool:
    """06: fine-tuned errs by half of most others; the sum errs less, by a tenth at most."""
    truth, steps = shown.scene.truth(2), found(shown).steps
    *others, tuned = (rms(cube - truth) for cube in steps["candidates"])
    weighed = rms(found(shown).x2 - truth)
    return 0.9 * tuned < weighed < tuned < 0.55 * np.median(others)


def size_of_a_difference_says_little(shown: Shown) -> bool:
    """06: of harvest, construction and flood the harvest differs most, and keeps most of X1."""
    change = shown.scene.hrms_t2 - shown.scene.hrms_t1
    places = ((39, 176), (97, 89), (163, 168))
    differs = [rms(change[:, y, x]) for y, x in places]
    kept = [found(shown).steps["kept"][place] for place in places]
    return differs[0] == max(differs) and kept[0] == max(kept) > 2 * kept[1]


def a_gain_keeps_x1_and_a_colour_does_not(shown: Shown) -> bool:
    """06: all bands up keep most of X1; two up and two down, or reversed, at most a quarter."""
    m1, x1 = shown.scene.hrms_t1[:, 47, 68], fused(shown).x1[:, 47, 68]
    up, kept = np.array([1.25, 1.25, 0.75, 0.75]), []
    for factor in (1.25, up, 2 - up):
        canvas(shown).clear()
        canvas(shown).brush(lesson06.Paint("", x1, factor * m1), [(47, 68)], radius=2)
        kept.append(canvas(shown).answer.kept[canvas(shown).at((47, 68))])
    canvas(shown).clear()
    return kept[0] > 0.5 and max(kept[1:]) < 0.25


def snow_is_doubted_most_and_not_enough(shown: Shown) -> bool:
    """06: of all paints snow has the largest σ, and an error of three σ or more."""
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
    return sigma == max(s for s, _ in table.values()) and error > 3 * sigma


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


CLAIMS = (
    an_oracle_saves_some_forty_per_cent,
    injection_fails_the_exam,
    the_weighed_sum_is_little_better,
    size_of_a_difference_says_little,
    a_gain_keeps_x1_and_a_colour_does_not,
    snow_is_doubted_most_and_not_enough,
    slow_change_is_followed,
    gaps_go_with_their_neighbours,
)
