"""A scene: what was observed (Y1, M1, M2), by which sensors, and the truth where it is known.

Every inconsistency is refused on the way in, with one sentence that names the mend, so that
nothing behind this file has to ask whether its input makes sense.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from rasterio.crs import CRS

from stsf.degradation import Psf, SpatialDegradation, SpectralDegradation, noise_sigma, relative_psf
from stsf.errors import InputError
from stsf.files.atomic import replacing
from stsf.files.checks import (
    check_bands,
    check_dates,
    check_files,
    check_grids,
    check_masks,
    check_values,
    fill_gaps,
)
from stsf.files.identify import sensor_of
from stsf.files.imagefile import Image, read_image
from stsf.files.raster import write_geotiff
from stsf.sensing.bands import Sensor
from stsf.sensing.sensors import srf_matrix

KINDS = ("unchanged", "harvest", "emergence", "flood", "construction")  # codes of a change map
FILES = {
    "lrhs_t1": "hs_t1.tif",
    "hrms_t1": "ms_t1.tif",
    "hrms_t2": "ms_t2.tif",
    "hrhs_t1": "truth_t1.tif",
    "hrhs_t2": "truth_t2.tif",
    "change": "change.tif",
}
NOTES = "scene.json"  # beside them: what a GeoTIFF has no place for


@dataclass(frozen=True, eq=False)
class Scene:
    """Observations on area grids of one extent; the product grid is that of M2.

    Attributes:
        lrhs_t1: Y1, (L, h, w) float32 reflectance.
        hrms_t1: M1, (C, H, W), H = r·h and W = r·w.
        hrms_t2: M2, (C, H, W).
        hs: sensor of Y1, with L bands in order of wavelength.
        ms: sensor of M1 and M2, with C bands.
        hrhs_t1: X1, (L, H, W), where the truth is known.
        hrhs_t2: X2, (L, H, W), where the truth is known.
        change: (H, W) codes of `KINDS`, where known.
        psf: PSF of each HS detector relative to the MS; by default from the sensors' MTF.
        snr_hs: signal-to-noise ratio of the HS, dB.
        snr_ms: signal-to-noise ratio of the MS, dB.
        valid_lr: (h, w) False where Y1 has no data (filled from the nearest valid pixel).
        valid_hr: (H, W) False where M1 or M2 has no data (filled likewise).
        crs: coordinate reference system, if any.
        transform: pixel to map coordinates of the high-resolution grid, if any.
        dates: ISO dates of Y1, M1 and M2, if known.
        name: shown in figures and tables.

    Raises:
        InputError: any inconsistency, in one sentence.
    """

    lrhs_t1: np.ndarray
    hrms_t1: np.ndarray
    hrms_t2: np.ndarray
    hs: Sensor
    ms: Sensor
    hrhs_t1: np.ndarray | None = None
    hrhs_t2: np.ndarray | None = None
    change: np.ndarray | None = None
    psf: tuple[Psf, ...] | None = None
    snr_hs: float = 35.0
    snr_ms: float = 40.0
    valid_lr: np.ndarray | None = None
    valid_hr: np.ndarray | None = None
    crs: CRS | None = None
    transform: Affine | None = None
    dates: tuple[str, str, str] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_bands(self)
        check_grids(self)
        check_dates(self.dates or (None, None, None))
        for key in ("lrhs_t1", "hrms_t1", "hrms_t2"):
            check_values(key, getattr(self, key))
        found = {
            "valid_lr": np.isfinite(self.lrhs_t1).all(axis=0),
            "valid_hr": np.isfinite(self.hrms_t1).all(0) & np.isfinite(self.hrms_t2).all(0),
        }
        for key, mask in found.items():
            given = getattr(self, key)
            object.__setattr__(self, key, mask if given is None else mask & given)
        assert self.valid_lr is not None and self.valid_hr is not None
        check_masks(self.valid_lr, self.valid_hr)
        for key in ("lrhs_t1", "hrms_t1", "hrms_t2"):
            object.__setattr__(self, key, fill_gaps(getattr(self, key)))
        if self.psf is None:
            object.__setattr__(self, "psf", relative_psf(self.hs, self.ms, self.ratio))

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the product."""
        return self.hrms_t2.shape[1], self.hrms_t2.shape[2]

    @property
    def ratio(self) -> int:
        """High-resolution pixels along one side of a low-resolution pixel."""
        return self.hrms_t2.shape[1] // self.lrhs_t1.shape[1]

    @cached_property
    def D(self) -> SpatialDegradation:
        """X -> Y on the HS bands."""
        assert self.psf is not None
        return SpatialDegradation(self.size, self.ratio, self.psf, self.hs.detector)

    @cached_property
    def D_ms(self) -> SpatialDegradation:
        """The same blur and decimation for the MS bands, each by the nearest HS band's detector."""
        nearest = np.abs(self.ms.centre[:, None] - self.hs.centre).argmin(axis=1)
        return self.D.at(self.hs.detector[nearest])

    @cached_property
    def R(self) -> SpectralDegradation:
        """X -> M."""
        return SpectralDegradation(srf_matrix(self.hs, self.ms)[0])

    def truth(self, date: int) -> np.ndarray:
        """X1 or X2, where the scene has it.

        Args:
            date: 1 or 2.

        Raises:
            InputError: the true image of that date is not known.
        """
        cube = {1: self.hrhs_t1, 2: self.hrhs_t2}[date]
        if cube is None:
            raise InputError(
                f"expected a scene with its true image X{date}, got one without: "
                "take a simulated scene, such as stsf.load_sample()"
            )
        return cube

    def true_change(self) -> np.ndarray:
        """Codes of what happened (H, W), see `KINDS`, where the scene has them.

        Raises:
            InputError: the scene has no map of changes.
        """
        if self.change is None:
            raise InputError(
                "expected a scene with its map of changes, got one without: "
                "take a simulated scene, such as stsf.load_sample()"
            )
        return self.change

    @cached_property
    def noise_hs(self) -> np.ndarray:
        """(L,) standard deviation of the noise in Y1, reflectance."""
        return noise_sigma(self.lrhs_t1, self.snr_hs)

    @cached_property
    def noise_ms(self) -> np.ndarray:
        """(C,) standard deviation of the noise in M1 and M2, reflectance."""
        return noise_sigma(self.hrms_t1, self.snr_ms)

    @classmethod
    def read(
        cls,
        hs: str | Path,
        ms1: str | Path,
        ms2: str | Path,
        *,
        hs_sensor: str | None = None,
        ms_sensor: str | None = None,
        truth_t1: str | Path | None = None,
        truth_t2: str | Path | None = None,
        change: str | Path | None = None,
        name: str = "",
    ) -> Scene:
        """Read three files (and the truth, if any) that share extent and CRS.

        Args:
            hs: Y1, with wavelengths or a known sensor.
            ms1: M1.
            ms2: M2, on the grid of M1.
            hs_sensor: name for `stsf.sensing.get_sensor`; else the file's `SENSOR` tag is used.
            ms_sensor: the same for the MS.
            truth_t1: X1, if known.
            truth_t2: X2, if known.
            change: map of change codes, if known.
            name: shown in figures and tables.

        Raises:
            InputError: unreadable file, or files that do not fit together.
        """
        y1, m1, m2 = read_image(hs), read_image(ms1), read_image(ms2)
        good = y1.good if y1.good is not None else np.ones(len(y1.cube), bool)
        usable = replace(y1, cube=y1.cube[good])
        check_files([(str(hs), usable), (str(ms1), m1), (str(ms2), m2)])
        known = {k: p for k, p in (("hrhs_t1", truth_t1), ("hrhs_t2", truth_t2)) if p}
        return cls(
            lrhs_t1=usable.cube, hrms_t1=m1.cube, hrms_t2=m2.cube,
            hs=sensor_of(y1, hs_sensor, "--hs-sensor").select(good),
            ms=sensor_of(m2, ms_sensor, "--ms-sensor"),
            **{key: read_image(path).cube[good] for key, path in known.items()},
            change=None if change is None else change_codes(str(change), read_image(change)),
            crs=m2.crs, transform=m2.transform, name=name,
            dates=(y1.date, m1.date, m2.date) if y1.date and m1.date and m2.date else None,
        )  # fmt: skip

    @classmethod
    def open(cls, folder: str | Path) -> Scene:
        """Read a folder written by `Scene.write`; truth, change map and notes where they are."""
        folder = Path(folder)
        path = {key: folder / file for key, file in FILES.items()}
        extra = {"hrhs_t1": "truth_t1", "hrhs_t2": "truth_t2", "change": "change"}
        there = {name: path[key] for key, name in extra.items() if path[key].exists()}
        inputs = path["lrhs_t1"], path["hrms_t1"], path["hrms_t2"]
        scene = cls.read(*inputs, name=folder.name, **there)  # type: ignore[arg-type]
        return scene._noted(folder / NOTES) if (folder / NOTES).exists() else scene

    def write(self, folder: str | Path) -> Path:
        """Write one GeoTIFF per cube (int16 x 1e-4) under the names of `FILES`, and the notes.

        Nothing is lost but the rounding, and the measured responses of a sensor that
        `stsf.sensing.sensors.get_sensor` does not know.

        Raises:
            InputError: the folder cannot be written, or holds truth that this scene does not have.
        """
        folder = Path(folder)
        for key, file in FILES.items():
            if getattr(self, key) is None and (folder / file).exists():
                raise InputError(
                    f"expected no {file} in {folder}, as this scene has none: it belongs to "
                    "another scene, choose another folder or delete it"
                )
        with ExitStack() as complete:  # all files take their places together, at the end
            for key, file in FILES.items():
                if getattr(self, key) is not None:
                    dtype: Any = "uint8" if key == "change" else "int16"
                    temporary = complete.enter_context(replacing(folder / file))
                    write_geotiff(temporary, self.image(key), dtype)
            temporary = complete.enter_context(replacing(folder / NOTES))
            temporary.write_text(json.dumps(self._notes()), encoding="utf-8")
        return folder

    def _notes(self) -> dict[str, Any]:
        assert self.psf is not None
        sensors = {
            key: {"gsd": s.gsd, "detector": s.detector.tolist(), "mtf": s.mtf}
            for key, s in (("hs", self.hs), ("ms", self.ms))
        }
        snr = {"snr_hs": self.snr_hs, "snr_ms": self.snr_ms}
        return {"psf": [astuple(p) for p in self.psf], **snr, **sensors}

    def _noted(self, path: Path) -> Scene:
        try:
            notes = json.loads(path.read_text(encoding="utf-8"))
            hs, ms = (
                replace(
                    sensor,
                    gsd=notes[key]["gsd"],
                    detector=np.array(notes[key]["detector"]),
                    mtf=tuple(map(tuple, notes[key]["mtf"])),
                )
                for key, sensor in (("hs", self.hs), ("ms", self.ms))
            )
            psf = tuple(Psf(*p) for p in notes["psf"])
            return replace(
                self, hs=hs, ms=ms, psf=psf, snr_hs=notes["snr_hs"], snr_ms=notes["snr_ms"]
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"expected the notes of Scene.write in {path}, got {error!r}: delete the file to "
                "go on with the sensors' defaults"
            ) from error

    def image(self, key: str, cube: np.ndarray | None = None) -> Image:
        """One cube of the scene (or `cube` in its place) with band table and georeference."""
        cube = getattr(self, key) if cube is None else cube
        if key == "change":
            return Image(cube[None], ("change",), crs=self.crs, transform=self.transform)
        coarse, spectral = key == "lrhs_t1", "hs" if "hrms" not in key else "ms"
        sensor: Sensor = getattr(self, spectral)
        valid = self.valid_lr if coarse else self.valid_hr
        when = None
        if self.dates:
            when = self.dates[{"lrhs_t1": 0, "hrms_t1": 1, "hrhs_t1": 1}.get(key, 2)]
        scale = self.ratio if coarse else 1
        return Image(
            cube=np.where(np.asarray(valid), cube, np.nan).astype(np.float32),
            names=sensor.band_names, wavelength=sensor.centre, fwhm=sensor.fwhm,
            sensor=sensor.name, date=when, crs=self.crs,
            transform=None if self.transform is None else self.transform * Affine.scale(scale),
        )  # fmt: skip

    def crop(self, rows: slice, columns: slice) -> Scene:
        """A window given in low-resolution pixels, for a quick look or a patch."""
        r = self.ratio
        fine = tuple(slice(r * s.start, r * s.stop) for s in (rows, columns))
        moved = self.transform and self.transform * Affine.translation(fine[1].start, fine[0].start)
        window: dict[str, np.ndarray] = {
            key: getattr(self, key)[(..., *(  # LR arrays by LR pixels, HR arrays by HR pixels
                (rows, columns) if key in ("lrhs_t1", "valid_lr") else fine))]
            for key in (*FILES, "valid_lr", "valid_hr") if getattr(self, key) is not None
        }  # fmt: skip
        return replace(self, **window, transform=moved)  # type: ignore[arg-type]

    def to_xarray(self) -> xr.Dataset:
        """All cubes with wavelength, x and y as coordinates (pixel centres, metres if known)."""
        dims = {"lrhs_t1": ("wavelength", "y_lr", "x_lr")}
        dims |= {k: ("wavelength", "y", "x") for k in ("hrhs_t1", "hrhs_t2")}
        dims |= {k: ("band", "y", "x") for k in ("hrms_t1", "hrms_t2")}
        there = {k: d for k, d in dims.items() if getattr(self, k) is not None}
        data = xr.Dataset({k: (d, getattr(self, k)) for k, d in there.items()})
        if self.change is not None:
            data["change"] = (("y", "x"), self.change)
        transform = self.transform or Affine.identity()
        for suffix, r, (rows, columns) in (
            ("", 1, self.size), ("_lr", self.ratio, self.lrhs_t1.shape[1:]),
        ):  # fmt: skip
            x = transform.c + transform.a * r * (np.arange(columns) + 0.5)
            y = transform.f + transform.e * r * (np.arange(rows) + 0.5)
            data = data.assign_coords({f"x{suffix}": x, f"y{suffix}": y})
        data = data.assign_coords(wavelength=self.hs.centre, band=list(self.ms.band_names))
        return data.assign_attrs(ratio=self.ratio, hs=self.hs.name, ms=self.ms.name)


def change_codes(name: str, image: Image) -> np.ndarray:
    """A change map as read from a file, (H, W) uint8 codes of `KINDS`.

    Raises:
        InputError: several bands, or values that are no codes.
    """
    cube = image.cube
    odd = cube[~np.isin(cube, range(len(KINDS)))]
    if len(cube) != 1 or odd.size:
        found = f"{len(cube)} bands" if len(cube) != 1 else f"the value {odd[0]:.4g}"
        raise InputError(
            f"expected a change map of one band with the codes 0 to {len(KINDS) - 1} "
            f"({', '.join(KINDS)}), got {found} in {name}: check that it is the right file"
        )
    return cube[0].astype(np.uint8)
