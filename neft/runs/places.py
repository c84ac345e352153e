"""Where things lie on a user's machine."""

import os
from pathlib import Path

import platformdirs

from neft.errors import StoreError

CACHED_RUNS = Path(os.environ.get("NEFT_CACHED_RUNS") or Path(__file__).resolve().parents[2] / "cached_runs")
"""The runs that ship with the package's source tree."""


def neft_home() -> Path:
    """A user's own runs, jobs and unfinished trainings: NEFT_HOME, or the user's data folder.

    Raises:
        StoreError: NEFT_HOME names no folder, and none can be made there.
    """
    return _folder("NEFT_HOME") or platformdirs.user_data_path("neft", appauthor=False)


def default_data_dir() -> Path:
    """Data sets: NEFT_DATA_DIR, or the user's cache folder.

    Raises:
        StoreError: NEFT_DATA_DIR names no folder, and none can be made there.
    """
    return _folder("NEFT_DATA_DIR") or platformdirs.user_cache_path("neft", appauthor=False) / "data"


def _folder(variable: str) -> Path | None:
    """The folder that a variable of the environment names, whole; None where it is not set."""
    given = os.environ.get(variable)
    if given is None:
        return None
    if not given.strip():
        message = f"{variable} is empty: name a folder, or unset it."
        raise StoreError(message)
    path = Path(given).absolute()
    if path.exists() and not path.is_dir():
        message = f"{variable} must name a folder; '{given}' is none."
        raise StoreError(message)
    return path
