"""Lesson 02, the degradation model: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "widgets": [
            "DegradationExplorer",
            "Harm",
            "degradation_view",
            "harm",
            "observe",
            "show_matrix",
        ]
    },
)
