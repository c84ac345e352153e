"""Jobs as files and processes: what `NEFT_HOME/jobs/<id>/` holds, whose process lives, and who comes first.

Ids in order are the queue. An id begins with the time at which the job was started, or follows the latest one where the
clock was set back. What is named by no time, or cannot be read as a job's folder, is none, and hides no other. Nothing
here knows Streamlit, and nothing loads torch: a job that waits for its turn imports this alone.
"""

import contextlib
import datetime
import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neft.errors import one_line
from neft.runs import living
from neft.runs.places import neft_home

JOB = "job.json"
"""What is known when it is started; written once, whole."""
CONFIG = "config.json"
EVENTS = "events.jsonl"
LOG = "log.txt"
CANCEL = "cancel"
"""There once it was asked to stop."""
LOCK = ".lock"
STAMP = re.compile(r"(?P<second>[0-9]{8}-[0-9]{6})(-(?P<part>[0-9]{6}))?-[0-9a-f]{6}")
"""An id; the time in it is its place."""
LAST = datetime.datetime(2999, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001 - as all in ids: UTC, unsaid
"""No time is later: some systems know none, and it is far from those that would overflow."""
LAST_SECOND = LAST.replace(tzinfo=datetime.UTC).timestamp()
"""Since the epoch."""
MOMENT = datetime.timedelta(microseconds=1)
KINDS: Mapping[str, type | tuple[type, ...]] = {
    "run_id": str,
    "command": str,
    "created": (int, float),
    "num_epochs": int,
    "pid": int,
    "process_created": (int, float, type(None)),
}
"""What is known of every job; a later version may know more."""
MAX_EPOCHS = 1_000_000


def root() -> Path:
    """The folder of all jobs."""
    return neft_home() / "jobs"


def ids() -> list[str]:
    """Every job's id, the oldest first; none where they cannot be listed (`why_not_listed`)."""
    try:
        return sorted(path.name for path in root().iterdir() if time_in(path.name) and _is_told(path))
    except OSError:
        return []


def why_not_listed() -> str:
    """Why there may be jobs that nobody can see, in a sentence; empty where all can be listed."""
    try:
        with os.scandir(f"{root()}/."):  # by this name it also has to be entered
            pass
    except FileNotFoundError:
        return ""
    except OSError as refused:
        return one_line(f"The jobs cannot be listed in '{root()}': {refused.strerror or refused}.")
    return ""


def next_id() -> str:
    """One that is later than that of every job; nobody else may make one meanwhile."""
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)
    latest = max(filter(None, map(time_in, ids())), default=None)
    at = now if latest is None or latest < now else min(latest, LAST - MOMENT) + MOMENT
    return f"{at:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(3)}"


def time_in(job_id: str) -> datetime.datetime | None:
    """When a job of this id was started, in UTC; None for what is no job's id."""
    found = STAMP.fullmatch(job_id)
    if found is None:
        return None
    try:
        at = datetime.datetime.strptime(f"{found['second']}-{found['part'] or '999999'}", "%Y%m%d-%H%M%S-%f")  # noqa: DTZ007
    except ValueError:
        return None
    return at if at <= LAST else None


def facts(job_id: str) -> dict[str, Any] | None:
    """What a job was started as; None where that cannot be read."""
    if not time_in(job_id):
        return None
    try:
        found = json.loads((root() / job_id / JOB).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and _are_facts(found) else None


def _are_facts(found: dict[str, Any]) -> bool:
    if not all(isinstance(found.get(name, KINDS), kind) for name, kind in KINDS.items()):
        return False
    # to a process 0, -1 or 1 would be to many, or to the machine's first
    is_process = 1 < found["pid"] < 2**31
    is_time = all(0 <= (found[name] or 0) <= LAST_SECOND for name in ("created", "process_created"))
    return is_process and is_time and 0 <= found["num_epochs"] <= MAX_EPOCHS


def _is_told(folder: Path) -> bool:
    """Whether there is a job's file, as far as this user may look."""
    with contextlib.suppress(OSError):
        return (folder / JOB).is_file()
    return False


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
    if hasattr(os, "WNOHANG"):  # where a child of ours that ended stays a zombie until it is asked for
        with contextlib.suppress(ChildProcessError):
            _ = os.waitpid(pid, os.WNOHANG)
    if isinstance(found.get("process"), str):
        return living.mark(pid) == found["process"]
    # of an earlier version, which told processes apart by the clock
    created = living.created(pid)
    return created is not None and abs(created - (found["process_created"] or 0)) < 1


def queue() -> list[str]:
    """The jobs whose processes live, in the order of their turns: the first one computes, the others wait."""
    return [job_id for job_id in ids() if (found := facts(job_id)) is not None and alive(found)]
