"""`stsf explore`: the viewer for people without notebooks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import click

from stsf.cli.shared import check_target, overwriting

EXAMPLE = "\b\nExample:\n  stsf explore scene/ --fused-t2 hs_t2.tif --html look.html"
FILE = click.Path(path_type=Path)


@click.command(epilog=EXAMPLE)
@click.argument("folder", type=FILE)
@click.option("--fused-t1", type=FILE, help="Fused HS at t1, on the grid of the MS.")
@click.option("--fused-t2", type=FILE, help="Fused HS at t2, on the grid of the MS.")
@click.option(
    "--fuse",
    is_flag=True,
    help="Fuse the scene first, with the default method; this needs it in memory.",
)
@click.option(
    "--part",
    type=(click.IntRange(0), click.IntRange(0), click.IntRange(1)),
    help="Only a square: first row, first column and side, MS pixels.",
)
@click.option("--html", type=FILE, help="Write one self-contained page and stop.")
@overwriting
@click.option("--browser/--no-browser", default=True, help="Open the browser, or only say where.")
def explore(
    folder: Path,
    fused_t1: Path | None,
    fused_t2: Path | None,
    fuse: bool,
    part: tuple[int, int, int] | None,
    html: Path | None,
    overwrite: bool,
    browser: bool,
) -> None:
    """Look at the scene in FOLDER: images, spectra and change of both dates.

    FOLDER holds hs_t1.tif, ms_t1.tif and ms_t2.tif, and what is known of the truth, as
    `stsf simulate` writes them. The page is served on this machine only, until Ctrl-C.
    """
    if html is not None:
        check_target(html, overwrite=overwrite)
    import stsf
    from stsf.errors import InputError
    from stsf.files.scenes import open_scene
    from stsf.lab.viewer.layers import coarse_pixels
    from stsf.lab.viewer.serve import serve_page

    if fuse and (fused_t1 or fused_t2):
        raise InputError("expected either --fuse or files with a fused result, got both: drop one")
    if fuse:
        scene = open_scene(folder)
        if part is not None:
            scene = scene.crop(*coarse_pixels(scene.size, scene.ratio, part))
        viewer = stsf.explore(scene, stsf.fuse(scene))
    else:
        files = SimpleNamespace(hrhs_t1=fused_t1, hrhs_t2=fused_t2)
        viewer = stsf.explore(folder, files, part=part)
    if html is not None:
        click.echo(f"wrote {viewer.save_html(html)}: {html.stat().st_size / 1e6:.1f} MB")
        return
    serve_page(
        viewer.page(ask="http"),
        viewer.answer,
        lambda address: click.echo(f"{address}\nCtrl-C stops"),
        browser=browser,
    )
