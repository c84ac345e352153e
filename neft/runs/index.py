"""What was made of a store's runs, kept on this machine so that not every process makes it again.

One SQLite file a store, in the user's own folder (`NEFT_HOME/indexes`) and not beside the runs: so a read-only store
has one too, a store that came from elsewhere brings none, and none lies on a network drive, where SQLite's locks do not
hold. It is never the truth. A text counts where the run's file has the stamp that it had when the text was made, where
this very code made it, and where its sum is right; all else is made anew from the runs. An index that cannot be read is
replaced, and one that cannot be written is done without.
"""

import hashlib
import os
import platform
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pydantic

from neft.errors import StoreError
from neft.runs.places import neft_home

FOLDER = "indexes"
SUFFIX = ".sqlite"
ROOT = "root"
"""The kind of the row that says whose index it is, and made by which code."""
PACKAGE = Path(__file__).resolve().parents[1]
MADE_BY = (PACKAGE, PACKAGE / "runs", PACKAGE / "tables")
"""Folders whose code decides what is made of a run's record."""
PATIENCE = 2.0
"""Seconds to wait for another process that writes."""
SHOWN = 40
"""So much of a store's path is in its index's name, for people."""

Stamp = tuple[int, int, int]
"""Of a file: when it was written, its size and its number."""
Made = tuple[Stamp, bytes]
"""A text, and the stamp of the record that it was made of."""
Row = tuple[str, str, str, int, int, int, int, bytes]

_TABLE = (
    "CREATE TABLE made (kind TEXT, code TEXT, run_id TEXT, mtime INTEGER, size INTEGER, inode INTEGER, "
    "crc INTEGER, text BLOB, PRIMARY KEY (kind, run_id)) WITHOUT ROWID"
)
_READ = "SELECT run_id, mtime, size, inode, crc, text FROM made WHERE kind = ? AND code = ?"
_WRITE = "INSERT OR REPLACE INTO made VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM made WHERE kind = ? AND run_id = ?"
_FORGET_OTHERS = "DELETE FROM made WHERE code != ?"
_CODE = "SELECT code FROM made WHERE kind = ? AND run_id = ''"


def load(root: Path, kind: str) -> dict[str, Made]:
    """What is kept of a store's runs, by id; empty where nothing is, or it cannot be read."""
    path = _path(root)
    if path is None:
        return {}
    code = code_key()
    try:
        if not path.is_file():
            return {}
        with closing(_to_read(path)) as database:
            if not _is_ours(database):
                return {}
            return _right(root, kind, database.execute(_READ, (kind, code)))
    except (sqlite3.Error, OSError, ValueError, OverflowError):
        return {}


def _right(root: Path, kind: str, rows: Iterable[tuple[Any, ...]]) -> dict[str, Made]:
    """The rows whose sum is right."""
    found: dict[str, Made] = {}
    for run_id, mtime, size, inode, crc, text in rows:
        stamp = (mtime, size, inode)
        if isinstance(run_id, str) and isinstance(text, bytes) and _sum(root, kind, run_id, stamp, text) == crc:
            found[run_id] = (stamp, text)
    return found


def save(root: Path, kind: str, made: Mapping[str, Made], gone: Iterable[str] = ()) -> None:
    """Keep texts that were made, and forget those of runs that are gone; where that cannot be, nothing is kept."""
    path, code = _path(root), code_key()
    if path is None or code is None:
        return
    rows: list[Row] = [
        (kind, code, run_id, *stamp, _sum(root, kind, run_id, stamp, text), text)
        for run_id, (stamp, text) in made.items()
    ]
    rows.append((ROOT, code, "", 0, 0, 0, 0, os.fsencode(root.absolute())))
    with suppress(sqlite3.Error, OSError, ValueError, OverflowError):
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _forget_lost(path.parent)
        try:
            _write(path, kind, code, rows, gone)
        except sqlite3.OperationalError:  # another process writes, the disk is full, or it is not ours to write
            raise
        except sqlite3.DatabaseError:  # no database, or a torn one
            _remove(path)
            _write(path, kind, code, rows, gone)


def _write(path: Path, kind: str, code: str, rows: Sequence[Row], gone: Iterable[str]) -> None:
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as database:
        _ = database.execute("BEGIN IMMEDIATE")
        if not _is_ours(database):
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                quoted = str(name).replace('"', '""')
                _ = database.execute(f'DROP TABLE "{quoted}"')
            _ = database.execute(_TABLE)
        if database.execute(_CODE, (ROOT,)).fetchone() != (code,):  # a look at every row takes long
            _ = database.execute(_FORGET_OTHERS, (code,))
        _ = database.executemany(_FORGET, ((kind, run_id) for run_id in gone))
        _ = database.executemany(_WRITE, rows)
        _ = database.execute("COMMIT")


def _forget_lost(folder: Path) -> None:
    """Remove the indexes of stores that are no more."""
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(sqlite3.Error, OSError), closing(_to_read(path)) as database:
            (root,) = database.execute("SELECT text FROM made WHERE kind = ?", (ROOT,)).fetchone() or (None,)
            if isinstance(root, bytes) and not Path(os.fsdecode(root)).is_dir():
                _remove(path)


def _to_read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=PATIENCE)


def _is_ours(database: sqlite3.Connection) -> bool:
    """Whether it has our table, and no other."""
    found = database.execute("SELECT sql FROM sqlite_master WHERE type = 'table'").fetchall()
    return found == [(_TABLE,)]


def _remove(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _sum(root: Path, kind: str, run_id: str, stamp: Stamp, text: bytes) -> int:
    return zlib.crc32(text, zlib.crc32(f"{root.absolute()}\0{kind}\0{run_id}\0{stamp}".encode(errors="replace")))


def _path(root: Path) -> Path | None:
    """Where a store's index lies; None where no folder is the user's own."""
    whole = str(root.absolute())
    words = "".join(one if one.isascii() and one.isalnum() else "_" for one in whole)[-SHOWN:].strip("_")
    digest = hashlib.sha256(whole.encode(errors="replace")).hexdigest()[:16]
    try:
        return neft_home() / FOLDER / f"{words}-{digest}{SUFFIX}"
    except StoreError:
        return None


@cache
def code_key() -> str | None:
    """Changes with the code that reads records and makes something of them; None where its source is not there."""
    digest = hashlib.sha256(f"{pydantic.VERSION} {platform.python_version()}".encode())
    try:
        sources = [path for folder in MADE_BY for path in sorted(folder.glob("*.py"))]
        for path in sources:
            digest.update(path.read_bytes())
    except OSError:
        return None
    return digest.hexdigest()[:16] if sources else None
