"""The race of a stored network's chips, a little at a time; what it finds is stored at its end."""

import time
from collections.abc import Iterator

from dashboard.computing.answers import RacePart
from dashboard.computing.work.in_progress import InProgress
from neft.inspection.race import StoredRaceState, race_stored
from neft.pipeline import Settings, network_on_chips
from neft.runs import races
from neft.runs.chips_key import chips_key
from neft.runs.facts import stored_config
from neft.runs.races import RaceQuestion
from neft.runs.store import Stores


class Racing:
    """A race, as far as it is."""

    def __init__(self, states: Iterator[StoredRaceState]) -> None:
        self._states = states
        self._seconds = 0.0
        self.last: StoredRaceState | None = None

    def go_on(self, seconds: float) -> RacePart:
        """Race for about so long."""
        started = time.perf_counter()
        while self.last is None or self.last.record is None:
            self.last = next(self._states)
            if time.perf_counter() - started > seconds:
                break
        self._seconds += time.perf_counter() - started
        last = self.last
        return RacePart(last.done, last.total, last.cost, self._seconds, is_stored=last.record is not None)


_RACES = InProgress[Racing](2, "race")
"""Two, for what a race of very many chips keeps."""


def go_on(
    run_id: str, checksum: str, *, sigma_d: float, num_instances: int, percentile: int, seconds: float
) -> RacePart:
    """Begin the race of a stored network's own chips, or go on with it, for about so many seconds.

    Raises:
        NeftError: the network or its data are not there, the chips cannot be raced, others race already, or what was
            found cannot be stored.
    """
    asked = (run_id, checksum, sigma_d, num_instances, percentile)
    racing = _RACES.get(asked, lambda: _begin(*asked))
    try:
        part = racing.go_on(seconds)
    except Exception:
        _RACES.drop(asked)  # a race that failed cannot go on
        raise
    if part.is_stored:
        _RACES.drop(asked)  # whoever asks again may have removed what was stored
    return part


def is_own(run_id: str, chips: str) -> bool:
    """Whether chips that are known by this key are those of the run's own evaluation.

    Raises:
        NeftError: there is no such run.
    """
    return chips_key(stored_config(Stores.default().holder(run_id).record(run_id))) == chips


def forget() -> None:
    """Let go of everything that is kept."""
    _RACES.clear()


def _begin(run_id: str, checksum: str, sigma_d: float, num_instances: int, percentile: int) -> Racing:
    stores = Stores.default()
    record = stores.holder(run_id).record(run_id)
    config = stored_config(record)
    asked = RaceQuestion(
        weights=checksum,
        chips=chips_key(config),
        sigma_d=sigma_d,
        num_instances=num_instances,
        percentile=percentile,
    )
    known = races.find(record, asked)
    if known is not None:
        return Racing(iter([StoredRaceState(num_instances, num_instances, known.cost, known)]))
    network, images, law = network_on_chips(record, config, Settings(store=stores.own, pretrained_stores=stores))
    return Racing(race_stored(record, network, images, law, asked=asked, seed=config.evaluation.seed))
