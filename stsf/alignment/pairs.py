"""What both sensors saw of the same ground at t1, and what can be fitted to it.

On the coarse grid every pixel is an equation for each MS band,

    D M1 = w · Y1 + o        w: one row of R, with gain and shape; o: offset.

Noise in what one regresses on makes every slope too small, so Y1 is freed from noise first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from stsf.linear import mmse_gain, pixels, signal_covariance
from stsf.scene import Scene

SIDE = 6  # blocks per side of a scene
LARGEST = 200  # HS pixels along one side: of a larger scene every second, third ... is used
AXES = 24  # along which spectra are taken to vary, at most
STRENGTHS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)  # of the ridge, over the largest variance
FREE = 1e-3  # of its freedom that a weight keeps far from the band's own wavelengths
ROUNDS, DOUBT = 3, 4.0  # of reweighting; robust deviations that leave a pixel half its weight
TINY = 1e-30  # keeps what is constant from dividing by zero


class Fit(NamedTuple):
    """M = weights · X + offset for one band, and the gain that is to be divided out of M."""

    weights: np.ndarray  # (L,)
    offset: float
    gain: float


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pixels of Y1 and D M1.

    Attributes:
        y: (n, L) Y1 freed from noise.
        m: (n, C) D M1.
        block: (n,) which block of the scene a pixel lies in.
        weight: (n,) from 1 to near 0 where the ground changed between the two overpasses.
        axes: (L, k) along which the spectra of the scene vary, orthonormal.
    """

    y: np.ndarray
    m: np.ndarray
    block: np.ndarray
    weight: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, scene: Scene) -> Pairs:
        """The valid pixels; those that no response explains lose their weight.

        Example:
            >>> import stsf
            >>> pairs = Pairs.of(stsf.load_sample())
            >>> pairs.y.shape, pairs.m.shape, bool(pairs.weight.mean() > 0.9)
            ((3600, 114), (3600, 4), True)
        """
        step = math.ceil(max(scene.valid_lr.shape) / LARGEST)
        thin = np.s_[..., ::step, ::step]
        cube, valid = scene.lrhs_t1[thin], scene.valid_lr[thin]
        # Y1 freed from noise
        noise = scene.noise_hs
        signal = signal_covariance(cube, noise, valid)
        y = pixels(cube, valid)
        mean = y.mean(axis=0)
        y = mean + (y - mean) @ mmse_gain(signal, np.eye(len(noise)), noise).T
        # D M1, and where each pixel lies
        m = pixels(scene.D_ms.A(scene.hrms_t1)[thin], valid)
        rows, columns = (np.arange(n) * SIDE // n for n in valid.shape)
        block = (rows[:, None] * SIDE + columns)[valid]
        pairs = cls(y, m, block, np.ones(len(m)), np.linalg.eigh(signal)[1][:, -AXES:])
        for _ in range(ROUNDS):
            pairs = replace(pairs, weight=pairs._reweighted(scene))
        return pairs

    def _reweighted(self, scene: Scene) -> np.ndarray:
        """(n,) from how far a pixel lies off the fits of all bands (as `evidence.maps.trust`)."""
        moments, middle = Moments.of(self), len(STRENGTHS) // 2
        doubt = np.zeros(len(self.m))
        for c, nominal in enumerate(scene.R.R):
            fits = list(moments.ridge(c, moments.line(c, nominal), nearby(scene, c)))
            off = self.missed(c, [fits[middle]])[0]
            doubt += (off / max(1.4826 * np.median(np.abs(off)), TINY)) ** 2 / len(scene.ms)
        return 1.0 / (1.0 + (doubt / DOUBT**2) ** 2)

    def __getitem__(self, some: np.ndarray) -> Pairs:
        """Some of the pixels, by a mask (n,)."""
        rows = {name: getattr(self, name)[some] for name in ("y", "m", "block", "weight")}
        return replace(self, **rows)

    def missed(self, c: int, fits: list[Fit]) -> np.ndarray:
        """(fits, n) what fits leave of band c."""
        weights, offset = np.stack([f.weights for f in fits]), np.array([f.offset for f in fits])
        return self.m[:, c] - weights @ self.y.T - offset[:, None]

    def sigma_of_gain(self, c: int, nominal: np.ndarray) -> float:
        """Standard deviation of the gain of band c against nominal · Y1, nominal (L,).

        By the jackknife (Tukey 1958): each block is left out once. Pixels of one block hang
        together, blocks hardly do.
        """
        x, m = self.y @ nominal, self.m[:, c]
        x, m = (v - np.average(v, weights=self.weight) for v in (x, m))
        of_block = np.unique(self.block, return_inverse=True)[1]
        sums = [np.bincount(of_block, self.weight * v) for v in (x * 0 + 1, x, m, x * x, x * m)]
        n, sx, sm, sxx, sxm = (s.sum() - s for s in sums)  # over all pixels but one block's
        gains = (sxm - sx * sm / n) / np.maximum(sxx - sx * sx / n, TINY)
        return math.sqrt((len(gains) - 1) * np.var(gains))


@dataclass(frozen=True, eq=False)
class Moments:
    """Weighted means and covariances of pairs: all that a fit needs to know.

    Attributes:
        y: (L,) mean.
        m: (C,) mean.
        yy: (L, L) covariance.
        ym: (L, C) covariance of y and m.
        axes: see `Pairs`.
    """

    y: np.ndarray
    m: np.ndarray
    yy: np.ndarray
    ym: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs) -> Moments:
        """Those of some pixels."""
        share = pairs.weight / pairs.weight.sum()
        y, m = share @ pairs.y, share @ pairs.m
        apart = (pairs.y - y) * share[:, None]
        return cls(y, m, apart.T @ (pairs.y - y), apart.T @ (pairs.m - m), pairs.axes)

    def line(self, c: int, nominal: np.ndarray) -> Fit:
        """Band c as gain · nominal + offset, nominal (L,)."""
        gain = float(nominal @ self.ym[:, c] / max(nominal @ self.yy @ nominal, TINY))
        return self._fit(c, gain * nominal, gain)

    def ridge(self, c: int, start: Fit, freedom: np.ndarray) -> Iterator[Fit]:
        """Band c as (start + d) · Y1 + offset, one fit for each of `STRENGTHS`.

        Of M - start · Y1 = d · Y1 + o minimise the squared error plus λ |d / freedom|². Only Uᵀd
        shows in the data, U being the axes of the scene; what they leave open of d goes where
        freedom is large, which is the ridge's own answer.

        Args:
            c: band.
            start: toward which the fit is drawn.
            freedom: (L,) of each weight to differ from it.
        """
        # coordinates b in which the penalty is |b|²: d = F²U V b / s, with UᵀF²U = V s² Vᵀ
        prior = np.square(freedom)[:, None] * self.axes  # (L, k) F²U
        size, turn = np.linalg.eigh(self.axes.T @ prior)
        size = np.sqrt(np.maximum(size, 1e-12 * size[-1]))
        back = self.axes @ turn * size  # (L, k): b = backᵀ d in the data's own terms
        # ridge regression in them, for all strengths at once
        variance, patterns = np.linalg.eigh(back.T @ self.yy @ back)
        shown = patterns.T @ back.T @ (self.ym[:, c] - self.yy @ start.weights)
        for strength in STRENGTHS:
            b = patterns @ (shown / (variance + max(strength * variance[-1], TINY)))
            yield self._fit(c, start.weights + prior @ turn @ (b / size), start.gain)

    def _fit(self, c: int, weights: np.ndarray, gain: float) -> Fit:
        return Fit(weights, float(self.m[c] - weights @ self.y), gain)


def nearby(scene: Scene, c: int) -> np.ndarray:
    """(L,) freedom of the weights of MS band c: 1 at its own wavelengths, little elsewhere."""
    apart = (scene.hs.centre - scene.ms.centre[c]) / scene.ms.fwhm[c]
    return FREE + np.exp(-0.5 * apart**2)
