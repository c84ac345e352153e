"""The race of a stored network's chips, a little at a time; what it finds is stored at its end."""

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

_RACES = InProgress[StoredRaceState](2, "race")
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
    last, taken = _RACES.go_on(asked, lambda: _begin(*asked), seconds=seconds)
    return RacePart(last.done, last.total, last.cost, taken, is_finished=last.record is not None)


def is_own(run_id: str, chips: str) -> bool:
    """Whether chips that are known by this key are those of the run's own evaluation.

    Raises:
        NeftError: there is no such run.
    """
    return chips_key(stored_config(Stores.default().holder(run_id).record(run_id))) == chips


def forget() -> None:
    """Let go of everything that is kept."""
    _RACES.clear()


def _begin(
    run_id: str, checksum: str, sigma_d: float, num_instances: int, percentile: int
) -> Iterator[StoredRaceState]:
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
        return iter([StoredRaceState(num_instances, num_instances, known.cost, known)])
    network, images, law = network_on_chips(record, config, Settings(store=stores.own, pretrained_stores=stores))
    return race_stored(record, network, images, law, asked=asked, seed=config.evaluation.seed)
