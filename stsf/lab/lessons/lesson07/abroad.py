"""Lesson 07: whom the weigher trusts at home, and in a world that it has not met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from stsf.baselines.registry import get_method
from stsf.benchmark.worlds import JUDGES, SCENE_ONLY, sensors
from stsf.evidence.candidates import CANDIDATES
from stsf.files.places import shipped_path
from stsf.lab.lessons.lesson06.widgets import CANDIDATE_COLOUR
from stsf.metrics.figures import psnr
from stsf.network import DCSTSF
from stsf.plots.colour import rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.scene import Scene
from stsf.world.observation import observe
from stsf.world.physical import physical
from stsf.world.simulation import simulate

SIZE = 96  # px along a side
GREYS = ("0.2", "0.65")  # at home, abroad: the colours belong to the candidates
TUNED = CANDIDATES.index("fine-tuned")
GROUND = {
    "at home": (1101, lambda seed: simulate(seed, SIZE, "test")),
    "abroad": (1300, lambda seed: physical(seed, SIZE)),
}


class Visit(NamedTuple):
    """What a network says of a place.

    Attributes:
        scene: the place, with truth.
        x2: (L, H, W) its estimate of X2.
        weights: (10, H, W) of the candidates, shares.
        rivals: what methods that see this scene only make of the same X̂1, by name.
    """

    scene: Scene
    x2: np.ndarray
    weights: np.ndarray
    rivals: Mapping[str, np.ndarray]

    @property
    def changed(self) -> np.ndarray:
        """(H, W) True where the ground changed."""
        changed: np.ndarray = self.scene.true_change() > 0
        return changed

    def trust(self, where: np.ndarray) -> dict[str, float]:
        """Mean weight of each candidate in some pixels (H, W)."""
        return dict(zip(CANDIDATES, self.weights[:, where].mean(axis=1).tolist(), strict=True))

    def gain(self, where: np.ndarray | None = None) -> float:
        """PSNR of X2 in dB over that of the best rival, in some pixels (H, W) or all."""
        truth = self.scene.truth(2)
        own = psnr(self.x2, truth, mask=where)
        return own - max(psnr(cube, truth, mask=where) for cube in self.rivals.values())


def stranger() -> DCSTSF:
    """The network of the kit, trained anew without any scene of the physical world."""
    return DCSTSF.load(shipped_path(JUDGES["physical"])).eval()


def visit(network: DCSTSF) -> dict[str, Visit]:
    """One scene at home, one abroad, both of materials that the network has not seen.

    Args:
        network: trained, see `stranger`.
    """
    visits = {}
    for name, (seed, ground) in tqdm(GROUND.items(), unit="place"):
        scene = observe(ground(seed), *sensors(), seed=seed)
        x1 = network.first_date(scene)
        said = network.second_date(scene, x1, return_steps=True)
        rivals = {method: get_method(method, "x2")(scene, x1) for method in SCENE_ONLY}
        visits[name] = Visit(scene, said.x2, said.steps["weights"], rivals)
    return visits


def abroad_view(visits: Mapping[str, Visit]) -> Figure:
    """M2 of each place, who weighs most in each pixel, and the mean trust in changed pixels.

    Args:
        visits: see `visit`.
    """
    figure = plt.figure(figsize=(WIDTH, 5.2), layout="constrained")
    plt.close(figure)
    grid = figure.add_gridspec(len(visits), 3, width_ratios=(1, 1, 1.3))
    for row, (name, seen) in enumerate(visits.items()):
        image, map_ax = (figure.add_subplot(grid[row, column]) for column in (0, 1))
        nm = seen.scene.ms.centre
        stretch = stretch_limits([(seen.scene.hrms_t2, nm)], "true colour")
        image.imshow(rgb(seen.scene.hrms_t2, nm, "true colour", stretch))
        image.contour(seen.changed, levels=[0.5], colors="white", linewidths=0.8)
        image.set(title=f"{name}: M2, changes outlined", ylabel="y (pixels)")
        map_ax.imshow(
            seen.weights.argmax(axis=0), vmin=-0.5, vmax=len(CANDIDATES) - 0.5,
            cmap=ListedColormap(list(CANDIDATE_COLOUR.values())), interpolation="nearest",
        )  # fmt: skip
        map_ax.set(title=f"{name}: who weighs most", ylabel="y (pixels)")
        for ax in (image, map_ax):
            ax.set_xlabel("x (pixels)" if row == len(visits) - 1 else "")
    _draw_trust(figure.add_subplot(grid[:, 2]), visits)
    return figure


def _draw_trust(ax: Axes, visits: Mapping[str, Visit]) -> None:
    """Bars of the mean trust, each candidate with its colour in the maps."""
    at = np.arange(len(CANDIDATES))
    for (name, seen), colour, off in zip(visits.items(), GREYS, (-0.2, 0.2)):
        shares = [100 * share for share in seen.trust(seen.changed).values()]
        ax.barh(at + off, shares, 0.38, color=colour, label=name)
    ax.set_yticks(at, CANDIDATES)
    ax.tick_params(axis="y", length=0, pad=16)
    beside = ax.get_yaxis_transform()
    for y, colour in zip(at, CANDIDATE_COLOUR.values(), strict=True):
        ax.plot(-0.03, y, "s", ms=9, color=colour, transform=beside, clip_on=False)
    ax.set(title="trust in changed pixels", xlabel="mean weight (%)", ylabel="candidate")
    ax.invert_yaxis()
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.15))
    ax.grid(alpha=0.3, axis="x")
