"""Many runs at once, through joblib: skips what is stored, goes on with what was begun, loses nothing when killed."""

import os
import time
import warnings
from collections import Counter
from collections.abc import Callable, Container, Generator, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import joblib

from neft.config import RunConfig
from neft.errors import ConfigError, NeftError, StoreError
from neft.experiments.planning import PlannedRun, Stored
from neft.options import command_line
from neft.pipeline import Settings, identified, load_data, reevaluate, run
from neft.runs import unfinished
from neft.runs.places import default_data_dir
from neft.runs.plans import PlanEntry, PlanRecord
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS, RunStore, Stores
from neft.sweeps import run_time
from neft.sweeps.cluster import on_cluster
from neft.sweeps.orphans import end_with

MAX_BREAKS = 2
"""How often a run may be under way when a worker process is killed; then it is run alone, to see whose fault it is."""
UNORDERED: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}


@dataclass(frozen=True)
class SweepSettings:
    """How a sweep is run."""

    store_root: Path
    num_workers: int = 0
    """Processes; one a core where 0, but no more than there are runs."""
    cores: int = 0
    """Of each process, over which it spreads chips; where 0 they are shared out, or one where others share them out."""
    cluster: str | None = None
    """Address of a Dask scheduler whose workers are to run it. They must reach `store_root` by the same path."""
    data_dir: Path | None = None
    download: bool = False
    """Whether a missing data set may be fetched."""
    unfinished_root: Path | None = None
    preset: str | None = None
    counts_shipped: bool = True
    """Whether runs that ship with the package count as stored."""

    @property
    def stores(self) -> Stores:
        """Where runs are looked for; the first is the one that is written to."""
        own = RunStore(self.store_root)
        return Stores(own=own, shipped=Stores.default().shipped if self.counts_shipped else own)

    def find(self, run_id: str) -> RunRecord | None:
        """A stored run's record, if it is stored and can be read."""
        stores = self.stores
        with suppress(StoreError):  # a sweep says why, and goes on
            return stores.holder(run_id).record(run_id) if run_id in stores else None
        return None


@dataclass(frozen=True)
class RunEnd:
    """How one run of a sweep ended."""

    run_id: str
    seconds: float
    error: str | None = None


def missing(planned: Sequence[PlannedRun], stored: Container[str]) -> list[PlannedRun]:
    """What is not stored yet, the dearest first so that no worker is left with a long run at the end."""
    absent = [one for one in planned if one.run_id not in stored]
    return sorted(absent, key=workload, reverse=True)


def _is_in(stored: Container[str], run_id: str, *, if_untold: bool) -> bool:
    """Whether a run is stored; where the system does not tell, `run_one` says why."""
    try:
        return run_id in stored
    except StoreError:
        return if_untold


def look(
    plan: Callable[[Stored], Sequence[PlannedRun]], settings: SweepSettings
) -> tuple[Sequence[PlannedRun], list[PlannedRun]]:
    """What is planned by now, and what of it is not stored or cannot be read.

    Raises:
        StoreError: the store's own folder cannot be read.
    """
    unread: set[str] = set()
    _ = settings.stores.own.ids()  # where that folder is closed, nothing can be told of any run

    def find(run_id: str) -> RunRecord | None:
        record = settings.find(run_id)
        if record is None:
            unread.add(run_id)
        return record

    planned, stores = plan(find), settings.stores
    run_ids = {one.run_id for one in planned} - unread
    return planned, missing(planned, {run_id for run_id in run_ids if _is_in(stores, run_id, if_untold=False)})


def sweep(
    plan: Callable[[Stored], Sequence[PlannedRun]],
    settings: SweepSettings,
    *,
    on_plan: Callable[[Sequence[PlannedRun], Sequence[PlannedRun]], None] = lambda _planned, _absent: None,
    on_end: Callable[[RunEnd], None] = lambda _end: None,
    on_notice: Callable[[str], None] = lambda _notice: None,
) -> list[RunEnd]:
    """Run what is missing, round by round: a run may wait for another's weights or for the end of a tuning.

    A run that fails is reported and the others go on. When a worker process is killed, what it was at goes on in
    another from its last whole epoch; a run whose workers are killed again and again has failed. A killed sweep loses
    no finished run, and its processes end with it; run it again to go on.

    Args:
        plan: the runs that are known to be needed, given what is stored.
        settings: where and how.
        on_plan: told at the start of each round what is planned and what of it is missing.
        on_end: told of each run that ended.
        on_notice: told what else a user should know.

    Raises:
        DataMissingError: a data set could not be fetched.
        NeftError: there is no cluster, or its scheduler went away.
    """
    settings = settings if settings.cluster is None else _shared(settings)
    ends: list[RunEnd] = []
    failed: set[str] = set()
    stores = settings.stores
    while True:
        planned, absent = look(plan, settings)
        _forget_states(planned, settings)
        absent = [one for one in absent if one.run_id not in failed]
        on_plan(planned, absent)
        ready = [one for one in absent if all(_is_in(stores, run_id, if_untold=True) for run_id in one.waits_for)]
        if not ready:
            return ends
        if settings.download:
            _fetch_data(ready, settings)
        for end in _local(ready, settings, on_notice) if settings.cluster is None else _remote(ready, settings):
            ends.append(end)
            if end.error:
                failed.add(end.run_id)
            on_end(end)


def _shared(settings: SweepSettings) -> SweepSettings:
    """By paths that hold on every machine of a cluster; unfinished trainings beside the runs, to go on anywhere."""
    root = settings.store_root.resolve()
    return replace(
        settings,
        store_root=root,
        data_dir=settings.data_dir and settings.data_dir.resolve(),
        unfinished_root=(settings.unfinished_root or root / ".unfinished").resolve(),
    )


def _forget_states(planned: Sequence[PlannedRun], settings: SweepSettings) -> None:
    """Of runs that are stored: a process may have been killed between storing a run and forgetting its last epoch."""
    own = settings.stores.own
    for one in planned:
        with suppress(StoreError):  # a run that needs what cannot be read says so itself
            if unfinished.exists(one.config, settings.unfinished_root) and one.run_id in own:
                unfinished.discard(one.config, settings.unfinished_root)


def _fetch_data(ready: Sequence[PlannedRun], settings: SweepSettings) -> None:
    """Fetch what data are missing, once and before any process starts."""
    how = Settings(store=settings.stores.own, data_dir=settings.data_dir or default_data_dir(), download=True)
    for one in {one.config.dataset.model_dump_json(): one for one in ready}.values():
        _ = load_data(one.config, how)


def plan_record(
    planned: Sequence[PlannedRun], *, name: str, preset: str, command: str, fixed_seeds: Mapping[str, int]
) -> PlanRecord | None:
    """The plan of a sweep as it is kept beside its runs; None where no run stands in an experiment."""
    entries = [
        PlanEntry(
            experiment=standing.experiment,
            series=standing.series,
            setting=standing.setting,
            position=standing.position,
            sigma_d=standing.sigma_d,
            seed=one.config.training.seed,
            run_id=one.run_id,
        )
        for one in planned
        for standing in one.standings
    ]
    if not entries:
        return None
    seeds = dict(fixed_seeds)
    return PlanRecord(name=name, preset=preset, command=command, fixed_seeds=seeds, entries=tuple(entries))


def _local(ready: Sequence[PlannedRun], settings: SweepSettings, on_notice: Callable[[str], None]) -> Iterator[RunEnd]:
    """On this machine. A killed process breaks its whole pool, and which run it was at is not known.

    What was under way goes on in a new pool, after what was not; when that has happened to it too often, on its own.
    """
    cores = joblib.cpu_count()
    workers = min(settings.num_workers or cores, len(ready))
    settings = replace(settings, cores=settings.cores or max(1, cores // workers))
    left = {one.run_id: one for one in ready}
    breaks: Counter[str] = Counter()
    while left:
        together = sorted((run_id for run_id in left if breaks[run_id] < MAX_BREAKS), key=breaks.__getitem__)
        chosen = together or [next(iter(left))]
        begun: set[str] = set()
        try:
            for end in _in_processes([left[run_id] for run_id in chosen], settings, workers, begun):
                del left[end.run_id]
                yield end
        except BrokenProcessPool:
            breaks.update(begun & left.keys())
            on_notice(
                "A worker process was killed (out of memory?); what was under way goes on from its last whole epoch."
            )
        if not together and breaks[chosen[0]] > MAX_BREAKS:
            del left[chosen[0]]
            error = (
                f"Its worker process was killed {MAX_BREAKS + 1} times, last when nothing else ran (out of memory?)."
            )
            yield RunEnd(run_id=chosen[0], seconds=0.0, error=error)


def _in_processes(
    chosen: Sequence[PlannedRun], settings: SweepSettings, workers: int, begun: set[str]
) -> Iterator[RunEnd]:
    """Through loky; `begun` is told of each run that is handed to a process."""

    def calls() -> Iterator[Any]:
        for one in chosen:
            begun.add(one.run_id)
            yield joblib.delayed(run_one)(one, settings)

    parallel = joblib.Parallel(
        n_jobs=max(2, min(workers, len(chosen))),  # a single one would be run in this process
        pre_dispatch=str(min(workers, len(chosen))),
        initializer=end_with,
        initargs=(os.getpid(),),
        **UNORDERED,
    )
    with workers_may_be_replaced():
        yield from cast("Iterator[RunEnd]", parallel(calls()))


@contextmanager
def workers_may_be_replaced() -> Generator[None]:
    """Without loky's warning of a worker that it replaces, which costs nothing.

    It takes a worker to leak that is 300 MB larger than after its first run, as one is that trained a small network
    first. Where warnings are errors, that one would end the pool's own thread, and the sweep would wait for ever.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given", category=UserWarning)
        yield


def _remote(ready: Sequence[PlannedRun], settings: SweepSettings) -> Iterator[RunEnd]:
    """On a Dask cluster, whose scheduler gives the runs of a killed worker to another."""
    call = partial(run_one, settings=settings)
    for end in on_cluster(settings.cluster or "", call, ready, on_loss=_lost):
        yield _arrived(end, settings.stores.own)


def _lost(planned: PlannedRun, reason: str) -> RunEnd:
    return RunEnd(run_id=planned.run_id, seconds=0.0, error=reason)


def _arrived(end: RunEnd, store: RunStore) -> RunEnd:
    if end.error is not None or store.has_arrived(end.run_id):
        return end
    error = (
        f"It was stored by a worker but is not in '{store.root}' here: that must be one and the same folder on every "
        "machine of the cluster."
    )
    return replace(end, error=error)


def run_one(planned: PlannedRun, settings: SweepSettings) -> RunEnd:
    """Train, evaluate and store one run of a sweep, in whichever process this is."""
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
        cores=settings.cores or 1,
        unfinished_root=settings.unfinished_root,
        resume=True,
    )
    try:
        _refuse_unreadable(config, stores)
        _refuse_unidentified(config)
        trained = _with_weights(planned.weights_of, stores)
        _ = run(config, how) if trained is None else reevaluate(trained, config, how)
    except NeftError as failure:
        error = str(failure)
    except Exception as failure:  # noqa: BLE001 - whatever befell one run, the others go on and the report says it
        error = f"{type(failure).__name__}: {failure}"
    if error is not None and _is_whole(config.run_id, stores.own):  # by another process that was given it too
        unfinished.discard(config, settings.unfinished_root)
        error = None
    return RunEnd(run_id=config.run_id, seconds=time.perf_counter() - started, error=error)


def _refuse_unreadable(config: RunConfig, stores: Stores) -> None:
    """A run that is there and cannot be read is not made again in its place."""
    if config.run_id in stores:
        _ = stores.holder(config.run_id).record(config.run_id)


def _is_whole(run_id: str, store: RunStore) -> bool:
    try:
        return run_id in store and store.record(run_id).id == run_id
    except StoreError:
        return False


def _refuse_unidentified(config: RunConfig) -> None:
    """Images of one's own are part of a run's id: it was planned under another if they were not there then."""
    if identified(config) != config:
        message = f"The images of {config.dataset.label} were not known when the run was planned. Plan it again."
        raise ConfigError(message)


def _with_weights(run_id: str | None, stores: Stores) -> RunRecord | None:
    """The stored run whose weights are to be evaluated; None to train: another sweep may not have kept them."""
    record = None if run_id is None else stores.holder(run_id).record(run_id)
    return record if record is not None and WEIGHTS in record.files else None


def workload(planned: PlannedRun) -> float:
    """How long a run takes, roughly: its multiplications; passes an image where a data set's size is not known."""
    config = planned.config
    phases = run_time.PHASES if planned.weights_of is None else run_time.PHASES[1:]
    counted = [found.multiplications for phase in phases if (found := run_time.work(config, phase)) is not None]
    return sum(counted) if counted else float(config.training.epochs * config.method.num_passes)
