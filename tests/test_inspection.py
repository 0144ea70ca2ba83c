"""The viewer's computations, against hand-made numbers and against what must hold."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from stsf import inspection
from stsf.errors import InputError
from stsf.files.datasets import load_sample
from stsf.lab.viewer.coding import EMPTY, code, count
from stsf.lab.viewer.layers import of_scene
from stsf.sensing.bands import from_bands
from stsf.sensing.sensors import enmap


def test_window_is_centred_and_cut_at_the_border() -> None:
    rows, columns = inspection.window_pixels((5, 7), 5, (20, 30))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 7, 5, 9)
    assert len(rows) == 25
    assert len(inspection.window_pixels((19, 29), 3, (20, 30))[0]) == 4


@pytest.mark.parametrize("bad", [((0, 0), 2), ((0, 0), 0), ((20, 0), 1), ((0, -1), 1)])
def test_window_refuses_what_has_no_centre(bad) -> None:
    with pytest.raises(InputError, match="choose"):
        inspection.window_pixels(*bad, (20, 30))


def test_polygon_of_a_rectangle_and_of_a_ring() -> None:
    rows, columns = inspection.polygon_pixels(
        [(1.5, 2.5), (1.5, 6.5), (4.5, 6.5), (4.5, 2.5)], (9, 9)
    )
    assert set(rows) == {2, 3, 4} and set(columns) == {3, 4, 5, 6}
    assert len(rows) == 12
    bowtie = [(-0.4, -0.4), (-0.4, 8.4), (8.4, -0.4), (8.4, 8.4)]  # crosses itself in the middle
    rows, columns = inspection.polygon_pixels(bowtie, (9, 9))
    inside = np.zeros((9, 9), bool)
    inside[rows, columns] = True
    assert inside[0, 4] and inside[8, 4] and not inside[4, 0] and not inside[4, 8]
    with pytest.raises(InputError, match="three"):
        inspection.polygon_pixels([(0, 0), (1, 1)], (9, 9))


def test_mean_and_spread_leave_out_pixels_with_a_gap() -> None:
    spectra = np.array([[0.1, 0.2], [0.3, 0.6], [np.nan, 9.0]])
    mean, spread, count_ = inspection.mean_spread(spectra)
    np.testing.assert_allclose(mean, [0.2, 0.4])
    np.testing.assert_allclose(spread, [0.1, 0.2])
    assert count_ == 2
    mean, spread, count_ = inspection.mean_spread(spectra[2:])
    assert np.isnan(mean).all() and np.isnan(spread).all() and count_ == 0


def test_the_pen_is_lifted_at_gaps_and_bad_bands() -> None:
    sensor = from_bands([500, 510, 520, 600, 610, 1400, 1600, 1610], 10)
    assert inspection.drawing_order(sensor).tolist() == [0, 1, 2, -1, 3, 4, -1, -1, -1, 6, 7]


def test_continuum_removal_keeps_the_shape_and_forgets_the_brightness() -> None:
    nm = np.linspace(400, 2400, 80)
    dip = 1 - 0.3 * np.exp(-(((nm - 1400) / 60) ** 2))
    line = 0.2 + 1e-4 * (nm - 400)
    removed = inspection.continuum_removed(nm, line * dip)
    np.testing.assert_allclose(removed, dip, atol=1e-6)
    np.testing.assert_allclose(inspection.continuum_removed(nm, 3 * line * dip), removed)
    assert removed.max() <= 1 + 1e-12


def test_continuum_removal_with_gaps() -> None:
    nm, values = np.arange(5.0), np.array([0.2, np.nan, 0.1, 0.3, 0.3])
    removed = inspection.continuum_removed(nm, values)
    hull = 0.2 + 0.1 * 2 / 3  # of the line from band 0 to band 3, at band 2
    np.testing.assert_allclose(removed, [1, np.nan, 0.1 / hull, 1, 1])
    assert np.isnan(inspection.continuum_removed(nm, np.full(5, np.nan))).all()


def test_library_finds_its_own_spectra_at_any_brightness() -> None:
    among = inspection.materials(enmap(), each=20)
    assert among.used.sum() == 169 and len(set(among.material)) == 7
    for i in (0, 37, len(among.names) - 1):
        found = inspection.best_matches(0.4 * among.spectra[i], among)
        assert found[0]["name"] == among.names[i] and found[0]["angle"] < 0.1
        assert [m["angle"] for m in found] == sorted(m["angle"] for m in found)
        assert len(found) == 5


def test_matches_without_data_are_none() -> None:
    among = inspection.materials(enmap(), each=2)
    assert inspection.best_matches(np.full(214, np.nan), among) == []
    assert inspection.best_matches(np.zeros(214), among) == []
    some = among.spectra[3].astype(float).copy()
    some[:100] = np.nan
    assert inspection.best_matches(some, among)[0]["name"] == among.names[3]


def test_magnitude_is_that_of_the_bands_that_count() -> None:
    a, b = np.zeros((3, 1, 2)), np.array([[[3.0, 3]], [[4, np.nan]], [[100, 100]]])
    bands = np.array([True, True, False])
    np.testing.assert_allclose(inspection.magnitude(a, b, bands), [[np.sqrt(12.5), np.nan]])


def test_threshold_scores_by_hand() -> None:
    values = np.array([[1.0, 2, 3], [4, 5, np.nan]])
    change = np.array([[0, 1, 0], [2, 3, 4]])
    scores = inspection.threshold_scores(values, 3.0, change)
    assert scores == {"share": 3 / 5, "precision": 2 / 3, "recall": 2 / 3}
    none = inspection.threshold_scores(values, 9.0, change)
    assert none["share"] == 0 and np.isnan(none["precision"]) and none["recall"] == 0


def test_sources_show_gaps_as_gaps() -> None:
    whole = load_sample().crop(slice(0, 4), slice(0, 5))
    hole = np.ones(whole.size, bool)
    hole[2, 3] = False
    scene = replace(whole, valid_hr=hole)
    fused = SimpleNamespace(hrhs_t1=whole.hrhs_t1, hrhs_t2=whole.hrhs_t2)
    layers = of_scene(scene, fused)
    cubes = {key: layers.read(key) for key in layers.cubes}
    for key, cube in cubes.items():
        assert np.isnan(cube).any() == (key != "lrhs_t1")
    found = layers.spectra((np.array([2]), np.array([3])))
    assert found["hrms_t2"][2] == 0 and found["hrhs_t2"][2] == 0 and found["lrhs_t1"][2] == 1
    assert "hrhs_t1" not in of_scene(whole).cubes


def test_coarse_pixels_count_once() -> None:
    scene = load_sample().crop(slice(0, 4), slice(0, 5))
    found = of_scene(scene).spectra(inspection.window_pixels((2, 2), 3, scene.size))
    assert found["lrhs_t1"][2] == 4 and found["truth_t1"][2] == 9
    np.testing.assert_allclose(
        found["lrhs_t1"][0], scene.lrhs_t1[:, :2, :2].mean(axis=(1, 2)), rtol=1e-5
    )


def test_coded_cubes_stay_within_the_stated_error() -> None:
    rng = np.random.default_rng(3)
    mix = rng.random((4, 30)).T @ rng.random((4, 20 * 25))
    cube = mix.reshape(30, 20, 25).astype(np.float32) / 4
    other = cube[:, ::-1].copy()
    other[:, 3, 4] = np.nan
    coded = code({"a": cube, "b": other})
    worst = max(
        np.nanmax(np.abs(coded.decode(name) - x)) for name, x in (("a", cube), ("b", other))
    )
    assert worst == pytest.approx(coded.max_error, abs=1e-6) and worst <= 1e-3
    assert len(coded.step) == 8  # four would do, eight is the smallest size tried
    assert np.isnan(coded.decode("b")[:, 3, 4]).all() and not np.isnan(coded.decode("a")).any()


def test_coding_stops_at_the_budget_and_says_what_it_cost() -> None:
    noise = np.random.default_rng(0).random((40, 12, 12)).astype(np.float32)
    coded = code({"x": noise}, budget=144 * 2 * 12)
    assert len(coded.step) == 12 and coded.max_error > 0.1
    with pytest.raises(InputError, match="two pixels"):
        code({"x": np.full((4, 3, 3), np.nan)})


def test_counts_keep_values_and_gaps() -> None:
    counts, step = count(np.array([0.12345, -0.01, np.nan, 6.0]))
    assert counts[2] == EMPTY and counts.dtype == np.int16
    np.testing.assert_allclose(counts[[0, 1, 3]] * step, [0.12345, -0.01, 6.0], atol=step / 2)
