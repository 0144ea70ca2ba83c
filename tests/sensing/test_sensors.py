"""Bands, sensors and the spectral response matrix."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio

from stsf.errors import InputError
from stsf.sensing.bands import Sensor, from_bands, gaussian_srf, hat_weights
from stsf.sensing.response import covered, srf_matrix
from stsf.sensing.sensors import (
    S2_10,
    SENSORS,
    ahsi,
    enmap,
    from_csv,
    get_sensor,
    prisma,
    sentinel2,
    to_csv,
)
from stsf.sensing.spectra import library

# ESA's response-weighted centres, nm
S2_CENTRES = {
    "A": "442.7 492.4 559.8 664.6 704.1 740.5 782.8 832.8 864.7 945.1 1373.5 1613.7 2202.4",
    "B": "442.2 492.1 559.0 664.9 703.8 739.1 779.7 832.9 864.0 943.2 1376.9 1610.4 2185.7",
}
S2_ALL = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
ALL = ["AHSI", "EnMAP", "PRISMA", "Sentinel-2A", "Sentinel-2B", "Sentinel-2A-10", "Sentinel-2B-10"]
ALL += ["Landsat-8", "Landsat-9"]


# --- bands


def test_gaussian_has_its_width_at_half_its_height() -> None:
    srf = gaussian_srf(np.array([90.0, 95.0, 100.0, 105.0]), np.array([100.0]), np.array([10.0]))
    np.testing.assert_allclose(srf, [[1 / 16, 0.5, 1.0, 0.5]])


def test_response_integrates_a_broken_line() -> None:
    """Against a fine quadrature of the same spectrum, on an axis with gaps."""
    rng = np.random.default_rng(0)
    nodes = np.array([400.0, 407.5, 430, 431, 450, 480, 483, 500, 520])
    values = rng.uniform(size=(3, len(nodes)))
    sensor = from_bands([425, 455, 484], [9, 14, 11])
    fine = np.arange(400.0, 520.0, 0.01)
    srf = np.exp(-4 * np.log(2) * ((fine - sensor.centre[:, None]) / sensor.fwhm[:, None]) ** 2)
    truth = [[np.average(np.interp(fine, nodes, v), weights=s) for s in srf] for v in values]
    np.testing.assert_allclose(values @ sensor.response(nodes).T, truth, atol=2e-3)


@pytest.mark.parametrize("name", ALL)
def test_response_keeps_a_constant_and_a_slope(name: str) -> None:
    sensor = get_sensor(name)
    inside = sensor.select((sensor.centre > 450) & (sensor.centre < 2200))
    axis = np.arange(400.0, 2451, 10)
    response = inside.response(axis)
    np.testing.assert_allclose(response.sum(axis=1), 1.0)
    assert response.min() >= 0
    np.testing.assert_allclose(response @ axis, inside.centre, atol=0.05)


def test_response_of_a_band_at_the_end_of_the_axis_is_its_inner_half() -> None:
    """The mean of half a Gaussian lies sigma sqrt(2/pi) from its peak."""
    axis = np.arange(400.0, 461, 10)
    response = from_bands([400.0], 20).response(axis)
    np.testing.assert_allclose(response.sum(), 1.0)
    half = 20 / 2.3548 * np.sqrt(2 / np.pi)
    np.testing.assert_allclose(response @ axis, 400 + half, atol=0.5)
    np.testing.assert_allclose(from_bands([460.0], 20).response(axis) @ axis, 460 - half, atol=0.5)


def test_hat_weights_outside_the_nodes_take_the_nearest() -> None:
    axis = np.arange(380.0, 441.0)
    weights = hat_weights(np.ones((1, len(axis))), axis, np.array([400.0, 420.0]))
    np.testing.assert_allclose(weights, [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("wavelength", "words"),
    [
        ([400, 420, 410], "strictly increasing"),
        ([400, 400, 410], "strictly increasing"),
        ([550], "strictly increasing"),
        ([600, 700], r"1 of custom outside, first B1 at 550.0 nm"),
        ([400, 500], r"1 of custom outside, first B1 at 550.0 nm"),
    ],
)
def test_response_refuses_axes(wavelength: list[float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_bands([550], 10).response(wavelength)


def test_select_takes_indices_masks_and_names_in_the_given_order() -> None:
    s2 = sentinel2("A", S2_10)
    by_name = s2.select(["B11", "B4"])
    by_index = s2.select([8, 2])
    by_mask = s2.select(np.isin(s2.band_names, ["B4", "B11"]))
    assert by_name.band_names == by_index.band_names == ("B11", "B4")
    assert by_mask.band_names == ("B4", "B11")
    assert by_name.detector.tolist() == [1, 0]
    axis = np.arange(400.0, 2451, 5)
    np.testing.assert_array_equal(by_name.response(axis), s2.response(axis)[[8, 2]])
    assert len(s2.select(-1)) == 1


@pytest.mark.parametrize(
    ("bands", "words"),
    [(["B4", "B99"], "got B99"), ([True, False], "mask over the 4"), ([7], "indices 0 to 3")],
)
def test_select_refuses(bands: list, words: str) -> None:
    with pytest.raises(InputError, match=words):
        sentinel2("A").select(bands)


def test_sensor_refuses_arrays_that_do_not_match() -> None:
    with pytest.raises(InputError, match=r"one fwhm for each of the 2 bands.*\(3,\)"):
        from_bands([450, 550], [10, 10, 10])


def test_sensor_refuses_micrometres() -> None:
    with pytest.raises(InputError, match="micrometres times 1000"):
        from_bands([0.45, 0.55], 0.01)


# --- sensors


@pytest.mark.parametrize("unit", ["A", "B"])
def test_sentinel2_centres(unit: str) -> None:
    expected = [float(value) for value in S2_CENTRES[unit].split()]
    s2 = sentinel2(unit, S2_ALL)
    np.testing.assert_allclose(s2.centre, expected, atol=0.06)
    assert s2.detector.tolist() == [0] * 10 + [1] * 3
    assert s2.gsd == 10 and not s2.nominal


def test_sentinel2_response_is_the_measured_one_not_a_gaussian() -> None:
    b8 = sentinel2("A", ["B8"])
    axis = np.arange(700.0, 1000.0)
    gaussian = from_bands(b8.centre, b8.fwhm).response(axis)[0]
    measured = b8.response(axis)[0]
    assert np.abs(measured - gaussian).sum() > 0.15
    assert measured[axis < 750].max() == 0


def test_a_sensor_never_shares_its_responses() -> None:
    axis = np.arange(400.0, 1001)
    before = sentinel2("A").srf_at(axis)
    first = sentinel2("A")
    assert first.srf is not None
    first.srf[:] = 0
    np.testing.assert_array_equal(sentinel2("A").srf_at(axis), before)


def test_sentinel2_refuses_a_third_unit() -> None:
    with pytest.raises(InputError, match="'A' or 'B', got 'C'"):
        sentinel2("C")


def test_ahsi_is_nominal_and_ordered() -> None:
    sensor = ahsi()
    assert len(sensor) == 166 and sensor.nominal and sensor.gsd == 30
    assert (sensor.detector == 0).sum() == 76 and (sensor.detector == 1).sum() == 90
    assert np.diff(sensor.centre).min() > 0
    assert (sensor.centre[0], sensor.centre[-1]) == (395, 2501)
    assert set(sensor.fwhm[sensor.detector == 0]) == {10}
    assert set(sensor.fwhm[sensor.detector == 1]) == {20}
    assert np.all(sensor.centre[sensor.detector == 1] >= 1005)


def test_prisma_is_nominal_and_ordered() -> None:
    sensor = prisma()
    assert len(sensor) == 234 and sensor.nominal and np.diff(sensor.centre).min() > 0


def test_enmap_table_is_the_products_own() -> None:
    sensor = enmap()
    assert len(sensor) == 214 and not sensor.nominal and np.diff(sensor.centre).min() > 0
    assert sensor.mtf == ((0.16, 0.25), (0.16, 0.25))
    assert (sensor.detector == 0).sum() == 91
    folder = Path(os.environ.get("STSF_DATA", "")) / "enmap_potsdam"
    tiles = sorted(folder.glob("*.tif")) if "STSF_DATA" in os.environ else []
    if not tiles:
        pytest.skip("EnMAP tiles not found: set STSF_DATA to the folder that holds enmap_potsdam")
    with rasterio.open(tiles[0]) as tile:
        tags = [tile.tags(int(name[1:])) for name in sensor.band_names]
    np.testing.assert_allclose(sensor.centre, [float(t["wavelength"]) for t in tags])
    np.testing.assert_allclose(sensor.fwhm, [float(t["fwhm"]) for t in tags])


@pytest.mark.parametrize("name", ALL)
def test_registry_finds_names_in_any_case(name: str) -> None:
    assert get_sensor(name.upper()).name == name
    assert get_sensor(f" {name.lower()} ").name == name


def test_registry_lists_what_it_knows() -> None:
    assert sorted(SENSORS) == sorted(ALL)
    with pytest.raises(InputError, match="got 'Hyperion': use one of AHSI, EnMAP, PRISMA"):
        get_sensor("Hyperion")


# --- band tables


@pytest.mark.parametrize("name", ["EnMAP", "Sentinel-2B", "AHSI"])
def test_band_table_comes_back(name: str, tmp_path: Path) -> None:
    sensor = get_sensor(name)
    to_csv(sensor, tmp_path / "table.csv")
    back = get_sensor(str(tmp_path / "table.csv"))
    assert (back.name, back.band_names, back.gsd) == (name, sensor.band_names, sensor.gsd)
    assert (back.mtf, back.nominal) == (sensor.mtf, sensor.nominal)
    np.testing.assert_array_equal(back.detector, sensor.detector)
    axis = np.arange(390.0, 2511)
    np.testing.assert_array_equal(back.response(axis), sensor.response(axis))


def test_shortest_band_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("name,centre,fwhm\nred,665,30\nswir,1610,90\n")
    sensor = from_csv(path)
    assert (sensor.name, sensor.band_names, sensor.gsd) == ("mine", ("red", "swir"), 30.0)
    assert sensor.detector.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,centre\nred,665\n", "add fwhm"),
        ("", "got none"),
        ("name,centre,fwhm\nred,abc,30\n", "expected numbers.*abc"),
        ("name,centre,fwhm\nred,665\n", "expected numbers"),
        ("name,centre,fwhm\nred,0.665,0.03\n", "micrometres times 1000"),
    ],
)
def test_band_table_faults_are_told(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        from_csv(path)


# --- the response matrix


def relative_errors(hs: Sensor, ms: Sensor, R: np.ndarray) -> np.ndarray:
    """RMS error of R over library spectra as a share of the mean, per MS band."""
    lib = library("all")
    chosen = lib.spectra[np.random.default_rng(0).choice(len(lib), 400, replace=False)]
    axis = np.arange(400.0, 2451)
    fine = np.stack([np.interp(axis, lib.wavelength, spectrum) for spectrum in chosen])

    def convolve(sensor: Sensor) -> np.ndarray:
        srf = sensor.srf_at(axis)
        return fine @ srf.T / srf.sum(axis=1)

    truth = convolve(ms)
    return np.sqrt(((convolve(hs) @ R.T - truth) ** 2).mean(axis=0)) / truth.mean(axis=0)


@pytest.mark.parametrize("name", ["EnMAP", "AHSI", "PRISMA"])
def test_srf_matrix_agrees_with_direct_convolution(name: str) -> None:
    hs, ms = get_sensor(name), sentinel2("A", S2_10)
    hs = hs.select((hs.centre > 405) & (hs.centre < 2445))
    R, coverage = srf_matrix(hs, ms)
    assert R.shape == (10, len(hs))
    np.testing.assert_allclose(R.sum(axis=1), 1.0)
    np.testing.assert_allclose(coverage, 1.0, atol=1e-3)
    errors = relative_errors(hs, ms, R)
    assert errors.max() < 1.5e-3  # a naive sampling misses by up to 1.9 %
    sampled = ms.srf_at(hs.centre)
    naive = relative_errors(hs, ms, sampled / sampled.sum(axis=1, keepdims=True))
    hats = relative_errors(hs, ms, ms.response(hs.centre))
    assert errors.mean() < 0.25 * naive.mean() and errors.mean() < 0.25 * hats.mean()
    assert R.min() > -0.1


def test_srf_matrix_bridges_a_gap() -> None:
    """Without the bands in 890-1000 nm B8 loses its tail; the straight line stands in for it."""
    hs, ms = ahsi(), sentinel2("A", ["B8"])
    in_range = (hs.centre > 405) & (hs.centre < 2445)
    hs = hs.select(in_range & ~((hs.centre > 890) & (hs.centre < 1000)))
    R, coverage = srf_matrix(hs, ms)
    assert 0.93 < coverage[0] < 0.97
    assert relative_errors(hs, ms, R)[0] < 1e-3


def test_coverage_is_the_share_of_the_response_under_bands() -> None:
    """A box over 500-600 nm, HS bands from 500 to 550 nm: they reach to 555 nm."""
    wave = np.arange(450.0, 651)
    box = ((wave >= 500) & (wave <= 600)).astype(float)[None]
    one = np.array([0])
    ms = Sensor(
        "box", ("B",), np.array([550.0]), np.array([100.0]), 10.0, one, ((0.3, 0.3),), wave, box
    )
    hs = from_bands(np.arange(500, 551, 10), 10)
    _, coverage = srf_matrix(hs, ms, min_coverage=0.5)
    np.testing.assert_allclose(coverage, 56 / 101)


def test_covered_stops_at_gaps_wider_than_a_band() -> None:
    axis = np.arange(480.0, 581)
    joined = covered(from_bands([500, 518], 10), axis)
    apart = covered(from_bands([500, 522], 10), axis)
    assert axis[joined].tolist() == list(range(495, 524))
    assert axis[apart].tolist() == [*range(495, 506), *range(517, 528)]


def test_srf_matrix_names_the_band_it_cannot_make() -> None:
    hs = ahsi()
    clean = hs.select(~((hs.centre > 890) & (hs.centre < 1000)))
    with pytest.raises(InputError, match=r"90% of every MS response, got \d%.*B9 \(945 nm\)"):
        srf_matrix(clean, sentinel2("A", ["B4", "B9"]))
    with pytest.raises(InputError, match="B11"):
        srf_matrix(hs.select(hs.detector == 0), sentinel2("A", S2_10))


def test_srf_matrix_refuses_unsorted_bands() -> None:
    with pytest.raises(InputError, match="strictly increasing centres"):
        srf_matrix(from_bands([500, 520, 510], 10), sentinel2("A"))
    with pytest.raises(InputError, match="at least two bands"):
        srf_matrix(from_bands([500], 10), sentinel2("A"))
