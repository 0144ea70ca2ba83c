"""A place whose spectra come from formulas, and one covered with the pixels of an image."""

import numpy as np
import pytest

from stsf.sensing.sensors import enmap, sentinel2
from stsf.world import physical as module
from stsf.world.collage import collage
from stsf.world.physical import AXIS, leaf, physical, roof, soil, thick, water
from stsf.world.simulation import simulate


def at(spectrum, wavelength):
    return float(np.interp(wavelength, AXIS, spectrum))


def test_a_thick_layer_obeys_kubelka_and_munk():
    k = np.linspace(0, 9, 30)
    r = thick(k)
    assert np.allclose((1 - r) ** 2 / (2 * r), k)


def test_a_leaf_is_green_has_a_red_edge_and_drinks_at_1450_nm():
    green = leaf(1.0, 1.0, 1.0)
    assert at(green, 550) > 1.5 * at(green, 675)
    assert at(green, 800) > 5 * at(green, 675)
    assert at(green, 1450) < 0.7 * at(green, 1650)
    assert at(leaf(1.0, 0.1, 1.0), 1450) > at(green, 1450)  # a dry one less


def test_soil_rises_and_darkens_when_wet():
    dry, wet = soil(1.0, 0.5, 0.5, 0.0), soil(1.0, 0.5, 0.5, 1.0)
    assert at(dry, 450) < at(dry, 800) < at(dry, 1650)
    assert (wet < dry).all()


def test_water_is_black_in_the_swir_and_tiles_are_red():
    assert at(water(0.5, 0.5), 1650) < 0.02 < at(water(0.5, 0.5), 560)
    assert at(roof(1.0, 600, 0.3), 700) > 1.5 * at(roof(1.0, 600, 0.3), 500)


def test_the_same_place_again_and_another_for_another_seed():
    a, b, c = physical(3, 36), physical(3, 36), physical(4, 36)
    assert np.array_equal(a.spectra[1], b.spectra[1]) and np.array_equal(a.change, b.change)
    assert not np.array_equal(a.change, c.change)


def test_what_did_not_change_is_the_same_kind_of_curve_weeks_later():
    place = physical(5, 60)
    first, second = (place.render(sentinel2("A"), date)[:, ::2, ::2] for date in (1, 2))
    moved = np.abs(second - first).mean(0)
    still, changed = place.change == 0, place.change > 0
    assert moved[changed].mean() > 3 * moved[still].mean() > 0


def test_shares_of_a_cell_sum_to_its_light():
    place = physical(6, 36)
    assert np.allclose(place.weights[0].sum(axis=1), 1.0, atol=1e-6)
    assert 0.9 < place.weights[1].sum(axis=1).mean() < 1.05
    assert module.AXIS[0] == 400 and place.wavelength[-1] == 2450


@pytest.fixture(scope="module")
def image():
    """Thirty spectra that are each a straight line."""
    rng = np.random.default_rng(0)
    slope, level = rng.uniform(-0.1, 0.3, (1, 5, 6)), rng.uniform(0.1, 0.5, (1, 5, 6))
    position = (enmap().centre / 2500)[:, None, None]
    return np.clip(level + slope * position, 0.01, 1.0)


def test_a_collage_has_the_geometry_of_the_place_and_spectra_of_the_image(image):
    place = simulate(2, 36)
    made = collage(place, image, enmap(), seed=1)
    assert made.weights is place.weights and np.array_equal(made.change, place.change)
    lit = made.spectra[0][: len(made.spectra[0]) // 2]
    inside = (made.wavelength > enmap().centre[0]) & (made.wavelength < enmap().centre[-1])
    pixels = image.reshape(len(image), -1).T
    fine = np.stack([np.interp(made.wavelength, enmap().centre, p) for p in pixels])
    for spectrum in lit[:20, inside]:
        assert np.abs(fine[:, inside] - spectrum).max(1).min() < 1e-6


def test_a_material_that_stays_keeps_its_pixel(image):
    place = simulate(2, 36)
    still = collage(
        type(place)(**(vars(place) | {"spectra": (place.spectra[0],) * 2})), image, enmap(), 1
    )
    assert np.array_equal(still.spectra[0], still.spectra[1])
