"""Trainings started from a page: each a `neft train` of its own process, with its state in files.

A job survives a page's reload and the server's restart: `NEFT_HOME/jobs/<id>/` holds job.json (written once), events.jsonl
(appended by the training) and log.txt. Nothing here knows Streamlit.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
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


@dataclass(frozen=True)
class Job:
    """A training's job as its files tell it."""

    id: str
    run_id: str
    command: str
    created: float
    num_epochs: int
    state: State
    stage: str = "starting"
    """What it is doing: starting, loading, training, evaluating, storing."""
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
        if not self.is_active or not self.done or not self.total:
            return None
        return self._stage_seconds / self.done * (self.total - self.done)

    _stage_seconds: float = 0.0


def start(config_json: str, *, run_id: str, command: str, num_epochs: int) -> str:
    """Start a training; returns the job's id.

    Args:
        config_json: the run's config.
        run_id: the id it will have.
        command: the command line that does the same, to show.
        num_epochs: to draw its progress before it tells.
    """
    job_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    folder = _root() / job_id
    folder.mkdir(parents=True)
    _ = (folder / CONFIG).write_text(config_json, encoding="utf-8")
    arguments = ["train", "--config", str(folder / CONFIG), "--events", str(folder / EVENTS), "--resume"]
    # one core is left to the page
    threads = max(1, (os.cpu_count() or 2) - 1)
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program, arguments as a list
            [sys.executable, "-m", "neft", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    facts = {
        "run_id": run_id,
        "command": command,
        "created": time.time(),
        "num_epochs": num_epochs,
        "pid": process.pid,
        "process_created": _created(process.pid),
    }
    draft = folder / f".{JOB}"
    _ = draft.write_text(json.dumps(facts), encoding="utf-8")
    _ = draft.rename(folder / JOB)
    return job_id


def cancel(job_id: str) -> None:
    """Ask a training to stop; its last whole epoch is kept and the same settings go on from there."""
    facts = _facts(job_id)
    if facts is not None and _alive(facts):
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
    """The training that computes now, if one does."""
    return next((job for job in jobs() if job.is_active), None)


def find(job_id: str) -> Job | None:
    """One job's present state."""
    facts = _facts(job_id)
    if facts is None:
        return None
    events = _events(job_id)
    history = [event["row"] for event in events if event["event"] == "training" and event.get("row")]
    last = events[-1] if events else {}
    state = _state(last, alive=_alive(facts))
    staged = [event for event in events if event["event"] == last.get("event")]
    message = str(last.get("message", ""))
    if state in ("failed", "lost"):
        message = message if last.get("event") == "failed" else _last_words(job_id)
    ended = last.get("time", facts["created"]) if state not in ACTIVE else time.time()
    return Job(
        id=job_id,
        run_id=facts["run_id"],
        command=facts["command"],
        created=facts["created"],
        num_epochs=facts["num_epochs"],
        state=state,
        stage=str(last.get("event", "starting")),
        done=int(last.get("done", 0)),
        total=int(last.get("total", 0)),
        message=message,
        history=history,
        seconds=ended - facts["created"],
        _stage_seconds=time.time() - staged[0]["time"] if staged else 0.0,
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


def _root() -> Path:
    return neft_home() / "jobs"


def _facts(job_id: str) -> dict[str, Any] | None:
    try:
        return json.loads((_root() / job_id / JOB).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _events(job_id: str) -> list[dict[str, Any]]:
    try:
        text = (_root() / job_id / EVENTS).read_text(encoding="utf-8")
    except OSError:
        return []
    # the last line may be half written
    whole = text[: text.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]


def _state(last: dict[str, Any], *, alive: bool) -> State:
    ended: dict[str, State] = {"finished": "finished", "stopped": "cancelled", "failed": "failed"}
    kind = str(last.get("event", ""))
    if kind in ended:
        return ended[kind]
    if alive:
        return "running" if last else "starting"
    # it ended without a word: refused before it began, or killed
    return "lost" if last else "failed"


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
