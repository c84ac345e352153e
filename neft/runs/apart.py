"""Processes of our own run our own code, whatever lies in the folder from which they are started.

`python -m` looks for modules in the current folder first, and so do the worker processes of joblib: a folder
`dashboard/` or `joblib/` there would be run. `PYTHONSAFEPATH` (Python 3.11, as the option `-P`) leaves the current
folder out, and is handed on to whatever a process starts.
"""

import io
import os
import sys
from pathlib import Path

SAFE = {"PYTHONSAFEPATH": "1"}
PLAIN = {"PYTHONUTF8": "1"}
"""Text as on every other system on Windows, whose files and pipes have no σ otherwise."""
PATH = "PYTHONPATH"


def keep_apart() -> None:
    """Have every process that this one starts leave the current folder out of its path."""
    os.environ.update(SAFE)
    if sys.platform == "win32":
        os.environ.update(PLAIN)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8")


def environment_with(root: Path, **variables: str) -> dict[str, str]:
    """The environment of a process that is to find a package below a folder before any other of its name.

    Args:
        root: the folder in which the package lies.
        variables: further ones.
    """
    # an empty entry of PYTHONPATH would be the current folder again
    known = [entry for entry in os.environ.get(PATH, "").split(os.pathsep) if entry]
    path = os.pathsep.join(dict.fromkeys([str(root), *known]))
    return {**os.environ, **SAFE, PATH: path, **variables}
