"""Lesson 03, alternating projection: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "two_sets": ["HiddenExplorer", "ZigzagExplorer", "hidden_view", "zigzag", "zigzag_view"],
        "widgets": [
            "CORNER",
            "ROUNDS",
            "SNR",
            "SNR_MS",
            "LINES",
            "ProjectionExplorer",
            "projection_path",
            "error_of",
            "projection_view",
            "gain_view",
            "rounds_view",
        ],
    },
)
