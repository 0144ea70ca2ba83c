"""What the viewer's page is told of a scene beside its data: titles, bands, limits, first view."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from stsf.bands import Sensor
from stsf.lab.inspection import drawing_order
from stsf.metrics import band_groups
from stsf.scene import Scene
from stsf.subspace import band_quality


def without_bad_bands(scene: Scene, fused: Any) -> tuple[Scene, Any]:
    """HS bands that hold residue of the atmospheric correction would rule plane and axes."""
    good = band_quality(scene.hs.centre) != "bad"
    if good.all() or not good.any():
        return scene, fused

    def kept(cube: np.ndarray | None) -> Any:
        return None if cube is None else cube[good]

    names = ("lrhs_t1", "hrhs_t1", "hrhs_t2")
    cubes = {name: kept(getattr(scene, name)) for name in names}
    scene = replace(scene, hs=scene.hs.select(good), **cubes)
    if fused is not None:
        names = ("hrhs_t1", "hrhs_t2", "sigma")
        fused = SimpleNamespace(**{name: kept(getattr(fused, name, None)) for name in names})
    return scene, fused


def titles(scene: Scene, dropped: int) -> dict[str, Any]:
    """Name, sensors and dates, as the page writes them."""
    dates = scene.dates
    nominal = " (nominal)" if scene.hs.nominal else ""
    left_out = f" ({dropped} bad ones left out)" if dropped else ""
    first = f"t1 · HS {dates[0]}, MS {dates[1]}" if dates else "t1"
    return {
        "title": f"Scene {scene.name}" if scene.name else "Scene",
        "subtitle": f"{scene.hs.name}{nominal}, {len(scene.hs)} bands{left_out} · {scene.ms.name}, "
        f"{len(scene.ms)} bands · {scene.size[0]} × {scene.size[1]} pixels · ratio {scene.ratio}",
        "headings": [first, f"t2 · {dates[2]}" if dates else "t2"],
    }


def sensor_facts(sensor: Sensor) -> dict[str, Any]:
    """The band table, the order a curve takes, and which bands count in angles."""
    usable = band_quality(sensor.centre) != "bad"
    return {
        "name": sensor.name,
        "names": list(sensor.band_names),
        "centre": sensor.centre.tolist(),
        "fwhm": sensor.fwhm.tolist(),
        "order": drawing_order(sensor).tolist(),
        "usable": usable.tolist(),
        "used": (usable if usable.any() else ~usable).tolist(),  # take part in angles
    }


def covered_ranges(scene: Scene) -> list[tuple[float, float]]:
    """Runs of HS bands that the MS measures, in nm."""
    mask = band_groups(scene.hs, scene.ms)["MS-covered"]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    centre, half = scene.hs.centre, scene.hs.fwhm / 2
    return [
        (float(centre[a] - half[a]), float(centre[b - 1] + half[b - 1]))
        for a, b in edges.reshape(-1, 2)
    ]


def axis_limits(scene: Scene, cubes: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Axis limits that hold for the whole scene, so that curves move and axes do not."""
    values = np.concatenate([cube[:, ::3, ::3].ravel() for cube in cubes.values()])
    low, high = np.nanpercentile(values, (0.1, 99.9))
    reach = 0.6 * high
    centre, room = scene.hs.centre, 60.0
    return {
        "value": [min(0.0, float(low) * 1.1), float(high) * 1.15],
        "difference": [-float(reach), float(reach)],
        "wavelength": [float(centre[0] - room), float(centre[-1] + room)],
    }


def first_view(cubes: dict[str, np.ndarray], pixels: list[tuple[int, ...]]) -> dict[str, Any]:
    """What is shown first: the best there is of each date."""
    product = next(key for key in ("hrhs_t2", "truth_t2", "lrhs_t1") if key in cubes)
    both = "hrhs_t1" in cubes and "hrhs_t2" in cubes
    pair = ["hrhs_t1", "hrhs_t2"] if both else ["hrms_t1", "hrms_t2"]
    return {
        "pinned": [[int(y), int(x)] for y, x in pixels],
        "panes": ["hrms_t1", "hrms_t2", product, "change"],
        "change": {"a": pair[0], "b": pair[1], "measure": "angle", "threshold": 0.0},
    }
