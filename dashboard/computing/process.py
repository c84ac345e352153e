"""The computing process: beside the server, with torch loaded, it answers what pages ask of networks and settings.

The server itself never loads torch: it stays small, and answers clicks while something is computed. Modules of
`dashboard.computing` run over there. The server reaches them through `remote`, and type checkers see the module itself:

    if TYPE_CHECKING:
        from dashboard.computing import networks as work
    else:
        work = process.remote("dashboard.computing.work.restored")

What goes to and fro is plain data (`answers`, frames, texts). The process starts with the first question, is
asked one question at a time, and ends once nobody has asked for a while; the next question starts it anew. A question
that takes too long is given up over there, so that the others get their turn. Its functions therefore depend on their
arguments and on stored files alone, and what they remember they can compute again.
"""

import contextlib
import importlib
import os
import signal
import threading
import time
from collections.abc import Generator
from concurrent.futures import BrokenExecutor
from functools import partial
from typing import Any

import psutil

from dashboard.computing.one_worker import one_worker
from neft.errors import NeftError
from neft.runs.apart import SAFE

IDLE = 600
"""Seconds without a question after which the process ends."""
SOON = 5.0
"""Seconds after which `warm_up` begins: the browser has drawn by then."""
MODULES = tuple(f"dashboard.computing.work.{name}" for name in ("restored", "forms", "own_devices"))
"""What `warm_up` loads: they import whatever the others need."""
BETWEEN_LOOKS = 1.0
"""Seconds after which it looks whether the server still lives."""
AT_MOST = 600.0
"""Seconds for which one question may be computed."""
GRACE = 30.0
"""Seconds after that, after which a process that cannot be interrupted is ended."""
WARMING = "warming-up"
ENDED = (
    "The process that computes for the pages ended before it answered (out of memory?). "
    "It starts anew with the next question: reload the page to ask again."
)
TOO_LONG = (
    "This took longer than {seconds:g} s to compute; a page waits at most so long. "
    "Ask for less at once, or use the command line."
)
_LOCK = threading.Lock()
_kept: list[Any] = []
"""The executor, once there is one."""


class ComputingError(NeftError):
    """The process ended before it answered, or the question took too long."""


class _OutOfTime(BaseException):
    """Raised into the middle of whatever is computed; no `except Exception` there may hold it back."""


class RemoteModule:
    """A module of the computing process: its functions, to be called from here."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> partial[Any]:
        return partial(ask, self._module, name)


def remote(module: str) -> Any:
    """A module of the computing process, by its full name."""
    return RemoteModule(module)


def ask(module: str, name: str, *values: Any, **named: Any) -> Any:
    """Call a function over there, and wait for what it returns.

    Raises:
        ComputingError: the process ended meanwhile, or the question took too long.
        Exception: whatever the function raised.
    """
    executor = _executor()
    try:
        asked = executor.submit(answer_in_time, AT_MOST, module, name, *values, **named)
    except BrokenExecutor:  # it died while nobody asked
        _drop(executor)
        executor = _executor()
        asked = executor.submit(answer_in_time, AT_MOST, module, name, *values, **named)
    try:
        return asked.result()
    except BrokenExecutor:
        _drop(executor)
        raise ComputingError(ENDED) from None


def answer(module: str, name: str, /, *values: Any, **named: Any) -> Any:
    """Call a function here."""
    return getattr(importlib.import_module(module), name)(*values, **named)


def answer_in_time(seconds: float, module: str, name: str, /, *values: Any, **named: Any) -> Any:
    """Call a function here, for so many seconds at most; where the system has no alarm, or it is not heard, end.

    Raises:
        ComputingError: it took longer.
        Exception: whatever the function raised.
    """
    end = threading.Timer(seconds + GRACE, os._exit, (1,))  # whoever asked is told that the process ended
    end.daemon = True
    end.start()
    try:
        with _alarm(seconds):
            return answer(module, name, *values, **named)
    except _OutOfTime:
        raise ComputingError(TOO_LONG.format(seconds=seconds)) from None
    finally:
        end.cancel()


@contextlib.contextmanager
def _alarm(seconds: float) -> Generator[None]:
    """Raise `_OutOfTime` in the block after so long; nothing on systems without alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_number: int, _frame: object) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    try:
        _ = signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        _ = signal.setitimer(signal.ITIMER_REAL, 0)
        _ = signal.signal(signal.SIGALRM, before)


def warm_up() -> None:
    """Soon, let the process load what it will need; nothing where it has. Nobody waits for it."""
    with _LOCK:
        if any(thread.name == WARMING for thread in threading.enumerate()):
            return
        timer = threading.Timer(SOON, _load_all)
        timer.name, timer.daemon = WARMING, True
        timer.start()


def _load_all() -> None:
    with contextlib.suppress(RuntimeError):  # the server is ending, or the process has: the next question says so
        executor = _executor()
        for module in MODULES:
            _ = executor.submit(_load, module)


def _load(module: str) -> None:
    _ = importlib.import_module(module)


def _executor() -> Any:
    """What hands questions over. One of our own: joblib shares its among all that compute in parallel."""
    with _LOCK:
        if not _kept:
            # one thread of torch's: chips are spread over cores, which changes no number
            environment, watched = {"OMP_NUM_THREADS": "1", **SAFE}, (os.getpid(),)
            _kept.append(one_worker(idle=IDLE, initializer=_end_with, initargs=watched, env=environment))
        return _kept[0]


def _drop(broken: Any) -> None:
    """The next question starts another, unless one that came meanwhile already has."""
    with _LOCK:
        if broken in _kept:
            _kept.remove(broken)


def _end_with(server: int) -> None:
    """Over there: end with the server, also where it is killed."""

    def watch() -> None:
        # where a process keeps the number of a parent that is gone, only the list of processes tells
        while os.getppid() == server and psutil.pid_exists(server):
            time.sleep(BETWEEN_LOOKS)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
