"""Any runs side by side: each run's own curve and distribution, its difference to one of them, and its settings.

A run is a row of its own here, never pooled with others: every interval is over the chips of one trained network.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from neft import columns
from neft.errors import ConfigError
from neft.runs.records import RunRecord
from neft.sigma_d import same_sigma_d
from neft.tables.curves import gather, metric_quantiles
from neft.tables.pairs import compare_runs
from neft.tables.percentiles import LOW_PERCENTILE_COLUMNS
from neft.tables.runs import flat_config, summary_percentiles

Run = tuple[RunRecord, pd.DataFrame]
"""A record and its chips."""

RUN_CURVE_COLUMNS = (
    columns.RUN_ID,
    columns.LABEL,
    columns.SIGMA_D,
    columns.MEAN,
    columns.CI95,
    columns.LOWER,
    columns.UPPER,
    *LOW_PERCENTILE_COLUMNS,
    columns.NUM_INSTANCES,
)
RUN_DIFFERENCE_COLUMNS = (
    columns.RUN_ID,
    columns.LABEL,
    columns.SIGMA_D,
    columns.MEAN,
    columns.CI95,
    columns.LOWER,
    columns.UPPER,
    columns.INDEPENDENT_CI95,
    columns.NUM_PAIRS,
    columns.NUM_INDEPENDENT,
)


def run_curves(
    records: Sequence[RunRecord],
    metric: str = columns.ACCURACY,
    *,
    instances: Mapping[str, pd.DataFrame] = MappingProxyType({}),
) -> pd.DataFrame:
    """A row per run and sigma_d of its stored summary: the mean over its chips, its interval and low percentiles.

    Where no chip has a value, or the metric is younger than the run, there is no row; a single chip has no interval.

    Args:
        records: the runs.
        metric: the metric's column.
        instances: their chips, by run id; percentiles of a run without them have no limits.
    """
    rows: list[dict[str, object]] = []
    for record in records:
        for at in record.summary.test:
            found = at.metrics.get(metric)
            if found is not None and found.mean is not None:
                half = 0.0 if found.ci95 is None else found.ci95
                rows.append(
                    {
                        columns.RUN_ID: record.id,
                        columns.LABEL: record.facts.label,
                        columns.SIGMA_D: at.sigma_d,
                        columns.MEAN: found.mean,
                        columns.CI95: np.nan if found.ci95 is None else found.ci95,
                        columns.LOWER: found.mean - half,
                        columns.UPPER: found.mean + half,
                        **summary_percentiles(found, instances.get(record.id), at.sigma_d, metric),
                        columns.NUM_INSTANCES: found.num_instances,
                    }
                )
    return pd.DataFrame(rows, columns=list(RUN_CURVE_COLUMNS))


def run_quantiles(runs: Sequence[Run], sigma_d: float, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """The distribution of a metric over each run's chips at one sigma_d: a row per run and quantile.

    A run without chips there has no rows.
    """
    rows = gather([(record, chips[same_sigma_d(chips[columns.SIGMA_D], sigma_d)]) for record, chips in runs])
    if not rows.empty:
        rows = rows.assign(**{columns.VARIANT: rows[columns.RUN_ID]})
    return metric_quantiles(rows, metric).rename(columns={columns.VARIANT: columns.RUN_ID})


def differences_to_run(
    runs: Sequence[Run], reference: str, metric: str = columns.ACCURACY
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Each other run's difference to the reference, at every sigma_d that the two were tested at, as `compare_runs`.

    Every run is compared by itself, so that one that cannot be keeps no other from it.

    Args:
        runs: records and their chips.
        reference: the id of one of them.
        metric: the metric's column.

    Returns:
        A row per other run and sigma_d, and by run id why others have none.

    Raises:
        ConfigError: the reference is none of the runs.
    """
    against = next((run for run in runs if run[0].id == reference), None)
    if against is None:
        message = f"The reference must be one of the runs; got '{reference}'."
        raise ConfigError(message)
    frames: list[pd.DataFrame] = []
    reasons: dict[str, str] = {}
    for run in runs:
        if run[0].id == reference:
            continue
        try:
            found = compare_runs([against, run], metric)
        except ConfigError as error:
            reasons[run[0].id] = str(error)
        else:
            frames.append(found[found[columns.RUN_ID] == run[0].id])
    return _as_differences(frames), reasons


TEMPERATURE = "method.temperature"


def settings_side_by_side(records: Sequence[RunRecord], *, differences_only: bool) -> pd.DataFrame:
    """A row per setting and a column per run, named by its id; None where a run has no such setting.

    A temperature that is left to the method is the one that it trains at (N + 1 of a feedback).
    """
    flat = {record.id: flat_config(record) for record in records}
    for record in records:
        if flat[record.id].get(TEMPERATURE) is None:
            flat[record.id][TEMPERATURE] = record.facts.temperature
    names = dict.fromkeys(name for settings in flat.values() for name in settings)
    shown = [
        name
        for name in names
        if not differences_only or len({repr(settings.get(name)) for settings in flat.values()}) > 1
    ]
    values = {run_id: [settings.get(name) for name in shown] for run_id, settings in flat.items()}
    return pd.DataFrame(values, index=pd.Index(shown, name=columns.SETTING), dtype=object)


def histories_side_by_side(histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The epochs of several runs, by id, in one table, each row with its run's id."""
    frames = [history.assign(**{columns.RUN_ID: run_id}) for run_id, history in histories.items()]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[columns.RUN_ID, columns.EPOCH])


def _as_differences(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame(columns=list(RUN_DIFFERENCE_COLUMNS))
    rows = pd.concat(frames, ignore_index=True)
    half = rows[columns.DIFFERENCE_CI95].astype(float)
    rows = rows.assign(
        **{
            columns.MEAN: rows[columns.DIFFERENCE].astype(float),
            columns.CI95: half,
            columns.LOWER: rows[columns.DIFFERENCE].astype(float) - half.fillna(0),
            columns.UPPER: rows[columns.DIFFERENCE].astype(float) + half.fillna(0),
        }
    )
    return rows[list(RUN_DIFFERENCE_COLUMNS)]
