"""Places that no library describes: what keeps a network from believing its library blindly.

Real spectra are not those of a library, and real change is not always of the four kinds that the
simulator knows. Training scenes are therefore estranged: spectra bent by smooth random curves, and
second dates made by putting one part of a place in another's stead.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from stsf.scene import KINDS
from stsf.world.simulation import Landscape

# Smoothness of the random curves in steps of 10 nm, share of each, and whether all spectra of a
# place share one curve (its air, its light) or each has its own (its chemistry).
CURVES = ((25.0, 0.6, True), (25.0, 0.5, False), (8.0, 0.35, False), (2.0, 0.15, True))


def estranged(place: Landscape, amount: float, seed: int) -> Landscape:
    """The same place made of other materials: every spectrum times a smooth random curve.

    Both dates share the curves, so that nothing changes that did not change before.

    Args:
        place: to start from.
        amount: standard deviation of the curves' logarithm; 0.05 to 0.2 is between a library
            spectrum and another of the same material.
        seed: of the curves.

    Example:
        >>> from stsf.world.simulation import simulate
        >>> place = simulate(1, size=24)
        >>> bool((estranged(place, 0.1, seed=1).spectra[0] != place.spectra[0]).any())
        True
    """
    rng = np.random.default_rng(seed)
    count, steps = place.spectra[0].shape[0] // 2, place.wavelength.size  # lit, then in shadow
    curve = np.zeros((count, steps))
    for smoothness, share, common in CURVES:
        noise = rng.standard_normal((1 if common else count, steps + 80))
        wave = gaussian_filter1d(noise, smoothness, axis=1)[:, 40:-40]
        curve = curve + share * wave / wave.std()
    factor = np.tile(np.exp(amount * curve), (2, 1))
    spectra = [np.clip(date * factor, 0.0, 1.0) for date in place.spectra]
    return replace(place, spectra=(spectra[0], spectra[1]))


def exchanged(place: Landscape, seed: int, donor: Landscape | None = None) -> Landscape:
    """The same place with a second date made of its own parts: no phenology, no library of change.

    Irregular patches, 12-25 % of the area, get the content of elsewhere, here or in another place;
    over all lies other light, smooth, up to 6 %, and tilted over the wavelengths.

    Args:
        place: to start from; only its first date is used.
        seed: of patches and light.
        donor: another place of the same size and wavelengths, from which the content comes; this
            one without it.

    Example:
        >>> from stsf.world.simulation import simulate
        >>> bool(0.1 < (exchanged(simulate(1, size=24), seed=1).change > 0).mean() < 0.3)
        True
    """
    rng = np.random.default_rng(seed)
    fine = 2 * place.shape[0], 2 * place.shape[1]
    patch, source, light = exchange(rng, fine, rng.uniform(4, 14))
    if donor is not None:
        place = _beside(place, donor)
        source = source + patch.ravel() * patch.size  # the pixels of the donor come second
    weights = sparse.diags(light) @ place.weights[0][source]
    tilt = (place.wavelength / 1000.0) ** rng.uniform(-0.03, 0.03)
    quarters = patch.reshape(place.shape[0], 2, place.shape[1], 2).sum(axis=(1, 3))
    return replace(
        place,
        weights=(place.weights[0][: patch.size], weights.tocsr().astype(np.float32)),
        spectra=(place.spectra[0], place.spectra[0] * tilt),
        change=((quarters >= 2) * KINDS.index("construction")).astype(np.uint8),
    )


def _beside(place: Landscape, donor: Landscape) -> Landscape:
    """First dates of two places, pixels one below the other, with the materials of both."""
    spectra = [
        half
        for halves in zip(*(np.split(p.spectra[0], 2) for p in (place, donor)))
        for half in halves
    ]
    counts = [len(half) for half in spectra]  # lit of both, then in shadow of both
    pixels = []
    for at, own in enumerate((place, donor)):
        lit, shadow = own.weights[0][:, : counts[at]], own.weights[0][:, counts[at] :]
        nothing = sparse.csr_matrix((lit.shape[0], counts[1 - at]), dtype=np.float32)
        order = [lit, nothing, shadow, nothing] if at == 0 else [nothing, lit, nothing, shadow]
        pixels.append(sparse.hstack(order))
    weights = sparse.vstack(pixels).tocsr()
    both = np.concatenate(spectra)
    return replace(place, weights=(weights, weights), spectra=(both, both))


def exchange(
    rng: np.random.Generator, shape: tuple[int, int], smooth: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where content comes from after an exchange, and the light on it.

    Args:
        rng: draws patches and light.
        shape: (H, W).
        smooth: width of the patches, pixels.

    Returns:
        patch (H, W) True where exchanged; source (H·W,) index of the pixel whose content comes;
        light (H·W,) factor near 1.
    """
    field = gaussian_filter(rng.standard_normal(shape), smooth, mode="reflect")
    patch = field > np.quantile(field, 1 - rng.uniform(0.12, 0.25))
    pixel = np.arange(patch.size).reshape(shape)
    elsewhere = np.roll(pixel, [int(rng.integers(n // 5, 4 * n // 5)) for n in shape], axis=(0, 1))
    light = gaussian_filter(rng.standard_normal(shape), 2 * smooth + 8, mode="reflect")
    light *= rng.uniform(0.0, 0.06) / np.abs(light).max()
    return patch, np.where(patch, elsewhere, pixel).ravel(), (1 + light).ravel()
