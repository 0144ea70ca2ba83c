"""The list of methods that can be compared, open to anybody's own.

A method is a function with a name. One decorator puts it into the benchmark, the viewer and the
notebooks; nothing else has to be edited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

import numpy as np

from stsf.errors import InputError
from stsf.scene import Scene

Target = Literal["x1", "x2"]
Function = TypeVar("Function", bound=Callable[..., np.ndarray])


@dataclass(frozen=True)
class Method:
    """One method and what a table says about it; call it like a function.

    Attributes:
        name: short, unique within its target.
        target: "x1" (spatial-spectral: `f(scene)`) or "x2" (temporal: `f(scene, x1)`).
        label: shown in tables and figures.
        reference: the paper, for the table's notes.
        function: the function itself.
    """

    name: str
    target: Target
    label: str
    reference: str
    function: Callable[..., np.ndarray] = field(repr=False)

    def __call__(self, scene: Scene, x1: np.ndarray | None = None) -> np.ndarray:
        """Run it and check what comes back.

        Args:
            scene: the observations.
            x1: (L, H, W) estimate of X1, for methods of target "x2" only.

        Returns:
            (L, H, W) float32 reflectance.

        Raises:
            InputError: an X1 missing or not wanted, or a result of the wrong shape.
        """
        if (x1 is None) == (self.target == "x2"):
            raise InputError(
                f"{self.name!r} estimates {self.target}: call it as "
                + ("f(scene, x1) with an estimate of X1" if self.target == "x2" else "f(scene)")
            )
        result = np.asarray(self.function(scene) if x1 is None else self.function(scene, x1))
        wanted = (len(scene.hs), *scene.size)
        if result.shape != wanted:
            raise InputError(
                f"expected {self.name!r} to return (L, H, W) = {wanted}, got {result.shape}: "
                "bands come first, on the grid of the multispectral image"
            )
        return result.astype(np.float32, copy=False)


_METHODS: dict[tuple[Target, str], Method] = {}


def register(
    name: str, *, target: Target, label: str = "", reference: str = ""
) -> Callable[[Function], Function]:
    """Decorator that adds a function to the list; the function itself stays as it is.

    Running a notebook cell again replaces what the cell had registered. A name that another
    module registered is refused.

    Args:
        name: what `get_method`, the benchmark and the command line call it.
        target: "x1" for `f(scene)`, "x2" for `f(scene, x1)`; both return (L, H, W).
        label: shown in tables; the name if empty.
        reference: the paper.

    Raises:
        InputError: an unknown target, or a name taken by another module.

    Example:
        >>> from stsf.baselines.registry import get_method, register
        >>> @register("no change", target="x2", label="X1 kept as it is")
        ... def no_change(scene, x1):
        ...     return x1
        >>> get_method("no change", "x2").label
        'X1 kept as it is'
    """
    if target not in get_args(Target):
        raise InputError(f"expected target 'x1' or 'x2', got {target!r}")

    def add(function: Function) -> Function:
        known = _METHODS.get((target, name))
        if known is not None and known.function.__module__ != function.__module__:
            raise InputError(
                f"{name!r} is already a method for {target}, registered by "
                f"{known.function.__module__}: choose another name"
            )
        _METHODS[target, name] = Method(name, target, label or name, reference, function)
        return function

    return add


def methods(target: Target) -> dict[str, Method]:
    """All methods for one target by name, in the order they were registered.

    Example:
        >>> from stsf.baselines.registry import methods
        >>> "bicubic" in methods("x1")
        True
    """
    return {name: method for (where, name), method in _METHODS.items() if where == target}


def get_method(name: str, target: Target) -> Method:
    """One method.

    Raises:
        InputError: an unknown name; the sentence lists the known ones.

    Example:
        >>> from stsf.baselines.registry import get_method
        >>> get_method("bicubic", "x1").label
        'Bicubic'
    """
    known = methods(target)
    if name not in known:
        raise InputError(f"unknown method {name!r} for {target}: choose one of {', '.join(known)}")
    return known[name]
