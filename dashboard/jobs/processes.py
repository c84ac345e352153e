"""The processes behind jobs: made for a job, or ready before there is one, with all loaded that a training needs.

Loading torch and the others takes seconds, and a click should not wait for them. Where trainings are chosen,
`keep_ready` starts a process that loads them and waits; the next training is handed to it. A job that has to queue gets
a process that loads nothing until its turn comes. What they do is in `dashboard.jobs.runner`. Nothing here knows
Streamlit.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from dashboard.jobs import files
from neft.runs.apart import environment_with

APP_ROOT = Path(__file__).resolve().parents[2]
"""Where this package lies."""
READY_FOR = 600.0
"""Seconds after which a process that was given nothing ends."""


class Ready:
    """The process that waits for a training: one at most, and none that ended or was given its job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None

    @property
    def pid(self) -> int | None:
        """The process; None where none waits."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def keep(self) -> None:
        """Start it where none waits."""
        with self._lock:
            if self.pid is not None:
                return
            _close(self._take())
            self._process = _spawn([], stdin=subprocess.PIPE, output=subprocess.DEVNULL)
            self._timer = threading.Timer(READY_FOR, self.dismiss)
            self._timer.daemon = True
            self._timer.start()

    def hand_over(self, job_id: str, words: Sequence[str]) -> int | None:
        """Give it a job, be it still loading; returns the process, None where there is none that takes it."""
        with self._lock:
            process = self._take()
        if process is None or process.stdin is None:
            return None
        try:
            _ = process.stdin.write(json.dumps([job_id, *words]).encode() + b"\n")
            process.stdin.flush()
        except OSError:  # it has ended
            return None
        finally:
            _close(process)
        return process.pid

    def dismiss(self) -> None:
        """End it."""
        with self._lock:
            process = self._take()
        if process is not None:
            _close(process)
            process.terminate()
            _ = process.wait()

    def _take(self) -> "subprocess.Popen[bytes] | None":
        process, self._process = self._process, None
        if self._timer is not None:
            self._timer.cancel()
        return process


READY = Ready()


def keep_ready() -> None:
    """See that a process waits for the next training; it ends with this one, or once it has waited for long.

    None where jobs are: the next one has to queue, and what loads meanwhile would slow the others.
    """
    if not files.queue():
        READY.keep()


def begin(job_id: str, words: Sequence[str]) -> int:
    """Have a job's words behind `neft` run, in a process that waits for the job's turn; returns the process.

    A training that need not queue goes to the process that is ready.
    """
    pid = READY.hand_over(job_id, words) if words[0] == "train" and not files.queue() else None
    if pid is not None:
        return pid
    with (files.root() / job_id / files.LOG).open("wb") as log:
        return _spawn([job_id, *words], stdin=subprocess.DEVNULL, output=log).pid


def _spawn(words: Sequence[str], *, stdin: int, output: int | IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own program, arguments as a list
        [sys.executable, "-P", "-m", "dashboard.jobs.runner", *words],
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        # apart from the server's terminal, whose Ctrl-C a job does not hear
        start_new_session=True,
        creationflags=subprocess.CREATE_NEW_PROCESS_GROUP if sys.platform == "win32" else 0,
        # one thread, as everything that is stored is computed with: others would give other last bits
        env=environment_with(APP_ROOT, OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1"),
    )


def _close(process: "subprocess.Popen[bytes] | None") -> None:
    if process is not None and process.stdin is not None:
        with contextlib.suppress(OSError):  # it has ended, and cannot be told what is left
            process.stdin.close()


def spare_cores() -> int:
    """One core is left to the page."""
    return max(1, (os.cpu_count() or 2) - 1)
