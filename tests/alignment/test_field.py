"""A shift that varies over the scene: tie points, the field through them, what is lost without it.

    STSF_SEEDS=8 pytest -q -s tests/alignment/test_field.py -k simulated

prints the table; without STSF_SEEDS it has two scenes. The truth is a polynomial of order 2 of up
to 2 pixels; M1 is warped by its inverse with a spline of order 5, not by the code under test, and
has no data where that looks beyond its border.
"""

import json
import os
import warnings
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import stsf
from stsf import metrics
from stsf.alignment.align import align
from stsf.alignment.displacement import Displacement
from stsf.alignment.field import Field, Points, ce90, survey
from stsf.alignment.tie_points import NO_TIES, ties_of
from stsf.cli.page import _ties
from stsf.errors import Doubt
from stsf.files.reading import Reading
from stsf.files.scenes import FILES, read_scene, write_scene
from stsf.scene import Scene
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.tiles import observe
from stsf.tiles.grid import fine, places
from stsf.tiles.whole import _survey
from stsf.world.observation import observe as look
from stsf.world.simulation import simulate

SEEDS = range(int(os.environ.get("STSF_SEEDS", 2)))
SIZE = 480  # pixels
MOST = 2.0  # pixels: the longest shift of the true field


@cache
def straight(seed: int) -> Scene:
    """A simulated scene in the VNIR with nothing wrong."""
    hs = ahsi()
    hs = hs.select(np.flatnonzero(band_quality(hs.centre) == "clean")[:60])
    return look(simulate(seed, size=SIZE, split="test"), hs, sentinel2("A"), seed=seed)


def true_field(seed: int, size: int = SIZE, most: float = MOST) -> np.ndarray:
    """(2, H, W) linear and quadratic, of mean 0."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size),) * 2, indexing="ij")
    terms = np.stack([y, x, y * y, y * x, x * x])
    field = np.tensordot(np.random.default_rng(seed).uniform(-1, 1, (2, 5)), terms, axes=1)
    field -= field.mean(axis=(1, 2), keepdims=True)
    return most * field / np.hypot(*field).max()


def bent(cube: np.ndarray, field: np.ndarray) -> np.ndarray:
    """The image that shows at y + field(y) what `cube` shows at y; no data beyond its border."""
    here = np.indices(cube.shape[1:]).astype(float)
    there = here.copy()
    for _ in range(20):  # y with y + field(y) = here
        there = here - [ndimage.map_coordinates(f, there, order=1, mode="nearest") for f in field]
    bands = [
        ndimage.map_coordinates(band.astype(float), there, order=5, mode="reflect") for band in cube
    ]
    inside = ((there >= 0) & (there <= np.reshape(cube.shape[1:], (2, 1, 1)) - 1.0)).all(axis=0)
    return np.where(inside, np.stack(bands), np.nan).astype(np.float32)


@dataclass(frozen=True)
class Found:
    """One scene: pixels and decibels."""

    rmse: float  # of the field found
    one_shift: float  # of one shift in its place
    points: float
    known: float  # X2 in a corner, global PSNR, nothing bent
    mended: float  # the same with the field
    left: float  # the same with one shift

    def row(self, name: str) -> str:
        lost = self.known - self.mended, self.known - self.left
        return (
            f"| {name} | {self.points:.0f} | {self.rmse:.3f} | {self.one_shift:.2f} | "
            f"{self.known:.2f} | {lost[0]:+.2f} | {lost[1]:+.2f} |"
        )


def find(seed: int) -> Found:
    scene, truth = straight(seed), true_field(seed)
    off = replace(scene, hrms_t1=bent(scene.hrms_t1, truth))
    # 120 x 120 pixels in the corner where the field is longest
    ends = {20: slice(0, 40), SIZE - 20: slice(SIZE // 3 - 40, SIZE // 3)}
    y, x = max(product(ends, repeat=2), key=lambda at: np.hypot(*truth[:, *at]))
    corner = ends[y], ends[x]
    runs = {
        "known": align(scene)[0],
        "mended": align(off)[0],
        "left": align(off, survey=lambda _: NO_TIES)[0],
    }
    parts = {name: run.crop(*corner) for name, run in runs.items()}
    fused = {n: stsf.fuse(p, "projection", calibrate="none") for n, p in parts.items()}
    both = np.logical_and.reduce([run.valid for run in fused.values()])
    score = {
        name: metrics.psnr(run.hrhs_t2, parts["known"].truth(2), valid=both)
        for name, run in fused.items()
    }
    ms = ties_of(off).ms
    assert ms is not None and ms.field.order == 2
    miss = ms.field.over(np.arange(SIZE), np.arange(SIZE)) - truth
    return Found(rms(miss), rms(truth), len(ms.points), **score)


def rms(field: np.ndarray) -> float:
    return float(np.sqrt(np.square(field).sum(axis=0).mean()))


@pytest.mark.slow
def test_simulated_scenes(capsys: pytest.CaptureFixture[str]) -> None:
    found = {str(seed): find(seed) for seed in SEEDS}
    mean = Found(*np.mean([list(vars(f).values()) for f in found.values()], axis=0).tolist())
    with capsys.disabled():
        print(
            "\n| seed | tie points | field off, px | one shift off, px | X2 known, dB | lost with "
            "the field | lost with one shift |\n|---|---|---|---|---|---|---|"
        )
        print(*(f.row(name) for name, f in (found | {"mean": mean}).items()), sep="\n")
    for one in found.values():
        assert one.rmse < 0.1 and one.one_shift > 0.5
        assert one.known - one.mended < min(1.0, 0.5 * (one.known - one.left))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("order", [0, 1, 2])
def test_left_out_points_choose_the_order(order: int, seed: int) -> None:
    """Of points with an error of 0.04 pixels, a tenth of them wrong."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(0, 3000, (40, 2))
    y, x = (at / 1500 - 1).T
    weights = rng.choice([-1, 1], (5, 2)) * rng.uniform(0.3, 1, (5, 2))
    weights[(0, 2, 5)[order] :] = 0
    shift = np.array([3.0, -1.0]) + np.stack([y, x, y * y, y * x, x * x], axis=1) @ weights
    noisy = shift + rng.normal(0, 0.04, shift.shape)
    noisy[:4] += rng.uniform(2, 8, (4, 2))
    found = survey(Points(at, noisy))
    assert found is not None and found.field.order == order and found.outliers >= 4
    assert found.matters == (order > 0)
    assert np.sqrt(np.square(found.field.at(at) - shift).mean()) < 0.04
    assert ce90(found.after) < 0.13 and (order == 0 or ce90(found.before) > 0.3)


def test_too_few_points_say_nothing() -> None:
    at = np.random.default_rng(0).uniform(0, 900, (11, 2))
    assert survey(Points(at, at / 100)) is None


def test_resampling_by_a_field_looks_where_it_says() -> None:
    """A plane tells where each pixel came from; a mask knows nothing of what lies outside."""
    rows, columns = np.arange(100, 140), np.arange(30, 80)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    field = Field(np.array([[0.4, -1.0], [2.0, 0.0], [0.0, 1.0]]), np.array([120.0, 50.0]), 40.0)
    dy, dx = 0.4 + 2.0 * (y - 120) / 40, -1.0 + (x - 50) / 40
    out = field.resample(np.stack([y, x]).astype(np.float32), rows, columns)
    inside = np.s_[:, 8:-8, 8:-8]
    np.testing.assert_allclose(out[inside], np.stack([y + dy, x + dx])[inside], atol=1e-3)
    known = field.resample(np.ones((1, 40, 50), bool), rows, columns)[0]
    low, high = (y + dy >= 100) & (y + dy <= 139), (x + dx >= 30) & (x + dx <= 79)
    np.testing.assert_array_equal(known, low & high)


@pytest.fixture(scope="module")
def off() -> Scene:
    scene = straight(0)
    return replace(scene, hrms_t1=bent(scene.hrms_t1, true_field(0)))


def test_a_scene_of_one_shift_is_left_to_one_shift() -> None:
    ties = ties_of(straight(0))
    assert ties.ms is not None and ties.hs is not None and len(ties.ms.points) > 15
    assert ties.field is None and not ties.doubt()
    assert "one shift serves the whole scene" in ties.summary()[0]
    with_ties, one = align(straight(0))
    without, other = align(straight(0), survey=lambda _: NO_TIES)
    np.testing.assert_array_equal(with_ties.hrms_t1, without.hrms_t1)
    assert with_ties.psf == without.psf and one.registration.applied == other.registration.applied


def test_the_report_has_the_residual_vectors(off: Scene) -> None:
    _, found = align(off)
    ties = json.loads(json.dumps(found.as_dict(), allow_nan=False))["registration"]["tie_points"]
    ms = ties["ms"]
    assert ms["order"] == 2 and len(ms["vectors"]) == ms["points"] >= 12
    before, after = (np.array(ms["vectors"])[:, k : k + 2] for k in (2, 4))
    assert ms["ce90"] == pytest.approx(np.quantile(np.hypot(*after.T), 0.9), abs=2e-3)
    assert ms["ce90"] < 0.1 < 0.5 < ms["ce90_one_shift"]
    assert ms["departure"] == pytest.approx(np.hypot(*(before - after).T).max(), abs=2e-3)
    words = " ".join(found.summary())
    assert "M1 was resampled by a field." in words and "departs from one shift by up to" in words
    assert "Residual vectors of the tie points" in _ties(ties)
    assert _ties(NO_TIES.as_dict()) == ""
    assert ties["hs"]["order"] == 0  # Y1 lies on the grid of M2 all the while


def test_tiles_survey_the_files_and_meet(off: Scene, tmp_path: Path) -> None:
    """The same tie points as in memory; a part resampled by itself is that part of the whole."""
    folder = write_scene(off, tmp_path / "scene")
    paths = [folder / FILES[key] for key in ("lrhs_t1", "hrms_t1", "hrms_t2")]
    scene = read_scene(*paths)
    seen, whole = _survey(observe(paths, Reading()), Displacement()), ties_of(scene)
    assert seen.as_dict() == whole.as_dict()
    aligned, found = align(scene)
    part, core = (slice(60, 110), slice(45, 100)), (slice(12, 38), slice(12, 43))
    tile = found.apply(scene.crop(*part), places([[part]], 3))
    ours, theirs = tile.crop(*core), aligned.crop(slice(72, 98), slice(57, 88))
    np.testing.assert_allclose(ours.hrms_t1, theirs.hrms_t1, atol=1e-6)
    assert ours.valid_hr.all() and fine(core, 3)[0].start == 36


def test_an_hs_that_one_shift_does_not_place_is_told(off: Scene) -> None:
    scene = straight(0)
    ramp = 0.9 * np.stack(np.meshgrid(*(np.linspace(-1, 1, SIZE // 3),) * 2, indexing="ij"))
    turned = replace(scene, lrhs_t1=bent(scene.lrhs_t1, ramp))
    with pytest.warns(Doubt, match=r"the HS lies up to 1\.\d of its pixels off .* orthorectify"):
        _, found = align(turned)
    assert found.registration.ties.field is None  # M1 is not to blame
    assert "it is not mended" in " ".join(found.summary())
    with warnings.catch_warnings():
        warnings.simplefilter("error", Doubt)
        align(off)
