"""Widgets and figures of lesson 10: three files, their faults, and what can be said without truth.

The three files are made from the shipped scene, seen imperfectly; so the kit knows what is wrong
with them, and can lift the veil at the end.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rasterio.crs import CRS
from scipy.ndimage import shift

from stsf.alignment.coverage import select_ms
from stsf.alignment.phase_correlation import shift_image
from stsf.errors import InputError
from stsf.files.imagefile import read_image
from stsf.files.raster import write_image
from stsf.files.scenes import FILES, image_of, read_scene
from stsf.fusion import fuse
from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import slider
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.metrics.consistency import plausibility, residuals
from stsf.metrics.figures import rmse
from stsf.plots.colour import BLUE, GREY, ORANGE, SOURCE_STYLE, rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.scene import Scene
from stsf.world.observation import wald

SHIFT_HS = (1.2, -0.8)  # of Y1 against M1: down, right, high-resolution pixels


SHIFT_MS1 = (0.6, -0.9)  # of M1 against M2


GAINS = {"B3": 1.05, "B8": 0.97}  # of the MS against the HS


HIDDEN = 1100.0  # nm, from where no band of the four sees anything


Files = tuple[Path, Path, Path]  # Y1, M1, M2


def three_files(scene: Scene, folder: Path) -> Files:
    """Y1, M1 and M2 of a scene with truth, seen anew with errors of geometry and radiometry.

    Args:
        scene: with truth at both dates.
        folder: where `hs_t1.tif`, `ms_t1.tif` and `ms_t2.tif` are written.

    Returns:
        The paths.
    """
    x1 = scene.truth(1)
    moved = tuple(replace(p, shift_y=SHIFT_HS[0], shift_x=SHIFT_HS[1]) for p in scene.psf)
    observed = wald(
        x1, scene.hs, scene.ms, scene.ratio, cube_t2=scene.hrhs_t2, psf=moved,
        snr_hs=scene.snr_hs, snr_ms=scene.snr_ms,
    )  # fmt: skip
    gain = np.array([GAINS.get(name, 1.0) for name in scene.ms.band_names])[:, None, None]
    m1 = shift_image(gain * observed.hrms_t1, -SHIFT_MS1[0], -SHIFT_MS1[1])
    cubes = {"lrhs_t1": observed.lrhs_t1, "hrms_t1": m1, "hrms_t2": gain * observed.hrms_t2}
    y1, m1_path, m2 = (
        write_image(folder / FILES[key], image_of(scene, key, cube), "int16")
        for key, cube in cubes.items()
    )
    return y1, m1_path, m2


def _swapped(files: Files, folder: Path) -> Files:
    return files[1], files[0], files[2]


def _counts(files: Files, folder: Path) -> Files:
    image = read_image(files[0])
    return write_image(folder / "counts.tif", replace(image, cube=1e4 * image.cube)), *files[1:]


def _moved(files: Files, folder: Path) -> Files:
    image = read_image(files[1])
    assert image.transform is not None
    east = image.transform.translation(image.transform.a * 20.5, 0) @ image.transform
    return files[0], write_image(folder / "moved.tif", replace(image, transform=east)), files[2]


def _reprojected(files: Files, folder: Path) -> Files:
    other = replace(read_image(files[2]), crs=CRS.from_epsg(32632))
    return files[0], files[1], write_image(folder / "zone32.tif", other)


def _nameless(files: Files, folder: Path) -> Files:
    image = replace(read_image(files[0]), names=(), wavelength=None, fwhm=None, sensor=None)
    return write_image(folder / "nameless.tif", image), *files[1:]


DAMAGE: dict[str, Callable[[Files, Path], Files]] = {
    "files swapped": _swapped,
    "digital numbers": _counts,
    "another extent": _moved,
    "another map projection": _reprojected,
    "no wavelengths": _nameless,
}


def refusal(files: Files) -> str:
    """What `read_scene` says to three files; folders are left out of the sentence."""
    try:
        read_scene(*files)
    except InputError as error:
        text = str(error)
        for path in files:
            text = text.replace(f"{path.parent}{os.sep}", "")
        return text
    return "accepted"


def misfit(scene: Scene) -> np.ndarray:
    """(h, w) RMS over the MS bands of R Y1 - D M1, where both sensors saw the same ground."""
    difference = scene.R.A(scene.lrhs_t1) - scene.D_ms.A(scene.hrms_t1)
    return np.sqrt(np.mean(difference**2, axis=0))


def misfit_view(before: Scene, after: Scene) -> Figure:
    """The misfit of HS and MS at t1, before and after they were brought together."""
    figure = plt.figure(figsize=(WIDTH, 4.2), layout="constrained")
    plt.close(figure)
    axes = figure.subplots(1, 2, sharey=True)
    top = float(np.percentile(misfit(before), 98))
    for ax, scene, title in zip(axes, (before, after), ("as the files say", "as found")):
        image = ax.imshow(misfit(scene), cmap="viridis", vmin=0, vmax=top, interpolation="nearest")
        ax.set(title=title, xlabel="x (HS pixels)", ylabel="y (HS pixels)")
    figure.colorbar(image, ax=axes, label="RMS of R Y1 − D M1 (reflectance)", extend="max")
    return figure


def left_out(scene: Scene, band: str) -> tuple[np.ndarray, np.ndarray]:
    """Predict one MS band of t2 from the others, and give what was measured beside it.

    Args:
        scene: registered and calibrated.
        band: name of the band that is kept secret at both dates.

    Returns:
        Predicted and measured band, (n,) each, in the pixels where M1 and M2 have data. The method
        is the projection of lesson 03.
    """
    index = scene.ms.band_names.index(band)
    others = [c for c in range(len(scene.ms)) if c != index]
    fused = fuse(select_ms(scene, np.array(others)), method="projection", calibrate="none")
    guess, known = scene.R.A(fused.hrhs_t2)[index], scene.valid_hr
    return guess[known], scene.hrms_t2[index][known]


def _swir(scene: Scene, x2: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.where((scene.hs.centre > HIDDEN)[:, None, None], other, x2)


FAULTS: dict[str, Callable[[Scene, np.ndarray, float], np.ndarray]] = {
    "brighter everywhere": lambda scene, x2, a: x2 * (1 + 0.2 * a),
    "one pixel off": lambda scene, x2, a: shift(x2, (0, 0, a), order=1, mode="nearest"),
    "SWIR brighter": lambda scene, x2, a: _swir(scene, x2, x2 * (1 + 0.5 * a)),
    "SWIR of another place": lambda scene, x2, a: _swir(
        scene, x2, x2 + a * (np.roll(x2, x2.shape[1] // 2, axis=1) - x2)
    ),
}


class WitnessExplorer(Redrawn):
    """Spoil a result and see which witness notices: the residual, or the look of the spectra.

    Args:
        scene: as it was fused.
        x1: estimate of X1 (L, H, W).
        x2: estimate of X2 (L, H, W).
        truth: X2, which only the kit knows.
        pixel: (y, x) whose spectrum is drawn.
    """

    def __init__(
        self,
        scene: Scene,
        x1: np.ndarray,
        x2: np.ndarray,
        truth: np.ndarray,
        pixel: tuple[int, int],
    ) -> None:
        self.given = scene, x1, x2, truth, pixel
        self.fault = ipywidgets.Dropdown(
            options=list(FAULTS), description="fault", style={"description_width": "11em"}
        )
        self.amount = slider(ipywidgets.FloatSlider, 0.5, "amount", min=0.0, max=1.0, step=0.1)
        self.show_with([self.fault], [self.amount])

    def view(self) -> tuple[Figure, str]:
        """The spoilt result and what the witnesses say."""
        return witness_view(*self.given, self.fault.value, self.amount.value)


def witness_view(
    scene: Scene,
    x1: np.ndarray,
    x2: np.ndarray,
    truth: np.ndarray,
    pixel: tuple[int, int],
    fault: str,
    amount: float,
) -> tuple[Figure, str]:
    """A spoilt estimate of X2, what can be said of it without truth, and what the truth says.

    Args:
        scene: as it was fused.
        x1: estimate of X1 (L, H, W).
        x2: estimate of X2 (L, H, W).
        truth: X2.
        pixel: (y, x) whose spectrum is drawn.
        fault: a key of `FAULTS`.
        amount: 0 to 1.

    Returns:
        The figure, and one line with the witnesses and the true error.
    """
    spoilt = FAULTS[fault](scene, x2, amount).astype(np.float32)
    left = residuals(scene, x1, spoilt)["M2 - R X2"]
    odd = plausibility(scene, spoilt)["odd spectra in X2"]
    error = rmse(spoilt, truth)
    figure = sheet(WIDTH, 3.1)
    image, curve, bars = figure.subplots(1, 3, width_ratios=(3, 4, 3))
    nm, (y, x) = scene.hs.centre, pixel
    stretch = stretch_limits([(x2, nm)], "SWIR")
    image.imshow(rgb(spoilt, nm, "SWIR", stretch), interpolation="nearest")
    image.plot(x, y, "s", mfc="none", mec="white", mew=2)
    image.set(title="X̂2, SWIR colours", xlabel="x (pixels)", ylabel="y (pixels)")
    for cube, key, name in ((spoilt, "hrhs_t2", "spoilt X̂2"), (truth, "truth_t2", "truth, t2")):
        style = SOURCE_STYLE[key]
        line = with_gaps(scene.hs, cube[:, y, x])
        curve.plot(*line, color=style.colour, ls=style.line, lw=2, label=name)
    curve.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)", ylim=(0, 0.6))
    curve.legend(frameon=False, ncols=2, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    curve.grid(alpha=0.3)
    _draw_witnesses(bars, left, 100 * odd, 100 * error)
    text = (
        f"{fault} {amount:.1f}: M2 - R X2 is {left:.2f} of the noise, {odd:.1%} of the spectra are "
        f"odd; true RMS error {error:.4f}"
    )
    return figure, text


def _draw_witnesses(ax: Axes, left: float, odd: float, error: float) -> None:
    """Two witnesses and the truth, on one logarithmic axis."""
    values = {"residual\n(× noise)": left, "odd spectra\n(%)": odd, "true error\n(% refl.)": error}
    low = 0.05
    at = range(len(values))
    ax.barh(at, np.maximum(list(values.values()), low), color=(BLUE, BLUE, ORANGE), left=0)
    ax.axvline(1.0, color=GREY, lw=1)
    ax.set(xscale="log", xlim=(low, 100), yticks=list(at), yticklabels=list(values))
    ax.set(xlabel="value, in the unit of its bar", ylabel="witness")
    ax.minorticks_off()  # they would take half the time of drawing
    ax.invert_yaxis()
    ax.grid(alpha=0.3, axis="x")
