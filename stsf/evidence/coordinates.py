"""The coordinates in which the TVE thinks, and the maps between them, the bands and the MS.

Working coordinates are principal components of the scene and, with a small share, of the library,
so that what the scene has never seen can be expressed too. Canonical coordinates mean the same for
every sensor (`stsf.evidence.canonical`). Pixels are rows.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from stsf.evidence import canonical
from stsf.evidence.canonical import K
from stsf.linear import LinearMap, pixels, rows
from stsf.projection import spectral_gain
from stsf.scene import Scene
from stsf.sensing.subspace import Subspace, fit_subspace

LIBRARY_SHARE = 0.15  # of the spectra behind the working coordinates

Map = LinearMap[torch.Tensor]


class Coordinates:
    """Working and canonical coordinates of a scene.

    Args:
        scene: the observations.

    Attributes:
        encode, decode: bands (L) -> working coordinates (K), and back.
        R: (L, C) spectral response; `x @ R` is what the MS sees of rows of bands.
        G: (C, L) MMSE gain; `m @ G` is what an MS residual says of the bands.
        G_z: (C, K) the same for working coordinates.
        to_ms: working coordinates -> MS pixels.
        to_canonical, from_canonical: bands -> canonical coordinates, and back.
        work_to_canonical, canonical_to_work: between the two kinds.
        canonical_to_ms: canonical coordinates -> MS pixels.
        canonical_G: (C, K) MMSE gain for canonical coordinates.
        canonical_GR: (K, K) what an MMSE correction takes of them, in rows.

    Example:
        >>> import stsf
        >>> Coordinates(stsf.load_sample()).G.shape
        torch.Size([4, 114])
    """

    def __init__(self, scene: Scene) -> None:
        plane = working_plane(scene)
        self.encode: Map = plane.encoder.tensors()
        self.decode: Map = plane.decoder.tensors()
        self.R = rows(scene.R.R.T)
        self.G = rows(spectral_gain(scene).T)
        self.G_z = self.G @ self.encode.weights.T
        self.to_ms = self._as_ms(self.decode)
        self._canonical(scene)

    def _as_ms(self, decode: Map) -> Map:
        """What the MS sees of spectra in coordinates."""
        return LinearMap(decode.offset @ self.R, (decode.weights.T @ self.R).T)

    def _canonical(self, scene: Scene) -> None:
        """Maps between bands, canonical and working coordinates."""
        within = canonical.inside(scene.hs)
        encode, decode = canonical.read(scene.hs.select(within))
        weights = torch.zeros(len(within), K)
        weights[torch.as_tensor(within)] = encode.weights.T
        self.to_canonical: Map = LinearMap(encode.offset, weights.T)
        self.from_canonical = _extended(decode, within, scene)
        self.canonical_to_ms = self._as_ms(self.from_canonical)
        A = self.canonical_to_ms.weights.T  # (K, C)
        noise = torch.diag(rows(scene.noise_ms) ** 2 + 4e-6)
        self.canonical_G = torch.linalg.solve(A.T @ A + noise, A.T)
        self.canonical_GR = A @ self.canonical_G
        self.work_to_canonical = self.decode.then(self.to_canonical)
        self.canonical_to_work = self.from_canonical.then(self.encode)

    def consistent(self, z: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        """One MMSE correction of working coordinates (n, K) to MS pixels (n, C)."""
        return z + (m - self.to_ms(z)) @ self.G_z

    @cached_property
    def energy(self) -> torch.Tensor:
        """(K,) squared reflectance, summed over the bands, of one unit of each coordinate."""
        return self.decode.weights.T.square().sum(1)

    @cached_property
    def uncorrected(self) -> torch.Tensor:
        """(K, L) what the last correction to M2 leaves of an error: (I - R G) on its decoding."""
        weights = self.decode.weights.T
        return weights - weights @ self.R @ self.G


def working_plane(scene: Scene) -> Subspace:
    """Principal components of Y1's spectra and a few mixtures of library spectra."""
    y = pixels(scene.lrhs_t1, scene.valid_lr)
    count = max(int(LIBRARY_SHARE * len(y)), 2 * K)
    spectra = np.tile(y.mean(axis=0), (count, 1))  # bands outside the library do not vary
    within = canonical.inside(scene.hs)
    fine, wavelength = canonical.mixtures(count)
    spectra[:, within] = fine @ scene.hs.select(within).response(wavelength).T
    return fit_subspace(np.concatenate([y, spectra]), K)


def _extended(decode: Map, within: np.ndarray, scene: Scene) -> Map:
    """The decoder for all bands; those outside the library by regression on this scene's Y1."""
    if within.all():
        return decode
    y = pixels(scene.lrhs_t1, scene.valid_lr)
    design = np.column_stack([np.ones(len(y)), y[:, within]])
    gram = design.T @ design
    gram += 1e-3 * np.trace(gram) / len(within) * np.eye(len(gram))
    rest = np.linalg.solve(gram, design.T @ y[:, ~within])
    offset, weights = torch.zeros(len(within)), torch.zeros(K, len(within))
    keep, lost = torch.as_tensor(within), torch.as_tensor(~within)
    other = decode.then(LinearMap(rows(rest[0]), rows(rest[1:]).T))
    offset[keep], weights[:, keep] = decode.offset, decode.weights.T
    offset[lost], weights[:, lost] = other.offset, other.weights.T
    return LinearMap(offset, weights.T)
