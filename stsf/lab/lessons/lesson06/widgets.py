"""Figures of lesson 06: candidates, pseudo-changes, the gate, what was measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from stsf.evidence.candidates import CANDIDATES
from stsf.evidence.evidence import Evidence
from stsf.inspection import with_gaps
from stsf.lab.lessons.kit import rms
from stsf.metrics.evaluation import band_groups
from stsf.plots.colour import (
    BLACK,
    BLUE,
    CHANGE_COLOUR,
    GROUP_COLOUR,
    LIGHT,
    ORANGE,
    RED,
    SOURCE_STYLE,
)
from stsf.plots.figures import WIDTH
from stsf.scene import KINDS, Scene
from stsf.tve import Z90

CANDIDATE_COLOUR = dict(  # unlike those of the kinds of change, which stand beside them
    zip(
        CANDIDATES,
        (
            "#330099", "#99CCFF", "#33FF66", "#336600", "#CC00FF", "#660066", "#333300", "#993366",
            BLACK, "#FF3366",
        ),
        strict=True,
    )
)  # fmt: skip


def error_by_kind(cube: np.ndarray, scene: Scene) -> dict[str, float]:
    """RMS error of an X2 (L, H, W) over the pixels of each kind of change that occurs.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample()
        >>> list(error_by_kind(scene.hrhs_t2, scene).values())
        [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    x2 = scene.truth(2)
    kinds = scene.true_change()
    wrong = cube - x2
    return {KINDS[k]: rms(wrong[:, kinds == k]) for k in np.unique(kinds)}


def best_choice(candidates: np.ndarray, scene: Scene) -> np.ndarray:
    """(L, H, W) the candidate that is nearest to the truth in every pixel: nobody can know it.

    Args:
        candidates: (n, L, H, W).
        scene: with truth.
    """
    x2 = scene.truth(2)
    wrong = np.square(candidates - x2).mean(axis=1)  # (n, H, W)
    return np.take_along_axis(candidates, wrong.argmin(axis=0)[None, None], axis=0)[0]


def pseudo_errors(evidence: Evidence) -> dict[str, float]:
    """RMS error, in reflectance, of the scene's own candidates on its pseudo-changes."""
    decode, (pairs, right) = evidence.coordinates.decode, evidence.to_known
    return {
        name: rms((decode(z) - decode(right)).numpy())
        for name, z in zip(CANDIDATES, pairs.candidates.unbind(1))
    }


def pseudo_change_view(evidence: Evidence, number: int) -> Figure:
    """One pseudo-change: what is known of it, its right answer, and what three candidates say.

    Args:
        evidence: of a scene.
        number: which of its pseudo-changes.
    """
    decode, scene = evidence.coordinates.decode, evidence.scene
    test = evidence.to_known.pairs[number : number + 1]
    figure = plt.figure(figsize=(WIDTH, 3.8), layout="constrained")
    plt.close(figure)
    known, said = figure.subplots(1, 2, sharey=True)
    answer = decode(evidence.to_known.answers[number : number + 1])[0]
    for ax in (known, said):
        line = with_gaps(scene.hs, answer.numpy())
        ax.plot(*line, color=BLACK, ls=":", lw=2.2, label="q, the right answer")
        ax.set(xlabel="wavelength (nm)")
        ax.grid(alpha=0.3)
    known.plot(*with_gaps(scene.hs, test.x1[0].numpy()), color=BLUE, label="p, taken for t1")
    known.plot(
        scene.ms.centre, test.m2[0].numpy(), "s", color=ORANGE, label="the MS of q, taken for t2"
    )
    lines = {"injection": "-", "regression, smooth": "-.", "kept detail, smooth": "--"}
    for name, style in lines.items():
        found = decode(test.candidates[:, CANDIDATES.index(name)])[0].numpy()
        said.plot(*with_gaps(scene.hs, found), color=CANDIDATE_COLOUR[name], ls=style, label=name)
    known.set(title="what is known", ylabel="reflectance (0-1)")
    said.set(title="what the candidates say")
    for ax in (known, said):
        ax.legend(frameon=False, fontsize=9)
    return figure


def trust_view(weights: np.ndarray, scene: Scene) -> Figure:
    """Which candidate weighs most in each pixel, beside what really changed.

    Args:
        weights: (10, H, W) from `DCSTSF.second_date`.
        scene: with its change map.
    """
    kinds = scene.true_change()
    figure = plt.figure(figsize=(WIDTH, 4.4), layout="constrained")
    plt.close(figure)
    for ax, codes, colours, title in zip(
        figure.subplots(1, 2, sharex=True, sharey=True),
        (weights.argmax(axis=0), kinds),
        (CANDIDATE_COLOUR, {kind: CHANGE_COLOUR[kind] for kind in KINDS}),
        ("who weighs most", "what really changed"),
    ):
        ax.imshow(
            codes, cmap=ListedColormap(list(colours.values())), vmin=-0.5, vmax=len(colours) - 0.5,
            interpolation="nearest",
        )  # fmt: skip
        ax.set(title=title, xlabel="x (pixels)")
        occur = [(name, c) for i, (name, c) in enumerate(colours.items()) if (codes == i).any()]
        patches = [Patch(color=c, label=name) for name, c in occur]
        ax.legend(handles=patches, frameon=False, fontsize=8, loc="center left",
                  bbox_to_anchor=(1.0, 0.5))  # fmt: skip
    figure.axes[0].set_ylabel("y (pixels)")
    return figure


def gate_view(evidence: Evidence, kept: np.ndarray) -> Figure:
    """How much is kept of X1, against how far the colour of the MS has changed.

    Args:
        evidence: of a scene.
        kept: (H, W), see `DCSTSF.second_date`.
    """
    figure = plt.figure(figsize=(WIDTH, 4.0), layout="constrained")
    plt.close(figure)
    left, middle, right = figure.subplots(1, 3)
    cover = evidence.all.cover.reshape(kept.shape).numpy()
    for ax, values, top, title in (
        (left, cover, 2.0, "change of cover"),
        (middle, kept, 1.0, "kept of X1"),
    ):
        drawn = ax.imshow(values, cmap="viridis", vmin=0, vmax=top, interpolation="nearest")
        figure.colorbar(
            drawn, ax=ax, location="bottom", extend="max" if top > 1 else "neither",
            label="spreads of the MS bands" if top > 1 else "share of the answer",
        )  # fmt: skip
        ax.set(title=title, xlabel="x (pixels)")
    left.set_ylabel("y (pixels)")
    middles, means = gate_curve(cover, kept)
    right.semilogx(cover.ravel()[::7], kept.ravel()[::7], ".", ms=1.5, color=LIGHT)
    right.plot([], [], ".", ms=8, color=LIGHT, label="pixels")  # large enough for the legend
    right.semilogx(middles, means, "o-", color=RED, label="mean")
    right.set(title="the gate", xlabel="change of cover (spreads)", ylabel="kept of X1")
    right.set(xlim=(0.02, 10.0), ylim=(0, 1))
    right.legend(frameon=False)
    right.grid(alpha=0.3)
    return figure


def gate_curve(cover: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of `kept` in bins of `cover`, with the middle of each bin; bins grow by a half each."""
    edges = 0.03 * 1.5 ** np.arange(14)
    number = np.digitize(cover.ravel(), edges)
    full = [i for i in range(1, len(edges)) if (number == i).sum() >= 20]
    means = [kept.ravel()[number == i].mean() for i in full]
    return np.sqrt(edges[np.array(full) - 1] * edges[full]), np.array(means)


def observability_view(
    scene: Scene, share: np.ndarray, sigma: np.ndarray, x2: np.ndarray
) -> Figure:
    """What the MS explains of each band at t1, and the error of changed pixels, said and true.

    Args:
        scene: with truth.
        share: (L,) from `stsf.network.explained_share`.
        sigma: (L, H, W) error estimate of X2.
        x2: (L, H, W) estimate.
    """
    true_x2 = scene.truth(2)
    kinds = scene.true_change()
    figure = plt.figure(figsize=(WIDTH, 5.4), layout="constrained")
    plt.close(figure)
    above, below = figure.subplots(2, sharex=True)
    step = np.diff(scene.hs.centre)  # bars that meet, where bands do
    width = np.minimum(np.append(step, step[-1]), np.insert(step, 0, step[0])).clip(9.0)
    for name, mask in band_groups(scene.hs, scene.ms).items():
        above.bar(
            scene.hs.centre[mask], share[mask], width=width[mask], color=GROUP_COLOUR[name],
            label=name,
        )  # fmt: skip
    above.set(ylabel="explained by the MS at t1", ylim=(0, 1.05))
    changed = kinds > 0
    said = np.sqrt(np.mean(sigma[:, changed] ** 2, axis=1))
    true = np.sqrt(np.mean((x2 - true_x2)[:, changed] ** 2, axis=1))
    style = SOURCE_STYLE["hrhs_t2"]
    below.plot(*with_gaps(scene.hs, said), color=style.colour, label="σ, as the network says")
    below.plot(*with_gaps(scene.hs, true), color=BLACK, ls=":", lw=2, label="true RMS error")
    below.set(xlabel="wavelength (nm)", ylabel="reflectance", ylim=(0, None))
    below.set_title("changed pixels", loc="left", fontsize=10)
    for ax in (above, below):
        ax.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
        ax.grid(alpha=0.3)
    return figure


def inside_band(x2: np.ndarray, sigma: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """True where the 90 % band x2 ± 1.645 σ holds the truth; any equal shapes."""
    return np.abs(x2 - truth) <= Z90 * sigma


def averages(values: np.ndarray, scene: Scene) -> Mapping[str, float]:
    """Mean of a map (H, W) over the pixels of each kind of change that occurs."""
    kinds = scene.true_change()
    return {KINDS[k]: float(values[kinds == k].mean()) for k in np.unique(kinds)}
