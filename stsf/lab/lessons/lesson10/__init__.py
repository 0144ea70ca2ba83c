"""Lesson 10, a scene of your own: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks"],
    submod_attrs={
        "widgets": [
            "SHIFT_HS",
            "SHIFT_MS1",
            "GAINS",
            "HIDDEN",
            "Files",
            "three_files",
            "DAMAGE",
            "refusal",
            "misfit",
            "misfit_view",
            "left_out",
            "FAULTS",
            "WitnessExplorer",
            "witness_view",
        ]
    },
)
