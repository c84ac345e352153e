"""The same sweep on a Dask cluster: a scheduler and two workers in processes of their own, on loopback."""

import importlib
import io
import json
import logging
import operator
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from distributed import Client

from neft.config import RunConfig
from neft.errors import NeftError
from neft.runs.store import RunStore
from neft.sweeps.cluster import on_cluster
from neft.sweeps.sweep import RunEnd, SweepSettings, _arrived, sweep
from tests.sweeps import SECONDS, assert_same_numbers, begun, numbers, some_runs, wait_until


@dataclass(frozen=True)
class Cluster:
    address: str
    scheduler: "subprocess.Popen[bytes]"
    workers: "list[subprocess.Popen[bytes]]"


@contextmanager
def dask(folder: Path, *arguments: str, **variables: str) -> Generator["subprocess.Popen[bytes]"]:
    """A `dask` command in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments, "--no-dashboard", "--host", "127.0.0.1"],
        cwd=folder,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def cluster(folder: Path, *, num_workers: int, allowed_failures: int = 3) -> Generator[Cluster]:
    """A scheduler, and workers that stay dead once they are killed."""
    facts = folder / "scheduler.json"
    with dask(
        folder,
        *("scheduler", "--port", "0", "--scheduler-file", str(facts)),
        DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=str(allowed_failures),
    ) as scheduler:
        wait_until(facts.exists, "a scheduler")
        wait_until(lambda: facts.read_text(encoding="utf-8").endswith("}"), "its address")
        address = json.loads(facts.read_text(encoding="utf-8"))["address"]
        workers: list[subprocess.Popen[bytes]] = []
        with ExitStack() as stack:
            for _ in range(num_workers):
                worker = dask(
                    folder, *("worker", address, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
                )
                workers.append(stack.enter_context(worker))
            with Client(address, set_as_default=False) as client:
                if num_workers:
                    client.wait_for_workers(num_workers, timeout=SECONDS)
            yield Cluster(address=address, scheduler=scheduler, workers=workers)


def settings_for(address: str, folder: Path) -> SweepSettings:
    return SweepSettings(store_root=folder / "runs", cluster=address, counts_shipped=False)


def after(happened: Callable[[], object], what: str, act: Callable[[], object]) -> threading.Thread:
    """Do something as soon as something is so, beside this thread."""

    def watch() -> None:
        wait_until(happened, what)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.slow
def test_worker_that_is_killed_costs_no_run_and_changes_no_number(small_config: RunConfig, tmp_path: Path) -> None:
    planned = some_runs(small_config, 4, epochs=60)
    with cluster(tmp_path, num_workers=2) as found:
        settings = settings_for(found.address, tmp_path)
        both_at_work = after(
            lambda: len(begun(settings.store_root / ".unfinished")) == 2, "two runs under way", found.workers[0].kill
        )
        ends = sweep(lambda _stored: planned, settings)
        both_at_work.join()

        assert [worker.poll() is None for worker in found.workers] == [False, True]
    undisturbed = SweepSettings(
        store_root=tmp_path / "undisturbed", unfinished_root=tmp_path, num_workers=1, counts_shipped=False
    )
    sweep(lambda _stored: planned, undisturbed)
    assert sorted((one.run_id, one.error) for one in ends) == sorted((one.run_id, None) for one in planned)
    assert not begun(settings.store_root / ".unfinished")
    assert_same_numbers(settings.store_root, undisturbed.store_root)


@pytest.mark.slow
def test_run_that_the_scheduler_gives_up_is_reported_and_the_others_are_stored(
    small_config: RunConfig, tmp_path: Path
) -> None:
    planned = some_runs(small_config, 6, epochs=60)
    with cluster(tmp_path, num_workers=2, allowed_failures=0) as found:
        settings = settings_for(found.address, tmp_path)
        both_at_work = after(
            lambda: len(begun(settings.store_root / ".unfinished")) == 2, "two runs under way", found.workers[0].kill
        )
        ends = sweep(lambda _stored: planned, settings)
        both_at_work.join()

    failed = {one.run_id for one in ends if one.error}
    assert 0 < len(failed) < 6
    assert all("was killed" in (one.error or "was killed") for one in ends)
    assert failed | numbers(settings.store_root).keys() == {one.run_id for one in planned}


@contextmanager
def logged(*names: str) -> Generator[io.StringIO]:
    """What these loggers would write to the terminal."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    for name in names:
        logging.getLogger(name).addHandler(handler)
    try:
        yield written
    finally:
        for name in names:
            logging.getLogger(name).removeHandler(handler)


@pytest.mark.slow
def test_scheduler_that_goes_away_is_an_error_that_says_so_and_no_log(small_config: RunConfig, tmp_path: Path) -> None:
    with logged("distributed", "distributed.client") as log, cluster(tmp_path, num_workers=1) as found:
        settings = settings_for(found.address, tmp_path)
        at_work = after(lambda: begun(settings.store_root / ".unfinished"), "a run under way", found.scheduler.kill)
        with pytest.raises(NeftError, match=r"scheduler .* is gone"):
            sweep(lambda _stored: some_runs(small_config, 2, epochs=30), settings)
        at_work.join()
    assert not log.getvalue()


def test_one_thread_does_tasks_in_their_order_and_an_error_is_its_tasks_own(tmp_path: Path) -> None:
    with cluster(tmp_path, num_workers=1) as found:
        quotients = list(
            on_cluster(found.address, partial(operator.floordiv, 60), [1, 0, 4, 3, 2], on_loss=lambda _, why: why)
        )

    assert quotients == [60, "ZeroDivisionError: integer division or modulo by zero", 15, 20, 30]


NOTING = """
import os, time
from pathlib import Path

def note(task):
    with open("notes", "a") as notes:
        notes.write(f"{task} {os.getpid()}\\n")
    while task == "held" and not Path("go").exists():
        time.sleep(0.02)
    return task
"""


def test_result_that_was_handed_over_is_not_computed_again_when_its_worker_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "noting.py").write_text(NOTING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    noting, notes = importlib.import_module("noting"), tmp_path / "notes"
    quick = [str(number) for number in range(8)]
    with cluster(tmp_path, num_workers=3) as found:
        results = on_cluster(found.address, noting.note, ["held", *quick], on_loss=lambda _, why: why)
        assert sorted(next(results) for _ in quick) == quick
        by_pid = {int(pid): task for task, pid in map(str.split, notes.read_text(encoding="utf-8").splitlines())}
        idle = [worker for worker in found.workers if by_pid.get(worker.pid, "held") != "held"]
        idle[0].kill()
        idle[0].wait()
        time.sleep(2)  # so long the other idle one has to do it again
        (tmp_path / "go").touch()
        assert list(results) == ["held"]

    done = [line.split()[0] for line in notes.read_text(encoding="utf-8").splitlines()]
    assert sorted(done) == sorted([*quick, "held"])


def test_scheduler_without_workers_is_an_error_that_says_how_to_start_some(
    small_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neft.sweeps.cluster.WORKER_SECONDS", 0.2)
    with (
        cluster(tmp_path, num_workers=0) as found,
        pytest.raises(NeftError, match=f"has no worker.*dask worker {found.address} --nworkers"),
    ):
        sweep(lambda _stored: some_runs(small_config, 1, epochs=1), settings_for(found.address, tmp_path))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "somewhere"])
def test_address_without_a_scheduler_is_named(
    small_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr("neft.sweeps.cluster.CONNECT_SECONDS", 0.5)

    with pytest.raises(NeftError, match=f"No Dask scheduler answers at '{address}'"):
        sweep(lambda _stored: some_runs(small_config, 1, epochs=1), settings_for(address, tmp_path))


def test_run_that_a_worker_stored_elsewhere_has_failed(tmp_path: Path) -> None:
    end = _arrived(RunEnd(run_id="digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d", seconds=1.0), RunStore(tmp_path))

    assert "one and the same folder on every machine" in (end.error or "")


def test_cluster_without_dask_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['distributed'] = None; from neft.__main__ import main; "
        f"sys.argv = ['neft', 'sweep', 'smoke', '--cluster', 'tcp://127.0.0.1:9', '--store', {str(tmp_path)!r}]; main()"
    )

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert answer.returncode == 2
    assert 'pip install "neft[cluster]"' in answer.stderr
    assert "Traceback" not in answer.stderr
