"""The lessons as a book: static pages that any web server can serve, and any browser open offline.

    python -m stsf.lab.publish.book FOLDER

Pictures, printed results and folded answers are in the pages; nothing is asked of the network. What
needs a kernel is left out and said so. Formulas become MathML in the reader's browser, by the KaTeX
that comes with Panel.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

import panel
from nbconvert import HTMLExporter
from nbformat import NotebookNode, from_dict, v4

from stsf.files.atomic import replacing
from stsf.lab.publish.handout import Lessons, read_lessons, tags
from stsf.lab.publish.store import keeps

MATH = "katex.js"  # beside the pages
FORMULAS = (
    f"<script src='{MATH}'></script>"
    "<script>renderMathInElement(document.body, {output: 'mathml',"
    "delimiters: [{left: '$$', right: '$$', display: true},"
    "{left: '$', right: '$', display: false},"
    "{left: '\\\\(', right: '\\\\)', display: false}]})</script>"
)
NO_WORDS = 'alt="No description has been provided for this image"'  # of nbconvert
LIVE = "*(A widget stands here in JupyterLab; below is what it shows at the start.)*"
HEAD = "<!doctype html><html lang='en'><meta charset='utf-8'><title>stsf</title>"
STYLE = (
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em}"
    "</style>"
)


def write_book(out: Path, lessons: Lessons | None = None) -> list[Path]:
    """Write one page a lesson, and an index.

    Args:
        out: folder, made where missing.
        lessons: by default those of the kit, as stored.

    Returns:
        The pages, the index first.
    """
    lessons = read_lessons() if lessons is None else lessons
    exporter = HTMLExporter(embed_images=True, mathjax_url="", require_js_url="")
    pages = {
        name: _offline(_page(exporter, _readable(lesson)), lessons, name)
        for name, lesson in lessons.items()
    }
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / MATH) as temporary:
        temporary.write_text(_katex(), "utf-8")
    written = [out / "index.html", *(out / f"{name}.html" for name in pages)]
    for path, text in zip(written, [_index(lessons), *pages.values()], strict=True):
        with replacing(path) as temporary:
            temporary.write_text(text, "utf-8")
    return written


def _katex() -> str:
    """KaTeX and its search for formulas in a page, as one script."""
    folder = Path(panel.__file__).parent / "dist" / "bundled" / "katex"
    files = [next(folder.rglob(name)) for name in ("katex.min.js", "auto-render.min.js")]
    return "\n".join(file.read_text("utf-8") for file in files)


def title_of(lesson: NotebookNode) -> str:
    """The first heading of a lesson."""
    return lesson.cells[0].source.partition("\n")[0].removeprefix("# ")


def _readable(lesson: NotebookNode) -> NotebookNode:
    """A copy in which a widget is announced."""
    copy, cells = from_dict(lesson), []
    for cell in copy.cells:
        cells.append(cell)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if keeps(output)]
        if cell.cell_type == "code" and "widget" in tags(cell) and not cell.outputs:
            cells.append(v4.new_markdown_cell(LIVE))
    copy.cells = cells
    return copy


def _page(exporter: HTMLExporter, lesson: NotebookNode) -> str:
    """A lesson as HTML; every picture says in words what it shows, as stored with it."""
    outputs = (output for cell in lesson.cells for output in cell.get("outputs", []))
    pictures = (o.metadata for o in outputs if "image/png" in o.get("data", {}))
    said = (about.get("image/png", {}).get("alt", "picture") for about in pictures)
    page = exporter.from_notebook_node(lesson)[0]
    return re.sub(NO_WORDS, lambda _: f'alt="{html.escape(next(said))}"', page)


def _offline(page: str, lessons: Lessons, name: str) -> str:
    """A page without scripts from elsewhere, its formulas as text, with links to its neighbours."""
    page = re.sub(r"<script[^>]*src=[^>]*>\s*</script>", "", page)
    names = list(lessons)
    at = names.index(name)
    links = ["<a href='index.html'>All lessons</a>"]
    if at:
        links.insert(0, f"<a href='{names[at - 1]}.html'>← {names[at - 1]}</a>")
    if at + 1 < len(names):
        links.append(f"<a href='{names[at + 1]}.html'>{names[at + 1]} →</a>")
    bar = f"<nav style='padding:1em'>{' · '.join(links)}</nav>"
    return page.replace("</body>", f"{bar}{FORMULAS}</body>").replace("<main>", f"{bar}<main>", 1)


def _index(lessons: Lessons) -> str:
    items = "".join(
        f"<li><a href='{name}.html'>{html.escape(title_of(lesson))}</a></li>"
        for name, lesson in lessons.items()
    )
    return f"{HEAD}{STYLE}<h1>stsf: the lessons</h1><ol style='list-style:none'>{items}</ol>"


if __name__ == "__main__":
    for written in write_book(Path(sys.argv[1] if len(sys.argv) > 1 else "book")):
        print(written)
