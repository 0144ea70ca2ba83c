"""Training places that no library describes."""

import numpy as np

from stsf.sensing.sensors import ahsi
from stsf.training.curriculum import draw
from stsf.world.simulation import simulate
from stsf.world.strange import estranged, exchange, exchanged


def test_estranging_changes_materials_but_not_what_changed():
    place = simulate(3, size=36)
    other = estranged(place, 0.1, seed=5)
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = [b / a for a, b in zip(place.spectra, other.spectra, strict=True)]
    assert 0.03 < np.nanstd(np.log(factors[0])) < 0.3
    both = (other.spectra[0] < 1) & (other.spectra[1] < 1)  # where nothing was clipped
    np.testing.assert_allclose(factors[0][both], factors[1][both], rtol=1e-4)
    assert other.weights is place.weights


def test_no_amount_changes_nothing():
    place = simulate(3, size=36)
    np.testing.assert_allclose(estranged(place, 0.0, seed=5).spectra[0], place.spectra[0])


def test_exchanged_pixels_hold_what_was_elsewhere_and_the_rest_stays():
    rng = np.random.default_rng(0)
    patch, source, light = exchange(rng, (40, 60), smooth=4.0)
    pixel = np.arange(2400)
    same = ~patch.ravel()
    assert (source[same] == pixel[same]).all() and (source[~same] != pixel[~same]).all()
    assert 0.1 < patch.mean() < 0.27 and np.abs(light - 1).max() <= 0.06


def test_the_change_map_of_an_exchanged_place_says_where():
    place = exchanged(simulate(3, size=36), seed=1)
    first, second = (place.weights[date].sum(axis=1).A1 for date in (0, 1))
    assert 0.08 < (place.change > 0).mean() < 0.3
    assert not np.allclose(first, second)


def test_training_scenes_are_reproducible_and_differ():
    a, b, c = draw(7, size=24), draw(7, size=24), draw(8, size=24)
    np.testing.assert_array_equal(a.lrhs_t1, b.lrhs_t1)
    assert a.lrhs_t1.shape != c.lrhs_t1.shape or not np.array_equal(a.lrhs_t1, c.lrhs_t1)


def test_training_scenes_cover_ratios_and_band_sets():
    scenes = [draw(seed, size=24) for seed in range(24)]
    assert {s.ratio for s in scenes} == {2, 3, 4}
    assert len({len(s.ms) for s in scenes}) >= 3


def test_content_of_another_place_is_that_places_own() -> None:
    """Patches show the donor's first date, all else the place's; the first date stays as it was."""
    place, donor = simulate(1, size=36), simulate(2, size=36, kind="dead-leaves")
    made = exchanged(place, 5, donor)
    hs = ahsi().select(np.arange(5, 58))
    np.testing.assert_allclose(made.render(hs, 1), place.render(hs, 1), atol=1e-6)
    rng = np.random.default_rng(5)  # drawn as `exchanged` does
    patch, source, light = exchange(rng, (72, 72), rng.uniform(4, 14))
    wanted = np.where(
        patch,
        donor.render(hs, 1).reshape(len(hs), -1)[:, source].reshape(len(hs), 72, 72),
        place.render(hs, 1),
    )
    found = made.render(hs, 2)
    ratio = found / np.maximum(wanted * light.reshape(72, 72), 1e-6)
    tilt = np.median(ratio, axis=(1, 2), keepdims=True)  # one factor a band
    assert np.abs(tilt - 1).max() < 0.05
    assert (np.abs(ratio / tilt - 1) < 1e-3).mean() > 0.99
