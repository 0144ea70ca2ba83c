"""Lesson 10, a scene of your own: widgets, figures, deliveries; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "delivery": [
            "PLACE",
            "deliver",
            "read_counts",
            "clouded",
            "command",
            "gains",
            "bands_view",
        ],
        "product": [
            "enmap_product",
            "zigzag",
            "overlap_view",
            "offset_ignored",
            "half_pixel_off",
            "noted_corner",
        ],
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
        ],
    },
)
