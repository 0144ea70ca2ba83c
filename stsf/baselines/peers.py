"""Spatial-temporal fusion's family, as far as it can be had without a coarse image at t2.

STARFM, ESTARFM, Fit-FC and FSDAF take the change from two coarse images of one sensor, one per
date. Here the coarse hyperspectral image of t2 does not exist: the change that the multispectral
image saw stands in for it, hence "like". Each is exact where its own assumption holds; the tests
show where.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import uniform_filter
from sklearn.cluster import KMeans

from stsf.baselines.registry import register
from stsf.baselines.temporal import injection
from stsf.linear import pixels
from stsf.projection import inject, spectral_gain
from stsf.scene import Scene
from stsf.sensing.subspace import fit_subspace

RADIUS = 3  # px to the farthest similar neighbour
ALIKE = 0.02  # squared difference, in band σ, at which a neighbour counts 1/e
COORDINATES = 12  # spectral coordinates of ESTARFM-like
WINDOW = 9  # px a side of the regressions of Fit-FC-like
CLASSES = 12  # of FSDAF-like, at both dates together
KNOTS = 300  # at most, of its thin plate
COMPONENTS = 2  # of the variability


def _scaled(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """M1 and M2 in units of each band's spread at t1."""
    sigma = scene.hrms_t1.std(axis=(1, 2))[:, None, None] + 1e-9
    return scene.hrms_t1 / sigma, scene.hrms_t2 / sigma


def _neighbours(*alike: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Offset (dy, dx) of every neighbour, and (H, W) how much it counts for each pixel."""
    for dy in range(-RADIUS, RADIUS + 1):
        for dx in range(-RADIUS, RADIUS + 1):
            apart = sum(((m - _moved(m, dy, dx)) ** 2).mean(0) for m in alike)
            yield dy, dx, np.exp(-apart / ALIKE) / (1 + np.hypot(dy, dx) / RADIUS)


def _moved(cube: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """The neighbour (dy, dx) of every pixel, edges repeated."""
    rows = np.clip(np.arange(cube.shape[1]) + dy, 0, cube.shape[1] - 1)
    columns = np.clip(np.arange(cube.shape[2]) + dx, 0, cube.shape[2] - 1)
    return cube[:, rows[:, None], columns]


def _smoothed(cube: np.ndarray, scene: Scene) -> np.ndarray:
    """(L, H, W) mean over the neighbours that are alike at both dates."""
    total, weights = np.zeros_like(cube), np.zeros(scene.size, np.float32)
    for dy, dx, w in _neighbours(*_scaled(scene)):
        total += w * _moved(cube, dy, dx)
        weights += w
    return total / weights


@register(
    "starfm-like", target="x2", label="STARFM-like", reference="Gao et al., IEEE TGRS 44(8), 2006"
)
def starfm_like(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """Weighted mean, over similar neighbours, of X1 plus the injected MS change.

    Gao et al., "On the blending of the Landsat and MODIS surface reflectance", IEEE TGRS 44(8),
    2006. Exact where cover is homogeneous and the MS sees the whole change.
    """
    return _smoothed(injection(scene, x1), scene)


@register(
    "estarfm-like", target="x2", label="ESTARFM-like", reference="Zhu et al., RSE 114(11), 2010"
)
def estarfm_like(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """X1 + V (M2 - M1), the conversion coefficients V of each pixel from its similar neighbours.

    Zhu et al., "An enhanced spatial and temporal adaptive reflectance fusion model for complex
    heterogeneous regions", RSE 114(11), 2010. V is a ridge regression of the neighbours' spectra
    on their M1, toward the MMSE gain of the whole scene. Exact where the spectra of a
    neighbourhood are a straight line of its MS pixels at both dates.
    """
    space = fit_subspace(scene.lrhs_t1, COORDINATES, scene.valid_lr)
    z1, (m1, m2) = space.encode(x1), _scaled(scene)
    prior = space.encoder.weights @ spectral_gain(scene) * scene.hrms_t1.std(axis=(1, 2))  # (k, C)
    bands = len(m1)
    gram = np.zeros((*scene.size, bands, bands))
    cross = np.zeros((*scene.size, len(z1), bands))
    # sums over similar neighbours
    for dy, dx, w in _neighbours(m1):
        dm = np.moveaxis(_moved(m1, dy, dx) - m1, 0, -1)
        dz = np.moveaxis(_moved(z1, dy, dx) - z1, 0, -1) - dm @ prior.T
        gram += w[..., None, None] * dm[..., :, None] * dm[..., None, :]
        cross += w[..., None, None] * dz[..., :, None] * dm[..., None, :]
    # what the prior leaves, damped
    gram += 0.02 * np.eye(bands)
    slopes = prior + np.linalg.solve(gram, np.swapaxes(cross, -1, -2)).swapaxes(-1, -2)
    change = np.einsum("yxkc,cyx->kyx", slopes, m2 - m1)
    x2 = x1 + space.decode(z1 + change) - space.decode(z1)
    return inject(x2, scene.hrms_t2, spectral_gain(scene), scene.R)


@register(
    "fit-fc-like", target="x2", label="Fit-FC-like", reference="Wang & Atkinson, RSE 204, 2018"
)
def fit_fc_like(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """Regression of the dates in windows, filtering over similar neighbours, residuals returned.

    Wang & Atkinson, "Spatio-temporal fusion for daily Sentinel-2 images", RSE 204, 2018. Gain and
    offset from M1 to M2 are fitted in windows of WINDOW pixels, read off for the HS bands along
    the wavelength, and applied to X1; what M2 then still misses is given back by the MMSE gain.
    Exact where one gain and one offset carry all bands from date to date.
    """
    m1, m2 = scene.hrms_t1.astype(float), scene.hrms_t2.astype(float)

    def mean(a: np.ndarray) -> np.ndarray:
        return uniform_filter(a, (0, WINDOW, WINDOW), mode="nearest")

    # regression in windows
    spread = mean(m1 * m1) - mean(m1) ** 2
    gain = (mean(m1 * m2) - mean(m1) * mean(m2)) / (spread + 1e-3 * m1.var())
    gain = np.clip(gain, 0.0, 5.0)
    offset = mean(m2) - gain * mean(m1)
    # along the wavelength
    along = _interpolation(scene)
    x2 = np.einsum("lc,cyx->lyx", along, gain) * x1 + np.einsum("lc,cyx->lyx", along, offset)
    # the change of similar neighbours, and what is still missed
    x2 = x1 + _smoothed(x2 - x1, scene)
    return inject(x2, scene.hrms_t2, spectral_gain(scene), scene.R)


def _interpolation(scene: Scene) -> np.ndarray:
    """(L, C) weights that read a value per MS band off at every HS band; constant beyond."""
    order = np.argsort(scene.ms.centre)
    rows = [np.interp(scene.hs.centre, scene.ms.centre[order], row) for row in np.eye(len(order))]
    weights = np.empty((len(scene.hs), len(order)))
    weights[:, order] = np.stack(rows, axis=1)
    return weights


@register("fsdaf-like", target="x2", label="FSDAF-like", reference="Zhu et al., RSE 172, 2016")
def fsdaf_like(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """The change of each pixel's class, and what it misses as a thin plate through the image.

    Zhu et al., "A flexible spatiotemporal method for fusing satellite images with different
    resolutions", RSE 172, 2016. Classes are those of the MS pixels of both dates; the spectrum of
    a class is its mean in X1. Residuals of the MS go, smooth as a thin plate (Dubrule 1984) and
    then whole, through the MMSE gain. Exact where classes are homogeneous.
    """
    both = np.concatenate([pixels(m) for m in _scaled(scene)])
    first = both[: len(both) // 2]
    count = min(CLASSES, len(np.unique(first, axis=0)))
    classes = KMeans(count, n_init=1, random_state=0).fit(first)
    at_t1, at_t2 = classes.predict(first), classes.predict(both[len(first) :])
    # the spectrum of each class, and how each pixel's class changed
    x = pixels(x1)
    spectra = np.stack([x[at_t1 == k].mean(axis=0) for k in range(count)])
    change = (spectra[at_t2] - spectra[at_t1]).T.reshape(x1.shape)
    gain = spectral_gain(scene)
    # what the classes miss, as a thin plate
    missed = scene.hrms_t2 - scene.hrms_t1 - scene.R.A(change.astype(np.float32))
    step = max(1, round((missed[0].size / KNOTS) ** 0.5))
    coarse = uniform_filter(missed, (0, WINDOW, WINDOW), mode="nearest")[:, ::step, ::step]
    knots = np.moveaxis(np.mgrid[: scene.size[0] : step, : scene.size[1] : step], 0, -1).reshape(
        -1, 2
    )
    place = np.moveaxis(np.mgrid[: scene.size[0], : scene.size[1]], 0, -1).reshape(-1, 2)
    plate = RBFInterpolator(knots, pixels(coarse), neighbors=32, smoothing=1.0)
    smooth = plate(place).T.reshape(missed.shape)
    x2 = x1 + change + np.einsum("lc,cyx->lyx", gain, smooth)
    # and what is left, pixel by pixel
    return inject(x2, scene.hrms_t2, gain, scene.R)


BORSOI = "Borsoi et al., IEEE TIP 29, 2020"


@register("variability", target="x2", label="Multiplicative variability", reference=BORSOI)
def variability(scene: Scene, x1: np.ndarray) -> np.ndarray:
    """X2 = X1 ∘ V, V of low rank: what lies between the dates is a factor per pixel and band.

    A factor per band on every spectrum is how Borsoi, Imbiriba & Bermudez, "Super-resolution for
    hyperspectral and multispectral image fusion accounting for seasonal spectral variability",
    IEEE TIP 29, 2020, let materials vary between the dates. log V is read off log M2 - log M1
    along the wavelength; COMPONENTS of it are kept. Exact where a pixel is brighter or darker.
    """
    least = 1e-3  # reflectance; below it a ratio means nothing
    ratio = np.log(np.maximum(scene.hrms_t2, least) / np.maximum(scene.hrms_t1, least))
    flat = pixels(ratio)
    u, s, vt = np.linalg.svd(flat, full_matrices=False)
    kept = (u[:, :COMPONENTS] * s[:COMPONENTS]) @ vt[:COMPONENTS]
    log_v = kept @ _interpolation(scene).T
    x2 = x1 * np.exp(np.clip(log_v, -2.0, 2.0)).T.reshape(x1.shape)
    return inject(x2, scene.hrms_t2, spectral_gain(scene), scene.R)
