"""What a setting does to its trainings, beside the accuracy: to how training ends, and to the weights."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neft import columns
from neft.runs.plans import PlanEntry
from neft.runs.records import RunRecord
from neft.runs.store import RunTables
from neft.tables.arms import POINT_COLUMNS, experiment_chips, setting_points
from neft.tables.intervals import crossed_interval

Row = dict[Hashable, Any]
QUANTITIES = (columns.ACCURACY, columns.TRAIN_ACCURACY, columns.LOSS, columns.W_MAX_OVER_RMS)


def setting_effects(
    entries: Sequence[PlanEntry], runs: Mapping[str, tuple[RunRecord, RunTables]], experiment: str
) -> pd.DataFrame:
    """A row per arm and quantity, with its mean and 95 % interval.

    The quantities: `accuracy` under variation, over seeds x chips; `train_accuracy` and `loss` of the last epoch,
    under the training's own noise (where a network has BatchNorm, with each batch's own statistics), and
    `w_max_over_rms`, each over seeds (Student's t). Losses of different temperatures are of different outputs.

    Args:
        entries: a plan's entries.
        runs: records and tables of what is stored, by run id; what is missing is left out.
        experiment: which one.
    """
    instances = {run_id: (record, held.instances) for run_id, (record, held) in runs.items()}
    points = setting_points(experiment_chips(entries, instances, experiment))
    values = {run_id: _of_run(held) for run_id, (_, held) in runs.items()}
    rows = points.assign(**{columns.QUANTITY: columns.ACCURACY}).to_dict("records")
    for quantity in QUANTITIES[1:]:
        rows += [_with(point, quantity, values) for point in points.to_dict("records")]
    return pd.DataFrame(rows, columns=[*POINT_COLUMNS, columns.QUANTITY])


def w_max_over_rms(layers: pd.DataFrame) -> float:
    """The largest weight over the RMS weight, mean over a run's layers; NaN without any."""
    return float((layers[columns.W_MAX] / layers[columns.RMS_WEIGHT]).mean()) if len(layers) else float("nan")


def _of_run(held: RunTables) -> dict[str, float]:
    last = held.history.iloc[-1] if len(held.history) else {}
    return {
        columns.TRAIN_ACCURACY: float(last.get(columns.TRAIN_ACCURACY, np.nan)),
        columns.LOSS: float(last.get(columns.LOSS, np.nan)),
        columns.W_MAX_OVER_RMS: w_max_over_rms(held.layers),
    }


def _with(point: Row, quantity: str, values: Mapping[str, Mapping[str, float]]) -> Row:
    """An arm's row with another quantity of its runs."""
    each = np.array([values[run_id][quantity] for run_id in point[columns.RUN_IDS]])
    interval = crossed_interval(each[:, None])
    half = 0.0 if np.isnan(interval.ci95) else interval.ci95
    return point | {
        columns.MEAN: interval.mean,
        columns.CI95: interval.ci95,
        columns.LOWER: interval.mean - half,
        columns.UPPER: interval.mean + half,
        columns.NUM_INSTANCES: 0,
        columns.QUANTITY: quantity,
    }
