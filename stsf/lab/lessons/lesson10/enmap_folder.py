"""A small EnMAP Level-2A product, laid out as the agency delivers it: image, masks, metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin

from stsf.sensing.bands import Sensor

MASKS = ("CLASSES", "CLOUD", "CLOUDSHADOW", "CIRRUS", "HAZE", "SNOW", "TESTFLAGS")
STEP = 30.0  # m


def write_enmap(
    folder: Path,
    counts: np.ndarray,
    sensor: Sensor,
    corner: tuple[float, float],
    crs: CRS | str,
    masks: Mapping[str, np.ndarray] | None = None,
    *,
    when: str = "20240410T105735Z",
    empty: int | None = None,
) -> Path:
    """Write the folder of a product.

    Args:
        folder: made where missing.
        counts: (band, y, x), 10,000 is reflectance 1.
        sensor: its bands, with the detector of each.
        corner: east and north of the upper left corner, m.
        crs: coordinate reference system.
        masks: layers out of `MASKS`, (y, x) each; nothing is masked by the others.
        when: begin of the acquisition.
        empty: number, from 1, of a band that its statistics show to be without data.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = str(folder / f"ENMAP01-____L2A-DT0000001049_{when}_001_V010303_{when}")
    place: dict[str, Any] = {"crs": crs, "transform": from_origin(*corner, STEP, STEP)}
    image = counts.astype(np.int16)
    _raster(f"{stem}-SPECTRAL_IMAGE.TIF", image, nodata=-32768, blockysize=1, **place)
    for name in MASKS:
        layer = (masks or {}).get(name, np.full(counts.shape[1:], name == "CLASSES"))
        _raster(f"{stem}-QL_QUALITY_{name}.TIF", layer[None].astype(np.uint8), **place)
    Path(f"{stem}-METADATA.XML").write_text(_metadata(sensor, when, empty), "utf-8")
    return folder


def _raster(path: str, cube: np.ndarray, **more: Any) -> None:
    count, height, width = cube.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=cube.dtype, **more
    ) as target:
        target.write(cube)


def _metadata(sensor: Sensor, when: str, empty: int | None) -> str:
    """Band table, detectors, time and angles as XML."""
    bands, statistics, of_detector = "", "", ["", ""]
    for b, (centre, width, code) in enumerate(zip(sensor.centre, sensor.fwhm, sensor.detector), 1):
        bands += (
            f'<bandID number="{b}"><wavelengthCenterOfBand>{centre:.4f}</wavelengthCenterOfBand>'
            f"<FWHMOfBand>{width:.2f}</FWHMOfBand><GainOfBand>0.0001</GainOfBand>"
            "<OffsetOfBand>0</OffsetOfBand></bandID>"
        )
        of_detector[code] += f"{b},"
        mean, std = ("-1000000", "0") if b == empty else ("0.2", "0.05")
        statistics += (
            f'<bandID number="{b}"><waveLength>{centre:.4f}</waveLength><mean>{mean}</mean>'
            f"<stdDeviation>{std}</stdDeviation></bandID>"
        )
    lists = "".join(
        f"<{name}ProductQuality><expectedChannelsList>{numbers.strip(',')}</expectedChannelsList>"
        f"<missingChannelsList/></{name}ProductQuality>"
        for name, numbers in zip(("vnir", "swir"), of_detector)
    )
    angle = "<{0}><center>{1}</center></{0}>".format
    angles = angle("sunElevationAngle", 63.0) + angle("sunAzimuthAngle", 149.1)
    angles += angle("acrossOffNadirAngle", 3.0) + angle("alongOffNadirAngle", 4.0)
    start = f"{when[:4]}-{when[4:6]}-{when[6:8]}T{when[9:11]}:{when[11:13]}:{when[13:15]}.160668Z"
    return (
        f"<level_X><base><level>L2A</level><temporalCoverage><startTime>{start}</startTime>"
        f"</temporalCoverage></base><specific>{lists}{angles}<bandCharacterisation>{bands}"
        "</bandCharacterisation></specific><product><navigation><RPC><bandID number='1'/></RPC>"
        f"</navigation><bandStatistics>{statistics}</bandStatistics></product></level_X>"
    )
