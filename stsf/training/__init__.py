"""How the network learns: scenes, losses and loop, the presets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "curriculum": ["draw"],
        "loops": [
            "Loop",
            "Progress",
            "Samples",
            "SftnSample",
            "TveSample",
            "loop",
            "sftn_loss",
            "sftn_sample",
            "some_pixels",
            "turned",
            "tve_loss",
        ],
        "progress": ["Bars"],
        "recipe": ["Recipe", "full", "tiny"],
        "run": ["FIRST_SEED", "STAGES", "Training", "VALIDATION", "calibrate", "train"],
        "stages": ["explain"],
        "unrolled": ["coarse_part", "excess", "unrolled_loss"],
        "zero_shot": ["adapt", "one_level_down"],
    },
)
