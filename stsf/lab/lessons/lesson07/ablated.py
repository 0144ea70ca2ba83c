"""Lesson 07: the stored ablation in plain names, by suite and by region."""

from __future__ import annotations

import pandas as pd

from stsf.benchmark.ablation import summary

PLAIN = {
    "seu": "SEU, which adds detail",
    "ecu": "ECU, which weighs the residual of Y1",
    "stages": "three rounds instead of one",
    "back-projection": "the step through D",
    "sftn": "the fine-tuning network",
    "difference": "the difference image M2 - M1",
    "consistency": "the last correction to M2",
    "context": "the neighbours of a pixel",
}


def by_place(rows: pd.DataFrame) -> pd.DataFrame:
    """What each part is worth, where it was expected to matter and where not.

    Args:
        rows: of `data/results/ablation.csv`.

    Returns:
        `stsf.benchmark.ablation.summary` with the parts in plain words as its index.
    """
    return summary(rows).replace({"part": PLAIN}).set_index("part")


def by_region(rows: pd.DataFrame) -> pd.DataFrame:
    """PSNR of X2 (dB) lost without each part of the second half, changed and unchanged pixels.

    Args:
        rows: of `data/results/ablation.csv`.

    Returns:
        One row per part and suite.
    """
    wanted = rows[(rows.date == "x2") & rows.region.isin(["changed", "unchanged"])]
    psnr = wanted.pivot_table("psnr", ["suite", "region", "seed", "scene"], "part")
    parts = [part for part in PLAIN if part in psnr and psnr[part].notna().any()]
    lost = psnr[parts].rsub(psnr["nothing"], axis=0).groupby(["suite", "region"]).mean()
    return lost.rename(columns=PLAIN).T.stack("suite", future_stack=True)[["changed", "unchanged"]]
