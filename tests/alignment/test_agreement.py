"""Do the images show the same ground in the same units: sound scenes pass, others are refused."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

import stsf
from stsf.alignment.agreement import check_agreement, check_units
from stsf.errors import InputError
from stsf.scene import Scene
from stsf.training.curriculum import draw


@pytest.fixture(scope="module")
def small(scene: Scene) -> Scene:
    return scene.crop(slice(0, 30), slice(0, 30))


@pytest.mark.parametrize("seed", range(6))
def test_sound_scenes_pass(seed: int) -> None:
    scene = draw(seed, size=48)
    check_agreement(scene)
    check_units(scene)


def test_the_sample_and_its_parts_pass(scene: Scene) -> None:
    for part in (scene, *(scene.crop(slice(k, k + 12), slice(5, 40)) for k in (0, 10, 20, 30))):
        check_agreement(part)
        check_units(part)


@pytest.mark.parametrize("order", [p for p in permutations(range(4)) if p[3] != 3], ids=str)
def test_bands_in_another_order_are_named(order: tuple[int, ...], small: Scene) -> None:
    """NIR in the place of a visible band; the message says what each band really is."""
    mixed = replace(small, hrms_t1=small.hrms_t1[list(order)], hrms_t2=small.hrms_t2[list(order)])
    names = ", ".join(small.ms.band_names[b] for b in order)
    with pytest.raises(InputError, match=f"the HS says that they are {names}:"):
        check_agreement(mixed)


@pytest.mark.parametrize("factor", [1e-4, 0.01, 0.1, 10.0, 100.0])
def test_other_units_are_told_with_their_factor(factor: float, small: Scene) -> None:
    """Where nobody mends them; the ground is the same all the while."""
    scaled = replace(small)
    for key in ("hrms_t1", "hrms_t2"):  # past the check of a scene, which knows the largest only
        object.__setattr__(scaled, key, factor * getattr(small, key))
    check_agreement(scaled)
    with pytest.raises(InputError, match=r"expected the MS in the units of the HS") as told:
        check_units(scaled)
    found = float(str(told.value).split("it is ")[1].split(" times")[0])
    assert found == pytest.approx(factor, rel=0.1)


@pytest.mark.parametrize("date", ["hrms_t1", "hrms_t2"])
def test_an_offset_of_one_date_is_told(date: str, small: Scene) -> None:
    brighter = replace(small, **{date: getattr(small, date) + 0.1})
    words = rf"all bands of {date[-2:]} are brighter by 0\.(09|10)"
    with pytest.raises(InputError, match=words):
        check_units(brighter)
    with pytest.raises(InputError, match=words):  # the effective response keeps it between dates
        stsf.fuse(brighter, "projection")
    assert stsf.fuse(brighter, "projection", force=True).hrhs_t2.shape == small.truth(2).shape


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (lambda y: y[:, ::-1], "upside down"),
        (lambda y: y[:, :, ::-1], "mirrored"),
        (lambda y: y[:, ::-1, ::-1], "turned by 180 degrees"),
        (lambda y: y.transpose(0, 2, 1), "with rows and columns exchanged"),
    ],
)
def test_a_turned_image_is_told_how(turn, words: str, small: Scene) -> None:
    with pytest.raises(InputError, match=f"it fits when {words}"):
        check_agreement(replace(small, lrhs_t1=turn(small.lrhs_t1)))


def test_another_place_is_refused(small: Scene, scene: Scene) -> None:
    other = np.roll(scene.lrhs_t1, (23, 31), axis=(1, 2))[:, :30, :30]
    with pytest.raises(InputError, match="expected HS and MS of t1 to show the same ground"):
        check_agreement(replace(small, lrhs_t1=other))


@pytest.mark.parametrize("move", [(6, -4), (-3, 9)])
def test_a_shifted_image_is_told_by_how_much(move: tuple[int, int], scene: Scene) -> None:
    """The HS begins elsewhere in the same landscape."""
    here, there = (slice(12, 42), slice(12, 42)), [slice(12 + m, 42 + m) for m in move]
    apart = replace(scene.crop(*here), lrhs_t1=scene.crop(*there).lrhs_t1)
    words = rf"it fits when moved by {move[0]} HS pixels down and {move[1]} right"
    with pytest.raises(InputError, match=words):
        check_agreement(apart)


def test_a_second_date_of_another_place_is_refused(small: Scene, scene: Scene) -> None:
    other = np.roll(scene.hrms_t2, (67, 95), axis=(1, 2))[:, :90, ::-1][:, :, :90]
    with pytest.raises(InputError, match="expected both MS dates to show the same ground"):
        check_agreement(replace(small, hrms_t2=other))


@pytest.mark.parametrize("factor", [1e-4, 0.1])
def test_a_second_date_in_other_units_is_told_with_its_factor(factor: float, small: Scene) -> None:
    with pytest.raises(InputError, match="expected both MS dates in the same units") as told:
        check_agreement(replace(small, hrms_t2=factor * small.hrms_t2))
    scale = float(str(told.value).split("--scale 1,1,")[1].split(" ")[0])
    assert scale == pytest.approx(1 / factor, rel=0.6)  # what changed between the dates is in it


@pytest.mark.parametrize("date", ["hrms_t1", "hrms_t2"])
def test_a_cloud_over_half_of_the_ms_does_not_count(date: str, small: Scene) -> None:
    clear = np.ones(small.size, bool)
    clear[:, : small.size[1] // 2] = False
    seen = getattr(small, date).copy()
    seen[:, ~clear] = 0.9  # whatever stands there
    with pytest.raises(InputError):
        check_agreement(replace(small, **{date: seen}))
    check_agreement(replace(small, **{date: seen}, valid_hr=clear))


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (3, 0, 1, 2)])
def test_a_second_date_in_another_order_is_told(order: tuple[int, ...], scene: Scene) -> None:
    swapped = replace(scene, hrms_t2=scene.hrms_t2[list(order)])
    names = ", ".join(scene.ms.band_names[k] for k in order)
    with pytest.raises(InputError, match=f"those of M2 are {names}"):
        check_agreement(swapped)
