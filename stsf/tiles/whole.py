"""What is estimated once for a whole scene, on the windows that stand for it.

- From one window of at most `SAMPLE` HS pixels a side: by how many pixels images are moved,
  shifts, PSF, response of the MS.
- From windows all over the scene: tie points, and the field of the shift between the dates.
- From the sample, which is the scene itself up to `SAMPLE`² HS pixels and windows spread over it
  beyond: noise, the regression and principal axes of SSJE; the coordinates and regressions of TVE,
  their record on pseudo-changes, how usual a change is.

A tile then takes these numbers and its own pixels: two tiles agree where they meet.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch

from stsf.alignment.agreement import check_agreement, check_units
from stsf.alignment.align import Alignment, align
from stsf.alignment.coverage import LEAST, covered_bands
from stsf.alignment.displacement import Displacement
from stsf.alignment.field import Places
from stsf.alignment.softness import Softness, product_softness
from stsf.alignment.tie_points import Ties, tie, windows
from stsf.errors import Doubt
from stsf.evidence.evidence import Evidence
from stsf.evidence.record import Record
from stsf.evidence.statistics import Statistics, statistics
from stsf.linear import moved
from stsf.network import DCSTSF, explained_share
from stsf.scene import Scene
from stsf.sensing.response import MIN_COVERAGE
from stsf.threads import one_at_a_time
from stsf.tiles.grid import Part, central, mosaic, places
from stsf.tiles.observations import Observations

CLEAR = 0.5  # share of a window that has data: enough to align by


@dataclass(frozen=True)
class Whole:
    """One scene in numbers, none of them of a pixel.

    Attributes:
        alignment: what is done to M1, M2 and the PSF; None where the sensors are trusted.
        softness: of the product; None where it is as sharp as the MS.
        statistics: of the SSJE.
        evidence: of the TVE, without pixels.
        tested: how the candidates did on pseudo-changes.
        noise_hs: (L,) standard deviation of the noise in Y1.
        noise_ms: (C,) likewise in M1 and M2.
        explained: (L,) share of each band's variance that the MS explains at t1.
    """

    alignment: Alignment | None
    softness: Softness | None
    statistics: Statistics
    evidence: Evidence
    tested: Record
    noise_hs: np.ndarray
    noise_ms: np.ndarray
    explained: np.ndarray

    def aligned(self, scene: Scene, at: Places) -> Scene:
        """A part of the scene as it is fused; `at` has its rows and columns in the whole, HR."""
        scene = _aligned(scene, self.alignment, at)
        return self.softness.apply(scene) if self.softness else scene

    def reasons(self, quality: np.ndarray, at: Places) -> np.ndarray:
        """Why the images of a part have no data (3, H, W), once it is aligned."""
        return self.alignment.registration.reasons(quality, at) if self.alignment else quality

    def seen(self, scene: Scene) -> Scene:
        """The same with an MS as soft as the product."""
        return self.softness.seen(scene) if self.softness else scene


def learn(
    observed: Observations,
    network: DCSTSF,
    *,
    calibrate: bool = True,
    softness: Sequence[float] | Literal["auto"] | None = None,
    force: bool = False,
) -> Whole:
    """Estimate everything that is not a pixel's own.

    Args:
        observed: the files.
        network: trained.
        calibrate: find shifts, PSF and MS response from the images.
        softness: of the product, see `stsf.fusion.fuse`.
        force: go on where the images contradict one another.

    Raises:
        InputError: images that do not show the same ground in the same bands and units.
    """
    part, window = _clearest(observed)
    window = covered_bands(window, LEAST if calibrate else MIN_COVERAGE)
    alignment = None
    if calibrate:
        survey = partial(_survey, observed)
        at = places([[part]], observed.ratio)
        window, alignment = align(window, check=not force, survey=survey, at=at)
        observed = moved_images(observed, alignment)
    elif not force:
        check_agreement(window)
    if not force:
        check_units(window)
    at = places(mosaic(observed.shape), observed.ratio)
    sample = _aligned(observed.sample(), alignment, at)
    soft = None
    if softness is not None:
        soft = product_softness(window, softness, alignment.registration.hs if alignment else ())
        sample = soft.apply(sample)
    # X1 of the sample, and what the TVE learns on it
    estimated = statistics(sample, softness=soft.values if soft else None)
    x1 = network.first_date(sample, estimated=estimated)
    sample = soft.seen(sample) if soft else sample
    with torch.no_grad():
        evidence = Evidence(sample, x1, with_pixels=False)
        tested = moved(network.tve.record(moved(evidence, network.device)), "cpu")
    of_bands = sample.noise_hs, sample.noise_ms, explained_share(sample)
    return Whole(alignment, soft, estimated, evidence, tested, *of_bands)


def moved_images(observed: Observations, alignment: Alignment | None) -> Observations:
    """The files as they are read once images that lie whole pixels off are moved."""
    if alignment is None:
        return observed
    return _moved(observed, alignment.displacement)


def _moved(observed: Observations, by: Displacement) -> Observations:
    return observed.moved(*((move.down, move.right) for move in (by.hs, by.ms1)))


def _survey(observed: Observations, displacement: Displacement) -> Ties:
    """Tie points all over the scene, read one window after the other."""
    seen = _moved(observed, displacement)

    def parts() -> Iterator[tuple[Part, Scene]]:
        for part in windows(seen.shape):
            cubes, _ = seen.cubes(part)
            if all(np.isfinite(cube).all(axis=0).mean() > CLEAR for cube in cubes):
                yield part, _aligned(seen.scene(cubes, part), None, None, LEAST)

    return tie(parts())


def _aligned(
    scene: Scene, alignment: Alignment | None, at: Places | None, least: float = MIN_COVERAGE
) -> Scene:
    with one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore", Doubt)  # said once, of the first window
        scene = covered_bands(scene, LEAST if alignment else least)
    return alignment.apply(scene, at) if alignment else scene


def _clearest(observed: Observations) -> tuple[Part, Scene]:
    """The first window of which at least half has data; else the one with most."""
    best: tuple[float, Part, Scene] | None = None
    for part in central(observed.shape):
        cubes, _ = observed.cubes(part)
        share = float(np.mean([np.isfinite(cube).all(axis=0).mean() for cube in cubes]))
        if best is None or share > best[0]:
            best = share, part, observed.scene(cubes, part)
        if share > CLEAR:
            break
    assert best is not None
    return best[1:]
