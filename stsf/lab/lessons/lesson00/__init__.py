"""Lesson 00, start here: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={"widgets": ["DASHES", "PixelExplorer"]},
)
