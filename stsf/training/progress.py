"""Progress of a training: bars in a terminal or notebook, and a loss plot that is alive."""

from __future__ import annotations

from tqdm.auto import tqdm

from stsf.training.loops import Progress


class Bars:
    """Callback of a training: one bar per stage, with the mean loss of the last steps.

    Args:
        disable: show nothing.

    Example:
        >>> with Bars(disable=True) as bars:
        ...     bars(Progress("SSJE", 1, 10, 0.5))
    """

    def __init__(self, disable: bool = False) -> None:
        self._disable = disable
        self._bar: tqdm | None = None
        self._stage, self._loss = "", 0.0

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, progress: Progress) -> None:
        """Told after every step."""
        if progress.stage != self._stage or self._bar is None:
            if self._bar is not None:
                self._bar.close()
            self._stage, self._loss = progress.stage, progress.loss
            done, stage, steps = progress.step - 1, progress.stage, progress.steps
            show = {"disable": self._disable, "mininterval": 0.5}
            self._bar = tqdm(total=steps, desc=stage, initial=done, **show)
        self._loss += 0.02 * (progress.loss - self._loss)
        if self._loss == self._loss:
            self._bar.set_postfix(loss=f"{self._loss:.4f}", refresh=False)
        self._bar.update()
