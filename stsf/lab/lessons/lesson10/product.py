"""Lesson 10: a product folder made on the spot, and what goes wrong with real ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy.ndimage import shift

from stsf.errors import InputError
from stsf.files.imagefile import Image
from stsf.files.raster import write_image
from stsf.files.scenes import image_of
from stsf.lab.lessons.lesson10.enmap_folder import write_enmap
from stsf.plots.colour import BLUE, ORANGE
from stsf.plots.figures import WIDTH
from stsf.scene import Scene
from stsf.sensing.bands import SWIR, VNIR, Sensor, from_bands
from stsf.sensing.sensors import enmap
from stsf.world.observation import wald

OVERLAP = (905.0, 985.0)  # nm that both detectors of EnMAP see
DOUBLE = np.linspace(906.0, 984.0, 10)  # nm, centres there of the SWIR detector
SWIR_GAIN, SWIR_SHIFT = 1.03, 0.3  # of the SWIR detector against the VNIR; HS pixels down
OFFSET = 0.1  # reflectance: 1000 counts of Sentinel-2 from processing baseline 04.00 on


def enmap_bands() -> Sensor:
    """All 224 bands of EnMAP, those of both detectors in order of wavelength.

    Example:
        >>> len(enmap_bands())
        224
    """
    one = enmap()
    centre = np.concatenate([one.centre, DOUBLE])
    order = centre.argsort()
    fwhm = np.concatenate([one.fwhm, np.full(len(DOUBLE), 10.0)])
    detector = np.concatenate([one.detector, np.full(len(DOUBLE), SWIR)])
    return from_bands(centre[order], fwhm[order], "EnMAP", detector=detector[order])


def enmap_product(scene: Scene, folder: Path) -> Path:
    """Y1 of a scene as an EnMAP folder, its SWIR detector a little brighter and lower down.

    Beside the folder lie `ms_t1.tif` and `ms_t2.tif`, with their band tables.

    Args:
        scene: with a place on Earth and dates; its spectra are interpolated to EnMAP's bands.
        folder: made where missing.

    Returns:
        The folder.
    """
    if scene.transform is None or scene.crs is None or scene.dates is None:
        raise InputError("expected a scene with place and dates, got one without: take the sample")
    bands = enmap_bands()
    y1 = np.apply_along_axis(
        lambda spectrum: np.interp(bands.centre, scene.hs.centre, spectrum), 0, scene.lrhs_t1
    )
    swir = bands.detector == SWIR
    y1[swir] = SWIR_GAIN * shift(y1[swir], (0, SWIR_SHIFT, 0), order=1, mode="nearest")
    write_enmap(
        folder, np.rint(10_000 * y1), bands, (scene.transform.c, scene.transform.f), scene.crs,
        when=scene.dates[0].replace("-", "") + "T105735Z",
    )  # fmt: skip
    for key, name in (("hrms_t1", "ms_t1.tif"), ("hrms_t2", "ms_t2.tif")):
        write_image(folder.parent / name, image_of(scene, key), "int16")
    return folder


def zigzag(image: Image) -> dict[str, float]:
    """Mean step from band to band where both detectors see, per mille of reflectance.

    Args:
        image: of a product, see `stsf.files.products`.

    Returns:
        "sorted by wavelength", and of each detector by itself.
    """
    assert image.wavelength is not None and image.facts is not None
    both = (image.wavelength > OVERLAP[0]) & (image.wavelength < OVERLAP[1])
    parts = {"sorted by wavelength": both}
    for name, code in (("VNIR detector alone", VNIR), ("SWIR detector alone", SWIR)):
        parts[name] = both & (image.facts.detector == code)
    return {
        name: 1000 * float(np.nanmean(np.abs(np.diff(image.cube[chosen], axis=0))))
        for name, chosen in parts.items()
    }


def overlap_view(image: Image, pixel: tuple[int, int]) -> Figure:
    """One pixel of a product around the wavelengths that both detectors see."""
    assert image.wavelength is not None and image.facts is not None
    nm, values = image.wavelength, image.cube[:, pixel[0], pixel[1]]
    near = (nm > OVERLAP[0] - 40) & (nm < OVERLAP[1] + 40)
    figure = plt.figure(figsize=(0.7 * WIDTH, 3.4), layout="constrained")
    plt.close(figure)
    ax = figure.subplots()
    ax.plot(nm[near], values[near], color="0.6", lw=1, label="sorted by wavelength")
    for name, code, colour, look in (("VNIR", VNIR, BLUE, "o"), ("SWIR", SWIR, ORANGE, "s")):
        own = near & (image.facts.detector == code)
        ax.plot(nm[own], values[own], look, color=colour, label=f"{name} detector")
    ax.axvspan(*OVERLAP, color="0.93", zorder=0)
    ax.set(xlabel="wavelength (nm)", ylabel="reflectance (0-1)")
    ax.legend(frameon=False)
    return figure


def offset_ignored(scene: Scene, *, both: bool = False) -> Scene:
    """The scene whose M2, or both MS dates, still hold the offset of the processing baseline."""
    added = np.float32(OFFSET)
    m1 = scene.hrms_t1 + added if both else scene.hrms_t1
    return replace(scene, hrms_t1=m1, hrms_t2=scene.hrms_t2 + added)


def half_pixel_off(scene: Scene) -> Scene:
    """The scene whose HS corners were pixel centres: half an HS pixel down and right of the MS."""
    off = scene.ratio / 2
    psf = tuple(replace(p, shift_y=off, shift_x=off) for p in scene.psf)
    observed = wald(
        scene.truth(1), scene.hs, scene.ms, scene.ratio, cube_t2=scene.hrhs_t2, psf=psf,
        snr_hs=scene.snr_hs, snr_ms=scene.snr_ms,
    )  # fmt: skip
    return replace(scene, lrhs_t1=observed.lrhs_t1)


def noted_corner(scene: Scene) -> tuple[float, float]:
    """What a PRISMA file would note as the upper left corner: the centre of that HS pixel, m."""
    assert scene.transform is not None
    return scene.transform @ (scene.ratio / 2, scene.ratio / 2)
