"""Coordinates that mean the same for every sensor."""

import numpy as np
import pytest
import torch

from stsf.errors import InputError
from stsf.evidence import canonical
from stsf.linear import LinearMap, rows
from stsf.sensing.bands import from_bands
from stsf.sensing.sensors import ahsi, enmap, prisma
from stsf.sensing.spectra import library


def coordinates(sensor, spectra):
    return canonical.read(sensor)[0](rows(spectra @ sensor.response(wavelength()).T))


def wavelength():
    return library("test").wavelength


def test_sensors_agree_on_the_coordinates_of_a_spectrum_that_none_was_fitted_on():
    spectra = library("test").spectra[::97].astype(np.float64)
    within = ahsi().select(canonical.inside(ahsi()))
    a, b = coordinates(within, spectra), coordinates(enmap(), spectra)
    assert torch.corrcoef(torch.stack([a[:, :8].flatten(), b[:, :8].flatten()]))[0, 1] > 0.99


def test_decoding_gives_the_spectrum_back_within_a_percent_of_reflectance():
    spectra = library("test").spectra[::97].astype(np.float64)
    encode, decode = canonical.read(enmap())
    seen = rows(spectra @ enmap().response(wavelength()).T)
    error = decode(encode(seen)) - seen
    assert error.square().mean().sqrt() < 0.01


def test_a_sensor_without_swir_gets_the_likeliest_swir_not_noise():
    vnir = enmap().select(enmap().centre < 1000)
    spectra = library("test").spectra[::97].astype(np.float64)
    guess = canonical.fine()(coordinates(vnir, spectra))
    assert guess.abs().max() < 1.5  # reflectances stay such


def test_then_composes():
    first = LinearMap(torch.randn(3), torch.randn(3, 2))
    second = LinearMap(torch.randn(4), torch.randn(4, 3))
    x = torch.randn(5, 2)
    assert torch.allclose(first.then(second)(x), second(first(x)), atol=1e-5)


def test_bands_beyond_the_library_are_named_and_none_at_all_is_refused():
    assert canonical.inside(prisma()).sum() < len(prisma()) or canonical.inside(prisma()).all()
    beyond = from_bands(np.array([2600.0, 2700.0]), np.array([10.0, 10.0]))
    with pytest.raises(InputError, match="within 400-2450 nm"):
        canonical.inside(beyond)


def test_reading_is_cached_by_the_bands_and_not_by_the_object():
    assert canonical.read(enmap())[0].weights is canonical.read(enmap())[0].weights
    half = enmap().select(np.arange(0, 214, 2))
    assert canonical.read(half)[0].weights.shape[1] == 107
