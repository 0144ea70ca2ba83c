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
from stsf.evidence.candidates import Pairing, Part
from stsf.evidence.coordinates import Coordinates
from stsf.evidence.difference_image import DatePairs, Difference, difference_image
from stsf.evidence.fourier import FourierRegression
from stsf.evidence.local import local_wiener
from stsf.evidence.missed import missed_around
from stsf.evidence.neighbours import NeighbourRegression
from stsf.evidence.pseudo_changes import Known, PseudoChanges, Tests
from stsf.linear import denoise, like, pixels, rows
from stsf.scene import Scene

NOISE_LEFT = 0.5  # of the variance of the MS noise, after `local_wiener`
PAIRS = 8000  # high-resolution pairs to fit
DENSE = 30000  # at most, for the neighbours: the denser they lie, the nearer they are


class Evidence:
    """Candidates for every pixel of a scene, and the pseudo-changes to test them on.

    Args:
        scene: the observations.
        x1: (L, H, W) estimate of X1.
        seed: of the pairs and pseudo-changes that are drawn.
        with_pixels: False makes no candidates for the scene's own pixels: for `part` only.

    Attributes:
        scene: the observations.
        coordinates: working and canonical ones, and the maps between them.
        detector: (L,) 0 for bands of the first HS detector, 1 for all others.
        known: what is known at t1 and low resolution.
        regression: of the scene, from MS pixels to working coordinates.
        pair: makes pairs of dates of this scene.
        all: the pixels of the scene, row by row; M1 and M2 freed from noise (`local_wiener`).
        to_known: pseudo-changes to spectra that the scene knows.
        calm: pseudo-changes of ground that hardly changes.
        surroundings: (H·W, 5) mean of `cover` over 7 × 7 pixels; the same, cover and change over
            their medians; rank of cover, 0 to 1.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample().crop(slice(0, 20), slice(0, 20))
        >>> evidence = Evidence(scene, scene.D.upsample(scene.lrhs_t1))
        >>> evidence.all.candidates.shape
        torch.Size([3600, 9, 16])
    """

    def __init__(
        self,
        scene: Scene,
        x1: np.ndarray | torch.Tensor,
        seed: int = 0,
        *,
        with_pixels: bool = True,
    ) -> None:
        draw = torch.Generator().manual_seed(seed)
        self.scene = scene
        self.coordinates = Coordinates(scene)
        self.detector = torch.as_tensor(scene.hs.detector).clamp_max(1).long()
        self._middle = [m.mean(axis=(1, 2)) for m in (scene.hrms_t1, scene.hrms_t2)]
        sharp = self._sharp(scene)
        # what is known at t1 and low resolution
        self._clean = _denoiser(scene)
        self.known = self._known(scene, sharp[0])
        m = self.known.m
        # the scene's regression, on that and on pairs at high resolution
        first, m1, m2 = _in_rows(x1, *sharp)
        good = torch.as_tensor(scene.valid_hr.ravel()).nonzero()[:, 0]
        some = good[torch.randperm(len(good), generator=draw)[:PAIRS]]
        fitted = (
            torch.cat([m, m1[some]]),
            torch.cat([self.known.z, self.coordinates.encode(first[some])]),
        )
        dense = good[:: 1 + len(good) // DENSE]
        near = NeighbourRegression(m1[dense], self.coordinates.encode(first[dense]))
        self.regression = FourierRegression(*fitted, seed, near)
        # candidates for every pixel
        self.pair = Pairing(self.coordinates, m.std(0) + 1e-6)
        here = self._missed(scene, self.known)
        own = Part(first, m1, m2, self._fine(scene, here))
        if not with_pixels:
            own = Part(*(values[:0].clone() for values in own))
        self.all = self.pair(*own, self.regression)
        changes = self.all if with_pixels else difference_image(m1, m2, self.pair.band_spread)
        self._compare(changes, m1, m2)
        # and changes with known answers, to test them on
        self._draw_pseudo_changes(here, draw)

    def _draw_pseudo_changes(self, here: np.ndarray, draw: torch.Generator) -> None:
        pair, known, whole = self.pair, self.known, self.regression
        chosen = pseudo_changes.drawn(len(known.y), draw)
        where = self.scene.valid_lr
        self.to_known = pseudo_changes.to_known_spectra(pair, known, chosen, where, whole)
        missed = rows(here[:, where].T)
        calm, y2 = pseudo_changes.of_calm_ground(pair, known, chosen, missed, whole, draw)
        self.calm = PseudoChanges(calm, self.coordinates.encode(y2))

    @property
    def tests(self) -> Tests:
        """All pseudo-changes."""
        return Tests(self.to_known, self.calm)

    def _known(self, scene: Scene, m1: np.ndarray) -> Known:
        """What is known at t1 and low resolution of the scene, or of a part of it."""
        mean, wiener = self._clean
        y = mean + (rows(pixels(scene.lrhs_t1, scene.valid_lr)) - mean) @ wiener
        m = rows(pixels(scene.D_ms.A(m1), scene.valid_lr))
        return Known(y, m, self.coordinates.encode(y))

    def _missed(self, scene: Scene, known: Known) -> np.ndarray:
        """(K, h, w) what the smooth regression misses around each LR pixel."""
        return missed_around(known.z - self.regression(known.m)[0], scene.valid_lr)

    @staticmethod
    def _fine(scene: Scene, maps: np.ndarray) -> torch.Tensor:
        """(H·W, K) of maps (K, h, w), upsampled."""
        up = scene.D.at(np.zeros(len(maps), int)).upsample(maps)
        return rows(up.reshape(len(maps), -1).T)

    def _sharp(self, scene: Scene) -> list[np.ndarray]:
        """M1 and M2 of the scene, or of a part of it, freed from noise."""
        noise, dates = self.scene.noise_ms, (scene.hrms_t1, scene.hrms_t2)
        return [local_wiener(m, noise, middle=c) for m, c in zip(dates, self._middle)]

    def look_around(self) -> None:
        """Set each pixel in its scene: `surroundings`; again whenever `all` was changed."""
        self._compare(self.all, self.all.m1, self.all.m2)

    def _compare(self, changes: DatePairs | Difference, m1: torch.Tensor, m2: torch.Tensor) -> None:
        """Measure all pixels against one another; keep what is known of those in `all`."""
        cover, change = changes.cover, changes.change
        values = torch.stack([_context(cover, self.scene.size).ravel(), cover, change], 1)
        order = cover.argsort()
        self._median = values.median(0).values.clamp_min(1e-6)
        self._covers = cover[order]
        rank = torch.empty(len(order))
        rank[order] = torch.linspace(0, 1, len(order))
        dates = [m.T.reshape(-1, *self.scene.size).numpy() for m in (m1, m2)]
        detail = self._detail(dates, (slice(None), slice(None)))
        own = slice(len(self.all))  # copied: a part alone would keep the whole in memory
        self.surroundings = self._standing(values, rank)[own].clone()
        self.detail = detail[own].clone()

    def _detail(self, dates: list[np.ndarray], inner: tuple[slice, slice]) -> torch.Tensor:
        """(n, 2) detail of M1 and M2 in a part of the scene."""
        scale = self.pair.band_spread.numpy()[:, None, None]
        fine = [np.square((m - uniform_filter(m, (0, 5, 5))) / scale).mean(0) for m in dates]
        return torch.stack([rows(part[inner].ravel()) for part in fine], 1)

    def _standing(self, values: torch.Tensor, rank: torch.Tensor) -> torch.Tensor:
        return torch.cat([values[:, :1], values / self._median, rank[:, None]], 1)

    def part(self, scene: Scene, x1: np.ndarray, inner: tuple[slice, slice]) -> Evidence:
        """The same for other pixels of the scene: nothing is estimated anew.

        Args:
            scene: a part of the scene.
            x1: (L, h, w) estimate of X1 in `inner`.
            inner: rows and columns of the part that are looked at. A dozen pixels from its border,
                and at that of the whole, pixels have the values that they have in the whole.
        """
        here, sharp = copy(self), self._sharp(scene)
        first, m1, m2 = _in_rows(x1, *(m[:, *inner] for m in sharp))
        missed = self._fine(scene, self._missed(scene, self._known(scene, sharp[0])))
        missed = missed.reshape(*scene.size, -1)[inner].flatten(0, 1)
        here.all = self.pair(first, m1, m2, missed, self.regression)
        all_m1, all_m2 = _in_rows(*sharp)
        cover = difference_image(all_m1, all_m2, self.pair.band_spread).cover
        context = _context(cover, scene.size)[inner].ravel()
        values = torch.stack([context, here.all.cover, here.all.change], 1)
        rank = torch.searchsorted(self._covers, here.all.cover) / max(len(self._covers) - 1, 1)
        here.surroundings = here._standing(values, rank.clamp_max(1.0))
        here.detail = self._detail(sharp, inner)
        return here

    @cached_property
    def spread(self) -> torch.Tensor:
        """(K,) standard deviation of each working coordinate in the scene."""
        return self.known.z.std(0).clamp_min(1e-3)

    @cached_property
    def hs_spread(self) -> torch.Tensor:
        """(L,) standard deviation of each band of Y1 in the scene."""
        return self.known.y.std(0)

    @cached_property
    def floor(self) -> torch.Tensor:
        """(L,) variance that X2 misses in any case.

        What the noise left in M2 brings in, and what the coordinates cannot express.
        """
        maps, y = self.coordinates, self.known.y
        beyond = (y - maps.decode(self.known.z)).var(0)
        noise = NOISE_LEFT * like(self.scene.noise_ms, y).square() @ maps.G.square()
        return noise + beyond + 1e-8

    @cached_property
    def explained(self) -> torch.Tensor:
        """(K,) share of each coordinate's variance in the scene that the MS explains."""
        C, A = torch.diag(self.spread**2), self.coordinates.to_ms.weights.T
        noise = torch.diag(like(self.scene.noise_ms, A) ** 2 + 1e-6)
        unknown = C - C @ A @ torch.linalg.solve(A.T @ C @ A + noise, A.T @ C)
        return (1 - torch.diagonal(unknown) / self.spread**2).clamp(0, 1)


def _context(cover: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(H, W) mean of `cover` (H·W,) over 7 × 7 pixels."""
    return torch.from_numpy(uniform_filter(cover.reshape(size).numpy(), 7))


def _in_rows(*cubes: np.ndarray | torch.Tensor) -> list[torch.Tensor]:
    """(b, H, W) -> (H·W, b), each."""
    return [rows(cube.reshape(len(cube), -1).T) for cube in cubes]


def _denoiser(scene: Scene) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (L,) of Y1, and the matrix (L, L) of the MMSE estimate of what is beside it."""
    y = rows(pixels(scene.lrhs_t1, scene.valid_lr))
    return y.mean(0), rows(denoise(scene.lrhs_t1, scene.noise_hs, scene.valid_lr)).T
