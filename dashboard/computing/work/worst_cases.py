"""The search for a stored network's worst case, a little at a time; what it finds is stored at its end."""

import time
from collections.abc import Iterator

import pandas as pd

from dashboard.computing.answers import SearchPart
from dashboard.computing.work import restored
from dashboard.computing.work.in_progress import InProgress
from neft.inspection.worst_case import SearchState, search_stored
from neft.pipeline import chip_law
from neft.runs.store import Stores
from neft.runs.worst_cases import DEFAULTS


class Searching:
    """A search, as far as it is."""

    def __init__(self, states: Iterator[SearchState]) -> None:
        self._states = states
        self._seconds = 0.0
        self.last: SearchState | None = None

    def go_on(self, seconds: float) -> SearchPart:
        """Search for about so long."""
        started = time.perf_counter()
        while self.last is None or self.last.record is None:
            self.last = next(self._states)
            if time.perf_counter() - started > seconds:
                break
        self._seconds += time.perf_counter() - started
        return SearchPart(
            table=pd.DataFrame(list(self.last.rows)),
            done=self.last.done,
            total=self.last.total,
            seconds=self._seconds,
            is_stored=self.last.record is not None,
        )


_SEARCHES = InProgress[Searching](16, "search")


def go_on(run_id: str, checksum: str, *, th_gs: tuple[float, ...], seconds: float) -> SearchPart:
    """Begin the search of a stored network's worst case, or go on with it, for about so many seconds.

    Raises:
        NeftError: the network or its data are not there, others are searched for already, or what was
            found cannot be stored.
    """
    asked = (run_id, checksum, th_gs)
    searching = _SEARCHES.get(asked, lambda: _begin(*asked))
    try:
        return searching.go_on(seconds)
    except Exception:
        _SEARCHES.drop(asked)  # a search that failed cannot go on
        raise


def forget() -> None:
    """Let go of everything that is kept."""
    _SEARCHES.clear()


def _begin(run_id: str, checksum: str, th_gs: tuple[float, ...]) -> Searching:
    found = restored.stored(run_id, checksum)
    record = Stores.default().holder(run_id).record(run_id)
    law = chip_law(found.config)
    return Searching(search_stored(record, found.network, found.images, law, th_gs=th_gs, settings=DEFAULTS))
