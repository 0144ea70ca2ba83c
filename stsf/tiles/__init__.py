"""Whole scenes, larger than memory: what is estimated once, tiles, and one file made of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "grid": ["LARGE", "MARGIN", "SAMPLE", "TILE", "Tile", "tiles_of"],
        "observations": ["Observations", "is_large", "observe"],
        "run": ["Made", "make_tiles", "put_together"],
        "whole": ["Whole", "learn"],
    },
)
