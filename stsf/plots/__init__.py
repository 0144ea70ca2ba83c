"""Figures, and one palette for the whole kit."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "colour": [
            "BLACK",
            "BLUE",
            "BROWN",
            "CHANGE_COLOUR",
            "GREEN",
            "GREY",
            "GROUP_COLOUR",
            "LIGHT",
            "MS_COLOUR",
            "ORANGE",
            "PRESETS",
            "PURPLE",
            "REACH",
            "RED",
            "SKY",
            "SOURCE_STYLE",
            "Style",
            "nearest_bands",
            "rgb",
            "stretch_limits",
        ],
        "figures": [
            "Fused",
            "WIDTH",
            "pixel_spectra",
            "show_change",
            "show_error_maps",
            "show_images",
            "show_spectra",
            "show_srf",
        ],
    },
)
