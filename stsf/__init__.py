"""Spatial-temporal-spectral fusion: one hyperspectral image, two multispectral ones, two dates.

The top level is the story of the paper, one file a lesson, in this order:

    linear        what the story computes with: linear maps of bands, the MMSE estimate
    degradation   lesson 02   D, the PSF and the sampling; R, the spectral response; noise
    scene                     Y1, M1, M2 and what else is known of them
    projection    lesson 03   classical alternating projection, each step visible
    units         lesson 04b  SEU, the spatial enhancement unit; ECU, the error correction unit
    ssje          lesson 05   SSJE: unrolled alternating projections, X1
    sftn          lesson 06   SFTN, the spectral fine-tuning network
    confidence    lesson 06   how sure: the standard error of X2
    tve           lesson 06   TVE, temporal variation estimation: from X1 to X2
    network                   DC-STSF: the cascade of SSJE and TVE
    fusion                    fuse(scene): align, estimate, report
    inspection    lesson 09   spectral curves: windows, regions, continuum, matches, change

Beside them `errors` (one clear sentence) and `threads` (one thread an operation, set in one place).

Everything else stands in rooms: `sensing` (bands, sensors, spectra), `files`, `alignment`,
`evidence` (what a scene says of itself), `world` (simulated places), `metrics`, `plots`,
`training`, `tiles` (scenes larger than memory), `baselines`, `benchmark`, `lab` (lessons, viewer,
publishing), `cli`. A room's own `__init__` is its public list. Importing the package loads none of
them.
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
