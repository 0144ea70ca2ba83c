"""Spatial-temporal-spectral fusion: one hyperspectral image, two multispectral ones, two dates.

The files of this package are the lessons of a course, read in this order: sensors, spectra,
degradation, scene, observe, simulate, datasets, subspace, registration, projection, fusion,
metrics, plots. Importing the package loads none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stsf.files.datasets import load_sample
    from stsf.files.scenes import read_scene
    from stsf.fusion import fuse
    from stsf.lab.viewer.viewer import explore

__version__ = "0.1.0"

# public name -> the module that holds it, loaded at first use
_PUBLIC = {
    "load_sample": "stsf.files.datasets",
    "read_scene": "stsf.files.scenes",
    "fuse": "stsf.fusion",
    "explore": "stsf.lab.viewer.viewer",
}
__all__ = ["__version__", "explore", "fuse", "load_sample", "read_scene"]


def __getattr__(name: str) -> Any:
    """Load a public function at its first use, so that `import stsf` stays light.

    Modules work as attributes too: `stsf.metrics` needs no import of its own.
    """
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    try:
        return import_module(f"stsf.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"stsf.{name}":
            raise
    raise AttributeError(f"module 'stsf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
