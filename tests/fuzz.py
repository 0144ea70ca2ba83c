"""Damaged and odd files through the command line: no traceback, no file lost.

    python tests/fuzz.py fuse 600     # command and seconds; add a seed to repeat a run
    python tests/fuzz.py explore 600

Each round takes a sound scene of 12 x 12 HS pixels, changes one to three things in its files or in
the command (bytes, length, tags, band count, type, place, fill values, options), and runs the
command in this process. Right is exit code 0, or 2 with one sentence; inputs and the old output
must be as they were unless the command ended well.
"""

import hashlib
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import rasterio
from click.testing import CliRunner, Result

import stsf
from stsf.cli import main
from stsf.files.scenes import write_scene

INPUTS = ("hs_t1.tif", "ms_t1.tif", "ms_t2.tif")
WORDS = ("", "nan", "-1", "0", "1e400", "B2", "µm", "EnMAP", "Sentinel-2A", "2025-13-45",
         "\x00", "{", "1" * 400, "0.4,0.5", "-9999", "inf", "Band 1 (438.0 Nanometers)",
         "true")  # fmt: skip
OPTIONS = ("--hs-sensor", "--ms-sensor", "--hs-bands", "--ms-bands", "--scale", "--offset",
           "--nodata", "--method", "--calibrate", "--model", "--out-error")  # fmt: skip
VALUES = (*WORDS, "1-4", "1,2,3,4", "400-900nm", "B2,B3,B4,B8", "0.0001", "1,1,1", "projection",
          "none", "auto")  # fmt: skip
TYPES = ("uint8", "int16", "uint16", "int32", "float32", "float64", "complex64")


def flip_bytes(path: Path, random: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    head = len(content) if random.random() < 0.3 else min(2000, len(content))
    for at in random.integers(0, head, random.integers(1, 20)):
        content[at] = random.integers(256)
    path.write_bytes(content)


def cut(path: Path, random: np.random.Generator) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random.integers(0, len(content))])


def tag(path: Path, random: np.random.Generator) -> None:
    with rasterio.open(path, "r+") as target:
        band, word = int(random.integers(1, target.count + 1)), str(random.choice(WORDS))
        namespace = str(random.choice(["", "IMAGERY", "ENVI", "IMAGE_STRUCTURE"]))
        key = str(random.choice(["SENSOR", "DATE", "CENTRAL_WAVELENGTH_UM", "FWHM_UM", "wavelength",
                                 "fwhm", "bbl", "reflectance_scale_factor"]))  # fmt: skip
        where = [] if random.random() < 0.3 else [band]
        target.update_tags(*where, ns=namespace or None, **{key: word})
        if random.random() < 0.3:
            target.set_band_description(band, word)


def number(path: Path, random: np.random.Generator) -> None:
    value = float(random.choice([0, 1, -1, 1e-4, 1e30, np.nan, np.inf, -9999, 65535]))
    with rasterio.open(path, "r+") as target:
        field = random.choice(["scales", "offsets", "nodata"])
        setattr(target, field, value if field == "nodata" else (value,) * target.count)


def rewrite(path: Path, random: np.random.Generator) -> None:
    """Another type, band count, size, place or content."""
    with rasterio.open(path) as source:
        cube, profile = source.read() * source.scales[0], source.profile
        tags = [source.tags(b, ns="IMAGERY") for b in source.indexes]
    for what in random.choice(["type", "bands", "size", "place", "fill", "turn", "flat"], 2):
        if what == "type":
            profile["dtype"] = str(random.choice(TYPES))
            cube = cube * (1e4 if "int" in profile["dtype"] else 1)
        elif what == "bands":
            picked = random.integers(0, len(cube), random.integers(1, len(cube) + 3))
            cube, tags = cube[picked], [tags[b % len(tags)] for b in picked]
        elif what == "size":
            h, w = random.integers(1, cube.shape[1] + 4), random.integers(1, cube.shape[2] + 4)
            pad = ((0, 0), (0, 4), (0, 4))
            cube = np.pad(cube, pad, "edge")[:, :h, :w]
        elif what == "place":
            profile["transform"] = rasterio.Affine(*random.choice([0, 1, 10, -10, 30, 5e5, 1e9], 6))
            profile["crs"] = random.choice(["EPSG:32633", "EPSG:4326", "EPSG:3857"])
        elif what == "fill":
            value = random.choice([np.nan, np.inf, -9999, 0, 1e20, 65535])
            cube = np.where(random.random(cube.shape[1:]) < random.random(), value, cube)
        elif what == "turn":
            cube = cube.transpose(0, 2, 1)[:, ::-1]
        else:
            cube = 0 * cube + random.choice([0.0, 0.2, np.nan])
    profile |= dict(count=len(cube), height=cube.shape[1], width=cube.shape[2], nodata=None)
    for key in ("tiled", "blockxsize", "blockysize", "compress", "interleave"):
        profile.pop(key, None)
    path.unlink()
    with rasterio.open(path, "w", **profile) as target:
        with np.errstate(all="ignore"):
            target.write(cube.astype(profile["dtype"]))
        for band, known in enumerate(tags, 1):
            target.update_tags(band, ns="IMAGERY", **known)


DAMAGE = (flip_bytes, cut)
MUTATORS = (*DAMAGE, tag, tag, number, rewrite, rewrite)


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha1(path.read_bytes()).hexdigest() for path in files}


def once(command: str, sound: Path, here: Path, seed: int) -> tuple[Result, list[str], list[str]]:
    """One round: the result, the files lost or changed, and what was done."""
    random = np.random.default_rng(seed)
    folder = here / "scene"
    shutil.copytree(sound, folder)
    done = []
    chosen = [random.choice(MUTATORS) for _ in range(random.integers(1, 4))]
    for mutator in sorted(chosen, key=DAMAGE.__contains__):  # no library writes to a damaged file
        path = folder / random.choice(
            INPUTS if random.random() < 0.9 else [p.name for p in sound.iterdir()]
        )
        try:
            mutator(path, random)
            done.append(f"{mutator.__name__} {path.name}")
        except Exception:  # damaged too far to be damaged again
            continue
    out = here / ("out.tif" if command == "fuse" else "out.html")
    out.write_text("old")
    if command == "fuse":
        words = ["fuse", *(w for o, f in zip(("--hs", "--ms1", "--ms2"), INPUTS)
                           for w in (o, str(folder / f)))]  # fmt: skip
        words += ["--out", str(out), "--method", "projection", "--overwrite"]
        for _ in range(random.integers(0, 3)):
            words += [str(random.choice(OPTIONS)), str(random.choice(VALUES))]
    else:
        words = ["explore", str(folder), "--html", str(out), "--overwrite"]
    before = contents(here)
    result = CliRunner().invoke(main, words)
    after = contents(here)
    if result.exit_code == 0:
        before.pop(str(out)), after.pop(str(out))
    lost = [path for path, known in before.items() if after.get(path) != known]
    return result, lost, [*done, " ".join(words[8:])]


def fuzz(command: str, seconds: float, first: int = 0) -> int:
    """Run rounds until the time is over; returns how many went wrong."""
    codes: Counter[str] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as root:
        sound = Path(root) / "sound"
        write_scene(stsf.load_sample().crop(slice(0, 12), slice(0, 12)), sound)
        end, seed = time.monotonic() + seconds, first
        while time.monotonic() < end:
            here = Path(root) / str(seed)
            here.mkdir()
            result, lost, done = once(command, sound, here, seed)
            codes[str(result.exit_code)] += 1
            if result.exit_code not in (0, 2) or lost:
                wrong += 1
                print(f"seed {seed}: {done}\n  exit {result.exit_code}, lost {lost}", flush=True)
                if result.exc_info and result.exit_code not in (0, 2):
                    print("".join(traceback.format_exception(*result.exc_info)[-3:]), flush=True)
            shutil.rmtree(here)
            seed += 1
    print(f"{command}: {sum(codes.values())} inputs, exit codes {dict(codes)}, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    command, seconds, *seed = sys.argv[1:]
    sys.exit(bool(fuzz(command, float(seconds), int(seed[0]) if seed else 0)))
