"""The library, its split, and the models of water and snow."""

import csv
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from stsf.errors import InputError
from stsf.sensing.bands import from_bands
from stsf.sensing.optics import ice_absorption, snow, water, water_absorption
from stsf.sensing.sensors import enmap, get_sensor
from stsf.sensing.spectra import MATERIALS, Library, canopy, is_broken, library, library_range

TRAIN, TEST, EVERY = library("train"), library("test"), library("all")


def earthlib_rows() -> list[dict[str, str]]:
    spec = find_spec("earthlib")
    assert spec is not None and spec.origin is not None
    with open(
        Path(spec.origin).parent / "data" / "spectra.csv", newline="", encoding="utf-8"
    ) as file:
        return list(csv.DictReader(file))


def names_of(lib: Library, *materials: str) -> set[str]:
    return {lib.names[i] for i in np.flatnonzero(np.isin(lib.material, materials))}


# --- the library


def test_library_is_reflectance_on_one_axis() -> None:
    assert (EVERY.wavelength[0], EVERY.wavelength[-1]) == library_range
    assert np.diff(EVERY.wavelength).min() == 10
    assert EVERY.spectra.dtype == np.float32
    assert EVERY.spectra.shape == (len(EVERY), len(EVERY.wavelength))
    assert EVERY.spectra.min() > 0 and EVERY.spectra.max() <= 1.2


def test_library_keeps_all_but_the_broken_spectra() -> None:
    """7261 in earthlib, five of them broken: three with runs of zeros, two with a spike."""
    from_earthlib = ~np.isin(EVERY.material, ["water", "snow"])
    assert from_earthlib.sum() == 7261 - 5
    gone = {row["NAME"] for row in earthlib_rows()} - set(EVERY.names)
    assert gone == {"Marsh", "P.australis", "Grass_dry.8+.2green", "Grass_dry.9+.1green"}


def test_spectra_sit_beside_their_own_names() -> None:
    """Each canopy beside its own parameters: chlorophyll darkens the red edge, LAI the red."""
    leaf = EVERY.material == "canopy"
    edge = EVERY.spectra[leaf, np.searchsorted(EVERY.wavelength, 710)]
    chl, lai = EVERY.attributes["CHL"][leaf], EVERY.attributes["LAI"][leaf]
    assert np.corrcoef(edge, chl)[0, 1] < -0.8
    assert np.corrcoef(EVERY.spectra[leaf, 27], np.exp(-lai))[0, 1] > 0.4
    snowy = EVERY.material == "snow"
    assert np.isfinite(EVERY.attributes["grain"]).tolist() == snowy.tolist()
    assert EVERY.spectra[snowy, 10].min() > 0.9 > EVERY.spectra[~snowy, 10].max()


@pytest.mark.parametrize(
    ("values", "broken"),
    [
        ([0.2, 0.2, 0.2, 0.2], False),
        ([0.2, np.nan, 0.2, 0.2], True),
        ([0.2, 0.0, 0.05, 0.1], True),
        ([0.2, -0.1, 0.05, 0.1], True),
        ([1.1, 1.3, 1.25, 1.2], True),
        ([0.2, 0.28, 0.2, 0.2], True),  # a spike of 0.08
        ([0.2, 0.26, 0.2, 0.2], False),  # a band of 0.06, as kaolinite has
    ],
)
def test_is_broken(values: list[float], broken: bool) -> None:
    axis = np.array([400.0, 410, 420, 530])
    assert is_broken(axis, np.array([values])).tolist() == [broken]


def test_library_is_shared_and_cannot_be_changed() -> None:
    assert library("train") is library("train")
    with pytest.raises(ValueError, match="read-only"):
        EVERY.spectra[0] = 0.5


def test_library_refuses_an_unknown_split() -> None:
    with pytest.raises(InputError, match="'train', 'test' or 'all', got 'validation'"):
        library("validation")  # type: ignore[arg-type]


def test_a_step_across_a_gap_in_the_axis_is_no_spike() -> None:
    axis = np.array([400.0, 410, 530, 540])
    assert not is_broken(axis, np.array([[0.2, 0.2, 0.4, 0.4]]))[0]


# --- the split


def test_split_is_complete_and_holds_every_material_twice() -> None:
    assert len(TRAIN) + len(TEST) == len(EVERY)
    for lib in (TRAIN, TEST):
        counts = {material: int((lib.material == material).sum()) for material in MATERIALS}
        assert sum(counts.values()) == len(lib)
        assert min(counts.values()) >= 9, counts


def test_soils_are_split_by_site() -> None:
    """Read from the package's own table: names of soils are unique, sites carry coordinates."""
    site = {
        row["NAME"]: (row["LAT"], row["LON"]) for row in earthlib_rows() if row["LEVEL_2"] == "bare"
    }
    train, test = names_of(TRAIN, "soil"), names_of(TEST, "soil")
    assert len(train) + len(test) == len(site)
    sites = [{site[name] for name in half} for half in (train, test)]
    assert not sites[0] & sites[1]
    assert min(len(half) for half in sites) > 150


def test_built_dead_and_burned_are_split_by_name_group() -> None:
    stems = [
        {re.sub(r"[._].*", "", name) for name in names_of(lib, "built", "npv", "burned")}
        for lib in (TRAIN, TEST)
    ]
    assert not stems[0] & stems[1]
    assert min(len(half) for half in stems) > 30


@pytest.mark.parametrize(
    ("material", "key"), [("canopy", "N"), ("water", "cdom"), ("snow", "grain")]
)
def test_models_are_split_by_disjoint_ranges(material: str, key: str) -> None:
    train, test = (lib.attributes[key][lib.material == material] for lib in (TRAIN, TEST))
    assert np.isfinite(train).all() and np.isfinite(test).all()
    assert train.max() < test.min()


def test_both_halves_span_the_phenology() -> None:
    for lib in (TRAIN, TEST):
        leaf = lib.material == "canopy"
        assert lib.attributes["LAI"][leaf].min() < 1 and lib.attributes["LAI"][leaf].max() > 7
        assert lib.attributes["CHL"][leaf].min() < 12 and lib.attributes["CHL"][leaf].max() > 58


# --- through a sensor


def test_at_is_the_response_weighted_mean() -> None:
    """Against a direct sum over a 1 nm axis, away from the gaps of the library."""
    sensor = get_sensor("Sentinel-2A")
    few = EVERY.select(np.arange(0, len(EVERY), 400))
    fine = np.arange(400.0, 1351)
    srf = sensor.srf_at(fine)
    dense = np.stack([np.interp(fine, few.wavelength, spectrum) for spectrum in few.spectra])
    expected = dense @ srf.T / srf.sum(axis=1)
    assert few.at(sensor).dtype == np.float32
    np.testing.assert_allclose(few.at(sensor), expected, rtol=1e-5)


def test_at_refuses_bands_outside_the_library() -> None:
    with pytest.raises(InputError, match=r"400-2450 nm, got 1 of custom outside.*B2 at 2480"):
        TEST.at(from_bands([550, 2480], 10))
    cut = enmap().select(enmap().centre <= library_range[1])
    assert TEST.at(cut).shape == (len(TEST), 214)


def test_select_keeps_everything_together() -> None:
    few = EVERY.select([5000, 10])
    assert few.names == [EVERY.names[5000], EVERY.names[10]]
    np.testing.assert_array_equal(few.spectra, EVERY.spectra[[5000, 10]])
    assert few.attributes["group"][1] == EVERY.attributes["group"][10]
    assert few.material.tolist() == [EVERY.material[5000], EVERY.material[10]]


# --- canopies that grow


def test_a_canopy_moved_to_its_own_parameters_stays() -> None:
    index = np.flatnonzero(TRAIN.material == "canopy")[::50]
    own = {key: TRAIN.attributes[key][index] for key in ("LAI", "CHL")}
    moved = canopy(TRAIN, own["LAI"], own["CHL"], index)
    np.testing.assert_allclose(moved, TRAIN.spectra[index], atol=1e-5)


@pytest.mark.parametrize("lib", [TRAIN, TEST])
def test_growth_darkens_the_red_and_brightens_the_near_infrared(lib: Library) -> None:
    red, nir = np.searchsorted(lib.wavelength, [670, 850])
    index = np.flatnonzero(lib.material == "canopy")[::40]
    early, late = (canopy(lib, np.full(len(index), lai), 40.0, index) for lai in (1.0, 5.0))
    assert np.all(late[:, red] < early[:, red]) and np.all(late[:, nir] > early[:, nir])
    assert early.min() > 0 and late.max() < 1


def test_chlorophyll_darkens_the_green_and_leaves_the_infrared() -> None:
    pale, dark = canopy(TEST, 4.0, [15.0, 55.0])
    green, swir = np.searchsorted(TEST.wavelength, [560, 1650])
    assert dark[green] < 0.6 * pale[green]
    assert abs(dark[swir] - pale[swir]) < 0.02


def test_canopies_stay_within_their_library() -> None:
    """The trend is that of the given half: the other half cannot change it."""
    few = TRAIN.select((TRAIN.material == "canopy") & (TRAIN.attributes["LAI"] > 2))
    assert not np.allclose(canopy(TRAIN, 1.0, 40.0), canopy(few, 1.0, 40.0), atol=1e-4)
    leaves = TRAIN.select(TRAIN.material == "canopy")
    np.testing.assert_allclose(canopy(TRAIN, 1.0, 40.0), canopy(leaves, 1.0, 40.0), atol=1e-6)


def test_canopy_takes_one_or_many_of_each() -> None:
    index = np.flatnonzero(TEST.material == "canopy")[:3]
    many = canopy(TEST, 2.0, 30.0, index)
    assert many.shape == (3, len(TEST.wavelength))
    np.testing.assert_array_equal(canopy(TEST, [1.0, 2.0], 30.0, index[1])[1], many[1])
    assert canopy(TEST, 2.0, 30.0).shape == (1, len(TEST.wavelength))


def test_canopy_refuses_other_materials_and_small_libraries() -> None:
    with pytest.raises(InputError, match="indices of canopies"):
        canopy(TRAIN, 3.0, 40.0, int(np.flatnonzero(TRAIN.material == "soil")[0]))
    with pytest.raises(InputError, match="at least 50 canopies, got 0"):
        canopy(TRAIN.select(TRAIN.material == "soil"), 3.0, 40.0)


# --- water and snow


def test_constants_against_published_values() -> None:
    """Water: Pope & Fry 1997 (550 nm) and the peak at 970 nm; ice: Warren & Brandt 2008."""
    np.testing.assert_allclose(water_absorption([550, 650, 970]), [0.0565, 0.34, 45], rtol=0.05)
    index = ice_absorption([600, 1030]) * np.array([600e-9, 1030e-9]) / (4 * np.pi)
    np.testing.assert_allclose(index, [5.73e-9, 2.33e-6], rtol=1e-3)


def test_water_is_black_beyond_the_near_infrared() -> None:
    spectra = EVERY.spectra[EVERY.material == "water"]
    assert spectra[:, EVERY.wavelength > 1400].max() < 2e-3
    assert spectra[:, EVERY.wavelength > 880].max() < 0.1
    assert 0.1 < spectra.max() < 0.4


def test_water_without_depth_shows_its_bottom() -> None:
    """At depth 0 only the bottom is left: r = bottom/pi, above the surface 0.5 r / (1 - 1.5 r)."""
    r = 0.2 / np.pi
    shallow = water([450, 650, 1650], depth=0.0, bottom=0.2)[0]
    np.testing.assert_allclose(shallow, np.pi * 0.5 * r / (1 - 1.5 * r))


def test_deep_water_hides_its_bottom() -> None:
    wave = np.arange(400, 2451, 50)
    np.testing.assert_allclose(water(wave, depth=100.0), water(wave), atol=1e-4)
    assert water([550], depth=0.5)[0, 0] > 2 * water([550])[0, 0]


def test_what_floats_in_water_colours_it() -> None:
    wave = [440, 560, 670, 850]
    clear, silty = water(wave, sediment=[1, 80])
    assert np.all(silty > clear) and silty[2] > 8 * clear[2]
    low, high = water(wave, cdom=[0.05, 1.5])
    assert high[0] < 0.5 * low[0] and abs(high[3] - low[3]) < 1e-4
    few, many = water(wave, chlorophyll=[1, 40])
    assert many[0] / many[1] < few[0] / few[1]


def test_snow_darkens_with_the_root_of_its_grain() -> None:
    """ln R goes with the square root of the grain size at every wavelength."""
    wave = np.arange(420, 1400, 20)
    fine, coarse = snow(wave, [0.1, 0.4])
    np.testing.assert_allclose(np.log(coarse) / np.log(fine), 2.0)
    assert fine[wave < 600].min() > 0.95
    assert 0.3 < coarse[wave == 1040][0] < 0.6


def test_library_snow_is_white_in_the_visible_and_dark_in_the_swir() -> None:
    spectra = EVERY.spectra[EVERY.material == "snow"]
    assert spectra[:, EVERY.wavelength < 600].min() > 0.9
    assert spectra[:, (EVERY.wavelength > 1960) & (EVERY.wavelength < 2060)].max() < 0.05
