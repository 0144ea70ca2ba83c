"""Lesson 04b, SEU and ECU: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "regression": ["WindowExplorer", "line_through", "window_view"],
        "units": ["NAMES", "UnitExplorer", "Work", "own_parts", "unit_view", "watch"],
    },
)
