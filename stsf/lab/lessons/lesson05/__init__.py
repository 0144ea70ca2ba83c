"""Lesson 05, SSJE: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "steps": ["Stage", "stages", "rounds", "StagePanels"],
        "widgets": ["columns_of", "maps_view", "RIVALS", "gains", "losses", "gains_view"],
    },
)
