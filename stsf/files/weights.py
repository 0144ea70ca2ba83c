"""Weights on disk: one safetensors file with what describes it, whole or not at all; no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from stsf.errors import InputError
from stsf.files.atomic import replacing


def write_weights(
    path: str | Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, str]
) -> None:
    """Write tensors and texts.

    Args:
        path: file to write.
        tensors: by name.
        about: texts by name.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_weights(f"{folder}/w.safetensors", {"a": torch.ones(2)}, {"of": "nothing"})
        ...     read_weights(f"{folder}/w.safetensors", mend="make one")[1]
        {'of': 'nothing'}
    """
    copies = {name: value.contiguous().clone() for name, value in tensors.items()}
    with replacing(Path(path)) as temporary:
        save_file(copies, temporary, metadata=dict(about))


def read_weights(path: str | Path, *, mend: str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and texts of a file.

    Args:
        path: file to read.
        mend: what to do where it cannot be used, for the message.

    Raises:
        InputError: no file, one cut short, another kind of file, or numbers that are none.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except FileNotFoundError as error:
        raise InputError(f"expected a file of weights, found no {path}: {mend}") from error
    except (SafetensorError, OSError) as error:
        raise InputError(f"expected a safetensors file, could not read {path}: {mend}") from error
    for name, values in tensors.items():
        if values.is_floating_point() and not torch.isfinite(values).all():
            raise InputError(f"expected finite weights, {name} in {path} holds NaN: {mend}")
    return tensors, about
