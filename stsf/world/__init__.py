"""Simulated places and what the sensors see of them.

Reading order: shapes, landscapes, palette, then `countryside` and `deadleaves`, the two kinds of
place that `simulation` offers; `observation` is how sensors see a place.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "countryside": ["countryside"],
        "landscapes": ["split"],
        "observation": ["Imperfections", "jitter", "observe", "wald"],
        "palette": ["Mixer", "RUNGS", "moist"],
        "sample": ["make_sample"],
        "shapes": ["cast_shadow", "fractal"],
        "simulation": ["Landscape", "change_map", "simulate"],
        "strange": ["estranged", "exchange", "exchanged"],
    },
)
