"""What a scene says of itself, without a learnt weight: maps of X1, candidates for X2, tests."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "candidates": ["CANDIDATES", "CHUNK", "KEEPING", "Pairing"],
        "canonical": ["K"],
        "coordinates": ["Coordinates", "working_plane"],
        "components": ["prepare"],
        "difference_image": ["DatePairs", "Difference", "difference_image", "difference_numbers"],
        "evidence": ["Evidence"],
        "fourier": ["FourierRegression"],
        "local": ["LocalRegression", "local_fit", "local_wiener"],
        "inputs": ["Inputs"],
        "maps": ["Prepared", "trust"],
        "pseudo_changes": ["PseudoChanges", "Tests"],
        "record": ["Record", "veto"],
        "statistics": ["Statistics", "disagreement"],
    },
)
