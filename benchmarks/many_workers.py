"""What does a sweep on a Dask cluster cost beyond its runs, and what does it lose when workers come, go and are killed?

    python -m benchmarks.many_workers
    python -m benchmarks.many_workers --workers 4 --seconds 60 --runs 60

Starts a scheduler and so many worker processes on this machine, all on one store, and sweeps small trainings of one
epoch (digits, a narrow MLP, few chips), twice:

- undisturbed: per run, from its end to the next one's beginning in the same worker, on the wall and in the worker's
  processor (what the wall shows beyond that, other processes took);
- for so many seconds: every ten, one worker is killed and another begins in its stead, and halfway between one leaves
  in order and another joins. Counted are the runs that are lost (not stored whole, or never reported as stored) and
  those that come twice (reported more than once, or stored without having been asked for).

Exits with 1 where something was lost or came twice.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from neft.config import RunConfig
from neft.experiments.planning import PlannedRun
from neft.options import make_config
from neft.runs.store import RunStore
from neft.sweeps.cluster import on_cluster
from neft.sweeps.sweep import RunEnd, SweepSettings, run_one, sweep

ROOT = Path(__file__).resolve().parents[1]
BETWEEN_KILLS = 10.0
"""Seconds."""
SMALL = {
    "backbone": "mlp",
    "method": "noise_injection",
    "hidden_layers": 2,
    "hidden_units": 16,
    "epochs": 1,
    "max_train": 256,
    "num_instances": 4,
    "test_sigma_d": "0,0.1",
}
LONGER = {"epochs": 12}
"""Of the disturbed sweep, so that kills meet runs that are under way."""


@dataclass(frozen=True)
class Told:
    """One call in a worker."""

    run_id: str
    pid: int
    began: float
    ended: float
    processor_began: float
    processor_ended: float
    error: str | None


@dataclass
class Workers:
    """A scheduler and the workers that it has now."""

    address: str
    folder: Path
    alive: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - any order does

    def join(self) -> None:
        """One more."""
        arguments = ("worker", self.address, "--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder))
        self.alive.append(dask(*arguments))

    def kill(self) -> None:
        """One is killed, whatever it is at."""
        self._take().kill()

    def leave(self) -> None:
        """One is asked to end."""
        self._take().terminate()

    def _take(self) -> "subprocess.Popen[bytes]":
        return self.alive.pop(self.rng.randrange(len(self.alive)))


def dask(*arguments: str) -> "subprocess.Popen[bytes]":
    """A `dask` command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments, "--no-dashboard", "--host", "127.0.0.1"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def cluster(folder: Path, count: int) -> Generator[Workers]:
    """So many workers, ready."""
    from distributed import Client  # noqa: PLC0415 - an optional package

    facts = folder / "scheduler.json"
    facts.unlink(missing_ok=True)
    scheduler = dask("scheduler", "--port", "0", "--scheduler-file", str(facts))
    started = [scheduler]
    try:
        while not (facts.exists() and facts.read_text(encoding="utf-8").endswith("}")):
            time.sleep(0.05)
        workers = Workers(json.loads(facts.read_text(encoding="utf-8"))["address"], folder)
        for _ in range(count):
            workers.join()
        with Client(workers.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=300)
        yield workers
        started += workers.alive
    finally:
        for process in started:
            process.kill()
            _ = process.wait()


def trainings(count: int, **settings: object) -> list[PlannedRun]:
    """Of as many seeds."""
    config = make_config(SMALL | settings)
    return [PlannedRun(_seeded(config, seed)) for seed in range(count)]


def _seeded(config: RunConfig, seed: int) -> RunConfig:
    return config.model_copy(update={"training": config.training.model_copy(update={"seed": seed})})


def told(planned: PlannedRun, settings: SweepSettings) -> Told:
    """A run of the sweep, and when this worker began and ended it."""
    began, processor = time.time(), time.process_time()
    end = run_one(planned, settings)
    return Told(end.run_id, os.getpid(), began, time.time(), processor, time.process_time(), end.error)


def undisturbed(folder: Path, num_workers: int, num_runs: int) -> None:
    """Print what is between runs."""
    settings = _settings(folder, "undisturbed")
    with cluster(folder, num_workers) as workers:
        warm = trainings(num_workers * 2, epochs=2)  # imports and data, once a worker
        _ = list(on_cluster(workers.address, partial(told, settings=settings), warm, on_loss=_lost))
        began = time.perf_counter()
        calls = list(on_cluster(workers.address, partial(told, settings=settings), trainings(num_runs), on_loss=_lost))
        wall = time.perf_counter() - began
    gaps, processor = _between(calls)
    seconds = [call.ended - call.began for call in calls]
    print(f"undisturbed: {len(calls)} runs, {num_workers} workers, {os.cpu_count()} cores, {wall:.1f} s")
    print(f"  a run                                   {1000 * statistics.median(seconds):8.1f} ms, median")
    print(f"  between runs of a worker, on the wall   {1000 * statistics.median(gaps):8.1f} ms, median")
    print(f"                                          {1000 * statistics.fmean(gaps):8.1f} ms, mean")
    print(f"  between runs of a worker, processor     {1000 * statistics.fmean(processor):8.1f} ms, mean")
    print(f"  errors                                  {sum(call.error is not None for call in calls):8}")


def _between(calls: Sequence[Told]) -> tuple[list[float], list[float]]:
    """Seconds from a run's end to the next one's beginning in the same worker: on the wall, and of its processor."""
    by_worker: dict[int, list[Told]] = {}
    for call in sorted(calls, key=lambda call: call.began):
        by_worker.setdefault(call.pid, []).append(call)
    pairs = [pair for of_one in by_worker.values() for pair in pairwise(of_one)]
    return (
        [after.began - before.ended for before, after in pairs],
        [after.processor_began - before.processor_ended for before, after in pairs],
    )


def disturbed(folder: Path, num_workers: int, seconds: float) -> int:
    """Kill, let go and let join; print and return how many runs were lost or came twice."""
    settings = _settings(folder, "disturbed")
    over = threading.Event()
    kills = joins = 0
    ends: list[RunEnd] = []
    planned: list[PlannedRun] = []
    with cluster(folder, num_workers) as workers:
        settings = SweepSettings(store_root=settings.store_root, cluster=workers.address, counts_shipped=False)

        def disturb() -> None:
            nonlocal kills, joins
            while not over.wait(BETWEEN_KILLS / 2):
                workers.leave()
                workers.join()
                if over.wait(BETWEEN_KILLS / 2):
                    return
                workers.kill()
                workers.join()
                kills, joins = kills + 1, joins + 2

        until = time.monotonic() + seconds
        thread = threading.Thread(target=disturb)
        thread.start()
        while time.monotonic() < until:  # sweep after sweep, as its length is not known beforehand
            more = trainings(len(planned) + 6 * num_workers, **LONGER)[len(planned) :]
            planned += more
            ends += sweep(lambda _stored, more=more: more, settings)
        over.set()
        thread.join()
    reported = Counter(end.run_id for end in ends)
    store = RunStore(settings.store_root)
    whole = {run_id for run_id in store.ids() if store.verify(run_id).id == run_id}
    wanted = {one.run_id for one in planned}
    lost = wanted - (whole & {end.run_id for end in ends if end.error is None})
    doubled = {run_id for run_id, count in reported.items() if count > 1} | (whole - wanted)
    print(f"disturbed: {len(planned)} runs in {seconds:.0f} s, {kills} kills, {joins} workers joined")
    print(f"  lost {len(lost)}, doubled {len(doubled)}, failed {sum(end.error is not None for end in ends)}")
    for end in ends:
        if end.error is not None:
            print(f"  {end.run_id}: {end.error}")
    return len(lost) + len(doubled)


def _settings(folder: Path, name: str) -> SweepSettings:
    root = folder / name
    return SweepSettings(store_root=root, unfinished_root=root / ".unfinished", counts_shipped=False)


def _lost(planned: PlannedRun, reason: str) -> Told:
    return Told(planned.run_id, 0, 0.0, 0.0, 0.0, 0.0, reason)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--workers", type=int, default=8)
    _ = parser.add_argument("--runs", type=int, default=160, help="of the undisturbed sweep")
    _ = parser.add_argument("--seconds", type=float, default=120.0, help="of the disturbed ones")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        undisturbed(folder, arguments.workers, arguments.runs)
        sys.exit(bool(disturbed(folder, arguments.workers, arguments.seconds)))


if __name__ == "__main__":
    main()
