"""What the boxes of the diagram show: a window of the scene before and after, and a spectrum."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import small_legend
from stsf.lab.lessons.live import Panels
from stsf.plots.colour import SOURCE_STYLE
from stsf.plots.figures import WIDTH
from stsf.scene import Scene

SHOWN = 30  # fine pixels on either side of the pixel that a window shows
SMALL = 8  # points


def pixel_menu(pixels: Mapping[str, tuple[int, int]]) -> ipywidgets.Dropdown:
    """A menu of named pixels (y, x).

    Example:
        >>> pixel_menu({"roof": (140, 100)}).value
        (140, 100)
    """
    return ipywidgets.Dropdown(options=list(pixels.items()), description="pixel")


class BoxPanels(Panels):
    """What some boxes do to a window of the scene: three pictures, a spectrum, and a last pane.

    Args:
        scene: with truth.
        where: see `pixel_menu`; window and spectrum are those of its value.

    Attributes:
        steps: the boxes, by name.
        controls: what a reader may choose besides the box.
    """

    steps: tuple[str, ...] = ()
    widths: tuple[float, ...] = (4.4, 4.4, 5.0, 3.9, 3.9)  # of the panes

    def __init__(self, scene: Scene, where: ipywidgets.Dropdown) -> None:
        figure = plt.figure(figsize=(WIDTH, 2.5), layout="constrained")
        plt.close(figure)
        super().__init__(figure)
        *self.images, self.spectrum, self.last = figure.subplots(1, 5, width_ratios=self.widths)
        self.scene, self.where = scene, where
        self.controls: list[ipywidgets.Widget] = [where]
        blank = np.zeros((2 * SHOWN, 2 * SHOWN))
        self.drawn = [ax.imshow(blank, interpolation="nearest") for ax in self.images]
        self.marks = [ax.plot(0, 0, "s", mfc="none", mec="white", mew=2)[0] for ax in self.images]
        for ax in self.images:
            ax.set_title("\n", fontsize=SMALL)
            ax.set_xlabel("x (pixels)")
            small_print(ax)
        for ax in self.images[1:]:
            ax.tick_params(labelleft=False)
        self.images[0].set_ylabel("y (pixels)", fontsize=SMALL)
        self._placed: tuple[int, int] | None = None

    def show(self, step: str) -> str:
        """Show one box; returns one line that says what is to be seen."""
        raise NotImplementedError

    @property
    def pixel(self) -> tuple[int, int]:
        """(y, x) chosen."""
        y, x = self.where.value
        return y, x

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns round the pixel, inside the scene."""
        first = [
            int(np.clip(p - SHOWN, 0, max(n - 2 * SHOWN, 0)))
            for p, n in zip(self.pixel, self.scene.size, strict=True)
        ]
        return slice(first[0], first[0] + 2 * SHOWN), slice(first[1], first[1] + 2 * SHOWN)

    def place(self) -> bool:
        """Move the axes to the chosen pixel; False where they are there already."""
        if self._placed == self.pixel:
            return False
        self._placed = y, x = self.pixel
        rows, columns = (np.arange(n)[s] for n, s in zip(self.scene.size, self.window, strict=True))
        for image, mark in zip(self.drawn, self.marks, strict=True):
            image.set_extent((columns[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5, rows[0] - 0.5))
            mark.set_data([x], [y])
        return True

    def picture(self, number: int, values: np.ndarray, title: str) -> None:
        """Put an image (H, W) or (H, W, 3) of the whole scene into a pane, cut to the window."""
        self.drawn[number].set_data(values[self.window])
        self.images[number].set_title(title, fontsize=SMALL)

    def colours(self, number: int, norm: Normalize, cmap: str, label: str, extend: str) -> None:
        """Give a pane a scale of colours, and its bar, pointed where values lie beyond."""
        self.drawn[number].set(norm=norm, cmap=cmap)
        bar = self.figure.colorbar(self.drawn[number], ax=self.images[number], extend=extend)
        bar.set_label(label)
        small_print(bar.ax)

    def curve(self, key: str, values: np.ndarray) -> None:
        """Draw a spectrum (L,) in the style of its source."""
        style = SOURCE_STYLE[key]
        self.spectrum.plot(
            *with_gaps(self.scene.hs, values), color=style.colour, ls=style.line, lw=1.8,
            label=style.label,
        )  # fmt: skip

    def label_spectrum(self, top: float) -> None:
        """Name the axes of the spectrum, which ends at a reflectance of `top`."""
        self.spectrum.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)", ylim=(0, top))
        small_legend(self.spectrum)
        small_print(self.spectrum)
        self.spectrum.grid(alpha=0.3)


def small_print(ax: Axes) -> None:
    """Five panes in a row leave their words little room."""
    ax.tick_params(labelsize=SMALL - 1)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_fontsize(SMALL)
