"""Where things lie on a user's machine."""

import os
from pathlib import Path

import platformdirs

CACHED_RUNS = Path(os.environ.get("NEFT_CACHED_RUNS") or Path(__file__).resolve().parents[2] / "cached_runs")
"""The runs that ship with the package's source tree."""


def neft_home() -> Path:
    """A user's own runs, jobs and unfinished trainings: NEFT_HOME, or the user's data folder."""
    return Path(os.environ.get("NEFT_HOME") or platformdirs.user_data_path("neft", appauthor=False))


def default_data_dir() -> Path:
    """Data sets: NEFT_DATA_DIR, or the user's cache folder."""
    return Path(os.environ.get("NEFT_DATA_DIR") or platformdirs.user_cache_path("neft", appauthor=False) / "data")
