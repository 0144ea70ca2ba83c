"""Evidence: what the scene itself says about t2, before anything learnt elsewhere has a say.

Several simple answers are made for every pixel (`stsf.evidence.candidates`), and each is put to the
test where the truth is known, on changes made of the scene itself (`stsf.evidence.pseudo_changes`).
The fine-tuning network, which has seen simulated scenes only, has to pass the same tests.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property

import numpy as np
import torch
from scipy.ndimage import uniform_filter

from stsf.evidence import pseudo_changes
from stsf.evidence.candidates import Pairing
from stsf.evidence.coordinates import Coordinates
from stsf.evidence.fourier import FourierRegression
from stsf.evidence.local import local_wiener
from stsf.evidence.pseudo_changes import Known, PseudoChanges
from stsf.linear import denoise, pixels, rows
from stsf.scene import Scene

NOISE_LEFT = 0.5  # of the variance of the MS noise, after `local_wiener`
PAIRS = 8000  # high-resolution pairs to fit


class Evidence:
    """Candidates for every pixel of a scene, and the pseudo-changes to test them on.

    Args:
        scene: the observations.
        x1: (L, H, W) estimate of X1.
        seed: of the pairs and pseudo-changes that are drawn.

    Attributes:
        scene: the observations.
        coordinates: working and canonical ones, and the maps between them.
        known: what is known at t1 and low resolution.
        regression: of the scene, from MS pixels to working coordinates.
        pair: makes pairs of dates of this scene.
        all: the pixels of the scene, row by row; M1 and M2 freed from noise (`local_wiener`).
        to_known: pseudo-changes to kinds of spectra that the scene knows.
        to_novel: pseudo-changes to kinds that the regressions have never met.
        calm: pseudo-changes of ground that hardly changes.
        surroundings: (H·W, 5) mean of `cover` over 7 × 7 pixels; the same, cover and change over
            their medians; rank of cover, 0 to 1.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample().crop(slice(0, 20), slice(0, 20))
        >>> evidence = Evidence(scene, scene.D.upsample(scene.lrhs_t1))
        >>> evidence.all.candidates.shape
        torch.Size([3600, 8, 16])
    """

    def __init__(self, scene: Scene, x1: np.ndarray, seed: int = 0) -> None:
        draw = torch.Generator().manual_seed(seed)
        self.scene = scene
        self.coordinates = Coordinates(scene)
        sharp = _sharp(scene, scene.noise_ms)
        # what is known at t1 and low resolution
        y = _denoised(scene)
        m = rows(pixels(scene.D_ms.A(sharp[0]), scene.valid_lr))
        self.known = Known(y, m, self.coordinates.encode(y))
        # the scene's regression, on that and on pairs at high resolution
        first, m1, m2 = _in_rows(x1, *sharp)
        good = torch.as_tensor(scene.valid_hr.ravel()).nonzero()[:, 0]
        some = good[torch.randperm(len(good), generator=draw)[:PAIRS]]
        fitted = (
            torch.cat([m, m1[some]]),
            torch.cat([self.known.z, self.coordinates.encode(first[some])]),
        )
        self.regression = FourierRegression(*fitted, seed)
        # candidates for every pixel
        self.pair = Pairing(self.coordinates, m.std(0) + 1e-6)
        self.all = self.pair(first, m1, m2, self.regression)
        self.look_around()
        # and changes with known answers, to test them on
        self._draw_pseudo_changes(fitted, draw)

    def _draw_pseudo_changes(
        self, fitted: tuple[torch.Tensor, torch.Tensor], draw: torch.Generator
    ) -> None:
        pair, known, whole = self.pair, self.known, self.regression
        chosen = pseudo_changes.drawn(len(known.y), draw)
        blocks = torch.as_tensor(self.scene.valid_lr).nonzero() // 4
        self.to_known = pseudo_changes.to_known_kinds(pair, known, chosen, blocks, whole)
        calm, y2 = pseudo_changes.of_calm_ground(pair, known, chosen, whole, draw)
        self.calm = PseudoChanges(calm, self.coordinates.encode(y2))
        self.to_novel = pseudo_changes.to_novel_kinds(
            pair, known, self.coordinates.energy, fitted, whole, draw
        )

    def look_around(self) -> None:
        """Set each pixel in its scene: `surroundings`; again whenever `all` was changed."""
        values, order = self._around(self.scene.size), self.all.cover.argsort()
        self._median = values.median(0).values.clamp_min(1e-6)
        self._covers = self.all.cover[order]
        rank = torch.empty(len(order))
        rank[order] = torch.linspace(0, 1, len(order))
        self.surroundings = self._standing(values, rank)

    def _around(self, size: tuple[int, int]) -> torch.Tensor:
        """(H·W, 3) mean of `cover` over 7 × 7 pixels, cover and change."""
        cover = self.all.cover
        context = rows(uniform_filter(cover.reshape(size).numpy(), 7).ravel())
        return torch.stack([context, cover, self.all.change], 1)

    def _standing(self, values: torch.Tensor, rank: torch.Tensor) -> torch.Tensor:
        return torch.cat([values[:, :1], values / self._median, rank[:, None]], 1)

    def part(self, scene: Scene, x1: np.ndarray) -> Evidence:
        """The same for the pixels of a part of the scene: nothing is estimated anew.

        Args:
            scene: the part. A dozen pixels from its border, and at that of the whole, pixels have
                the values that they have in the whole.
            x1: (L, H, W) estimate of X1 there.
        """
        here = copy(self)
        first, m1, m2 = _in_rows(x1, *_sharp(scene, self.scene.noise_ms))
        here.all = self.pair(first, m1, m2, self.regression)
        place = torch.searchsorted(self._covers, here.all.cover) / max(len(self._covers) - 1, 1)
        here.surroundings = here._standing(here._around(scene.size), place.clamp_max(1.0))
        return here

    @cached_property
    def spread(self) -> torch.Tensor:
        """(K,) standard deviation of each working coordinate in the scene."""
        return self.known.z.std(0).clamp_min(1e-3)

    @cached_property
    def floor(self) -> torch.Tensor:
        """(L,) variance that X2 misses in any case.

        What the noise left in M2 brings in, and what the coordinates cannot express.
        """
        maps, y = self.coordinates, self.known.y
        beyond = (y - maps.decode(self.known.z)).var(0)
        noise = NOISE_LEFT * rows(self.scene.noise_ms).square() @ maps.G.square()
        return noise + beyond + 1e-8

    @cached_property
    def explained(self) -> torch.Tensor:
        """(K,) share of each coordinate's variance in the scene that the MS explains."""
        C, A = torch.diag(self.spread**2), self.coordinates.to_ms.weights.T
        noise = torch.diag(rows(self.scene.noise_ms) ** 2 + 1e-6)
        unknown = C - C @ A @ torch.linalg.solve(A.T @ C @ A + noise, A.T @ C)
        return (1 - torch.diagonal(unknown) / self.spread**2).clamp(0, 1)


def _sharp(scene: Scene, noise: np.ndarray) -> list[np.ndarray]:
    """M1 and M2 freed from noise."""
    return [local_wiener(m, noise) for m in (scene.hrms_t1, scene.hrms_t2)]


def _in_rows(*cubes: np.ndarray) -> list[torch.Tensor]:
    """(b, H, W) -> (H·W, b), each."""
    return [rows(cube.reshape(len(cube), -1).T) for cube in cubes]


def _denoised(scene: Scene) -> torch.Tensor:
    """(n, L) MMSE estimate of every spectrum of Y1."""
    y = rows(pixels(scene.lrhs_t1, scene.valid_lr))
    wiener = rows(denoise(scene.lrhs_t1, scene.noise_hs, scene.valid_lr))
    mean = y.mean(0)
    return mean + (y - mean) @ wiener.T
