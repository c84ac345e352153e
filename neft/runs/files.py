"""Files and folders that are on the disk whole or not at all: a hidden draft is written, synced and renamed.

What a killed process leaves is a draft. Whoever writes in the same place next, or starts a verb that writes
(`neft.runs.sweeping`), sweeps those away that nobody can still be writing: older than `FORGOTTEN_AFTER`, and of a
process that is gone; of another machine's processes, which cannot be asked for, older than `FORGOTTEN_ELSEWHERE_AFTER`.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import stat
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
DELETED = ".deleted-"
"""How the name of a run begins that was deleted, among the drafts until its last file is gone."""
TEMPORARY = re.compile(f"neft{DRAFT.pattern}|neft-import-[a-z0-9_]{{8}}")
"""Of whom a folder among the system's temporary ones is; the second name is of earlier versions, which did not say."""
MOST_OF_A_PLACE = 160
"""Characters of a path in a sentence; its end tells the most."""


def look_at(path: Path, error: type[NeftError] = StoreError) -> os.stat_result | None:
    """What lies at a path; None where nothing does.

    Raises:
        NeftError: of the class `error`; the system does not tell, as of what lies in a closed folder.
    """
    with reading(path, error):
        try:
            return path.stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):  # no path holds a null character
            return None


def is_file(path: Path, error: type[NeftError] = StoreError) -> bool:
    """Whether a plain file is there.

    Raises:
        NeftError: as `look_at`.
    """
    found = look_at(path, error)
    return found is not None and stat.S_ISREG(found.st_mode)


def is_folder(path: Path, error: type[NeftError] = StoreError) -> bool:
    """Whether a folder is there.

    Raises:
        NeftError: as `look_at`.
    """
    found = look_at(path, error)
    return found is not None and stat.S_ISDIR(found.st_mode)


def files_in(folder: Path, suffix: str, error: type[NeftError] = StoreError) -> list[Path]:
    """What a folder holds whose name ends so, sorted; nothing where there is no such folder.

    Raises:
        NeftError: of the class `error`; the system does not let it be read.
    """
    if not is_folder(folder, error):
        return []
    with reading(folder, error):
        return sorted(path for path in folder.iterdir() if path.name.endswith(suffix))


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
            make_folder(folder)
        handle, name = tempfile.mkstemp(prefix=_prefix(), dir=_swept(drafts or target.parent))
        os.close(handle)
        draft = Path(name)
        try:
            yield draft
            draft.chmod(0o644)
            sync(draft)
            _ = draft.replace(target)
            sync(target.parent)
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
        sync(path)
    folder.chmod(0o755)
    sync(folder)
    _ = folder.rename(target)
    sync(target.parent)


@contextlib.contextmanager
def draft_folder(drafts: Path) -> Generator[Path]:
    """A hidden folder for the time of the block; what is then still in it is removed.

    Raises:
        OSError: it cannot be made.
    """
    make_folder(drafts)
    draft = Path(tempfile.mkdtemp(prefix=_prefix(), dir=_swept(drafts)))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder where it is not there, and those that lead to it; each stays, whatever comes after.

    Raises:
        OSError: it cannot be made.
    """
    missing = [] if folder.is_dir() else [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync(made.parent)


@contextlib.contextmanager
def temporary_folder(what: str, error: type[NeftError] = StoreError) -> Generator[Path]:
    """A folder among the system's temporary ones for the time of the block; named so that it is swept if left.

    Args:
        what: begins the sentence of an error, "An uploaded file".
        error: what is raised where the folder, or what the block puts into it, cannot be written.

    Raises:
        NeftError: of the class `error`, with the place and the reason.
    """
    with telling(what, temporary_place(what, error), error):
        folder = Path(tempfile.mkdtemp(prefix=f"neft{_prefix()}"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def temporary_place(what: str, error: type[NeftError] = StoreError) -> Path:
    """The folder of the system's temporary folders.

    Raises:
        NeftError: of the class `error`: there is none that can be written.
    """
    try:
        return Path(tempfile.gettempdir())
    except OSError as refused:
        message = f"{what} cannot be written: {refused.strerror or refused}."
        raise error(message) from refused


@contextlib.contextmanager
def reading(place: Path, error: type[NeftError] = StoreError) -> Generator[None]:
    """Raise what the system refuses as one sentence: what cannot be read, and why."""
    try:
        yield
    except OSError as refused:
        message = f"'{_end_of(place)}' cannot be read: {refused.strerror or refused}."
        raise error(message) from refused


@contextlib.contextmanager
def telling(what: str, place: Path, error: type[NeftError] = StoreError) -> Generator[None]:
    """Raise what the system refuses as one sentence: what cannot be written, where, and why."""
    try:
        yield
    except OSError as refused:
        message = f"{what} cannot be written to '{_end_of(place)}': {refused.strerror or refused}."
        raise error(message) from refused


def _end_of(place: Path) -> str:
    text = str(place)
    return text if len(text) <= MOST_OF_A_PLACE else f"…{text[-MOST_OF_A_PLACE + 1 :]}"


def sweep_drafts(folder: Path) -> None:
    """Remove the drafts in a folder that nobody can still be writing."""
    _sweep(folder, DRAFT)


def sweep_temporary() -> None:
    """Likewise the folders that killed processes left among the system's temporary ones."""
    with contextlib.suppress(OSError):
        _sweep(Path(tempfile.gettempdir()), TEMPORARY)


def _sweep(folder: Path, pattern: re.Pattern[str]) -> None:
    with os.scandir(folder) as entries:
        found = [(named, Path(entry.path)) for entry in entries if (named := pattern.fullmatch(entry.name))]
    for named, path in found:
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


def sync(path: Path) -> None:
    """Have the system write a file's content, or a folder's list of names, to the disk."""
    is_windows = sys.platform == "win32"
    if is_windows and path.is_dir():  # which opens no folders, and syncs only what may be written
        return
    handle = os.open(path, os.O_RDWR if is_windows else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
