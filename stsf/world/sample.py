"""The scene that travels with the kit, made anew from its seed."""

from __future__ import annotations

from dataclasses import replace

from rasterio.crs import CRS
from rasterio.transform import from_origin

from stsf.scene import Scene
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import observe
from stsf.world.simulation import simulate

SEED = 21


def make_sample() -> Scene:
    """Simulate the shipped scene anew, before it is rounded to 1e-4 on disk; takes seconds.

    Materials of the test split, so no network has seen its spectra in training. Place and dates
    are invented.
    """
    landscape = simulate(SEED, size=180, split="test", kind="parcels")
    hs = ahsi()
    clean = band_quality(hs.centre) == "clean"
    scene = observe(landscape, hs.select(clean), sentinel2("A"), ratio=3, seed=SEED)
    return replace(
        scene,
        name="sample",
        crs=CRS.from_epsg(32633),
        transform=from_origin(465_000.0, 5_080_000.0, 10.0, 10.0),
        dates=("2025-05-14", "2025-05-16", "2025-07-25"),
    )
