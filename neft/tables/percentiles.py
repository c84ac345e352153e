"""What chips say of the unlucky chip: low percentiles with their intervals, and how many chips it takes to know them.

A percentile's interval needs no assumption about how chips spread: of n chips the number that lie below the p-quantile
is binomial, so the k-th smallest chip bounds it with a known probability ([David2003], section
7.1). With few chips even the lowest one lies above the quantile too often: then there is no lower end.
"""

from collections.abc import Sequence
from math import ceil, log
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import bdtr

from neft import columns
from neft.tables.intervals import CONFIDENCE, crossed_interval

NUM_BINS = 16


class Percentile(NamedTuple):
    """An estimated quantile with the ends of its 95 % interval; NaN where the chips give no such end."""

    value: float
    lower: float
    upper: float


def percentile_with_interval(values: np.ndarray, share: float) -> Percentile:
    """The quantile below which this share (0 to 1) of all chips lies, each end failing with at most 2.5 %."""
    ordered = np.sort(values[~np.isnan(values)])
    count = len(ordered)
    if not count:
        return Percentile(float("nan"), float("nan"), float("nan"))
    # chance that at most k chips lie below the quantile
    cumulative = bdtr(np.arange(count), count, share)
    tail = (1 - CONFIDENCE) / 2
    below = np.flatnonzero(cumulative <= tail)
    above = np.flatnonzero(cumulative >= 1 - tail)
    return Percentile(
        float(np.quantile(ordered, share)),
        float(ordered[below[-1]]) if len(below) else float("nan"),
        float(ordered[above[0]]) if len(above) else float("nan"),
    )


def chips_to_meet(share: float, *, confidence: float = CONFIDENCE) -> int:
    """Chips until one of the worst `share` of all is among them with this confidence: (1 - share)^n <= 1 - confidence.

    >>> chips_to_meet(0.01), chips_to_meet(0.05)
    (299, 59)
    """
    return ceil(log(1 - confidence) / log(1 - share))


def estimates_by_chips(values: np.ndarray, share: float, counts: Sequence[int]) -> pd.DataFrame:
    """What the first n chips say, for every n: a row per count and estimate (`mean`, `percentile`), with its interval.

    Args:
        values: a metric, chip by chip in their order.
        share: of the percentile (0.01 for the 1st).
        counts: numbers of chips, none above what there is.
    """
    rows: list[dict[str, object]] = []
    for count in counts:
        mean = crossed_interval(values[None, :count])
        low = percentile_with_interval(values[:count], share)
        for name, found in (
            ("mean", (mean.mean, mean.mean - mean.ci95, mean.mean + mean.ci95)),
            ("percentile", tuple(low)),
        ):
            ends = dict(zip((columns.VALUE, columns.LOWER, columns.UPPER), found, strict=True))
            rows.append({columns.NUM_INSTANCES: count, columns.LABEL: name, **ends})
    names = [columns.NUM_INSTANCES, columns.LABEL, columns.VALUE, columns.LOWER, columns.UPPER]
    return pd.DataFrame(rows, columns=names)


def chip_histogram(values: np.ndarray, *, num_bins: int = NUM_BINS) -> pd.DataFrame:
    """How many chips lie in each bin of a metric: bin_left, bin_right, num_instances."""
    known = values[~np.isnan(values)]
    counts, edges = np.histogram(known, bins=num_bins) if len(known) else (np.array([]), np.array([0.0]))
    return pd.DataFrame(
        {columns.BIN_LEFT: edges[:-1], columns.BIN_RIGHT: edges[1:], columns.NUM_INSTANCES: counts.astype(int)}
    )
