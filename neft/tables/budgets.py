"""What every series gains over a reference as training lengthens.

At every number of epochs a series is read at one setting: at a given learning rate, or at its own best one, which the
validation split chooses. Differences are taken seed by seed and chip by chip, as everywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from neft import columns
from neft.runs.plans import PlanEntry
from neft.runs.records import RunRecord
from neft.tables.arms import contrast
from neft.tables.curves import seeds_by_chips
from neft.tables.intervals import Interval, crossed_interval
from neft.tables.variants import VARIANT_FACTS, facts_of

Taken = Mapping[tuple[str, int], str]
"""The setting at which a series is read, by the series and the epochs."""

BUDGET_COLUMNS = (
    *VARIANT_FACTS,
    columns.SETTING,
    columns.LEARNING_RATE,
    columns.NUM_EPOCHS,
    columns.NUM_STEPS,
    columns.NUM_PRESENTATIONS,
    columns.SIGMA_D,
    columns.MEAN,
    columns.CI95,
    columns.LOWER,
    columns.UPPER,
    columns.NUM_SEEDS,
    columns.NUM_INSTANCES,
    columns.REFERENCE_LEARNING_RATE,
    columns.DIFFERENCE,
    columns.DIFFERENCE_CI95,
    columns.DIFFERENCE_LOWER,
    columns.DIFFERENCE_UPPER,
    columns.DIFFERENCE_SEEDS,
    columns.RUN_IDS,
)


class Budget(NamedTuple):
    """How a network was trained, as far as its length and its learning rate go."""

    learning_rate: float
    epochs: int
    images: int
    """Of an epoch."""
    batch_size: int

    @property
    def num_steps(self) -> int:
        """Epochs x batches; a last batch of a single image is left out of training."""
        whole, rest = divmod(self.images, self.batch_size)
        return self.epochs * (whole + (rest > 1))

    @property
    def num_presentations(self) -> int:
        """Epochs x images."""
        return self.epochs * (self.images - (self.images % self.batch_size == 1))


def trained_words(records: Iterable[RunRecord]) -> str:
    """How long some runs were trained, and at which learning rate: `60 epochs at learning rate 0.001`."""
    trained = [record for record in records if record.summary.num_epochs]
    if not trained:
        return ""
    epochs = sorted({record.summary.num_epochs for record in trained})
    rates = sorted({float(record.config["training"]["learning_rate"]) for record in trained})
    each = [f"{values[0]:g}" if len(values) == 1 else f"{values[0]:g} to {values[-1]:g}" for values in (epochs, rates)]
    length = "1 epoch" if epochs == [1] else f"{each[0]} epochs"
    return f"{length} at learning rate{'s' if len(rates) > 1 else ''} {each[1]}"


def taken_at(learning_rate: float, entries: Sequence[PlanEntry], budgets: Mapping[str, Budget]) -> Taken:
    """Every series at one learning rate, at every number of epochs.

    Args:
        learning_rate: which one.
        entries: of one experiment.
        budgets: its settings, by key; others are left out.
    """
    return {
        (entry.series, budgets[entry.setting].epochs): entry.setting
        for entry in entries
        if entry.setting in budgets and budgets[entry.setting].learning_rate == learning_rate
    }


def taken_by_validation(
    entries: Sequence[PlanEntry], records: Mapping[str, RunRecord], budgets: Mapping[str, Budget]
) -> Taken:
    """Every series at the learning rate of the best validation accuracy, at every number of epochs.

    Validation accuracy is averaged over the seeds that all learning rates with a stored run have; of equal ones the
    smaller rate is taken. Test data has no part in it.

    Args:
        entries: of one experiment.
        records: of what is stored, by run id.
        budgets: its settings, by key; others are left out.
    """
    merits: dict[tuple[str, int], dict[str, dict[int, float]]] = {}
    for entry in entries:
        if entry.setting in budgets and entry.run_id in records:
            of_series = merits.setdefault((entry.series, budgets[entry.setting].epochs), {})
            accuracy = records[entry.run_id].summary.validation_accuracy
            if accuracy is not None:
                of_series.setdefault(entry.setting, {})[entry.seed] = accuracy
    best = {place: _best(by_setting, budgets) for place, by_setting in merits.items()}
    return {place: setting for place, setting in best.items() if setting is not None}


def advantage_by_budget(
    chips: pd.DataFrame,
    taken: Taken,
    budgets: Mapping[str, Budget],
    *,
    reference: str,
    metric: str = columns.ACCURACY,
) -> pd.DataFrame:
    """A row per series and number of epochs: its mean, and its paired difference to the reference at as many epochs.

    Where both are read at their own best learning rates, the difference is that of the two best.

    Args:
        chips: from `experiment_chips`.
        taken: at which setting each series is read.
        budgets: the settings, by key.
        reference: the series that the others are held against; its own rows have no difference.
        metric: of which column.
    """
    rows: list[dict[str, object]] = []
    for (series, epochs), setting in taken.items():
        cell = _arm(chips, series, setting)
        if not cell.empty:
            against = None if series == reference else taken.get((reference, epochs))
            rows.append(
                {
                    **facts_of(cell),
                    columns.SETTING: setting,
                    **_length(budgets[setting]),
                    **_mean(cell, metric),
                    **_difference(chips, (series, setting), reference, against, budgets, metric),
                    columns.RUN_IDS: tuple(sorted(str(run_id) for run_id in cell[columns.RUN_ID].unique())),
                }
            )
    frame = pd.DataFrame(rows, columns=list(BUDGET_COLUMNS))
    return frame.sort_values([columns.VARIANT, columns.NUM_STEPS], ignore_index=True)


def _best(merits: Mapping[str, Mapping[int, float]], budgets: Mapping[str, Budget]) -> str | None:
    """The setting of the best mean over the seeds that all have; None where they share none."""
    shared = sorted(set[int].intersection(*(set(by_seed) for by_seed in merits.values())))
    if not shared:
        return None
    by_rate = sorted(merits, key=lambda setting: budgets[setting].learning_rate)
    return max(by_rate, key=lambda setting: sum(merits[setting][seed] for seed in shared) / len(shared))


def _arm(chips: pd.DataFrame, series: str, setting: str) -> pd.DataFrame:
    if chips.empty:
        return chips
    return chips[(chips[columns.VARIANT] == series) & (chips[columns.SETTING] == setting)]


def _length(budget: Budget) -> dict[str, object]:
    return {
        columns.LEARNING_RATE: budget.learning_rate,
        columns.NUM_EPOCHS: budget.epochs,
        columns.NUM_STEPS: budget.num_steps,
        columns.NUM_PRESENTATIONS: budget.num_presentations,
    }


def _mean(cell: pd.DataFrame, metric: str) -> dict[str, object]:
    found = crossed_interval(seeds_by_chips(cell, metric).to_numpy(dtype=float))
    lower, upper = _ends(found)
    return {
        columns.SIGMA_D: cell[columns.SIGMA_D].iloc[0],
        columns.MEAN: found.mean,
        columns.CI95: found.ci95,
        columns.LOWER: lower,
        columns.UPPER: upper,
        columns.NUM_SEEDS: found.num_seeds,
        columns.NUM_INSTANCES: found.num_instances,
    }


def _difference(
    chips: pd.DataFrame,
    arm: tuple[str, str],
    reference: str,
    against: str | None,
    budgets: Mapping[str, Budget],
    metric: str,
) -> dict[str, object]:
    """A row's difference to the reference at the setting `against`; without numbers where there is none."""
    nothing = Interval(float("nan"), float("nan"), 0, 0)
    found = nothing if against is None else contrast(chips, {arm: 1.0, (reference, against): -1.0}, metric)
    lower, upper = _ends(found)
    return {
        columns.REFERENCE_LEARNING_RATE: float("nan") if against is None else budgets[against].learning_rate,
        columns.DIFFERENCE: found.mean,
        columns.DIFFERENCE_CI95: found.ci95,
        columns.DIFFERENCE_LOWER: lower,
        columns.DIFFERENCE_UPPER: upper,
        columns.DIFFERENCE_SEEDS: found.num_seeds,
    }


def _ends(interval: Interval) -> tuple[float, float]:
    """Of an interval; of one that is not known, both are the mean."""
    half = 0.0 if np.isnan(interval.ci95) else interval.ci95
    return interval.mean - half, interval.mean + half
