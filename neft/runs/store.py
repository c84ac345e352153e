"""Stored runs: one folder a run, whole or absent, checked before use.

`<root>/<id>/` holds run.json (written last), history.csv, instances.parquet, layers.csv, deviations.csv.gz and, where
searched, worst_case.csv and, where kept, weights.safetensors. A run is written in a hidden folder below `.drafts`,
synced and renamed: the root changes only when a run comes or goes. Nothing is ever unpickled.
"""

import contextlib
import difflib
import errno
import gc
import gzip
import hashlib
import io
import json
import os
import shutil
import zlib
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pandas.api.types import is_numeric_dtype
from pyarrow.parquet import ParquetFile
from pydantic import ValidationError

from neft import columns
from neft.component import build, first_problem
from neft.errors import (
    MOST_SHOWN,
    NeftError,
    RunCorruptError,
    RunExistsError,
    RunNotFoundError,
    RunTooNewError,
    StoreError,
    one_line,
)
from neft.plain_words import plain_words
from neft.run_id import is_run_id
from neft.runs import checks, files, index
from neft.runs.checks import TableError
from neft.runs.index import Made, Stamp
from neft.runs.migrations import migrated, migrated_instances
from neft.runs.packed import pack, unpack
from neft.runs.places import CACHED_RUNS, neft_home
from neft.runs.records import SCHEMA_VERSION, RunRecord, StoredFile, contradiction

if TYPE_CHECKING:
    from torch import Tensor  # for types alone: whoever only shows stored numbers never waits for torch

RECORD = "run.json"
HISTORY = "history.csv"
INSTANCES = "instances.parquet"
LAYERS = "layers.csv"
DEVIATIONS = "deviations.csv.gz"
PLAIN_DEVIATIONS = "deviations.csv"
"""The same where an earlier version stored it."""
WORST_CASE = "worst_case.csv"
WEIGHTS = "weights.safetensors"
DRAFTS = ".drafts"
"""What is being written, below a store's root."""
MAX_NAMED = 3
"""So many of the runs that a beginning could mean are named."""
RUN_FILES = frozenset({RECORD, HISTORY, INSTANCES, LAYERS, DEVIATIONS, PLAIN_DEVIATIONS, WORST_CASE, WEIGHTS})
"""Every name that a run's folder may hold."""
UNREADABLE = (
    *(ValueError, OSError, EOFError, zlib.error, LookupError, TypeError, AttributeError),
    *(NotImplementedError, OverflowError, MemoryError),
)
"""What the readers of tables end in, given a damaged one."""
READ_WITHOUT_MODELS: Mapping[tuple[str, str], tuple[tuple[type, ...], float, float]] = {
    ("dataset", "image_size"): ((int,), 1, 10**6),
    ("training", "batch_size"): ((int,), 1, 10**9),
    ("training", "learning_rate"): ((int, float), 0, 10**9),
    ("evaluation", "precision"): ((int, float), 0, 1),
    ("evaluation", "min_instances"): ((int,), 1, 10**9),
}
"""Numbers of a config that tables read as they are stored: their types and bounds, wide enough for every version."""
OF_EVERY_CONFIG = {
    **dict.fromkeys(("dataset", "backbone", "device", "mapping", "method", "evaluation"), ()),
    "training": ("batch_size", "learning_rate"),
}
"""Parts and settings that every version has written, and tables read as they are."""
MIB = 1024 * 1024
MAX_UNPACKED = 64 * MIB
"""The most bytes that a packed table may come to."""
LIMITS = {
    RECORD: MIB,
    HISTORY: 16 * MIB,
    INSTANCES: 64 * MIB,
    LAYERS: 16 * MIB,
    DEVIATIONS: 16 * MIB,
    PLAIN_DEVIATIONS: MAX_UNPACKED,
    WORST_CASE: MIB,
}
"""The most bytes of each file that is read at once, wherever it lies."""


@dataclass(frozen=True)
class RunTables:
    """A run's tables."""

    history: pd.DataFrame
    instances: pd.DataFrame
    layers: pd.DataFrame
    deviations: pd.DataFrame
    worst_case: pd.DataFrame | None = None
    """Where it was searched."""


@dataclass(frozen=True)
class Listing:
    """What a store holds: the runs that can be read, and why others cannot."""

    records: list[RunRecord] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


RECORDS = "records"
"""What an index calls the records that it keeps."""
FEWEST_INDEXED = 200
"""Smaller stores are read as fast as an index of them."""
_LISTED: dict[Path, dict[str, tuple[Stamp, RunRecord]]] = {}
"""By a store's root the records that this process listed last; they are frozen, and shared."""
_MADE: dict[tuple[Path, str], dict[str, Made]] = {}
"""By a store's root and what it is, what this process made last of the records."""


class RunStore:
    """Runs below one folder."""

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self.root = root
        self.read_only = read_only

    def ids(self) -> list[str]:
        """Every folder that is named like a run, sorted; also one of which the system does not tell what it is.

        Raises:
            StoreError: the store's own folder cannot be read.
        """
        if not files.is_folder(self.root):
            return []
        with files.reading(self.root), os.scandir(self.root) as entries:
            return sorted(entry.name for entry in entries if is_run_id(entry.name) and _may_be_a_folder(entry))

    def list(self) -> Listing:
        """Every run's record; a run that cannot be read is named with its reason while the rest works.

        What was listed before, by this process or (of a large store) by another, and whose file is the same, is not
        read again.
        """
        with _many_made():
            return self._listed()

    def made(self, kind: str, make: Callable[[RunRecord], bytes]) -> dict[str, bytes]:
        """A text made of every record that can be read, by id; what was made of the same record is not made again.

        Args:
            kind: what it is called in the index of a large store.
            make: a text of a record alone, by code of the folders `neft.runs.index.MADE_BY` alone.
        """
        with _many_made():
            _ = self._listed()
            listed = _LISTED[self.root]
            known = _MADE.get((self.root, kind))
            before = index.load(self.root, kind) if known is None else known
            now, new = dict[str, Made](), dict[str, Made]()
            for run_id, (stamp, record) in listed.items():
                found = before.get(run_id)
                if found is None or found[0] != stamp:
                    found = new[run_id] = (stamp, make(record))
                now[run_id] = found
            self._index(kind, new, before.keys() - now.keys(), len(now))
            _MADE[self.root, kind] = now
            return {run_id: text for run_id, (_, text) in now.items()}

    def _listed(self) -> Listing:
        listing = Listing()
        known = _LISTED.get(self.root)
        before = self._indexed() if known is None else known
        now, new = dict[str, tuple[Stamp, RunRecord]](), dict[str, Made]()
        for run_id in self.ids():
            stamp = self._stamp(run_id)
            found = before.get(run_id)
            try:
                if found is not None and found[0] == stamp:
                    record = found[1]
                else:
                    record, packed = _light(self.record(run_id))
                    if stamp is not None and packed is not None and stamp == self._stamp(run_id):
                        new[run_id] = (stamp, packed)
            except StoreError as error:
                listing.problems[run_id] = str(error)
                continue
            listing.records.append(record)
            if stamp is not None:
                now[run_id] = (stamp, record)
        self._index(RECORDS, new, before.keys() - now.keys(), len(now))
        _LISTED[self.root] = now
        return listing

    def _indexed(self) -> dict[str, tuple[Stamp, RunRecord]]:
        """The records that an index of this store holds."""
        kept = index.load(self.root, RECORDS)
        return {run_id: (stamp, unpack(run_id, packed)) for run_id, (stamp, packed) in kept.items()}

    def _index(self, kind: str, new: Mapping[str, Made], gone: Iterable[str], num_runs: int) -> None:
        gone = [*gone]
        if num_runs >= FEWEST_INDEXED and (new or gone):
            index.save(self.root, kind, new, gone)

    def _stamp(self, run_id: str) -> Stamp | None:
        """What tells that a run's record was written anew; None where it is not there."""
        try:
            found = os.stat(f"{self.root}/{run_id}/{RECORD}")  # noqa: PTH116 - a Path takes three times as long
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def __contains__(self, run_id: str) -> bool:
        """Whether a run is there.

        Raises:
            StoreError: the system does not tell, as of what lies in a closed folder.
        """
        return is_run_id(run_id) and files.is_file(self.root / run_id / RECORD)

    def has_name(self, run_id: str) -> bool:
        """Whether anything lies where a run would, be it a run or not."""
        return is_run_id(run_id) and os.path.lexists(self.root / run_id)

    def has_arrived(self, run_id: str) -> bool:
        """Whether a run is there that another machine may have written a moment ago, through a network drive."""
        if run_id in self:
            return True
        # such a drive remembers that a name was absent, until its folder is opened again; listing it would cost as
        # much as there are runs, and is left for one that seems lost
        with contextlib.suppress(OSError):
            os.close(os.open(self.root, os.O_RDONLY))
        return run_id in self or run_id in self.ids()

    def record(self, run_id: str) -> RunRecord:
        """One run's record.

        Raises:
            RunNotFoundError: no such run.
            RunTooNewError: made by a newer version.
            RunCorruptError: run.json is not what it should be.
        """
        record = parse_record(run_id, self._read(run_id, RECORD))
        if record.id != run_id:
            message = f"Run '{run_id}' is corrupt: its record names itself '{record.id}'."
            raise RunCorruptError(message)
        return record

    def tables(self, record: RunRecord) -> RunTables:
        """A run's tables, each checked against its recorded sum.

        Raises:
            RunCorruptError: a file is missing, changed or unreadable.
        """
        found = RunTables(
            history=self._table(record, HISTORY, "history", may_be_empty=not record.summary.num_epochs),
            instances=self.instances(record),
            layers=self._table(record, LAYERS, "layers"),
            deviations=self._table(
                record, PLAIN_DEVIATIONS if PLAIN_DEVIATIONS in record.files else DEVIATIONS, "deviations"
            ),
            worst_case=self._table(record, WORST_CASE, "worst_case") if WORST_CASE in record.files else None,
        )
        with _faults_of(record):
            checks.check_history(record, found.history)
            checks.check_layers(record, found.layers, found.deviations)
            checks.check_worst_case(record, found.worst_case)
        return found

    def instances(self, record: RunRecord) -> pd.DataFrame:
        """The chips alone.

        Raises:
            RunCorruptError: the file is missing, changed or unreadable.
        """
        table = migrated_instances(self._table(record, INSTANCES, "instances"))
        with _faults_of(record):
            checks.check_chips(record, table)
        return table

    def weights(self, record: RunRecord) -> "dict[str, Tensor]":
        """The deployed network's state dict.

        Raises:
            RunNotFoundError: the run was stored without its weights.
            RunCorruptError: the file was changed or is unreadable.
        """
        if WEIGHTS not in record.files:
            message = f"Run '{record.id}' was stored without its weights."
            raise RunNotFoundError(message)
        _ = self._checked(record, WEIGHTS)
        from neft.mapping.stack import Mapping as WeightMapping  # noqa: PLC0415
        from neft.runs import checkpoint  # noqa: PLC0415 - imports torch, which listing runs does not need

        if "mapping" not in record.config:
            message = f"Run '{record.id}' is corrupt: its config has no 'mapping'."
            raise RunCorruptError(message)
        encoded = checkpoint.load_tensors(self.root / record.id / WEIGHTS)
        return checkpoint.decode(encoded, build(WeightMapping, record.config["mapping"]))

    def keeps_codes(self, record: RunRecord) -> bool:
        """Whether a run kept the M-bit codes of its weights alone, not the real-valued weights that were trained.

        Raises:
            RunNotFoundError: the run was stored without its weights.
            RunCorruptError: the file was changed or is unreadable.
        """
        if WEIGHTS not in record.files:
            message = f"Run '{record.id}' was stored without its weights."
            raise RunNotFoundError(message)
        from neft.runs import checkpoint  # noqa: PLC0415 - imports torch, which listing runs does not need

        return checkpoint.holds_codes(self.root / record.id / WEIGHTS)

    def save(self, record: RunRecord, tables: RunTables, weights: "Mapping[str, Tensor] | None" = None) -> RunRecord:
        """Write a run, whole or not at all; returns the record with its files' sums.

        Args:
            record: its `files` are filled in here.
            tables: written beside it.
            weights: tensors as they are to be stored (`checkpoint.encode` for codes), or None to leave them out.

        Raises:
            RunExistsError: a run of that id is there.
            StoreError: the folder cannot be written.
        """
        if not is_run_id(record.id):
            message = f"'{record.id}' is not a run's id."
            raise StoreError(message)
        target = self.root / record.id
        self._refuse_taken(record.id)
        with files.whole_folder(target, what=f"Run '{record.id}'", drafts=self._drafts()) as draft:
            return _write_draft(draft, record, tables, weights)

    def verify(self, run_id: str) -> RunRecord:
        """One run, every file of it checked: there, unchanged, readable, and none beside them. Nothing is unpickled.

        Raises:
            RunNotFoundError, RunTooNewError, RunCorruptError: as `record` and `tables`.
        """
        record = self.record(run_id)
        expected = {RECORD, *record.files}
        if not expected <= RUN_FILES:
            message = f"Run '{run_id}' is corrupt: {_first(expected - RUN_FILES)} is no file of a run."
            raise RunCorruptError(message)
        with files.reading(self.root / run_id):
            found = {path.name for path in (self.root / run_id).iterdir()}
        if found - expected:
            message = f"Run '{run_id}' is corrupt: its record does not name {_first(found - expected)}."
            raise RunCorruptError(message)
        _ = self.tables(record)
        if WEIGHTS in record.files:
            _ = self._checked(record, WEIGHTS)
        return record

    def adopt(self, source: "RunStore", run_id: str) -> RunRecord:
        """Move a run here from a store on the same file system, verified, whole or not at all.

        Raises:
            RunExistsError: a run of that id is there.
            StoreError: the run is not as it should be, or the folder cannot be written.
        """
        record = source.verify(run_id)
        target = self.root / run_id
        self.ensure_writable(run_id)
        with files.telling(f"Run '{run_id}'", self.root):
            files.publish(source.root / run_id, target)
        return record

    def ensure_writable(self, run_id: str | None = None) -> None:
        """Find out before hours of training whether their run could be kept.

        Args:
            run_id: its id, if it is known.

        Raises:
            StoreError: it could not.
        """
        if run_id is not None:
            self._refuse_taken(run_id)
        with self.draft_folder():
            pass

    def _refuse_taken(self, run_id: str) -> None:
        if run_id in self:
            message = f"A run '{run_id}' is already stored."
            raise RunExistsError(message)
        if self.has_name(run_id):
            message = f"Run '{run_id}' cannot be stored: something of its name, without {RECORD}, is there. Delete it."
            raise RunExistsError(message)

    @contextlib.contextmanager
    def draft_folder(self) -> Generator[Path]:
        """A hidden folder on the store's file system, for the time of the block; the store's own folder is untouched.

        Raises:
            StoreError: the store cannot be written.
        """
        with files.telling("Runs", self.root), files.draft_folder(self._drafts()) as draft:
            if not os.access(self.root, os.W_OK | os.X_OK):
                message = f"Runs cannot be written to '{self.root}': {os.strerror(errno.EACCES)}."
                raise StoreError(message)
            yield draft

    def delete(self, run_id: str, *, with_it: Callable[[str], None] = lambda _run_id: None) -> None:
        """Remove a run, or what is there in the place of one and cannot be read; `finish_deletions` finishes it.

        Args:
            run_id: of the run.
            with_it: removes what belongs to it elsewhere.

        Raises:
            StoreError: read-only, or it cannot be removed.
            RunNotFoundError: no such run.
            NeftError: as `with_it`; the run is gone.
        """
        self._refuse_read_only()
        _demand_id(run_id)
        if not self.has_name(run_id):
            message = f"No run '{run_id}'."
            raise RunNotFoundError(message)
        with self.draft_folder() as draft:
            gone = draft.with_name(f"{files.DELETED}{run_id}-{draft.name[-8:]}")
            try:
                _ = (self.root / run_id).rename(gone)
            except OSError as refused:
                message = f"Run '{run_id}' cannot be removed: {refused.strerror or refused}."
                raise StoreError(message) from None
            files.sync(self.root)
        _finish_deletion(gone, run_id, with_it)

    def finish_deletions(self, with_it: Callable[[str], None]) -> None:
        """Finish what was interrupted in `delete`, as far as the system lets.

        Raises:
            NeftError: as `with_it`, the first of them; all others are finished.
        """
        failed: NeftError | None = None
        with contextlib.suppress(OSError):
            for path in [*(self.root / DRAFTS).glob(f"{files.DELETED}*")]:
                run_id = path.name.removeprefix(files.DELETED)[: -len("-abcdefgh")]
                try:
                    if is_run_id(run_id):
                        _finish_deletion(path, run_id, with_it)
                except NeftError as error:
                    failed = failed or error
        if failed is not None:
            raise failed

    def _drafts(self) -> Path:
        self._refuse_read_only()
        drafts = self.root / DRAFTS
        if not files.is_folder(drafts) and files.is_folder(self.root):
            files.sweep_drafts(self.root)  # of earlier versions, which had them among the runs
        return drafts

    def _refuse_read_only(self) -> None:
        if self.read_only:
            message = f"The store '{self.root.name}' is read-only."
            raise StoreError(message)

    def _read(self, run_id: str, name: str) -> bytes:
        _demand_id(run_id)
        try:
            path = self.root / run_id / name
            size = path.stat().st_size
            if size > LIMITS.get(name, size):
                message = f"Run '{run_id}' is corrupt: {name} has {size:,} bytes; at most {LIMITS[name]:,} are read."
                raise RunCorruptError(message)
            return path.read_bytes()
        except FileNotFoundError:
            message = f"No run '{run_id}' (or it has no {name})."
            raise RunNotFoundError(message) from None
        except OSError as error:
            message = f"Run '{run_id}': {name} cannot be read: {error.strerror}."
            raise RunCorruptError(message) from None

    def _checked(self, record: RunRecord, name: str) -> bytes:
        expected = record.files.get(name)
        path = self.root / record.id / name
        if expected is None or not files.is_file(path):
            message = f"Run '{record.id}' is corrupt: {name} is missing."
            raise RunCorruptError(message)
        content = self._read(record.id, name)
        if len(content) != expected.num_bytes or hashlib.sha256(content).hexdigest() != expected.sha256:
            message = f"Run '{record.id}' is corrupt: {name} is not the file that was stored."
            raise RunCorruptError(message)
        return content

    def _table(self, record: RunRecord, name: str, kind: str, *, may_be_empty: bool = False) -> pd.DataFrame:
        content = self._checked(record, name)
        with _faults_of(record):
            try:
                if name.endswith(".gz"):
                    content = _unpacked(io.BytesIO(content))
                table = _read_table(name, content)
            except TableError as fault:
                message = f"{name} {fault}"
                raise TableError(message) from None
            except UNREADABLE as error:
                message = f"{name} is not a table ({error})"
                raise TableError(message) from None
            checks.check_table(kind, table, may_be_empty=may_be_empty)
        return table


def _demand_id(run_id: str) -> None:
    if not is_run_id(run_id):
        message = f"'{run_id}' is not a run's id."
        raise RunNotFoundError(message)


def _may_be_a_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a folder; so is, until it is read, a link of which the system does not tell where it leads."""
    try:
        return entry.is_dir()
    except OSError:
        return True


@dataclass(frozen=True)
class Stores:
    """The shipped runs and the user's own, listed together; the user's own win where several have an id."""

    own: RunStore
    """The one that is written to."""
    shipped: RunStore
    others: tuple[RunStore, ...] = ()
    """Further ones of the user's, only read."""

    @classmethod
    def default(cls) -> "Stores":
        """`NEFT_HOME/runs` and the runs that ship."""
        return cls(own=RunStore(neft_home() / "runs"), shipped=RunStore(CACHED_RUNS, read_only=True))

    @classmethod
    def at(cls, root: Path | None) -> "Stores":
        """What is there by default, but with another folder to write to, where one is given."""
        usual = cls.default()
        return usual if root is None else cls(own=RunStore(root), shipped=usual.shipped, others=(usual.own,))

    @property
    def all(self) -> tuple[RunStore, ...]:
        """In the order in which a run is looked for."""
        return (self.own, *self.others, self.shipped)

    def list(self) -> Listing:
        """Everything there is."""
        records: dict[str, RunRecord] = {}
        problems: dict[str, str] = {}
        for listing in (store.list() for store in self.all):
            records |= {record.id: record for record in listing.records if record.id not in records}
            problems = listing.problems | problems
        return Listing(records=[*records.values()], problems=problems)

    def made(self, kind: str, make: Callable[[RunRecord], bytes]) -> dict[str, bytes]:
        """A text made of every record, by id and in the order of `list`; as `RunStore.made`."""
        found: dict[str, bytes] = {}
        for store in self.all:
            found |= {run_id: text for run_id, text in store.made(kind, make).items() if run_id not in found}
        return found

    def find(self, beginning: str) -> str:
        """The id of the one run that is named so, or whose id alone begins so; it may be one that cannot be read.

        Raises:
            RunNotFoundError: there is none, or several; names the nearest.
            StoreError: a store's own folder cannot be read.
        """
        if any(store.has_name(beginning) for store in self.all):
            return beginning
        ids = sorted({run_id for store in self.all for run_id in store.ids()})
        found = [run_id for run_id in ids if run_id.startswith(beginning)]
        if len(found) == 1:
            return found[0]
        if found:
            shown = ", ".join(found[:MAX_NAMED]) + (", …" if len(found) > MAX_NAMED else "")
            message = f"{len(found)} runs begin with '{beginning}': {shown}. Give more of the id."
            raise RunNotFoundError(message)
        raise _no_run(beginning, ids)

    def holder(self, run_id: str) -> RunStore:
        """The store that has a run.

        Raises:
            RunNotFoundError: none has.
            StoreError: the system does not tell.
        """
        for store in self.all:
            if run_id in store:
                return store
        for store in self.all:
            if store.has_name(run_id):
                _ = store.record(run_id)  # says what is wrong with it
        raise _no_run(run_id, ())

    def __contains__(self, run_id: str) -> bool:
        return any(run_id in store for store in self.all)


def _no_run(given: str, ids: Iterable[str]) -> RunNotFoundError:
    # what was given may be a beginning: beginnings are what it is near to
    beginnings = {run_id[: len(given)]: run_id for run_id in ids}
    near = [beginnings[beginning] for beginning in difflib.get_close_matches(given, beginnings)]
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return RunNotFoundError(f"No run '{given}'.{hint} See `neft runs` for those there are.")


def parse_record(run_id: str, content: bytes) -> RunRecord:
    """A record of any version from its text.

    Args:
        run_id: what it is called in an error.
        content: of a run.json.

    Raises:
        RunTooNewError: made by a newer version.
        RunCorruptError: it is not a run's record.
    """
    try:
        raw = json.loads(content)
        schema_version = int(raw["schema_version"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        message = f"Run '{run_id}' is corrupt: run.json is not a run's record."
        raise RunCorruptError(message) from None
    if schema_version > SCHEMA_VERSION:
        message = (
            f"Run '{run_id}' was made by a newer version of neft (format {schema_version}; this one reads up to "
            f"{SCHEMA_VERSION}). Update neft to open it."
        )
        raise RunTooNewError(message)
    try:
        return _whole(RunRecord.model_validate(migrated(raw)))
    except ValidationError as error:
        message = f"Run '{run_id}' is corrupt: {first_problem(RunRecord, error)}"
        raise RunCorruptError(message) from None
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError):
        # an older version's parts are brought up to date before they are checked
        message = f"Run '{run_id}' is corrupt: its parts are not those of a run's record."
        raise RunCorruptError(message) from None


def _light(record: RunRecord) -> tuple[RunRecord, bytes | None]:
    """A record as one of many, its parts as text, and that text; where they do not come back the same, as it is."""
    packed = pack(record)
    return (record, None) if packed is None else (unpack(record.id, packed), packed)


@contextlib.contextmanager
def _many_made() -> Generator[None]:
    """Without looks for circles among the objects made meanwhile: records have none, and those looks take most time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _lacking_file(record: RunRecord) -> str:
    """Which of the tables that every run has a record does not name, in words that follow its name; else empty."""
    every = (HISTORY, INSTANCES, LAYERS, PLAIN_DEVIATIONS if PLAIN_DEVIATIONS in record.files else DEVIATIONS)
    name = next((name for name in every if name not in record.files), None)
    return "" if name is None else f"its record names no {name}"


def _whole(record: RunRecord) -> RunRecord:
    """The record, where its plain parts hold what their readers look for.

    Raises:
        RunCorruptError: they do not.
    """
    part = next((name for name, settings in record.config.items() if not isinstance(settings, dict)), None)
    if part is not None:
        message = f"Run '{record.id}' is corrupt: '{one_line(part, MOST_SHOWN)}' of its config is no settings."
        raise RunCorruptError(message)
    for part, names in OF_EVERY_CONFIG.items():
        settings = record.config.get(part)
        lacking = (
            part if settings is None else next((f"{part}.{name}" for name in names if settings.get(name) is None), None)
        )
        if lacking is not None:
            message = f"Run '{record.id}' is corrupt: its config lacks '{lacking}'."
            raise RunCorruptError(message)
    for (part, name), (allowed, least, most) in READ_WITHOUT_MODELS.items():
        value = record.config.get(part, {}).get(name)
        if value is not None and not (isinstance(value, allowed) and least <= value <= most):
            message = (
                f"Run '{record.id}' is corrupt: {part}.{name} of its config must be a number from {least:g} to "
                f"{most:g}; got {one_line(repr(value), MOST_SHOWN)}."
            )
            raise RunCorruptError(message)
    wrong = contradiction(record) or _lacking_file(record)
    if wrong:
        message = f"Run '{record.id}' is corrupt: {wrong}."
        raise RunCorruptError(message)
    return record


def _finish_deletion(path: Path, run_id: str, with_it: Callable[[str], None]) -> None:
    """First what belongs to the run: as long as its folder is there, it is known to have been deleted."""
    with_it(run_id)
    if not path.is_symlink() and path.is_dir():  # a link may lead where nobody may look
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        path.unlink()


def _write_draft(
    draft: Path, record: RunRecord, tables: RunTables, weights: "Mapping[str, Tensor] | None"
) -> RunRecord:
    tables.history.to_csv(draft / HISTORY, index=False, float_format="%.6g")
    tables.instances.to_parquet(draft / INSTANCES, index=False, compression="zstd")
    tables.layers.to_csv(draft / LAYERS, index=False, float_format="%.8g")
    deviations = tables.deviations.to_csv(index=False, float_format="%.5g", lineterminator="\n")
    _ = (draft / DEVIATIONS).write_bytes(gzip.compress(deviations.encode(), mtime=0))  # equal tables, equal bytes
    if tables.worst_case is not None:
        tables.worst_case.to_csv(draft / WORST_CASE, index=False, float_format="%.8g")
    if weights is not None:
        from neft.runs import checkpoint  # noqa: PLC0415 - imports torch

        checkpoint.save_tensors(draft / WEIGHTS, weights)
    described = {path.name: _describe(path) for path in sorted(draft.iterdir())}
    complete = record.model_copy(update={"files": described})
    _ = (draft / RECORD).write_text(complete.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return complete


def _in_plain_words(table: pd.DataFrame) -> pd.DataFrame:
    """A table in which no text, as a layer's name is, holds markup."""
    for place, kind in enumerate(table.dtypes):
        if not is_numeric_dtype(kind):
            table.isetitem(
                place, [plain_words(cell) if isinstance(cell, str) else cell for cell in table.iloc[:, place]]
            )
    return table.rename(columns=lambda name: plain_words(str(name)))


@contextlib.contextmanager
def _faults_of(record: RunRecord) -> Generator[None]:
    """Tell what is wrong with a table as what is wrong with its run."""
    try:
        yield
    except TableError as fault:
        message = f"Run '{record.id}' is corrupt: {fault}."
        raise RunCorruptError(message) from None


def _read_table(name: str, content: bytes) -> pd.DataFrame:
    if not name.endswith(".parquet"):
        checks.check_csv(content)
        of_text = {columns.LAYER: str}  # a layer may be called 0, 1.10 or null
        return _in_plain_words(pd.read_csv(io.BytesIO(content), converters=of_text))
    # a small file is read faster this way than through pandas, which looks for a whole data set
    file = ParquetFile(io.BytesIO(content))
    checks.check_parquet(file)
    return _in_plain_words(file.read(use_threads=False).to_pandas())


def _unpacked(packed: io.BytesIO) -> bytes:
    with gzip.open(packed) as file:
        content = file.read(MAX_UNPACKED + 1)
    if len(content) > MAX_UNPACKED:
        message = f"it unpacks to more than {MAX_UNPACKED // 1024**2} MiB"
        raise ValueError(message)
    return content


def _first(names: set[str]) -> str:
    return repr(min(names))


def _describe(path: Path) -> StoredFile:
    content = path.read_bytes()
    return StoredFile(sha256=hashlib.sha256(content).hexdigest(), num_bytes=len(content))
