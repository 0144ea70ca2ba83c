"""How long a lesson takes by a rule, beside the minutes that it states.

    python -m stsf.lab.publish.minutes

The rule: 200 words a minute of all text, what folds out included; a minute for each displayed
formula; 5 s for a line of code, 4 s for a printed line, 30 s for a picture; 45 s for a prediction,
2 minutes for each numbered task of a widget, 10 minutes for an exercise. Waiting comes on top.
"""

from __future__ import annotations

import re

from nbformat import NotebookNode

from stsf.lab.publish.handout import Section, read_lessons, sections, tags

SECONDS = {"words": 0.3, "formulas": 60, "code": 5, "printed": 4, "pictures": 30,
           "predictions": 45, "tasks": 120, "exercises": 600}  # fmt: skip


def counted(cell: NotebookNode) -> dict[str, int]:
    """How much of each thing a cell holds; setup and optional cells hold nothing.

    Example:
        >>> from nbformat.v4 import new_code_cell, new_markdown_cell
        >>> counted(new_markdown_cell("Two words and $$x = 1$$"))
        {'words': 3, 'formulas': 1, 'tasks': 0}
        >>> counted(new_code_cell("x = ...", metadata={"tags": ["exercise"]}))
        {'exercises': 1}
    """
    if cell.cell_type == "markdown":
        plain = re.sub(r"\$[^$]+\$", " ", re.sub(r"\$\$[^$]*\$\$|<[^>]*>", " ", cell.source))
        asked = re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL)
        return {
            "words": len(re.findall(r"\w[\w'-]*", plain)),
            "formulas": cell.source.count("$$") // 2,
            "tasks": len(re.findall(r"^\d\. ", asked, re.MULTILINE)),
        }
    marks = set(tags(cell))
    if marks & {"setup", "optional"}:
        return {}
    if "exercise" in marks:
        return {"exercises": 1}
    if cell.source.startswith("ask("):
        return {"predictions": 1}
    lines = [line for line in cell.source.splitlines() if line.strip()]
    return {"code": len(lines)} | _shown(cell)


def _shown(cell: NotebookNode) -> dict[str, int]:
    outputs = [output.get("data", {}) for output in cell.outputs]
    printed = sum(o.text.count("\n") for o in cell.outputs if o.output_type == "stream")
    rows = sum("".join(data.get("text/html", "")).count("<tr") for data in outputs)
    return {"printed": printed + rows, "pictures": sum("image/png" in data for data in outputs)}


def by_rule(section: Section) -> float:
    """Minutes that a section takes by the rule."""
    found = (counted(cell) for cell in section.cells)
    return sum(SECONDS[name] * count for cell in found for name, count in cell.items()) / 60


def main() -> None:
    """Print both for every section and lesson."""
    for name, lesson in read_lessons().items():
        parts = sections(lesson)
        stated, ruled = sum(p.minutes for p in parts), sum(by_rule(p) for p in parts)
        print(f"{name}: {stated} stated, {ruled:.0f} by the rule")
        for part in parts:
            title = part.cells[0].source.partition("\n")[0].lstrip("# ")
            print(f"    {part.minutes:3d} {by_rule(part):4.0f}  {title}")


if __name__ == "__main__":
    main()
