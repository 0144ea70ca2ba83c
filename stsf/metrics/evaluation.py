"""Tables of figures: every part of the image and every group of bands apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stsf.metrics.comparison import (
    BandErrors,
    Mask,
    angles,
    band_means,
    change_regions,
    check_ratio,
    compare,
    errors_of,
    group_masks,
    mean_defined,
    similarities,
)
from stsf.sensing.bands import SWIR_START, Sensor

Row = dict[str, Any]  # one row of a table of figures; its keys are those of `COLUMNS`
COLUMNS = {  # key of a row: heading, format
    "region": ("region", "s"),
    "bands": ("bands", "s"),
    "n_pixels": ("pixels", "d"),
    "n_bands": ("n", "d"),
    "psnr": ("PSNR/dB", ".2f"),
    "mean_psnr": ("mean PSNR/dB", ".2f"),
    "sam": ("SAM/°", ".2f"),
    "ergas": ("ERGAS", ".2f"),
    "ssim": ("SSIM", ".4f"),
    "cc": ("CC", ".4f"),
    "rmse": ("RMSE", ".4f"),
    "dropped_bands": ("bands not in ERGAS", "d"),  # near-zero mean
    "zero_pixels": ("pixels not in SAM", "d"),  # zero spectrum
    "missing_pixels": ("pixels missing", "d"),  # valid reference, no prediction
}


def evaluate(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    ratio: float,
    change: np.ndarray | None = None,
    valid: Mask = None,
    bands: Mapping[str, np.ndarray] | None = None,
) -> list[Row]:
    """All figures for each part of the image and each group of bands, as tidy rows.

    A row for a group of bands holds what the functions of `stsf.metrics` give for a cube of these
    bands alone. Pixels that the prediction leaves empty cannot be compared; they are counted in
    `missing_pixels`, so that a method gains nothing unseen by leaving out what is hard.

    Args:
        prediction: (L, H, W) reflectance.
        reference: (L, H, W).
        ratio: r of ERGAS.
        change: (H, W) codes of `stsf.scene.KINDS`, or a boolean map of what changed.
        valid: (H, W), False where the data must not be used at all.
        bands: masks (L,) by name, for instance those of `band_groups`; "all" is always there.

    Returns:
        Rows by region (all, changed, unchanged, each kind of change) and group of bands; regions
        and groups without a member are left out. `pandas.DataFrame(rows)` makes a table of them.

    Raises:
        InputError: as for `stsf.metrics.ergas`; an unknown change code; a mask of another length.

    Example:
        >>> reference = np.linspace(0.1, 0.9, 50).reshape(2, 5, 5)
        >>> rows = evaluate(reference + 0.01, reference, ratio=3, change=np.eye(5) > 0)
        >>> [(row["region"], row["n_pixels"], round(row["psnr"], 2)) for row in rows]
        [('all', 25, 39.08), ('changed', 5, 39.08), ('unchanged', 20, 39.08)]
    """
    check_ratio(ratio)
    pair = compare(prediction, reference, valid)
    groups = group_masks(bands, len(pair.ref))
    angle_maps = {name: angles(pair, keep) for name, keep in groups.items()}
    similar = similarities(pair)
    rows: list[Row] = []
    for region, inside in change_regions(change, pair.known.shape).items():
        scored = pair.scored & inside
        if not scored.any():
            continue
        errors = errors_of(pair, scored)
        structure = band_means(similar, scored)
        for name, keep in groups.items():
            angle = angle_maps[name][scored]
            row = {
                "region": region,
                "bands": name,
                "n_pixels": int(scored.sum()),
                "n_bands": int(keep.sum()),
                **_figures(errors.select(keep), ratio),
                "sam": mean_defined(angle),
                "ssim": mean_defined(structure[keep]),
                "zero_pixels": int(np.isnan(angle).sum()),
                "missing_pixels": int((pair.known & inside & ~scored).sum()),
            }
            rows.append({key: row[key] for key in COLUMNS})
    return rows


def _figures(part: BandErrors, ratio: float) -> Row:
    """The figures that errors alone give."""
    return {
        "psnr": part.psnr(),
        "mean_psnr": part.mean_psnr(),
        "ergas": part.ergas(ratio),
        "cc": part.mean_cc(),
        "rmse": part.rmse(),
        "dropped_bands": int(part.near_zero.sum()),
    }


def band_groups(hs: Sensor, ms: Sensor) -> dict[str, np.ndarray]:
    """What the MS says of each HS band: masks (L,) for `evaluate`.

    "MS-covered": the band's centre lies where the response of some MS band is at least half its
    maximum. "VNIR gaps": below 1000 nm and not covered. "SWIR": from 1000 nm on, covered or not
    (of the four 10 m bands of Sentinel-2 none reaches there).

    Example:
        >>> from stsf.sensing.sensors import enmap, sentinel2
        >>> groups = band_groups(enmap(), sentinel2("A"))
        >>> {name: int(mask.sum()) for name, mask in groups.items()}
        {'MS-covered': 38, 'VNIR gaps': 53, 'SWIR': 123}
    """
    margin = ms.fwhm.max()
    axis = np.arange(ms.centre.min() - margin, ms.centre.max() + margin + 1.0)  # 1 nm steps
    covered = np.zeros(len(hs), bool)
    for row in ms.response(axis):
        covered |= np.interp(hs.centre, axis, row, left=0.0, right=0.0) >= row.max() / 2
    swir = hs.centre >= SWIR_START
    return {"MS-covered": covered, "VNIR gaps": ~covered & ~swir, "SWIR": swir}


def format_table(rows: Sequence[Row]) -> str:
    """The rows of `evaluate` as text, one line each below the headings; RMSE is reflectance.

    Example:
        >>> rows = evaluate([[[0.5, 0.9]]], [[[0.5, 1.0]]], ratio=3)
        >>> print(format_table(rows)[:44])
        region  bands  pixels  n  PSNR/dB  mean PSNR
    """
    table = [[heading for heading, _ in COLUMNS.values()]]
    for row in rows:
        table.append([format(row[key], kind) for key, (_, kind) in COLUMNS.items()])
    widths = [max(map(len, column)) for column in zip(*table)]
    text = [kind == "s" for _, kind in COLUMNS.values()]
    return "\n".join(
        "  ".join(c.ljust(w) if t else c.rjust(w) for c, w, t in zip(cells, widths, text)).rstrip()
        for cells in table
    )
