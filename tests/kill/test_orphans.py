"""Processes that others started are gone soon after those were killed, also while they still load what they need."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.kill.soon import soon
from tests.sweeps import wait_until

SWEEP = """
import sys
from neft.cli import main
sys.argv = ["neft", "sweep", "classifier_noise", "--backbone", "mlp", "--hidden-layers", "3", "--hidden-units", "16",
            "--max-train", "200", "--epochs", "900", "--seeds", "2", "--workers", "2", "--store", sys.argv[1]]
main()
"""
SERVER = """
import time
from dashboard.computing import process
from dashboard.jobs import processes
process.SOON = 0.0
processes.keep_ready()
process.warm_up()
time.sleep(600)
"""


def offspring(pid: int, wanted: Callable[[str], bool]) -> list[psutil.Process]:
    """A process's children whose command line is like that."""
    found: list[psutil.Process] = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            if wanted(" ".join(child.cmdline())):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def still_there(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    ("script", "kind", "delay"),
    [(SWEEP, "LokyProcess", 0.5), *((SERVER, "LokyProcess|dashboard.jobs.runner", delay) for delay in (0.0, 0.5, 1.0))],
)
def test_orphans_are_gone_soon(script: str, kind: str, delay: float, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "runs")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def begun() -> list[psutil.Process]:
        found = offspring(parent.pid, lambda words: any(one in words for one in kind.split("|")))
        return found if len(found) >= 2 else []

    wait_until(begun, "the workers")
    time.sleep(delay)
    workers = offspring(parent.pid, lambda _words: True)
    parent.send_signal(signal.SIGKILL)
    _ = parent.wait()

    are_gone = soon(lambda: not still_there(workers))
    left = [(one.pid, one.cmdline()) for one in still_there(workers)]
    for one in workers:
        if one.is_running():
            os.kill(one.pid, signal.SIGKILL)
    assert are_gone, left
