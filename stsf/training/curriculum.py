"""The scenes that a network is trained on: as different from one another as can be had.

Diversity of scenes was worth more than time. Everything that differs from sensor to sensor and
from place to place is drawn anew for every scene; the model knows only what a user would know.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from stsf.degradation import Psf, mtf_sigma
from stsf.scene import Scene
from stsf.sensing.bands import Sensor
from stsf.sensing.sensors import S2_4, S2_10, ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import Imperfections, observe
from stsf.world.physical import physical
from stsf.world.simulation import simulate
from stsf.world.strange import estranged, exchanged

SHIFT = 0.2  # HR px left after registration, HS and MS alike
STRANGE = (0.1, 0.25, 0.5)
ELSEWHERE = 500_000  # added to the seed of a place: another one, whose content may come at t2


def draw(seed: int, size: int = 96, strange: float = 0.5, foreign: float = 0.0) -> Scene:
    """One training scene with its truth; training materials, AHSI's clean bands.

    Half are of four MS bands, three in ten of ten, one in five of a random choice; ratio 3 in four
    of six, else 2 or 4; SNR 28-42 dB (HS) and 32-46 dB (MS). In seven of ten the physics is
    wrong as `Imperfections.draw` has it, ground that changed between Y1 and M1 and stripes
    included, but shifts, gains and offsets as registration and calibration leave them: up to
    0.2 px, 1 % and 0.001. MTF 0.15-0.45 along and across, the SWIR in three of four blurrier by up
    to σ 0.8 px, which the model is told half the time.

    Args:
        seed: which scene.
        size: pixels along a side, a multiple of 12.
        strange: probability that a place is estranged, that its second date is made by exchange
            (`stsf.world.strange`), and that what is exchanged then comes from another place: the
            scene has never shown it. The SFTN is taught little of it: enough to know that a library
            does not always hold. The estimator is taught much of it: whom to trust.
        foreign: probability that the place shares no spectrum with the library
            (`stsf.world.physical`), so that the estimator meets an SFTN that is wrong.

    Example:
        >>> scene = draw(0, size=24)
        >>> scene.hrhs_t2 is not None and 2 <= scene.ratio <= 4
        True
    """
    rng = np.random.default_rng([seed, 4])
    # the place, now and then with content from elsewhere or with strange spectra
    kind: Literal["parcels", "dead-leaves"] = "parcels" if rng.random() < 0.7 else "dead-leaves"
    abroad = np.random.default_rng([seed, 6]).random() < foreign
    place = physical(seed, size) if abroad else simulate(seed, size, "train", kind=kind)
    if rng.random() < strange:
        dice = np.random.default_rng([seed, 7]).random()
        elsewhere = seed + ELSEWHERE if dice < strange else None
        donor = None
        if elsewhere is not None:
            donor = (
                physical(elsewhere, size)
                if abroad
                else simulate(elsewhere, size, "train", kind=kind)
            )
        place = exchanged(place, seed, donor)
    if rng.random() < strange:
        place = estranged(place, float(rng.choice(STRANGE)), seed)
    # the sensors that look at it
    hs, ms = sensors(rng)
    ratio = int(rng.choice([2, 3, 3, 3, 3, 4]))
    psf = draw_psf(rng, ms, ratio)
    # what is wrong with the images, and whether the model is told
    wrong = replace(
        Imperfections.draw(seed, hs, ms, ratio),
        psf=psf,
        shift_hs=tuple(rng.uniform(-SHIFT, SHIFT, 2).tolist()),
        shift_ms1=tuple(rng.uniform(-SHIFT, SHIFT, 2).tolist()),
        gain_ms=rng.uniform(0.99, 1.01, len(ms)),
        offset_ms=rng.uniform(-0.001, 0.001, len(ms)),
    )
    exact, known = rng.random() < 0.3, rng.random() < 0.5
    snr_hs, snr_ms = rng.uniform(28, 42), rng.uniform(32, 46)
    imperfections = None if exact else wrong
    scene = observe(
        place, hs, ms, ratio, snr_hs=snr_hs, snr_ms=snr_ms, imperfections=imperfections, seed=seed
    )
    return replace(scene, psf=psf) if known and not exact else scene


def sensors(rng: np.random.Generator) -> tuple[Sensor, Sensor]:
    """AHSI's clean bands, and some bands of Sentinel-2."""
    hs = ahsi()
    dice = rng.random()
    some = np.sort(rng.choice(len(S2_10), rng.integers(3, 9), replace=False))
    bands = S2_4 if dice < 0.5 else S2_10 if dice < 0.8 else tuple(np.array(S2_10)[some])
    return hs.select(band_quality(hs.centre) == "clean"), sentinel2("A", bands=bands)


def draw_psf(rng: np.random.Generator, ms: Sensor, ratio: int) -> tuple[Psf, Psf]:
    """HS relative to MS, VNIR and SWIR."""
    sigma = np.array([mtf_sigma(g, ratio) for g in rng.uniform(0.15, 0.45, 2)])
    sharp = np.array([mtf_sigma(g, 1.0) for g in ms.mtf[0]])
    vnir = np.sqrt(np.maximum(sigma**2 - sharp**2, 0.35**2))
    extra = rng.uniform(0.0, 0.8) if rng.random() < 0.75 else 0.0
    return Psf(*vnir.tolist()), Psf(*np.sqrt(vnir**2 + extra**2).tolist())


def softened(scene: Scene, seed: int) -> tuple[Scene, tuple[float, float] | None]:
    """One scene in four with a product whose SWIR is softer than its VNIR, as in real images.

    X1 as an imaging spectrometer delivers it is itself blurred, the SWIR often more than the VNIR.
    Where such an image is the truth, as in Wald's protocol, that is part of what is asked for.

    Args:
        scene: with truth.
        seed: of the choice and the width.

    Returns:
        The scene, and the softness per detector that `stsf.evidence.prepare` is told; None in
        three of four cases, and in one of five of those that are soft.
    """
    rng = np.random.default_rng([seed, 5])
    if rng.random() < 0.75:
        return scene, None
    assert scene.hrhs_t1 is not None
    width = float(rng.uniform(0.2, 0.8))
    swir = scene.hs.detector == 1
    x1 = scene.hrhs_t1.copy()
    x1[swir] = gaussian_filter(x1[swir], width, axes=(1, 2))
    lost = scene.D.A(scene.hrhs_t1) - scene.D.A(x1)
    soft = replace(scene, hrhs_t1=x1, lrhs_t1=(scene.lrhs_t1 - lost).astype(np.float32))
    if scene.hrhs_t2 is not None:
        x2 = scene.hrhs_t2.copy()
        x2[swir] = gaussian_filter(x2[swir], width, axes=(1, 2))
        soft = replace(soft, hrhs_t2=x2)
    return soft, (0.0, width) if rng.random() < 0.8 else None
