"""Worst cases of stored networks: those that are stored, and the search for others, step by step."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import SearchPart
from dashboard.data import opened_chips, restorable, stored
from dashboard.data.stored import RunRecord
from dashboard.data.under_way import UnderWay
from neft import columns
from neft.errors import StoreError
from neft.runs import worst_cases
from neft.runs.worst_cases import DEFAULTS, WorstCaseRecord
from neft.sigma_d import rounded_sigma_d, same_sigma_d
from neft.tables import worst_chips

if TYPE_CHECKING:
    from dashboard.computing.work import worst_cases as work
else:
    work = process.remote("dashboard.computing.work.worst_cases")

NUM_BOUNDS = 5
"""Bounds of a curve besides 0."""
NUM_DRAWS = DEFAULTS.num_draws
"""Random deviations of each law."""


@dataclass(frozen=True)
class WorstChip:
    """The worst of a run's sampled chips at one device variation."""

    sigma_d: float
    accuracy: float
    instance: int
    num_chips: int


Search = UnderWay[SearchPart]


def bounds(largest: float) -> tuple[float, ...]:
    """The th_g of a curve, from 0 to the largest.

    >>> bounds(0.05)
    (0.0, 0.01, 0.02, 0.03, 0.04, 0.05)
    """
    return tuple(rounded_sigma_d(largest * step / NUM_BOUNDS) for step in range(NUM_BOUNDS + 1))


def found(record: RunRecord, th_gs: tuple[float, ...]) -> WorstCaseRecord | None:
    """The stored result of this search, if there is one.

    Raises:
        StoreError: it cannot be read.
    """
    return worst_cases.find(record, th_gs, DEFAULTS)


def search(record: RunRecord, th_gs: tuple[float, ...]) -> Search:
    """The search of a run's worst case, begun or to be begun."""
    return _search(record.id, restorable.checksum(record), th_gs)


def start_anew(record: RunRecord, th_gs: tuple[float, ...]) -> None:
    """Forget how far a search came, so that one that failed can be tried again."""
    _search.clear(record.id, restorable.checksum(record), th_gs)


def worst_chip(record: RunRecord) -> WorstChip | None:
    """The worst of the run's sampled chips, at the device variation nearest to that of its training; None without any.

    Of a run whose chips cannot be read none is known either.
    """
    try:
        chips = worst_chips(stored.instances(record))
    except StoreError:
        return None
    chips = chips[chips[columns.SIGMA_D] > 0]
    if chips.empty:
        return None
    sigma_d = opened_chips.usual_sigma_d(record, [float(one) for one in chips[columns.SIGMA_D]])
    row = chips[same_sigma_d(chips[columns.SIGMA_D], sigma_d)].iloc[0]
    return WorstChip(
        sigma_d=sigma_d,
        accuracy=float(row[columns.ACCURACY]),
        instance=int(row[columns.INSTANCE]),
        num_chips=int(row[columns.NUM_INSTANCES]),
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _search(run_id: str, checksum: str, th_gs: tuple[float, ...]) -> Search:
    def go_on(seconds: float) -> SearchPart:
        return work.go_on(run_id, checksum, th_gs=th_gs, seconds=seconds)

    return Search(SearchPart(table=pd.DataFrame(), done=0, total=1, seconds=0.0, is_finished=False), go_on)
