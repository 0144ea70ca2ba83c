"""Lesson 01, sensors and spectra: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "widgets": [
            "Pins",
            "PIN_LOOK",
            "MATERIAL_COLOUR",
            "LINES",
            "FEATURES",
            "OWN",
            "BandPicker",
            "band_view",
            "SubspaceExplorer",
            "rebuild",
            "subspace_view",
            "library_view",
            "compare_view",
            "weights_view",
        ]
    },
)
