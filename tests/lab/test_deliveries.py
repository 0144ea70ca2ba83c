"""Lesson 10, files of one's own: the messages of the kit alone lead to a product."""

import re
import shlex
from dataclasses import replace

import numpy as np
import pytest
import rasterio

import stsf
from stsf.errors import InputError
from stsf.files.header import unplaced
from stsf.files.imagefile import read_image
from stsf.files.products.opening import open_image
from stsf.lab.lessons import lesson10 as lab
from stsf.lab.lessons.exercises import OPEN
from stsf.lab.lessons.lesson10 import checks, delivery, product
from stsf.lab.lessons.lesson10.questions import QUESTIONS
from stsf.metrics.figures import psnr, rmse
from stsf.sensing.bands import SWIR, VNIR

FIRST = "stsf fuse --hs hs.tif --ms1 ms1.tif --ms2 ms2.tif --out product.tif"
UNITS = " --scale 0.0001,0.0001,0.0001"
NAMED = UNITS + " --hs-sensor hs_bands.csv --ms-sensor Sentinel-2A"


@pytest.fixture(scope="module")
def window(scene):
    return scene.crop(*lab.PLACE)


@pytest.fixture(scope="module")
def bare(window, tmp_path_factory):
    return lab.deliver(window, tmp_path_factory.mktemp("parcels") / "bare")


@pytest.fixture(scope="module")
def right(window):
    return stsf.fuse(window)


def test_the_files_hold_counts_and_nothing_else(bare, window):
    for name, cube in (("hs.tif", window.lrhs_t1), ("ms2.tif", window.hrms_t2)):
        with unplaced(), rasterio.open(bare / name) as source:
            assert source.dtypes[0] == "uint16" and source.crs is None
            assert source.transform.is_identity and source.tags().keys() <= {"AREA_OR_POINT"}
            assert source.descriptions == (None,) * len(cube)
            assert source.read() == pytest.approx(np.clip(1e4 * cube, 0, None), abs=0.51)


def told(folder, line: str) -> str:
    """The last part of a refusal: what to do."""
    said = lab.command(line, folder)
    assert said.startswith("Error: ") and "\n" not in said
    return said.rpartition(": ")[2]


def test_who_obeys_each_sentence_arrives(bare, window):
    """Only what a sentence asks for is added, in its words; the data sheet gives the names."""
    (scale,) = re.findall(r"--scale \S+", told(bare, FIRST))
    line = f"{FIRST} {scale}"
    assert set(re.findall(r"--\S+-sensor", told(bare, line))) == {"--hs-sensor", "--ms-sensor"}
    by_name = f"{line} --hs-sensor AHSI --ms-sensor Sentinel-2A"
    assert "CSV with columns name, centre, fwhm" in told(bare, by_name)
    assert (bare / "hs_bands.csv").read_text().startswith("name,centre,fwhm\n")
    by_table = by_name.replace("AHSI", "hs_bands.csv")
    assert "Right: 114 bands of 120 x 120" in checks.first_product(by_table, bare, window)
    assert read_image(bare / "product.tif").cube.shape == (114, 120, 120)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (FIRST, "The kit says: hs.tif must be reflectance"),
        ("fuse --hs hs.tif", "begins with stsf"),
        ("", "begins with stsf"),
        (f"stsf fuse{NAMED}", "The kit says: "),
        ((FIRST + NAMED).replace("product", "other"), "there is no product.tif"),
        (FIRST + NAMED + " --hs-bands 450-900nm", "the HS has 114"),
        (3, "Not yet: "),
    ],
)
def test_other_lines_are_met_by_a_sentence(bare, window, line, words):
    said = checks.first_product(line, bare, window)
    assert said.startswith("Not yet") and words in said
    (bare / "other.tif").unlink(missing_ok=True)


def test_a_line_that_waits_is_no_mistake(bare, window):
    assert lab.command(..., bare) == OPEN == checks.first_product(..., folder=bare, scene=window)
    with pytest.raises(InputError, match="begins with stsf"):
        lab.command("ls", bare)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("B8 B4 B3 B2", "Right: B8, B4, B3, B2; with that table every gain is 1 to within 0."),
        ("B2 B3 B4 B8", "The kit says: expected the MS bands in the order B2, B3, B4, B8, the HS"),
        ("B8 B2 B3 B4", "gains of B2 1.7 and B4 0.5: no calibration"),
        ("B8 B4 B3 B3", "each once"),
    ],
)
def test_the_order_of_the_bands(tmp_path, window, order, words):
    folder = lab.deliver(window, tmp_path, "unsorted")
    assert words in checks.order_of_bands(tuple(order.split()), folder, window)


def test_names_in_one_text_are_no_order(tmp_path, window):
    assert "each once" in checks.order_of_bands("B8,B4,B3,B2", tmp_path, window)


@pytest.fixture(scope="module")
def cloudy(window, tmp_path_factory):
    return lab.deliver(window, tmp_path_factory.mktemp("cloudy"), "cloudy")


def test_the_cloud_is_in_m2_alone_and_white(window, cloudy):
    share = delivery.cloud(window.size)
    m1, m2 = (lab.read_counts(cloudy / f"ms{date}.tif") for date in (1, 2))
    assert 0.08 < (share > delivery.SEEN).mean() < 0.15
    assert m1 == pytest.approx(np.clip(window.hrms_t1, 0, None), abs=1e-4)
    assert m2[:, share == 0] == pytest.approx(
        np.clip(window.hrms_t2[:, share == 0], 0, None), abs=1e-4
    )
    assert m2[:, share == 1].mean(axis=1) == pytest.approx(delivery.WHITE, abs=1e-3)


def test_masks_of_the_cloud(window, cloudy):
    true = delivery.cloud(window.size) > delivery.SEEN
    m2 = lab.read_counts(cloudy / "ms2.tif")
    said = checks.cloud_mask(true, cloudy, window)
    assert "Right: 100% of the cloud, 0% of the clear ground" in said and "11% of" in said
    empty = np.isnan(read_image(cloudy / "product.tif").cube).any(axis=0)
    assert (empty == true).all()
    for mask, words in (
        (~true, "the other way round"),
        (np.zeros_like(true), "most of it is missing"),
        (m2[0] > 0.2, "its thin edge is missing"),
        (np.ones_like(true), "such as the new roofs"),
        (true.astype(int), "True or False"),
        (true[1:], "a mask of (120, 120)"),
    ):
        assert words in checks.cloud_mask(mask, cloudy, window)


def test_no_residual_tells_of_the_cloud(window, right):
    """10, section 8: the report is the same, the ground below the cloud is not."""
    given = replace(window, hrms_t2=lab.clouded(window))
    found, under = stsf.fuse(given), delivery.cloud(window.size) > 0.5
    for name, value in right.report["consistency"].items():
        assert found.report["consistency"][name] == pytest.approx(value, abs=0.05)
    errors = [rmse(f.hrhs_t2, window.hrhs_t2, mask=under) for f in (right, found)]
    assert errors[1] > 10 * errors[0]


def test_red_for_blue_is_fused_and_told_by_the_gains(window, right):
    """10, section 8: found from the images the result is as good, by the table it is lost."""
    swapped = replace(
        window, hrms_t1=window.hrms_t1[[2, 1, 0, 3]], hrms_t2=window.hrms_t2[[2, 1, 0, 3]]
    )
    found, trusted = stsf.fuse(swapped), stsf.fuse(swapped, calibrate="none")
    best, saved, lost = (psnr(f.hrhs_t2, window.hrhs_t2) for f in (right, found, trusted))
    assert saved == pytest.approx(best, abs=0.3) and lost < best - 10
    gains = lab.gains(found.report["found"])
    assert gains["B2"] > 1.5 and gains["B4"] < 0.67
    assert all(abs(g - 1) < 0.01 for g in lab.gains(right.report["found"]).values())


def test_the_offset_costs_most_at_one_date(window, right, scene):
    """10, section 9: more than 15 dB, unseen in the residual; nothing at both dates."""
    one, both = (stsf.fuse(lab.offset_ignored(window, both=b)) for b in (False, True))
    best, lost, same = (psnr(f.hrhs_t2, window.hrhs_t2) for f in (right, one, both))
    assert lost < best - 15 and same == pytest.approx(best, abs=0.1)
    residual = "M2 - R X2"
    assert one.report["consistency"][residual] < 1.2 * right.report["consistency"][residual]
    with pytest.raises(InputError, match=r"--offset 0,0,-0\.1"):
        stsf.fuse(lab.offset_ignored(scene))


def test_half_an_hs_pixel_costs_x1_most_and_is_found(window, right):
    """10, section 9."""
    off = lab.half_pixel_off(window)
    truths = window.hrhs_t1, window.hrhs_t2
    best, lost, found = (
        [psnr(cube, truth) for cube, truth in zip((f.hrhs_t1, f.hrhs_t2), truths)]
        for f in (right, stsf.fuse(off, calibrate="none"), stsf.fuse(off))
    )
    assert best[0] - lost[0] > 2 * (best[1] - lost[1]) > 2
    assert found == pytest.approx(best, abs=0.3)


def test_the_product_is_read_as_delivered(window, tmp_path):
    folder = lab.enmap_product(window, tmp_path / "enmap")
    with open_image(folder) as opened:
        image = opened.image()
    bands = product.enmap_bands()
    assert image.cube.shape == (224, 40, 40) and image.date == window.dates[0]
    assert image.wavelength == pytest.approx(bands.centre, abs=1e-3)
    assert (image.facts.detector == bands.detector).all()
    assert image.transform.c == window.transform.c and image.crs == window.crs
    below = image.wavelength < 900
    by_hand = np.interp(image.wavelength[below], window.hs.centre, window.lrhs_t1[:, 7, 9])
    assert image.cube[below, 7, 9] == pytest.approx(by_hand, abs=1e-4)
    said = lab.command(
        "stsf fuse --hs enmap --ms1 ms_t1.tif --ms2 ms_t2.tif --out x2.tif", tmp_path
    )
    assert "Error" not in said and read_image(tmp_path / "x2.tif").cube.shape[1:] == (120, 120)


def test_the_overlap_has_teeth_that_no_detector_sees(window, tmp_path):
    with open_image(lab.enmap_product(window, tmp_path / "enmap")) as opened:
        image = opened.image()
    steps = lab.zigzag(image)
    own = steps["VNIR detector alone"], steps["SWIR detector alone"]
    assert steps["sorted by wavelength"] > 5 * max(own)
    both = (image.wavelength > 905) & (image.wavelength < 985)
    counts = [(both & (image.facts.detector == code)).sum() for code in (VNIR, SWIR)]
    assert min(counts) >= 10
    ax = lab.overlap_view(image, (20, 20)).axes[0]
    assert ax.get_xlabel() and ax.get_ylabel() and len(ax.get_legend().get_texts()) == 3


@pytest.mark.parametrize(
    ("move", "words"),
    [
        ((-15, 15), "Right: "),
        ((0, 0), "the centre again"),
        ((15, -15), "the other way"),
        ((-5, 5), "half a pixel of the MS"),
        ((-30, 30), "a whole pixel"),
        ((-15, -15), "north grows upward"),
        ((100, 3), "half an HS pixel"),
    ],
)
def test_the_corner(window, move, words):
    noted = lab.noted_corner(window)
    assert noted == (window.transform.c + 15, window.transform.f - 15)
    assert words in checks.edge((noted[0] + move[0], noted[1] + move[1]), window)


@pytest.mark.parametrize("answer", [3, "far", (1, 2, 3), None])
def test_a_corner_is_a_pair(window, answer):
    assert "a pair" in checks.edge(answer, window)


def test_questions_have_an_answer_among_their_options():
    for question in QUESTIONS.values():
        assert question.right in question.options and len(set(question.options)) >= 2


def test_a_folder_with_blanks_in_its_name(window, tmp_path):
    folder = lab.deliver(window, tmp_path / "my data")
    said = lab.command(
        f"stsf fuse --hs {shlex.quote(str(folder / 'hs.tif'))} --ms1 a --ms2 b --out c", folder
    )
    assert said.startswith("Error: ") and str(folder) not in said
