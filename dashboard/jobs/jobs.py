"""Trainings and sweeps started from a page: each a process of its own, one computing at a time, the others in a queue.

A job survives a page's reload and the server's restart: `NEFT_HOME/jobs/<id>/` holds job.json (written once),
events.jsonl (appended by the process), log.txt and, once it was asked to stop, cancel. Each process waits for its turn
by itself (`dashboard.jobs.processes`). Nothing here knows Streamlit.
"""

import contextlib
import json
import os
import shlex
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from dashboard.jobs import files
from dashboard.jobs.files import CANCEL, CONFIG, EVENTS, JOB, LOCK, LOG
from dashboard.jobs.processes import begin, spare_cores
from neft.errors import NeftError, StoreError
from neft.runs import living
from neft.runs.events import (
    Counting,
    EndedRun,
    Evaluating,
    Event,
    Failed,
    Finished,
    Saying,
    Starting,
    Stopped,
    Sweeping,
    Told,
    Training,
    read_events,
)
from neft.runs.files import make_folder, telling, write_whole

State = Literal["waiting", "starting", "running", "finished", "cancelled", "failed", "lost"]
ACTIVE: tuple[State, ...] = ("waiting", "starting", "running")
MAX_QUEUE = 20
"""Jobs that compute or wait at once: each is a process."""
MOST_SECONDS = 1e10
"""That a job can be expected to take; what is more is no number of seconds."""
KILLED = (
    "It was killed (out of memory, or the machine was switched off), or its disk was full. "
    "Start it again with the same settings to go on after its last whole epoch."
)
NEVER_BEGUN = "Its process ended before its turn came (the machine was switched off?). Start it again to queue anew."


class QueueFullError(NeftError):
    """As many jobs compute or wait as may at once."""


@dataclass(frozen=True)
class Expected:
    """How long a job was expected to take when it was started, in seconds."""

    training: float
    evaluation: float
    low: float
    high: float


@dataclass(frozen=True)
class Job:
    """A training's or a sweep's job as its files tell it."""

    id: str
    run_id: str
    """Of a training; empty for a sweep."""
    command: str
    created: float
    num_epochs: int
    state: State
    name: str = ""
    """Of the run, in words; empty for a sweep, and for jobs of before names were kept."""
    sweep: str = ""
    """The experiment that is run; empty for a training."""
    place: int = 0
    """In the queue: 1 computes, 2 is next; 0 once it has ended."""
    expected: Expected | None = None
    stage: str = "starting"
    """What it is doing: starting, loading, training, evaluating, storing, sweeping."""
    done: int = 0
    total: int = 0
    message: str = ""
    caveat: str = ""
    """What of its events cannot be understood here."""
    history: list[dict[str, float]] = field(default_factory=list)
    means: dict[str, float] = field(default_factory=dict)
    """By σ_d the mean accuracy over the chips that were tried so far."""
    runs: list[EndedRun] = field(default_factory=list)
    """Of a sweep, in the order in which they ended."""
    seconds: float = 0.0
    """Since its turn came, or how long it took; the waiting does not count."""

    @property
    def is_active(self) -> bool:
        """Whether it computes or waits to."""
        return self.state in ACTIVE

    @property
    def seconds_left(self) -> float | None:
        """Of the present stage, from its pace so far; None while there is none."""
        done_here = self.done - self._stage_began_at
        if self.state != "running" or done_here <= 0:
            return None
        return self._stage_seconds / done_here * (self.total - self.done)

    @property
    def seconds_to_end(self) -> tuple[float, float] | None:
        """Least and most until it ends: by its pace where it has one, as expected before; None where nobody knows."""
        if not self.is_active:
            return 0.0, 0.0
        left = self.seconds_left
        if left is None:
            return None if self.expected is None else (self.expected.low, self.expected.high)
        if self.stage != "training" or self.expected is None:
            return left, left
        # what comes after the training is as uncertain as all was before
        expected = self.expected
        share = expected.evaluation / max(expected.training + expected.evaluation, 1e-9)
        return left + share * expected.low, left + share * expected.high

    _stage_seconds: float = 0.0
    _stage_began_at: int = 0
    """What was done before the stage's first event: a resumed training does not begin at 0."""


def start(
    config_json: str,
    *,
    run_id: str,
    command: str,
    num_epochs: int,
    name: str = "",
    download: bool = False,
    expected: Expected | None = None,
) -> str:
    """Queue a training; returns the job's id.

    Args:
        config_json: the run's config.
        run_id: the id it will have.
        command: the command line that does the same, to show.
        num_epochs: to draw its progress before it tells.
        name: what people call the run.
        download: whether a missing data set may be fetched.
        expected: how long it should take.

    Raises:
        StoreError: the job cannot be written.
        QueueFullError: too many jobs wait.
    """
    facts = {"run_id": run_id, "command": command, "num_epochs": num_epochs, "name": name, "download": download}
    return _launch(_training_words(config_json, download=download), _with_expected(facts, expected))


def start_sweep(command: str, *, experiment: str, expected: Expected | None = None) -> str:
    """Queue a sweep; returns the job's id.

    Args:
        command: its command line, `neft sweep …`.
        experiment: the experiment's name.
        expected: how long it should take.

    Raises:
        StoreError: the job cannot be written.
        QueueFullError: too many jobs wait.
    """
    facts = {"run_id": "", "command": command, "num_epochs": 0, "sweep": experiment}
    return _launch(_sweep_words(command), _with_expected(facts, expected))


def start_again(job_id: str) -> str | None:
    """Queue a job that has ended once more, in the place of the ended one; None where its files are gone.

    What was whole is not computed again: a training goes on after its last epoch, a sweep with the runs that lack.

    Raises:
        StoreError: the job cannot be written.
        QueueFullError: too many jobs wait.
    """
    facts, job = files.facts(job_id), find(job_id)
    if facts is None or job is None or job.is_active:
        return None
    try:
        words = (
            _sweep_words(job.command)
            if job.sweep
            else _training_words(config_json(job_id), download=bool(facts.get("download")))
        )
    except (OSError, ValueError):
        return None
    new_id = _launch(words, facts)
    forget(job_id)
    return new_id


def config_json(job_id: str) -> str:
    """The config that a training was started with.

    Raises:
        OSError: there is no such file.
    """
    if not files.time_in(job_id):
        raise FileNotFoundError(job_id)
    return (files.root() / job_id / CONFIG).read_text(encoding="utf-8")


Words = Callable[[Path], list[str]]
"""The words behind `neft`, for a job's folder."""


def _training_words(config_json: str, *, download: bool) -> Words:
    def words(folder: Path) -> list[str]:
        write_whole(folder / CONFIG, config_json, what="The job's config")
        found = ["train", "--config", str(folder / CONFIG), "--resume"]
        return [*found, "--download"] if download else found

    return words


def _sweep_words(command: str) -> Words:
    words = [*shlex.split(command)[1:], "--workers", str(spare_cores())]
    return lambda _folder: words


def _with_expected(facts: dict[str, Any], expected: Expected | None) -> dict[str, Any]:
    return facts if expected is None else {**facts, "expected": asdict(expected)}


def _launch(words: Words, facts: dict[str, Any]) -> str:
    """Start the process that waits for its turn.

    One at a time, over all servers and threads: an id is later than that of every job whose files are written. The
    process begins nothing before its job is written down, and ends where that does not come to be.

    Raises:
        StoreError: the job cannot be written.
        QueueFullError: too many jobs wait.
    """
    with telling("A job", files.root()):
        make_folder(files.root())
        with FileLock(files.root() / LOCK):
            _sweep_unwritten()
            _demand_a_place()
            job_id = files.next_id()
            folder = files.root() / job_id
            make_folder(folder)
            pid = begin(job_id, [*words(folder), "--events", str(folder / EVENTS)])
            process = {"pid": pid, "process": living.mark(pid), "process_created": living.created(pid)}
            started = {"created": time.time(), **process}
            write_whole(folder / JOB, json.dumps(facts | started), what="The job")
    return job_id


def _demand_a_place() -> None:
    count = len(files.queue())
    if count >= MAX_QUEUE:
        message = f"The queue is full: {count} jobs compute or wait, at most {MAX_QUEUE} may. Cancel one, or wait."
        raise QueueFullError(message)


def _sweep_unwritten() -> None:
    """Remove what a starting server or a removal that was killed left; nobody else starts a job meanwhile."""
    for folder in files.root().iterdir():
        with contextlib.suppress(OSError):  # it is not ours to look into, or holds what is not ours
            if not files.time_in(folder.name) or (folder / JOB).exists():
                continue
            for name in (CANCEL, CONFIG, EVENTS, LOG):
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()


def cancel(job_id: str) -> None:
    """Ask a job to stop, or to wait no longer.

    What is whole is kept, epochs and runs, and the same settings go on from there.

    Raises:
        StoreError: the system does not let its process be stopped.
    """
    facts = files.facts(job_id)
    if facts is None or not files.alive(facts):
        return
    # a process that waits or is still being loaded dies at once and leaves no word of its own
    with contextlib.suppress(OSError):  # in a folder that cannot be written it stops all the same, and is called lost
        (files.root() / job_id / CANCEL).touch()
    try:
        os.kill(facts["pid"], signal.SIGTERM)
    except OSError as refused:
        if files.alive(facts):
            message = f"Job '{job_id}' cannot be stopped: {refused.strerror or refused}."
            raise StoreError(message) from None


def jobs(*, limit: int | None = None) -> list[Job]:
    """The jobs, newest first; at most so many."""
    queue = files.queue()
    names = files.ids()[::-1][:limit]
    return [job for job in (_find(name, queue) for name in names) if job is not None]


def active() -> Job | None:
    """The job that computes now, if one does."""
    queue = files.queue()
    first = _find(queue[0], queue) if queue else None
    return first if first is not None and first.is_active else None


def find(job_id: str) -> Job | None:
    """One job's present state."""
    return _find(job_id, files.queue())


def forget(job_id: str) -> None:
    """Remove a job that has ended from the list; its run, if it made one, stays.

    Raises:
        StoreError: it cannot be removed.
    """
    job = find(job_id)
    if job is None or job.is_active:
        return
    folder = files.root() / job_id
    with telling("The list of jobs", folder):
        (folder / JOB).unlink(missing_ok=True)  # first: without it there is no job, whatever comes between
    shutil.rmtree(folder, ignore_errors=True)


def _find(job_id: str, queue: Sequence[str]) -> Job | None:
    facts = files.facts(job_id)
    if facts is None:
        return None
    told = told_by(job_id)
    events = told.events
    place = queue.index(job_id) + 1 if job_id in queue else 0
    last = events[-1] if events else None
    state = _state(job_id, last, place=place)
    began = next((event.time for event in events if isinstance(event, Starting)), facts["created"])
    ended = time.time() if state in ACTIVE else last.time if last else facts["created"]
    staged = [event for event in events if last is not None and event.event == last.event]
    return Job(
        id=job_id,
        run_id=facts["run_id"],
        command=facts["command"],
        created=facts["created"],
        num_epochs=facts["num_epochs"],
        state=state,
        name=str(facts.get("name", "")),
        sweep=str(facts.get("sweep", "")),
        place=place if state in ACTIVE else 0,
        expected=_expected(facts.get("expected")),
        stage=last.event if last else "starting",
        done=last.done if isinstance(last, Counting) else 0,
        total=last.total if isinstance(last, Counting) else 0,
        message=_message(job_id, state, last),
        caveat=told.caveat,
        history=[event.row for event in events if isinstance(event, Training) and event.row],
        means=_means(events),
        runs=[event.run for event in events if isinstance(event, Sweeping) and event.run],
        seconds=0.0 if state == "waiting" else max(0.0, ended - began),
        _stage_seconds=max(0.0, time.time() - staged[0].time) if staged else 0.0,
        _stage_began_at=staged[0].done if staged and isinstance(staged[0], Counting) else 0,
    )


def _expected(found: object) -> Expected | None:
    """What a job's file says of it; None where it says nothing that can be read. A later version may say more."""
    if not isinstance(found, dict):
        return None
    named = (found.get(name) for name in ("training", "evaluation", "low", "high"))
    values = [float(value) for value in named if isinstance(value, int | float) and 0 <= value <= MOST_SECONDS]
    return Expected(*values) if len(values) == len(fields(Expected)) else None


def _means(events: Sequence[Event]) -> dict[str, float]:
    """What the last event of chips says of the curve; empty where none does."""
    last = next((event for event in reversed(events) if isinstance(event, Evaluating) and event.row), None)
    return {} if last is None else {at: mean for at, mean in last.row.items() if at.replace(".", "", 1).isdecimal()}


def told_by(job_id: str) -> Told:
    """What a job's process told so far."""
    path = files.root() / job_id / EVENTS
    try:
        stat = path.stat()
        return _read(path, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return Told()


@lru_cache(maxsize=256)
def _read(path: Path, size: int, changed: int) -> Told:
    """Once for every state of the file: a page asks each second."""
    del size, changed
    return read_events(path)


def _state(job_id: str, last: Event | None, *, place: int) -> State:
    ended: dict[type[object], State] = {Finished: "finished", Stopped: "cancelled", Failed: "failed"}
    if type(last) in ended:
        return ended[type(last)]
    if place:
        if last is None:
            return "waiting" if place > 1 else "starting"
        return "starting" if isinstance(last, Starting) else "running"
    if files.asked_to_stop(job_id):
        return "cancelled"
    # it ended without an event of its own: refused before it began, or killed
    return "failed" if isinstance(last, Starting | None) and files.last_words(job_id) else "lost"


def _message(job_id: str, state: State, last: Event | None) -> str:
    if state == "lost":
        return KILLED if last else NEVER_BEGUN
    if state == "failed" and not isinstance(last, Failed):
        return files.last_words(job_id)
    return last.message if isinstance(last, Saying) else ""
