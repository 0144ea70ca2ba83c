"""Handouts: what the student gets stops at the exercises only, and the plan stands on its own.

nbval runs every lesson with its solutions. Here it is shown, without running them once more, that
the other versions differ from those in the solutions alone, and need no cell that they lack.
"""

import ast
import builtins
import dis
import json
import re
import types
import zipfile
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from stsf.cli.app import main
from stsf.errors import InputError
from stsf.lab.publish import handout

LESSONS = handout.read_lessons()
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"

each_lesson = pytest.mark.parametrize("lesson", LESSONS.values(), ids=list(LESSONS))


def code_cells(cells) -> list:
    return [cell for cell in cells if cell.cell_type == "code"]


def names(source: str) -> tuple[set[str], set[str]]:
    """Global names that a cell needs from elsewhere, and those it defines."""
    needed, inner, defined = set(), set(), set()
    waiting = [compile(ast.parse(source), "cell", "exec")]
    for code in waiting:
        for step in dis.get_instructions(code):
            if step.opname == "STORE_NAME":
                defined.add(step.argval)
            elif step.opname == "LOAD_GLOBAL":  # in a function: looked up when it is called
                inner.add(step.argval)
            elif step.opname == "LOAD_NAME" and step.argval not in defined:
                needed.add(step.argval)
        waiting += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return {n for n in needed | (inner - defined) if not hasattr(builtins, n)}, defined


def undefined(sources: list[str]) -> set[str]:
    """Names that cells, run in this order, would not find."""
    missing, known = set(), {"__file__", "__name__", "display"}
    for source in sources:
        needed, defined = names(source)
        missing |= needed - known
        known |= defined
    return missing


def exercise_faults(source: str, above: str) -> list[str]:
    """Say what is wrong with an exercise cell and the markdown above it."""
    found = []
    before, _, rest = source.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"\n{END}\n")
    if not end or BEGIN in after:
        found.append("not one solution between its two marks")
    if any(line and not line.startswith("#") for line in before.splitlines()):
        found.append("code before the solution")
    if "print(" not in after:
        found.append("no self-check after the solution")
    hints = re.findall(r"<summary>Hint \d", above)
    if len(hints) < 2:
        found.append(f"{len(hints)} hints")
    return found


@each_lesson
def test_two_exercises_with_hints_and_checks(lesson):
    pairs = [
        (cell.source, lesson.cells[i - 1].source)
        for i, cell in enumerate(lesson.cells)
        if "exercise" in handout.tags(cell)
    ]
    assert len(pairs) >= 2
    assert [exercise_faults(*pair) for pair in pairs] == [[]] * len(pairs)
    marked = [cell for cell in code_cells(lesson.cells) if "SOLUTION" in cell.source]
    assert len(marked) == len(pairs), "a solution without the tag"


@pytest.mark.parametrize(
    ("source", "hints", "words"),
    [
        (f"# f(x)\n{BEGIN}\nx = 1\n{END}\nprint(x)", 2, None),
        (f"{BEGIN}\nx = 1\nprint(x)", 2, "two marks"),
        (f"y = 2\n{BEGIN}\nx = 1\n{END}\nprint(x)", 2, "code before"),
        (f"{BEGIN}\nprint(1)\n{END}\n", 2, "no self-check"),
        (f"{BEGIN}\nx = 1\n{END}\nprint(x)", 1, "1 hints"),
    ],
)
def test_the_check_of_exercises_finds_each_fault(source, hints, words):
    above = "".join(f"<summary>Hint {n}</summary>" for n in range(hints))
    found = exercise_faults(source, above)
    assert found == [] if words is None else any(words in fault for fault in found)


@each_lesson
def test_the_student_version_differs_in_the_solutions_alone(lesson):
    student = handout.bare(lesson, solutions=False)
    assert student.metadata.kernelspec.name == "python3" and "widgets" not in student.metadata
    kept = [cell for cell in lesson.cells if "twin" not in handout.tags(cell)]
    assert len(student.cells) == len(kept)
    assert undefined([cell.source for cell in code_cells(kept)]) == set()
    for full, given in zip(kept, student.cells):
        assert given.id == full.id and not given.get("outputs")
        if "exercise" not in handout.tags(full):
            assert given.source == full.source
            continue
        start, stop = full.source.index(BEGIN), full.source.index(END) + len(END)
        solution = full.source[start:stop]
        assert given.source.count(handout.STUB) == 1
        blank = f"{handout.STUB}\n{handout.skeleton(solution.removeprefix(BEGIN).strip())}"
        assert given.source.replace(blank, solution.rstrip()) == full.source
        assert undefined([blank]) <= {"register"}, "it runs as it stands"


@each_lesson
def test_nothing_needs_a_solution_of_another_cell(lesson):
    """A student who is stuck may leave an exercise out."""
    kept = [c.source for c in code_cells(lesson.cells) if "exercise" not in handout.tags(c)]
    assert undefined(kept) == set()
    for cell in code_cells(lesson.cells):
        if "exercise" in handout.tags(cell):
            before = code_cells(lesson.cells[: lesson.cells.index(cell)])
            sources = [c.source for c in before if "exercise" not in handout.tags(c)]
            assert undefined([*sources, cell.source]) == set()


@each_lesson
def test_an_open_exercise_spoils_no_name_of_a_later_cell(lesson):
    """A skeleton sets its names to `...`; who comes after must not find them so."""
    cells = code_cells(lesson.cells)
    for i, cell in enumerate(cells):
        if "exercise" in handout.tags(cell):
            blank = handout.without_solution(cell.source).partition("print(checks")[0]
            spoilt = names(blank)[1] - {"KINDS"}
            known: set[str] = set()
            for later in cells[i + 1 :]:
                needed, defined = names(later.source)
                assert not spoilt & (needed - known), later.source
                known |= defined


@each_lesson
def test_every_section_says_its_minutes(lesson):
    first, *rest = handout.sections(lesson)
    assert "setup" in handout.tags(code_cells(first.cells)[0])
    inside = [c.source for c in lesson.cells if c.cell_type == "markdown" and "\n## " in c.source]
    assert inside == [], "a heading in the middle of a cell is no section"
    assert all(section.minutes > 0 for section in rest)
    stated = re.search(r"\*Time:\* (\d+) minutes", lesson.cells[0].source)
    assert sum(section.minutes for section in rest) == int(stated[1])
    assert 45 <= int(stated[1]) <= 120


def test_the_plan_fits_its_time_and_needs_nothing_else():
    chosen = {
        name: [s for s in handout.sections(lesson)[1:] if 90 in s.plans]
        for name, lesson in LESSONS.items()
    }
    assert sum(s.minutes for parts in chosen.values() for s in parts) <= 90
    for name, parts in chosen.items():
        setup = code_cells(LESSONS[name].cells)[0]
        cells = code_cells(cell for section in parts for cell in section.cells)
        sources = [c.source for c in cells if "optional" not in handout.tags(c)]
        assert undefined([setup.source, *sources]) == set(), name
    ours = [cell.source for cell in code_cells(handout.plan(LESSONS, 90).cells)]
    theirs = [cell.source for lesson in LESSONS.values() for cell in code_cells(lesson.cells)]
    assert ours == [source for source in theirs if source in ours], "same cells, same order"
    assert any(f"{END}\n" in source for source in ours), "a lab without an exercise"


def test_names_that_are_missing_are_found():
    assert undefined(["import numpy as np", "def f(x):\n    return np.abs(x) + y"]) == {"y"}
    assert undefined(["y = 1", "z = [y + k for k in range(3)]\nprint(z)"]) == set()
    assert undefined(["print(late)", "late = 1"]) == {"late"}
    assert undefined(["total += 1"]) == {"total"}


@pytest.fixture
def small(tmp_path):
    """A folder with two small lessons."""

    def heading(text: str, *tags: str):
        return new_markdown_cell(text, metadata={"tags": list(tags)})

    def code(source: str, *tags: str):
        return new_code_cell(source, metadata={"tags": list(tags)})

    folder = tmp_path / "lessons"
    folder.mkdir()
    for number, word in enumerate(("one", "two")):
        cells = [
            heading(f"# 0{number} · Lesson {word}"),
            code(f"n = {number + 1}", "setup"),
            heading("## 1 · First", "minutes-50"),
            code("raise ValueError('not in the plan')"),
            heading("## 2 · Second", "minutes-40", "plan-90"),
            code(f"{BEGIN}\nanswer = n\n{END}\nprint('{word}', answer)", "exercise"),
            code("open('no such file')", "optional"),
        ]
        cells[1].outputs = [nbformat.v4.new_output("stream", text="stored")]
        cells[1].execution_count = 3
        metadata = {"widgets": {"state": 1}, "kernelspec": {"name": "python3", "display_name": "P"}}
        notebook = new_notebook(cells=cells, metadata=metadata)
        nbformat.write(notebook, folder / f"0{number}_{word}.ipynb")
    return folder


def test_a_plan_runs_and_an_unsolved_exercise_is_passed_by(small, tmp_path):
    """One real kernel for the law of the texts above."""
    notebooks, _ = handout.write_handout(tmp_path / "out", minutes=90, folder=small)
    plan = nbformat.read(notebooks, as_version=4)
    nbformat.validate(plan)
    assert len({cell.id for cell in plan.cells}) == len(plan.cells)
    assert "| 00 · Lesson one | 40 |" in plan.cells[0].source
    NotebookClient(plan, kernel_name="python3", timeout=60).execute()
    printed = [o.text for c in code_cells(plan.cells) for o in c.outputs]
    assert printed == ["one 1\n", "two 2\n"]
    path, _ = handout.write_handout(tmp_path / "s", student=True, minutes=90, folder=small)
    student = nbformat.read(path, as_version=4)
    client = NotebookClient(student, kernel_name="python3", timeout=60, allow_errors=True)
    client.execute()
    said = [o.text for c in code_cells(student.cells) for o in c.outputs if "text" in o]
    assert said == ["one Ellipsis\n", "two Ellipsis\n"], "passed by, not halted"


def test_the_zip_holds_the_same_files(small, tmp_path):
    written = handout.write_handout(tmp_path / "out", student=True, folder=small)
    assert [path.name for path in written] == [
        "00_one.ipynb", "01_two.ipynb", "lessons-student.zip",
    ]  # fmt: skip
    with zipfile.ZipFile(written[-1]) as archive:
        for path in written[:-1]:
            assert archive.read(path.name) == path.read_bytes()
    text = written[0].read_text("utf-8")
    assert "stored" not in text and "answer = n" not in text and '"state"' not in text
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [p.name for p in written]


def test_work_of_others_is_not_overwritten(small, tmp_path):
    written = handout.write_handout(tmp_path / "out", student=True, folder=small)
    assert handout.write_handout(tmp_path / "out", student=True, folder=small) == written
    written[1].write_text("my answer")
    written[2].unlink()
    before = written[0].stat().st_mtime_ns
    with pytest.raises(InputError, match=r"01_two\.ipynb, another version is there"):
        handout.write_handout(tmp_path / "out", student=True, folder=small)
    assert written[1].read_text() == "my answer" and written[0].stat().st_mtime_ns == before
    assert not written[2].exists(), "all or nothing"


def command(*arguments):
    return CliRunner().invoke(main, ["lessons", *map(str, arguments)])


def test_the_command_writes_what_it_says(tmp_path):
    done = command("--student", "--plan", 90, "--out", tmp_path / "a" / "b")
    assert done.exit_code == 0 and "1 notebook(s), and all in plan-90-student.zip" in done.stdout
    cells = json.loads((tmp_path / "a/b/plan-90.ipynb").read_text("utf-8"))["cells"]
    assert any(handout.STUB in "".join(cell["source"]) for cell in cells)
    done = command("--out", tmp_path / "all")
    names = sorted(path.name for path in (tmp_path / "all").glob("*.ipynb"))
    assert done.exit_code == 0 and names == [f"{name}.ipynb" for name in LESSONS]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--plan", "45", "--out", "out"], r"tagged for \(90\), got 45"),
        (["--plan", "0", "--out", "out"], "x>=1"),
        (["--plan", "ninety", "--out", "out"], "ninety"),
        (["--student"], "--out"),
        (["--out", "file"], "can be written, got file"),
        (["--out", "file/below"], "can be written, got file/below"),
        (["--out", str(handout.FOLDER)], "another version is there"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    done = command(*arguments)
    assert done.exit_code == 2 and done.stdout == ""
    assert re.fullmatch(r"Error: [^\n]+\n", done.stderr) and re.search(words, done.stderr)
    assert not Path("out").exists()


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"nbformat": 4, "cells": 3}'])
def test_missing_and_damaged_lessons_are_one_sentence(content, tmp_path):
    folder = tmp_path / "lessons"
    folder.mkdir()
    if content is not None:
        (folder / "00_x.ipynb").write_text(content)
    with pytest.raises(InputError, match=f"^expected [^\\n]+{re.escape(str(folder))}[^\\n]+$"):
        handout.write_handout(tmp_path / "out", folder=folder)
    assert not (tmp_path / "out").exists()


def test_the_plan_of_90_minutes_runs_through():
    """In this process: nbval shows the cells in a kernel, lesson by lesson."""
    everything: dict = {}
    for cell in code_cells(handout.plan(LESSONS, 90).cells):
        exec(compile(cell.source, cell.id, "exec"), everything)
    assert everything["by_rms"] in everything["KINDS"], "the exercise of lesson 00 was solved"


def test_the_teachers_guide_states_the_minutes_of_the_lessons_and_of_the_plan():
    guide = (handout.FOLDER / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| (\d\d[ab]?) ([^|]+) \| (\d*) ?\| \w[^|]+\|$", guide, re.MULTILINE)
    assert [number for number, *_ in listed] == [name.partition("_")[0] for name in LESSONS]
    plan = re.findall(r"^\| (\d\d[ab]?) \| (\d+) \| ", guide, re.MULTILINE)
    wanted = {}
    for name, lesson in LESSONS.items():
        parts = handout.sections(lesson)[1:]
        lesson_number, _, title = name.partition("_")
        title = title.replace("_", " ")
        row = next(row for row in listed if row[0] == lesson_number)
        assert row[1].lower() == title and int(row[2]) == sum(part.minutes for part in parts)
        wanted[lesson_number] = sum(part.minutes for part in parts if 90 in part.plans)
    told = {number: int(m) for number, m in plan if number in wanted}
    assert told == {number: m for number, m in wanted.items() if m}
