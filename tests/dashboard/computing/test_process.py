"""The process beside the server: it answers, passes errors on, and its end is no end of the server's."""

import importlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dashboard.computing import process
from dashboard.computing.process import ComputingError, ask, remote
from dashboard.computing.turns import in_turn
from neft.errors import ConfigError, NeftError
from neft.inspection.chip_report import percentile_rank

KILLED = """
import os, signal
from dashboard.computing.process import ask
print(ask("os", "getpid"), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True, scope="module")
def _no_process_left() -> Iterator[None]:
    """Idle, it would live on in this process for minutes, beside the workers that other tests look for."""
    yield
    for line in (process._COMPUTING, process._FILES):
        while line.kept:
            line.kept.pop().shutdown(kill_workers=True)


def test_questions_are_answered_by_one_process_that_is_not_the_server() -> None:
    first, second = ask("os", "getpid"), ask("os", "getpid")

    assert first == second != os.getpid()


def test_a_module_over_there_answers_as_it_does_here() -> None:
    work = remote("neft.inspection.chip_report")

    assert work.percentile_rank(5, num_chips=200) == percentile_rank(5, num_chips=200) == 10


def test_an_error_over_there_is_raised_here() -> None:
    with pytest.raises(ConfigError, match="must lie in"):
        ask("neft.inspection.chip_report", "percentile_rank", 101, 200)


def answers_of(*asked: Callable[[], object]) -> list[object]:
    """What questions that are asked at the same time are answered with, or fail with."""
    found: dict[int, object] = {}

    def keep(number: int, question: Callable[[], object]) -> None:
        try:
            found[number] = question()
        except (ArithmeticError, NeftError, OSError, RuntimeError) as error:
            found[number] = error

    threads = [threading.Thread(target=keep, args=one, daemon=True) for one in enumerate(asked)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60
    for thread in threads:
        thread.join(timeout=max(0.0, end - time.monotonic()))
    return [found[number] for number in range(len(asked))]


def test_the_same_question_of_many_is_asked_once_and_each_gets_an_answer_of_ones_own() -> None:
    counting = "import os, time, itertools; time.sleep(0.5); os.calls = getattr(os, 'calls', 0) + 1"

    _ = answers_of(*[lambda: ask("builtins", "exec", counting)] * 5)
    number = ask("builtins", "eval", "__import__('os').calls")
    first, second = answers_of(*[lambda: ask("builtins", "eval", "[__import__('time').sleep(0.5)]")] * 2)

    assert number == 1
    assert first == second == [None]
    assert first is not second
    assert not process._asked


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that other threads or processes do."""
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_error_is_told_to_all_who_asked() -> None:
    failing = "(__import__('time').sleep(0.5), 1 / 0)"

    found = answers_of(*[lambda: ask("builtins", "eval", failing)] * 3)

    assert [type(one) for one in found] == [ZeroDivisionError] * 3


def test_what_a_page_asked_that_nobody_looks_at_any_more_is_not_computed(tmp_path: Path) -> None:
    written = tmp_path / "computed"
    is_left = threading.Event()

    def look() -> None:
        if is_left.is_set():
            raise RuntimeError

    def write() -> None:
        with in_turn(look):
            ask("builtins", "exec", f"open({str(written)!r}, 'w')")

    busy = [threading.Thread(target=ask, args=("time", "sleep", 0.8 + number / 100)) for number in range(2)]
    for thread in busy:
        thread.start()
        time.sleep(0.1)
    left = threading.Thread(target=lambda: answers_of(write))
    left.start()
    time.sleep(0.3)
    is_left.set()
    left.join(timeout=1)
    has_left = not left.is_alive()
    for thread in busy:
        thread.join(timeout=60)
    _ = ask("os", "getpid")

    assert has_left
    assert not written.exists()
    assert not process._asked


def test_a_question_that_is_left_in_the_middle_and_asked_again_is_computed_once(tmp_path: Path) -> None:
    begun, may_end = tmp_path / "begun", tmp_path / "may_end"
    question = "import os, time\n"
    question += f"with open({str(begun)!r}, 'a') as file: _ = file.write('x')\n"
    question += f"while not os.path.exists({str(may_end)!r}): time.sleep(0.02)"
    is_left = threading.Event()

    def look() -> None:
        if is_left.is_set():
            raise RuntimeError

    def compute() -> object:
        return ask("builtins", "exec", question)

    def leave_early() -> None:
        with in_turn(look):
            _ = compute()

    left = threading.Thread(target=lambda: answers_of(leave_early))
    left.start()
    wait_until(begun.exists)
    is_left.set()
    left.join(timeout=20)
    again = threading.Thread(target=lambda: answers_of(compute))
    again.start()
    wait_until(lambda: any(asked.num_waiting for asked in process._asked.values()))
    may_end.touch()
    again.join(timeout=20)
    _ = ask("os", "getpid")

    assert not again.is_alive()
    assert begun.read_text() == "x"
    assert not process._asked
    _ = compute()
    assert begun.read_text() == "xx", "what is answered is not kept"


def test_a_question_that_is_left_in_the_middle_for_good_is_forgotten_with_its_answer(tmp_path: Path) -> None:
    begun, may_end = tmp_path / "begun", tmp_path / "may_end"
    question = f"import os, time; open({str(begun)!r}, 'w').close()\n"
    question += f"while not os.path.exists({str(may_end)!r}): time.sleep(0.02)"

    def look() -> None:
        if begun.exists():
            raise RuntimeError

    def leave_early() -> None:
        with in_turn(look):
            ask("builtins", "exec", question)

    found = answers_of(leave_early)
    may_end.touch()

    assert [type(one) for one in found] == [RuntimeError]
    wait_until(lambda: not process._asked)


def test_files_are_handled_by_a_process_apart_and_keep_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "APART", frozenset({"time"}))
    _ = ask("os", "getpid")
    slow = threading.Thread(target=ask, args=("time", "sleep", 3))
    slow.start()
    time.sleep(0.2)

    _ = ask("os", "getpid")

    assert slow.is_alive()
    slow.join(timeout=60)


def test_a_process_that_dies_is_said_and_the_next_question_starts_another() -> None:
    before = ask("os", "getpid")

    with pytest.raises(ComputingError, match="ended before it answered"):
        ask("os", "_exit", 1)

    assert ask("os", "getpid") not in {before, os.getpid()}


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("joblib.externals.loky.backend.fork_exec.fork_exec", OSError(12, "Cannot allocate memory")),
        ("dashboard.computing.process.one_worker", ImportError("No module named 'loky'")),
    ],
)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes as POSIX does")
def test_a_process_that_cannot_be_started_is_said_to_all_in_line_and_the_next_question_tries_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, start: str, reason: Exception
) -> None:
    may_die = tmp_path / "may_die"
    dying = f"while not __import__('os').path.exists({str(may_die)!r}): pass\n__import__('os')._exit(1)"
    computed = [tmp_path / str(number) for number in range(3)]
    _ = ask("os", "getpid")

    def fail(*_values: object, **_named: object) -> None:
        raise reason

    def die() -> None:
        wait_until(lambda: process._COMPUTING.under_way is not None and len(process._COMPUTING.waiting) == 3)
        with monkeypatch.context() as cannot:
            cannot.setattr(start, fail)
            may_die.touch()
            wait_until(lambda: not process._asked)

    def touch(path: Path) -> Callable[[], object]:
        def in_line() -> object:
            wait_until(lambda: process._COMPUTING.under_way is not None)
            return ask("builtins", "exec", f"open({str(path)!r}, 'w').close()")

        return in_line

    _, first, *others = answers_of(die, lambda: ask("builtins", "exec", dying), *map(touch, computed))
    pid = ask("os", "getpid")

    assert isinstance(first, ComputingError)
    assert "ended before it answered" in str(first)
    assert [(type(one), str(reason) in str(one)) for one in others] == [(ComputingError, True)] * 3
    assert pid != os.getpid()
    assert not any(path.exists() for path in computed), "what is told to have failed is not computed later"


def test_a_question_that_takes_too_long_is_given_up_in_a_sentence_and_the_others_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = ask("os", "getpid")
    monkeypatch.setattr(process, "AT_MOST", 0.3)
    began = time.monotonic()

    with pytest.raises(
        ComputingError, match=r"^This took longer than 0\.3 s to compute; a page waits at most so long\."
    ):
        ask("time", "sleep", 60)

    assert time.monotonic() - began < 20
    assert ask("os", "getpid") == before


def test_a_file_may_be_read_for_less_time_than_others_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    assert process.READING_AT_MOST <= 60 < process.AT_MOST
    for module, name in process.READING:
        assert callable(getattr(importlib.import_module(module), name))
    monkeypatch.setattr(process, "READING", frozenset({("time", "sleep")}))
    monkeypatch.setattr(process, "READING_AT_MOST", 0.2)

    with pytest.raises(ComputingError, match=r"^This took longer than 0\.2 s to compute"):
        ask("time", "sleep", 60)


def test_a_question_that_cannot_be_interrupted_ends_its_process() -> None:
    deaf = "import signal, time; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM}); time.sleep(60)"
    script = "from dashboard.computing import process; process.GRACE = 0.3; "
    script += f"process.answer_in_time(0.2, lambda: exec({deaf!r}))"

    answer = subprocess.run([sys.executable, "-c", script], timeout=50, check=False)

    assert answer.returncode == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process as POSIX does")
def test_it_ends_with_a_server_that_is_killed() -> None:
    server = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, timeout=60, check=False)
    pid = int(server.stdout)

    if psutil.pid_exists(pid):
        _ = psutil.Process(pid).wait(timeout=20)
    assert not psutil.pid_exists(pid)
