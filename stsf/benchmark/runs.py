"""Methods x scenes -> one tidy table, in parallel, resumable, with seconds and memory."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import get_args

import numpy as np
import pandas as pd
from tqdm import tqdm

from stsf import metrics
from stsf.baselines.registry import Target, get_method, methods
from stsf.benchmark.suites import suite
from stsf.errors import InputError
from stsf.files.atomic import replacing
from stsf.scene import Scene
from stsf.sensing.subspace import band_quality

X1_FOR_X2 = "local-regression"  # the X1 estimate that every temporal method starts from
CLEAR_PEAK = Path("/proc/self/clear_refs")  # Linux: writing 5 resets the peak of resident memory


@dataclass(frozen=True)
class Task:
    """One method on one scene."""

    suite: str
    scene: str
    target: str
    method: str

    @property
    def key(self) -> str:
        """Names the task in the journal of an interrupted run."""
        return "/".join((self.suite, self.scene, self.target, self.method))


def tasks(
    name: str, chosen: Sequence[str] | None = None, seeds: Sequence[int] = range(1000, 1008)
) -> list[Task]:
    """All tasks of a suite, scene by scene.

    Args:
        name: of the suite.
        chosen: method names of either target; None takes all.
        seeds: of the simulated scenes.

    Raises:
        InputError: an unknown suite or method.
    """
    known = [(t, m) for t in get_args(Target) for m in methods(t)]
    unknown = set(chosen or ()) - {m for _, m in known}
    if unknown:
        raise InputError(
            f"unknown method {sorted(unknown)[0]!r}: choose among {', '.join(m for _, m in known)}"
        )
    wanted = [(t, m) for t, m in known if chosen is None or m in chosen]
    return [Task(name, scene, t, m) for scene in suite(name, seeds).scenes for t, m in wanted]


def run_task(task: Task) -> list[dict]:
    """Run one method on one scene and score it: one row per region and band group."""
    scene = _scene(task.suite, task.scene)
    method = get_method(task.method, task.target)  # type: ignore[arg-type]
    x1 = _first_date(task.suite, task.scene) if task.target == "x2" else None
    before = _reset_peak()
    start = time.perf_counter()
    estimate = method(scene, x1)
    seconds = time.perf_counter() - start
    about = {
        **vars(task), "label": method.label, "x1": X1_FOR_X2 if x1 is not None else "",
        "seconds": round(seconds, 3), "peak_mb": _peak_mb() - before,
    }  # fmt: skip
    return [{**about, **row} for row in score(scene, estimate, task.target)]


def score(scene: Scene, estimate: np.ndarray, target: str) -> list[dict]:
    """`metrics.evaluate` against the scene's truth, with the band groups of the kit.

    Args:
        scene: with truth.
        estimate: (L, H, W).
        target: "x1" or "x2"; regions of change are scored for "x2" only.
    """
    truth = scene.hrhs_t1 if target == "x1" else scene.hrhs_t2
    assert truth is not None
    groups = metrics.band_groups(scene.hs, scene.ms)
    quality = band_quality(scene.hs.centre)
    groups |= {name: quality == name for name in ("clean", "vapour") if (quality == name).any()}
    rows = metrics.evaluate(
        estimate, truth, ratio=scene.ratio, valid=scene.valid_hr,
        change=scene.change if target == "x2" else None, bands=groups,
    )  # fmt: skip
    return [dict(row) for row in rows]


@lru_cache(maxsize=2)
def _scene(name: str, identifier: str) -> Scene:
    return suite(name).make(identifier)


@lru_cache(maxsize=2)
def _first_date(name: str, identifier: str) -> np.ndarray:
    return get_method(X1_FOR_X2, "x1")(_scene(name, identifier))


def _reset_peak() -> float:
    """Start a new peak of resident memory; returns what is resident now, MB (NaN off Linux)."""
    try:
        CLEAR_PEAK.write_text("5")
    except OSError:
        return float("nan")
    return _peak_mb()


def _peak_mb() -> float:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return float("nan")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def run(
    todo: Sequence[Task], out: Path, *, workers: int = 2, progress: bool = True
) -> pd.DataFrame:
    """Run all tasks and write the CSV; a run that was killed continues where it stopped.

    Finished tasks are kept in a journal beside `out` until the table is complete.

    Args:
        todo: see `tasks`.
        out: CSV file.
        workers: processes, one thread each.
        progress: show a bar.

    Returns:
        The table, one row per task, region and band group.
    """
    journal = out.with_suffix(out.suffix + ".journal")
    done = {key: rows for key, rows in _read_journal(journal)}
    missing = [task for task in todo if task.key not in done]
    bar = tqdm(total=len(todo), initial=len(todo) - len(missing), disable=not progress)
    out.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("a") as log, bar:
        for task, rows in _in_parallel(missing, workers):
            done[task.key] = rows
            log.write(json.dumps([task.key, rows]) + "\n")
            log.flush()
            bar.update()
    table = pd.DataFrame([row for task in todo for row in done[task.key]])
    with replacing(out) as temporary:
        table.to_csv(temporary, index=False, float_format="%.5g", quoting=csv.QUOTE_MINIMAL)
    journal.unlink()
    return table


def _read_journal(journal: Path) -> Iterator[tuple[str, list[dict]]]:
    """Finished tasks; a last line cut off by a kill is left out."""
    if not journal.exists():
        return
    try:
        lines = journal.read_text(encoding="utf-8").splitlines()
        for line in lines:
            try:
                key, rows = json.loads(line)
            except json.JSONDecodeError:
                if line is lines[-1]:
                    continue
                raise
            yield key, rows
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"expected the journal of an interrupted benchmark in {journal}, got another file: "
            "choose another --out, or move it away"
        ) from error


def _in_parallel(todo: Sequence[Task], workers: int) -> Iterator[tuple[Task, list[dict]]]:
    """Scenes are dealt out whole, so that each is made once, unless one worker does it all."""
    if workers == 1:
        yield from ((task, run_task(task)) for task in todo)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
        try:
            futures = {pool.submit(run_task, task): task for task in todo}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for ever."""

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def summary(table: pd.DataFrame, target: str) -> pd.DataFrame:
    """Mean over the scenes, best first: one row per method.

    Args:
        table: see `run`.
        target: "x1" or "x2".

    Returns:
        Columns psnr (global), spread (its standard deviation over scenes), mean_psnr, sam, ergas,
        ssim, seconds; for "x2" also psnr and sam of changed and unchanged pixels.
    """
    rows = table[(table.target == target) & (table.bands == "all")]
    whole = rows[rows.region == "all"].groupby("label")
    result = whole[["psnr", "mean_psnr", "sam", "ergas", "ssim", "seconds"]].mean()
    result.insert(1, "spread", whole["psnr"].std())
    for region in ("changed", "unchanged") if target == "x2" else ():
        part = rows[rows.region == region].groupby("label")[["psnr", "sam"]].mean()
        result = result.join(part.add_prefix(f"{region}_"))
    return result.sort_values("psnr", ascending=False)


def markdown(table: pd.DataFrame, target: str) -> str:
    """`summary` as a table for the README.

    Example:
        >>> row = {"target": "x1", "bands": "all", "region": "all", "label": "Bicubic"}
        >>> row |= dict(psnr=25.1, mean_psnr=24.0, sam=3.2, ergas=5.0, ssim=0.8, seconds=0.1)
        >>> print(markdown(pd.DataFrame([row, row]), "x1"))
        | method | PSNR (dB) | mean PSNR | SAM (°) | ERGAS | SSIM | seconds |
        |---|---|---|---|---|---|---|
        | Bicubic | 25.1 ± 0.0 | 24.0 | 3.20 | 5.0 | 0.800 | 0.1 |
    """
    head = ["method", "PSNR (dB)", "mean PSNR", "SAM (°)", "ERGAS", "SSIM", "seconds"]
    form = ["{:.1f} ± {:.1f}", "{:.1f}", "{:.2f}", "{:.1f}", "{:.3f}", "{:.1f}"]
    columns = [["psnr", "spread"], ["mean_psnr"], ["sam"], ["ergas"], ["ssim"], ["seconds"]]
    if target == "x2":
        head[3:3] = ["changed", "unchanged"]
        form[2:2] = ["{:.1f}", "{:.1f}"]
        columns[2:2] = [["changed_psnr"], ["unchanged_psnr"]]
    lines = [head]
    for label, row in summary(table, target).iterrows():
        lines.append([str(label), *(f.format(*row[c]) for f, c in zip(form, columns, strict=True))])
    text = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([text[0], "|---" * len(head) + "|", *text[1:]])
