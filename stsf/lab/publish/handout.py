"""Handouts: the lessons without outputs, with or without solutions, whole or cut to a plan.

How a lesson is tagged (`metadata.tags` of a cell):

- The first code cell is the **setup** cell, tagged `setup`: all that every section needs.
- A **section** begins with a markdown cell whose first line is a `## ` heading, and ends before the
  next one. The heading cell carries `minutes-N`, how long a student takes, and `plan-90` where the
  section belongs to the lab of 90 minutes (`plan-N` in general). The minutes of a lesson add up to
  the time that its title states. A section in a plan needs nothing but the setup cell and the
  sections of the same plan and lesson before it.
- An **exercise** is a code cell tagged `exercise`: comments, `### BEGIN SOLUTION`, the solution,
  `### END SOLUTION`, a self-check. Nothing outside the solutions needs what a solution defines. The
  student gets its skeleton, and passes an unsolved one by: the last code cell says what is open.
- `twin` marks a code cell that draws, for readers without a kernel, what the widget above it shows;
  the student, who has the widget, gets none of them.
- `optional` marks a code cell that uses data which is not shipped; plans leave it out.
"""

from __future__ import annotations

import ast
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from stsf.errors import InputError
from stsf.files.places import shipped_path

FOLDER = shipped_path("notebooks")
STUB = "# Your turn: put your code in place of every `...`."
SOLUTION = re.compile(r"^### BEGIN SOLUTION\n(.*?)^### END SOLUTION$", re.DOTALL | re.MULTILINE)
SINCE = (2026, 1, 1, 0, 0, 0)  # date of every file in a zip: same lessons, same bytes

Lessons = Mapping[str, NotebookNode]  # file name without suffix -> notebook


@dataclass(frozen=True, eq=False)
class Section:
    """Part of a lesson under one heading; what comes before the first heading is one too.

    Attributes:
        cells: heading first.
        minutes: from its tag; 0 without one.
        plans: numbers N of its `plan-N` tags.
    """

    cells: list[NotebookNode]
    minutes: int
    plans: frozenset[int]


def read_lessons(folder: Path = FOLDER) -> Lessons:
    """All lessons of the kit, in order.

    Raises:
        InputError: no lesson in the folder, or a file that is no notebook.
    """
    paths = sorted(folder.glob("[0-9][0-9]*_*.ipynb"))
    if not paths:
        raise InputError(
            f"expected the lessons in {folder}, found none: install stsf anew from its repository"
        )
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, TypeError, AttributeError, nbformat.ValidationError) as error:
        raise InputError(
            f"expected a notebook in {path}, could not read it: fetch the file anew"
        ) from error


def tags(cell: NotebookNode) -> list[str]:
    """Tags of a cell, none included."""
    return list(cell.metadata.get("tags", []))


def sections(lesson: NotebookNode) -> list[Section]:
    """A lesson cut at its `## ` headings; the first part is the title and the setup cell.

    Example:
        >>> from nbformat.v4 import new_markdown_cell, new_notebook
        >>> heading = new_markdown_cell("## 1 · Light", metadata={"tags": ["minutes-5", "plan-90"]})
        >>> [(s.minutes, sorted(s.plans)) for s in sections(new_notebook(cells=[heading]))]
        [(0, []), (5, [90])]
    """
    parts: list[list[NotebookNode]] = [[]]
    for cell in lesson.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            parts.append([])
        parts[-1].append(cell)
    return [
        Section(part, sum(_numbers(part, "minutes")), frozenset(_numbers(part, "plan")))
        for part in parts
    ]


def _numbers(part: list[NotebookNode], word: str) -> list[int]:
    """N of every tag `word-N` on the heading of a section."""
    matches = (re.fullmatch(rf"{word}-(\d+)", tag) for tag in (tags(part[0]) if part else []))
    return [int(match[1]) for match in matches if match]


def bare(lesson: NotebookNode, solutions: bool) -> NotebookNode:
    """A copy without outputs, and without solutions where they are not wanted."""
    copy = nbformat.from_dict(lesson)
    copy.metadata.pop("widgets", None)
    if not solutions:
        copy.cells = [cell for cell in copy.cells if "twin" not in tags(cell)]
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)
            if not solutions:
                cell.source = without_solution(cell.source)
    return copy


def without_solution(source: str) -> str:
    r"""Code of a cell with its solution replaced by a skeleton.

    Example:
        >>> print(without_solution("### BEGIN SOLUTION\nk = 6\n### END SOLUTION\nprint(k)"))
        # Your turn: put your code in place of every `...`.
        k = ...
        print(k)
    """
    return SOLUTION.sub(lambda match: f"{STUB}\n{skeleton(match[1])}", source)


def skeleton(solution: str) -> str:
    r"""The names that a solution defines, each waiting for its value.

    It runs as it stands: imports and empty containers stay, a function answers `...`, loops go.

    Example:
        >>> print(skeleton("def f(x):\n    return 2 * x\n\n\na, b = f(1), f(2)"))
        def f(x):
            return ...
        <BLANKLINE>
        <BLANKLINE>
        a = b = ...
    """
    lines = []
    for node in ast.parse(solution).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines.append(ast.unparse(node))
        elif isinstance(node, ast.FunctionDef):
            node.body = [ast.Return(ast.Constant(...))]
            lines.append(f"{ast.unparse(node)}\n\n")
        elif isinstance(node, ast.Assign):
            names = [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            value = ast.unparse(node.value)
            lines.append(f"{' = '.join(names)} = {value if value in ('{}', '[]') else '...'}")
    return "\n".join(lines)


def plan(lessons: Lessons, minutes: int) -> NotebookNode:
    """One notebook with the sections tagged for a lab of so many minutes, lesson by lesson.

    Args:
        lessons: by name, in order.
        minutes: N of the `plan-N` tags.

    Raises:
        InputError: no section is tagged so.
    """
    known = sorted({n for lesson in lessons.values() for s in sections(lesson) for n in s.plans})
    if minutes not in known:
        numbers = ", ".join(map(str, known)) or "none"
        raise InputError(
            f"expected a plan that the lessons are tagged for ({numbers}), got {minutes}: "
            "choose one of these"
        )
    cells, contents = [], []
    for name, lesson in lessons.items():
        first, *rest = sections(lesson)
        chosen = [section for section in rest if minutes in section.plans]
        if chosen:
            title = first.cells[0].source.partition("\n")[0].removeprefix("# ")
            time = sum(section.minutes for section in chosen)
            contents.append(f"| {title} | {time} |")
            setup = next(cell for cell in first.cells if cell.cell_type == "code")
            heading = nbformat.v4.new_markdown_cell(f"# {title}\n\n*{time} minutes.*", id="title")
            part = [heading, setup, *(cell for section in chosen for cell in section.cells)]
            number, given = name.partition("_")[0], [c for c in part if "optional" not in tags(c)]
            cells += [_renamed(cell, number) for cell in given]
    table = "\n".join(["| lesson | minutes |", "|---|---|", *contents])
    opening = (
        f"# A lab of {minutes} minutes\n\nSelected sections of the lessons; their numbers are "
        f"those of the full lessons. Run the cells from top to bottom.\n\n{table}"
    )
    first_cell = nbformat.v4.new_markdown_cell(opening, id="opening")
    metadata = next(iter(lessons.values())).metadata
    return nbformat.v4.new_notebook(cells=[first_cell, *cells], metadata=metadata)


def _renamed(cell: NotebookNode, lesson: str) -> NotebookNode:
    """A copy with an id that no cell of another lesson has."""
    return nbformat.from_dict({**cell, "id": f"{lesson}-{cell.id}"})


def write_handout(
    out: Path, *, student: bool = False, minutes: int | None = None, folder: Path = FOLDER
) -> list[Path]:
    """Write the notebooks into a folder, and all of them once more as one zip there.

    A file that is there already and differs is left alone: somebody may have worked in it.

    Args:
        out: folder, made where missing.
        student: replace the solutions.
        minutes: one notebook for a lab of so many minutes instead of all lessons.
        folder: where the lessons lie.

    Returns:
        The files written, the zip last.

    Raises:
        InputError: no lessons, no such plan, a folder that cannot be written, a file in the way.
    """
    from stsf.files.atomic import replacing

    lessons = read_lessons(folder)
    name = "lessons" if minutes is None else f"plan-{minutes}"
    chosen = lessons if minutes is None else {name: plan(lessons, minutes)}
    files = {
        f"{stem}.ipynb": (nbformat.writes(bare(notebook, not student)) + "\n").encode()
        for stem, notebook in chosen.items()
    }
    files[f"{name}-{'student' if student else 'solutions'}.zip"] = _zipped(files)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            if (out / file).exists() and (out / file).read_bytes() != content:
                raise InputError(
                    f"expected to write {out / file}, another version is there already: "
                    "choose another folder or move that file away"
                )
        for file, content in files.items():
            with replacing(out / file) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"expected a folder that can be written, got {out} ({error.strerror}): choose another"
        ) from error
    return [out / file for file in files]


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, SINCE), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
