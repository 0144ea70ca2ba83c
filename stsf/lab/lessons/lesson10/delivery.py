"""Lesson 10: images as they arrive, without a word in their files, and the kit's answer to them.

What is wrong with a delivery is built in here, so a self-check can lift the veil.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from contextlib import chdir
from importlib.metadata import entry_points
from pathlib import Path
from types import EllipsisType
from typing import Any

import numpy as np
import rasterio
from click.testing import CliRunner
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from stsf.alignment.coverage import select_ms
from stsf.errors import InputError
from stsf.files.header import unplaced
from stsf.lab.lessons.exercises import OPEN
from stsf.plots.figures import WIDTH
from stsf.scene import Scene
from stsf.sensing.sensors import to_csv

PLACE = (slice(20, 60), slice(10, 50))  # HS rows and columns of the shipped scene
COUNTS = 10_000  # of reflectance 1
MASKED = 65_535  # count that stands for "no data"
UNSORTED = ("B8", "B4", "B3", "B2")  # a stack made for false colours
WHITE = (0.62, 0.62, 0.63, 0.66)  # reflectance of a thick cloud in B2, B3, B4, B8
SEEN = 0.05  # share of cloud from which on a pixel counts as clouded
NAMES = {"hs": "hs.tif", "ms1": "ms1.tif", "ms2": "ms2.tif", "bands": "hs_bands.csv"}


def deliver(scene: Scene, folder: Path, fault: str = "bare") -> Path:
    """Three GeoTIFFs that hold counts and nothing else, and the HS band table of the data sheet.

    Args:
        scene: what is delivered.
        folder: made where missing.
        fault: "bare", "unsorted" (MS bands in another order) or "cloudy" (a cloud in M2).

    Returns:
        The folder.
    """
    if fault == "unsorted":
        scene = select_ms(scene, np.array([scene.ms.band_names.index(b) for b in UNSORTED]))
    m2 = clouded(scene) if fault == "cloudy" else scene.hrms_t2
    folder.mkdir(parents=True, exist_ok=True)
    for key, cube in (("hs", scene.lrhs_t1), ("ms1", scene.hrms_t1), ("ms2", m2)):
        write_counts(folder / NAMES[key], COUNTS * cube)
    table = [f"{n},{c:.2f},{w:.2f}" for n, c, w in zip(
        scene.hs.band_names, scene.hs.centre, scene.hs.fwhm)]  # fmt: skip
    (folder / NAMES["bands"]).write_text("\n".join(["name,centre,fwhm", *table]), "utf-8")
    return folder


def write_counts(path: Path, cube: np.ndarray) -> None:
    """A GeoTIFF of uint16 counts (band, y, x) without any tag."""
    counts = np.rint(np.clip(cube, 0, MASKED)).astype(np.uint16)
    bands, height, width = counts.shape
    with (
        unplaced(),
        rasterio.open(
            path, "w", driver="GTiff", count=bands, height=height, width=width, dtype="uint16"
        ) as target,
    ):
        target.write(counts)


def read_counts(path: Path) -> np.ndarray:
    """(band, y, x) float32 reflectance of a file of counts."""
    with unplaced(), rasterio.open(path) as source:
        reflectance: np.ndarray = source.read().astype(np.float32) / COUNTS
    return reflectance


def cloud(shape: tuple[int, int]) -> np.ndarray:
    """(H, W) share of a cloud in each pixel, 0 to 1: one cloud with a ragged, thin edge."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None]
    ragged = gaussian_filter(np.random.default_rng(3).standard_normal(shape), shape[0] / 20)
    ragged /= ragged.std()
    hill = np.exp(-(((rows - 0.65) / 0.13) ** 2) - ((columns - 0.58) / 0.18) ** 2)
    return np.clip(1.6 * hill * (1 + 0.25 * ragged) - 0.35, 0, 1)


def clouded(scene: Scene) -> np.ndarray:
    """(C, H, W) M2 below the cloud."""
    share = cloud(scene.size)
    white = np.array(WHITE)[:, None, None]
    mixed: np.ndarray = ((1 - share) * scene.hrms_t2 + share * white).astype(np.float32)
    return mixed


def command(line: str | EllipsisType, folder: Path) -> str:
    """What the kit says to a command line, as a terminal opened in that folder would show it.

    Args:
        line: such as "stsf fuse --hs hs.tif ...".
        folder: where the files lie that the line names.

    Raises:
        InputError: a command of another program.
    """
    return OPEN if isinstance(line, EllipsisType) else run(line, folder)[0]


def run(line: str, folder: Path) -> tuple[str, int]:
    """What the kit says, and its exit code: 0 where all went well."""
    program, *words = shlex.split(line) or [""]
    if program != "stsf":
        raise InputError(f"expected a line that begins with stsf, got {line!r}: begin with stsf")
    (entry,) = entry_points(group="console_scripts", name="stsf")
    with chdir(folder):
        done: Any = CliRunner().invoke(entry.load(), words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    said = done.output.replace(f"{folder}{os.sep}", "").strip()
    return said, done.exit_code


def gains(found: Sequence[str]) -> dict[str, float]:
    """The gain of each MS band, from the lines of a report.

    Example:
        >>> gains(["MS band B2 against the HS at t1: gain 1.049 ± 0.001, offset +6.6e-05; mended."])
        {'B2': 1.049}
    """
    lines = (re.match(r"MS band (\S+) against .*?gain ([\d.]+)", line) for line in found)
    return {line[1]: float(line[2]) for line in lines if line}


def ms_table(scene: Scene, order: Sequence[str], path: Path) -> Path:
    """The band table of an MS as CSV, its bands in the order in which a file holds them."""
    to_csv(scene.ms.select(list(order)), path)
    return path


def bands_view(cube: np.ndarray) -> Figure:
    """The bands of a file (band, y, x), each in grey from its darkest to its brightest pixels."""
    figure = plt.figure(figsize=(WIDTH, 2.9), layout="constrained")
    plt.close(figure)
    for number, (ax, band) in enumerate(zip(figure.subplots(1, len(cube), sharey=True), cube), 1):
        low, high = np.percentile(band, (1, 99))
        ax.imshow(band, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        ax.set(title=f"band {number}: {low:.2f} to {high:.2f}", xlabel="x (pixels)")
        ax.set_ylabel("y (pixels)" if number == 1 else "")
    return figure
