"""A user's notes on runs: a text and tags, kept apart from the runs themselves, so that shipped runs have them too.

`NEFT_HOME/notes/<run id>.json`, one small file a note, replaced at once. Whether a run of that id is stored is not
asked here: a note that outlives its run shows again with it.
"""

import datetime
import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import ValidationError, field_validator

from neft.component import Component
from neft.errors import ConfigError, NoteChangedError, NoteError
from neft.moment import Moment
from neft.run_id import is_run_id
from neft.runs import files
from neft.runs.places import neft_home

MAX_TEXT = 4000
"""Characters of a note's text."""
MAX_TAGS = 12
MAX_TAG = 32
"""Characters of a tag."""
MAX_BYTES = 64 * 1024
"""A file that is larger holds no note."""
FOLDER = "notes"
SUFFIX = ".json"
LOCK = ".lock"
NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, which a terminal would obey, and halves of characters; tabs and line breaks are text."""
NO_TAG = re.compile(r"[,\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Note(Component):
    """What a user wrote on a run: plain text, to be shown as it stands."""

    text: str = ""
    tags: tuple[str, ...] = ()
    """Each once, in the order in which they were given."""
    updated: Moment | Literal[""] = ""
    """UTC; empty where that was not kept."""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.text or self.tags)

    @field_validator("text")
    @classmethod
    def _is_text(cls, text: str) -> str:
        if len(text) > MAX_TEXT:
            message = f"A note has at most {MAX_TEXT:,} characters; got {len(text):,}."
            raise ValueError(message)
        if NO_TEXT.search(text):
            message = "A note is plain text; got control characters, or bytes that are no text."
            raise ValueError(message)
        return text

    @field_validator("tags")
    @classmethod
    def _are_tags(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        if len(tags) > MAX_TAGS:
            message = f"A note has at most {MAX_TAGS} tags; got {len(tags)}."
            raise ValueError(message)
        for tag in tags:
            if not 1 <= len(tag) <= MAX_TAG or NO_TAG.search(tag) or tag != tag.strip():
                message = f"A tag is 1 to {MAX_TAG} characters in one line, without commas; got {tag[: 2 * MAX_TAG]!r}."
                raise ValueError(message)
        if len(set(tags)) < len(tags):
            message = f"Tags are each given once; got {', '.join(tags)}."
            raise ValueError(message)
        return tags


@dataclass(frozen=True)
class NoteListing:
    """All notes: those that can be read, by run id, and why others cannot."""

    notes: dict[str, Note] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def make_note(text: str = "", tags: Iterable[str] = ()) -> Note:
    """A note of this moment; white space around its parts, empty tags and repeated ones are left out.

    Raises:
        ConfigError: too long, too many tags, or no plain text.
    """
    kept = tuple(dict.fromkeys(stripped for tag in tags if (stripped := tag.strip())))
    plain = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    try:
        return Note(text=plain, tags=kept, updated=now)
    except ValidationError as error:
        raise ConfigError(_first_words(error)) from None


def read_note(run_id: str) -> Note | None:
    """The note on a run, or None where there is none.

    Raises:
        NoteError: it is no run's id, or the note's file cannot be read.
    """
    path = _path(run_id)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"The note on run '{run_id}' cannot be read: {error.strerror}."
        raise NoteError(message) from None
    if len(content) > MAX_BYTES:
        message = f"The note on run '{run_id}' cannot be read: '{path}' is larger than {MAX_BYTES // 1024} KiB."
        raise NoteError(message)
    try:
        return Note.model_validate_json(content)
    except ValidationError as error:
        message = f"The note on run '{run_id}' cannot be read: '{path}' is no note ({_first_words(error)})"
        raise NoteError(message) from None


def write_note(run_id: str, note: Note) -> None:
    """Keep a note in the place of the run's last one, whole or not at all; an empty one removes it.

    Raises:
        NoteError: it is no run's id, or the file cannot be written.
    """
    with _alone(run_id):
        _put(run_id, note)


def change_note(run_id: str, change: Callable[[Note], Note]) -> Note:
    """Write a note made of the last one (an empty one where there is none); whoever changes it meanwhile waits.

    Returns:
        The note as it is written.

    Raises:
        NoteError: as `read_note` and `write_note`.
    """
    with _alone(run_id):
        changed = change(read_note(run_id) or Note())
        _put(run_id, changed)
    return changed


def revise_note(run_id: str, seen: Note, wanted: Note) -> Note:
    """Change what differs between a note that was read and what is wanted of it; what others changed since stays.

    Returns:
        The note as it is written.

    Raises:
        NoteChangedError: both changed the text; nothing is written.
        ConfigError: with the tags of others there are too many.
        NoteError: as `change_note`.
    """

    def revised(last: Note) -> Note:
        text = last.text if wanted.text == seen.text else wanted.text
        if last.text not in (seen.text, text):
            message = f"The text of the note on run '{run_id}' was changed elsewhere meanwhile."
            raise NoteChangedError(message, text=last.text)
        gone = {tag for tag in seen.tags if tag not in wanted.tags}
        added = [tag for tag in wanted.tags if tag not in seen.tags]
        return make_note(text, [*(tag for tag in last.tags if tag not in gone), *added])

    return change_note(run_id, revised)


def delete_note(run_id: str) -> None:
    """Forget the note on a run, if there is one.

    Raises:
        NoteError: it is no run's id, or the file cannot be removed.
    """
    if files.look_at(_path(run_id), NoteError) is not None:
        with _alone(run_id):
            _remove(run_id)


def list_notes() -> NoteListing:
    """Every note there is; one that cannot be read is named with its reason while the rest works."""
    listing = NoteListing()
    try:
        names = [path.stem for path in files.files_in(_folder(), SUFFIX, NoteError)]
    except NoteError as error:
        return NoteListing(problems={FOLDER: str(error)})
    for run_id in filter(is_run_id, names):
        try:
            note = read_note(run_id)
        except NoteError as error:
            listing.problems[run_id] = str(error)
        else:
            if note is not None:
                listing.notes[run_id] = note
    return listing


@contextmanager
def _alone(run_id: str) -> Generator[None]:
    """Whoever else writes notes meanwhile waits."""
    folder = _path(run_id).parent
    lock = FileLock(folder / LOCK)
    with files.telling(f"The note on run '{run_id}'", folder, NoteError):
        files.make_folder(folder)
        _ = lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _put(run_id: str, note: Note) -> None:
    if note.is_empty:
        _remove(run_id)
        return
    content = note.model_dump_json(indent=1) + "\n"
    files.write_whole(_path(run_id), content, what=f"The note on run '{run_id}'", error=NoteError)


def _remove(run_id: str) -> None:
    try:
        _path(run_id).unlink(missing_ok=True)
    except OSError as error:
        message = f"The note on run '{run_id}' cannot be removed: {error.strerror}."
        raise NoteError(message) from None


def _folder() -> Path:
    return neft_home() / FOLDER


def _path(run_id: str) -> Path:
    if not is_run_id(run_id):
        message = f"'{run_id}' is not a run's id."
        raise NoteError(message)
    return _folder() / f"{run_id}{SUFFIX}"


def _first_words(error: ValidationError) -> str:
    return error.errors()[0]["msg"].removeprefix("Value error, ").rstrip(".") + "."
