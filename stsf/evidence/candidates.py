"""What the scene itself says about t2, before anything learnt elsewhere has a say.

Several simple answers to "which spectrum is it now?" are made for every pixel (the candidates),
and each is put to the test where the truth is known: at t1 and low resolution. There, taking
pixel p for the first date and pixel q for the second makes a change with a known answer, the HS
spectrum of q (a pseudo-change). Whoever errs there, on this scene's own spectra, is not to be
trusted at t2; the fine-tuning network, which has seen simulated scenes only, has to pass the same
test.

All is done in working coordinates, principal components of the scene and, with a small share, of
the library, so that what the scene has never seen can be expressed too. Pixels are rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.ndimage import uniform_filter
from sklearn.cluster import KMeans

from stsf.evidence import canonical
from stsf.evidence.canonical import Affine, K, rows
from stsf.evidence.fourier import FourierRegression
from stsf.evidence.local import local_wiener
from stsf.linear import SMALLEST_NOISE, mmse_gain, pixels, signal_covariance
from stsf.projection import spectral_gain
from stsf.scene import Scene
from stsf.sensing.subspace import Subspace, fit_subspace
from stsf.threads import in_parallel

LIBRARY_SHARE = 0.15  # of the spectra behind the working coordinates
NOISE_LEFT = 0.5  # of the variance of the MS noise, after `local_wiener`
PAIRS, TESTS = 8000, 1500  # high-resolution pairs to fit, pseudo-changes to test
CHUNK = 4096  # pixels at a time: what the caches of a laptop hold
CANDIDATES = (
    "injection", "rescaled", "regression, smooth", "regression, sharp",
    "kept detail, smooth", "kept detail, sharp", "polynomial", "cascade", "fine-tuned",
)  # fmt: skip
CASCADE = CANDIDATES.index("cascade")
TAU_CASCADE = 1.0  # width of its change weight, in band σ, as in `stsf.baselines.temporal.cascade`
KINDS, NOVEL = 10, 1000  # kinds of spectra, each left out once; pseudo-changes to kinds left out
CALM, STEP = 500, 0.3  # small pseudo-changes: a pixel goes so far toward another at most
KEEPING = (0, 1, 4, 5)  # those that build on the pixel's own X1


@dataclass
class Pixels:
    """A pair of dates in rows: a place at t1 and what the MS sees there at t2.

    Attributes:
        x1: (n, L) spectrum at t1.
        m1, m2: (n, C) MS pixels.
        gain: (n,) the best factor from m1 to m2.
        cover: (n,) what of the MS change is no change of brightness, RMS in band σ.
        change: (n,) the MS change, RMS in band σ.
        novelty: (n,) of m2 in this scene.
        novelty_t1: (n,) of m1.
        candidates: (n, 8, K) the scene's own candidates, in working coordinates.
    """

    x1: torch.Tensor
    m1: torch.Tensor
    m2: torch.Tensor
    gain: torch.Tensor
    cover: torch.Tensor
    change: torch.Tensor
    novelty: torch.Tensor
    novelty_t1: torch.Tensor
    candidates: torch.Tensor

    def __getitem__(self, chosen: torch.Tensor | slice) -> Pixels:
        return Pixels(*(values[chosen] for values in vars(self).values()))

    def __len__(self) -> int:
        return len(self.x1)


class Evidence:
    """Candidates for every pixel of a scene, and the pseudo-changes to test them on.

    Args:
        scene: the observations.
        x1: (L, H, W) estimate of X1.
        seed: of the pairs and pseudo-changes that are drawn.

    Attributes:
        all: the pixels of the scene, row by row; M1 and M2 freed from noise (`local_wiener`).
        tests: pseudo-changes, as `Pixels`; candidates that were fitted without pixel q.
        answers: (n, K) working coordinates of q, their right answers.
        novel: pseudo-changes to another kind of spectrum, fitted without that kind of q.
        novel_answers: (n, K) theirs.
        calm: pseudo-changes of a part of the way from p to q only: ground that hardly changes.
        calm_answers: (n, K) theirs.
        known: number of LR pixels whose spectrum is known.
        context: (H·W,) mean of `cover` over 7 × 7 pixels.
        beside: (H·W, 4) context, cover and change over their medians; rank of cover, 0 to 1.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample().crop(slice(0, 20), slice(0, 20))
        >>> evidence = Evidence(scene, scene.D.upsample(scene.lrhs_t1))
        >>> evidence.all.candidates.shape
        torch.Size([3600, 8, 16])
    """

    def __init__(self, scene: Scene, x1: np.ndarray, seed: int = 0) -> None:
        assert scene.valid_hr is not None and scene.valid_lr is not None
        self.scene = scene
        draw = torch.Generator().manual_seed(seed)
        self._coordinates(scene)
        y = self._denoised(scene)  # (n, L)
        sharp = [local_wiener(m, scene.noise_ms) for m in (scene.hrms_t1, scene.hrms_t2)]
        m = rows(pixels(scene.D_ms.A(sharp[0]), scene.valid_lr))
        z = self.encode(y)
        self.known = len(z)
        self.spread = z.std(0).clamp_min(1e-3)  # (K,)
        self.beyond = (y - self.decode(z)).var(0)  # (L,) variance that is not expressed
        self.ms_spread = m.std(0) + 1e-6
        first, m1, m2 = (rows(pixels(a)) for a in (x1, *sharp))
        good = torch.as_tensor(scene.valid_hr.ravel()).nonzero()[:, 0]
        some = good[torch.randperm(len(good), generator=draw)[:PAIRS]]
        pairs = torch.cat([m, m1[some]]), torch.cat([z, self.encode(first[some])])
        self.regression = FourierRegression(*pairs, seed)
        self.all = self.pair(first, m1, m2, self.regression)
        self.look_around()
        self._draw_tests(y, m, z, draw)
        self._draw_novel(y, m, z, pairs, draw)

    def _coordinates(self, scene: Scene) -> None:
        plane = working_plane(scene)
        encoder, decoder = plane.encoder, plane.decoder
        self.encode = Affine(rows(encoder.offset), rows(encoder.weights.T))
        self.decode = Affine(rows(decoder.offset), rows(decoder.weights.T))
        self.R = rows(scene.R.R.T)  # (L, C)
        self.gain = rows(spectral_gain(scene).T)  # (C, L)
        self.gain_z = self.gain @ self.encode.weights  # (C, K)
        self.seen = Affine(self.decode.offset @ self.R, self.decode.weights @ self.R)  # z -> MS
        self._canonical(scene, plane)

    def _canonical(self, scene: Scene, plane: Subspace) -> None:
        """Maps between bands, canonical and working coordinates."""
        within = canonical.inside(scene.hs)
        encode, decode = canonical.read(scene.hs.select(within))
        weights = torch.zeros(len(within), K)
        weights[torch.as_tensor(within)] = encode.weights
        self.to_canonical = Affine(encode.offset, weights)  # bands -> canonical
        self.from_canonical = _extended(decode, within, scene)  # canonical -> bands
        seen = Affine(self.from_canonical.offset @ self.R, self.from_canonical.weights @ self.R)
        noise = torch.diag(rows(scene.noise_ms) ** 2 + 4e-6)
        self.canonical_seen = seen
        self.canonical_gain = torch.linalg.solve(
            seen.weights.T @ seen.weights + noise, seen.weights.T
        )  # (C, K)
        self.blind = seen.weights @ self.canonical_gain  # (K, K): what G A does to coordinates
        self.work_to_canonical = self.decode.then(self.to_canonical)
        self.canonical_to_work = self.from_canonical.then(self.encode)

    def _denoised(self, scene: Scene) -> torch.Tensor:
        """(n, L) MMSE estimate of every spectrum of Y1."""
        y = rows(pixels(scene.lrhs_t1, scene.valid_lr))
        noise = np.maximum(scene.noise_hs, SMALLEST_NOISE)
        signal = signal_covariance(scene.lrhs_t1, noise, scene.valid_lr)
        wiener = rows(mmse_gain(signal, np.eye(len(noise)), noise))
        mean = y.mean(0)
        return mean + (y - mean) @ wiener.T

    def pair(
        self, x1: torch.Tensor, m1: torch.Tensor, m2: torch.Tensor, f: FourierRegression
    ) -> Pixels:
        """Two dates in rows, their difference and the scene's candidates for the second.

        Args:
            x1: (n, L) spectra at t1.
            m1: (n, C) MS pixels at t1.
            m2: (n, C) MS pixels at t2.
            f: the scene's regression.
        """
        parts = zip(x1.split(CHUNK), m1.split(CHUNK), m2.split(CHUNK), strict=True)
        made = [vars(p).values() for p in in_parallel(lambda part: self._pair(*part, f), parts)]
        return Pixels(x1, m1, m2, *(torch.cat(values) for values in list(zip(*made))[3:]))

    def _pair(
        self, x1: torch.Tensor, m1: torch.Tensor, m2: torch.Tensor, f: FourierRegression
    ) -> Pixels:
        u1, u2 = m1 / self.ms_spread, m2 / self.ms_spread
        gain = ((u1 * u2).sum(1) / (u1 * u1).sum(1).clamp_min(1e-9)).clamp(0.2, 5.0)
        cover = (u2 - gain[:, None] * u1).square().mean(1).sqrt()
        change = (u2 - u1).square().mean(1).sqrt()
        return Pixels(
            x1, m1, m2, gain, cover, change, f.novelty(m2), f.novelty(m1),
            self._candidates(x1, m1, m2, gain[:, None], f),
        )  # fmt: skip

    def _candidates(
        self, x1: torch.Tensor, m1: torch.Tensor, m2: torch.Tensor, a: torch.Tensor,
        f: FourierRegression,
    ) -> torch.Tensor:  # fmt: skip
        """(n, 8, K): X1 kept, X1 rescaled, f(M2), f(M2) + X1 - f(M1), each consistent with M2.

        The last two: f(M2) with products of bands, and the mean of all three f, which keeps the
        less of X1 - f(M1) the more the pixel changed.
        """
        z1, rx = self.encode(x1), x1 @ self.R
        rescaled = a * (z1 - self.encode.offset) + self.encode.offset
        found = [z1 + (m2 - rx) @ self.gain_z, rescaled + (m2 - a * rx) @ self.gain_z]
        at_t1, at_t2 = f(m1), f(m2)
        found += [self.consistent(z, m2) for z in at_t2[:2]]
        found += [self.consistent(b + z1 - c, m2) for b, c in zip(at_t2[:2], at_t1[:2])]
        change = ((m2 - m1) / self.ms_spread).square().mean(1, keepdim=True).sqrt()
        missed = torch.exp(-change / TAU_CASCADE) * (z1 - torch.stack(at_t1).mean(0))
        found.append(self.consistent(at_t2[2], m2))
        found.append(self.consistent(torch.stack(at_t2).mean(0) + missed, m2))
        return torch.stack(found, 1)

    def consistent(self, z: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        """One MMSE correction of working coordinates (n, K) to MS pixels (n, C)."""
        return z + (m - self.seen(z)) @ self.gain_z

    def _draw_tests(
        self, y: torch.Tensor, m: torch.Tensor, z: torch.Tensor, draw: torch.Generator
    ) -> None:
        """Pseudo-changes; two halves of the scene, each judged by a regression on the other."""
        count = len(y)
        where = torch.as_tensor(self.scene.valid_lr).nonzero() // 4  # blocks of 4 x 4 LR pixels
        half = where.sum(1) % 2
        q = torch.randperm(count, generator=draw).repeat(1 + TESTS // count)[:TESTS]
        p = torch.randint(0, count, (len(q),), generator=draw)
        parts, answers = [], []
        for side in (0, 1):
            known = half != side
            f = FourierRegression(m[known], z[known]) if known.sum() > 8 else self.regression
            mine = half[q] == side
            parts.append(self.pair(y[p[mine]], m[p[mine]], m[q[mine]], f))
            answers.append(z[q[mine]])
        self.tests = Pixels(*map(torch.cat, zip(*(vars(part).values() for part in parts))))
        self.answers = torch.cat(answers)
        step = STEP * torch.rand(CALM, 1, generator=draw)
        a, b = p[:CALM], q[:CALM]
        y2, m2 = (v[a] + step * (v[b] - v[a]) for v in (y, m))
        self.calm, self.calm_answers = self.pair(y[a], m[a], m2, self.regression), self.encode(y2)

    def _draw_novel(
        self,
        y: torch.Tensor,
        m: torch.Tensor,
        z: torch.Tensor,
        pairs: tuple[torch.Tensor, torch.Tensor],
        draw: torch.Generator,
    ) -> None:
        """Pseudo-changes to a kind of spectrum that the regression has never met."""
        scale = self.energy.sqrt()  # distances between spectra, not between coordinates
        means = KMeans(min(KINDS, len(z)), n_init=1, max_iter=20, random_state=0)
        kind = torch.as_tensor(means.fit_predict((z * scale).numpy())).long()
        fits = self.regression.without(
            *pairs, torch.as_tensor(means.predict((pairs[1] * scale).numpy())).long()
        )
        q = torch.randint(0, len(y), (NOVEL,), generator=draw)
        p = torch.randint(0, len(y), (NOVEL,), generator=draw)
        parts, answers = [], []
        for number, f in enumerate(fits):
            mine = kind[q] == number
            parts.append(self.pair(y[p[mine]], m[p[mine]], m[q[mine]], f))
            answers.append(z[q[mine]])
        self.novel = Pixels(*map(torch.cat, zip(*(vars(part).values() for part in parts))))
        self.novel_answers = torch.cat(answers)

    def look_around(self) -> None:
        """Set each pixel in its scene: `context` and `beside`; again whenever `all` was changed."""
        cover = self.all.cover
        around = uniform_filter(cover.reshape(self.scene.size).numpy(), 7)
        self.context = rows(around.ravel())
        values = torch.stack([self.context, cover, self.all.change], 1)
        rank = torch.empty(len(cover))
        rank[cover.argsort()] = torch.linspace(0, 1, len(cover))
        median = values.median(0).values.clamp_min(1e-6)
        self.beside = torch.cat([values / median, rank[:, None]], 1)

    @cached_property
    def energy(self) -> torch.Tensor:
        """(K,) squared reflectance, summed over the bands, of one unit of each coordinate."""
        return self.decode.weights.square().sum(1)

    @cached_property
    def left(self) -> Affine:
        """What the last correction to M2 leaves of an error in working coordinates (K -> L).

        `weights` carry the error, (I - R G) applied to its decoding; `offset` is the variance that
        the noise left in M2 and what the coordinates cannot express add in any case.
        """
        weights = self.decode.weights
        weights = weights - weights @ self.R @ self.gain
        noise = NOISE_LEFT * rows(self.scene.noise_ms).square() @ self.gain.square()
        return Affine(noise + self.beyond + 1e-8, weights)

    @cached_property
    def measured(self) -> torch.Tensor:
        """(K,) share of each coordinate's variance in the scene that the MS measures."""
        C, A = torch.diag(self.spread**2), self.seen.weights
        noise = torch.diag(rows(self.scene.noise_ms) ** 2 + 1e-6)
        left = C - C @ A @ torch.linalg.solve(A.T @ C @ A + noise, A.T @ C)
        return (1 - torch.diagonal(left) / self.spread**2).clamp(0, 1)


def working_plane(scene: Scene) -> Subspace:
    """Principal components of Y1's spectra and a few mixtures of library spectra."""
    y = pixels(scene.lrhs_t1, scene.valid_lr)
    count = max(int(LIBRARY_SHARE * len(y)), 2 * K)
    spectra = np.tile(y.mean(axis=0), (count, 1))  # bands outside the library do not vary
    within = canonical.inside(scene.hs)
    fine, wavelength = canonical.mixtures(count)
    spectra[:, within] = fine @ scene.hs.select(within).response(wavelength).T
    return fit_subspace(np.concatenate([y, spectra]), K)


def _extended(decode: Affine, within: np.ndarray, scene: Scene) -> Affine:
    """The decoder for all bands; those outside the library by regression on this scene's Y1."""
    if within.all():
        return decode
    y = pixels(scene.lrhs_t1, scene.valid_lr)
    design = np.column_stack([np.ones(len(y)), y[:, within]])
    gram = design.T @ design + 1e-3 * np.trace(design.T @ design) / len(within) * np.eye(
        design.shape[1]
    )
    rest = np.linalg.solve(gram, design.T @ y[:, ~within])
    offset, weights = torch.zeros(len(within)), torch.zeros(K, len(within))
    keep, lost = torch.as_tensor(within), torch.as_tensor(~within)
    other = decode.then(Affine(rows(rest[0]), rows(rest[1:])))
    offset[keep], weights[:, keep] = decode.offset, decode.weights
    offset[lost], weights[:, lost] = other.offset, other.weights
    return Affine(offset, weights)
