"""Products as the agencies deliver them: one file a format, each read by windows."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ahsi": ["read_ahsi"],
        "enmap": ["read_enmap"],
        "landsat": ["read_landsat"],
        "opening": ["open_image", "read_together"],
        "prisma": ["read_prisma"],
        "product": ["Product"],
        "sentinel2": ["read_sentinel2"],
    },
)
