"""The registration beside that of scikit-image and SimpleITK, on shifts that are known.

    python -m venv other && other/bin/pip install scikit-image SimpleITK
    PYTHONPATH=. other/bin/python tests/registration_table.py data/results/registration.csv

Neither is needed by the kit, nor by its tests. The images are made here, of nothing but numpy and
scipy: fields drawn at ten samples along a pixel and averaged over pixels, so that a shift by tenths
of a pixel is exact. Eight draws of a case; a shift of up to 3 pixels along each axis. "told": how
many of the shifts a method would use; only the kit's says that it cannot tell.
"""

import csv
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy import ndimage

from stsf.alignment.phase_correlation import SIGNIFICANT, phase_shift

SIDE, FINE, EDGE = 160, 10, 4  # pixels, samples along one, pixels that a shift may reach beyond
SEEDS, MOST = range(8), 30  # draws; tenths of a pixel
LOOSE_DATES = 0.1  # px, as in `stsf.alignment.registration`, which needs more than numpy and scipy
CASES = ("same day", "noisy", "a quarter changed", "another season", "contrast reversed")


def fields(rng: np.random.Generator, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Which field each fine sample lies in, by the nearest of random middles, and their values."""
    side = (SIDE + 2 * EDGE) * FINE
    middles = rng.uniform(0, side, (count, 2)).astype(int)
    seeds = np.zeros((side, side), bool)
    seeds[tuple(middles.T)] = True
    near = ndimage.distance_transform_edt(~seeds, return_distances=False, return_indices=True)
    which = np.searchsorted(
        np.unique(middles[:, 0] * side + middles[:, 1]), near[0] * side + near[1]
    )
    return which, rng.uniform(0.05, 0.45, which.max() + 1)


def seen(land: np.ndarray, tenths: tuple[int, int]) -> np.ndarray:
    """Pixels of the land from a place that lies so many tenths down and right."""
    y, x = (EDGE * FINE + t for t in tenths)
    part = land[y : y + SIDE * FINE, x : x + SIDE * FINE]
    return part.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))


def pair(case: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two images and the shift d in pixels with first(y + d) = second(y)."""
    rng = np.random.default_rng(seed)
    which, values = fields(rng)
    later = values.copy()
    if case == "another season":  # each field goes half of its way to another value
        later = 0.5 * values + 0.5 * rng.uniform(0.05, 0.45, values.shape)
    if case == "contrast reversed":  # what was bright is dark, in the one band that there is
        later = 0.5 - values + rng.normal(0, 0.05, values.shape)
    if case == "a quarter changed":
        changed = rng.uniform(size=values.shape) < 0.25
        later[changed] = rng.uniform(0.05, 0.45, changed.sum())
    tenths = tuple(int(t) for t in rng.integers(-MOST, MOST + 1, 2))
    noise = 0.05 if case == "noisy" else 0.004
    first, second = seen(values[which], (0, 0)), seen(later[which], tenths)
    noisy = [image + rng.normal(0, noise, image.shape) for image in (first, second)]
    return noisy[0], 0.9 * noisy[1] + 0.02, np.array(tenths) / FINE


Found = tuple[np.ndarray, bool]  # the shift, and whether the method trusts it


def of_stsf(a: np.ndarray, b: np.ndarray) -> Found:
    shift, sigma, score = phase_shift(a[None], b[None])
    return shift, score > SIGNIFICANT and sigma.max() < LOOSE_DATES


def of_skimage(normalization: str | None) -> Callable[[np.ndarray, np.ndarray], Found]:
    from skimage.registration import phase_cross_correlation

    def find(a: np.ndarray, b: np.ndarray) -> Found:
        found = phase_cross_correlation(a, b, upsample_factor=100, normalization=normalization)
        return np.asarray(found[0]), True

    return find


def of_simpleitk(metric: str) -> Callable[[np.ndarray, np.ndarray], Found]:
    import SimpleITK as sitk

    def find(a: np.ndarray, b: np.ndarray) -> Found:
        method = sitk.ImageRegistrationMethod()
        if metric == "mutual information":
            method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=50)
        else:
            method.SetMetricAsCorrelation()
        method.SetInterpolator(sitk.sitkBSpline)
        method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, 300)
        method.SetShrinkFactorsPerLevel([4, 2, 1])
        method.SetSmoothingSigmasPerLevel([2, 1, 0])
        method.SetInitialTransform(sitk.TranslationTransform(2))
        x, y = method.Execute(*map(sitk.GetImageFromArray, (b, a))).GetParameters()
        return np.array([y, x]), True

    return find


def main(out: Path) -> None:
    """Every method on every case, one row each."""
    tools = [
        ("phase correlation of the kit", "stsf", of_stsf),
        ("phase_cross_correlation", "scikit-image", of_skimage("phase")),
        ("phase_cross_correlation, normalization=None", "scikit-image", of_skimage(None)),
        ("correlation", "SimpleITK", of_simpleitk("correlation")),
        ("mutual information", "SimpleITK", of_simpleitk("mutual information")),
    ]
    rows = []
    for case in CASES:
        pairs = [pair(case, seed) for seed in SEEDS]
        for name, package, find in tools:
            start = time.process_time()
            found = [find(a, b) for a, b, _ in pairs]
            spent = (time.process_time() - start) / len(pairs)
            off = np.array([np.hypot(*(d - of[2])) for (d, _), of in zip(found, pairs)])
            told = f"{sum(bool(sure) for _, sure in found)} of {len(pairs)}"
            number = "this" if package == "stsf" else version(package)
            figures = f"{np.median(off):.3f}", f"{off.max():.3f}", f"{1000 * spent:.0f}"
            rows.append((case, package, number, name, told, *figures))
            print(*rows[-1], sep=" | ")
    head = "case", "package", "version", "method", "told", "median_px", "largest_px", "cpu_ms"
    with open(out, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([head, *rows])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
