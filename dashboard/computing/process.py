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
import copy
import importlib
import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable
from concurrent import futures
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psutil

from dashboard.computing import turns
from dashboard.computing.one_worker import one_worker
from neft.errors import NeftError, one_line
from neft.runs.apart import SAFE

LOGGER = logging.getLogger(__name__)
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
READING_AT_MOST = 60.0
"""Seconds for which a laboratory's file may be read; one of 50 MB takes a few."""
GRACE = 30.0
"""Seconds after that, after which a process that cannot be interrupted is ended."""
MOST = 200
"""Characters of why a process cannot be started."""
WARMING = "warming-up"
ENDED = (
    "The process that computes for the pages ended before it answered (out of memory?). "
    "It starts anew with the next question: reload the page to ask again."
)
NOT_STARTED = (
    "The process that computes for the pages cannot be started ({reason}). "
    "The next question tries again: reload the page to ask."
)
TOO_LONG = (
    "This took longer than {seconds:g} s to compute; a page waits at most so long. "
    "Ask for less at once, or use the command line."
)
APART = frozenset({"dashboard.computing.work.bundles"})
"""Modules that do something and take long: they have a process of their own, for as long as it is used, so that a large
file keeps nobody's chips waiting. It checks runs with torch, and takes nearly as much memory as the other meanwhile.
What is asked of them is done whether or not anybody still looks."""
READING = frozenset({("dashboard.computing.work.own_devices", name) for name in ("measurements", "file_columns")})
"""Functions that read a laboratory's file."""
IDLE_APART = 30
"""Seconds without a file after which that process ends."""
_LOCK = threading.Lock()
_ASKING = threading.RLock()


@dataclass(eq=False)
class _Asked:
    """A question of one page or of several."""

    key: Hashable | None
    """What it is told apart by; None of one that nobody shares."""
    line: "_Line"
    question: Callable[[], Any]
    answer: "Future[Any]" = field(default_factory=Future[Any])
    num_waiting: int = 1
    is_shared: bool = False
    """Whether several have waited for it."""
    is_reading: bool = False
    """Whether it reads a laboratory's file."""


@dataclass(eq=False)
class _Line:
    """A process, and who waits for it."""

    idle: int
    """Seconds without a question after which it ends."""
    kept: list[Any] = field(default_factory=list[Any])
    """Its executor, once there is one."""
    waiting: deque[_Asked] = field(default_factory=deque[_Asked])
    under_way: _Asked | None = None


_COMPUTING, _FILES = _Line(IDLE), _Line(IDLE_APART)
_asked: dict[Hashable, _Asked] = {}
"""The questions that several may wait for: in line, under way, or answered and not yet heard by all."""


class ComputingError(NeftError):
    """The process could not be started or ended before it answered, or the question took too long."""


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

    The same question of several pages at a time is asked once. A page that is not looked at any more ceases to wait,
    and what nobody waits for is not computed, unless it has begun: then whoever asks the same meanwhile waits for it.

    Raises:
        ComputingError: the process could not be started or ended meanwhile, or the question took too long.
        Exception: whatever the function raised, or what ends a page that nobody looks at.
    """
    turns.give_back()
    does_something = module in APART
    key = None if does_something else _key(module, name, values, named)
    line = _FILES if does_something else _COMPUTING
    question = partial(answer, module, name, *values, **named)
    asked = _join(key, line, question, is_reading=(module, name) in READING)
    try:
        while not futures.wait([asked.answer], timeout=None if does_something else turns.GLANCE).done:
            turns.look_about()
        found = asked.answer.result()
    except BrokenExecutor:
        raise ComputingError(ENDED) from None
    finally:
        is_shared = _leave(asked)
    return copy.deepcopy(found) if is_shared else found  # nobody is to change what another got


def _key(module: str, name: str, values: tuple[Any, ...], named: dict[str, Any]) -> Hashable | None:
    """What questions are told apart by; None of one that cannot be compared."""
    key = (module, name, values, tuple(map(type, values)), tuple(sorted(named.items())))
    try:
        _ = hash(key)
    except TypeError:
        return None
    return key


def _join(key: Hashable | None, line: _Line, question: Callable[[], Any], *, is_reading: bool) -> _Asked:
    """Wait with those who asked the same; else stand in line."""
    with _ASKING:
        asked = _asked.get(key) if key is not None else None
        if asked is not None and not asked.answer.done():
            asked.num_waiting += 1
            asked.is_shared = True
            return asked
        asked = _Asked(key, line, question, is_reading=is_reading)
        if key is not None:
            _asked[key] = asked
        line.waiting.append(asked)
        _hand_over(line)
        return asked


def _leave(asked: _Asked) -> bool:
    """Cease to wait; whether others waited for the same."""
    with _ASKING:
        asked.num_waiting -= 1
        if asked.num_waiting == 0:
            if asked in asked.line.waiting:
                asked.line.waiting.remove(asked)
            if asked.line.under_way is not asked:  # else the page that runs again may ask the same
                _forget(asked)
        return asked.is_shared


def _forget(asked: _Asked) -> None:
    """From now on the same is another question."""
    if asked.key is not None and _asked.get(asked.key) is asked:
        del _asked[asked.key]


def _hand_over(line: _Line) -> None:
    """Have the first question in line computed, once the one before is: what is handed over cannot be taken back.

    Where no process can be started, all in line are told.
    """
    with _ASKING:
        while line.under_way is None and line.waiting:
            asked = line.waiting.popleft()
            try:
                executor, handed = _submit(line, asked)
            except Exception as error:
                LOGGER.exception("The computing process cannot be started")
                reason = one_line(f"{type(error).__name__}: {error}", MOST)
                asked.answer.set_exception(ComputingError(NOT_STARTED.format(reason=reason)))
            else:
                line.under_way = asked
                handed.add_done_callback(partial(_take_answer, line, asked, executor))


def _submit(line: _Line, asked: _Asked) -> tuple[Any, Any]:
    """Hand a question to the process; the executor, and the future of the answer."""
    executor = _executor(line)
    seconds = READING_AT_MOST if asked.is_reading else AT_MOST
    try:
        return executor, _give(executor, answer_in_time, seconds, asked.question)
    except BrokenExecutor:  # it died while nobody asked
        executor = _executor(line)
    return executor, _give(executor, answer_in_time, seconds, asked.question)


def _give(executor: Any, function: Callable[..., object], *values: Any) -> Any:
    """Submit to an executor; one that refuses is replaced by the next question's, with what it took before it did."""
    try:
        return executor.submit(function, *values)
    except Exception:
        _drop(executor)
        executor.shutdown(wait=False, kill_workers=True)
        raise


def _take_answer(line: _Line, asked: _Asked, executor: Any, handed: "Future[Any]") -> None:
    error = handed.exception()
    if isinstance(error, BrokenExecutor):
        _drop(executor)
    with _ASKING:
        line.under_way = None
        if asked.num_waiting == 0:
            _forget(asked)
    if error is None:
        asked.answer.set_result(handed.result())
    else:
        asked.answer.set_exception(error)
    _hand_over(line)


def answer(module: str, name: str, /, *values: Any, **named: Any) -> Any:
    """Call a function here."""
    return getattr(importlib.import_module(module), name)(*values, **named)


def answer_in_time(seconds: float, question: Callable[[], Any]) -> Any:
    """Answer a question here, for so many seconds at most; where the system has no alarm, or it is not heard, end.

    Raises:
        ComputingError: it took longer.
        Exception: whatever the function raised.
    """
    end = threading.Timer(seconds + GRACE, os._exit, (1,))  # whoever asked is told that the process ended
    end.daemon = True
    end.start()
    try:
        with _alarm(seconds):
            return question()
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
    with contextlib.suppress(Exception):  # the server is ending, or no process starts: the next question says so
        executor = _executor(_COMPUTING)
        for module in MODULES:
            _ = _give(executor, _load, module)


def _load(module: str) -> None:
    _ = importlib.import_module(module)


def _executor(line: _Line) -> Any:
    """What hands questions over. One of our own: joblib shares its among all that compute in parallel."""
    with _LOCK:
        if not line.kept:
            # one thread of torch's: chips are spread over cores, which changes no number
            environment, watched = {"OMP_NUM_THREADS": "1", **SAFE}, (os.getpid(),)
            line.kept.append(one_worker(idle=line.idle, initializer=_end_with, initargs=watched, env=environment))
        return line.kept[0]


def _drop(broken: Any) -> None:
    """The next question starts another, unless one that came meanwhile already has."""
    with _LOCK:
        for line in (_COMPUTING, _FILES):
            if broken in line.kept:
                line.kept.remove(broken)


def _end_with(server: int) -> None:
    """Over there: end with the server, also where it is killed."""

    def watch() -> None:
        # where a process keeps the number of a parent that is gone, only the list of processes tells
        while os.getppid() == server and psutil.pid_exists(server):
            time.sleep(BETWEEN_LOOKS)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
