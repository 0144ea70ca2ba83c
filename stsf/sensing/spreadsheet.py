"""CSV tables as spreadsheets write them."""

from __future__ import annotations

import csv
import re


def table(lines: list[str]) -> tuple[list[dict[str, str]], list[str]]:
    """Rows by column, as spreadsheets write them: commas, semicolons or tabs, blanks around.

    Where another sign parts the cells, a comma in a cell is a decimal one.
    """
    sign = next((s for s in ";\t" if lines and s in lines[0]), ",")
    reader = csv.reader(lines, delimiter=sign, skipinitialspace=True)
    cells = [[cell.strip() for cell in line] for line in reader]
    if sign != ",":
        cells = [[re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", c) for c in line] for line in cells]
    columns = [c.lower() if c.isalpha() else c for c in cells[0]] if cells else []
    rows = [dict(zip(columns, [*line, *[""] * len(columns)])) for line in cells[1:] if any(line)]
    return rows, columns if rows else []
