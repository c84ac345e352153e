"""A sweep that is killed leaves whole runs and no process behind; the same command goes on to the same numbers."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from neft.runs.places import neft_home
from neft.runs.store import RunStore
from tests.cli.conftest import Neft
from tests.sweeps import assert_same_numbers, begun, numbers, wait_until, worker_processes

SWEEP = (
    *("sweep", "classifier_noise", "--backbone", "mlp", "--hidden-layers", "3", "--hidden-units", "16"),
    *("--max-train", "200", "--epochs", "30", "--validation-instances", "1", "--num-instances", "3"),
    *("--max-test", "50", "--seeds", "2"),
)
"""Six runs of about a second."""


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM], ids=lambda blow: blow.name)
def test_killed_sweep_goes_on_to_the_numbers_of_an_undisturbed_one(
    neft: Neft, own_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blow: signal.Signals
) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")
    process = subprocess.Popen(
        [sys.executable, "-m", "neft", *SWEEP, "--workers", "2", "--store", str(own_store.root)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(
        lambda: process.poll() is not None or (own_store.ids() and begun(neft_home() / "unfinished")),
        "a stored run and one under way",
    )
    workers = worker_processes(process.pid)
    process.send_signal(blow)

    assert process.wait(timeout=60) == -blow
    assert len(workers) == 2
    wait_until(lambda: not any(worker.is_running() for worker in workers), "the end of the workers")
    kept = {path: path.stat().st_mtime_ns for path in own_store.root.glob("digits-*/*")}
    assert 0 < len(numbers(own_store.root)) < 6

    again = json.loads(neft(*SWEEP, "--workers", "1", "--store", str(own_store.root), "--json").out)

    assert [run["error"] for run in again["runs"]] == [None] * (6 - again["skipped"])
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in own_store.root.glob("digits-*/*")}.items()
    assert not begun(neft_home() / "unfinished")
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "another home"))
    assert neft(*SWEEP, "--workers", "1", "--store", str(tmp_path / "undisturbed")).code == 0
    assert_same_numbers(own_store.root, tmp_path / "undisturbed")
