"""X1 from Y1 and M1, the methods that invert the observation model Y1 = D X1, M1 = R X1.

They differ in what they believe of X1 beyond the two images: that its spectra scatter like a
Gaussian (FUSE), that few pixels differ from their neighbours (HySure), that every pixel is a
mixture of the same few spectra (CNMF).

Settings were chosen on simulated training scenes (`simulate(split="train")`) only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from stsf.baselines.registry import register
from stsf.baselines.spatial_spectral import coordinates
from stsf.scene import Scene
from stsf.sensing.subspace import Subspace

Operator = Callable[[np.ndarray], np.ndarray]


def normal_equations(scene: Scene, plane: Subspace) -> tuple[Operator, np.ndarray, np.ndarray]:
    """Both data terms for X = mean + basis · z: Σ |Y1 - D X|² / σ_HS² + Σ |M1 - R X|² / σ_MS².

    Half their gradient is N z - b. A detector's D acts on coordinates as it does on bands, so the
    L bands are never formed.

    Args:
        scene: Y1, M1, D, R and the noise.
        plane: k spectral coordinates.

    Returns:
        The operator N on (k, H, W), the right-hand side b (k, H, W), and (k, k), about what N does
        to one pixel: a preconditioner.
    """
    basis, mean = plane.decoder.weights, plane.mean[:, None, None]  # (L, k)
    y, m = scene.lrhs_t1 - mean, scene.hrms_t1 - scene.R.A(mean)
    k = basis.shape[1]
    projected = scene.R.R @ basis  # (C, k)
    weighted = projected.T / scene.noise_ms**2  # (k, C)
    gram_ms = weighted @ projected  # (k, k)
    b = np.tensordot(weighted, m, 1)
    parts = []
    for detector in np.unique(scene.hs.detector):
        bands = scene.hs.detector == detector
        D = scene.D.at(np.full(k, detector))
        weighted = basis[bands].T / scene.noise_hs[bands] ** 2  # (k, bands)
        b = b + D.A_adjoint(np.tensordot(weighted, y[bands], 1))
        parts.append((D, weighted @ basis[bands]))

    def operator(z: np.ndarray) -> np.ndarray:
        out = np.tensordot(gram_ms, z, 1)
        for D, gram in parts:
            out += D.A_adjoint(np.tensordot(gram, D.A(z), 1))
        return out

    # D averages some r² pixels: DᵀD leaves about 1/r² of a pixel's own value.
    return operator, b, gram_ms + sum(gram for _, gram in parts) / scene.ratio**2


def solve(
    operator: Operator, b: np.ndarray, start: np.ndarray, near: np.ndarray, iterations: int
) -> np.ndarray:
    """Preconditioned conjugate gradients for operator(z) = b, until 1e-6 or `iterations`.

    Args:
        operator: symmetric, positive definite, (k, H, W) -> (k, H, W).
        b: (k, H, W).
        start: (k, H, W).
        near: (k, k), about what the operator does to one pixel.
        iterations: at most.
    """
    inverse = np.linalg.inv(near)

    def flat(f: Operator) -> LinearOperator:
        return LinearOperator(
            (b.size, b.size), matvec=lambda v: f(v.reshape(b.shape)).ravel(), dtype=np.float64
        )

    preconditioner = flat(lambda r: np.tensordot(inverse, r, 1))
    z, _ = cg(
        flat(operator), b.ravel(), start.ravel(), rtol=1e-6, maxiter=iterations, M=preconditioner
    )
    return z.reshape(b.shape)


@register("fuse", target="x1", label="FUSE", reference="Wei et al., IEEE TIP 24(11), 2015")
def fuse(scene: Scene, k: int = 20) -> np.ndarray:
    """The most probable X1 when its spectra scatter like a Gaussian.

    X = mean + basis · z with z ~ N(0, I): mean and covariance are those of the spectra of Y1. The
    most probable z given both images solves (I + N) z = b. From M1 alone this would be the
    scene's linear regression, weighed with the noise; Y1 adds what M1 leaves open.

    With one PSF this is a Sylvester equation with a closed form (the paper's); with one per
    detector it is not, and conjugate gradients give the same answer in 10 to 40 steps.

    Wei, Dobigeon & Tourneret, "Fast fusion of multi-band images based on solving a Sylvester
    equation", IEEE TIP 24(11), 2015; "Bayesian fusion of multi-band images", IEEE JSTSP 9(6), 2015.

    Args:
        scene: the observations.
        k: spectral coordinates (12 and 24 are level on simulated training scenes).

    Returns:
        (L, H, W) reflectance.
    """
    plane = coordinates(scene, scene.lrhs_t1, k)
    data, b, near = normal_equations(scene, plane)
    z = solve(lambda v: v + data(v), b, np.zeros_like(b), near + np.eye(len(near)), 200)
    return plane.decode(z)


@register("hysure", target="x1", label="HySure", reference="Simões et al., IEEE TGRS 53(6), 2015")
def hysure(scene: Scene, k: int = 12, smoothness: float = 3.0, rounds: int = 60) -> np.ndarray:
    """Least squares on both images plus vector total variation: few edges, at the same place.

    X = mean + basis · z, with z in units of its spread. Minimise half the two data terms, weighted
    by the noise, plus λ Σ over pixels of |∇z|, where the length runs over both directions and all
    coordinates. ADMM splits v = ∇z: a least-squares step for z, a shrinkage of v, an update of
    the multiplier u. D and its border make the least-squares step one for conjugate gradients,
    not for the paper's Fourier transform.

    Simões, Bioucas-Dias, Almeida & Chanussot, "A convex formulation for hyperspectral image
    superresolution via subspace-based regularization", IEEE TGRS 53(6), 2015.

    Args:
        scene: the observations.
        k: spectral coordinates.
        smoothness: λ times the mean |∇z| of the interpolated Y1; 0 is plain least squares.
        rounds: of ADMM, each with up to 20 steps of conjugate gradients.

    Returns:
        (L, H, W) reflectance.
    """
    plane = coordinates(scene, scene.lrhs_t1, k)
    data, b, near = normal_equations(scene, plane)
    z = plane.encode(scene.D.upsample(scene.lrhs_t1).astype(np.float64))
    v = gradient(z)
    u = np.zeros_like(v)
    size = np.sqrt(np.square(v).sum(axis=(0, 1))).mean()
    weight = smoothness / size  # λ
    rho = weight / size
    near = near + 4.0 * rho * np.eye(len(near))
    for _ in range(rounds):
        right = b + rho * gradient_adjoint(v - u)
        z = solve(
            lambda a: data(a) + rho * gradient_adjoint(gradient(a)), right, z, near, iterations=20
        )
        if smoothness:
            u += gradient(z)
            length = np.sqrt(np.square(u).sum(axis=(0, 1)))  # (H, W)
            v = u * np.maximum(1.0 - weight / (rho * np.maximum(length, 1e-12)), 0.0)
            u -= v
    return plane.decode(z)


def gradient(z: np.ndarray) -> np.ndarray:
    """(k, H, W) -> (2, k, H, W): differences to the next pixel down and right, 0 at the border."""
    g = np.zeros((2, *z.shape))
    g[0, :, :-1] = np.diff(z, axis=1)
    g[1, :, :, :-1] = np.diff(z, axis=2)
    return g


def gradient_adjoint(g: np.ndarray) -> np.ndarray:
    """The adjoint: <gradient(z), g> = <z, this> for every g (2, k, H, W)."""
    down, right = g[0, :, :-1], g[1, :, :, :-1]
    z = np.zeros(g.shape[1:])
    z[:, :-1] -= down
    z[:, 1:] += down
    z[:, :, :-1] -= right
    z[:, :, 1:] += right
    return z


@register("cnmf", target="x1", label="CNMF", reference="Yokoya et al., IEEE TGRS 50(2), 2012")
def cnmf(scene: Scene, p: int = 30, rounds: int = 2, updates: int = 200) -> np.ndarray:
    """Coupled unmixing: spectra from the HS, their shares from the MS, in turn.

    X = W H with spectra W (L, p) and shares H (p, pixels), neither negative and shares summing to
    one (softly). Y = W D(H) and M = R W H are factorised in turn, each by multiplicative updates
    that start where the other ended. At the start W holds the p most extreme pixels of Y1.

    Yokoya, Yairi & Iwasaki, "Coupled nonnegative matrix factorization unmixing for hyperspectral
    and multispectral data fusion", IEEE TGRS 50(2), 2012; extreme pixels by successive
    projections: Araújo et al., Chemometrics and Intelligent Laboratory Systems 57(2), 2001.

    Args:
        scene: the observations.
        p: number of spectra.
        rounds: MS unmixing and HS unmixing, alternating.
        updates: of each factor in each unmixing.

    Returns:
        (L, H, W) reflectance.
    """
    y = np.maximum(scene.lrhs_t1.reshape(len(scene.hs), -1), 0.0).astype(np.float64)  # (L, h·w)
    m = np.maximum(scene.hrms_t1.reshape(len(scene.ms), -1), 0.0).astype(np.float64)  # (C, H·W)
    p = min(p, *y.shape)
    W = extreme_pixels(y, p)
    H = np.full((p, y.shape[1]), 1.0 / p)
    for _ in range(updates):
        H = shares(W, H, y, updates=5)
        W = shares(H.T, W.T, y.T, updates=5, total=0.0).T
    lr = scene.lrhs_t1.shape[1:]
    D = [scene.D.at(np.full(p, detector)) for detector in range(len(scene.D.psf))]
    H = np.maximum(D[0].upsample(H.reshape(p, *lr)), 1e-6).reshape(p, -1)  # (p, H·W)
    for _ in range(rounds):
        H = shares(np.maximum(scene.R.R @ W, 1e-6), H, m, updates)
        for detector in np.unique(scene.hs.detector):
            bands = scene.hs.detector == detector
            abundances = D[detector].A(H.reshape(p, *scene.size)).reshape(p, -1)  # (p, h·w)
            W[bands] = shares(abundances.T, W[bands].T, y[bands].T, updates, total=0.0).T
    return (W @ H).reshape(-1, *scene.size)


def shares(
    W: np.ndarray, H: np.ndarray, X: np.ndarray, updates: int, total: float = 0.1
) -> np.ndarray:
    """Multiplicative updates of H ≥ 0 toward the least |X - W H|², from a positive start.

    Lee & Seung, "Algorithms for non-negative matrix factorization", NIPS 2000.

    Args:
        W: (L, p), not negative.
        H: (p, n), positive.
        X: (L, n), not negative.
        updates: how many.
        total: weight of "columns of H sum to one", against the length of a mean column of X.

    Example:
        >>> W = np.array([[1.0, 0.0], [0.0, 2.0]])
        >>> shares(W, np.full((2, 1), 0.5), np.array([[0.2], [1.6]]), updates=200).round(3)
        array([[0.2],
               [0.8]])
    """
    delta = total**2 * np.square(X).sum(axis=0).mean()
    gram, target = W.T @ W + delta, W.T @ X + delta  # (p, p), (p, n)
    for _ in range(updates):
        H = H * target / np.maximum(gram @ H, 1e-12)
    return H


def extreme_pixels(y: np.ndarray, p: int) -> np.ndarray:
    """(L, n) -> (L, p): the longest spectrum, then each time the one farthest from those before.

    Taken from the p leading components, in which noise is not mistaken for an extreme.
    """
    U = np.linalg.svd(y, full_matrices=False)[0][:, :p]
    clean = U @ (U.T @ y)  # (L, n)
    rest, extreme = clean.copy(), []
    for _ in range(p):
        extreme.append(int(np.square(rest).sum(axis=0).argmax()))
        axis = rest[:, extreme[-1]] / np.linalg.norm(rest[:, extreme[-1]])
        rest -= np.outer(axis, axis @ rest)
    return np.maximum(clean[:, extreme], 1e-6)
