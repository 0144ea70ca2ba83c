"""Widgets and figures of lessons 04 and 05: what the units and the iterations of SSJE do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from stsf.evidence.maps import Prepared
from stsf.lab.lessons.projection_widgets import draw_pixel
from stsf.lab.lessons.redraw import Redrawn, slider
from stsf.plots.colour import BLUE, GREEN, GREY, SKY, rgb, stretch_limits
from stsf.plots.figures import WIDTH
from stsf.scene import Scene
from stsf.ssje import SSJE

FLOOR = 1e-5  # reflectance; what a plot shows as "none"
SHOWN = 30  # fine pixels on either side of the pixel that a window shows
CORNER, SIDE = (20, 15), 30  # coarse pixels of a unit's maps that are drawn: from where, how many
NAMES = {"seu": "SEU", "ecu": "ECU"}


@dataclass(frozen=True, eq=False)
class Work:
    """What one unit did to the n maps of a scene; an SEU on the fine grid, an ECU on the coarse.

    Attributes:
        seen: (n, channels, rows, columns) what its small network looked at.
        features: (n, width, rows, columns) what that made of it, before the last layer.
        before: (n, rows, columns) the maps, or the residual as it was.
        after: (n, rows, columns) the maps with detail, or the residual that is believed.
        wanted: (n, rows, columns) what `after` should be, from the truth.
        weight: (n, rows, columns) how far the residual is believed; None for an SEU.
    """

    seen: Tensor
    features: Tensor
    before: Tensor
    after: Tensor
    wanted: Tensor
    weight: Tensor | None


def watch(ssje: SSJE, prepared: Prepared, truth: np.ndarray) -> dict[str, Work]:
    """Run SSJE and write down what every unit saw, thought and said.

    Args:
        ssje: trained.
        prepared: the scene as maps.
        truth: X1 (L, H, W), for what each unit should have said.

    Returns:
        By "SEU 1", "ECU 1", "SEU 2" and so on, as many as there are.
    """
    wanted = prepared.encode(torch.as_tensor(truth))
    found: dict[str, Work] = {}
    with torch.no_grad(), _listening(ssje) as heard:
        ssje(prepared)
        for name, part in heard.items():
            first, goal = part["given"][0], wanted
            after, more = part["said"]
            if name.startswith("ECU"):
                goal = prepared.degrade(wanted) - (prepared.y - first)
            weight = more if name.startswith("ECU") else None
            features = torch.cat(part["features"])
            found[name] = Work(part["seen"][0], features, first, after, goal, weight)
    in_turn = sorted(found, key=lambda name: (name.split()[1], name.startswith("ECU")))
    return {name: found[name] for name in in_turn}


@contextmanager
def _listening(ssje: SSJE) -> Iterator[dict[str, dict[str, Any]]]:
    """What goes into and comes out of every unit, while in use."""
    heard: dict[str, dict[str, Any]] = {}
    hooks = []
    for kind, title in NAMES.items():
        for number, unit in enumerate(getattr(ssje, kind), start=1):
            notes = heard[f"{title} {number}"] = {}
            hooks += [
                unit.register_forward_hook(_note_unit(notes)),
                _small(unit).register_forward_pre_hook(_note(notes, "seen")),
                _small(unit).out.register_forward_pre_hook(_note(notes, "features")),
            ]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def _small(unit: nn.Module) -> Any:
    """The network inside a unit."""
    return next(unit.children())


def _note_unit(notes: dict[str, Any]) -> Any:
    def hook(unit: nn.Module, given: tuple, said: tuple) -> None:
        notes["given"], notes["said"] = given, said

    return hook


def _note(notes: dict[str, Any], key: str) -> Any:
    """Keep every input of a part; it may be given a few maps at a time."""

    def hook(module: nn.Module, given: tuple) -> None:
        notes.setdefault(key, []).append(given[0])

    return hook


def rms(values: Tensor | np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(np.asarray(values, dtype=np.float64)))))


class UnitExplorer(Redrawn):
    """Choose a unit and a map: what it sees, what it says, what it should have said.

    Args:
        works: see `watch`.
    """

    def __init__(self, works: Mapping[str, Work]) -> None:
        self.works = works
        self.unit = ipywidgets.Dropdown(
            options=list(works), description="unit",
            style={"description_width": "11em"}, layout={"width": "32em"},
        )  # fmt: skip
        most = len(next(iter(works.values())).before)
        self.map = slider(ipywidgets.IntSlider, 1, "map", min=1, max=most)
        self.show_with([self.unit, self.map])

    def view(self) -> tuple[Figure, str]:
        """The chosen unit at work on the chosen map."""
        return unit_view(self.works, self.unit.value, self.map.value)


def unit_view(works: Mapping[str, Work], name: str, number: int = 1) -> tuple[Figure, str]:
    """One unit at work on one map.

    Args:
        works: see `watch`.
        name: a key of `works`.
        number: of the map, 1 for the one that matters most.

    Returns:
        The figure, and one line that says what it shows.
    """
    work, at = works[name], number - 1
    before, after, wanted = (a[at].numpy() for a in (work.before, work.after, work.wanted))
    added, missing = after - before, wanted - before
    busiest = int(work.features[at].flatten(1).std(1).argmax())
    if name.startswith("SEU"):
        panes = {
            "the map before": before,
            "detail the MS suggests": work.seen[at, 0].numpy(),
            "one feature map inside": work.features[at, busiest].numpy(),
            "what it adds": added,
            "what it should add": missing,
            "error afterwards": after - wanted,
        }
    else:
        assert work.weight is not None
        panes = {
            "the residual before": before,
            "weight it is given": work.weight[at].numpy(),
            "one feature map inside": work.features[at, busiest].numpy(),
            "the residual afterwards": after,
            "what it should be": wanted,
            "error afterwards": after - wanted,
        }
    fine = (
        before.shape[0] // next(w for n, w in works.items() if n.startswith("ECU")).before.shape[1]
    )
    figure = _six(panes, 2.5 * max(rms(added), rms(missing), 1e-6), fine)
    alike = float(np.corrcoef(added.ravel(), missing.ravel())[0, 1]) if rms(added) > 1e-9 else 0.0
    text = (
        f"{name}, map {number}: changes it by {rms(added):.3f} (RMS), {rms(missing):.3f} was "
        f"wanted, correlation of the two {alike:.2f}; error before {rms(missing):.3f}, after "
        f"{rms(after - wanted):.3f}"
    )
    return figure, text


def _six(panes: Mapping[str, np.ndarray], scale: float, fine: int) -> Figure:
    """Six maps, `fine` pixels to a coarse one; signed ones share a scale, others have their own."""
    figure = plt.figure(figsize=(WIDTH, 6.4), layout="constrained")
    plt.close(figure)
    for ax, (title, values) in zip(figure.subplots(2, 3).flat, panes.items()):
        look: dict[str, Any] = {"cmap": "PuOr", "vmin": -scale, "vmax": scale}
        label = "units of the map"
        if title.startswith("weight"):
            look, label = {"cmap": "viridis", "vmin": 0, "vmax": 1}, "0 doubted, 1 believed"
        elif title.startswith(("one", "the map")):
            low, high = np.percentile(values, [1, 99])
            look = {"cmap": "gray", "vmin": low, "vmax": max(high, low + 1e-6)}
        top, left = (max(0, min(c, n // fine - SIDE)) * fine for c, n in zip(CORNER, values.shape))
        part = values[top : top + SIDE * fine, left : left + SIDE * fine]
        extent = (left - 0.5, left + part.shape[1] - 0.5, top + part.shape[0] - 0.5, top - 0.5)
        shown = ax.imshow(part, extent=extent, interpolation="nearest", **look)
        beyond = "neither" if title.startswith("weight") else "both"
        figure.colorbar(shown, ax=ax, label=label, extend=beyond, fraction=0.05)
        ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
    return figure


@dataclass(frozen=True, eq=False)
class Stage:
    """The cube after one step of SSJE, and how far it is from everything."""

    name: str
    x: np.ndarray  # (L, H, W) reflectance
    residual_hs: float  # RMS of Y1 - D X
    residual_ms: float  # RMS of M1 - R X
    error: float  # RMS of X - X1


def stages(scene: Scene, ssje: SSJE, prepared: Prepared) -> list[Stage]:
    """Every step of SSJE as a cube, the start first.

    Args:
        scene: with truth.
        ssje: trained.
        prepared: the scene as maps.
    """
    with torch.no_grad():
        _, steps = ssje(prepared, return_steps=True)
    cubes = {name: prepared.decode(z).numpy() for name, z in steps.items()}
    return [
        Stage(
            name, x, rms(scene.lrhs_t1 - scene.D.A(x)), rms(scene.hrms_t1 - scene.R.A(x)),
            rms(x - scene.hrhs_t1),
        )
        for name, x in cubes.items()
    ]  # fmt: skip


class StageExplorer(Redrawn):
    """Step through SSJE: a window of the image, one pixel's spectrum and both residuals.

    Args:
        scene: with truth.
        made: see `stages`.
        pixel: (y, x) whose spectrum is drawn, in the middle of the window at first.
    """

    def __init__(self, scene: Scene, made: list[Stage], pixel: tuple[int, int]) -> None:
        self.scene, self.made = scene, made
        names = [f"{i} {stage.name}" for i, stage in enumerate(made)]
        self.step = slider(ipywidgets.SelectionSlider, names[0], "after", options=names)
        height, width = scene.size
        self.y = slider(ipywidgets.IntSlider, pixel[0], "pixel y", min=0, max=height - 1)
        self.x = slider(ipywidgets.IntSlider, pixel[1], "pixel x", min=0, max=width - 1)
        self.show_with([self.step], [self.y, self.x])

    def view(self) -> tuple[Figure, str]:
        """The cube after the chosen step, at the chosen pixel."""
        return stage_view(
            self.scene, self.made, int(self.step.value.split()[0]), (self.y.value, self.x.value)
        )


def stage_view(
    scene: Scene, made: list[Stage], step: int, pixel: tuple[int, int]
) -> tuple[Figure, str]:
    """The cube after one step, what the step changed, one spectrum, and both residuals so far.

    Args:
        scene: with truth.
        made: see `stages`.
        step: 0 for the start.
        pixel: (y, x).

    Returns:
        The figure, and one line that says what it shows.
    """
    now, last = made[step], made[max(step - 1, 0)]
    assert scene.hrhs_t1 is not None
    figure = plt.figure(figsize=(WIDTH, 7.0), layout="constrained")
    plt.close(figure)
    panes = figure.subplot_mosaic([["image", "change"], ["spectrum", "fall"]], height_ratios=(5, 4))
    _draw_window(figure, panes["image"], panes["change"], scene, now.x, last.x, pixel)
    draw_pixel(panes["spectrum"], scene, now.x, pixel)
    _draw_fall(panes["fall"], made, step)
    here = (slice(None), *pixel)
    text = (
        f"{now.name}: RMS of Y1 − D X = {now.residual_hs:.4f}, RMS of M1 − R X = "
        f"{now.residual_ms:.4f}, error against the truth = {now.error:.4f}; at pixel y = "
        f"{pixel[0]}, x = {pixel[1]} = {rms(now.x[here] - scene.hrhs_t1[here]):.4f}"
    )
    return figure, text


def _draw_window(
    figure: Figure, image: Axes, change: Axes, scene: Scene, x: np.ndarray, last: np.ndarray,
    pixel: tuple[int, int],
) -> None:  # fmt: skip
    """The estimate round the pixel, and by how much the step moved it."""
    assert scene.hrhs_t1 is not None
    nm = scene.hs.centre
    top, left = (
        int(np.clip(p - SHOWN, 0, max(n - 2 * SHOWN, 0))) for p, n in zip(pixel, scene.size)
    )
    part = (slice(None), slice(top, top + 2 * SHOWN), slice(left, left + 2 * SHOWN))
    rows, columns = x[part].shape[1:]
    extent = (left - 0.5, left + columns - 0.5, top + rows - 0.5, top - 0.5)
    stretch = stretch_limits([(scene.hrhs_t1, nm)], "SWIR")
    image.imshow(rgb(x[part], nm, "SWIR", stretch), extent=extent, interpolation="nearest")
    image.set_title("estimate of X1, SWIR colours")
    moved = np.sqrt(np.mean(np.square(x[part] - last[part]), axis=0))
    shown = change.imshow(
        moved, extent=extent, cmap="viridis", vmin=0, vmax=0.02, interpolation="nearest"
    )
    figure.colorbar(shown, ax=change, label="RMS change (reflectance)", extend="max")
    change.set_title("changed by this step")
    for ax in (image, change):
        ax.plot(pixel[1], pixel[0], "s", mfc="none", mec="white", mew=2)
        ax.set(xlabel="x (pixels)", ylabel="y (pixels)")


def _draw_fall(ax: Axes, made: list[Stage], now: int) -> None:
    """Both residuals and the true error, up to the present step."""
    lines = {
        "Y1 − D X": ([s.residual_hs for s in made], SKY, "o-"),
        "M1 − R X": ([s.residual_ms for s in made], GREEN, "s--"),
        "error against the truth": ([s.error for s in made], GREY, "^:"),
    }
    for name, (values, colour, look) in lines.items():
        shown = np.maximum(values[: now + 1], FLOOR)
        ax.semilogy(range(now + 1), shown, look, color=colour, ms=5, label=name)
    ax.set_xticks(range(len(made)), [s.name for s in made], rotation=40, ha="right", fontsize=8)
    low = min(min(s.residual_hs, s.residual_ms) for s in made)
    high = max(max(s.residual_hs, s.residual_ms, s.error) for s in made)
    ax.set(xlabel="step", ylabel="RMS (reflectance)")
    ax.set(xlim=(-0.3, len(made) - 0.7), ylim=(0.7 * max(low, FLOOR), 1.5 * high))
    ax.legend(frameon=False, ncols=2, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ax.grid(alpha=0.3)


def maps_view(
    prepared: Prepared, truth: np.ndarray, estimate: np.ndarray, count: int = 3
) -> Figure:
    """The first maps: as Y1 shows them, as estimated, as they truly are.

    Args:
        prepared: the scene as maps.
        truth: X1 (L, H, W).
        estimate: of X1.
        count: how many maps.
    """
    figure = plt.figure(figsize=(WIDTH, 3.3 * count), layout="constrained")
    plt.close(figure)
    sharp = [prepared.encode(torch.as_tensor(x)).numpy() for x in (estimate, truth)]
    for i, row in enumerate(figure.subplots(count, 3, squeeze=False)):
        panes = {"in Y1": prepared.y[i].numpy(), "estimated": sharp[0][i], "truth": sharp[1][i]}
        low, high = np.percentile(sharp[1][i], [1, 99])
        for ax, (title, values) in zip(row, panes.items()):
            shown = ax.imshow(values, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            ax.set(title=f"map {i + 1}, {title}", xlabel="x (pixels)", ylabel="y (pixels)")
        figure.colorbar(shown, ax=row, label="units of the map", extend="both", fraction=0.02)
    return figure


def gains_view(gains: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Gains over a rival, scene by scene, and their mean.

    Args:
        gains: suite to rival to one gain per scene, dB.
    """
    figure = plt.figure(figsize=(WIDTH, 3.6), layout="constrained")
    plt.close(figure)
    axes = figure.subplots(1, len(gains), sharey=True, squeeze=False)[0]
    for ax, (suite, rivals) in zip(axes, gains.items()):
        for y, (_, gain) in enumerate(rivals.items()):
            ax.plot(gain, np.full(len(gain), y), "o", mfc="none", color=GREY, ms=5)
            ax.plot(np.mean(gain), y, "D", color=BLUE, ms=7)
        ax.axvline(0, color=GREY, lw=1)
        ax.set(title=suite, xlabel="gain of SSJE (PSNR, dB)")
        ax.set(yticks=range(len(rivals)), yticklabels=list(rivals))
        ax.grid(alpha=0.3)
    axes[0].set(ylabel="method")
    axes[0].invert_yaxis()
    axes[0].plot([], [], "o", mfc="none", color=GREY, ms=5, label="one scene")
    axes[0].plot([], [], "D", color=BLUE, ms=7, label="mean")
    figure.legend(frameon=False, ncols=2, loc="outside upper center")
    return figure
