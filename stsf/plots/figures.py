"""Static figures, all in the palette of `stsf.plots.colour`.

Each function returns a closed pyplot figure: a notebook draws it once, as the last value of a
cell, and nothing piles up in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from numpy.typing import ArrayLike

from stsf.errors import InputError
from stsf.inspection import with_gaps
from stsf.metrics.comparison import Mask, angles, compare
from stsf.metrics.evaluation import band_groups
from stsf.plots.colour import (
    CHANGE_COLOUR,
    GROUP_COLOUR,
    MS_COLOUR,
    NO_DATA,
    PRESETS,
    SOURCE_STYLE,
    Colours,
    Style,
    rgb,
    stretch_limits,
)
from stsf.scene import KINDS, Scene
from stsf.sensing.bands import Sensor

WIDTH = 10.0  # inches, a notebook's column


class Fused(Protocol):
    """What a fusion method returns."""

    @property
    def hrhs_t1(self) -> np.ndarray:
        """Estimate of X1, (L, H, W)."""

    @property
    def hrhs_t2(self) -> np.ndarray:
        """Estimate of X2, (L, H, W)."""


def show_images(
    images: Mapping[str, tuple[np.ndarray, ArrayLike]],
    preset: Colours = "true colour",
    stretch: np.ndarray | None = None,
) -> Figure:
    """Images of one extent side by side, up to four in a row, all with the same stretch.

    Args:
        images: title to cube (L, H, W) and wavelengths (L,) in nm; grids may differ in ratio.
        preset: a key of `PRESETS`, or three wavelengths in nm.
        stretch: (3, 2) limits; by default those of all panes together.

    Raises:
        InputError: as for `stretch_limits`.

    Example:
        >>> cube = np.random.default_rng(0).random((3, 6, 6))
        >>> figure = show_images({"M1": (cube, [490, 560, 665]), "M2": (cube, [490, 560, 665])})
        >>> [ax.get_title() for ax in figure.axes]
        ['M1', 'M2']
    """
    limits = stretch_limits(images.values(), preset) if stretch is None else stretch
    panes = {title: rgb(cube, nm, preset, limits) for title, (cube, nm) in images.items()}
    columns = min(len(panes), 4)
    height, width = max(pane.shape[:2] for pane in panes.values())
    figure, axes = _image_grid(-(-len(panes) // columns), columns, width / height)
    for ax, (title, pane) in zip(axes.flat, panes.items()):
        _draw_image(ax, pane, width)
        ax.set_title(title)
    for i in range(len(panes), axes.size):
        axes.flat[i].remove()
        axes.flat[i - columns].tick_params(labelbottom=True)
        axes.flat[i - columns].set_xlabel("x (pixels)")
    name = preset if isinstance(preset, str) else "false colour"
    red, green, blue = PRESETS[preset] if isinstance(preset, str) else preset
    figure.suptitle(
        f"{name}: red {red:.0f}, green {green:.0f}, blue {blue:.0f} nm; one stretch for all",
        fontsize="medium",
    )
    return figure


def show_spectra(
    scene: Scene, pixel: tuple[int, int], fused: Fused | None = None, ax: Axes | None = None
) -> Figure | SubFigure:
    """All spectra of one pixel of the product grid: observed, fused and true, both dates.

    MS bands are points with a bar as wide as the band. Lines break where bands are missing.
    Observations without data at the pixel are left out.

    Args:
        scene: observations, and the truth where it is known.
        pixel: (y, x) on the high-resolution grid.
        fused: an object with `hrhs_t1` and `hrhs_t2`.
        ax: where to draw; by default a new figure.

    Raises:
        InputError: a pixel outside the scene.

    Example:
        >>> from stsf.files.datasets import load_sample
        >>> figure = show_spectra(load_sample(), pixel=(90, 90))
        >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
        ('wavelength (nm)', 'reflectance (0-1)')
    """
    if not all(0 <= p < n for p, n in zip(pixel, scene.size)):
        raise InputError(f"pixel must be (y, x) within {scene.size}, got {pixel}: choose another")
    ax = _new(height=4.6).subplots() if ax is None else ax
    handles = [
        _draw_spectrum(ax, SOURCE_STYLE[key], scene.ms if key.startswith("hrms") else scene.hs, v)
        for key, v in pixel_spectra(scene, pixel, fused).items()
    ]
    title = f"pixel y = {pixel[0]}, x = {pixel[1]}"
    if scene.change is not None:
        title += f" ({KINDS[scene.change[pixel]]})"
    above: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
    ax.legend(handles=handles, title=title, ncols=4, frameon=False, **above)
    ax.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.grid(alpha=0.3)
    return ax.figure


def pixel_spectra(
    scene: Scene, pixel: tuple[int, int], fused: Fused | None = None
) -> dict[str, np.ndarray]:
    """Values at a pixel (y, x) of the product grid, by key of `SOURCE_STYLE`, where there are any.

    The low-resolution pixel is the one that contains it.

    Example:
        >>> from stsf.files.datasets import load_sample
        >>> list(pixel_spectra(load_sample(), pixel=(90, 90)))
        ['hrms_t1', 'hrms_t2', 'truth_t1', 'truth_t2', 'lrhs_t1']
    """
    y, x = pixel
    i, j = y // scene.ratio, x // scene.ratio
    seen_lr = scene.valid_lr is None or scene.valid_lr[i, j]
    seen_hr = scene.valid_hr is None or scene.valid_hr[y, x]
    spectra = {
        "hrms_t1": scene.hrms_t1[:, y, x] if seen_hr else None,
        "hrms_t2": scene.hrms_t2[:, y, x] if seen_hr else None,
        "hrhs_t1": None if fused is None else fused.hrhs_t1[:, y, x],
        "hrhs_t2": None if fused is None else fused.hrhs_t2[:, y, x],
        "truth_t1": None if scene.hrhs_t1 is None else scene.hrhs_t1[:, y, x],
        "truth_t2": None if scene.hrhs_t2 is None else scene.hrhs_t2[:, y, x],
        "lrhs_t1": scene.lrhs_t1[:, i, j] if seen_lr else None,
    }
    return {key: values for key, values in spectra.items() if values is not None}


def show_srf(hs: Sensor, ms: Sensor) -> Figure:
    """Spectral responses: of the MS above; of the HS below, coloured by what the MS says of them.

    Example:
        >>> from stsf.sensing.sensors import enmap, sentinel2
        >>> figure = show_srf(enmap(), sentinel2("A"))
        >>> [ax.get_ylabel() for ax in figure.axes]
        ['response (peak 1)', 'response (peak 1)']
    """
    figure = _new(height=5.0)
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    ends = np.concatenate([s.centre + sign * s.fwhm for s in (hs, ms) for sign in (-1, 1)])
    axis = np.arange(np.floor(ends.min()), ends.max() + 1.0)  # 1 nm steps
    for i, (name, row) in enumerate(zip(ms.band_names, _relative(ms, axis))):
        shade = {"color": MS_COLOUR[i % len(MS_COLOUR)]}
        above.plot(axis, row, label=name, ls="-" if i < len(MS_COLOUR) else "--", **shade)
        above.fill_between(axis, row, alpha=0.15, lw=0, **shade)
    responses = _relative(hs, axis)
    for i, (name, mask) in enumerate(band_groups(hs, ms).items()):  # the covered bands on top
        look = {"color": GROUP_COLOUR[name], "lw": 0.7, "zorder": 3 - i}
        lines = below.plot(axis, responses[mask].T, **look)
        if lines:
            lines[0].set_label(f"{name}: {len(lines)} bands")
    above.set_title(ms.name, loc="left")
    below.set_title(f"{hs.name}{' (nominal)' if hs.nominal else ''}", loc="left")
    below.set_xlabel("wavelength (nm)")
    for ax in (above, below):
        ax.set(ylabel="response (peak 1)", ylim=(0, 1.05), xlim=(axis[0], axis[-1]))
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=10, frameon=False, fontsize=9)
    return figure


def show_change(change: np.ndarray) -> Figure:
    """Map of change (H, W), codes of `stsf.scene.KINDS` or boolean, with each kind's share.

    Example:
        >>> figure = show_change(np.array([[0, 0], [0, 3]]))
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['unchanged, 75.0 %', 'flood, 25.0 %']
    """
    kinds = ("unchanged", "changed") if change.dtype == bool else KINDS
    codes = change.astype(int)
    if codes.min() < 0 or codes.max() >= len(kinds):
        raise InputError(
            f"change must hold codes 0 to {len(kinds) - 1}, got {codes.min()} to {codes.max()}: "
            "give a boolean map (change > 0) where kinds are not known"
        )
    figure = _new(height=min(8.0, 5.5 * change.shape[0] / change.shape[1] + 0.8))
    ax = figure.subplots()
    colours = ListedColormap([CHANGE_COLOUR[kind] for kind in kinds])
    _draw_image(ax, codes, change.shape[1], cmap=colours, vmin=-0.5, vmax=len(kinds) - 0.5)
    ax.set(xlabel="x (pixels)", ylabel="y (pixels)")
    shares = {kind: float(np.mean(codes == code)) for code, kind in enumerate(kinds)}
    patches = [
        Patch(color=CHANGE_COLOUR[kind], label=f"{kind}, {100 * share:.1f} %")
        for kind, share in shares.items()
        if share
    ]
    ax.legend(handles=patches, loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    return figure


def show_error_maps(
    predictions: Mapping[str, np.ndarray], reference: np.ndarray, valid: Mask = None
) -> Figure:
    """Where each prediction errs: RMSE over bands above, spectral angle below, one scale a row.

    The scales end at the 98th percentile of all predictions; grey has no figure.

    Args:
        predictions: title to cube (L, H, W).
        reference: (L, H, W).
        valid: (H, W), False where the data must not be used.

    Raises:
        InputError: as for `stsf.metrics.psnr`.

    Example:
        >>> truth = np.full((4, 6, 6), 0.2)
        >>> figure = show_error_maps({"brighter": truth + 0.1}, truth)
        >>> figure.axes[0].images[0].get_array().max().round(6)
        np.float64(0.1)
    """
    rows: dict[str, list[np.ndarray]] = {"RMSE (reflectance)": [], "spectral angle (°)": []}
    for cube in predictions.values():
        pair = compare(cube, reference, valid)
        error = np.sqrt(np.mean((pair.pred - pair.ref) ** 2, axis=0))
        rows["RMSE (reflectance)"].append(np.where(pair.scored, error, np.nan))
        rows["spectral angle (°)"].append(angles(pair))
    figure, axes = _image_grid(
        len(rows), len(predictions), reference.shape[2] / reference.shape[1], beside=1.2
    )
    colours = plt.get_cmap("viridis").with_extremes(bad=str(NO_DATA))
    for line, (name, maps) in zip(axes, rows.items()):
        top = np.nanpercentile(np.stack(maps), 98) or 1.0
        for ax, values in zip(line, maps):
            image = _draw_image(ax, values, values.shape[1], cmap=colours, vmin=0.0, vmax=top)
        figure.colorbar(image, ax=line, label=name, extend="max")
    for ax, title in zip(axes[0], predictions):
        ax.set_title(title)
    return figure


def _new(height: float) -> Figure:
    """A figure that pyplot knows how to show but no longer keeps (nor shows a second time)."""
    figure = plt.figure(figsize=(WIDTH, height), layout="constrained")
    plt.close(figure)
    return figure


def _image_grid(
    rows: int, columns: int, aspect: float, beside: float = 0.0
) -> tuple[Figure, np.ndarray]:
    """Axes (rows, columns) for images of one width / height, `beside` inches for a colour bar."""
    pane = (WIDTH - 0.6 - beside) / max(columns, 2)  # inches
    figure = _new(height=rows * (pane / aspect + 0.6) + 0.5)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax in axes[-1]:
        ax.set_xlabel("x (pixels)")
    for ax in axes[:, 0]:
        ax.set_ylabel("y (pixels)")
    return figure, axes


def _draw_spectrum(ax: Axes, style: Style, sensor: Sensor, values: np.ndarray) -> Any:
    """Points with a bar as wide as the band for a style without a line, else a broken line."""
    look: dict[str, Any] = {"color": style.colour, "marker": style.marker, "label": style.label}
    if style.line == "none":
        bars = sensor.fwhm / 2
        return ax.errorbar(sensor.centre, values, xerr=bars, ls="none", ms=5, zorder=4, **look)
    width, front = (2.2, 3) if style.line == ":" else (1.4, 2)
    x, y = with_gaps(sensor, values)
    return ax.plot(x, y, ls=style.line, lw=width, zorder=front, ms=3, **look)[0]


def _draw_image(ax: Axes, image: np.ndarray, width: int, **look: Any) -> AxesImage:
    """An image (H, W[, 3]) stretched over a grid of `width` columns, pixel centres at integers."""
    ratio = width / image.shape[1]
    extent = (-0.5, width - 0.5, image.shape[0] * ratio - 0.5, -0.5)
    return ax.imshow(image, extent=extent, interpolation="nearest", **look)


def _relative(sensor: Sensor, axis: np.ndarray) -> np.ndarray:
    """Responses (L, N) with a maximum of 1, NaN where there is next to none."""
    responses = sensor.response(axis)
    relative = responses / responses.max(axis=1, keepdims=True)
    return np.where(relative > 0.005, relative, np.nan)
