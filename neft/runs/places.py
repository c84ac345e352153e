"""Where things lie on a user's machine."""

import os
import stat
from pathlib import Path

import platformdirs

from neft.errors import StoreError
from neft.runs import files

PACKAGE = Path(__file__).resolve().parents[1]
IN_PACKAGE = PACKAGE / "cached_runs"
"""Where a wheel has a few of the cached runs; a source tree has all of them beside the package."""
BESIDE_PACKAGE = PACKAGE.parent / "cached_runs"
CACHED_RUNS = Path(os.environ.get("NEFT_CACHED_RUNS") or (IN_PACKAGE if IN_PACKAGE.is_dir() else BESIDE_PACKAGE))
"""The runs that ship."""
APP = PACKAGE / "_app"
"""Where a wheel has the dashboard: a top-level package `dashboard` could be anybody's, and would overwrite theirs."""


def app_root() -> Path:
    """The folder in which the dashboard's package lies: the wheel's, or the source tree.

    Raises:
        StoreError: it is in neither.
    """
    for root in (APP, PACKAGE.parent):
        if (root / "dashboard" / "__main__.py").is_file():
            return root
    message = f"The dashboard is not installed: there is none in '{APP}', nor beside '{PACKAGE}'. Install neft anew."
    raise StoreError(message)


MORE_RUNS = (
    "This installation has some of the cached runs. All of them come with the source tree: "
    "`NEFT_CACHED_RUNS` names its folder `cached_runs`."
)


def is_selection() -> bool:
    """Whether the runs that ship are the few of a wheel; `MORE_RUNS` says where all are."""
    return CACHED_RUNS == IN_PACKAGE


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
    try:
        found = files.look_at(path)
    except StoreError as error:
        message = f"{variable} names no folder that can be used: {error}"
        raise StoreError(message) from None
    if found is not None and not stat.S_ISDIR(found.st_mode):
        message = f"{variable} must name a folder; '{given}' is none."
        raise StoreError(message)
    return path
