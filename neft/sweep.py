"""Many runs at once, through joblib: skips what is stored, goes on with what was begun, loses nothing when killed."""

import os
import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import joblib
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError

from neft.errors import NeftError
from neft.methods import Ovf
from neft.options import command_line
from neft.pipeline import Settings, reevaluate, run
from neft.places import default_data_dir
from neft.plans import PlanEntry, PlanRecord
from neft.presets import PlannedRun, Stored
from neft.records import RunRecord
from neft.store import WEIGHTS, RunStore, Stores


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
    counts_shipped: bool = True
    """Whether runs that ship with the package count as stored."""

    @property
    def stores(self) -> Stores:
        """Where runs are looked for; the first is the one that is written to."""
        own = RunStore(self.store_root)
        return Stores(own=own, shipped=Stores.default().shipped if self.counts_shipped else own)


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep ended."""

    run_id: str
    seconds: float
    error: str | None = None


def missing(planned: Sequence[PlannedRun], stored: Container[str]) -> list[PlannedRun]:
    """What is not stored yet, the dearest first so that no worker is left with a long run at the end."""
    absent = [one for one in planned if one.config.run_id not in stored]
    return sorted(absent, key=_cost, reverse=True)


def sweep(
    plan: Callable[[Stored], Sequence[PlannedRun]],
    settings: SweepSettings,
    *,
    on_plan: Callable[[Sequence[PlannedRun], int], None] = lambda _planned, _missing: None,
    on_outcome: Callable[[Outcome], None] = lambda _outcome: None,
) -> list[Outcome]:
    """Run what is missing, round by round: a run may wait for another's weights or for the end of a tuning.

    A run that fails is reported and the others go on. A killed sweep loses no finished run; run it again to go on.

    Args:
        plan: the runs that are known to be needed, given what is stored.
        settings: where and how.
        on_plan: told at the start of each round what is planned and how many runs are missing.
        on_outcome: told of each run that ended.

    Raises:
        NeftError: a worker process was killed.
    """
    outcomes: list[Outcome] = []
    failed: set[str] = set()
    stores = settings.stores
    while True:
        planned = plan(lambda run_id: stores.holder(run_id).record(run_id) if run_id in stores else None)
        absent = [one for one in missing(planned, stores) if one.config.run_id not in failed]
        on_plan(planned, len(absent))
        ready = [one for one in absent if one.waits_for is None or one.waits_for in stores]
        if not ready:
            return outcomes
        for outcome in _round(ready, settings, done=len(outcomes)):
            outcomes.append(outcome)
            if outcome.error:
                failed.add(outcome.run_id)
            on_outcome(outcome)


def _round(ready: Sequence[PlannedRun], settings: SweepSettings, *, done: int) -> Iterator[Outcome]:
    workers = settings.num_workers or os.cpu_count() or 1
    finished = 0
    try:
        for outcome in _parallel(ready, settings, workers=workers):
            finished += 1
            yield outcome
    except TerminatedWorkerError:
        message = (
            f"A worker process was killed (out of memory?) after {done + finished} of {done + len(ready)} runs; what "
            "was finished is kept. Run the same command again to go on, with fewer --workers if memory is short."
        )
        raise NeftError(message) from None


def plan_record(planned: Sequence[PlannedRun], *, name: str, preset: str, command: str) -> PlanRecord | None:
    """The plan of a sweep as it is kept beside its runs; None where no run stands in an experiment."""
    entries = [
        PlanEntry(
            experiment=place.experiment,
            series=place.series,
            label=place.label,
            setting=place.setting,
            position=place.position,
            sigma_d=round(place.sigma_d, 6),  # as evaluations have it
            seed=one.config.training.seed,
            run_id=one.config.run_id,
        )
        for one in planned
        for place in one.places
    ]
    return PlanRecord(name=name, preset=preset, command=command, entries=tuple(entries)) if entries else None


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
    stores = settings.stores
    how = Settings(
        store=stores.own,
        data_dir=settings.data_dir or default_data_dir(),
        weights="codes" if planned.keep_weights else "none",
        preset=settings.preset,
        command=command_line(config),
        pretrained_stores=stores,
        unfinished_root=settings.unfinished_root,
        resume=True,
    )
    try:
        trained = _with_weights(planned.weights_of, stores)
        _ = run(config, how) if trained is None else reevaluate(trained, config, how)
    except NeftError as failure:
        error = str(failure)
    except Exception as failure:  # noqa: BLE001 - whatever befell one run, the others go on and the report says it
        error = f"{type(failure).__name__}: {failure}"
    return Outcome(run_id=config.run_id, seconds=time.perf_counter() - started, error=error)


def _with_weights(run_id: str | None, stores: Stores) -> RunRecord | None:
    """The stored run whose weights are to be evaluated; None to train: another sweep may not have kept them."""
    record = None if run_id is None else stores.holder(run_id).record(run_id)
    return record if record is not None and WEIGHTS in record.files else None


def _cost(planned: PlannedRun) -> int:
    config = planned.config
    passes = config.method.num_feedback + 1 if isinstance(config.method, Ovf) else 1
    if planned.weights_of is not None:
        return 0
    convolutional = 1 if config.backbone.name == "mlp" else 10
    return convolutional * config.training.epochs * passes
