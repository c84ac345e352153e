"""The unlucky ones of very many chips: races that are kept, and racing for others, step by step."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import RacePart
from dashboard.data import restorable
from dashboard.data.stored import RunRecord
from dashboard.data.under_way import UnderWay
from neft.runs import races
from neft.runs.races import NUM_INSTANCES, PERCENTILE, RaceRecord
from neft.tables.races import race_chips, race_percentile_row, race_still_in

if TYPE_CHECKING:
    from dashboard.computing.work import races as work
else:
    work = process.remote("dashboard.computing.work.races")

__all__ = ["NUM_INSTANCES", "PERCENTILE", "RaceRecord"]

COUNTS = (1000, NUM_INSTANCES, 3 * NUM_INSTANCES)
"""Chips of which the worst can be asked for."""


Racing = UnderWay[RacePart]


def found(record: RunRecord, sigma_d: float) -> dict[int, RaceRecord]:
    """The kept races of a run's own chips at one device variation for the 1st percentile, by how many chips."""
    return races.of_own_chips(
        record,
        sigma_d=sigma_d,
        percentile=PERCENTILE,
        is_own=lambda chips: work.is_own(record.id, chips),
    )


def problems(record: RunRecord) -> list[str]:
    """Why other races of a run cannot be used."""
    return races.listed(record).problems


def of_runs(records: Iterable[RunRecord], sigma_d: float) -> dict[str, RaceRecord]:
    """By run the kept race of as many chips as are raced where no number is given."""
    known = {record.id: found(record, sigma_d).get(NUM_INSTANCES) for record in records}
    return {run_id: race for run_id, race in known.items() if race is not None}


def stamp() -> str:
    """Another one whenever a race is kept or removed."""
    return races.stamp()


def racing(record: RunRecord, sigma_d: float, num_instances: int) -> Racing:
    """The race of a run's chips, begun or to be begun."""
    return _racing(record.id, restorable.checksum(record), sigma_d, num_instances)


def forget_ended(record: RunRecord, sigma_d: float, num_instances: int) -> None:
    """Have a race that ended or failed begin anew when it is asked for again; one that was stopped goes on."""
    if racing(record, sigma_d, num_instances).is_finished:
        _racing.clear(record.id, restorable.checksum(record), sigma_d, num_instances)


def chips(race: RaceRecord) -> pd.DataFrame:
    """Its worst chips: rank, instance, accuracy, share; the worst first."""
    return race_chips(race)


def percentile(race: RaceRecord) -> pd.DataFrame:
    """Its percentile with one-sided 95 % limits, a row."""
    return race_percentile_row(race)


def still_in(race: RaceRecord) -> pd.DataFrame:
    """How many chips met at least so many images."""
    return race_still_in(race)


@st.cache_resource(max_entries=8, show_spinner=False)
def _racing(run_id: str, checksum: str, sigma_d: float, num_instances: int) -> Racing:
    def go_on(seconds: float) -> RacePart:
        return work.go_on(
            run_id, checksum, sigma_d=sigma_d, num_instances=num_instances, percentile=PERCENTILE, seconds=seconds
        )

    return Racing(RacePart(done=0, total=num_instances, cost=0.0, seconds=0.0, is_finished=False), go_on)
