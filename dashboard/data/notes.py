"""Notes and tags that users keep with runs, as stored."""

from neft.runs.notes import MAX_TAG, MAX_TAGS, MAX_TEXT, Note, list_notes, make_note, read_note, revise_note, write_note

__all__ = [
    "MAX_TAG",
    "MAX_TAGS",
    "MAX_TEXT",
    "Note",
    "list_notes",
    "make_note",
    "read_note",
    "revise_note",
    "write_note",
]
