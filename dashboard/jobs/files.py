"""Jobs as files and processes: what `NEFT_HOME/jobs/<id>/` holds, whose process lives, and who comes first.

An id begins with the time at which the job was started, so ids in order are the queue. Nothing here knows Streamlit,
and nothing loads torch: a job that waits for its turn imports this alone.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from neft.runs.files import process_created
from neft.runs.places import neft_home

JOB = "job.json"
"""What is known when it is started; written once, whole."""
CONFIG = "config.json"
EVENTS = "events.jsonl"
LOG = "log.txt"
CANCEL = "cancel"
"""There once it was asked to stop."""
LOCK = ".lock"
FACTS = {"run_id", "command", "created", "num_epochs", "pid", "process_created"}


def root() -> Path:
    """The folder of all jobs."""
    return neft_home() / "jobs"


def ids() -> list[str]:
    """Every job's id, the oldest first."""
    try:
        return sorted(path.name for path in root().iterdir() if (path / JOB).is_file())
    except FileNotFoundError:
        return []


def facts(job_id: str) -> dict[str, Any] | None:
    """What a job was started as; None where that cannot be read."""
    try:
        found = json.loads((root() / job_id / JOB).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.keys() >= FACTS else None


def last_words(job_id: str) -> str:
    """The last line of a job's log; empty where there is none."""
    try:
        lines = (root() / job_id / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].removeprefix("Error: ") if lines else ""


def asked_to_stop(job_id: str) -> bool:
    """Whether it was."""
    return (root() / job_id / CANCEL).exists()


def alive(found: dict[str, Any]) -> bool:
    """Whether a job's process lives, and is not another that was given its number."""
    pid = found["pid"]
    with contextlib.suppress(ChildProcessError):
        _ = os.waitpid(pid, os.WNOHANG)  # a child of ours that ended stays a zombie until it is asked for
    created = process_created(pid)
    return created is not None and abs(created - (found["process_created"] or 0)) < 1


def queue() -> list[str]:
    """The jobs whose processes live, in the order of their turns: the first one computes, the others wait."""
    return [job_id for job_id in ids() if (found := facts(job_id)) is not None and alive(found)]
