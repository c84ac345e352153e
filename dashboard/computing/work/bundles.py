"""Files of runs, looked through and taken in: every run is checked against this version's models, which need torch."""

from collections.abc import Collection
from pathlib import Path

from neft.runs import bundles
from neft.runs.bundles import Found
from neft.runs.store import Stores


def look_into(path: Path) -> tuple[Found, ...]:
    """The runs in a file, examined; nothing is stored.

    Raises:
        BundleError: the file as a whole is refused.
    """
    with path.open("rb") as file:
        return bundles.look_into(file, Stores.default())


def take_in(path: Path, run_ids: Collection[str]) -> tuple[Found, ...]:
    """Store these runs of a file, each whole or not at all.

    Raises:
        BundleError: the file as a whole is refused.
        StoreError: the store cannot be written.
    """
    with path.open("rb") as file:
        return bundles.import_runs(file, Stores.default(), only=run_ids)
