"""Stored leaderboards: where there are some, their rows, and what pages draw of them."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.data import hardware, plans, races, restorable, stored
from dashboard.data.hardware import Size
from dashboard.data.stored import RunRecord
from neft import columns, reference, tables
from neft.errors import ConfigError
from neft.experiments.questions import LEADERBOARD_TRIALS
from neft.runs.plans import PlanEntry
from neft.sigma_d import same_sigma_d
from neft.tables import boards, ranks
from neft.tables.boards import LEADERBOARD, Place
from neft.tables.hardware import HARDWARE
from neft.tables.leaderboard import (
    COSTS,
    TH_G,
    default_reference,
    has_schemes,
    is_plain,
    pairs_told_apart,
    published_words,
)
from neft.tables.percentiles import chips_needed
from neft.tables.schemes import on_front

__all__ = [
    "COSTS",
    "HARDWARE",
    "LEADERBOARD",
    "TH_G",
    "Place",
    "chips_needed",
    "has_schemes",
    "pairs_told_apart",
    "published_words",
]

VALUES = {
    "accuracy": (columns.MEAN, columns.LOWER, columns.UPPER),
    "percentile": (columns.PERCENTILE_1, columns.PERCENTILE_1_LOWER, columns.PERCENTILE_1_UPPER),
    "raced": (columns.RACED_PERCENTILE_1, columns.RACED_PERCENTILE_1_LOWER, columns.RACED_PERCENTILE_1_UPPER),
    "worst_case": (columns.WORST_CASE, columns.WORST_CASE_CI95),
    "clean": (columns.CLEAN_ACCURACY, columns.CLEAN_CI95),
    "difference": (columns.DIFFERENCE, columns.DIFFERENCE_CI95),
}
"""What rows can be drawn by: the columns of a value and of its ends, or of its half-width."""


def places(stamp: str) -> dict[str, Place]:
    """Every leaderboard's data and network, by a key; those that several plans share are told apart by the plan."""
    return dict(_places(stamp))


def board(place: str, sigma_d: float, against: str | None, stamp: str) -> pd.DataFrame:
    """A row per method and constraint, the best first; differences to `against`, or to the plainest row that met noise.

    A row that is not there is none to compare with: the plainest is taken then. Where rows differ in their mapping
    they have area and energy.
    """
    return _board(place, sigma_d, against, stamp, hardware.stamp(), races.stamp())


def budget(place: str, sigma_d: float, stamp: str) -> str:
    """With what the rows were made, in a sentence."""
    records = stored.records([entry.run_id for entry in _entries(place, sigma_d, stamp)])
    has_schemes = places(stamp)[place].has_schemes
    return boards.budget_words(records, num_trials=LEADERBOARD_TRIALS, has_schemes=has_schemes)


def to_race(board: pd.DataFrame) -> str:
    """The run to race next for one more row with a raced percentile; empty where there is none.

    Of rows that have none and whose every run kept its weights, a run that was not raced yet.
    """
    sigma_d = float(board[columns.SIGMA_D].iloc[0]) if len(board) else 0.0
    for run_ids in board[board[columns.RACED_PERCENTILE_1].isna()][columns.RUN_IDS]:
        records = stored.records(list(run_ids))
        if len(records) == len(run_ids) and all(restorable.has_weights(record) for record in records):
            raced = races.of_runs(records, sigma_d)
            return next((record.id for record in records if record.id not in raced), "")
    return ""


def progress(place: str, stamp: str) -> plans.Progress:
    """How many of its plan's runs are stored."""
    return plans.progress(places(stamp)[place].plan, LEADERBOARD, stamp)


def lead_to_be_told(board: pd.DataFrame) -> float:
    """How many standard errors a lead must have, with the seeds that every row has."""
    return ranks.lead_to_be_told(len(board), fewest_seeds(board))


def fewest_seeds(board: pd.DataFrame) -> int:
    """Those that every row has."""
    return int(board[columns.NUM_SEEDS].min())


def reference_of(rows: pd.DataFrame) -> str:
    """The row to which a board's differences are taken unless another is asked for."""
    return default_reference(rows)


def in_picture(rows: pd.DataFrame) -> tuple[str, ...]:
    """The rows that a picture begins with: the best, the best without a constraint, and the plainest that met noise."""
    plain = rows[is_plain(rows)]
    firsts = [str(some[columns.VARIANT].iloc[0]) for some in (rows, plain) if not some.empty]
    return tuple(dict.fromkeys([*firsts, default_reference(rows)]))


def by_value(rows: pd.DataFrame, value: str, against: str) -> pd.DataFrame:
    """The rows that have a value (a key of `VALUES`), as mean, lower and upper; the largest first.

    The row that differences are taken to differs from itself by nothing.
    """
    itself = rows[columns.VARIANT] == against
    rows = rows.assign(**{columns.DIFFERENCE: rows[columns.DIFFERENCE].mask(itself, 0.0)})
    name, *ends = VALUES[value]
    if len(ends) == 1:
        lower, upper = rows[name] - rows[ends[0]], rows[name] + rows[ends[0]]
    else:
        lower, upper = (rows[end] for end in ends)
    drawn = rows.assign(**{columns.MEAN: rows[name], columns.LOWER: lower, columns.UPPER: upper})
    known = drawn[drawn[columns.MEAN].notna()]
    return known.sort_values(columns.MEAN, ascending=False, kind="stable", ignore_index=True)


def curves(place: str, series: Sequence[str], stamp: str) -> pd.DataFrame:
    """Some rows at every sigma_d of a place, each network trained for it."""
    found = [board(place, sigma_d, None, stamp) for sigma_d in places(stamp)[place].sigma_ds]
    every = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=[columns.VARIANT])
    chosen = every[every[columns.VARIANT].isin(series)]
    order = {name: index for index, name in enumerate(series)}
    return chosen.sort_values(columns.VARIANT, key=lambda names: names.map(order), kind="stable", ignore_index=True)


def chance(place: str, stamp: str) -> float:
    """Accuracy of guessing on a place's data."""
    return plans.chance(places(stamp)[place].plan, LEADERBOARD, stamp)


def images_words(board: pd.DataFrame) -> str:
    """What the rows' accuracies owe to their test images beside other data."""
    return tables.images_words(board[columns.MEAN], board[columns.NUM_TEST_IMAGES])


def published(rows: pd.DataFrame) -> pd.DataFrame:
    """The nearest published panel's points of the methods of these rows, under the rows' own keys.

    A constraint is in no published figure: only rows without one have points.
    """
    plain = rows[is_plain(rows)].drop_duplicates(columns.METHOD).set_index(columns.METHOD)
    figures = reference.published_accuracy()
    known = figures[(figures[columns.PANEL] == reference.NEAREST_PANEL) & figures[columns.VARIANT].isin(plain.index)]
    return known.assign(
        **{name: known[columns.VARIANT].map(plain[name]) for name in (columns.VARIANT, columns.LABEL)}
    ).reset_index(drop=True)


def has_costs(rows: pd.DataFrame) -> bool:
    """Whether rows cost different things, so that some are on a front."""
    return bool(rows[columns.ON_FRONT].notna().any())


def costs(rows: pd.DataFrame) -> tuple[str, ...]:
    """What can be drawn as a cost of these rows: what is known of some."""
    return tuple(name for name in (*COSTS, *HARDWARE) if rows[name].notna().any())


def by_cost(rows: pd.DataFrame, cost: str, value: str = "accuracy") -> pd.DataFrame:
    """The rows whose cost and value are known, as `charts.accuracy_vs_cost` draws them: one look and name a training.

    On the front are those of this cost and value alone.
    """
    names = dict(zip((columns.MEAN, columns.LOWER, columns.UPPER), VALUES[value], strict=True))
    drawn = rows.assign(**{new: rows[old] for new, old in names.items()})
    known = drawn[drawn[cost].notna() & drawn[columns.MEAN].notna()].reset_index(drop=True)
    constraints = known[columns.CONSTRAINT].where(known[columns.CONSTRAINT_LABEL] != "", "")
    return known.assign(
        **{
            columns.SCHEME: known[columns.VARIANT],
            columns.PROGRAMMING_LABEL: known[columns.ENTRY_LABEL],
            columns.DEPARTURE: constraints.map(lambda constraint: f"_{constraint}" if constraint else ""),
            columns.ON_FRONT: on_front(known, [cost]),
        }
    )


def published_name() -> str:
    """What stands for published points in a legend: their network and data."""
    return f"{reference.PANELS[reference.NEAREST_PANEL]} (published)"


@st.cache_data(max_entries=32, show_spinner="Comparing every row with every other …")
def _board(place: str, sigma_d: float, against: str | None, stamp: str, prices: str, races_kept: str) -> pd.DataFrame:
    del prices, races_kept
    entries = _entries(place, sigma_d, stamp)
    if against not in {entry.series for entry in entries}:
        against = None
    runs = plans.runs_of([entry.run_id for entry in entries])
    sizes = _sizes([record for record, _ in runs.values()]) if places(stamp)[place].has_schemes else {}
    raced = races.of_runs([record for record, _ in runs.values()], sigma_d)
    return tables.leaderboard_table(entries, runs, sigma_d=sigma_d, reference=against, sizes=sizes, races=raced)


def race_problems(place: str, sigma_d: float, stamp: str) -> dict[str, str]:
    """By run of a board why races of its chips cannot be read."""
    return _race_problems(place, sigma_d, stamp, races.stamp())


@st.cache_data(max_entries=32, show_spinner=False)
def _race_problems(place: str, sigma_d: float, stamp: str, races_kept: str) -> dict[str, str]:
    del races_kept
    runs = plans.runs_of([entry.run_id for entry in _entries(place, sigma_d, stamp)])
    found = {run_id: " ".join(races.problems(record)) for run_id, (record, _) in runs.items()}
    return {run_id: reasons for run_id, reasons in found.items() if reasons}


def _sizes(records: Sequence[RunRecord]) -> dict[str, Size]:
    """By run; none where the unit costs cannot be read, which the page Hardware tells."""
    try:
        return hardware.sizes(records)
    except ConfigError:
        return {}


@st.cache_resource(max_entries=4, show_spinner=False)
def _places(stamp: str) -> dict[str, Place]:
    records = {record.id: record for record in stored.listing().records}
    found = boards.board_places(plans.plans(stamp).values(), records)
    counts = Counter(place.key for place in found)
    return {place.key if counts[place.key] == 1 else f"{place.plan}_{place.key}": place for place in found}


def _entries(place: str, sigma_d: float, stamp: str) -> list[PlanEntry]:
    where = places(stamp)[place]
    records = {record.id: record for record in stored.listing().records}
    entries = boards.entries_of(where, plans.plans(stamp)[where.plan], records)
    return [entry for entry in entries if bool(same_sigma_d(entry.sigma_d, sigma_d))]
