"""Lesson 04a, filters and learning: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "filters": [
            "CENTRE",
            "FILTERS",
            "FilterExplorer",
            "LINES",
            "MEAN",
            "descend",
            "descent_view",
            "filter_view",
            "filtered",
            "kink_view",
            "product_view",
            "show_image",
        ],
    },
)
