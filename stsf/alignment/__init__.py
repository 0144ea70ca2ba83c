"""Where the images lie and in which units: shifts, PSF, gains, estimated from the scene itself."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "agreement": ["check_agreement"],
        "align": ["Alignment", "align"],
        "calibration": ["calibrate"],
        "common_grid": ["Common", "Placed", "common_grid"],
        "phase_correlation": ["phase_shift", "shift_image"],
        "psf_fit": ["fit_psf"],
        "registration": ["register", "register_dates", "register_hs_ms"],
    },
)
