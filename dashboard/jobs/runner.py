"""What a job's process is: it waits for its turn, with nothing heavy loaded, and then is `neft …`.

    python -m dashboard.jobs.runner JOB_ID train --config …

Or it loads what a training needs, and then waits for a job: one line on its standard input, the same words as JSON.

    python -m dashboard.jobs.runner

It needs neither the page nor the server that started it, once it has a job. Jobs whose processes are gone are waited
for by nobody.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import threading
import time
from pathlib import Path
from queue import Queue

from filelock import FileLock
from typing_extensions import override

from dashboard.jobs import files
from neft.errors import NeftError
from neft.runs.files import telling

SECONDS_BETWEEN_LOOKS = 0.25
BEHIND = 5
"""By how much nicer a job is than the server (`nice`): pages come first where both want a core, and else it has it."""
SESSION = Path("/proc/self/autogroup")
TRAINING = ("neft.cli.train", "sklearn.datasets", "sklearn.model_selection")
"""What takes long to import in a training, and its data; all else is imported by these."""


class Log(io.TextIOWrapper):
    """Standard output of a job, which is its log: what the system refuses is told as of any other file."""

    def __init__(self, output: io.TextIOWrapper, path: Path) -> None:
        super().__init__(output.buffer, encoding=output.encoding, errors=output.errors, write_through=True)
        self._path = path

    @override
    def write(self, text: str, /) -> int:
        """Write at once.

        Raises:
            StoreError: it cannot be written.
        """
        with telling("The job's log", self._path):
            return super().write(text)


def let_pages_go_first() -> None:
    """Be nicer than the server.

    Linux may weigh sessions before it weighs processes (`sched_autogroup_enabled`), and a job has a session of its own:
    then that has to be nicer too.
    """
    if hasattr(os, "nice"):
        _ = os.nice(BEHIND)
    if sys.platform == "linux" and os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # a system that does not
            _ = SESSION.write_text(f"{BEHIND}", encoding="ascii")


def main() -> None:
    """Wait, then run the command line that stands behind the job's id."""
    let_pages_go_first()
    job_id, *words = sys.argv[1:] or job_given_later()
    if not is_written_down(job_id):
        return
    wait_for_turn(job_id)
    sys.argv = ["neft", *words]

    folder = files.root() / job_id
    for name in ("stdout", "stderr"):
        setattr(sys, name, Log(getattr(sys, name), folder / files.LOG))

    from neft.runs.events import EventFile, Starting  # noqa: PLC0415 - not while it waits

    try:
        EventFile(folder / files.EVENTS).write(Starting())
    except NeftError as error:
        sys.exit(f"Error: {error}")

    from neft.__main__ import main as neft  # noqa: PLC0415 - torch, once it has told

    neft()


def job_given_later() -> list[str]:
    """Load all that a training needs, and return the id and the words that come then.

    Whoever would have given them may end while this loads, which takes seconds: then this ends, at once.
    """
    given: Queue[str] = Queue()
    threading.Thread(target=_take, args=(given,), daemon=True).start()
    for module in TRAINING:
        _ = importlib.import_module(module)
    job: list[str] = json.loads(given.get())
    with (files.root() / job[0] / files.LOG).open("wb") as log:
        for output in (sys.stdout, sys.stderr):
            _ = os.dup2(log.fileno(), output.fileno())
    return job


def _take(given: "Queue[str]") -> None:
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        os._exit(0)  # who would have written it has ended
    given.put(line)


def is_written_down(job_id: str) -> bool:
    """Whether it is a job that others see, once whoever starts it has come to its end or was killed."""
    with FileLock(files.root() / files.LOCK):
        return job_id in files.ids()


def wait_for_turn(job_id: str) -> None:
    """Return once no earlier job's process lives; later ones never come before."""
    earlier = [facts for one in files.ids() if one < job_id and (facts := files.facts(one)) is not None]
    while earlier := [facts for facts in earlier if files.alive(facts)]:
        time.sleep(SECONDS_BETWEEN_LOOKS)


if __name__ == "__main__":
    main()
