"""Scenes on disk: three files and what else is known, read as one scene and written again."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from stsf.degradation import Psf
from stsf.errors import InputError
from stsf.files.atomic import replacing
from stsf.files.checks import check_content, check_place
from stsf.files.imagefile import Image, read_image
from stsf.files.raster import write_geotiff
from stsf.files.reading import Reading, bands_like, on_one_grid, read_files, reasons, usable
from stsf.scene import KINDS, Scene, check_values
from stsf.sensing.bands import Sensor

if TYPE_CHECKING:
    import xarray as xr

FILES = {
    "lrhs_t1": "hs_t1.tif",
    "hrms_t1": "ms_t1.tif",
    "hrms_t2": "ms_t2.tif",
    "hrhs_t1": "truth_t1.tif",
    "hrhs_t2": "truth_t2.tif",
    "change": "change.tif",
}
NOTES = "scene.json"  # beside them: what a GeoTIFF has no place for


def read_scene(
    hs: str | Path,
    ms1: str | Path,
    ms2: str | Path,
    reading: Reading | None = None,
    *,
    hs_sensor: str | None = None,
    ms_sensor: str | None = None,
    truth_t1: str | Path | None = None,
    truth_t2: str | Path | None = None,
    change: str | Path | None = None,
    name: str = "",
) -> Scene:
    """Read three files (and the truth, if any); what they do not share is cropped, with a warning.

    Args:
        hs: Y1, with wavelengths or a known sensor; a file, or a product as its agency delivers it
            (see `stsf.files.products`), which is read where all three have pixels.
        ms1: M1.
        ms2: M2, on the grid of M1.
        reading: what the files do not say themselves; or only:
        hs_sensor: name for `stsf.sensing.get_sensor`; else the file's `SENSOR` tag is used.
        ms_sensor: the same for the MS.
        truth_t1: X1, if known.
        truth_t2: X2, if known.
        change: map of change codes, if known.
        name: shown in figures and tables.

    Raises:
        InputError: unreadable file, or files that do not fit together.
    """
    reading = reading or Reading(hs_sensor=hs_sensor, ms_sensor=ms_sensor)
    paths = hs, ms1, ms2
    # the three images, on one grid
    files = read_files(paths, reading)
    check_content([(str(path), image) for path, image in zip(paths, files[:3])])
    (y1, m1, m2, hs_bands, ms_bands), shift = on_one_grid(paths, files)
    # the truth, by the same rules
    known = {k: p for k, p in (("hrhs_t1", truth_t1), ("hrhs_t2", truth_t2)) if p}
    truth: dict[str, Any] = {}
    for key, path in known.items():
        image, bands = usable(str(path), read_image(path), reading.hs_sensor, "--hs-sensor")
        check_values(str(path), image.cube)
        check_place(str(path), image, "M2", m2, mend="take the truth of this scene")
        truth[key] = image.cube[bands_like(bands, hs_bands, f"the truth ({key})")]
    if change is not None:
        truth["change"] = change_codes(str(change), read_image(change))
    if y1.date and m1.date and m2.date:
        truth["dates"] = y1.date, m1.date, m2.date
    # the scene, why pixels are missing, and the rest of a pixel that Y1 is off
    place: dict[str, Any] = {"crs": m2.crs, "transform": m2.transform, "name": name}
    scene = Scene(y1.cube, m1.cube, m2.cube, hs_bands, ms_bands, **truth, **place)
    quality = [reasons(y1).repeat(scene.ratio, 0).repeat(scene.ratio, 1), reasons(m1), reasons(m2)]
    scene = replace(scene, quality=np.stack(quality))
    shifted = tuple(replace(p, shift_y=shift[0], shift_x=shift[1]) for p in scene.psf)
    return replace(scene, psf=shifted) if any(shift) else scene


def open_scene(folder: str | Path, reading: Reading | None = None) -> Scene:
    """Read a folder written by `write_scene`; truth, change map and notes where they are."""
    folder = Path(folder)
    path = {key: folder / file for key, file in FILES.items()}
    extra = {"hrhs_t1": "truth_t1", "hrhs_t2": "truth_t2", "change": "change"}
    there = {name: path[key] for key, name in extra.items() if path[key].exists()}
    inputs = path["lrhs_t1"], path["hrms_t1"], path["hrms_t2"]
    scene = read_scene(*inputs, reading, name=folder.name, **there)  # type: ignore[arg-type]
    return _noted(scene, folder / NOTES) if (folder / NOTES).exists() else scene


def write_scene(scene: Scene, folder: str | Path) -> Path:
    """Write one GeoTIFF per cube (int16 x 1e-4) under the names of `FILES`, and the notes.

    Nothing is lost but the rounding, and the measured responses of a sensor that
    `stsf.sensing.sensors.get_sensor` does not know.

    Raises:
        InputError: the folder cannot be written, or holds truth that this scene does not have.
    """
    folder = Path(folder)
    for key, file in FILES.items():
        if getattr(scene, key) is None and (folder / file).exists():
            raise InputError(
                f"expected no {file} in {folder}, as this scene has none: it belongs to "
                "another scene, choose another folder or delete it"
            )
    with ExitStack() as complete:  # all files take their places together, at the end
        for key, file in FILES.items():
            if getattr(scene, key) is not None:
                dtype: Any = "uint8" if key == "change" else "int16"
                temporary = complete.enter_context(replacing(folder / file))
                write_geotiff(temporary, image_of(scene, key), dtype)
        temporary = complete.enter_context(replacing(folder / NOTES))
        temporary.write_text(json.dumps(_notes(scene)), encoding="utf-8")
    return folder


def _notes(scene: Scene) -> dict[str, Any]:
    sensors = {
        key: {"gsd": s.gsd, "detector": s.detector.tolist(), "mtf": s.mtf}
        for key, s in (("hs", scene.hs), ("ms", scene.ms))
    }
    snr = {"snr_hs": scene.snr_hs, "snr_ms": scene.snr_ms}
    response = None if scene.response is None else scene.response.tolist()
    return {"psf": [astuple(p) for p in scene.psf], "response": response, **snr, **sensors}


def _noted(scene: Scene, path: Path) -> Scene:
    try:
        notes = json.loads(path.read_text(encoding="utf-8"))
        hs, ms = (
            replace(
                sensor,
                gsd=notes[key]["gsd"],
                detector=np.array(notes[key]["detector"]),
                mtf=tuple(map(tuple, notes[key]["mtf"])),
            )
            for key, sensor in (("hs", scene.hs), ("ms", scene.ms))
        )
        psf = tuple(Psf(*p) for p in notes["psf"])
        response = notes.get("response")
        response, snr_hs = None if response is None else np.array(response), notes["snr_hs"]
        more = {"response": response, "snr_hs": snr_hs, "snr_ms": notes["snr_ms"]}
        return replace(scene, hs=hs, ms=ms, psf=psf, **more)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"expected the notes of write_scene in {path}, got {error!r}: delete the file to "
            "go on with the sensors' defaults"
        ) from error


def image_of(scene: Scene, key: str, cube: np.ndarray | None = None) -> Image:
    """One cube of the scene (or `cube` in its place) with band table and georeference."""
    cube = getattr(scene, key) if cube is None else cube
    if key == "change":
        return Image(cube[None], ("change",), crs=scene.crs, transform=scene.transform)
    if key == "quality":
        return Image(cube, ("Y1", "M1", "M2"), crs=scene.crs, transform=scene.transform)
    # which sensor saw it, when, and where it lies
    coarse, spectral = key == "lrhs_t1", "hs" if "hrms" not in key else "ms"
    sensor: Sensor = getattr(scene, spectral)
    own = {"lrhs_t1": scene.valid_lr, "hrms_t1": scene.valid_ms[0], "hrms_t2": scene.valid_ms[1]}
    valid = own.get(key, scene.valid_hr)
    when = None
    if scene.dates:
        when = scene.dates[{"lrhs_t1": 0, "hrms_t1": 1, "hrhs_t1": 1}.get(key, 2)]
    scale = scene.ratio if coarse else 1
    cube = np.where(np.asarray(valid), cube, np.nan).astype(np.float32)
    place = None if scene.transform is None else scene.transform * Affine.scale(scale)
    table = cube, sensor.band_names, sensor.centre, sensor.fwhm, None, sensor.name
    return Image(*table, when, scene.crs, place)


def change_codes(name: str, image: Image) -> np.ndarray:
    """A change map as read from a file, (H, W) uint8 codes of `KINDS`.

    Raises:
        InputError: several bands, or values that are no codes.
    """
    cube = image.cube
    odd = cube[~np.isin(cube, range(len(KINDS)))]
    if len(cube) != 1 or odd.size:
        got = f"{len(cube)} bands" if len(cube) != 1 else f"the value {odd[0]:.4g}"
        raise InputError(
            f"expected a change map of one band with the codes 0 to {len(KINDS) - 1} "
            f"({', '.join(KINDS)}), got {got} in {name}: check that it is the right file"
        )
    return cube[0].astype(np.uint8)


def to_xarray(scene: Scene) -> xr.Dataset:
    """All cubes with wavelength, x and y as coordinates (pixel centres, metres if known)."""
    import xarray as xr  # a second by itself

    dims = {"lrhs_t1": ("wavelength", "y_lr", "x_lr")}
    dims |= {k: ("wavelength", "y", "x") for k in ("hrhs_t1", "hrhs_t2")}
    dims |= {k: ("band", "y", "x") for k in ("hrms_t1", "hrms_t2")}
    there = {k: d for k, d in dims.items() if getattr(scene, k) is not None}
    data = xr.Dataset({k: (d, getattr(scene, k)) for k, d in there.items()})
    if scene.change is not None:
        data["change"] = (("y", "x"), scene.change)
    transform = scene.transform or Affine.identity()
    grids = ("", 1, scene.size), ("_lr", scene.ratio, scene.lrhs_t1.shape[1:])
    for suffix, r, (rows, columns) in grids:
        x = transform.c + transform.a * r * (np.arange(columns) + 0.5)
        y = transform.f + transform.e * r * (np.arange(rows) + 0.5)
        data = data.assign_coords({f"x{suffix}": x, f"y{suffix}": y})
    data = data.assign_coords(wavelength=scene.hs.centre, band=list(scene.ms.band_names))
    return data.assign_attrs(ratio=scene.ratio, hs=scene.hs.name, ms=scene.ms.name)
