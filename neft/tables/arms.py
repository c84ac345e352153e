"""Experiments as rows: every chip in its place, points with intervals, contrasts between arms.

An arm is a series at a setting: `("ovf", "n_3")`. All statistics are taken over seeds x chips; contrasts are taken
seed by seed and chip by chip before anything is averaged.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from neft import columns
from neft.runs.plans import PlanEntry
from neft.runs.records import RunRecord
from neft.sigma_d import same_sigma_d
from neft.tables.curves import seeds_by_chips
from neft.tables.intervals import Interval, crossed_interval
from neft.tables.variants import VARIANT_FACTS, Fact, facts_of, series_facts

Arm = tuple[str, str]
"""A series and a setting, by their keys."""

FAILS_BELOW = 0.05
"""A training failed if its accuracy is this far below the mean of its method's trainings ([Qin2025], section 4.3)."""

_PLACE_COLUMNS = (*VARIANT_FACTS, columns.SETTING, columns.POSITION)
POINT_COLUMNS = (
    *_PLACE_COLUMNS,
    columns.SIGMA_D,
    columns.MEAN,
    columns.CI95,
    columns.LOWER,
    columns.UPPER,
    columns.NUM_SEEDS,
    columns.NUM_INSTANCES,
    columns.RUN_IDS,
)


def experiment_chips(
    entries: Sequence[PlanEntry], runs: Mapping[str, tuple[RunRecord, pd.DataFrame]], experiment: str
) -> pd.DataFrame:
    """Every chip of an experiment's stored runs at the sigma_d at which it is read, with its run's place.

    Args:
        entries: a plan's entries.
        runs: records and chips of what is stored, by run id; what is missing is left out.
        experiment: which one.
    """
    found = [entry for entry in entries if entry.experiment == experiment and entry.run_id in runs]
    if not found:
        return pd.DataFrame()
    frames: list[pd.DataFrame] = []
    for entry in found:
        rows = runs[entry.run_id][1]
        frames.append(rows[same_sigma_d(rows[columns.SIGMA_D], entry.sigma_d)])
    counts = [len(frame) for frame in frames]
    chips = pd.concat(frames, ignore_index=True)
    facts = _facts_by_series(found, {entry.run_id: runs[entry.run_id][0] for entry in found})
    # categories: thousands of rows share a few words
    places: dict[str, list[object]] = {
        columns.RUN_ID: [entry.run_id for entry in found],
        columns.SETTING: [entry.setting for entry in found],
        **{name: [facts[entry.series][name] for entry in found] for name in VARIANT_FACTS},
    }
    for name, values in places.items():
        known = list(dict.fromkeys(values))
        codes = [known.index(value) for value in values]
        kind = pd.CategoricalDtype(known)
        chips[name] = pd.Categorical.from_codes(list(np.repeat(codes, counts)), dtype=kind)
    chips[columns.POSITION] = np.repeat([entry.position for entry in found], counts)
    chips[columns.SEED] = np.repeat([entry.seed for entry in found], counts)
    return chips


def setting_points(chips: pd.DataFrame, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A row per arm: the mean of a metric over seeds x chips with its interval; in the experiment's order."""
    rows: list[dict[str, object]] = []
    if not chips.empty:
        for (_, position), cell in chips.groupby([columns.VARIANT, columns.POSITION], sort=False):
            interval = crossed_interval(seeds_by_chips(cell, metric).to_numpy(dtype=float))
            half = 0.0 if np.isnan(interval.ci95) else interval.ci95
            first = cell.iloc[0]
            rows.append(
                {
                    **facts_of(cell),
                    columns.SETTING: first[columns.SETTING],
                    columns.POSITION: position,
                    columns.SIGMA_D: first[columns.SIGMA_D],
                    columns.MEAN: interval.mean,
                    columns.CI95: interval.ci95,
                    columns.LOWER: interval.mean - half,
                    columns.UPPER: interval.mean + half,
                    columns.NUM_SEEDS: interval.num_seeds,
                    columns.NUM_INSTANCES: interval.num_instances,
                    columns.RUN_IDS: tuple(sorted(cell[columns.RUN_ID].unique())),
                }
            )
    frame = pd.DataFrame(rows, columns=list(POINT_COLUMNS))
    return frame.sort_values([columns.VARIANT, columns.POSITION], ignore_index=True)


def _facts_by_series(entries: Sequence[PlanEntry], records: Mapping[str, RunRecord]) -> dict[str, dict[str, Fact]]:
    """The facts of every series of an experiment, by its key.

    Series that differ in what no variant tells, as their mapping, depart each in its own way after the first.
    """
    runs: dict[str, list[RunRecord]] = {}
    for entry in entries:
        runs.setdefault(entry.series, []).append(records[entry.run_id])
    found = {series: series_facts(series, theirs) for series, theirs in runs.items()}
    taken: set[tuple[Fact, Fact]] = set()
    for series, facts in found.items():
        look = facts[columns.METHOD_RANK], facts[columns.DEPARTURE]
        if look in taken:
            facts[columns.DEPARTURE] = f"{facts[columns.DEPARTURE]}_{series}".strip("_")
        taken.add(look)
    return found


class ArmChips:
    """An experiment's chips arm by arm; each arm's table is made once, however many contrasts ask for it."""

    def __init__(self, chips: pd.DataFrame) -> None:
        """Split chips (from `experiment_chips`) into arms."""
        self.chips = chips
        self._rows: dict[Arm, pd.DataFrame] = {}
        self._tables: dict[tuple[Arm, str], pd.DataFrame] = {}
        if not chips.empty:
            for (series, setting), rows in chips.groupby([columns.VARIANT, columns.SETTING], sort=False, observed=True):
                self._rows[str(series), str(setting)] = rows

    @property
    def arms(self) -> set[Arm]:
        """Those that have chips."""
        return set(self._rows)

    def rows(self, arm: Arm) -> pd.DataFrame:
        """An arm's chips."""
        return self._rows[arm]

    def num_failed(self, arm: Arm) -> int:
        """How many of an arm's trainings failed: their accuracy is `FAILS_BELOW` below their mean."""
        means = self.table(arm, columns.ACCURACY).to_numpy(dtype=float)
        means = np.nanmean(means, axis=1) if means.size else means
        return int((means < means.mean() - FAILS_BELOW).sum()) if means.size else 0

    def table(self, arm: Arm, metric: str) -> pd.DataFrame:
        """An arm's metric, a row a seed, a column a chip, not to be changed; empty where the arm has no chips."""
        if (arm, metric) not in self._tables:
            rows = self._rows.get(arm)
            self._tables[arm, metric] = pd.DataFrame() if rows is None else seeds_by_chips(rows, metric)
        return self._tables[arm, metric]


def contrast_values(
    chips: ArmChips, weights: Mapping[Arm, float], metric: str = columns.ACCURACY, *, logarithmic: bool = False
) -> np.ndarray:
    """The weighted sum of arms as a seeds x chips table, over the seeds and chips that all arms have.

    Args:
        chips: the experiment's.
        weights: how much each arm counts; a difference has +1 and -1.
        metric: of which column.
        logarithmic: take the metric's natural logarithm first, so that differences are ratios.
    """
    total: pd.DataFrame | None = None
    for arm, weight in weights.items():
        table = chips.table(arm, metric)
        if logarithmic:
            table = pd.DataFrame(np.log(table.where(table > 0)), index=table.index, columns=table.columns)
        part = table * weight
        total = part if total is None else total + part
    if total is None:
        return np.empty((0, 0))
    return total.dropna(how="all").dropna(how="all", axis=1).to_numpy(dtype=float)


def contrast(
    chips: pd.DataFrame, weights: Mapping[Arm, float], metric: str = columns.ACCURACY, *, logarithmic: bool = False
) -> Interval:
    """The weighted sum of arms with its paired interval."""
    return crossed_interval(contrast_values(ArmChips(chips), weights, metric, logarithmic=logarithmic))


def differences_to_arm(chips: pd.DataFrame, reference: Arm, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A row per other arm: its paired difference to a reference arm."""
    return _differences(chips, lambda arm: None if arm == reference else reference, metric)


def differences_to_series(chips: pd.DataFrame, series: str, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A row per arm of the other series: its paired difference to this series at the same setting, where it has it."""
    known = ArmChips(chips).arms

    def at_the_same_setting(arm: Arm) -> Arm | None:
        reference = (series, arm[1])
        return reference if arm[0] != series and reference in known else None

    return _differences(chips, at_the_same_setting, metric)


def _differences(chips: pd.DataFrame, reference_of: Callable[[Arm], Arm | None], metric: str) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    by_arm = ArmChips(chips)
    for place in _places(chips):
        arm = (str(place[columns.VARIANT]), str(place[columns.SETTING]))
        reference = reference_of(arm)
        if reference is not None:
            interval = crossed_interval(contrast_values(by_arm, {arm: 1.0, reference: -1.0}, metric))
            rows.append(
                place
                | {
                    columns.MEAN: interval.mean,
                    columns.CI95: interval.ci95,
                    columns.NUM_SEEDS: interval.num_seeds,
                    columns.NUM_INSTANCES: interval.num_instances,
                }
            )
    names = (*_PLACE_COLUMNS, columns.MEAN, columns.CI95, columns.NUM_SEEDS, columns.NUM_INSTANCES)
    return pd.DataFrame(rows, columns=list(names))


def _places(chips: pd.DataFrame) -> list[dict[str, object]]:
    """Where each arm stands, in the order of `setting_points`."""
    if chips.empty:
        return []
    keys = [columns.VARIANT, columns.POSITION]
    places = chips[list(_PLACE_COLUMNS)].drop_duplicates(keys).astype({columns.VARIANT: str}).sort_values(keys)
    return [{str(name): value for name, value in place.items()} for place in places.to_dict("records")]


def convergence(chips: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row per training (accuracy averaged over its chips, whether it failed), and a row per method with its count."""
    if chips.empty:
        return pd.DataFrame(), pd.DataFrame()
    keys = [*VARIANT_FACTS, columns.POSITION]
    each = chips.groupby([*keys, columns.SEED, columns.RUN_ID], sort=False, observed=True)
    seeds = each[columns.ACCURACY].mean().reset_index()
    seeds[columns.MEAN] = seeds.groupby(columns.VARIANT)[columns.ACCURACY].transform("mean")
    seeds["threshold"] = seeds[columns.MEAN] - FAILS_BELOW
    seeds["failed"] = seeds[columns.ACCURACY] < seeds["threshold"]
    grouped = seeds.groupby(keys, sort=False, observed=True)
    means = grouped.agg(
        **{
            columns.MEAN: (columns.MEAN, "first"),
            "threshold": ("threshold", "first"),
            "num_failed": ("failed", "sum"),
            columns.NUM_SEEDS: ("failed", "size"),
        }
    ).reset_index()
    return seeds.sort_values([columns.POSITION, columns.SEED], ignore_index=True), means


def validation_choice(entries: Sequence[PlanEntry], records: Mapping[str, RunRecord], experiment: str) -> pd.DataFrame:
    """A row per arm: validation accuracy, averaged over seeds, and whether the validation split chooses it.

    Only series with several settings have a choice; test data has no part in it.
    """
    known = [entry for entry in entries if entry.experiment == experiment and entry.run_id in records]
    facts = _facts_by_series(known, records)
    rows = [
        {
            **facts[entry.series],
            columns.SETTING: entry.setting,
            columns.POSITION: entry.position,
            "validation_accuracy": records[entry.run_id].summary.validation_accuracy,
        }
        for entry in known
    ]
    keys = list(_PLACE_COLUMNS)
    if not rows:
        return pd.DataFrame(columns=[*keys, "validation_accuracy", columns.NUM_SEEDS, "chosen"])
    grouped = pd.DataFrame(rows).groupby(keys, sort=False)["validation_accuracy"]
    found = grouped.agg(["mean", "size"]).reset_index()
    found = found.rename(columns={"mean": "validation_accuracy", "size": columns.NUM_SEEDS})
    best = found.groupby(columns.VARIANT)["validation_accuracy"].transform("max")
    several = found.groupby(columns.VARIANT)[columns.SETTING].transform("size") > 1
    found["chosen"] = (found["validation_accuracy"] == best) & several
    return found.sort_values([columns.VARIANT, columns.POSITION], ignore_index=True)
