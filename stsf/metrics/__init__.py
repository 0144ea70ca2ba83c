"""How good an image is: figures of merit, by region and band group; consistency without truth."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "comparison": ["Mask", "angles", "band_errors", "compare"],
        "consistency": ["plausibility", "residuals"],
        "evaluation": ["COLUMNS", "Row", "band_groups", "evaluate", "format_table"],
        "figures": [
            "cc",
            "ergas",
            "mean_psnr",
            "psnr",
            "rmse",
            "sam",
            "sam_map",
            "ssim",
            "ssim_map",
        ],
    },
)
