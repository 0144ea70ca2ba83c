"""Lesson 09, spectra and change: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "widgets": [
            "Pins",
            "VERDICTS",
            "DRAWN",
            "STEPS",
            "two_dates_view",
            "depth",
            "continuum_view",
            "ThresholdExplorer",
            "threshold_view",
            "matched_materials",
            "explained",
            "achieved",
            "trust_view",
        ]
    },
)
