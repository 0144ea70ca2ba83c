"""Run the notebooks and store them clean: pictures, their words and results stay, JavaScript goes.

    python -m stsf.lab.publish.store                     all notebooks
    python -m stsf.lab.publish.store notebooks/00*.ipynb  some

Run it after every change, so that what GitHub shows is what the code does.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode, v4
from PIL import Image

from stsf.files.atomic import replacing
from stsf.lab.publish.handout import FOLDER

WIDGET = "application/vnd.jupyter.widget-view+json"
WORDS = "from stsf.lab.publish.alt import register; register()"  # of every picture
LIVE = ("javascript", "bokehjs", "holoviews", "panel", "widget-view")  # in the mime types to drop


def store(path: Path, timeout: int = 600) -> float:
    """Execute one notebook from its own folder and write it back.

    Args:
        path: the notebook.
        timeout: seconds for one cell.

    Returns:
        Seconds it took.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails; the file stays as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    with client.setup_kernel():
        notebook.cells.append(v4.new_code_cell(WORDS))
        client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1, store_history=False)
        notebook.cells.pop()
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
    with replacing(path) as temporary:
        nbformat.write(clean(notebook), temporary)
    return time.perf_counter() - start


def clean(notebook: NotebookNode) -> NotebookNode:
    """The notebook without live views, progress bars, cell timings and widget state."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):  # a widget that has a form without one
                    output.data.pop(WIDGET, None)
            cell.outputs = [output for output in cell.outputs if keeps(output)]
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = smaller(output.data["image/png"])
    return notebook


def smaller(png: str) -> str:
    """A base64 PNG with 256 colours, a third of the bytes and alike to the eye."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def keeps(output: NotebookNode) -> bool:
    """Printed text, errors and pictures; no output that needs JavaScript, no progress bar."""
    if output.output_type == "stream":
        return output.name != "stderr"
    kinds = output.get("data", {})
    page = "".join(kinds.get("text/html", ""))
    scripted = "<script" in page or "logo-block" in page  # of HoloViews, loading its script
    return not scripted and not any(word in kind for kind in kinds for word in LIVE)


def main(arguments: Sequence[str]) -> None:
    """Store the notebooks named, or all of them."""
    os.environ.pop("MPLBACKEND", None)
    for path in [Path(a).resolve() for a in arguments] or sorted(FOLDER.glob("*.ipynb")):
        print(f"{path.name}: {store(path):.0f} s, {path.stat().st_size / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
