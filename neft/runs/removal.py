"""Removing a user's own run, with what belongs to it."""

from neft.runs.notes import delete_note
from neft.runs.store import Stores


def remove_own_run(run_id: str) -> None:
    """Remove one of the user's own runs, and the note on it unless a shipped run has the same id.

    Raises:
        NeftError: it is not one of those, or cannot be removed.
    """
    stores = Stores.default()
    stores.own.delete(run_id)
    if run_id not in stores.shipped:
        delete_note(run_id)
