"""The methods compared: suites of scenes, runs, ablation, reports."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "report": ["coverage"],
        "runs": ["Task", "markdown", "run", "run_task", "score", "summary", "tasks"],
    },
)
