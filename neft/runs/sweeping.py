"""What killed processes left in a user's home and among the temporary folders, swept away when one starts."""

import contextlib
from pathlib import Path

from neft.errors import NeftError
from neft.runs import files
from neft.runs.places import neft_home

WRITTEN = ("runs", "runs/.drafts", "notes", "searches", "jobs", "unfinished", "worst_cases", "races", "waterfalls")
"""Places in which drafts are made."""
BY_ID = ("jobs", "unfinished", "worst_cases", "races", "waterfalls")
"""Those that have a folder for each run or job, in which they are made."""


def sweep_home() -> None:
    """Remove every draft and temporary folder that nobody can still be writing, and finish deletions.

    Whatever cannot be removed stays for the next time: nothing that is asked of the process depends on it.
    """
    with contextlib.suppress(NeftError):  # a home that is none is refused by whatever needs one
        home = neft_home()
        for place in WRITTEN:
            _sweep(home / place, each=place in BY_ID)
        if any(name.startswith(files.DELETED) for name in _names(home / "runs" / ".drafts")):
            from neft.runs.removal import finish_removals  # noqa: PLC0415 - slow, and hardly ever needed

            finish_removals()
    files.sweep_temporary()


def _sweep(folder: Path, *, each: bool) -> None:
    with contextlib.suppress(OSError):
        files.sweep_drafts(folder)
        for name in _names(folder) if each else ():
            with contextlib.suppress(OSError):
                files.sweep_drafts(folder / name)


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []
