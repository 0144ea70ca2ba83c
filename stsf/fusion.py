"""From three images to the fused product: calibrate, estimate X1, carry it to t2, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from tqdm.auto import tqdm

from stsf.alignment.agreement import check_agreement, check_units
from stsf.alignment.align import align
from stsf.alignment.coverage import LEAST, covered_bands, without_hidden
from stsf.alignment.days import tell_days_apart
from stsf.alignment.estimates import DetectorFit
from stsf.alignment.softness import Softness, product_softness
from stsf.errors import InputError
from stsf.metrics.consistency import residuals
from stsf.scene import Scene
from stsf.sensing.response import MIN_COVERAGE

if TYPE_CHECKING:
    from stsf.network import DCSTSF

Product = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]
Estimator = Callable[[Scene, Softness | None, bool], Product]


@dataclass(frozen=True, eq=False)
class Fused:
    """The product and how it came about.

    Attributes:
        hrhs_t1: estimate of X1, (L, H, W) reflectance; NaN where an MS date has no data, as in
            all cubes here. Values below 0 or above 1 are left as they are, and counted in `report`.
        hrhs_t2: estimate of X2, (L, H, W).
        scene: the scene as it was fused: registered, with the response as found.
        report: method, what the alignment found, consistency; plain values, ready for JSON.
        sigma_t2: (L, H, W) standard error of `hrhs_t2`, ±1.645 σ meant to hold 90 % of the truth;
            None from a method that does not say.
        explained: (L,) share of each band's variance that the MS explains at t1, as the bands of
            Y1 vary together; no measurement of t2. None as above.
    """

    hrhs_t1: np.ndarray
    hrhs_t2: np.ndarray
    scene: Scene
    report: Mapping[str, Any]
    sigma_t2: np.ndarray | None = None
    explained: np.ndarray | None = None

    @property
    def valid(self) -> np.ndarray:
        """(H, W) False where Y1, M1 or M2 has no data.

        The estimate there rests on its neighbours; its error is larger than `sigma_t2` says.
        """
        r = self.scene.ratio
        return self.scene.valid_hr & self.scene.valid_lr.repeat(r, axis=0).repeat(r, axis=1)


def fuse(
    scene: Scene,
    method: str = "dcstsf",
    *,
    model: DCSTSF | str | Path | None = None,
    calibrate: Literal["auto", "none"] = "auto",
    softness: Sequence[float] | Literal["auto"] | None = None,
    force: bool = False,
    progress: bool = False,
) -> Fused:
    """Predict X2 (and X1) from Y1, M1 and M2.

    Args:
        scene: the observations; truth, if any, is not looked at, nor what a mask hides.
        method: "dcstsf", the network, or any that is registered in `stsf.baselines`: "projection"
            is regularised alternating projection for X1, then MMSE injection of M2 - R X1 for X2.
        model: a trained network or its file; the one that comes with the kit without it.
        calibrate: "auto" finds shifts, PSF and the MS response, units included, from the images
            and mends them; "none" takes the scene as it is.
        softness: of the product, σ in its pixels for each HS detector: how much softer than the MS
            its bands are meant to be, as in an image of the spectrometer itself; "auto" takes it
            from the images, else from the sensor's table (`stsf.alignment.product_softness`).
            Without it all bands are meant to be as sharp as the MS. Only for "dcstsf".
        force: go on where the images contradict one another (`stsf.alignment.check_agreement`).
        progress: show a progress bar.

    Raises:
        InputError: unknown method or option, a model file that cannot be read, or images that do
            not show the same ground in the same bands and units.

    Example:
        >>> import stsf
        >>> fused = stsf.fuse(stsf.load_sample().crop(slice(0, 20), slice(0, 20)))
        >>> fused.hrhs_t2.shape[1:]
        (60, 60)
    """
    if calibrate not in ("auto", "none"):
        raise InputError(
            f"expected calibrate='auto' or 'none', got {calibrate!r}: write it like that"
        )
    tell_days_apart(scene.dates or (None, None))
    scene = without_hidden(scene)
    scene = covered_bands(scene, LEAST if calibrate == "auto" else MIN_COVERAGE)
    chosen = _network(model) if method == "dcstsf" else _registered(method, model)
    if softness is not None and method != "dcstsf":
        raise InputError(
            f"expected the method dcstsf with a softness, got {method}, which has none: leave the "
            "softness out"
        )
    report: dict[str, Any] = {"method": method, "calibrate": calibrate, "found": []}
    fits: tuple[DetectorFit, ...] = ()
    if calibrate == "auto":
        scene, alignment = align(scene, check=not force)
        report |= {**alignment.as_dict(), "found": alignment.summary()}
        fits = alignment.registration.hs
    elif not force:
        check_agreement(scene)
    if not force:
        check_units(scene)
    soft = None if softness is None else product_softness(scene, softness, fits)
    if soft is not None:
        scene = soft.apply(scene)
        report |= {**soft.as_dict(), "found": report["found"] + soft.summary()}
    x1, x2, more = chosen(scene, soft, progress)
    fit = residuals(soft.seen(scene) if soft else scene, x1, x2)
    report["consistency"] = {name: round(value, 3) for name, value in fit.items()}
    x1, x2 = _observed(x1, scene), _observed(x2, scene)
    if "sigma_t2" in more:
        more["sigma_t2"] = _observed(more["sigma_t2"], scene)
    report["outside"] = {
        name: {"below 0": _share(cube < 0), "above 1": _share(cube > 1)}
        for name, cube in (("X1", x1), ("X2", x2))
    }
    return Fused(x1, x2, scene, report, **more)


def _observed(cube: np.ndarray, scene: Scene) -> np.ndarray:
    """The cube (L, H, W) with NaN where an MS date has no data (a cloud, a border)."""
    return cube if scene.valid_hr.all() else np.where(scene.valid_hr, cube, np.float32("nan"))


def _share(where: np.ndarray) -> float:
    return round(float(np.mean(where)), 5)


def _registered(name: str, model: DCSTSF | str | Path | None) -> Estimator:
    """A method of `stsf.baselines`, checked before any work.

    One that estimates X1 only is carried to t2 by MMSE injection; one that estimates X2 only
    starts from the X1 of regularised alternating projection.
    """
    from stsf.baselines import get_method, methods  # torch: not at import

    known = {date: methods(date) for date in ("x1", "x2")}
    if not any(name in of_date for of_date in known.values()):
        every = ", ".join(sorted({*known["x1"], *known["x2"]}))
        raise InputError(f"expected a method out of {every}, got {name!r}: choose one of these")
    if model is not None:
        raise InputError(
            f"expected no model with the method {name!r}, which has nothing to load: "
            "leave the model out, or use the method 'dcstsf'"
        )
    first = get_method(name if name in known["x1"] else "projection", "x1")
    second = get_method(name if name in known["x2"] else "injection", "x2")

    def estimate(scene: Scene, softness: Softness | None, progress: bool) -> Product:
        with tqdm(total=2, desc="X1, X2", unit="image", disable=not progress) as bar:
            x1 = first(scene)
            bar.update()
            x2 = second(scene, x1)
            bar.update()
        return x1, x2, {}

    return estimate


def _network(model: DCSTSF | str | Path | None) -> Estimator:
    from stsf.network import DCSTSF, explained_share, shipped  # torch: not at import

    network = model if isinstance(model, DCSTSF) else DCSTSF.load(model) if model else shipped()

    def estimate(scene: Scene, softness: Softness | None, progress: bool) -> Product:
        with tqdm(total=2, desc="SSJE, TVE", unit="task", disable=not progress) as bar:
            x1 = network.first_date(scene, softness.values if softness else None)
            bar.update()
            scene = softness.seen(scene) if softness else scene
            second = network.second_date(scene, x1)
            bar.update()
        return x1, second.x2, {"sigma_t2": second.sigma, "explained": explained_share(scene)}

    return estimate


def format_report(report: Mapping[str, Any]) -> str:
    """The report of `fuse` in plain lines."""
    fit = [f"{name}: {value:.2f} of the noise" for name, value in report["consistency"].items()]
    beyond = [
        f"{name}: {where['below 0']:.2%} below 0, {where['above 1']:.2%} above 1"
        for name, where in report["outside"].items()
    ]
    lines = [f"method: {report['method']}", *report["found"], "residuals: " + ", ".join(fit)]
    return "\n".join([*lines, "values that are no reflectance: " + "; ".join(beyond)])
