"""Files for the viewer: checked on a small picture of each, never read as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from stsf.files.checks import check_files, check_place
from stsf.files.identify import sensor_of
from stsf.files.imagefile import Image, ImageFile, Part
from stsf.files.reading import Reading, bands_like, bands_of, shared_bands
from stsf.files.scenes import FILES, change_codes
from stsf.lab.viewer.layers import FUSED, TRUTH, Layer, Layers, with_fused
from stsf.scene import check_reflectance
from stsf.sensing.bands import Sensor

OBSERVED = ("lrhs_t1", "hrms_t1", "hrms_t2")
GLANCE = 128  # pixels a side of the picture in which the values of a file are checked
File = str | Path


class Chosen:
    """Some bands of a layer, in an order of their own.

    Attributes:
        shape: (band, y, x).
    """

    def __init__(self, layer: Layer, bands: np.ndarray) -> None:
        """Keep a layer and the indices of the bands that count."""
        self.shape = (len(bands), *layer.shape[1:])
        self._layer, self._bands = layer, bands

    def read(self, part: Part | None = None, shape: tuple[int, int] | None = None) -> np.ndarray:
        """See `Layer`."""
        return self._layer.read(part, shape)[self._bands]


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
        reading: what the files do not say themselves: sensors, bands and a value without data.
        name: shown in the title.

    Raises:
        InputError: a file that is missing or cannot be read, or files that do not fit together.
    """
    reading = reading or Reading()
    opened = {key: ImageFile(files[key], nodata=reading.nodata) for key in OBSERVED}
    y1, m1, m2 = (_glance(file) for file in opened.values())
    # which bands, by which sensors
    ms_asked = (reading.ms_sensor, "--ms-sensor", reading.ms_bands, False)
    bands, hs = bands_of(
        str(files["lrhs_t1"]), y1, reading.hs_sensor, "--hs-sensor", reading.hs_bands
    )
    first, ms_t1 = bands_of(str(files["hrms_t1"]), m1, *ms_asked)
    second, ms = bands_of(str(files["hrms_t2"]), m2, *ms_asked)
    of_both = shared_bands(ms_t1, ms)
    chosen = dict(zip(OBSERVED, (bands, first[of_both[0]], second[of_both[1]]), strict=True))
    seen = [(str(files[key]), _only(im, chosen[key])) for key, im in zip(OBSERVED, (y1, m1, m2))]
    # do they fit together?
    check_files(seen)
    cubes: dict[str, Layer] = {key: Chosen(opened[key], chosen[key]) for key in OBSERVED}
    cubes |= {
        key: _like_hs(files[file], hs, m2, reading) for key, file in TRUTH.items() if file in files
    }
    dates = (y1.date, m1.date, m2.date)
    facts = SimpleNamespace(
        hs=hs, ms=ms.select(of_both[1]), size=opened["hrms_t2"].shape[1:], crs=m2.crs,
        transform=opened["hrms_t2"].transform, dates=dates if all(dates) else None, name=name,
        change=_codes(files["change"]) if "change" in files else None, valid=None,
    )  # fmt: skip
    return with_fused(facts, cubes, _opened(fused, hs, m2, reading))


def _glance(file: ImageFile) -> Image:
    """A small picture of a file: the first overview that is no larger than `GLANCE`."""
    step, most = 1, GLANCE if file.quick else GLANCE // 8
    while max(file.shape[1:]) // step > most:
        step *= 2
    return file.image(shape=(max(1, file.shape[1] // step), max(1, file.shape[2] // step)))


def _only(image: Image, bands: np.ndarray) -> Image:
    wavelength = None if image.wavelength is None else image.wavelength[bands]
    fwhm = None if image.fwhm is None else image.fwhm[bands]
    return Image(
        image.cube[bands], wavelength=wavelength, fwhm=fwhm, date=image.date, crs=image.crs,
        transform=image.transform, control=image.control,
    )  # fmt: skip


def _codes(path: File) -> Layer:
    file = ImageFile(path, codes=True)
    change_codes(str(path), _glance(file))
    return file


def _like_hs(
    path: File, hs: Sensor, m2: Image, reading: Reading, reflectance: bool = True
) -> Layer:
    """A truth or product file: of this place, in reflectance, with the bands of the HS."""
    file = ImageFile(path, nodata=reading.nodata)
    seen = _glance(file)
    check_place(str(path), seen, "M2", m2, mend="take the file that belongs to this scene")
    if reflectance:
        check_reflectance(str(path), seen.cube)
    if seen.wavelength is None and not reading.hs_sensor and len(seen.cube) == len(hs):
        return file  # told by position only, and as many
    return Chosen(
        file, bands_like(sensor_of(seen, reading.hs_sensor, "--hs-sensor"), hs, str(path))
    )


def _opened(fused: Any, hs: Sensor, m2: Image, reading: Reading) -> SimpleNamespace:
    """A result whose cubes may be files, as layers."""
    found = SimpleNamespace(explained=getattr(fused, "explained", None))
    for key in FUSED:
        given = getattr(fused, key, None)
        if isinstance(given, (str, Path)):
            given = _like_hs(given, hs, m2, reading, reflectance=key != "sigma_t2")
        setattr(found, key, given)
    return found
