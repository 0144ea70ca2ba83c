"""Calls of the command line for its tests: arguments, altered files, what a refusal says."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from affine import Affine
from click.testing import CliRunner, Result
from rasterio.crs import CRS
from scipy.io import netcdf_file

from stsf.cli.app import main
from stsf.files.imagefile import read_image
from stsf.files.raster import write_image

SIZE, RATIO, BANDS = 36, 3, 114  # of the simulated scene
FINE = Affine(10.0, 0, 0, 0, -10.0, 0)  # its MS grid
INPUTS = {"hs": "hs_t1.tif", "ms1": "ms_t1.tif", "ms2": "ms_t2.tif"}

Case = tuple[str, Callable[[Path, Path], list[str]], str]  # name, arguments, words of the message


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="stsf")


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def sentence(text: str) -> str:
    """The one sentence that a refusal prints, without its "Error: "."""
    lines = text.splitlines()
    assert len(lines) == 1 and lines[0].startswith("Error: "), text
    message = lines[0].removeprefix("Error: ")
    assert not re.search(r"[.!?] +[A-Z]|\.$|Traceback|previous exception", message), message
    assert ": " in message, f"names no mend: {message}"
    return message


def fuse(good: Path, here: Path, *more: object, **files: object) -> list[str]:
    """Arguments of `fuse` on the good scene, single ones replaced."""
    given = {key: good / file for key, file in INPUTS.items()} | {"out": here / "out.tif"} | files
    options = [part for key, value in given.items() for part in (f"--{key}", str(value))]
    return ["fuse", *options, "--overwrite", *map(str, more)]


def simulate(here: Path, *more: object) -> list[str]:
    return ["simulate", *map(str, ("--seed", 1, "--size", 24, "--out", here / "scene", *more))]


def evaluate(good: Path, *more: object, **files: object) -> list[str]:
    given = {"prediction": good / "truth_t1.tif", "reference": good / "truth_t2.tif"} | files
    options = [part for key, value in given.items() for part in (f"--{key}", str(value))]
    return ["evaluate", "--ratio", "3", *options, *map(str, more)]


def altered(good: Path, here: Path, file: str, cube: Callable | None = None, **fields) -> Path:
    """A copy of a file of the good scene with other pixels or other fields."""
    image = read_image(good / file)
    if cube is not None:
        image = replace(image, cube=np.asarray(cube(image.cube), np.float32))
    return write_image(here / file, replace(image, **fields))


def truncated(good: Path, here: Path, file: str, end: float) -> Path:
    """The first `end` bytes (or that share of the file)."""
    whole = (good / file).read_bytes()
    (here / file).write_bytes(whole[: int(end * len(whole)) if 0 < end < 1 else int(end)])
    return here / file


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def band(index: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(cube: np.ndarray) -> np.ndarray:
        cube[index] = value
        return cube

    return change


def half(left: bool) -> Callable[[np.ndarray], np.ndarray]:
    def change(cube: np.ndarray) -> np.ndarray:
        cube[..., slice(SIZE // 2) if left else slice(SIZE // 2, None)] = np.nan
        return cube

    return change


def subset(good: Path, here: Path, file: str, bands: slice) -> Path:
    """Some of the bands of a file, in another order if you like."""
    image = read_image(good / file)
    assert image.wavelength is not None and image.fwhm is not None
    return altered(
        good, here, file, lambda cube: cube[bands], names=image.names[bands],
        wavelength=image.wavelength[bands], fwhm=image.fwhm[bands],
    )  # fmt: skip


def resized(good: Path, here: Path, file: str, side: int, pixel: float | None) -> Path:
    """An image cropped or continued to other sides, with pixels of another size or no place."""
    place = None if pixel is None else Affine(pixel, 0, 0, 0, -pixel, 0)
    grow = lambda cube: np.pad(cube, ((0, 0), (0, side), (0, side)), "wrap")[:, :side, :side]  # noqa: E731
    return altered(good, here, file, grow, transform=place)


def sized(good: Path, here: Path, hs: tuple[int, float | None], ms: tuple[int, float | None]):
    sides = {"hs": hs, "ms1": ms, "ms2": ms}
    return fuse(
        good, here, **{k: resized(good, here, INPUTS[k], *side) for k, side in sides.items()}
    )


def with_crs(good: Path, here: Path, **codes: int) -> list[str]:
    files = {
        key: altered(good, here, file, crs=CRS.from_epsg(codes.get(key, 32633)))
        for key, file in INPUTS.items()
    }
    return fuse(good, here, **files)


def dated(good: Path, here: Path, **dates: str) -> list[str]:
    return fuse(good, here, **{k: altered(good, here, INPUTS[k], date=d) for k, d in dates.items()})


def tagged(good: Path, here: Path, value: str) -> Path:
    """The HS with a wavelength that is none."""
    import rasterio

    path = Path(shutil.copy(good / "hs_t1.tif", here))
    with rasterio.open(path, "r+") as target:
        target.update_tags(3, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=value)
    return path


def two_variables(path: Path) -> Path:
    """A netCDF file, which GDAL opens as a container without bands of its own."""
    with netcdf_file(path, "w") as file:
        for name, sides in (("a", (3, 3)), ("b", (4, 3))):
            dimensions = [f"{name}_y", f"{name}_x"]
            for dimension, side in zip(dimensions, sides):
                file.createDimension(dimension, side)
            file.createVariable(name, "f4", dimensions)[:] = 0.1
    return path


NO_TABLE = {"wavelength": None, "fwhm": None, "sensor": None}
