"""Local regression: over a few pixels, what is looked for is a linear function of the MS.

The idea of the guided filter: He, Sun & Tang, "Guided image filtering", IEEE TPAMI 35(6), 2013.
The coefficients change slowly from place to place; the detail comes from the MS. Two forms:
`local_fit` on the coarse grid, where both images are known; `LocalRegression` on the fine grid,
where it says how an estimate would look if it followed the MS in every small window.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from torch import Tensor

from stsf.linear import SMALLEST_NOISE

RIDGE = 3e-3  # added to the covariance of the guide in a window; its own variance is about 1


def local_fit(
    m: np.ndarray,
    target: np.ndarray,
    valid: np.ndarray | None,
    sigma: float,
    ridge: float,
    variance: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares target ≈ offset + slopes · m in a Gaussian window round each pixel.

    Args:
        m: (C, h, w) predictors.
        target: (L, h, w).
        valid: (h, w) weights; False or 0 where a pixel is not used.
        sigma: width of the window, pixels.
        ridge: added to each window's covariance, as a share of the variance over the image.
        variance: (C,) of m over the image, where this is a part of it.

    Returns:
        slopes (C, L, h, w) and offset (L, h, w).

    Example:
        >>> m = np.random.default_rng(0).normal(size=(1, 9, 9))
        >>> slopes, offset = local_fit(m, 2 * m + 1, None, sigma=1.0, ridge=0.0)
        >>> bool(np.allclose(slopes, 2)), bool(np.allclose(offset, 1))
        (True, True)
    """
    weight = np.ones(m.shape[1:]) if valid is None else valid.astype(np.float64)
    share = np.maximum(gaussian_filter(weight, sigma), 1e-12)

    def mean(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(weight * image, sigma, axes=(-2, -1)) / share

    m, target = m.astype(np.float64), target.astype(np.float64)
    middle = m.mean(axis=(1, 2), keepdims=True)  # for precision: variances of centred values
    m = m - middle
    m_mean, t_mean = mean(m), mean(target)
    cov = mean(m[:, None] * m) - m_mean[:, None] * m_mean  # (C, C, h, w)
    cross = np.stack([mean(a * target) - b * t_mean for a, b in zip(m, m_mean)])  # (C, L, h, w)
    variance = m.var(axis=(1, 2)) if variance is None else variance
    cov += np.diag(ridge * variance + 1e-12)[..., None, None]  # never singular
    slopes = np.linalg.solve(np.moveaxis(cov, (0, 1), (2, 3)), np.moveaxis(cross, (0, 1), (2, 3)))
    slopes = np.moveaxis(slopes, (2, 3), (0, 1))  # (C, L, h, w)
    return slopes, t_mean - np.einsum("clhw,chw->lhw", slopes, m_mean + middle)


class LocalRegression:
    """How maps would look if they followed the guide in every small window.

    A window is a square of some low-resolution pixels, so its statistics are means of such blocks.
    Every pixel takes the mean over the windows it lies in. One such step is z - L z, with L the
    matting Laplacian of Levin, Lischinski & Weiss, "A closed-form solution to natural image
    matting", IEEE TPAMI 30(2), 2008.

    Args:
        guide: (g, H, W) predictors, variance about 1.
        ratio: side of a block, pixels.
        windows: sides of the windows, blocks.

    Example:
        >>> guide = torch.randn(2, 12, 12, generator=torch.Generator().manual_seed(0))
        >>> z = guide[:1] - guide[1:] + 5  # a linear function of the guide stays as it is
        >>> follow, misfit = LocalRegression(guide, ratio=3)(z)
        >>> follow.shape, bool((follow - z[:, None]).abs().max() < 0.05)
        (torch.Size([1, 2, 12, 12]), True)
    """

    def __init__(self, guide: Tensor, ratio: int, windows: tuple[int, ...] = (2, 3)) -> None:
        self.ratio, self.windows = ratio, windows
        self.grid = guide.shape[1] // ratio, guide.shape[2] // ratio
        self.guide = torch.cat([self._blocks(guide), torch.ones_like(self._blocks(guide[:1]))], 1)
        # sums in double precision: the same, to all digits kept, wherever a tile begins
        square = self._image(self.guide.double() @ self.guide.double().mT)  # (g + 1, g + 1, h, w)
        ridge = F.pad(square.new_full((len(guide),), RIDGE), (0, 1)).diag()  # not on the offset
        self.inverse = [  # (h', w', g + 1, g + 1) each
            torch.linalg.inv(_mean_of(square, k).permute(2, 3, 0, 1) + ridge) for k in windows
        ]

    def __call__(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """(n, H, W) -> (n, windows, H, W) as the guide would have it, and (n, h, w) the misfit.

        The misfit is the variance of z about its regression, in the largest window.
        """
        blocks = self._blocks(z)  # (h·w, n, r²)
        cross = self._image(blocks.double() @ self.guide.double().mT)  # (n, g + 1, h, w)
        follow = []
        for k, inverse in zip(self.windows, self.inverse, strict=True):
            covariance = _mean_of(cross, k)  # (n, g + 1, h', w')
            slopes = torch.einsum("hwij,njhw->nihw", inverse, covariance)
            fitted = self._cells(_spread_of(slopes, k)).to(z) @ self.guide  # (h·w, n, r²)
            follow.append(self._pixels(fitted))
        energy = self._image(blocks.double().square().sum(2, keepdim=True))[:, 0]  # (n, h, w)
        rest = _mean_of(energy, k) - (slopes * covariance).sum(1)
        return torch.stack(follow, 1), _spread_of(rest.clamp_min(0.0), k).to(z)

    def _blocks(self, a: Tensor) -> Tensor:
        """(n, H, W) -> (h·w, n, r²) the pixels of each block."""
        (h, w), r = self.grid, self.ratio
        return a.reshape(-1, h, r, w, r).permute(1, 3, 0, 2, 4).reshape(h * w, -1, r * r)

    def _pixels(self, a: Tensor) -> Tensor:
        """(h·w, n, r²) -> (n, H, W)."""
        (h, w), r = self.grid, self.ratio
        return a.reshape(h, w, -1, r, r).permute(2, 0, 3, 1, 4).reshape(-1, h * r, w * r)

    def _image(self, a: Tensor) -> Tensor:
        """(h·w, n, m) sums over blocks -> (n, m, h, w) means."""
        return a.permute(1, 2, 0).unflatten(2, self.grid) / self.ratio**2

    def _cells(self, a: Tensor) -> Tensor:
        """(n, m, h, w) -> (h·w, n, m)."""
        # contiguous: products of anything else take ten times as long
        return a.flatten(2).permute(2, 0, 1).contiguous()


def _mean_of(a: Tensor, k: int) -> Tensor:
    """(..., h, w) blocks -> (..., h', w') means of windows of k x k; at the border, of fewer."""
    flat = a.reshape(1, -1, *a.shape[-2:])
    mean = F.avg_pool2d(flat, k, 1, padding=k // 2, count_include_pad=False)
    return mean.reshape(*a.shape[:-2], *mean.shape[-2:])


def _spread_of(a: Tensor, k: int) -> Tensor:
    """(..., h', w') windows -> (..., h, w): the mean over the windows that hold a block."""
    flat = a.reshape(1, -1, *a.shape[-2:])
    mean = F.avg_pool2d(flat, k, 1, padding=(k - 1) // 2, count_include_pad=False)
    return mean.reshape(*a.shape[:-2], *mean.shape[-2:])


def _windows(length: int, side: int, stride: int) -> tuple[Tensor, Tensor]:
    """One axis: means over windows (w, length), and over the windows of a pixel (length, w)."""
    last = max(length - side, 0)
    first = torch.arange(0, last + stride, stride).clamp(max=last)
    pixel = torch.arange(length)
    inside = ((pixel >= first[:, None]) & (pixel < first[:, None] + side)).float()  # (w, length)
    return inside / inside.sum(1, keepdim=True), (inside / inside.sum(0)).mT


def local_wiener(
    m: np.ndarray,
    noise: np.ndarray,
    side: int = 6,
    stride: int = 3,
    middle: np.ndarray | None = None,
) -> np.ndarray:
    """An image freed from noise: in every window, the MMSE estimate given its own covariance.

    Lee, "Digital image enhancement and noise filtering by use of local statistics", IEEE TPAMI
    2(2), 1980, for vectors: what varies no more than noise goes to the mean of the window.

    Args:
        m: (C, H, W) observed.
        noise: (C,) standard deviations; taken as 1e-6 where smaller.
        side: of a window, pixels.
        stride: from one window to the next.
        middle: (C,) what values are taken from, for precision: their mean by default, the same
            for all parts of one image.

    Example:
        >>> noisy = np.random.default_rng(0).normal(1.0, 0.1, size=(3, 20, 20))
        >>> bool(local_wiener(noisy, np.full(3, 0.1)).std() < 0.05)
        True
    """
    scale = torch.as_tensor(noise, dtype=torch.float32).clamp_min(SMALLEST_NOISE)[:, None, None]
    middle = m.mean(axis=(1, 2)) if middle is None else middle
    zero = torch.as_tensor(middle, dtype=torch.float32)[:, None, None]
    x = (torch.as_tensor(m, dtype=torch.float32) - zero) / scale  # noise of variance 1
    (rows, back_rows), (columns, back_columns) = (_windows(n, side, stride) for n in x.shape[1:])
    mean = rows @ x @ columns.mT  # (C, h', w')
    cov = rows @ (x[:, None] * x) @ columns.mT - mean[:, None] * mean  # (C, C, h', w')
    variance, axes = torch.linalg.eigh(cov.permute(2, 3, 0, 1))
    share = (1.0 - 1.0 / variance.clamp_min(1.0))[..., None, :]  # of signal
    gain = ((axes * share) @ axes.mT).permute(2, 3, 0, 1)  # (C, C, h', w')
    offset = mean - (gain * mean).sum(1)
    gain, offset = (back_rows @ a @ back_columns.mT for a in (gain, offset))
    return ((offset + torch.einsum("ijhw,jhw->ihw", gain, x)) * scale + zero).numpy()
