"""Lesson 06: what the boxes of TVE do, for the diagram to click."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import ipywidgets
import numpy as np
from matplotlib.colors import Normalize, to_rgb

from stsf.evidence.candidates import CANDIDATES
from stsf.inspection import with_gaps
from stsf.lab.lessons.boxes import SMALL, BoxPanels, small_print
from stsf.lab.lessons.kit import rms
from stsf.lab.lessons.lesson06.widgets import averages
from stsf.network import Estimate
from stsf.plots.colour import CHANGE_COLOUR, GREY, LIGHT, RED, SOURCE_STYLE, rgb, stretch_limits
from stsf.scene import KINDS, Scene

NEARER = 0.05  # reflectance, end of the scale of errors taken away


WEIGHED = "X̂2, weighed"


class Answer(NamedTuple):
    """One answer for t2: as an image (H, W, 3), and the RMS error of each pixel (H, W)."""

    colours: np.ndarray
    size: np.ndarray


class CandidatePanels(BoxPanels):
    """The candidates: X̂1, one of them, whether it comes nearer to X2, and the errors of all.

    Args:
        scene: with truth.
        found: with its steps, see `DCSTSF.second_date`.
        where: see `boxes.pixel_menu`.
        chosen: see `candidate_menu`.
    """

    steps = ("candidates",)
    unit = "RMS error (reflectance)"

    def __init__(
        self, scene: Scene, found: Estimate, where: ipywidgets.Dropdown, chosen: ipywidgets.Dropdown
    ) -> None:
        super().__init__(scene, where)
        self.found, self.chosen, self.truth = found, chosen, scene.truth(2)
        self.controls.append(chosen)
        self.stretch = stretch_limits([(self.truth, scene.hs.centre)], "SWIR")
        self.colours(2, Normalize(-NEARER, NEARER), "RdBu", "error less (reflectance)", "both")
        self.errors = [rms(cube - self.truth) for cube in found.steps["candidates"]]
        self._answers: dict[str, Answer] = {}
        self._draw_bars(1.1 * max(self.errors))

    def show(self, step: str) -> str:
        """The chosen candidate, against X̂1 as it stands."""
        name, cube = self.chosen.value, self.cube
        self._compare(("X̂1", self.found.x1), (name, cube))
        self._move_bars(np.array(self.errors))
        y, x = self.pixel
        return (
            f"candidates: {name}: RMS error {self.errors[self.chosen.index]:.4f}, X̂1 taken for X2 "
            f"{rms(self._answer('X̂1', self.found.x1).size):.4f}; at pixel y = {y}, x = {x} "
            f"{rms(cube[:, y, x] - self.truth[:, y, x]):.4f} and "
            f"{rms(self.found.x1[:, y, x] - self.truth[:, y, x]):.4f}"
        )

    @property
    def cube(self) -> np.ndarray:
        """(L, H, W) the chosen candidate."""
        return self.found.steps["candidates"][self.chosen.index]

    def _compare(self, before: tuple[str, np.ndarray], after: tuple[str, np.ndarray]) -> None:
        """Two answers for t2, where the second is nearer to the truth, and both spectra."""
        if self.place():
            self._place_spectrum()
        answers = [self._answer(name, cube) for name, cube in (before, after)]
        for pane, (name, cube) in enumerate((before, after)):
            error = rms(answers[pane].size)
            self.picture(pane, answers[pane].colours, f"{name}:\nerror {error:.4f}")
            self.lines[pane].set_data(*with_gaps(self.scene.hs, cube[:, *self.pixel]))
        self.picture(2, answers[0].size - answers[1].size, "nearer (blue),\nfarther (red)")

    def _answer(self, name: str, cube: np.ndarray) -> Answer:
        """What is drawn of an answer (L, H, W), made once."""
        if name not in self._answers:
            size = np.sqrt(np.mean(np.square(cube - self.truth), axis=0))
            colours = rgb(cube, self.scene.hs.centre, "SWIR", self.stretch)
            self._answers[name] = Answer(colours, size)
        return self._answers[name]

    def _place_spectrum(self) -> None:
        """M2 and the truth stand; the two answers move."""
        self.spectrum.clear()
        self.curve("truth_t2", self.truth[:, *self.pixel])
        style = SOURCE_STYLE["hrms_t2"]
        self.spectrum.plot(
            self.scene.ms.centre, self.scene.hrms_t2[:, *self.pixel], ls="none",
            marker=style.marker, color=style.colour, label=style.label,
        )  # fmt: skip
        looks = {"before": (GREY, "--"), "after": (RED, "-")}
        self.lines = [
            self.spectrum.plot([], [], color=c, ls=ls, lw=1.8, label=name)[0]
            for name, (c, ls) in looks.items()
        ]
        every = [*self.found.steps["candidates"][:, :, *self.pixel], self.truth[:, *self.pixel]]
        self.label_spectrum(1.1 * float(np.max(every)))

    def _draw_bars(self, top: float) -> None:
        """One bar for each candidate."""
        self.bars = self.last.barh(range(len(CANDIDATES)), 0.0, color=LIGHT, edgecolor=GREY)
        self.last.set(xlabel=self.unit, xlim=(0, top), ylim=(len(CANDIDATES) - 0.4, -0.6))
        self.last.set_yticks(range(len(CANDIDATES)), CANDIDATES)
        small_print(self.last)
        self.last.set_title("\n", fontsize=SMALL)
        self.last.grid(axis="x", alpha=0.3)

    def _move_bars(self, lengths: np.ndarray) -> None:
        for i, (bar, length) in enumerate(zip(self.bars, lengths, strict=True)):
            bar.set(width=length, facecolor=RED if i == self.chosen.index else LIGHT)


class WeightPanels(CandidatePanels):
    """The weights: one candidate alone, the weighed sum, and the weights at the pixel."""

    steps = ("weights",)
    unit = "weight at the pixel"

    def _draw_bars(self, top: float) -> None:
        super()._draw_bars(1.0)

    def show(self, step: str) -> str:
        """The weighed sum, against the chosen candidate alone."""
        name, (y, x) = self.chosen.value, self.pixel
        weights = self.found.steps["weights"][:, y, x]
        self._compare((name, self.cube), (WEIGHED, self.found.x2))
        self._move_bars(weights)
        best = int(weights.argmax())
        return (
            f"weights: at pixel y = {y}, x = {x} {CANDIDATES[best]} weighs most, "
            f"{weights[best]:.2f}; RMS error of {name} {self.errors[self.chosen.index]:.4f}, "
            f"weighed {rms(self._answer(WEIGHED, self.found.x2).size):.4f}"
        )


class KeptPanels(BoxPanels):
    """What is kept of X̂1: the difference of the MS, the share kept, and what really changed.

    Args:
        scene: with truth.
        found: with its steps.
        where: see `boxes.pixel_menu`.
    """

    steps = ("kept",)
    widths = (5.0, 5.0, 4.2, 3.9, 3.9)

    def __init__(self, scene: Scene, found: Estimate, where: ipywidgets.Dropdown) -> None:
        super().__init__(scene, where)
        self.found, self.kept = found, found.steps["kept"]
        self.differs = np.sqrt(np.mean(np.square(scene.hrms_t2 - scene.hrms_t1), axis=0))
        self.colours(0, Normalize(0, 0.2), "viridis", "reflectance", "max")
        self.colours(1, Normalize(0, 1), "viridis", "share of the answer", "neither")
        self.kinds = np.array([to_rgb(CHANGE_COLOUR[kind]) for kind in KINDS])[scene.true_change()]
        self._draw_bars(averages(self.kept, scene))

    def show(self, step: str) -> str:
        """Difference image, kept share, truth."""
        y, x = self.pixel
        if self.place():
            self._place_spectrum()
        self.picture(0, self.differs, "M2 − M1, RMS")
        self.picture(1, self.kept, "kept of X̂1")
        self.picture(2, self.kinds, "what really changed")
        kind = KINDS[self.scene.true_change()[y, x]]
        return (
            f"kept: at pixel y = {y}, x = {x} ({kind}) M2 − M1 is {self.differs[y, x]:.3f}, "
            f"kept of X̂1 {self.kept[y, x]:.2f}; RMS error of X̂2 there "
            f"{rms((self.found.x2 - self.scene.truth(2))[:, y, x]):.4f}"
        )

    def _place_spectrum(self) -> None:
        self.spectrum.clear()
        curves = {
            "hrhs_t1": self.found.x1, "hrhs_t2": self.found.x2, "truth_t2": self.scene.truth(2),
        }  # fmt: skip
        for key, cube in curves.items():
            self.curve(key, cube[:, *self.pixel])
        self.label_spectrum(1.1 * max(float(c[:, *self.pixel].max()) for c in curves.values()))

    def _draw_bars(self, means: Mapping[str, float]) -> None:
        colours = [CHANGE_COLOUR[kind] for kind in means]
        self.last.barh(list(means), list(means.values()), color=colours, edgecolor=GREY)
        self.last.set(xlabel="kept of X̂1, mean", xlim=(0, 1))
        self.last.invert_yaxis()
        self.last.set_title("\n", fontsize=SMALL)
        small_print(self.last)
        self.last.grid(axis="x", alpha=0.3)


def candidate_menu() -> ipywidgets.Dropdown:
    """A menu of the candidates."""
    return ipywidgets.Dropdown(options=CANDIDATES, description="candidate")


def tve_panels(scene: Scene, found: Estimate, where: ipywidgets.Dropdown) -> list[BoxPanels]:
    """The boxes of TVE; what is chosen in one is chosen in all.

    Args:
        scene: with truth.
        found: with its steps.
        where: see `boxes.pixel_menu`.
    """
    chosen = candidate_menu()
    return [
        CandidatePanels(scene, found, where, chosen),
        WeightPanels(scene, found, where, chosen),
        KeptPanels(scene, found, where),
    ]
