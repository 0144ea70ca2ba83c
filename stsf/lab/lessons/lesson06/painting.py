"""Lesson 06: paint a change into M2; the network answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import binary_dilation

from stsf.evidence.evidence import Evidence
from stsf.evidence.local import local_wiener
from stsf.linear import rows
from stsf.network import DCSTSF
from stsf.scene import Scene
from stsf.sensing.spectra import library

LARGEST = 12  # px, radius of the brush


REACH = 5  # px, how far a pixel counts when its neighbours are freed from noise


DOUBTFUL = 0.08  # σ (reflectance) at which the map of doubt is brightest


FROM_SCENE = "another pixel"


class Paint(NamedTuple):
    """A surface as both sensors see it.

    Attributes:
        name: what it is.
        hs: (L,) reflectance.
        ms: (C,) reflectance.
    """

    name: str
    hs: np.ndarray
    ms: np.ndarray


def material_paint(material: str, scene: Scene) -> Paint:
    """The most typical library spectrum of a material: the nearest to their mean.

    Only spectra that no network was trained on. Each sensor sees the fine spectrum through its own
    responses.

    Args:
        material: one of `stsf.sensing.spectra.MATERIALS`.
        scene: for its sensors.

    Example:
        >>> import stsf
        >>> paint = material_paint("snow", stsf.load_sample())
        >>> bool(paint.ms.min() > 0.5)
        True
    """
    unseen = library("test")
    mine = unseen.select(unseen.material == material)
    away = np.square(mine.spectra - mine.spectra.mean(axis=0)).sum(axis=1)
    typical = mine.select(np.arange(len(mine)) == np.argmin(away))
    return Paint(material, typical.at(scene.hs)[0], typical.at(scene.ms)[0])


def pixel_paint(scene: Scene, pixel: tuple[int, int]) -> Paint:
    """What another pixel of the scene is at t2."""
    x2 = scene.truth(2)
    y, x = pixel
    return Paint(f"pixel y = {y}, x = {x}", x2[:, y, x], scene.hrms_t2[:, y, x])


class Answer(NamedTuple):
    """What the network says of the window: X2 and σ (L, h, w), and the kept share of X1 (h, w)."""

    x2: np.ndarray
    sigma: np.ndarray
    kept: np.ndarray


class Canvas:
    """A window of a scene whose M2 can be painted on.

    Args:
        scene: with truth.
        network: trained.
        x1: (L, H, W) its estimate of X1.
        window: rows and columns of the scene that are looked at; only they can be painted.

    Attributes:
        m2: (C, H, W) as painted.
        truth: (L, H, W) X2 with the painted surfaces.
        painted: (H, W) True where painted.
        answer: what the network says of the window.
    """

    def __init__(
        self, scene: Scene, network: DCSTSF, x1: np.ndarray, window: tuple[slice, slice]
    ) -> None:
        self.scene, self.network, self.x1, self.window = scene, network, x1, window
        self.evidence = Evidence(scene, x1)
        with torch.no_grad():
            self._record = network.tve.record(self.evidence)
        self._numbers = np.arange(np.prod(scene.size)).reshape(scene.size)  # of the pixels' rows
        self._inside = torch.as_tensor(self._numbers[window].ravel())
        self._original = {k: v.clone() for k, v in self.evidence.all.named().items()}
        self.clear()

    def clear(self) -> None:
        """Wash everything off."""
        x2 = self.scene.truth(2)
        self.m2, self.truth = self.scene.hrms_t2.copy(), x2.copy()
        self.painted = np.zeros(self.scene.size, dtype=bool)
        for name, values in self._original.items():
            getattr(self.evidence.all, name).copy_(values)
        self._look()

    def brush(
        self, paint: Paint, places: Iterable[tuple[float, float]], radius: float, seed: int = 0
    ) -> None:
        """Paint discs into M2, with the noise that the MS has; `answer` follows.

        Args:
            paint: the new surface.
            places: centres (y, x) in pixels of the scene.
            radius: in pixels; 0 paints the pixel itself alone.
            seed: of the noise.
        """
        y, x = np.indices(self.scene.size)
        touched = np.zeros(self.scene.size, dtype=bool)
        for row, column in places:
            touched |= (y - row) ** 2 + (x - column) ** 2 <= max(radius, 0.5) ** 2
        mask = np.zeros_like(touched)
        mask[self.window] = touched[self.window]
        noise = np.random.default_rng(seed).standard_normal((len(paint.ms), int(mask.sum())))
        self.m2[:, mask] = paint.ms[:, None] + noise * self.scene.noise_ms[:, None]
        self.truth[:, mask] = paint.hs[:, None]
        self.painted |= mask
        self._repaint(mask)
        self._look()

    def at(self, pixel: tuple[int, int]) -> tuple[int, int]:
        """A pixel of the scene, counted within the window, as `answer` is."""
        return pixel[0] - self.window[0].start, pixel[1] - self.window[1].start

    def _repaint(self, mask: np.ndarray) -> None:
        """Make the candidates of some pixels (H, W) anew, and of those that share their noise."""
        mask = binary_dilation(mask, np.ones((3, 3)), iterations=REACH)
        every, chosen = self.evidence.all, torch.as_tensor(self._numbers[mask])
        m2 = rows(local_wiener(self.m2, self.scene.noise_ms)[:, mask].T)
        kept = (every.x1[chosen], every.m1[chosen], m2, every.missed[chosen])
        new = self.evidence.pair(*kept, self.evidence.regression)
        for name, values in new.named().items():
            getattr(every, name)[chosen] = values

    def _look(self) -> None:
        """Weigh the candidates of the window anew."""
        evidence, tve = self.evidence, self.network.tve
        evidence.look_around()
        with torch.no_grad():
            answer = tve.estimate(evidence, self._inside, self._record)
        height, width = self.m2[0][self.window].shape
        sigma = answer.sigma * self.network.calibration
        x2, error = (v.T.reshape(-1, height, width).numpy() for v in (answer.x2, sigma))
        self.answer = Answer(x2, error, answer.kept.reshape(height, width).numpy())
