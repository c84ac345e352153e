"""The process beside the server: it answers, passes errors on, and its end is no end of the server's."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from dashboard.computing import process
from dashboard.computing.process import ComputingError, ask, remote
from neft.errors import ConfigError
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
    while process._kept:
        process._kept.pop().shutdown(kill_workers=True)


def test_questions_are_answered_by_one_process_that_is_not_the_server() -> None:
    first, second = ask("os", "getpid"), ask("os", "getpid")

    assert first == second != os.getpid()


def test_a_module_over_there_answers_as_it_does_here() -> None:
    work = remote("neft.inspection.chip_report")

    assert work.percentile_rank(5, num_chips=200) == percentile_rank(5, num_chips=200) == 10


def test_an_error_over_there_is_raised_here() -> None:
    with pytest.raises(ConfigError, match="must lie in"):
        ask("neft.inspection.chip_report", "percentile_rank", 101, 200)


def test_a_process_that_dies_is_said_and_the_next_question_starts_another() -> None:
    before = ask("os", "getpid")

    with pytest.raises(ComputingError, match="ended before it answered"):
        ask("os", "_exit", 1)

    assert ask("os", "getpid") not in {before, os.getpid()}


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


def test_a_question_that_cannot_be_interrupted_ends_its_process() -> None:
    deaf = "import signal, time; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM}); time.sleep(60)"
    script = "from dashboard.computing import process; process.GRACE = 0.3; "
    script += f"process.answer_in_time(0.2, 'builtins', 'exec', {deaf!r})"

    answer = subprocess.run([sys.executable, "-c", script], timeout=50, check=False)

    assert answer.returncode == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process as POSIX does")
def test_it_ends_with_a_server_that_is_killed() -> None:
    server = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, timeout=60, check=False)
    pid = int(server.stdout)

    if psutil.pid_exists(pid):
        _ = psutil.Process(pid).wait(timeout=20)
    assert not psutil.pid_exists(pid)
