"""Lesson 03, alternating projection: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks"],
    submod_attrs={
        "widgets": [
            "ROUNDS",
            "SNR",
            "SNR_MS",
            "LINES",
            "zigzag",
            "zigzag_view",
            "ProjectionExplorer",
            "projection_path",
            "error_of",
            "projection_view",
            "hidden_view",
            "gain_view",
        ]
    },
)
