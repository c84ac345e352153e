"""Files and folders that are on the disk whole or not at all: a hidden draft is written, synced and renamed.

What a killed process leaves is a draft. Whoever writes in the same place next sweeps those away that nobody can still
be writing: older than `FORGOTTEN_AFTER`, and of a process that is gone; of another machine's processes, which cannot be
asked for, older than `FORGOTTEN_ELSEWHERE_AFTER`.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

from neft.errors import NeftError, StoreError
from neft.runs import living

FORGOTTEN_AFTER = 3600.0
"""Seconds since a draft was last written in, on this machine."""
FORGOTTEN_ELSEWHERE_AFTER = 86400.0
"""Likewise where another machine made it, or an earlier version that did not say who."""
DRAFT = re.compile(r"\.draft-(?:(?P<host>[a-z0-9]*)-(?P<pid>[0-9]{1,10})-(?:(?P<mark>[0-9a-f]{12})-)?)?[a-z0-9_]{8}")
"""Of whom: a machine, a process's number, and what tells it from others of that number."""


@contextlib.contextmanager
def whole_file(
    target: Path,
    *,
    what: str,
    drafts: Path | None = None,
    makes_folder: bool = True,
    error: type[NeftError] = StoreError,
) -> Generator[Path]:
    """The path of a draft to write; when the block ends well, it is the target, in the place of any earlier one.

    Args:
        target: where the file is to be.
        makes_folder: whether the target's folder is made where it is not there.
        what: begins the sentence of an error, "The note on run 'x'".
        drafts: a folder for drafts on the same file system; the target's own if not given.
        error: what a failure is raised as.

    Raises:
        NeftError: of the class `error`, with the folder and the reason; the target is as it was.
    """
    with telling(what, target.parent, error):
        for folder in (target.parent, drafts or target.parent) if makes_folder else ():
            folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_prefix(), dir=_swept(drafts or target.parent))
        os.close(handle)
        draft = Path(name)
        try:
            yield draft
            draft.chmod(0o644)
            _sync(draft)
            _ = draft.replace(target)
            _sync(target.parent)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)


def write_whole(target: Path, content: str | bytes, *, what: str, error: type[NeftError] = StoreError) -> None:
    """A small file's content at once.

    Raises:
        NeftError: as `whole_file`.
    """
    with whole_file(target, what=what, error=error) as draft:
        _ = draft.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def whole_folder(target: Path, *, what: str, drafts: Path) -> Generator[Path]:
    """A draft's folder to put files into; when the block ends well, it is the target.

    Raises:
        StoreError: with the folder and the reason, also where the target is there and not empty; it is as it was.
    """
    with telling(what, target.parent), draft_folder(drafts) as draft:
        yield draft
        publish(draft, target)


def publish(folder: Path, target: Path) -> None:
    """Move a folder of plain files to its place, readable by all and synced before.

    Raises:
        OSError: it cannot be done; the target is as it was.
    """
    for path in folder.iterdir():
        path.chmod(0o644)
        _sync(path)
    folder.chmod(0o755)
    _sync(folder)
    _ = folder.rename(target)
    _sync(target.parent)


@contextlib.contextmanager
def draft_folder(drafts: Path) -> Generator[Path]:
    """A hidden folder for the time of the block; what is then still in it is removed.

    Raises:
        OSError: it cannot be made.
    """
    drafts.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=_prefix(), dir=_swept(drafts)))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def telling(what: str, place: Path, error: type[NeftError] = StoreError) -> Generator[None]:
    """Raise what the system refuses as one sentence: what cannot be written, where, and why."""
    try:
        yield
    except OSError as refused:
        message = f"{what} cannot be written to '{place}': {refused.strerror or refused}."
        raise error(message) from refused


def sweep_drafts(folder: Path) -> None:
    """Remove the drafts in a folder that nobody can still be writing."""
    for path in folder.iterdir():
        named = DRAFT.fullmatch(path.name)
        if named is None:
            continue
        with contextlib.suppress(OSError):  # another process sweeps it, or it is not ours to remove
            if _is_forgotten(named, path.lstat().st_mtime):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_forgotten(named: "re.Match[str]", touched: float) -> bool:
    age = time.time() - touched
    if named["host"] != _host():
        return age > FORGOTTEN_ELSEWHERE_AFTER
    return age > FORGOTTEN_AFTER and not _is_of_a_living_process(named)


def _is_of_a_living_process(named: "re.Match[str]") -> bool:
    """Whether the process that made a draft lives; of an earlier version's draft, whether one of its number does."""
    pid = int(named["pid"])
    return living.mark(pid) is not None if named["mark"] is None else named["mark"] == _mark(pid)


def _swept(drafts: Path) -> Path:
    sweep_drafts(drafts)
    return drafts


def _prefix() -> str:
    return f".draft-{_host()}-{os.getpid()}-{_mark(os.getpid())}-"


def _mark(pid: int) -> str:
    return hashlib.sha256((living.mark(pid) or "gone").encode()).hexdigest()[:12]


def _host() -> str:
    return re.sub("[^a-z0-9]", "", platform.node().lower())[:64]


def _sync(path: Path) -> None:
    is_windows = sys.platform == "win32"
    if is_windows and path.is_dir():  # which opens no folders, and syncs only what may be written
        return
    handle = os.open(path, os.O_RDWR if is_windows else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
