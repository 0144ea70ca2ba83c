"""Lesson 04, SEU and ECU: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks"],
    submod_attrs={
        "filters": [
            "MEAN",
            "CENTRE",
            "FILTERS",
            "LINES",
            "filtered",
            "product_view",
            "FilterExplorer",
            "filter_view",
            "show_image",
            "descend",
            "descent_view",
            "kink_view",
        ],
        "units": ["NAMES", "Work", "watch", "UnitExplorer", "unit_view"],
    },
)
