"""The classical methods one would use instead, each short enough to read, and their comparison.

`registry` is the list that everything reads; importing this package fills it.
"""

from stsf.baselines import learned, model_based, spatial_spectral, supervised, temporal
from stsf.baselines.registry import Method, get_method, methods, register

__all__ = [
    "Method",
    "get_method",
    "learned",
    "methods",
    "model_based",
    "register",
    "spatial_spectral",
    "supervised",
    "temporal",
]
