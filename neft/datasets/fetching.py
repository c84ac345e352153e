"""Getting a data set's files onto the disk: whole or not at all, and a plain sentence where it cannot be done."""

import gzip
import shutil
import zlib
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from tarfile import TarError
from tempfile import TemporaryDirectory
from zipfile import BadZipFile

from neft.datasets.base import DataAccess
from neft.errors import MOST_SHOWN, DataMissingError, without_middle

FAILURES = (OSError, EOFError, RuntimeError, HTTPException, TarError, BadZipFile, zlib.error)
"""What a download or an unpacking may end in; no network is a URLError, which is an OSError."""


def data_missing(label: str, problem: str, folder: Path, *, other_way: str = "") -> DataMissingError:
    """The error for files that are not there, with the two ways to get them.

    Args:
        label: the data set's name as shown.
        problem: which files, and whether they are missing or unusable.
        folder: where they were looked for and should be put.
        other_way: one more sentence, for a data set that has a third way.
    """
    ways = "Download them with `--download`, or put them there (the data folder: `--data-dir` or NEFT_DATA_DIR)."
    return DataMissingError(f"{label}: {problem} in {folder}. {ways} {other_way}".rstrip())


def download_folder(access: DataAccess, label: str, folder: str, fetch: Callable[[str], object]) -> None:
    """Fetch a data set's folder into the data folder: into a hidden one first, then moved, so it is never half there.

    Args:
        access: where to.
        label: the data set's name as shown.
        folder: the folder's path within the data folder.
        fetch: downloads and unpacks below the path it is given.

    Raises:
        DataMissingError: no network, a checksum that does not match, a full disk, …
    """
    access.report(f"Downloading {label} into {access.data_dir}.")
    try:
        access.data_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=access.data_dir, prefix=".downloading-") as partial:
            _ = fetch(partial)
            _move_into(Path(partial) / folder, access.data_dir / folder)
    except FAILURES as error:
        message = (
            f"{label} could not be downloaded into {access.data_dir / folder} "
            f"({without_middle(in_one_line(error), MOST_SHOWN)}). Check the network, or put the files there by hand."
        )
        raise DataMissingError(message) from error


def unpack_gzip(archive: Path, target: Path) -> None:
    """Unpack one file; the target appears only when it is whole.

    Raises:
        DataMissingError: the archive is damaged, or the target's folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as partial:
            whole = Path(partial) / target.name
            with gzip.open(archive) as packed, whole.open("wb") as file:
                shutil.copyfileobj(packed, file)
            _ = whole.replace(target)
    except FAILURES as error:
        message = f"{archive} could not be unpacked into {target.parent} ({in_one_line(error)})."
        raise DataMissingError(message) from error


def first_of(names: Sequence[str]) -> str:
    """The first, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def in_one_line(error: BaseException) -> str:
    """What an exception says, for the inside of a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _move_into(source: Path, target: Path) -> None:
    """Move a folder; where the target exists already, file by file, replacing its files of the same name."""
    if not (source.is_dir() and target.is_dir()):
        target.parent.mkdir(parents=True, exist_ok=True)
        _ = source.replace(target)
        return
    for child in source.iterdir():
        _move_into(child, target / child.name)
