"""Files for the viewer: checked on a small picture of each, never read as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from stsf.errors import InputError
from stsf.files.checks import check_files, check_place
from stsf.files.identify import sensor_of
from stsf.files.imagefile import Image, ImageFile, Part
from stsf.files.reading import Reading, bands_like, with_sensors
from stsf.files.scenes import FILES, change_codes
from stsf.lab.viewer.layers import FUSED, TRUTH, Cube, Layer, Layers, with_fused
from stsf.scene import check_reflectance
from stsf.sensing.bands import Sensor

OBSERVED = ("lrhs_t1", "hrms_t1", "hrms_t2")
GLANCE = 128  # pixels a side of the picture in which the values of a file are checked
File = str | Path


class Chosen:
    """Some bands of a layer, in an order of their own, in reflectance.

    Attributes:
        shape: (band, y, x).
    """

    def __init__(
        self, layer: Layer, bands: np.ndarray | None, scale: float = 1.0, offset: float = 0.0
    ) -> None:
        """Keep a layer, the numbers of the bands that count (None: all), and its units."""
        self._bands = np.arange(layer.shape[0]) if bands is None else bands
        self.shape = (len(self._bands), *layer.shape[1:])
        self._layer, self._scale, self._offset = layer, np.float32(scale), np.float32(offset)

    def read(self, part: Part | None = None, shape: tuple[int, int] | None = None) -> np.ndarray:
        """See `Layer`."""
        return self._layer.read(part, shape)[self._bands] * self._scale + self._offset


def of_folder(folder: File, fused: Any = None, reading: Reading | None = None) -> Layers:
    """The layers of a folder as `write_scene` leaves it; see `of_files`."""
    folder = Path(folder)
    there = {key: folder / file for key, file in FILES.items()}
    files = {key: path for key, path in there.items() if key in OBSERVED or path.exists()}
    return of_files(files, fused, reading, name=folder.name)


def of_files(
    files: Mapping[str, File],
    fused: Any = None,
    reading: Reading | None = None,
    *,
    name: str = "",
) -> Layers:
    """The layers of files of any name, which must lie on one grid.

    They are checked as `stsf.files.read_scene` checks them, truth and fused files too.

    Args:
        files: by keys of `stsf.files.FILES`; Y1, M1 and M2 at least.
        fused: anything with some of the attributes "hrhs_t1", "hrhs_t2" and "sigma_t2", arrays or
            files.
        reading: what the files do not say themselves.
        name: shown in the title.

    Raises:
        InputError: a file that is missing or cannot be read, or files that do not fit together.
    """
    reading = reading or Reading()
    opened = {key: ImageFile(files[key], nodata=reading.nodata) for key in OBSERVED}
    paths = [str(files[key]) for key in OBSERVED]
    # which bands, by which sensors, and do they fit together?
    known = with_sensors(paths, [_glance(file) for file in opened.values()], reading)
    images = dict(zip(OBSERVED, known[:3], strict=True))
    check_files(list(zip(paths, known[:3], strict=True)))
    units = zip(reading.scale, reading.offset, strict=True)
    cubes: dict[str, Layer] = {
        key: Chosen(opened[key], image.bands, *unit)
        for (key, image), unit in zip(images.items(), units, strict=True)
    }
    hs, m2 = known.hs, known.m2
    cubes |= {
        key: _like_hs(files[file], hs, m2, reading) for key, file in TRUTH.items() if file in files
    }
    dates = tuple(image.date for image in images.values())
    facts = SimpleNamespace(
        hs=hs,
        ms=known.ms,
        size=opened["hrms_t2"].shape[1:],
        crs=m2.crs,
        transform=opened["hrms_t2"].transform,
        dates=dates if all(dates) else None,
        name=name,
        change=_codes(files["change"]) if "change" in files else None,
        valid=None,
    )
    return with_fused(facts, cubes, _opened(fused, hs, m2, reading))


def own_layer(name: str, given: np.ndarray | File, size: tuple[int, int]) -> Layer:
    """An image of one's own on the product grid: an array (H, W), or a file.

    Raises:
        InputError: of another shape, or a file that cannot be read.
    """
    layer: Layer
    layer = Cube(given.astype(float)[None]) if isinstance(given, np.ndarray) else ImageFile(given)
    if layer.shape[1:] != tuple(size):
        raise InputError(
            f"the layer {name!r} must have {size[0]} × {size[1]} pixels as the product has, got "
            f"{layer.shape[1]} × {layer.shape[2]}: warp it onto this grid (rio warp layer.tif "
            "warped.tif --like ms_t2.tif)"
        )
    return layer


def read_outlines(path: File) -> dict[str, Any]:
    """A GeoJSON file as it stands.

    Raises:
        InputError: no such file, or no GeoJSON in it.
    """
    try:
        outlines = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"expected a GeoJSON file, got {path} ({error}): name another") from error
    if not isinstance(outlines, dict) or "type" not in outlines:
        raise InputError(f"expected GeoJSON in {path}, got other JSON: name another file")
    return outlines


def _glance(file: ImageFile) -> Image:
    """A small picture of a file: the first overview that is no larger than `GLANCE`."""
    step, most = 1, GLANCE if file.quick else GLANCE // 8
    while max(file.shape[1:]) // step > most:
        step *= 2
    return file.image(shape=(max(1, file.shape[1] // step), max(1, file.shape[2] // step)))


def _codes(path: File) -> Layer:
    file = ImageFile(path, codes=True)
    change_codes(str(path), _glance(file))
    return file


def _like_hs(
    path: File, hs: Sensor, m2: Image, reading: Reading, reflectance: bool = True
) -> Layer:
    """A truth or product file: of this place, in reflectance, with the bands of the HS."""
    file = ImageFile(path, nodata=reading.nodata)
    image = _glance(file)
    check_place(str(path), image, "M2", m2, mend="take the file that belongs to this scene")
    if reflectance:
        check_reflectance(str(path), image.cube)
    if image.wavelength is None and not reading.hs_sensor and len(image.cube) == len(hs):
        return file  # told by position only, and as many
    return Chosen(
        file, bands_like(sensor_of(image, reading.hs_sensor, "--hs-sensor"), hs, str(path))
    )


def _opened(fused: Any, hs: Sensor, m2: Image, reading: Reading) -> SimpleNamespace:
    """A result whose cubes may be files, as layers."""
    files = SimpleNamespace(explained=getattr(fused, "explained", None))
    for key in FUSED:
        given = getattr(fused, key, None)
        if isinstance(given, (str, Path)):
            given = _like_hs(given, hs, m2, reading, reflectance=key != "sigma_t2")
        setattr(files, key, given)
    return files
