"""`stsf explore`: the viewer for people without notebooks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

EXAMPLE = "\b\nExample:\n  stsf explore scene/ --fused-t2 hs_t2.tif --html look.html"
FILE = click.Path(path_type=Path)


@click.command(epilog=EXAMPLE)
@click.argument("folder", type=FILE)
@click.option("--fused-t1", type=FILE, help="Fused HS at t1, on the grid of the MS.")
@click.option("--fused-t2", type=FILE, help="Fused HS at t2, on the grid of the MS.")
@click.option("--fuse", is_flag=True, help="Fuse the scene first, with the default method.")
@click.option("--html", type=FILE, help="Write one self-contained page and stop.")
@click.option("--browser/--no-browser", default=True, help="Open the browser, or only say where.")
def explore(
    folder: Path,
    fused_t1: Path | None,
    fused_t2: Path | None,
    fuse: bool,
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
    fused = stsf.fuse(scene) if fuse else _read(fused_t1, fused_t2)
    viewer = stsf.explore(scene, fused)
    if html is not None:
        click.echo(f"wrote {viewer.save_html(html)}: {html.stat().st_size / 1e6:.1f} MB")
        return
    serve_page(
        viewer.page(), lambda address: click.echo(f"{address}\nCtrl-C stops"), browser=browser
    )


def _read(t1: Path | None, t2: Path | None) -> Any:
    """A fused result from files, either of which may be missing; None without any."""
    from stsf.raster import read_image

    if t1 is None and t2 is None:
        return None
    x1, x2 = (None if path is None else read_image(path).cube for path in (t1, t2))
    return SimpleNamespace(hrhs_t1=x1, hrhs_t2=x2)
