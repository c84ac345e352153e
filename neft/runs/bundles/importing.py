"""Runs out of a zip file into a store: each examined in a hidden folder first, and taken whole or not at all."""

import contextlib
import html
import json
import shlex
import shutil
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from neft.errors import BundleError, ConfigError, NeftError, NoteError, RunCorruptError, RunExistsError, StoreError
from neft.plain_words import AMPERSAND, plain_words
from neft.run_id import is_run_id
from neft.runs import files
from neft.runs.bundles.archive import NOTE, Archive, BinaryFile, RunFolder, opened
from neft.runs.bundles.manifest import BundledRun, Manifest, read_manifest
from neft.runs.migrations import words_of_key
from neft.runs.notes import Note, read_note, write_note
from neft.runs.records import RunFacts, RunRecord
from neft.runs.store import RECORD, RUN_FILES, WEIGHTS, RunStore, Stores, parse_record

Status = Literal["new", "imported", "there", "refused"]
"""new: can be imported; there: the very same run is stored already."""


@dataclass(frozen=True)
class Found:
    """One run of a file: what it is, and what became or would become of it."""

    run_id: str
    status: Status
    words: str
    """Why it is refused; otherwise what is to be known beside the status."""
    num_bytes: int
    record: RunRecord | None = None
    note: Note | None = None


@dataclass(frozen=True)
class _Session:
    """A file being read: where runs are examined, and beside which stored runs."""

    archive: Archive
    staging: RunStore
    stores: Stores
    listed: Mapping[str, BundledRun]


def look_into(source: BinaryFile, stores: Stores) -> tuple[Found, ...]:
    """Every run of a file, examined as for an import; nothing is stored.

    Raises:
        BundleError: the file as a whole is refused, or cannot be unpacked among the system's temporary files.
    """
    with (
        files.temporary_folder("What is in the file", BundleError) as folder,
        _session(source, stores, folder) as session,
    ):
        return tuple(_each(session, keep=False))


def import_runs(source: BinaryFile, stores: Stores, *, only: Collection[str] | None = None) -> tuple[Found, ...]:
    """Take the runs of a file, or only some of them, into the user's own store, each whole or not at all.

    A run that is stored already is left as it is; one of the same id with other content is refused, and one for which
    there is no room.

    Raises:
        BundleError: the file as a whole is refused; nothing is stored.
        StoreError: the store cannot be written; nothing is stored.
    """
    # on the store's file system, so that a run can be moved to its place at once
    with stores.own.draft_folder() as folder, _session(source, stores, folder) as session:
        return tuple(_each(session, keep=True, only=only))


@contextlib.contextmanager
def _session(source: BinaryFile, stores: Stores, folder: Path) -> Generator[_Session]:
    with opened(source) as archive:
        manifest = read_manifest(archive.read(archive.manifest)) if archive.manifest else None
        yield _Session(archive, RunStore(folder), stores, _listed(manifest))


def _listed(manifest: Manifest | None) -> dict[str, BundledRun]:
    return {run.id: run for run in manifest.runs} if manifest else {}


def _each(session: _Session, *, keep: bool, only: Collection[str] | None = None) -> Iterator[Found]:
    seen: set[str] = set()
    for folder in session.archive.folders:
        run_id = ""
        try:
            content = session.archive.read(folder.entries[RECORD])
            run_id = _id_of(content, folder)
            if run_id in seen:
                message = f"Run '{run_id}' is in the file twice."
                raise BundleError(message)
            seen.add(run_id)
            if only is None or run_id in only:
                yield _one(session, folder, run_id, content, keep=keep)
        except NeftError as error:
            yield Found(run_id or folder.path or RECORD, "refused", str(error), folder.num_bytes)
        finally:
            shutil.rmtree(session.staging.root / run_id, ignore_errors=True) if run_id else None
    for run_id in session.listed:
        if run_id not in seen and (only is None or run_id in only):
            yield Found(run_id, "refused", "The manifest names it, but the file does not hold it.", 0)


def _one(session: _Session, folder: RunFolder, run_id: str, content: bytes, *, keep: bool) -> Found:
    note, said = _note(session.archive, folder)
    if _is_stored(session.stores, run_id, content):
        record = session.stores.holder(run_id).record(run_id)
        said = said or (_keep_note(run_id, note) if keep else "")
        return Found(run_id, "there", said, folder.num_bytes, record, note)
    # what a full disk stops is that run; a look says it of the file as a whole
    with files.telling(f"Run '{run_id}'", session.stores.own.root) if keep else contextlib.nullcontext():
        record = _unpacked(session, folder, run_id)
    found = Found(run_id, "new", said, folder.num_bytes, record, note)
    if not keep:
        return found
    _ = session.stores.own.adopt(session.staging, run_id)
    return replace(found, status="imported", words=said or _keep_note(run_id, note))


def _id_of(content: bytes, folder: RunFolder) -> str:
    try:
        run_id = json.loads(content)["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        run_id = None
    if not isinstance(run_id, str) or not is_run_id(run_id):
        message = f"The {RECORD} of '{folder.path or 'the file'}' is not a run's record."
        raise RunCorruptError(message)
    return run_id


def _is_stored(stores: Stores, run_id: str, content: bytes) -> bool:
    """Whether the very same run is stored.

    One that ships without some of its files, as a wheel's do, is not the whole one, which may stand beside it.

    Raises:
        RunExistsError: another one of that id is.
    """
    if run_id not in stores:
        return False
    root = stores.holder(run_id).root
    with files.reading(root / run_id / RECORD):
        if (root / run_id / RECORD).read_bytes() == content:
            return True
    if run_id not in stores.own and _is_part_of(stores.holder(run_id), run_id, content):
        return False
    raise RunExistsError(_words_of_another(stores, run_id, content))


def _is_part_of(store: RunStore, run_id: str, content: bytes) -> bool:
    """Whether a stored run is that of a record, but for files that it lacks."""
    try:
        stored, whole = store.record(run_id), parse_record(run_id, content)
    except StoreError:
        return False
    return stored.files.items() < whole.files.items() and stored == whole.model_copy(update={"files": stored.files})


def _words_of_another(stores: Stores, run_id: str, content: bytes) -> str:
    try:
        stored = stores.holder(run_id).record(run_id)
        theirs = parse_record(run_id, content)
    except StoreError:
        return f"A run '{run_id}' with other content is stored here already. Yours was left as it is."
    same = "the same numbers" if stored.summary == theirs.summary else "other numbers"
    way = "" if run_id not in stores.own else " To take this one instead, delete yours first."
    return (
        f"A run '{run_id}' is stored here already, made {stored.provenance.created}; the one in the file has {same} "
        f"and was made {theirs.provenance.created}. Yours was left as it is.{way}"
    )


def _unpacked(session: _Session, folder: RunFolder, run_id: str) -> RunRecord:
    """The run in the staging folder, every file checked."""
    place = session.staging.root / run_id
    place.mkdir()
    sums = {
        name: session.archive.unpack(entry, place / name) for name, entry in folder.entries.items() if name in RUN_FILES
    }
    listed = session.listed.get(run_id)
    if session.listed and listed is None:
        message = f"Run '{run_id}' is not in the bundle's manifest."
        raise BundleError(message)
    for name, found in sums.items():
        if listed is not None and (name not in listed.files or listed.files[name].sha256 != found):
            message = f"Run '{run_id}': {name} is not the file that was exported (its checksum differs)."
            raise RunCorruptError(message)
    record = session.staging.record(run_id)
    _refuse_markup(run_id, place)
    _refuse_settings(record)
    _refuse_command(record)
    _ = session.staging.verify(run_id)
    if WEIGHTS in record.files:
        _ = session.staging.weights(record)
    return record


def _refuse_settings(record: RunRecord) -> None:
    """A run is what its settings say: they fit this version's models, and make its id and its facts."""
    from neft.runs.facts import run_facts, stored_config  # noqa: PLC0415 - imports torch, which exporting does not need

    try:
        config = stored_config(record)
    except ConfigError as error:
        message = f"Run '{record.id}' does not fit this version of neft: {error}"
        raise RunCorruptError(message) from None
    if config.run_id != record.id:
        message = f"Run '{record.id}' is not what it says: its settings are those of '{config.run_id}'."
        raise RunCorruptError(message)
    size = config.dataset.size
    is_given = config.backbone.is_given  # a network of one's own has as many classes as it puts out
    num_classes = record.facts.num_classes if size is None or is_given else size.num_classes
    facts = run_facts(config, num_classes=num_classes)
    before = {"chips_label": words_of_key(facts.chips)}  # what runs have of before words were recorded
    wrong = next(
        (
            name
            for name in RunFacts.model_fields
            if getattr(record.facts, name) not in (getattr(facts, name), before.get(name, getattr(facts, name)))
        ),
        None,
    )
    if wrong is not None:
        message = f"Run '{record.id}' is not what it says: {wrong} does not follow from its settings."
        raise RunCorruptError(message)
    if record.summary.num_epochs > config.training.epochs:
        message = (
            f"Run '{record.id}' is not what it says: it has {record.summary.num_epochs} epochs; its settings say "
            f"{config.training.epochs}."
        )
        raise RunCorruptError(message)


def _refuse_command(record: RunRecord) -> None:
    """The command is shown to be copied into a shell: neft itself, every word quoted, and nothing a terminal obeys."""
    command = record.provenance.command
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if command and (words[:1] != ["neft"] or shlex.join(words) != command or not command.isprintable()):
        message = f"Run '{record.id}' is refused: the command that should make it again is none of neft's."
        raise RunCorruptError(message)


def _refuse_markup(run_id: str, place: Path) -> None:
    """Texts are shown on pages: none may be a link, a picture, a formula or a tag; a record that is read hides them."""
    raw = json.loads((place / RECORD).read_bytes())
    for text in _texts([raw["facts"], {**raw["provenance"], "command": None}]):
        if not _is_plain(text):
            message = f"Run '{run_id}' is refused: {text[:60]!r} is no plain text."
            raise RunCorruptError(message)


def _is_plain(text: str) -> bool:
    """Whether a text says the same once it is made plain, also where entities in it are read."""
    read = " ".join(html.unescape(text).split())
    return plain_words(read).replace(AMPERSAND, "&") == read


def _texts(value: object) -> Iterator[str]:
    """Every text of a piece of JSON, keys and values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts([*value, *value.values()])
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _note(archive: Archive, folder: RunFolder) -> tuple[Note | None, str]:
    """A run's note, or what is wrong with it: a bad note is no reason to refuse its run."""
    if NOTE not in folder.entries:
        return None, ""
    try:
        return Note.model_validate_json(archive.read(folder.entries[NOTE])), ""
    except (ValidationError, BundleError):
        return None, "Its note cannot be read and is left out."


def _keep_note(run_id: str, note: Note | None) -> str:
    """Store a note where there is none; the user's own stays."""
    if note is None:
        return ""
    try:
        own = read_note(run_id)
        if own is None:
            write_note(run_id, note)
    except NoteError as error:
        return str(error)
    return "" if own in (None, note) else "Your own note on it was kept."
