"""Where the files that come with stsf lie: inside the installed package, or in the clone."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def shipped_path(path: str) -> Path:
    """A shipped file or folder, by its path in the repository; whether it is there is not asked.

    A wheel carries the model, the sample scene, the benchmark's tables and the lessons; other
    files exist in a clone only.

    Args:
        path: with "/" between its parts, such as "data/sample".

    Example:
        >>> shipped_path("data/sample").name
        'sample'
    """
    shipped = PACKAGE / "shipped"
    return (shipped if shipped.is_dir() else PACKAGE.parent) / path
