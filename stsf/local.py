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

RIDGE = 3e-3  # added to the covariance of the guide in a window; its own variance is about 1


def local_fit(
    m: np.ndarray, target: np.ndarray, valid: np.ndarray | None, sigma: float, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares target ≈ offset + slopes · m in a Gaussian window round each pixel.

    Args:
        m: (C, h, w) predictors.
        target: (L, h, w).
        valid: (h, w) weights; False or 0 where a pixel is not used.
        sigma: width of the window, pixels.
        ridge: added to each window's covariance, as a share of the variance over the image.

    Returns:
        slopes (C, L, h, w) and offset (L, h, w).

    Example:
        >>> m = np.random.default_rng(0).normal(size=(1, 9, 9))
        >>> slopes, offset = local_fit(m, 2 * m + 1, None, sigma=1.0, ridge=0.0)
        >>> bool(np.allclose(slopes, 2)), bool(np.allclose(offset, 1))
        (True, True)
    """
    weight = np.ones(m.shape[1:]) if valid is None else valid.astype(np.float64)
    share = np.maximum(gaussian_filter(weight, sigma), 1e-6)

    def mean(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(weight * image, sigma, axes=(-2, -1)) / share

    m, target = m.astype(np.float64), target.astype(np.float64)
    middle = m.mean(axis=(1, 2), keepdims=True)  # for precision: variances of centred values
    m = m - middle
    m_mean, t_mean = mean(m), mean(target)
    cov = mean(m[:, None] * m) - m_mean[:, None] * m_mean  # (C, C, h, w)
    cross = np.stack([mean(a * target) - b * t_mean for a, b in zip(m, m_mean)])  # (C, L, h, w)
    cov += np.diag(ridge * m.var(axis=(1, 2)) + 1e-12)[..., None, None]  # never singular
    slopes = np.linalg.solve(np.moveaxis(cov, (0, 1), (2, 3)), np.moveaxis(cross, (0, 1), (2, 3)))
    slopes = np.moveaxis(slopes, (2, 3), (0, 1))  # (C, L, h, w)
    return slopes, t_mean - np.einsum("clhw,chw->lhw", slopes, m_mean + middle)


class LocalRegression:
    """Weighted by nothing but the windows: z -> the mean of its regressions on the guide.

    A window is a square of `blocks` x `blocks` low-resolution pixels, so its statistics are sums of
    block means; every pixel takes the mean over the windows it lies in. One such step is
    z - L z, with L the matting Laplacian of Levin, Lischinski & Weiss, "A closed-form solution to
    natural image matting", IEEE TPAMI 30(2), 2008.

    Args:
        guide: (g, H, W) predictors, variance about 1.
        ratio: side of a block, pixels.
        blocks: side of a window, blocks.

    Example:
        >>> guide = torch.randn(2, 12, 12, generator=torch.Generator().manual_seed(0))
        >>> follow = LocalRegression(guide, ratio=3, blocks=2)
        >>> z = 2 * guide[:1] - guide[1:] + 5  # a linear function of the guide stays as it is
        >>> bool((follow(z)[0] - z).abs().max() < 0.02)
        True
    """

    def __init__(self, guide: Tensor, ratio: int, blocks: int) -> None:
        self.guide, self.ratio, self.blocks = guide, ratio, blocks
        self.mean = self._window(self._pool(guide))  # (g, h', w')
        products = self._window(self._pool((guide[:, None] * guide).flatten(0, 1)))
        cov = products.unflatten(0, (len(guide),) * 2) - self.mean[:, None] * self.mean
        cov = cov.permute(2, 3, 0, 1) + RIDGE * torch.eye(len(guide), device=guide.device)
        self.inverse = torch.linalg.inv(cov)  # (h', w', g, g)

    def __call__(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """(n, H, W) -> the same as the guide would have it, and by how much z departs (variance).

        Returns:
            (n, H, W), and (n, h, w) variance of z about its regression, mean over the windows.
        """
        g, n = len(self.guide), len(z)
        mean = self._window(self._pool(z))  # (n, h', w')
        cross = self._window(self._pool((self.guide[:, None] * z).flatten(0, 1)))
        cross = cross.unflatten(0, (g, n)) - self.mean[:, None] * mean  # (g, n, h', w')
        slopes = torch.einsum("hwij,jnhw->inhw", self.inverse, cross)
        offset = mean - torch.einsum("inhw,ihw->nhw", slopes, self.mean)
        spread = self._window(self._pool(z.square())) - mean.square()
        misfit = self._spread((spread - (slopes * cross).sum(0)).clamp_min(0.0))
        slopes = self._spread(slopes.flatten(0, 1)).unflatten(0, (g, n))  # (g, n, h, w)
        r = self.ratio
        fine = self.guide.unflatten(1, (-1, r)).unflatten(3, (-1, r))  # (g, h, r, w, r)
        out = self._spread(offset)[:, :, None, :, None]  # (n, h, 1, w, 1)
        for slope, axis in zip(slopes, fine, strict=True):
            out = out + slope[:, :, None, :, None] * axis
        return out.reshape(z.shape), misfit

    def _pool(self, a: Tensor) -> Tensor:
        return F.avg_pool2d(a[None], self.ratio)[0]

    def _window(self, a: Tensor) -> Tensor:
        """Means of the blocks in every window; at the border of those that exist."""
        k = self.blocks
        return F.avg_pool2d(a[None], k, 1, padding=k // 2, count_include_pad=False)[0]

    def _spread(self, a: Tensor) -> Tensor:
        """The mean over the windows that hold a block."""
        k = self.blocks
        return F.avg_pool2d(a[None], k, 1, padding=(k - 1) // 2, count_include_pad=False)[0]


def _windows(length: int, side: int, stride: int) -> tuple[Tensor, Tensor]:
    """Along one axis: means over windows (w, length), and over the windows of a pixel (length, w)."""
    first = torch.arange(0, max(length - side, 0) + stride, stride).clamp(max=max(length - side, 0))
    pixel = torch.arange(length)
    inside = ((pixel >= first[:, None]) & (pixel < first[:, None] + side)).float()  # (w, length)
    return inside / inside.sum(1, keepdim=True), (inside / inside.sum(0)).mT


def local_wiener(m: np.ndarray, noise: np.ndarray, side: int = 6, stride: int = 3) -> np.ndarray:
    """An image freed from noise: in every window, the MMSE estimate given its own covariance.

    Lee, "Digital image enhancement and noise filtering by use of local statistics", IEEE TPAMI
    2(2), 1980, for vectors: what varies no more than noise goes to the mean of the window.

    Args:
        m: (C, H, W) observed.
        noise: (C,) standard deviations, above 0.
        side: of a window, pixels.
        stride: from one window to the next.

    Example:
        >>> noisy = np.random.default_rng(0).normal(1.0, 0.1, size=(3, 20, 20))
        >>> bool(local_wiener(noisy, np.full(3, 0.1)).std() < 0.05)
        True
    """
    scale = torch.as_tensor(noise, dtype=torch.float32)[:, None, None]
    middle = torch.as_tensor(m.mean(axis=(1, 2), keepdims=True), dtype=torch.float32)
    x = (torch.as_tensor(m, dtype=torch.float32) - middle) / scale  # noise of variance 1
    C = len(x)
    (rows, back_rows), (columns, back_columns) = (_windows(n, side, stride) for n in x.shape[1:])
    mean = rows @ x @ columns.mT  # (C, h', w')
    cov = rows @ (x[:, None] * x) @ columns.mT - mean[:, None] * mean  # (C, C, h', w')
    variance, axes = torch.linalg.eigh(cov.permute(2, 3, 0, 1))
    share = (1.0 - 1.0 / variance.clamp_min(1.0))[..., None, :]  # of signal
    gain = ((axes * share) @ axes.mT).permute(2, 3, 0, 1)  # (C, C, h', w')
    offset = mean - (gain * mean).sum(1)
    gain, offset = (back_rows @ a @ back_columns.mT for a in (gain, offset))
    return ((offset + torch.einsum("ijhw,jhw->ihw", gain, x)) * scale + middle).numpy()
