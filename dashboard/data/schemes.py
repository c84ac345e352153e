"""Schemes (a mapping and a programming) of stored networks: trying them, and what tables say of them."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Literal

import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import SchemesPart
from dashboard.data import restorable, stored
from dashboard.data.caches import kept
from dashboard.data.stored import RunRecord
from dashboard.data.under_way import UnderWay
from neft import columns
from neft.tables.percentiles import chips_needed, percentile_name
from neft.tables.schemes import Choice, at_sigma_d, best, by_cost, cheapest, no_dearer, on_front, schemes_table

if TYPE_CHECKING:
    from dashboard.computing.work import schemes as work
else:
    work = process.remote("dashboard.computing.work.schemes")

__all__ = ["Choice", "at_sigma_d", "best", "by_cost", "cheapest", "chips_needed", "no_dearer", "percentile_name"]

Kind = Literal["usual", "budgets"]
SIGMA_DS = (0.0, 0.1, 0.2, 0.4)
"""Where schemes are tried, those of `neft schemes`."""
CHIPS = (60, 100, 300)
"""On how many chips schemes can be tried; the fewest that bound the 5th percentile from below first."""
BUDGET_CHIPS = 30
"""Chips on which shares are tried."""
EMPTY = SchemesPart(
    chips=pd.DataFrame(),
    costs=pd.DataFrame(),
    budgets=pd.DataFrame(),
    run_ids={},
    refused={},
    num_known=0,
    count=0,
    label="",
    done=0,
    total=0,
    seconds=0.0,
    is_finished=False,
)


Comparison = UnderWay[SchemesPart]


def comparison(record: RunRecord, kind: Kind, sigma_ds: tuple[float, ...], num_chips: int) -> Comparison:
    """The comparison of a run's schemes, begun or to be begun."""
    return _comparison(record.id, restorable.checksum(record), kind, sigma_ds, num_chips)


def start_anew(record: RunRecord, kind: Kind, sigma_ds: tuple[float, ...], num_chips: int) -> None:
    """Forget how far it came, so that one that failed can be tried again."""
    _comparison.clear(record.id, restorable.checksum(record), kind, sigma_ds, num_chips)


def cancel(record: RunRecord, kind: Kind, sigma_ds: tuple[float, ...], num_chips: int) -> None:
    """End it; schemes that are known stay stored."""
    work.cancel()
    start_anew(record, kind, sigma_ds, num_chips)


def count(record: RunRecord, kind: Kind, sigma_ds: tuple[float, ...], num_chips: int) -> tuple[int, int]:
    """How many schemes there are, and of how many the chips are stored.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    return _count(record.id, restorable.checksum(record), kind, sigma_ds, num_chips)


@kept(max_entries=2)
def tried() -> list[RunRecord]:
    """The networks that can be run whose training is stored under several mappings and programmings, the most first.

    Those of the foremost network's data before others, whose images may not be there.
    """
    runs = restorable.candidates()
    schemes = [record for record in stored.listing().records if _is_scheme(record)]
    counts = Counter(_training(record) for record in schemes)
    known = [record for record in runs if not _is_scheme(record) and counts[_training(record)] > 1]
    first = runs[0].facts.dataset if runs else ""

    def standing(record: RunRecord) -> tuple[bool, int, int, int]:
        facts = record.facts
        return facts.dataset != first, -counts[_training(record)], facts.seed, -facts.rank

    return sorted(known, key=standing)


def _is_scheme(record: RunRecord) -> bool:
    """Whether a run's test chips are mapped or programmed otherwise than its training's."""
    return any(record.config["evaluation"].get(part) is not None for part in ("mapping", "programming"))


def _training(record: RunRecord) -> str:
    """Everything that decides a run's training."""
    return json.dumps({part: held for part, held in record.config.items() if part != "evaluation"}, sort_keys=True)


def table(part: SchemesPart, percentile: int) -> pd.DataFrame:
    """A row per known scheme and sigma_d (`neft.tables.schemes`), with the run that its chips are stored under."""
    found = schemes_table(part.chips, part.costs, percentile=percentile)
    return found.assign(**{columns.RUN_ID: found[columns.SCHEME].map(part.run_ids)})


def fronts(rows: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The rows, with whether each is on the front of the mean against this one cost."""
    return rows.assign(**{columns.ON_FRONT: on_front(rows, [cost])})


def budget_table(part: SchemesPart) -> pd.DataFrame:
    """A row per choice and share that is known."""
    found = schemes_table(part.chips, part.costs, percentile=5)
    kept = [columns.SCHEME, columns.SIGMA_D, columns.NUM_INSTANCES, columns.PULSES, columns.READS]
    kept += [columns.MEAN, columns.CI95, columns.LOWER, columns.UPPER]
    joined = part.budgets.merge(found[kept], on=columns.SCHEME)
    return joined.sort_values([columns.CHOICE, columns.BUDGET], ignore_index=True)


def deviations(record: RunRecord, layer: str, number: int, sigma_d: float) -> pd.DataFrame:
    """By how much one weight misses under each scheme: a row per scheme and bin.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    return _deviations(record.id, restorable.checksum(record), layer, number, sigma_d)


@st.cache_resource(max_entries=16, show_spinner="Programming one weight under every scheme …")
def _deviations(run_id: str, checksum: str, layer: str, number: int, sigma_d: float) -> pd.DataFrame:
    return work.deviations(run_id, checksum, layer=layer, number=number, sigma_d=sigma_d)


@st.cache_resource(max_entries=8, show_spinner=False)
def _comparison(run_id: str, checksum: str, kind: Kind, sigma_ds: tuple[float, ...], num_chips: int) -> Comparison:
    def go_on(seconds: float) -> SchemesPart:
        return work.go_on(run_id, checksum, kind, sigma_ds=sigma_ds, num_instances=num_chips, seconds=seconds)

    return Comparison(EMPTY, go_on)


@kept(max_entries=32, show_spinner="Looking for stored schemes …")
def _count(run_id: str, checksum: str, kind: Kind, sigma_ds: tuple[float, ...], num_chips: int) -> tuple[int, int]:
    return work.count(run_id, checksum, kind, sigma_ds=sigma_ds, num_instances=num_chips)
