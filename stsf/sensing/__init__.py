"""What sensors and spectra are: bands, responses, libraries, optics, spectral coordinates."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bands": ["SWIR_START", "Sensor", "from_bands", "gaussian_srf", "hat_weights"],
        "optics": ["ice_absorption", "snow", "water", "water_absorption"],
        "response": ["covered", "srf_matrix"],
        "sensors": [
            "S2_10",
            "S2_4",
            "ahsi",
            "enmap",
            "from_csv",
            "get_sensor",
            "landsat",
            "prisma",
            "sentinel2",
            "to_csv",
        ],
        "spectra": ["Library", "MATERIALS", "canopy", "is_broken", "library", "library_range"],
        "subspace": ["Subspace", "band_quality", "fit_subspace", "library_subspace"],
    },
)
