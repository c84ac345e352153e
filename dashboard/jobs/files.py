"""Jobs as files and processes: what `NEFT_HOME/jobs/<id>/` holds, whose process lives, and who comes first.

Ids in order are the queue. An id begins with the time at which the job was started, or follows the latest one where the
clock was set back. What cannot be read as a job's folder is none, and hides no other. Nothing here knows Streamlit, and
nothing loads torch: a job that waits for its turn imports this alone.
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

from neft.runs import living
from neft.runs.files import reading
from neft.runs.places import neft_home

JOB = "job.json"
"""What is known when it is started; written once, whole."""
CONFIG = "config.json"
EVENTS = "events.jsonl"
LOG = "log.txt"
CANCEL = "cancel"
"""There once it was asked to stop."""
LOCK = ".lock"
JOB_ID = re.compile("[A-Za-z0-9_-]{1,100}")
"""What may stand for a job in an address: nothing that leaves the folder of jobs."""
STAMP = re.compile(r"(?P<day>[0-9]{8})-(?P<time>[0-9]{6})(-(?P<part>[0-9]{6}))?-[0-9a-f]{6}")
"""An id that was made here; its parts together are its place."""
KINDS: Mapping[str, type | tuple[type, ...]] = {
    "run_id": str,
    "command": str,
    "created": (int, float),
    "num_epochs": int,
    "pid": int,
    "process_created": (int, float, type(None)),
}
"""What is known of every job; a later version may know more."""
YEAR_9999 = 253_370_764_800.0
"""Seconds since the epoch; what is later is no time."""
MAX_EPOCHS = 1_000_000


def root() -> Path:
    """The folder of all jobs."""
    return neft_home() / "jobs"


def ids() -> list[str]:
    """Every job's id, the oldest first.

    Raises:
        StoreError: the folder of all jobs cannot be read.
    """
    with reading(root()):
        try:
            return sorted(path.name for path in root().iterdir() if JOB_ID.fullmatch(path.name) and _is_told(path))
        except (FileNotFoundError, NotADirectoryError):
            return []


def next_id() -> str:
    """One that is later than that of every job; nobody else may make one meanwhile."""
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    latest = max((_place(found) for job_id in ids() if (found := STAMP.fullmatch(job_id))), default=0)
    digits = f"{max(int(f'{now:%Y%m%d%H%M%S%f}'), latest + 1):020d}"
    return f"{digits[:8]}-{digits[8:14]}-{digits[14:]}-{secrets.token_hex(3)}"


def facts(job_id: str) -> dict[str, Any] | None:
    """What a job was started as; None where that cannot be read."""
    if not JOB_ID.fullmatch(job_id):
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
    is_time = all(0 <= (found[name] or 0) < YEAR_9999 for name in ("created", "process_created"))
    return is_process and is_time and 0 <= found["num_epochs"] <= MAX_EPOCHS


def _is_told(folder: Path) -> bool:
    """Whether there is a job's file, as far as this user may look."""
    with contextlib.suppress(OSError):
        return (folder / JOB).is_file()
    return False


def _place(found: "re.Match[str]") -> int:
    return int(found["day"] + found["time"] + (found["part"] or "999999"))


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
    if isinstance(found.get("process"), str):
        return living.mark(pid) == found["process"]
    # of an earlier version, which told processes apart by the clock
    created = living.created(pid)
    return created is not None and abs(created - (found["process_created"] or 0)) < 1


def queue() -> list[str]:
    """The jobs whose processes live, in the order of their turns: the first one computes, the others wait."""
    return [job_id for job_id in ids() if (found := facts(job_id)) is not None and alive(found)]
