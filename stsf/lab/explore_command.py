"""`stsf explore`: the viewer for people without notebooks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np

    from stsf.scene import Scene

EXAMPLE = "\b\nExample:\n  stsf explore scene/ --fused-t2 hs_t2.tif --html look.html"
FILE = click.Path(path_type=Path)


@click.command(epilog=EXAMPLE)
@click.argument("folder", type=FILE)
@click.option("--fused-t1", type=FILE, help="Fused HS at t1, on the grid of the MS.")
@click.option("--fused-t2", type=FILE, help="Fused HS at t2, on the grid of the MS.")
@click.option("--fuse", is_flag=True, help="Fuse the scene first, with the default method.")
@click.option(
    "--part",
    type=(click.IntRange(0), click.IntRange(0), click.IntRange(1)),
    help="Only a square: first row, first column and side, MS pixels.",
)
@click.option("--html", type=FILE, help="Write one self-contained page and stop.")
@click.option("--browser/--no-browser", default=True, help="Open the browser, or only say where.")
def explore(
    folder: Path,
    fused_t1: Path | None,
    fused_t2: Path | None,
    fuse: bool,
    part: tuple[int, int, int] | None,
    html: Path | None,
    browser: bool,
) -> None:
    """Look at the scene in FOLDER: images, spectra and change of both dates.

    FOLDER holds hs_t1.tif, ms_t1.tif and ms_t2.tif, and what is known of the truth, as
    `stsf simulate` writes them. The page is served on this machine only, until Ctrl-C.
    """
    import stsf
    from stsf.errors import InputError
    from stsf.lab.serve import serve_page
    from stsf.scene import Scene

    if fuse and (fused_t1 or fused_t2):
        raise InputError("expected either --fuse or files with a fused result, got both: drop one")
    scene = Scene.open(folder)
    x1, x2 = _read(fused_t1, scene), _read(fused_t2, scene)
    if part is not None:
        scene, x1, x2 = _cut(scene, x1, x2, part)
    given = SimpleNamespace(hrhs_t1=x1, hrhs_t2=x2) if fused_t1 or fused_t2 else None
    fused = stsf.fuse(scene) if fuse else given
    viewer = stsf.explore(scene, fused)
    if html is not None:
        click.echo(f"wrote {viewer.save_html(html)}: {html.stat().st_size / 1e6:.1f} MB")
        return
    serve_page(
        viewer.page(), lambda address: click.echo(f"{address}\nCtrl-C stops"), browser=browser
    )


def _read(path: Path | None, scene: Scene) -> np.ndarray | None:
    """A fused cube on the grid of the scene, if there is a file."""
    from stsf.errors import InputError
    from stsf.raster import read_image

    if path is None:
        return None
    cube, want = read_image(path).cube, (len(scene.hs), *scene.size)
    if cube.shape != want:
        raise InputError(
            f"expected {want} bands, rows and columns in {path}, got {cube.shape}: "
            "give the result that was fused from this scene"
        )
    return cube


def _cut(
    scene: Scene, x1: np.ndarray | None, x2: np.ndarray | None, part: tuple[int, int, int]
) -> tuple[Scene, np.ndarray | None, np.ndarray | None]:
    """The scene and the fused cubes within a square, widened to whole HS pixels."""
    from stsf.errors import InputError

    r, (top, left, side) = scene.ratio, part
    if top >= scene.size[0] or left >= scene.size[1]:
        raise InputError(f"expected a part that begins within {scene.size}, got {part}: move it")
    ends = [min(n, start + side) for n, start in zip(scene.size, (top, left))]
    rows, columns = (slice(a // r, -(-b // r)) for a, b in zip((top, left), ends))
    fine = (slice(None), *(slice(s.start * r, s.stop * r) for s in (rows, columns)))
    cubes = [None if cube is None else cube[fine] for cube in (x1, x2)]
    return scene.crop(rows, columns), cubes[0], cubes[1]
