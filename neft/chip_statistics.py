"""What a run's summary says of a metric over chips: computed here alone, when it is written and when it is checked."""

import numpy as np

CONFIDENCE = 0.95
STATISTICS = ("num_instances", "mean", "std", "ci95", "percentile_1", "percentile_5")
"""Their names in `neft.runs.records.MetricSummary`, in the order of `chip_statistics`."""


def chip_statistics(values: np.ndarray) -> np.ndarray:
    """Each metric's statistics over the chips that have a value; NaN where there is none.

    Args:
        values: metrics x chips, NaN where a chip has no value (EKL without a right prediction).

    Returns:
        metrics x `STATISTICS`: the number of chips with a value, their mean, sample std, half-width of the mean's 95 %
        interval by Student's t, 1st and 5th percentile (linear between order statistics). A single chip has no std.
    """
    values = np.ascontiguousarray(values, dtype=float)
    lacks = np.isnan(values)
    found = np.full((len(values), len(STATISTICS)), np.nan)
    complete = ~lacks.any(axis=1)
    found[complete] = _of_complete(values[complete])
    for row in np.flatnonzero(~complete):
        found[row] = _of_complete(values[row, ~lacks[row]][None])[0]
    return found


def _of_complete(values: np.ndarray) -> np.ndarray:
    metrics, count = values.shape
    found = np.full((metrics, len(STATISTICS)), np.nan)
    found[:, 0] = count
    if count and metrics:
        found[:, 1] = values.mean(axis=1)
        found[:, 4:] = np.percentile(values, (1, 5), axis=1).T
    if count > 1:
        found[:, 2] = values.std(axis=1, ddof=1)
        found[:, 3] = student_t(count - 1) * found[:, 2] / np.sqrt(count)
    return found


def student_t(freedom: float) -> float:
    """Student's t that cuts 2.5 % off either side."""
    from scipy.special import stdtrit  # noqa: PLC0415 - lists of runs compute none

    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))
