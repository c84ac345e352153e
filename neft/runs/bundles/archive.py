"""What a zip file holds, found out without trusting it: names, kinds and sizes are checked before a byte is unpacked.

No path of the archive is ever used on disk: files go to places that are named here.
"""

import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from neft.errors import BundleError
from neft.runs.store import LIMITS as TABLE_LIMITS
from neft.runs.store import MIB, RECORD, WEIGHTS

BinaryFile = BinaryIO | io.BytesIO
MANIFEST = "manifest.json"
README = "README.txt"
NOTE = "note.json"
RUNS = "runs"
LIMITS = {
    **TABLE_LIMITS,
    WEIGHTS: 512 * MIB,
    NOTE: MIB // 16,
    MANIFEST: 16 * MIB,
    README: MIB,
}
"""The most bytes, unpacked, of each file that there may be."""
MAX_TOTAL = 2048 * MIB
"""The most bytes of all files together, unpacked."""
MAX_RUNS = 1000
MAX_NAME = 150
CHUNK = MIB // 4
LEFT_BY_SYSTEMS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that file managers put beside others; passed over."""
RESOURCE_FORKS = "__MACOSX"
ENCRYPTED = 0x1
AT_TOP = frozenset({MANIFEST, README})
IN_A_RUN = frozenset({*LIMITS} - AT_TOP)


@dataclass(frozen=True)
class RunFolder:
    """The entries of one run, by file name."""

    path: str
    entries: dict[str, zipfile.ZipInfo]

    @property
    def num_bytes(self) -> int:
        """Of all its files, unpacked."""
        return sum(entry.file_size for entry in self.entries.values())


@dataclass(frozen=True)
class Archive:
    """A zip file whose every entry has been looked at."""

    file: zipfile.ZipFile
    manifest: zipfile.ZipInfo | None
    folders: tuple[RunFolder, ...]

    def read(self, entry: zipfile.ZipInfo) -> bytes:
        """A small file's bytes.

        Raises:
            BundleError: it is damaged, or larger than it says.
        """
        return b"".join(self._chunks(entry))

    def unpack(self, entry: zipfile.ZipInfo, target: Path) -> str:
        """Write a file's bytes to a place of our choice; returns their SHA-256.

        Raises:
            BundleError: as `read`.
        """
        found = hashlib.sha256()
        with target.open("wb") as output:
            for chunk in self._chunks(entry):
                found.update(chunk)
                _ = output.write(chunk)
        return found.hexdigest()

    def _chunks(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        left = entry.file_size
        try:
            with self.file.open(entry) as source:
                while chunk := source.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise _refused(entry, "is larger than it says")
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise _refused(entry, f"cannot be unpacked ({error})") from None
        if left:
            raise _refused(entry, "is shorter than it says")


@contextmanager
def opened(source: BinaryFile) -> Generator[Archive]:
    """A zip file, looked through.

    Raises:
        BundleError: it is no zip file, holds anything but runs, or more than there may be.
    """
    try:
        file = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, OSError) as error:
        message = f"The file is no zip file, or a damaged one ({error})."
        raise BundleError(message) from None
    with file:
        yield _looked_through(file)


def _looked_through(file: zipfile.ZipFile) -> Archive:
    entries: dict[tuple[str, ...], zipfile.ZipInfo] = {}
    seen: set[tuple[str, ...]] = set()
    for entry in file.infolist():
        parts = _parts(entry)
        _refuse_kind(entry)
        same = tuple(part.casefold() for part in parts)
        if same in seen:
            raise _refused(entry, "is there twice")
        seen.add(same)
        if not entry.is_dir() and parts[0] != RESOURCE_FORKS and parts[-1] not in LEFT_BY_SYSTEMS:
            entries[parts] = entry
    manifest = entries.pop((MANIFEST,), None)
    _ = entries.pop((README,), None)
    folders = _folders(entries)
    _refuse_sizes([*entries.items(), *([((MANIFEST,), manifest)] if manifest else [])])
    return Archive(file=file, manifest=manifest, folders=folders)


def _folders(entries: dict[tuple[str, ...], zipfile.ZipInfo]) -> tuple[RunFolder, ...]:
    found: dict[tuple[str, ...], dict[str, zipfile.ZipInfo]] = {
        parts[:-1]: {} for parts in entries if parts[-1] == RECORD
    }
    if not found:
        message = f"The file holds no run: no {RECORD} is in it."
        raise BundleError(message)
    if len(found) > MAX_RUNS:
        message = f"The file holds {len(found):,} runs; at most {MAX_RUNS:,} can be imported at once."
        raise BundleError(message)
    for parts, entry in entries.items():
        if parts[:-1] not in found or parts[-1] not in IN_A_RUN:
            raise _refused(entry, "is no file of a run")
        found[parts[:-1]][parts[-1]] = entry
    return tuple(RunFolder(path="/".join(path), entries=inside) for path, inside in found.items())


def _parts(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    name = entry.orig_filename  # as it stands in the file: `filename` has been made to fit this system
    parts = tuple(name.removesuffix("/").split("/"))
    is_plain = name.isprintable() and not set(name) & set("\\:") and len(name) <= MAX_NAME
    if not is_plain or any(part in ("", ".", "..") for part in parts):
        raise _refused(entry, "is no plain name inside the file's own folders")
    return parts


def _refuse_kind(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
        raise _refused(entry, "is a link or a special file")
    if entry.flag_bits & ENCRYPTED:
        raise _refused(entry, "is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(entry, "is packed in a way that is not read here; use stored or deflated")


def _refuse_sizes(entries: list[tuple[tuple[str, ...], zipfile.ZipInfo]]) -> None:
    for parts, entry in entries:
        limit = LIMITS[parts[-1]]
        if entry.file_size > limit:
            raise _refused(entry, f"unpacks to {_mib(entry.file_size)}; {parts[-1]} has at most {_mib(limit)}")
    total = sum(entry.file_size for _, entry in entries)
    if total > MAX_TOTAL:
        message = f"The file unpacks to {_mib(total)}; at most {_mib(MAX_TOTAL)} can be imported at once."
        raise BundleError(message)


def _refused(entry: zipfile.ZipInfo, why: str) -> BundleError:
    name = entry.orig_filename
    shown = name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"
    return BundleError(f"The file is refused: {shown!r} {why}.")


def _mib(num_bytes: int) -> str:
    return f"{num_bytes / MIB:,.1f} MiB"
