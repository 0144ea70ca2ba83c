"""Small products laid out as the agencies deliver them, for the tests of the readers."""

from pathlib import Path

import h5py
import numpy as np
import rasterio
from rasterio.transform import from_origin

from stsf.lab.lessons.lesson10.enmap_folder import write_enmap
from stsf.sensing.bands import Sensor, from_bands

UTM = "EPSG:32632"
WEST, NORTH = 600000.0, 5300040.0  # upper left corner of the Sentinel-2 tile
S2_WHEN = "20240411T103021"
S2_BANDS = {  # name: bandId, first and last nm of its response
    "B2": (1, 456, 533),
    "B3": (2, 538, 583),
    "B4": (3, 646, 684),
    "B5": (4, 695, 714),
    "B6": (5, 731, 749),
    "B7": (6, 769, 797),
    "B8": (7, 760, 907),
    "B8A": (8, 837, 881),
    "B11": (11, 1539, 1682),
    "B12": (12, 2078, 2320),
}
TEN = ("B2", "B3", "B4", "B8")


def raster(path: Path, cube: np.ndarray, step: float, driver="GTiff", origin=(WEST, NORTH), **more):
    """A georeferenced raster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    extra = dict(QUALITY="100", REVERSIBLE="YES") if driver == "JP2OpenJPEG" else {}
    with rasterio.open(
        path,
        "w",
        driver=driver,
        count=len(cube),
        height=cube.shape[1],
        width=cube.shape[2],
        dtype=cube.dtype,
        crs=UTM,
        transform=from_origin(*origin, step, step),
        **extra,
        **more,
    ) as target:
        target.write(cube)


def response(first: int, last: int) -> str:
    """A smooth response on whole nm, symmetric, half as wide as its range."""
    values = np.sin(np.linspace(0, np.pi, last - first + 1)) ** 2
    return " ".join(f"{v:.8f}" for v in values)


def sentinel2(
    folder: Path, counts: dict[str, np.ndarray], scl: np.ndarray, offset=-1000, when=S2_WHEN
) -> Path:
    """A SAFE folder of these counts (10 m and 20 m) and scene classes (20 m)."""
    safe = folder / f"S2C_MSIL2A_{when}_N0510_R108_T32UPU_{when}.SAFE"
    images = safe / "GRANULE" / f"L2A_T32UPU_A000001_{when}" / "IMG_DATA"
    for name, dn in counts.items():
        step = 10 if name in TEN else 20
        number = name if name == "B8A" else f"B{int(name[1:]):02d}"
        file = images / f"R{step}m" / f"T32UPU_{when}_{number}_{step}m.jp2"
        raster(file, dn[None].astype(np.uint16), step, "JP2OpenJPEG")
    scene = scl[None].astype(np.uint8)
    raster(images / "R20m" / f"T32UPU_{when}_SCL_20m.jp2", scene, 20, "JP2OpenJPEG")
    day = f"{when[:4]}-{when[4:6]}-{when[6:8]}T10:30:21.024Z"
    offsets = "".join(
        f'<BOA_ADD_OFFSET band_id="{i}">{offset - i}</BOA_ADD_OFFSET>' for i in range(13)
    )
    spectral = "".join(
        f'<Spectral_Information bandId="{i}" physicalBand="{n}"><Wavelength>'
        f'<MIN unit="nm">{a}</MIN><MAX unit="nm">{b}</MAX></Wavelength>'
        '<Spectral_Response><STEP unit="nm">1</STEP>'
        f"<VALUES>{response(a, b)}</VALUES></Spectral_Response>"
        "</Spectral_Information>"
        for n, (i, a, b) in S2_BANDS.items()
    )
    (safe / "MTD_MSIL2A.xml").write_text(
        '<?xml version="1.0"?><n1:P xmlns:n1="https://psd"><n1:General_Info><Product_Info>'
        f"<PRODUCT_URI>{safe.name}</PRODUCT_URI><Datatake><SPACECRAFT_NAME>Sentinel-2C"
        f"</SPACECRAFT_NAME><DATATAKE_SENSING_START>{day}</DATATAKE_SENSING_START></Datatake>"
        "</Product_Info><BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE>"
        f"<L>{offsets}</L><S>{spectral}</S></n1:General_Info></n1:P>"
    )
    (images.parent / "MTD_TL.xml").write_text(
        "<T><Mean_Sun_Angle><ZENITH_ANGLE>39.5</ZENITH_ANGLE><AZIMUTH_ANGLE>155.6</AZIMUTH_ANGLE>"
        '</Mean_Sun_Angle><Mean_Viewing_Incidence_Angle bandId="1"><ZENITH_ANGLE>7.2</ZENITH_ANGLE>'
        "<AZIMUTH_ANGLE>106.3</AZIMUTH_ANGLE></Mean_Viewing_Incidence_Angle></T>"
    )
    return safe


def sentinel2_counts(size: int, seed: int, darkest=1100) -> dict[str, np.ndarray]:
    """Counts of every band that vary, for a tile of size x size pixels at 10 m."""
    random = np.random.default_rng(seed)
    return {
        b: random.integers(darkest, 4000, (size, size) if b in TEN else (size // 2, size // 2))
        for b in S2_BANDS
    }


ENMAP_CENTRES = np.r_[np.linspace(423, 995, 30), np.linspace(905.3, 2440, 40)]
ENMAP_ORIGIN = (WEST + 60, NORTH - 60)


def enmap(
    folder: Path,
    counts: np.ndarray,
    masks: dict[str, np.ndarray] | None = None,
    sensor: Sensor | None = None,
) -> Path:
    """An EnMAP L2A folder of 70 interleaved bands, or those of a sensor.

    The last of the 70 is without data by its statistics.
    """
    order = ENMAP_CENTRES.argsort()
    widths = 8 + np.arange(1, len(order) + 1) / 100
    own = from_bands(ENMAP_CENTRES[order], widths, detector=(order >= 30).astype(int))
    bands, empty = (own, len(order)) if sensor is None else (sensor, None)
    return write_enmap(folder, counts, bands, ENMAP_ORIGIN, UTM, masks, empty=empty)


def prisma(path: Path, vnir: np.ndarray, swir: np.ndarray, error=None) -> Path:
    """A PRISMA L2D file of these counts (y, band, x); not acquired: three VNIR, two SWIR bands."""
    size = vnir.shape[0], vnir.shape[2]
    with h5py.File(path, "w") as file:
        fields = file.create_group("HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields")
        for name, cube, first, last, dead in (
            ("Vnir", vnir, 977.4, 406.0, slice(0, 3)),
            ("Swir", swir, 2497.0, 943.0, slice(-2, None)),
        ):
            centres = np.linspace(first, last, cube.shape[1]).astype(np.float32)
            flags, fwhm = np.ones(len(centres), np.int32), np.full(len(centres), 12.5, np.float32)
            centres[dead], flags[dead], fwhm[dead] = 0, 0, 0
            file.attrs[f"List_Cw_{name}"] = centres
            file.attrs[f"List_Cw_{name}_Flags"] = flags
            file.attrs[f"List_Fwhm_{name}"] = fwhm
            file.attrs[f"L2Scale{name}Min"] = np.float32(-0.1)
            file.attrs[f"L2Scale{name}Max"] = np.float32(1.2)
            fields[f"{name.upper()}_Cube"] = cube.astype(np.uint16)
            wrong = (
                np.zeros(cube.shape, np.uint8)
                if error is None
                else (np.repeat(error[:, None], cube.shape[1], 1).astype(np.uint8))
            )
            fields[f"{name.upper()}_PIXEL_L2_ERR_MATRIX"] = wrong
        easts, norths = (
            (WEST + 75, WEST + 75 + 30 * (size[1] - 1)),
            (NORTH - 75, NORTH - 75 - 30 * (size[0] - 1)),
        )
        for v, north in zip("UL", norths):
            for h, east in zip("LR", easts):
                file.attrs[f"Product_{v}{h}corner_easting"] = np.float32(east)
                file.attrs[f"Product_{v}{h}corner_northing"] = np.float32(north)
        file.attrs["Epsg_Code"] = np.uint32(32632)
        file.attrs["Processing_Level"] = b"2D"
        file.attrs["Product_StartTime"] = b"2024-04-12T10:28:37.932000"
        file.attrs["Sun_zenith_angle"] = np.float32(48.5)
        file.attrs["Sun_azimuth_angle"] = np.float32(155.0)
    return path


LANDSAT = "LC09_L2SP_193026_20240411_20240412_02_T1"
LANDSAT_ORIGIN = (WEST - 15, NORTH - 15)  # its pixels' centres lie on multiples of 30 m


def landsat(
    folder: Path,
    counts: np.ndarray,
    pixel: np.ndarray | None = None,
    radiometry: np.ndarray | None = None,
    name: str = LANDSAT,
) -> Path:
    """A Collection 2 Level-2 folder of these counts (7, y, x), with both its metadata files.

    Scales differ from band to band, those of Level 1 from those of Level 2.
    """
    clear = np.full(counts.shape[1:], 1 << 6)
    flags = np.zeros(counts.shape[1:])
    layers = {f"SR_B{b + 1}": band for b, band in enumerate(counts)}
    layers["QA_PIXEL"] = clear if pixel is None else pixel
    layers["QA_RADSAT"] = flags if radiometry is None else radiometry
    for layer, values in layers.items():
        cube = values[None].astype(np.uint16)
        raster(folder / f"{name}_{layer}.TIF", cube, 30, origin=LANDSAT_ORIGIN)
        with rasterio.open(folder / f"{name}_{layer}.TIF", "r+") as target:
            target.update_tags(AREA_OR_POINT="Point")
    groups = landsat_metadata(name)
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, keys in groups.items():
        quoted = {k: v if v.replace(".", "").lstrip("-").isdigit() else f'"{v}"' for k, v in keys}
        inside = [f"    {key} = {value}" for key, value in quoted.items()]
        lines += [f"  GROUP = {group}", *inside, f"  END_GROUP = {group}"]
    lines += ["END_GROUP = LANDSAT_METADATA_FILE", "END", ""]
    (folder / f"{name}_MTL.txt").write_text("\n".join(lines))
    xml = "".join(
        f"<{group}>{''.join(f'<{k}>{v}</{k}>' for k, v in keys)}</{group}>"
        for group, keys in groups.items()
    )
    (folder / f"{name}_MTL.xml").write_text(
        f'<?xml version="1.0"?><LANDSAT_METADATA_FILE>{xml}</LANDSAT_METADATA_FILE>'
    )
    return folder


def landsat_metadata(name: str) -> dict[str, list[tuple[str, str]]]:
    """Groups and keys as USGS writes them, as far as a reader could mistake one for another."""
    level1, bands = name.replace("L2SP", "L1TP"), range(1, 8)
    quality = [("QUALITY_L1_PIXEL", "QA_PIXEL"), ("QUALITY_L1_RADIOMETRIC_SATURATION", "QA_RADSAT")]
    files = [(f"FILE_NAME_BAND_{b}", f"{name}_SR_B{b}.TIF") for b in bands]
    files += [(f"FILE_NAME_{key}", f"{name}_{layer}.TIF") for key, layer in quality]
    before = [(f"FILE_NAME_BAND_{b}", f"{level1}_B{b}.TIF") for b in bands]
    scales = [(f"REFLECTANCE_MULT_BAND_{b}", f"{(27 + b) * 1e-6:.6f}") for b in bands]
    scales += [(f"REFLECTANCE_ADD_BAND_{b}", f"{-0.2 - b / 50:.2f}") for b in bands]
    return {
        "PRODUCT_CONTENTS": [("PROCESSING_LEVEL", "L2SP"), ("COLLECTION_NUMBER", "02"), *files],
        "IMAGE_ATTRIBUTES": [
            ("SPACECRAFT_ID", f"LANDSAT_{name[3]}"),
            ("SENSOR_ID", "OLI_TIRS"),
            ("DATE_ACQUIRED", f"{name[17:21]}-{name[21:23]}-{name[23:25]}"),
            ("SCENE_CENTER_TIME", "10:04:58.5278200Z"),
            ("SUN_AZIMUTH", "155.25"),
            ("SUN_ELEVATION", "48.75"),
        ],
        "PROJECTION_ATTRIBUTES": [
            ("CORNER_UL_PROJECTION_X_PRODUCT", f"{LANDSAT_ORIGIN[0] + 15:.3f}"),
            ("CORNER_UL_PROJECTION_Y_PRODUCT", f"{LANDSAT_ORIGIN[1] - 15:.3f}"),
        ],
        "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": scales,
        "LEVEL1_PROCESSING_RECORD": [("PROCESSING_LEVEL", "L1TP"), *before],
        "LEVEL1_RADIOMETRIC_RESCALING": [
            *((f"REFLECTANCE_MULT_BAND_{b}", "2.0000E-05") for b in bands),
            *((f"REFLECTANCE_ADD_BAND_{b}", "-0.100000") for b in bands),
        ],
    }
