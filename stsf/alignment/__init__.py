"""Where the images lie and in which units: shifts, PSF, response, estimated from the scene."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "agreement": ["check_agreement", "check_units"],
        "align": ["Alignment", "align"],
        "common_grid": ["Common", "common_grid"],
        "coverage": ["covered_bands", "select_ms", "without_hidden"],
        "days": ["tell_days_apart"],
        "displacement": ["Displacement", "find_displacement"],
        "field": ["survey"],
        "tie_points": ["ties_of"],
        "phase_correlation": ["phase_shift", "shift_image"],
        "placed": ["Later", "Placed"],
        "psf_fit": ["fit_psf"],
        "response_fit": ["effective_response"],
        "softness": ["product_softness"],
        "registration": ["register", "register_dates", "register_hs_ms"],
    },
)
