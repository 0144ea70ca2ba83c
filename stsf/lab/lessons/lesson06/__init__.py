"""Lesson 06, TVE: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "cascade": ["CandidatePanels", "WeightPanels", "KeptPanels", "tve_panels"],
        "painter": ["PaintingPanels", "painting_view", "shown", "edges", "say", "Painter"],
        "painting": [
            "LARGEST",
            "REACH",
            "DOUBTFUL",
            "FROM_SCENE",
            "Paint",
            "material_paint",
            "pixel_paint",
            "Answer",
            "Canvas",
        ],
        "widgets": [
            "CANDIDATE_COLOUR",
            "error_by_kind",
            "best_choice",
            "pseudo_errors",
            "pseudo_change_view",
            "trust_view",
            "gate_view",
            "gate_curve",
            "observability_view",
            "inside_band",
            "averages",
        ],
    },
)
