"""Self-checks of lesson 10."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stsf.errors import InputError
from stsf.files.imagefile import read_image
from stsf.lab.lessons.exercises import exercise
from stsf.lab.lessons.lesson10.delivery import (
    MASKED,
    NAMES,
    SEEN,
    UNSORTED,
    cloud,
    gains,
    ms_table,
    read_counts,
    run,
    write_counts,
)
from stsf.lab.lessons.lesson10.widgets import SHIFT_HS, left_out
from stsf.metrics.figures import psnr
from stsf.scene import Scene

PRODUCT = "product.tif"
LINE = (
    f"stsf fuse --hs {NAMES['hs']} --ms1 {NAMES['ms1']} --ms2 {{ms2}} --out {PRODUCT} --overwrite "
    f"--scale 0.0001 --hs-sensor {NAMES['bands']} --ms-sensor {{ms}}"
)


@exercise("a")
def displacement(answer: tuple[float, float], scene: Scene) -> str:
    """Lesson 10: how far Y1 lies off M1, (down, right) in metres, as it was made."""
    try:
        down, right = (float(value) for value in answer)
    except (TypeError, ValueError):
        return f"Not yet: a pair (down, right) in metres is wanted, not {answer!r}."
    true = tuple(scene.ms.gsd * shift for shift in SHIFT_HS)

    def near(a: tuple[float, float]) -> bool:
        return all(abs(x - y) <= 0.2 * scene.ms.gsd for x, y in zip(a, true))

    if near((down, right)):
        return f"Right: Y1 was made {true[0]:.0f} m too far down and {-true[1]:.0f} m to the left."
    if near((scene.ms.gsd * down, scene.ms.gsd * right)):
        return "Not yet: that is in MS pixels; multiply by their size in metres."
    if near((down / scene.ratio, right / scene.ratio)):
        return "Not yet: the shift is counted in *MS* pixels, those of the HS are larger."
    if near((right, down)):
        return "Not yet: swapped; down comes first."
    if near((-down, -right)):
        return "Not yet: the other way round; a positive shift is down and right."
    return "Not yet: take the shift of the detector that was *told*, and mind its unit."


@exercise("b")
def worst_and_best_band(worst: str, best: str, scene: Scene) -> str:
    """Lesson 10: the MS bands that the others predict worst and best, beside their own spread."""
    pairs = {band: left_out(scene, band) for band in scene.ms.band_names}
    raw = {b: float(np.sqrt(np.mean((guess - seen) ** 2))) for b, (guess, seen) in pairs.items()}
    share = {band: raw[band] / float(seen.std()) for band, (_, seen) in pairs.items()}
    wanted = max(share, key=share.__getitem__), min(share, key=share.__getitem__)
    for answer, name in ((worst, "hardest"), (best, "easiest")):
        if not isinstance(answer, str) or answer not in raw:
            return f"Not yet: {name}: the name of a band is wanted, one of {', '.join(raw)}."
    if (worst, best) == wanted:
        return (
            f"Right: {worst}, an error of {share[worst]:.0%} of the band's spread, and {best}, "
            f"{share[best]:.0%}."
        )
    if (best, worst) == wanted:
        return "Not yet: the other way round."
    if worst != wanted[0]:
        return f"Not yet: another band has a larger share than {worst}, {share[worst]:.0%}."
    if raw[best] < raw[wanted[1]]:
        return (
            f"Not yet: the error of {best} is smaller, but so is its spread: {share[best]:.0%}; "
            "divide by `measured.std()`."
        )
    return f"Not yet: another band has a smaller share than {best}, {share[best]:.0%}."


@exercise("c")
def first_product(line: str, folder: Path, scene: Scene) -> str:
    """Lesson 10: a command that leads from three bare files to a product."""
    made = folder / PRODUCT
    made.unlink(missing_ok=True)
    try:
        said, code = run(line, folder)
    except (InputError, AttributeError) as error:
        return f"Not yet: {error}."
    if code:
        return f"Not yet. The kit says: {said.removeprefix('Error: ')}"
    if not made.exists():
        return f"Not yet: it ran, but there is no {PRODUCT}; keep --out {PRODUCT}."
    image = read_image(made)
    bands, height, width = image.cube.shape
    if bands != len(scene.hs):
        return f"Not yet: a product of {bands} bands; the HS has {len(scene.hs)}."
    good = psnr(image.cube, scene.truth(2))
    if good < 30:
        return f"Not yet: a product, but only {good:.0f} dB from the truth; read its report again."
    return (
        f"Right: {bands} bands of {height} x {width} pixels with their wavelengths, "
        f"{good:.0f} dB from the truth."
    )


@exercise("d")
def order_of_bands(order: Sequence[str], folder: Path, scene: Scene) -> str:
    """Lesson 10: the names of the MS bands in the order of the files."""
    names = scene.ms.band_names
    if isinstance(order, str) or sorted(map(str, order)) != sorted(names):
        return f"Not yet: the names {', '.join(names)} are wanted, each once, not {order!r}."
    table = ms_table(scene, order, folder / "ms_bands.csv")
    said, code = run(LINE.format(ms2=NAMES["ms2"], ms=table.name), folder)
    if code:
        return f"Not yet. The kit says: {said.removeprefix('Error: ')}"
    gain_of = gains(said.splitlines())
    odd = [f"{band} {gain:.1f}" for band, gain in gain_of.items() if abs(gain - 1) > 0.2]
    if odd:
        return (
            f"Not yet: the kit fused it, but found gains of {' and '.join(odd)}: no calibration, "
            "these bands have changed places."
        )
    assert tuple(order) == UNSORTED
    worst = max(abs(gain - 1) for gain in gain_of.values())
    return f"Right: {', '.join(order)}; with that table every gain is 1 to within {worst:.1%}."


@exercise("e")
def cloud_mask(mask: np.ndarray, folder: Path, scene: Scene) -> str:
    """Lesson 10: the pixels of M2 under the cloud, (H, W) bool."""
    mask, true = np.asarray(mask), cloud(scene.size) > SEEN
    if mask.shape != true.shape or mask.dtype != bool:
        return (
            f"Not yet: a mask of {true.shape} pixels, True or False, is wanted, not "
            f"{mask.dtype} of {mask.shape}."
        )
    held, lost = mask[true].mean(), mask[~true].mean()
    if held < 0.05 and lost > 0.5:
        return "Not yet: the other way round; True is where the cloud is."
    if held < 0.95:
        what = "most of it is missing" if held < 0.5 else "its thin edge is missing"
        return f"Not yet: the mask holds {held:.0%} of the cloud; {what}."
    if lost > 0.12:
        return f"Not yet: it takes {lost:.0%} of the clear ground as well, such as the new roofs."
    counts = np.where(mask, MASKED, 10_000 * read_counts(folder / NAMES["ms2"]))
    write_counts(folder / "ms2_masked.tif", counts)
    line = LINE.format(ms2="ms2_masked.tif", ms="Sentinel-2A") + f" --nodata {MASKED}"
    said, code = run(line, folder)
    assert code == 0, said
    empty = np.isnan(read_image(folder / PRODUCT).cube[0]).mean()
    return (
        f"Right: {held:.0%} of the cloud, {lost:.0%} of the clear ground; with it masked, "
        f"{empty:.0%} of the product is empty instead of wrong."
    )


@exercise("f")
def edge(corner: tuple[float, float], scene: Scene) -> str:
    """Lesson 10: east and north of the outer corner of Y1, from the centre of its corner pixel."""
    assert scene.transform is not None
    west, north = scene.transform.c, scene.transform.f
    half = scene.ms.gsd * scene.ratio / 2
    try:
        x, y = (float(value) for value in corner)
    except (TypeError, ValueError):
        return f"Not yet: a pair (east, north) in metres is wanted, not {corner!r}."
    off = (round(x - west, 2), round(y - north, 2))
    if off == (0, 0):
        return f"Right: {west:.0f} m east, {north:.0f} m north, half an HS pixel up and left."
    known = {
        (half, -half): "that is the centre again",
        (2 * half, -2 * half): "the other way: the corner lies up and to the left of the centre",
        (half - scene.ms.gsd / 2, -half + scene.ms.gsd / 2): "that is half a pixel of the MS",
        (-half, half): "that is a whole pixel; half of one is enough",
        (half - 0.5, 0.5 - half): "that is half a metre; half a *pixel* is meant",
        (round(north - west, 2), round(west - north, 2)): "swapped; east comes first",
        (0, -2 * half): "north grows upward: add there what is taken off in the east",
    }
    return f"Not yet: {known.get(off, 'half an HS pixel to the west, and half a one north')}."
