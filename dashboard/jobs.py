"""Trainings and sweeps started from a page: each a `neft` of its own process, with its state in files.

A job survives a page's reload and the server's restart: `NEFT_HOME/jobs/<id>/` holds job.json (written once),
events.jsonl (appended by the process), log.txt and, once it was asked to stop, cancel. Nothing here knows Streamlit.
"""

import contextlib
import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

from neft.places import neft_home

State = Literal["starting", "running", "finished", "cancelled", "failed", "lost"]
ACTIVE: tuple[State, ...] = ("starting", "running")
JOB = "job.json"
CONFIG = "config.json"
EVENTS = "events.jsonl"
LOG = "log.txt"
FACTS = {"run_id", "command", "created", "num_epochs", "pid", "process_created"}
CANCEL = "cancel"
KILLED = (
    "It was killed (out of memory, or the machine was switched off). "
    "Start it again with the same settings to go on after its last whole epoch."
)


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
    sweep: str = ""
    """The experiment that is run; empty for a training."""
    stage: str = "starting"
    """What it is doing: starting, loading, training, evaluating, storing, sweeping."""
    done: int = 0
    total: int = 0
    message: str = ""
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    """Since it was started, or how long it took."""

    @property
    def is_active(self) -> bool:
        """Whether it still computes."""
        return self.state in ACTIVE

    @property
    def seconds_left(self) -> float | None:
        """Of the present stage, from its pace so far; None while there is none."""
        done_here = self.done - self._stage_began_at
        if not self.is_active or done_here <= 0:
            return None
        return self._stage_seconds / done_here * (self.total - self.done)

    _stage_seconds: float = 0.0
    _stage_began_at: int = 0
    """What was done before the stage's first event: a resumed training does not begin at 0."""


def start(config_json: str, *, run_id: str, command: str, num_epochs: int, download: bool = False) -> str:
    """Start a training; returns the job's id.

    Args:
        config_json: the run's config.
        run_id: the id it will have.
        command: the command line that does the same, to show.
        num_epochs: to draw its progress before it tells.
        download: whether a missing data set may be fetched.
    """

    def arguments(folder: Path) -> list[str]:
        _ = (folder / CONFIG).write_text(config_json, encoding="utf-8")
        words = ["train", "--config", str(folder / CONFIG), "--resume"]
        return [*words, "--download"] if download else words

    return _launch(arguments, {"run_id": run_id, "command": command, "num_epochs": num_epochs})


def start_sweep(command: str, *, experiment: str) -> str:
    """Start a sweep; returns the job's id.

    Args:
        command: its command line, `neft sweep …`.
        experiment: the experiment's name.
    """
    words = shlex.split(command)[1:]
    facts = {"run_id": "", "command": command, "num_epochs": 0, "sweep": experiment}
    return _launch(lambda _folder: [*words, "--workers", str(_spare_cores())], facts)


def _launch(arguments: Callable[[Path], list[str]], facts: dict[str, Any]) -> str:
    job_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    folder = _root() / job_id
    folder.mkdir(parents=True)
    words = [*arguments(folder), "--events", str(folder / EVENTS)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(_spare_cores()), "PYTHONUNBUFFERED": "1"}
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program, arguments as a list
            [sys.executable, "-m", "neft", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    started = {"created": time.time(), "pid": process.pid, "process_created": _created(process.pid)}
    draft = folder / f".{JOB}"
    _ = draft.write_text(json.dumps(facts | started), encoding="utf-8")
    _ = draft.rename(folder / JOB)
    return job_id


def cancel(job_id: str) -> None:
    """Ask a job to stop; what is whole is kept, epochs and runs, and the same settings go on from there."""
    facts = _facts(job_id)
    if facts is not None and _alive(facts):
        # a training that is still being loaded dies at once and leaves no word of its own
        (_root() / job_id / CANCEL).touch()
        with contextlib.suppress(ProcessLookupError):
            os.kill(facts["pid"], signal.SIGTERM)


def jobs(*, limit: int = 20) -> list[Job]:
    """The latest jobs, newest first."""
    root = _root()
    if not root.is_dir():
        return []
    names = sorted((path.name for path in root.iterdir() if (path / JOB).is_file()), reverse=True)
    return [job for job in (find(name) for name in names[:limit]) if job is not None]


def active() -> Job | None:
    """The job that computes now, if one does."""
    return next((job for job in jobs() if job.is_active), None)


def find(job_id: str) -> Job | None:
    """One job's present state."""
    facts = _facts(job_id)
    if facts is None:
        return None
    alive = _alive(facts)  # before the events: it may finish in between
    events = _events(job_id)
    history = [event["row"] for event in events if event["event"] == "training" and event.get("row")]
    last = events[-1] if events else {}
    state = _state(last, alive=alive, asked_to_stop=(_root() / job_id / CANCEL).exists())
    staged = [event for event in events if event["event"] == last.get("event")]
    ended = last.get("time", facts["created"]) if state not in ACTIVE else time.time()
    return Job(
        id=job_id,
        run_id=facts["run_id"],
        command=facts["command"],
        created=facts["created"],
        num_epochs=facts["num_epochs"],
        state=state,
        sweep=str(facts.get("sweep", "")),
        stage=str(last.get("event", "starting")),
        done=int(last.get("done", 0)),
        total=int(last.get("total", 0)),
        message=_message(job_id, state, last),
        history=history,
        seconds=ended - facts["created"],
        _stage_seconds=time.time() - staged[0]["time"] if staged else 0.0,
        _stage_began_at=int(staged[0].get("done", 0)) if staged else 0,
    )


def forget(job_id: str) -> None:
    """Remove a job that has ended from the list; its run, if it made one, stays."""
    job = find(job_id)
    if job is None or job.is_active:
        return
    folder = _root() / job_id
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def _spare_cores() -> int:
    """One core is left to the page."""
    return max(1, (os.cpu_count() or 2) - 1)


def _root() -> Path:
    return neft_home() / "jobs"


def _facts(job_id: str) -> dict[str, Any] | None:
    try:
        facts = json.loads((_root() / job_id / JOB).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) and facts.keys() >= FACTS else None


def _events(job_id: str) -> list[dict[str, Any]]:
    try:
        text = (_root() / job_id / EVENTS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [event for event in map(_event, text.splitlines()) if event is not None]


def _event(line: str) -> dict[str, Any] | None:
    """One line of the event file; None where it is half written or damaged."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return None
    return event if isinstance(event.get("time"), int | float) else None


def _state(last: dict[str, Any], *, alive: bool, asked_to_stop: bool) -> State:
    ended: dict[str, State] = {"finished": "finished", "stopped": "cancelled", "failed": "failed"}
    kind = str(last.get("event", ""))
    if kind in ended:
        return ended[kind]
    if alive:
        return "running" if last else "starting"
    if asked_to_stop:
        return "cancelled"
    # it ended without a word: refused before it began, or killed
    return "lost" if last else "failed"


def _message(job_id: str, state: State, last: dict[str, Any]) -> str:
    if state == "lost":
        return KILLED
    if state == "failed" and last.get("event") != "failed":
        return _last_words(job_id)
    return str(last.get("message", ""))


def _alive(facts: dict[str, Any]) -> bool:
    pid = facts["pid"]
    with contextlib.suppress(ChildProcessError):
        _ = os.waitpid(pid, os.WNOHANG)  # a child of ours that ended stays a zombie until it is asked for
    created = _created(pid)
    return created is not None and abs(created - (facts["process_created"] or 0)) < 1


def _created(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def _last_words(job_id: str) -> str:
    try:
        lines = (_root() / job_id / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].removeprefix("Error: ") if lines else "The training's process ended without a word."
