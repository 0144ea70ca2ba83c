"""What the viewer's page is told of a scene beside its data: titles, bands, limits, first view."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError
from rasterio.warp import transform as transform_places

from stsf.inspection import drawing_order
from stsf.lab.viewer.layers import Layers
from stsf.metrics.evaluation import band_groups
from stsf.sensing.bands import Sensor
from stsf.sensing.subspace import band_quality


def titles(layers: Layers) -> dict[str, Any]:
    """Name, sensors and dates, as the page writes them."""
    dates, (height, width) = layers.dates, layers.size
    nominal = " (nominal)" if layers.hs.nominal else ""
    left_out = f" ({layers.dropped} bad ones left out)" if layers.dropped else ""
    first = f"t1 · HS {dates[0]}, MS {dates[1]}" if dates else "t1"
    return {
        "title": f"Scene {layers.name}" if layers.name else "Scene",
        "subtitle": f"{layers.hs.name}{nominal}, {len(layers.hs)} bands{left_out} · "
        f"{layers.ms.name}, {len(layers.ms)} bands · {height} × {width} pixels · "
        f"ratio {layers.ratio('lrhs_t1')}",
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


def covered_ranges(layers: Layers) -> list[tuple[float, float, float]]:
    """Runs of HS bands within a band of the MS: first and last nm, and 1."""
    return _runs(layers, band_groups(layers.hs, layers.ms)["MS-covered"].astype(float))


def explained_ranges(layers: Layers) -> list[tuple[float, float, float]]:
    """Runs of bands that the MS explains at t1: first and last nm, and the share to a tenth."""
    return [] if layers.explained is None else _runs(layers, layers.explained)


def _runs(layers: Layers, share: np.ndarray) -> list[tuple[float, float, float]]:
    tenths = np.rint(10 * np.clip(share, 0, 1)).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[-1], tenths, [-1]])))
    centre, half = layers.hs.centre, layers.hs.fwhm / 2
    return [
        (float(centre[a] - half[a]), float(centre[b - 1] + half[b - 1]), tenths[a] / 10)
        for a, b in pairwise(edges)
        if tenths[a] > 0
    ]


def metres(layers: Layers) -> float | None:
    """Side of a pixel, where map coordinates are lengths."""
    if layers.crs is None or layers.transform is None or not layers.crs.is_projected:
        return None
    return float(abs(layers.transform.a) * layers.crs.linear_units_factor[1])


def lonlat(layers: Layers) -> dict[str, Any] | None:
    """Pixel to longitude and latitude and back, as polynomials that the page can evaluate.

    A map projection over one scene is smooth: a cubic in both axes follows it to a small part of a
    pixel.

    Returns:
        "out" from (y, x) to degrees and "back" to (y, x): `centre` and `scale` of the two inputs,
        and two rows of ten `terms`; None for a scene without map coordinates, or with impossible
        ones.
    """
    if layers.crs is None or layers.transform is None:
        return None
    (height, width), t = layers.size, layers.transform
    y, x = (v.ravel() for v in np.meshgrid(*(np.linspace(0, n, 12) for n in (height, width))))
    east, north = t.a * (x + 0.5) + t.b * (y + 0.5) + t.c, t.d * (x + 0.5) + t.e * (y + 0.5) + t.f
    try:
        places = np.array(transform_places(layers.crs, "OGC:CRS84", east, north))
    except (CPLE_BaseError, CRSError):  # no such place in the system that the files name
        return None
    if not np.isfinite(places).all() or np.abs(places[1]).max() > 90:
        return None
    return {"out": _cubic(np.array([y, x]), places), "back": _cubic(places, np.array([y, x]))}


def _cubic(inputs: np.ndarray, outputs: np.ndarray) -> dict[str, Any]:
    """Least squares over (2, n) inputs and outputs."""
    centre = inputs.mean(axis=1)
    scale = np.maximum(np.abs(inputs - centre[:, None]).max(axis=1), 1e-12)
    u, v = (inputs - centre[:, None]) / scale[:, None]
    powers = [u**0, u, v, u * u, u * v, v * v, u**3, u * u * v, u * v * v, v**3]
    terms = np.linalg.lstsq(np.stack(powers, axis=1), outputs.T, rcond=None)[0].T
    return {"centre": centre.tolist(), "scale": scale.tolist(), "terms": terms.tolist()}


def axis_limits(layers: Layers, cubes: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Axis limits that hold for the whole scene, so that curves move and axes do not."""
    shown = [cube[:, ::3, ::3].ravel() for key, cube in cubes.items() if key != "sigma_t2"]
    values = np.concatenate(shown)
    low, high = np.nanpercentile(values, (0.1, 99.9))
    reach = 0.6 * high
    centre, room = layers.hs.centre, 60.0
    number = max(room, 0.06 * float(np.ptp(centre)))  # of a pin, behind the last band
    return {
        "value": [min(0.0, float(low) * 1.1), float(high) * 1.15],
        "difference": [-float(reach), float(reach)],
        "wavelength": [float(centre[0] - room), float(centre[-1] + number)],
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
