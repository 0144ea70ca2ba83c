"""What a scene says of itself, without a learnt weight: maps of X1, candidates for X2, tests."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "candidates": ["CANDIDATES", "CHUNK", "Evidence", "KEEPING", "Pixels", "working_plane"],
        "canonical": ["K", "rows"],
        "components": ["disagreement", "prepare"],
        "fourier": ["FourierRegression"],
        "local": ["LocalRegression", "local_fit", "local_wiener"],
        "maps": ["Prepared", "trust"],
    },
)
