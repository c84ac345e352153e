"""Many runs at once, through joblib: skips what is stored, goes on with what was begun, loses nothing when killed."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import joblib
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError

from neft.errors import NeftError
from neft.methods import Ovf
from neft.options import command_line
from neft.pipeline import Settings, run
from neft.places import default_data_dir
from neft.presets import PlannedRun
from neft.store import RunStore


@dataclass(frozen=True)
class SweepSettings:
    """How a sweep is run."""

    store_root: Path
    num_workers: int = 0
    """Processes; as many as there are cores where 0."""
    threads: int = 1
    """Threads torch computes with in each process."""
    data_dir: Path | None = None
    unfinished_root: Path | None = None
    preset: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep ended."""

    run_id: str
    seconds: float
    error: str | None = None


def missing(planned: Sequence[PlannedRun], store: RunStore) -> list[PlannedRun]:
    """What is not stored yet, the dearest first so that no worker is left with a long run at the end."""
    absent = [one for one in planned if one.config.run_id not in store]
    return sorted(absent, key=_cost, reverse=True)


def sweep(
    planned: Sequence[PlannedRun],
    settings: SweepSettings,
    *,
    on_outcome: Callable[[Outcome], None] = lambda _outcome: None,
) -> list[Outcome]:
    """Run what is missing.

    A run that fails is reported and the others go on. A killed sweep loses no finished run; run it again to go on.

    Raises:
        NeftError: a worker process was killed.
    """
    absent = missing(planned, RunStore(settings.store_root))
    outcomes: list[Outcome] = []
    workers = settings.num_workers or os.cpu_count() or 1
    try:
        for outcome in _parallel(absent, settings, workers=workers):
            outcomes.append(outcome)
            on_outcome(outcome)
    except TerminatedWorkerError:
        message = (
            f"A worker process was killed (out of memory?) after {len(outcomes)} of {len(absent)} runs; what was "
            "finished is kept. Run the same command again to go on, with fewer --workers if memory is short."
        )
        raise NeftError(message) from None
    return outcomes


def _parallel(absent: Sequence[PlannedRun], settings: SweepSettings, *, workers: int) -> Iterator[Outcome]:
    parallel = joblib.Parallel(
        n_jobs=min(workers, max(1, len(absent))),
        return_as="generator_unordered",
        batch_size=cast("Any", 1),  # its stub knows "auto" alone
        pre_dispatch="1*n_jobs",
    )
    outcomes = parallel(joblib.delayed(run_one)(one, settings) for one in absent)
    yield from cast("Iterator[Outcome]", outcomes)


def run_one(planned: PlannedRun, settings: SweepSettings) -> Outcome:
    """Train, evaluate and store one run of a sweep, in whichever process this is."""
    torch.set_num_threads(settings.threads)
    started = time.perf_counter()
    config = planned.config
    error: str | None = None
    try:
        _ = run(
            config,
            Settings(
                store=RunStore(settings.store_root),
                data_dir=settings.data_dir or default_data_dir(),
                weights="codes" if planned.keep_weights else "none",
                preset=settings.preset,
                command=command_line(config),
                unfinished_root=settings.unfinished_root,
                resume=True,
            ),
        )
    except NeftError as failure:
        error = str(failure)
    except Exception as failure:  # noqa: BLE001 - whatever befell one run, the others go on and the report says it
        error = f"{type(failure).__name__}: {failure}"
    return Outcome(run_id=config.run_id, seconds=time.perf_counter() - started, error=error)


def _cost(planned: PlannedRun) -> int:
    config = planned.config
    passes = config.method.num_feedback + 1 if isinstance(config.method, Ovf) else 1
    convolutional = 1 if config.backbone.name == "mlp" else 10
    return convolutional * config.training.epochs * passes
