"""Lesson 02, the degradation model: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks"],
    submod_attrs={"widgets": ["DegradationExplorer", "degradation_view", "show_matrix"]},
)
