"""Lesson 07, training: its widgets and figures; `checks` holds its self-checks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "questions"],
    submod_attrs={
        "abroad": ["Visit", "stranger", "visit", "abroad_view"],
        "ablated": ["PLAIN", "by_place", "by_region"],
        "live_loss": [
            "EVERY",
            "WINDOW",
            "NARROWEST",
            "TICKS",
            "Losses",
            "ends",
            "loss_view",
            "LiveLoss",
        ],
        "overfitting": [
            "BATCH",
            "SHOWN",
            "RATE",
            "Snapshot",
            "scene_sample",
            "scene_samples",
            "unseen_samples",
            "joined",
            "learn",
            "true_curves",
            "Player",
            "training_view",
            "diversity_view",
            "main",
        ],
    },
)
