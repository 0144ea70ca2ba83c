"""DC-STSF: the cascade of SSJE (X1 from Y1 and M1) and TVE (X2 from X1, M1 and M2).

A re-implementation from the abstract of Meng et al., "Dual-Task Cascaded Network for
Spatial-Temporal-Spectral Remote Sensing Image Fusion", IEEE TGRS 63, 2025,
doi 10.1109/TGRS.2025.3565637: the units and their order are the paper's, all else is ours.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from stsf.errors import InputError
from stsf.evidence.components import prepare
from stsf.evidence.evidence import Evidence
from stsf.evidence.maps import Prepared
from stsf.evidence.statistics import Statistics
from stsf.files.places import shipped_path
from stsf.files.weights import read_weights, write_weights
from stsf.linear import SMALLEST_NOISE, moved, signal_covariance
from stsf.projection import spectral_gain
from stsf.scene import Scene
from stsf.ssje import SSJE
from stsf.tve import Answer, TemporalVariationEstimator

FORMAT = "stsf DC-STSF 2"
SHIPPED = shipped_path("data/models/dcstsf.safetensors")
OF_SSJE = ("seu", "ecu", "back-projection")
OF_TVE = ("sftn", "difference", "consistency", "context")
PARTS = (*OF_SSJE, *OF_TVE)


@dataclass(frozen=True)
class Config:
    """How large the network is, and what is left out of it.

    Attributes:
        ssje_width: channels of SEU and ECU.
        stages: K, the unrolled iterations of the SSJE.
        tve_width: hidden width of the estimator.
        sftn_width: hidden width of the fine-tuning network.
        without: parts that are left out, of `PARTS`; for the ablation.
    """

    ssje_width: int = 16
    stages: int = 3
    tve_width: int = 24
    sftn_width: int = 96
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "without", tuple(self.without))
        unknown = set(self.without) - set(PARTS)
        if unknown:
            raise InputError(
                f"expected parts out of {', '.join(PARTS)}, got {sorted(unknown)[0]!r}: "
                "name the part as in this list"
            )
        for name in ("ssje_width", "stages", "tve_width", "sftn_width"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= 512:
                raise InputError(
                    f"expected {name} to be a whole number from 1 to 512, got {value!r}: mend it"
                )


@dataclass(frozen=True, eq=False)
class Estimate:
    """What the network says of a scene.

    Attributes:
        x1: (L, H, W) estimate of X1, reflectance.
        x2: (L, H, W) estimate of X2.
        sigma: (L, H, W) standard error of x2; ±1.645 σ is meant to hold 90 % of the truth.
        steps: every intermediate by name, if asked for. Of the SSJE: cubes "start", "seu 1" and so
            on; of the TVE: "candidates" (10, L, H, W), "weights" (10, H, W), mean over the
            coordinates, "kept" (H, W), the map of how far X1 is still believed.
    """

    x1: np.ndarray
    x2: np.ndarray
    sigma: np.ndarray
    steps: dict[str, np.ndarray] = field(default_factory=dict)


class DCSTSF(nn.Module):
    """The cascade: tensors inside, numpy where a scene comes in and an estimate goes out.

    What the scene says of itself (`stsf.evidence`) is computed on the CPU; SSJE and TVE compute
    where their weights are, for example after `DCSTSF.load().to("cuda")`.

    Args:
        config: sizes and parts.

    Example:
        >>> import stsf
        >>> scene = stsf.load_sample().crop(slice(0, 12), slice(0, 12))
        >>> DCSTSF()(scene).x2.shape
        (114, 36, 36)
    """

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        self.config = config or Config()
        of_ssje, of_tve = (
            {part.replace("-", "_"): part not in self.config.without for part in parts}
            for parts in (OF_SSJE, OF_TVE)
        )
        widths = self.config.tve_width, self.config.sftn_width
        self.ssje = SSJE(self.config.stages, width=self.config.ssje_width, **of_ssje)
        self.tve = TemporalVariationEstimator(*widths, **of_tve)
        self.calibration: torch.Tensor  # of sigma; see `stsf.training.run.calibrate`
        self.register_buffer("calibration", torch.ones(1))
        self.provenance: dict[str, Any] = {}

    @property
    def device(self) -> torch.device:
        """Where the network computes; what it is given is carried there."""
        return self.calibration.device

    @torch.no_grad()  # it is trained part by part, see `stsf.training`
    def forward(self, scene: Scene, return_steps: bool = False) -> Estimate:
        """X1, X2 and the error of X2.

        Args:
            scene: the observations, registered and calibrated.
            return_steps: give every intermediate by name.
        """
        # the scene as maps, and X1 by the SSJE
        prepared = self._maps(scene)
        z, steps = self.ssje(prepared, return_steps=True)
        # X2 by the TVE
        estimate = self._second(scene, prepared.decode(z).cpu(), return_steps)
        if not return_steps:
            return estimate
        cubes = {name: prepared.decode(step).cpu().numpy() for name, step in steps.items()}
        return replace(estimate, steps=cubes | estimate.steps)

    @torch.no_grad()
    def first_date(
        self,
        scene: Scene,
        softness: Sequence[float] | None = None,
        estimated: Statistics | None = None,
    ) -> np.ndarray:
        """X1 (L, H, W) alone: the SSJE.

        Args:
            scene: the observations.
            softness: of the product, see `stsf.evidence.components.prepare`.
            estimated: of the whole, where the scene is a part of it.
        """
        prepared = self._maps(scene, softness, estimated)
        return prepared.decode(self.ssje(prepared)).cpu().numpy()

    @torch.no_grad()
    def second_date(self, scene: Scene, x1: np.ndarray, return_steps: bool = False) -> Estimate:
        """X2 from any estimate of X1 (L, H, W): the TVE."""
        return self._second(scene, x1, return_steps)

    def _maps(
        self,
        scene: Scene,
        softness: Sequence[float] | None = None,
        estimated: Statistics | None = None,
    ) -> Prepared:
        return moved(prepare(scene, softness=softness, estimated=estimated), self.device)

    def _second(self, scene: Scene, x1: np.ndarray | torch.Tensor, return_steps: bool) -> Estimate:
        evidence = moved(Evidence(scene, x1), self.device)
        answer = self.tve(evidence)
        # to images, as numpy
        x2, sigma = (_image(values, scene.size) for values in (answer.x2, answer.sigma))
        steps = _steps(answer, evidence) if return_steps else {}
        return Estimate(np.asarray(x1), x2, sigma * self.calibration.item(), steps)

    def save(self, path: str | Path) -> None:
        """Write weights, sizes and provenance to one safetensors file, whole or not at all."""
        about = {
            "format": FORMAT,
            "config": json.dumps(asdict(self.config)),
            "provenance": json.dumps(self.provenance),
        }
        write_weights(path, self.state_dict(), about)

    @classmethod
    def load(cls, path: str | Path = SHIPPED) -> DCSTSF:
        """A trained network from its file.

        Raises:
            InputError: no file, one cut short, or one that is no DC-STSF of this kit.
        """
        mend = f"copy it again, or train one with stsf train --out {path}"
        weights, about = read_weights(path, mend=mend)
        if about.get("format") != FORMAT:
            raise InputError(
                f"expected a model of this kit ({FORMAT}), got {about.get('format', 'another')} in "
                f"{path}: {mend}"
            )
        try:
            network = cls(Config(**json.loads(about["config"])))
            network.load_state_dict(weights)
            network.provenance = dict(json.loads(about["provenance"]))
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"expected the weights that its own description asks for, {path} holds others: "
                f"{mend}"
            ) from error
        return network.eval()


@lru_cache(maxsize=1)
def shipped() -> DCSTSF:
    """The network that comes with the kit, or the file that STSF_MODEL names; loaded once."""
    return DCSTSF.load(os.environ.get("STSF_MODEL") or SHIPPED)


def _image(values: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
    """(H·W, b) rows -> (b, H, W)."""
    return values.T.reshape(-1, *size).cpu().numpy()


def _steps(answer: Answer, evidence: Evidence) -> dict[str, np.ndarray]:
    """How X2 came about, see `Estimate`."""
    decode, size = evidence.coordinates.decode, evidence.scene.size
    return {
        "candidates": np.stack([_image(decode(z), size) for z in answer.candidates.unbind(1)]),
        "weights": _image(answer.weights.mean(1), size),
        "kept": _image(answer.kept[:, None], size)[0],
    }


def explained_share(scene: Scene) -> np.ndarray:
    """(L,) share of each band's variance that the MS explains at t1, by a linear prediction.

    For spectra with the covariance C of Y1, the MS leaves C - G R C open. No measurement of t2:
    what changed may vary in another way.

    Example:
        >>> import stsf
        >>> share = explained_share(stsf.load_sample())
        >>> bool((share >= 0).all() and (share <= 1).all())
        True
    """
    C = signal_covariance(scene.lrhs_t1, scene.noise_hs, scene.valid_lr)
    unexplained = C - spectral_gain(scene) @ scene.R.R @ C
    return np.clip(1 - np.diag(unexplained) / np.maximum(np.diag(C), SMALLEST_NOISE**2), 0, 1)
