"""Lesson 08, evaluation: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "tables": ["NAMES", "TableExplorer", "table_view", "losses"],
        "widgets": ["VISIBLE", "scores", "FAULTS", "spoil", "TrapExplorer", "trap_view"],
    },
)
