"""One leaderboard: every training method with every weight constraint (and scheme), a row each, at one sigma_d.

Rows share data set, backbone, budget, seeds and chips; what they were tuned to is their own. Means are over seeds x
chips with the intervals of `crossed_interval`, differences are taken seed by seed and chip by chip.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from neft import columns
from neft.errors import unknown_name
from neft.hardware.costs import Size
from neft.reference import NEAREST_PANEL, published_accuracy
from neft.runs.plans import PlanEntry
from neft.runs.races import RaceRecord
from neft.runs.records import RunRecord
from neft.sigma_d import rounded_sigma_d, same_sigma_d
from neft.tables.arms import experiment_chips
from neft.tables.boards import LEADERBOARD, Runs
from neft.tables.curves import seeds_by_chips
from neft.tables.hardware import HARDWARE, mean_size
from neft.tables.intervals import Interval, crossed_interval, images_words
from neft.tables.percentiles import percentile_over_trainings
from neft.tables.races import percentile_over_races
from neft.tables.ranks import p_values, rank_intervals
from neft.tables.runs import flat_config
from neft.tables.schemes import on_front
from neft.tables.variants import VARIANT_FACTS, variant_facts

TH_G = 0.03
"""The largest deviation, over a layer's largest weight, at which the worst case is read ([Yan2022])."""
ROW_FACTS = (
    *VARIANT_FACTS,
    columns.METHOD_LABEL,
    columns.ENTRY_LABEL,
    columns.CONSTRAINT,
    columns.CONSTRAINT_LABEL,
    columns.CHIPS,
    columns.CHIPS_LABEL,
    columns.SETTINGS,
    columns.NUM_PASSES,
)
COSTS = (columns.DEVICES, columns.PULSES, columns.READS)
"""Of a weight; digital operations are not recorded with a run."""
BOARD_COLUMNS = (
    *ROW_FACTS,
    columns.SIGMA_D,
    columns.RANK,
    columns.RANK_LOWER,
    columns.RANK_UPPER,
    columns.RANK_LOWER_TOGETHER,
    columns.RANK_UPPER_TOGETHER,
    columns.MEAN,
    columns.CI95,
    columns.LOWER,
    columns.UPPER,
    columns.PERCENTILE_1,
    columns.PERCENTILE_1_LOWER,
    columns.PERCENTILE_1_UPPER,
    columns.RACED_PERCENTILE_1,
    columns.RACED_PERCENTILE_1_LOWER,
    columns.RACED_PERCENTILE_1_UPPER,
    columns.NUM_RACED,
    columns.WORST_CASE,
    columns.WORST_CASE_CI95,
    columns.CLEAN_ACCURACY,
    columns.CLEAN_CI95,
    columns.EKL,
    columns.EKL_CI95,
    columns.CALIBRATED_EKL,
    columns.CALIBRATED_EKL_CI95,
    columns.TRAINING_SECONDS,
    *COSTS,
    *HARDWARE,
    columns.ON_FRONT,
    columns.DIFFERENCE,
    columns.DIFFERENCE_CI95,
    columns.PUBLISHED_ACCURACY,
    columns.NUM_SEEDS,
    columns.NUM_INSTANCES,
    columns.NUM_TEST_IMAGES,
    columns.RUN_IDS,
)


def leaderboard_table(
    entries: Sequence[PlanEntry],
    runs: Runs,
    *,
    sigma_d: float,
    reference: str | None = None,
    th_g: float = TH_G,
    sizes: Mapping[str, Size] = MappingProxyType({}),
    races: Mapping[str, RaceRecord] = MappingProxyType({}),
) -> pd.DataFrame:
    """A row per series at one sigma_d, the highest mean accuracy first.

    A 1st percentile is that of `percentile_over_trainings`: the mean over trainings of each one's percentile over its
    chips, its limits the means of the trainings' limits. The worst case is a mean over seeds with Student's interval.
    Ranks are by mean accuracy, their intervals those of `rank_intervals`. Training time is that of the series' fastest
    training at any sigma_d: other work on a machine only ever slows one down. Costs are means over seeds; a row is on
    the front where none costs as little and keeps as much, and is better in one. Everything NaN that no run has.

    Args:
        entries: of one place, at any sigma_d.
        runs: records and chips of what is stored; what is missing is left out.
        sigma_d: at which the rows are read.
        reference: the series to which differences are taken; by default `default_reference`.
        th_g: at which the worst case is read.
        sizes: by run, what its network takes on a chip; area and energy are not numbers where it is not given.
        races: by run, of more chips like its own at this sigma_d, all for the 1st percentile of equally many; a row
            has a raced percentile where each of its trainings has one (`percentile_over_races`).

    Raises:
        ConfigError: there is no such series at this sigma_d.
    """
    here = [entry for entry in entries if bool(same_sigma_d(entry.sigma_d, sigma_d))]
    chips = experiment_chips(here, runs, LEADERBOARD)
    if chips.empty:
        return pd.DataFrame(columns=list(BOARD_COLUMNS))
    clean = experiment_chips([entry.model_copy(update={"sigma_d": 0.0}) for entry in here], runs, LEADERBOARD)
    clean_cells = _cells(clean)
    seconds = _fastest_trainings(entries, runs)
    rows: list[dict[str, object]] = []
    accuracies: list[pd.DataFrame] = []
    for series, cell in _cells(chips).items():
        records = [runs[str(run_id)][0] for run_id in cell[columns.RUN_ID].unique()]
        accuracy = seeds_by_chips(cell, columns.ACCURACY)
        accuracies.append(accuracy)
        worst = crossed_interval(np.array([[found] for found in _worst_cases(records, th_g)]))
        rows.append(
            _facts(series, records[0])
            | {columns.SIGMA_D: rounded_sigma_d(sigma_d)}
            | _accuracy(accuracy.to_numpy(dtype=float))
            | _raced([record.id for record in records], races)
            | _with_ci95(worst, columns.WORST_CASE, columns.WORST_CASE_CI95)
            | _metric(clean_cells.get(series), columns.ACCURACY, columns.CLEAN_ACCURACY, columns.CLEAN_CI95)
            | _metric(cell, columns.EKL, columns.EKL, columns.EKL_CI95)
            | _metric(cell, columns.CALIBRATED_EKL, columns.CALIBRATED_EKL, columns.CALIBRATED_EKL_CI95)
            | {
                columns.TRAINING_SECONDS: seconds[series],
                **_costs(records, sigma_d),
                **mean_size(records, sizes),
                columns.RUN_IDS: tuple(sorted(record.id for record in records)),
            }
        )
    table = _with_front(_told_from_each_other(pd.DataFrame(rows)))
    table[columns.PUBLISHED_ACCURACY] = _published(table, sigma_d)
    values = _aligned(accuracies)
    table = _ranked(table, values)
    return _compared(table, values, reference).sort_values(
        [columns.RANK, columns.METHOD_RANK, columns.VARIANT], ignore_index=True
    )[list(BOARD_COLUMNS)]


def default_reference(board: pd.DataFrame) -> str:
    """The plainest series that met noise (`is_plain`), of the lowest rank among methods; the first if none."""
    plain = board[board[columns.USES_NOISE].astype(bool) & is_plain(board)]
    shown = (plain if not plain.empty else board).sort_values([columns.METHOD_RANK, columns.VARIANT])
    return str(shown[columns.VARIANT].iloc[0])


def has_schemes(board: pd.DataFrame) -> bool:
    """Whether its rows stand under several mappings or programmings."""
    return len(set(board[columns.CHIPS])) > 1


def is_plain(board: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows are without a weight constraint and, where rows have several, on the usual chips."""
    unconstrained = board[columns.CONSTRAINT_LABEL] == ""
    return unconstrained & (board[columns.CHIPS] == "") if has_schemes(board) else unconstrained


def pairs_told_apart(board: pd.DataFrame) -> tuple[int, int]:
    """How many pairs of rows are told apart, all answers holding together with 95 %, and how many pairs there are."""
    # of two rows that are told apart one is better
    return int((board[columns.RANK_LOWER_TOGETHER] - 1).sum()), len(board) * (len(board) - 1) // 2


def published_words(board: pd.DataFrame) -> str:
    """Whose the published figures are, and what keeps them from being compared with the rows' own."""
    first = published_accuracy().query(f"{columns.PANEL} == @NEAREST_PANEL").iloc[0]
    words = (
        f"Published: {first[columns.PANEL_LABEL]} ({first[columns.SOURCE]}), another network and other data, trained "
        "longer, not tuned as here: compare the order, not the heights."
    )
    beside = board[board[columns.PUBLISHED_ACCURACY].notna()]
    return f"{words} {images_words(beside[columns.MEAN], beside[columns.NUM_TEST_IMAGES])}".rstrip()


def _cells(chips: pd.DataFrame) -> dict[str, pd.DataFrame]:
    if chips.empty:
        return {}
    return {str(series): cell for series, cell in chips.groupby(columns.VARIANT, sort=False, observed=True)}


def _fastest_trainings(entries: Sequence[PlanEntry], runs: Runs) -> dict[str, float]:
    """Seconds by series."""
    found: dict[str, float] = {}
    for entry in entries:
        if entry.run_id in runs:
            seconds = runs[entry.run_id][0].provenance.training_seconds
            found[entry.series] = min(seconds, found.get(entry.series, seconds))
    return found


def _facts(series: str, record: RunRecord) -> dict[str, object]:
    """What a row is: its method and constraint without what they were tuned to, and that in words beside."""
    facts = record.facts
    constraint = facts.constraint_label
    return {
        **variant_facts(record),
        columns.VARIANT: series,
        columns.LABEL: facts.entry_label,
        columns.DEPARTURE: (f"_{facts.constraint_name}" if constraint else "") + facts.chips,
        columns.CHIPS: facts.chips,
        columns.CHIPS_LABEL: facts.chips_label,
        columns.METHOD_LABEL: facts.method_label,
        columns.ENTRY_LABEL: facts.entry_label,
        columns.CONSTRAINT: facts.constraint_name,
        columns.CONSTRAINT_LABEL: constraint,
        columns.SETTINGS: _settings(record),
        columns.NUM_PASSES: facts.num_passes,
        columns.NUM_TEST_IMAGES: float("nan") if facts.num_test_images is None else facts.num_test_images,
    }


def _settings(record: RunRecord) -> str:
    """What a row was tuned to: its variant, learning rate and epochs."""
    rate = flat_config(record).get("training.learning_rate")
    words = [record.facts.label, *([] if rate is None else [f"learning rate {rate:g}"])]
    return ", ".join([*words, f"{record.summary.num_epochs} epochs"])


def _told_from_each_other(table: pd.DataFrame) -> pd.DataFrame:
    """Rows under several schemes with those behind their label; rows of one label with their series' keys."""
    if has_schemes(table):
        chips = table[columns.CHIPS_LABEL].map(lambda words: f"; {words}" if words else "")
        table = table.assign(**{columns.LABEL: table[columns.ENTRY_LABEL] + chips})
    counts = Counter(table[columns.LABEL])
    labels = [
        f"{label} ({series})" if counts[label] > 1 else label
        for label, series in zip(table[columns.LABEL], table[columns.VARIANT], strict=True)
    ]
    return table.assign(**{columns.LABEL: labels})


def _accuracy(values: np.ndarray) -> dict[str, object]:
    """Mean, interval and 1st percentile of seeds x chips."""
    interval = crossed_interval(values)
    half = 0.0 if np.isnan(interval.ci95) else interval.ci95
    low = percentile_over_trainings(values, 0.01)
    return {
        columns.MEAN: interval.mean,
        columns.CI95: interval.ci95,
        columns.LOWER: interval.mean - half,
        columns.UPPER: interval.mean + half,
        columns.PERCENTILE_1: low.value,
        columns.PERCENTILE_1_LOWER: low.lower,
        columns.PERCENTILE_1_UPPER: low.upper,
        columns.NUM_SEEDS: interval.num_seeds,
        columns.NUM_INSTANCES: interval.num_instances,
    }


def _raced(run_ids: Sequence[str], races: Mapping[str, RaceRecord]) -> dict[str, object]:
    found = percentile_over_races(run_ids, races)
    return {
        columns.RACED_PERCENTILE_1: found.value,
        columns.RACED_PERCENTILE_1_LOWER: found.lower,
        columns.RACED_PERCENTILE_1_UPPER: found.upper,
        columns.NUM_RACED: sum(run_id in races for run_id in run_ids),
    }


def _metric(cell: pd.DataFrame | None, metric: str, mean: str, ci95: str) -> dict[str, object]:
    if cell is None or metric not in cell:
        return {mean: float("nan"), ci95: float("nan")}
    return _with_ci95(crossed_interval(seeds_by_chips(cell, metric).to_numpy(dtype=float)), mean, ci95)


def _with_ci95(interval: Interval, mean: str, ci95: str) -> dict[str, object]:
    return {mean: interval.mean, ci95: interval.ci95}


def _costs(records: Sequence[RunRecord], sigma_d: float) -> dict[str, object]:
    """Devices, pulses and reads of a weight, means over trainings; not numbers where one training's are not known."""
    found = np.array([_cost(record, sigma_d) for record in records]).mean(axis=0)
    return dict(zip(COSTS, map(float, found), strict=True))


def _cost(record: RunRecord, sigma_d: float) -> tuple[float, float, float]:
    devices, effort, unknown = record.summary.devices_a_weight, record.summary.effort_at(sigma_d), float("nan")
    return (unknown, unknown, unknown) if devices is None or effort is None else (devices, effort.pulses, effort.reads)


def _with_front(table: pd.DataFrame) -> pd.DataFrame:
    """Whether each row is on the front, of those whose costs are known; missing of others, and where all are alike."""
    known = table[table[list(COSTS)].notna().all(axis=1)]
    if len(known[list(COSTS)].drop_duplicates()) < 2:
        return table.assign(**{columns.ON_FRONT: float("nan")})
    front = on_front(known, COSTS)
    return table.assign(**{columns.ON_FRONT: front.astype(float).reindex(table.index)})


def _worst_cases(records: Sequence[RunRecord], th_g: float) -> list[float]:
    """Of the trainings whose worst case was searched there; not a number where none was."""
    known = [row.accuracy for record in records for row in record.summary.worst_case if row.th_g == th_g]
    return known or [float("nan")]


def _aligned(tables: Sequence[pd.DataFrame]) -> np.ndarray:
    """Rows x seeds x chips; NaN where a row has no such seed or chip."""
    seeds = sorted(set().union(*(table.index for table in tables)))
    chips = sorted(set().union(*(table.columns for table in tables)))
    return np.stack([table.reindex(index=seeds, columns=chips).to_numpy(dtype=float) for table in tables])


def _ranked(table: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    p = p_values(values)
    alone, together = rank_intervals(p, together=False), rank_intervals(p, together=True)
    return table.assign(
        **{
            columns.RANK: table[columns.MEAN].rank(ascending=False, method="min").astype(int),
            columns.RANK_LOWER: alone.lower,
            columns.RANK_UPPER: alone.upper,
            columns.RANK_LOWER_TOGETHER: together.lower,
            columns.RANK_UPPER_TOGETHER: together.upper,
        }
    )


def _compared(table: pd.DataFrame, values: np.ndarray, reference: str | None) -> pd.DataFrame:
    """The table with each row's paired difference to one of them; none of that one itself."""
    known = list(table[columns.VARIANT])
    name = default_reference(table) if reference is None else reference
    if name not in known:
        kind = "row"
        raise unknown_name(kind, name, known)
    against = known.index(name)
    nothing = Interval(float("nan"), float("nan"), 0, 0)
    found = [
        nothing if index == against else crossed_interval(_shared(row - values[against]))
        for index, row in enumerate(values)
    ]
    return table.assign(
        **{
            columns.DIFFERENCE: [interval.mean for interval in found],
            columns.DIFFERENCE_CI95: [interval.ci95 for interval in found],
        }
    )


def _shared(differences: np.ndarray) -> np.ndarray:
    """The seeds and chips that both rows have."""
    known = ~np.isnan(differences)
    return differences[known.any(axis=1)][:, known.any(axis=0)]


def _published(table: pd.DataFrame, sigma_d: float) -> "pd.Series[float]":
    """The nearest published panel's accuracy of the same method at the same sigma_d; constraints are in none."""
    rows = published_accuracy()
    rows = rows[(rows[columns.PANEL] == NEAREST_PANEL) & same_sigma_d(rows[columns.SIGMA_D], sigma_d)]
    known = rows.set_index(columns.VARIANT)[columns.ACCURACY]
    # under several schemes a training is one for all sigma_d; a published one is of that at which it stands
    plain = is_plain(table) & (not has_schemes(table))
    return table[columns.METHOD].map(known).astype(float).where(plain)
