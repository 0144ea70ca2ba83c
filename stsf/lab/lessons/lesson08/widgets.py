"""Widgets and figures of lesson 08: what a figure of merit sees, and what fools it."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter, shift

from stsf import metrics
from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import WIDE, slider
from stsf.lab.lessons.live import Redrawn
from stsf.lab.lessons.sheet import sheet
from stsf.plots.colour import BLUE, GREY, ORANGE, SOURCE_STYLE, rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.scene import Scene

VISIBLE = 700.0  # nm, where the visible ends


def scores(cube: np.ndarray, truth: np.ndarray, ratio: int = 3) -> str:
    """All figures of merit of a cube (L, H, W) in one line.

    Example:
        >>> scores(np.full((1, 9, 9), 0.4), np.full((1, 9, 9), 0.5))
        'PSNR 14.0 dB (mean 14.0), SAM 0.0°, ERGAS 6.7, SSIM 0.98, CC nan'
    """
    return _line(metrics.evaluate(cube, truth, ratio=ratio)[0])


def _line(row: metrics.Row) -> str:
    return (
        f"PSNR {row['psnr']:.1f} dB (mean {row['mean_psnr']:.1f}), SAM {row['sam']:.1f}°, "
        f"ERGAS {row['ergas']:.1f}, SSIM {row['ssim']:.2f}, CC {row['cc']:.2f}"
    )


def _noise(scene: Scene, x2: np.ndarray, amount: float) -> np.ndarray:
    return x2 + 0.05 * amount * np.random.default_rng(0).standard_normal(x2.shape)


def _flat(scene: Scene, x2: np.ndarray, amount: float) -> np.ndarray:
    visible = (scene.hs.centre < VISIBLE)[:, None, None]
    return np.where(visible, x2 + amount * (x2.mean(axis=(1, 2), keepdims=True) - x2), x2)


def _stale(scene: Scene, x2: np.ndarray, amount: float) -> np.ndarray:
    x1 = scene.truth(1)
    kinds = scene.true_change()
    return np.where(kinds > 0, x2 + amount * (x1 - x2), x2)


FAULTS: dict[str, Callable[[Scene, np.ndarray, float], np.ndarray]] = {
    "darker": lambda scene, x2, amount: (1 - amount) * x2,
    "a constant added": lambda scene, x2, amount: x2 + 0.05 * amount,
    "noise": _noise,
    "blur": lambda scene, x2, amount: gaussian_filter(x2, (0, 3 * amount, 3 * amount)),
    "shifted": lambda scene, x2, amount: shift(x2, (0, 0, 2 * amount), order=1, mode="nearest"),
    "visible bands flat": _flat,
    "change ignored": _stale,
}


def spoil(scene: Scene, fault: str, amount: float) -> np.ndarray:
    """The true X2 with one fault.

    Args:
        scene: with truth.
        fault: a key of `FAULTS`: "darker" (by the share `amount`), "a constant added" (up to 0.05),
            "noise" (σ up to 0.05), "blur" (σ up to 3 px), "shifted" (up to 2 px), "visible bands
            flat" (their image fades to its mean), "change ignored" (changed pixels fade to X1).
        amount: 0 (the truth) to 1.

    Returns:
        (L, H, W) reflectance.
    """
    x2 = scene.truth(2)
    return FAULTS[fault](scene, x2, amount)


class TrapExplorer(Redrawn):
    """Spoil the truth in one way and watch which figures of merit notice.

    Args:
        scene: with truth.
        rival: (L, H, W) estimate of X2 that the spoilt truth is compared with.
        pixel: (y, x) whose spectrum is drawn.
    """

    def __init__(self, scene: Scene, rival: np.ndarray, pixel: tuple[int, int]) -> None:
        self.scene, self.pixel = scene, pixel
        self.rival = _errors(scene, rival)[1]
        self.fault = ipywidgets.Dropdown(options=list(FAULTS), description="fault", **WIDE)
        limits = {"min": 0.05, "max": 1.0, "step": 0.05}
        self.amount = slider(ipywidgets.FloatSlider, 0.5, "amount", **limits)
        self.show_with([self.fault], [self.amount])

    def view(self) -> tuple[Figure, str]:
        """The spoilt cube and its figures."""
        return _trap(self.scene, self.rival, self.pixel, self.fault.value, self.amount.value)


def trap_view(
    scene: Scene, rival: np.ndarray, pixel: tuple[int, int], fault: str, amount: float
) -> tuple[Figure, str]:
    """One fault: the image, its error, one spectrum, and each figure against that of a rival.

    Args:
        scene: with truth.
        rival: (L, H, W) honest estimate of X2, to compare with.
        pixel: (y, x) whose spectrum is drawn.
        fault: see `spoil`.
        amount: see `spoil`.

    Returns:
        The figure, and one line with the figures of merit.
    """
    return _trap(scene, _errors(scene, rival)[1], pixel, fault, amount)


def _errors(scene: Scene, x2: np.ndarray) -> tuple[metrics.Row, dict[str, float]]:
    """The figures of merit, and for each what is zero for a perfect cube."""
    true_x2 = scene.truth(2)
    row = metrics.evaluate(x2, true_x2, ratio=scene.ratio)[0]
    return row, {
        "PSNR": row["rmse"],
        "mean PSNR": 10 ** (-row["mean_psnr"] / 20),
        "SAM": row["sam"],
        "ERGAS": row["ergas"],
        "SSIM": 1 - row["ssim"],
        "CC": 1 - row["cc"],
    }


def _trap(
    scene: Scene, rival: dict[str, float], pixel: tuple[int, int], fault: str, amount: float
) -> tuple[Figure, str]:
    truth, cube = scene.truth(2), spoil(scene, fault, amount)
    row, errors = _errors(scene, cube)
    shares = {name: error / rival[name] for name, error in errors.items()}
    figure = sheet(WIDTH, 3.1)
    panes = figure.subplot_mosaic(
        [["image", "error", "spectrum", "bars"]], width_ratios=(4, 4.4, 5, 4.4)
    )
    nm, (y, x) = scene.hs.centre, pixel
    shown = rgb(cube, nm, "true colour", stretch_limits([(truth, nm)]))
    panes["image"].imshow(shown, interpolation="nearest")
    wrong = np.sqrt(np.mean((cube - truth) ** 2, axis=0))
    image = panes["error"].imshow(wrong, cmap="viridis", vmin=0, vmax=0.1, interpolation="nearest")
    figure.colorbar(image, ax=panes["error"], label="RMS (reflectance)", extend="max",
                    location="bottom")  # fmt: skip
    for key, title in (("image", f"X2, {fault} {amount:.2f}"), ("error", "its error")):
        panes[key].plot(x, y, "s", mfc="none", mec="white", mew=2)
        panes[key].set(xlabel="x (pixels)", ylabel="y (pixels)")
        panes[key].set_title(title, fontsize=9)
    _draw_shares(panes["bars"], shares)
    style, spectrum = SOURCE_STYLE["truth_t2"], panes["spectrum"]
    spectrum.plot(*with_gaps(scene.hs, cube[:, y, x]), color=BLUE, label="spoilt")
    true = with_gaps(scene.hs, truth[:, y, x])
    spectrum.plot(*true, color=style.colour, ls=style.line, lw=2, label=style.label)
    spectrum.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    spectrum.set_ylim(-0.1, 1.4 * float(truth[:, y, x].max()))  # does not jump
    spectrum.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1))
    spectrum.grid(alpha=0.3)
    fooled = ", ".join(name for name, share in shares.items() if share < 1) or "none"
    return figure, f"{fault} {amount:.2f}: {_line(row)}; better than the rival by: {fooled}"


def _draw_shares(ax: Axes, shares: dict[str, float]) -> None:
    """Each error as a multiple of the rival's: left of the line is better, right is worse."""
    ends = (0.01, 100.0)
    at = range(len(shares))
    for y, value in zip(at, shares.values()):
        value = float(np.clip(value, *ends))
        ax.plot(
            [1, value], [y, y], color=BLUE if value < 1 else ORANGE, lw=7, solid_capstyle="butt"
        )
    ax.axvline(1.0, color=GREY, lw=1)
    ax.set(xscale="log", xlim=ends, yticks=list(at), yticklabels=list(shares), ylabel="figure")
    ax.set(xlabel="error (of the rival = 1)")
    ax.set_title("better  |  worse", fontsize=9)
    ax.minorticks_off()  # they would take half the time of drawing
    ax.invert_yaxis()
    ax.grid(alpha=0.3, axis="x")
