"""What costs a training is made once a test session, whichever of its workers asks first."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

DONE = ".made"


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills: the same one for all workers, who only read it.

    Args:
        factory: pytest's; a worker's folder lies in the session's.
        name: of the folder.
        make: fills the empty folder that it is given; what it left half done is made anew.
    """
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{folder}.lock"):
        if not (folder / DONE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _ = make(folder)
            (folder / DONE).touch()
    return folder
