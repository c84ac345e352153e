"""Whether a process lives and is the one that was meant: told by what stays when the clock is set.

A process's number is given again once it is gone. On Linux the start of the machine (its boot id) and the process's own
start, counted from then, tell processes of one number apart. The time of day would not do: the system derives when a
process was made from its present clock, so that a clock that is set makes every process another.
"""

from functools import cache
from pathlib import Path

import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
STATE, STARTED = 0, 19
"""Fields of /proc/<pid>/stat after the process's name, which may hold anything."""
GONE = ("Z", "X", "x")
"""States of a process that has ended and was not asked for yet."""


def mark(pid: int) -> str | None:
    """What a living process of this number has, and no other had or will have; None for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None if _boot() else _elsewhere(pid)
    return None if len(fields) <= STARTED or fields[STATE] in GONE else f"{_boot()}:{fields[STARTED]}"


def created(pid: int) -> float | None:
    """When a living process was made, in seconds since the epoch by the present clock; None for one that is gone."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def _elsewhere(pid: int) -> str | None:
    """On systems without such files, which keep the time at which a process was made as it was then."""
    made = created(pid)
    return None if made is None else f":{made:.2f}"


@cache
def _boot() -> str:
    """Of this start of the machine; empty on other systems than Linux."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
