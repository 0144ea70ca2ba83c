"""What lies on a disk: rasters, headers, scenes, data sets; written whole or not at all."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "atomic": ["replacing"],
        "checks": ["check_files", "check_place", "check_same_bands"],
        "datasets": ["Series", "fetch", "fetch_files", "file_hash", "load_real", "load_sample"],
        "identify": ["sensor_of"],
        "imagefile": ["Image", "ImageFile", "Part", "read_image"],
        "values": ["averaged"],
        "raster": ["write_geotiff", "write_image", "writing_parts"],
        "scenes": [
            "FILES",
            "NOTES",
            "change_codes",
            "image_of",
            "open_scene",
            "read_scene",
            "to_xarray",
            "write_scene",
        ],
    },
)
