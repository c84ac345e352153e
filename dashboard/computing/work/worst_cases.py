"""The search for a stored network's worst case, a little at a time; what it finds is stored at its end."""

from collections.abc import Iterator

import pandas as pd

from dashboard.computing.answers import SearchPart
from dashboard.computing.work import restored
from dashboard.computing.work.in_progress import InProgress
from neft.inspection.worst_case import SearchState, search_stored
from neft.pipeline import chip_law
from neft.runs.store import Stores
from neft.runs.worst_cases import DEFAULTS

_SEARCHES = InProgress[SearchState](16, "search")


def go_on(run_id: str, checksum: str, *, th_gs: tuple[float, ...], seconds: float) -> SearchPart:
    """Begin the search of a stored network's worst case, or go on with it, for about so many seconds.

    Raises:
        NeftError: the network or its data are not there, others are searched for already, or what was
            found cannot be stored.
    """
    asked = (run_id, checksum, th_gs)
    last, taken = _SEARCHES.go_on(asked, lambda: _begin(*asked), seconds=seconds)
    return SearchPart(
        table=pd.DataFrame(list(last.rows)),
        done=last.done,
        total=last.total,
        seconds=taken,
        is_finished=last.record is not None,
    )


def forget() -> None:
    """Let go of everything that is kept."""
    _SEARCHES.clear()


def _begin(run_id: str, checksum: str, th_gs: tuple[float, ...]) -> Iterator[SearchState]:
    found = restored.stored(run_id, checksum)
    record = Stores.default().holder(run_id).record(run_id)
    law = chip_law(found.config)
    return search_stored(record, found.network, found.images, law, th_gs=th_gs, settings=DEFAULTS)
