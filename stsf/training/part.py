"""The file of an interrupted training: everything that it needs to go on."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch

from stsf.errors import InputError
from stsf.files.weights import read_weights, write_weights
from stsf.network import DCSTSF, FORMAT
from stsf.training.loops import Loop
from stsf.training.recipe import Recipe


def write_part(path: Path, network: DCSTSF, recipe: Recipe, stage: int, state: Loop) -> None:
    """Network, optimiser, stage and step in one file."""
    tensors = {f"network/{name}": value for name, value in network.state_dict().items()}
    for index, values in state.moments.items():
        tensors |= {f"adam/{index}/{name}": value for name, value in values.items()}
    about = {"format": FORMAT, "recipe": json.dumps(asdict(recipe))}
    write_weights(path, tensors, {**about, "stage": str(stage), "step": str(state.step)})


def read_part(path: Path, network: DCSTSF, recipe: Recipe) -> tuple[int, Loop]:
    """Fill the network and return stage and loop state.

    Raises:
        InputError: a broken file, or one of another recipe.
    """
    tensors, about = read_weights(path, mend="delete it and start anew")
    if about.get("format") != FORMAT:
        raise InputError(
            f"expected an interrupted training of this version ({FORMAT}) in {path}, got "
            f"{about.get('format', 'another')}: delete it and start anew"
        )
    if about.get("recipe") != json.dumps(asdict(recipe)):
        raise InputError(
            f"expected the recipe of this training in {path}, got another: go on with that one, "
            "delete the file, or write to another name"
        )
    head = "network/"
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("adam/"):
            _, index, name = key.split("/")
            moments.setdefault(int(index), {})[name] = value
    try:
        weights = {k[len(head) :]: v for k, v in tensors.items() if k.startswith(head)}
        network.load_state_dict(weights)
        return int(about["stage"]), Loop(int(about["step"]), moments)
    except (KeyError, ValueError, RuntimeError) as error:
        raise InputError(
            f"expected an interrupted training of this version in {path}, got another: delete it "
            "and start anew"
        ) from error
