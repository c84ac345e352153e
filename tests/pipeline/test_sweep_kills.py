"""A killed worker process costs no run, and a run that kills its workers costs no other."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from neft.config import RunConfig
from neft.runs.store import RunStore
from neft.sweeps.sweep import SweepSettings, sweep
from tests.sweeps import assert_same_numbers, begun, some_runs, wait_until, worker_processes

pytestmark = pytest.mark.slow


def settings_in(folder: Path, *, num_workers: int) -> SweepSettings:
    return SweepSettings(
        store_root=folder / "runs",
        unfinished_root=folder / "unfinished",
        num_workers=num_workers,
        counts_shipped=False,
    )


def test_killed_worker_costs_no_run_and_changes_no_number(small_config: RunConfig, tmp_path: Path) -> None:
    planned = some_runs(small_config, 3, epochs=30)
    settings = settings_in(tmp_path / "disturbed", num_workers=2)
    notices: list[str] = []

    def kill_one() -> None:
        wait_until(lambda: begun(tmp_path / "disturbed" / "unfinished"), "a whole epoch")
        worker_processes()[0].kill()

    killer = threading.Thread(target=kill_one)
    killer.start()
    ends = sweep(lambda _stored: planned, settings, on_notice=notices.append)
    killer.join()

    undisturbed = settings_in(tmp_path / "undisturbed", num_workers=1)
    sweep(lambda _stored: planned, undisturbed)
    assert sorted((one.run_id, one.error) for one in ends) == sorted((one.run_id, None) for one in planned)
    assert [notice.partition(" (")[0] for notice in notices] == ["A worker process was killed"]
    assert not begun(tmp_path / "disturbed" / "unfinished")
    assert_same_numbers(settings.store_root, undisturbed.store_root)


def test_run_whose_workers_are_killed_again_and_again_fails_and_the_others_are_stored(
    small_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neft.sweeps.sweep.MAX_BREAKS", 1)
    deadly, *others = [*some_runs(small_config, 1, epochs=900), *some_runs(small_config, 4, epochs=2)[1:]]
    settings = settings_in(tmp_path, num_workers=2)
    state = tmp_path / "unfinished" / deadly.config.run_id / "state.safetensors"
    ended = threading.Event()

    def kill_after_each_epoch() -> None:
        seen = 0
        while not ended.wait(0.02):
            written = state.stat().st_mtime_ns if state.exists() else 0
            if written != seen:
                seen = written
                for process in worker_processes():
                    process.kill()

    killer = threading.Thread(target=kill_after_each_epoch)
    killer.start()
    ends = {one.run_id: one for one in sweep(lambda _stored: [deadly, *others], settings)}
    ended.set()
    killer.join()

    assert "killed 2 times" in (ends.pop(deadly.config.run_id).error or "")
    assert {one.error for one in ends.values()} == {None}
    assert RunStore(settings.store_root).ids() == sorted(one.run_id for one in others)


GROWING_WORKERS = """
import builtins, os, time
import joblib
from neft.sweeps.sweep import UNORDERED, workers_may_be_replaced

def grow(megabytes):
    builtins.__dict__.setdefault("kept", []).append(bytearray(b"x") * (megabytes << 20))
    time.sleep(1.3)  # loky looks once a second
    return os.getpid()

with workers_may_be_replaced():
    parallel = joblib.Parallel(n_jobs=2, pre_dispatch="2", **UNORDERED)
    pids = list(parallel(joblib.delayed(grow)(megabytes) for megabytes in (1, 1, 350, 350, 1, 1)))
print(len(pids), len(set(pids)))
"""


def test_worker_that_grew_is_replaced_though_warnings_are_errors() -> None:
    command = [sys.executable, "-W", "error::UserWarning", "-c", GROWING_WORKERS]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)

    calls, workers = map(int, answer.stdout.split())
    assert calls == 6
    assert workers > 2
    assert "Warning" not in answer.stderr
