"""Removing a user's own run, with what belongs to it."""

from neft.runs.notes import delete_note
from neft.runs.store import Stores


def remove_own_run(run_id: str) -> None:
    """Remove one of the user's own runs, and the note on it unless a shipped run has the same id.

    Raises:
        NeftError: it is not one of those, or cannot be removed.
    """
    stores = Stores.default()
    stores.own.delete(run_id, with_it=lambda gone: _remove_note(gone, stores))


def finish_removals() -> None:
    """Finish what was interrupted in `remove_own_run`.

    Raises:
        NeftError: a note cannot be removed.
    """
    stores = Stores.default()
    stores.own.finish_deletions(lambda gone: _remove_note(gone, stores))


def _remove_note(run_id: str, stores: Stores) -> None:
    if run_id not in stores:
        delete_note(run_id)
