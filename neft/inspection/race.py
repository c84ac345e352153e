"""The unlucky chips of a stored run's network, raced and then kept."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from neft.chips.deployed import ChipLaw
from neft.datasets.base import ImageData
from neft.errors import ConfigError
from neft.evaluation.race import CHANCE_OF_ERROR, Race
from neft.evaluation.race_track import ChipTrack
from neft.networks.network import Network
from neft.runs import races
from neft.runs.chips_key import chips_key
from neft.runs.facts import stored_config
from neft.runs.races import RaceQuestion, RaceRecord
from neft.runs.records import RunRecord
from neft.tables.percentiles import chips_needed, last_rank


@dataclass(frozen=True)
class StoredRaceState:
    """How far a race is."""

    done: int
    total: int
    """Chips."""
    cost: float
    """The images that chips met so far, over those of the whole evaluation."""
    record: RaceRecord | None = None
    """What was kept, once all is known."""


def check_question(asked: RaceQuestion) -> None:
    """See that so many chips tell the percentile.

    Raises:
        ConfigError: they set it no lower limit.
    """
    few = chips_needed(asked.percentile, asked.num_instances)
    if few:
        raise ConfigError(few)


def race_stored(
    run: RunRecord,
    network: Network,
    data: ImageData,
    law: ChipLaw,
    *,
    asked: RaceQuestion,
    seed: int,
    torch_device: str = "cpu",
    chance_of_error: float = CHANCE_OF_ERROR,
) -> Iterator[StoredRaceState]:
    """Race a run's chips for a low percentile of their accuracy; the last state's record is stored.

    Args:
        run: the stored run.
        network: its network, as it is evaluated.
        data: its data.
        law: how its chips are made.
        asked: which percentile, of how many chips, at which device variation.
        seed: where its chips come from.
        torch_device: where torch computes.
        chance_of_error: how often, at most, another answer than that of the whole evaluation is borne.

    Raises:
        ConfigError: too few chips; all of them are alike, or have no outcome of their own.
        StoreError: what was found cannot be written.
    """
    check_question(asked)
    started = time.perf_counter()
    track = ChipTrack(network, data, law, sigma_d=asked.sigma_d, seed=seed, torch_device=torch_device)
    race = Race(
        track,
        num_instances=asked.num_instances,
        num_lowest=last_rank(asked.percentile / 100, asked.num_instances),
        seed=seed,
        chance_of_error=chance_of_error,
    )
    all_images = asked.num_instances * track.num_images
    seconds = 0.0
    for state in race.run():
        # only what is computed counts, not how long whoever watches takes
        seconds += time.perf_counter() - started
        done = asked.num_instances * state.done // state.total
        if state.result is not None:
            record = races.save(
                run,
                asked,
                state.result,
                num_images=track.num_images,
                chance_of_error=chance_of_error,
                seconds=seconds,
                is_own=asked.chips == chips_key(stored_config(run)),
            )
            yield StoredRaceState(done, asked.num_instances, record.cost, record)
        else:
            yield StoredRaceState(done, asked.num_instances, state.passes / all_images)
        started = time.perf_counter()
