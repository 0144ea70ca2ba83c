"""The README's picture and tables, made from the shipped scene and the stored results.

python -m stsf.lab.publish.readme
"""

from __future__ import annotations

import re

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from stsf.benchmark import worlds
from stsf.benchmark.runs import markdown
from stsf.files.datasets import load_sample
from stsf.files.places import shipped_path
from stsf.fusion import fuse
from stsf.plots.colour import rgb, stretch_limits
from stsf.plots.figures import show_spectra

PICTURE = shipped_path("data/readme.png")
BEST = 5  # methods in a table of methods; the rest is in `data/results`
PIXEL = (108, 160)  # (y, x) of a field harvested between the dates
MARK = re.compile(r"(<!-- table ([\w-]+) (x[12]) -->\n).*?(<!-- end -->)", re.DOTALL)


def picture() -> Figure:
    """Three observed images, the predicted one, and the spectra of one pixel."""
    scene = load_sample()
    fused = fuse(scene)
    figure = plt.figure(figsize=(12, 7), layout="constrained")
    plt.close(figure)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(3, 4))[:, 0]
    panes = {
        "observed: HS at t1\n30 m, 114 bands": (scene.lrhs_t1, scene.hs.centre),
        "observed: MS at t1\n10 m, 4 bands": (scene.hrms_t1, scene.ms.centre),
        "observed: MS at t2\n10 m, 4 bands": (scene.hrms_t2, scene.ms.centre),
        "predicted: HS at t2\n10 m, 114 bands": (fused.hrhs_t2, scene.hs.centre),
    }
    stretch = stretch_limits(panes.values(), "NIR")
    height, width = scene.size
    for ax, (title, (cube, nm)) in zip(above.subplots(1, 4), panes.items(), strict=True):
        ax.imshow(rgb(cube, nm, "NIR", stretch), extent=(0, width, height, 0))
        ax.plot(PIXEL[1], PIXEL[0], "s", mfc="none", mec="white", mew=2)
        ax.set(title=title, xticks=[], yticks=[])
    show_spectra(scene, PIXEL, fused, below.subplots())
    return figure


def with_tables(readme: str) -> str:
    """The README's text with every marked table printed anew from `data/results/*.csv`.

    A table stands between `<!-- table SUITE TARGET -->` and `<!-- end -->`; of methods, the five
    best.
    """

    def table(match: re.Match[str]) -> str:
        stored = pd.read_csv(shipped_path("data/results") / f"{match[2]}.csv")
        if match[2] in worlds.SENSORS:
            return f"{match[1]}{worlds.markdown(stored)}\n{match[4]}"
        lines = markdown(stored, match[3]).splitlines()[: 2 + BEST]
        return "\n".join([match[1] + lines[0], *lines[1:], match[4]])

    return MARK.sub(table, readme)


if __name__ == "__main__":
    picture().savefig(PICTURE, dpi=90)
    path = shipped_path("README.md")
    path.write_text(with_tables(path.read_text("utf-8")), "utf-8")
