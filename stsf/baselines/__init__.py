"""The classical methods one would use instead, each short enough to read, and their comparison.

`registry` is the list that everything reads. Importing this package imports every file beside this
one, and with it every method that is registered there.
"""

import importlib
import pkgutil

from stsf.baselines.registry import Method, get_method, methods, register

for _file in sorted(info.name for info in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_file}")

__all__ = ["Method", "get_method", "methods", "register"]
