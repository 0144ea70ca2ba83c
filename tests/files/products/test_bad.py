"""Bad products: one sentence and exit code 2; inputs as they were, and no file anywhere else."""

import io
import re
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import product_writers as writers
import pytest
from click.testing import CliRunner

from stsf.cli.app import main

HS_SIZE, TILE = (12, 10), 60
BAD = {}


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    folder, random = tmp_path_factory.mktemp("good"), np.random.default_rng(6)
    writers.enmap(folder / "enmap", random.integers(100, 5000, (70, *HS_SIZE)))
    clear = np.full((TILE // 2, TILE // 2), 4)
    for name, seed, when in (("a", 7, writers.S2_WHEN), ("b", 8, "20240611T103021")):
        counts = writers.sentinel2_counts(TILE, seed)
        writers.sentinel2(folder / name, counts, clear, when=when)
    for name, first in (("landsat", 9), ("later", 10)):
        dn = np.random.default_rng(first).integers(8000, 30000, (7, 20, 20))
        of = writers.LANDSAT if name == "landsat" else writers.LANDSAT.replace("0411", "0630")
        writers.landsat(folder / name, dn, name=of)
    vnir, swir = (random.integers(6000, 30000, (HS_SIZE[0], n, HS_SIZE[1])) for n in (20, 30))
    writers.prisma(folder / "prisma.he5", vnir, swir)
    return folder


def bad(words: str):
    """Register a case: a function that damages a folder and may name other inputs."""

    def register(case):
        BAD[case.__name__] = case, words
        return case

    return register


def one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.rglob(pattern))
    assert len(found) == 1, (pattern, found)
    return found[0]


def rewrite(path: Path, old: str, new: str, count: int = -1) -> None:
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new, count))


def cut(path: Path, share: float = 0.5) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


@bad("found none of")
def empty_folder(d):
    (d / "empty").mkdir()
    return {"hs": d / "empty"}


@bad("found none of")
def folder_of_something_else(d):
    (d / "notes").mkdir()
    (d / "notes" / "readme.txt").write_text("no product")
    return {"ms1": d / "notes"}


@bad("check the path")
def nothing_there(d):
    return {"ms2": d / "S2C_MSIL2A.SAFE"}


@bad("Level-1C")
def level_1c(d):
    one(d / "a", "MTD_MSIL2A.xml").rename(one(d / "a", "*.SAFE") / "MTD_MSIL1C.xml")


@bad(r"\*_B02_10m.jp2")
def safe_without_10_m(d):
    shutil.rmtree(one(d / "a", "R10m"))


@bad(r"\*_B11_20m.jp2")
def safe_without_a_20_m_band(d):
    one(d / "b", "*B11_20m.jp2").unlink()


@bad("SCL_20m")
def safe_without_scene_classes(d):
    one(d / "a", "*SCL_20m.jp2").unlink()


@bad("MTD_TL.xml")
def safe_without_tile_metadata(d):
    one(d / "a", "MTD_TL.xml").unlink()


@bad("two products are mixed")
def images_of_another_date(d):
    band = one(d / "a", "*B03_10m.jp2")
    band.rename(band.with_name(band.name.replace("20240411", "20240611")))


@bad("MTD_MSIL2A.xml")
def two_products_in_one_folder(d):
    safe = one(d / "b", "*.SAFE")
    shutil.copytree(safe, d / "a" / safe.name)
    return {"ms1": d / "a"}


@bad("copy or download it again")
def band_cut_off(d):
    cut(one(d / "a", "*B04_10m.jp2"), 0.3)


@bad("complete XML")
def metadata_cut_off(d):
    cut(one(d / "a", "MTD_MSIL2A.xml"))


@bad("empty|complete XML")
def metadata_empty(d):
    one(d / "a", "MTD_MSIL2A.xml").write_text("")


@bad("BOA_QUANTIFICATION_VALUE")
def metadata_without_quantification(d):
    rewrite(one(d / "a", "MTD_MSIL2A.xml"), "BOA_QUANTIFICATION_VALUE", "OTHER")


@bad("expected numbers at BOA_ADD_OFFSET")
def offset_no_number(d):
    rewrite(one(d / "a", "MTD_MSIL2A.xml"), "-1001", "minus thousand")


@bad("Spectral_Information of B8A")
def band_without_response(d):
    rewrite(one(d / "a", "MTD_MSIL2A.xml"), 'physicalBand="B8A"', 'physicalBand="X"')


@bad("without a document type or entities")
def xml_bomb(d):
    lines = ['<!ENTITY a0 "ha">']
    lines += [f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(9)]
    text = f"<?xml version='1.0'?><!DOCTYPE x [{''.join(lines)}]><x>&a9;</x>"
    one(d / "a", "MTD_MSIL2A.xml").write_text(text)


@bad("without a document type or entities")
def xml_that_reads_other_files(d):
    text = "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><level_X>&f;</level_X>"
    one(d / "enmap", "*METADATA.XML").write_text(text)


@bad("at most 64 MB")
def metadata_too_large(d):
    with one(d / "enmap", "*METADATA.XML").open("r+b") as file:
        file.truncate(65 << 20)


@bad("no valid pixel|with data|at least")
def all_clouds(d):
    scl = np.full((1, TILE // 2, TILE // 2), 9, np.uint8)
    writers.raster(one(d / "b", "*SCL_20m.jp2"), scl, 20, "JP2OpenJPEG")


@bad("share no ground")
def no_overlap(d):
    image = one(d / "enmap", "*SPECTRAL_IMAGE.TIF")
    cube = np.random.default_rng(1).integers(100, 5000, (70, *HS_SIZE)).astype(np.int16)
    writers.raster(image, cube, 30, origin=(writers.WEST + 60000, writers.NORTH), nodata=-32768)


@bad("at most 30 days apart")
def dates_far_apart(d):
    rewrite(one(d / "enmap", "*METADATA.XML"), "2024-04-10T", "2022-04-10T")


@bad("a time such as")
def time_no_time(d):
    rewrite(one(d / "enmap", "*METADATA.XML"), "2024-04-10T10", "yesterday")


@bad("spectral image")
def enmap_without_image(d):
    one(d / "enmap", "*SPECTRAL_IMAGE.TIF").unlink()


@bad("quality layer")
def enmap_without_a_mask(d):
    one(d / "enmap", "*QUALITY_CLOUD.TIF").unlink()


@bad("quality layers of")
def enmap_mask_of_another_size(d):
    mask = one(d / "enmap", "*QUALITY_HAZE.TIF")
    writers.raster(mask, np.zeros((1, 5, 5), np.uint8), 30, origin=writers.ENMAP_ORIGIN)


@bad("order Level-2A")
def enmap_level_1c(d):
    rewrite(one(d / "enmap", "*METADATA.XML"), "<level>L2A", "<level>L1C")


@bad("one entry a band")
def enmap_too_few_bands_in_metadata(d):
    path = one(d / "enmap", "*METADATA.XML")
    path.write_text(re.sub(r'<bandID number="70"><wavelengthC.*?</bandID>', "", path.read_text()))


@bad("copy or download it again")
def enmap_strip_corrupted(d):
    cut(one(d / "enmap", "*SPECTRAL_IMAGE.TIF"), 0.6)


@bad("copy or download it again")
def header_of_10_gb_with_1_kb(d):
    image = one(d / "enmap", "*SPECTRAL_IMAGE.TIF")
    header = "ENVI\nsamples = 10000\nlines = 7200\nbands = 70\ndata type = 2\ninterleave = bsq\n"
    image.with_suffix(".hdr").write_text(header)
    image.write_bytes(bytes(1000))


@bad("VNIR_Cube")
def prisma_without_vnir(d):
    with h5py.File(d / "prisma.he5", "a") as file:
        del file["HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/VNIR_Cube"]
    return {"hs": d / "prisma.he5"}


@bad("VNIR_Cube")
def prisma_without_its_group(d):
    with h5py.File(d / "prisma.he5", "a") as file:
        del file["HDFEOS/SWATHS/PRS_L2D_HCO"]
    return {"hs": d / "prisma.he5"}


@bad("L2ScaleSwirMax")
def prisma_without_a_scale(d):
    with h5py.File(d / "prisma.he5", "a") as file:
        del file.attrs["L2ScaleSwirMax"]
    return {"hs": d / "prisma.he5"}


@bad("known Epsg_Code")
def prisma_in_no_projection(d):
    with h5py.File(d / "prisma.he5", "a") as file:
        file.attrs["Epsg_Code"] = np.uint32(999999)
    return {"hs": d / "prisma.he5"}


@bad("complete HE5")
def prisma_cut_off(d):
    cut(d / "prisma.he5")
    return {"hs": d / "prisma.he5"}


@bad("LC09_L2SP_.*_SR_B5.TIF beside")
def landsat_without_a_band(d):
    one(d / "landsat", "*SR_B5.TIF").unlink()
    return {"ms1": d / "landsat"}


@bad("LC09_L2SP_.*_QA_RADSAT.TIF beside")
def landsat_without_saturation(d):
    one(d / "landsat", "*QA_RADSAT.TIF").unlink()
    return {"ms1": one(d / "landsat", "*_MTL.txt")}


@bad("found none of")
def landsat_without_metadata(d):
    for file in (d / "landsat").glob("*_MTL.*"):
        file.unlink()
    return {"ms1": d / "landsat"}


@bad("got L1TP in .* order Collection 2 Level-2")
def landsat_level_1(d):
    rewrite(one(d / "landsat", "*_MTL.xml"), "L2SP", "L1TP")
    return {"ms1": d / "landsat"}


@bad("expected LANDSAT_8 or LANDSAT_9, got LANDSAT_7")
def landsat_7(d):
    rewrite(one(d / "landsat", "*_MTL.xml"), "LANDSAT_9", "LANDSAT_7")
    return {"ms1": d / "landsat"}


@bad("one group in .* that ends")
def landsat_metadata_cut_off(d):
    cut(one(d / "landsat", "*_MTL.txt"), 0.7)
    return {"ms1": one(d / "landsat", "*_MTL.txt")}


@bad("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS/REFLECTANCE_ADD_BAND_3")
def landsat_without_an_offset(d):
    # that of Level 1, which follows under the same name, is not taken for it
    rewrite(one(d / "landsat", "*_MTL.xml"), "REFLECTANCE_ADD_BAND_3", "OTHER", 2)
    return {"ms1": d / "landsat"}


@bad("images of one grid")
def landsat_of_two_sizes(d):
    small = np.ones((1, 9, 9), np.uint16)
    writers.raster(one(d / "landsat", "*SR_B4.TIF"), small, 30, origin=writers.LANDSAT_ORIGIN)
    return {"ms1": d / "landsat"}


@bad("one metadata file")
def two_landsat_scenes_in_one_folder(d):
    shutil.copytree(d / "later", d / "landsat", dirs_exist_ok=True)
    return {"ms1": d / "landsat"}


@bad("MS pixels from 2 to 10, it spans 1")
def landsat_as_coarse_as_the_hs(d):
    return {"ms1": d / "landsat", "ms2": d / "later"}


@bad("which climbs out of it")
def zip_that_climbs_out(d):
    return {"ms1": zipped(d / "a.zip", {"../../climbed.xml": b"<x/>"})}


@bad("which climbs out of it")
def zip_with_an_absolute_path(d):
    return {"ms1": zipped(d / "a.zip", {str(d.parent / "climbed.xml"): b"<x/>"})}


@bad("download it again|download")
def zip_cut_off(d):
    cut(zipped(d / "a.zip", {"MTD_MSIL2A.xml": bytes(5000)}))
    return {"ms1": d / "a.zip"}


@bad("which climbs out of it")
def tar_that_climbs_out(d):
    with tarfile.open(d / "a.tar.gz", "w:gz") as packed:
        member = tarfile.TarInfo("../climbed.xml")
        member.size = 4
        packed.addfile(member, io.BytesIO(b"<x/>"))
    return {"hs": d / "a.tar.gz"}


@bad("download it again")
def tar_that_is_none(d):
    (d / "a.tar.gz").write_bytes(bytes(4000))
    return {"hs": d / "a.tar.gz"}


@bad("orthorectify it by its RPC")
def radiance_of_ahsi(d):
    (d / "ahsi").mkdir()
    (d / "ahsi" / "ZY1E_RadCal_VN.raw").write_text("0.1,0")
    return {"hs": d / "ahsi"}


@bad("its coordinate reference system beside a product")
def plain_image_without_a_place(d):
    import rasterio

    cube = np.random.default_rng(1).random((10, TILE, TILE), np.float32)
    with rasterio.open(
        d / "ms.tif", "w", driver="GTiff", count=10, height=TILE, width=TILE, dtype="float32"
    ) as target:
        target.write(cube)
    return {"ms2": d / "ms.tif"}


@bad("may be swapped|more hyperspectral")
def swapped(d):
    return {"hs": one(d / "a", "*.SAFE"), "ms1": d / "enmap"}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("name", sorted(BAD))
def test_one_sentence_and_nothing_lost(name, good, tmp_path, monkeypatch) -> None:
    case, words = BAD[name]
    folder = tmp_path / "deep" / "data"
    shutil.copytree(good, folder)
    unpacked = tmp_path / "tmp"
    unpacked.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(unpacked))
    changed = case(folder) or {}
    found = {"hs": folder / "enmap"}
    for key, side in (("ms1", "a"), ("ms2", "b")):
        if key not in changed:
            found[key] = one(folder / side, "*.SAFE")
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    options = [f"--{k}={v}" for k, v in (found | changed).items()]
    result = CliRunner().invoke(main, ["fuse", *options, f"--out={tmp_path / 'out' / 'x2.tif'}"])
    assert result.exit_code == 2, result.output
    errors = [line for line in result.output.splitlines() if not line.startswith("Warning: ")]
    assert len(errors) == 1 and errors[0].startswith("Error: "), result.output
    assert re.search(words, errors[0]), errors[0]
    assert ": " in errors[0].removeprefix("Error: ") and str(unpacked) not in errors[0]
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == before


def test_there_are_at_least_thirty() -> None:
    assert len(BAD) >= 30
