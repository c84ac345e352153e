"""What chips say of the unlucky chip: low percentiles with their limits, and how many chips it takes to know them.

A percentile's limits need no assumption about how chips spread: of n chips the number that lie below the p-quantile
is binomial, so the k-th smallest chip bounds it with a known probability ([David2003], section
7.1). With few chips even the lowest one lies above the quantile too often: then there is no lower limit.

One convention everywhere: either limit is a one-sided 95 % limit. With a probability of at least 95 % the percentile
is not below its lower limit, and with at least 95 % not above its upper one; both hold at once with at least 90 %. So
299 chips set the 1st percentile a lower limit, and 59 the 5th.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import isnan
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import bdtr

from neft import columns
from neft.chip_statistics import CONFIDENCE
from neft.chips.counts import chips_to_meet
from neft.sigma_d import same_sigma_d
from neft.tables.intervals import crossed_interval

NUM_BINS = 16
LOW_PERCENTILES = {
    1: (columns.PERCENTILE_1, columns.PERCENTILE_1_LOWER, columns.PERCENTILE_1_UPPER),
    5: (columns.PERCENTILE_5, columns.PERCENTILE_5_LOWER, columns.PERCENTILE_5_UPPER),
}
"""The percentiles that stand beside a mean: the columns of each and of its limits."""
LOW_PERCENTILE_COLUMNS = tuple(name for names in LOW_PERCENTILES.values() for name in names)
EACH_OF_TWO = 1 - (1 - CONFIDENCE) / 2
"""How sure each of two limits is where both must hold with 95 %."""
ORDINALS = {1: "st", 2: "nd", 3: "rd"}
TEENS = (11, 12, 13)
MEDIAN = 50


class Percentile(NamedTuple):
    """An estimated quantile with its lower and upper 95 % limit; NaN where the chips set no such limit."""

    value: float
    lower: float
    upper: float


UNKNOWN = Percentile(float("nan"), float("nan"), float("nan"))


@lru_cache(maxsize=1024)
def limit_ranks(share: float, num_chips: int, *, confidence: float = CONFIDENCE) -> tuple[int | None, int | None]:
    """The ranks (1 is the smallest value) of the chips that are the limits of a quantile; None where there is none.

    With B binomial of n = `num_chips` and p = `share`, the lower limit is the largest rank k with P(B >= k) >= 95 %
    (`confidence`) and the upper one the smallest with P(B < k) >= 95 %. Where values are equal, both hold more often.

    >>> limit_ranks(0.01, 298), limit_ranks(0.01, 299), limit_ranks(0.05, 200)
    ((None, 7), (1, 7), (5, 16))
    """
    # chance that fewer than rank 1, 2, … chips lie below the quantile
    fewer = bdtr(np.arange(num_chips), num_chips, share)
    lower, upper = np.flatnonzero(fewer <= 1 - confidence), np.flatnonzero(fewer >= confidence)
    return int(lower[-1]) + 1 if len(lower) else None, int(upper[0]) + 1 if len(upper) else None


def percentile_with_limits(values: np.ndarray, share: float, *, confidence: float = CONFIDENCE) -> Percentile:
    """The quantile below which this share (0 to 1) of all chips lies, with its one-sided 95 % limits.

    The estimate interpolates linearly between chips, as stored summaries do; the limits are chips. Of so few (up to
    five, of the 1st percentile) that the limiting chip lies on the wrong side of it, the estimate itself is the limit.

    Args:
        values: of one network, a value a chip; chips without one (NaN) are left out.
        share: of the percentile (0.01 for the 1st).
        confidence: of each limit.
    """
    ordered = np.sort(values[~np.isnan(values)])
    if not len(ordered):
        return UNKNOWN
    lower, upper = limit_ranks(share, len(ordered), confidence=confidence)
    value = float(np.quantile(ordered, share))
    return Percentile(
        value,
        float("nan") if lower is None else min(value, float(ordered[lower - 1])),
        float("nan") if upper is None else max(value, float(ordered[upper - 1])),
    )


def last_rank(share: float, num_chips: int) -> int:
    """The highest rank (1 is the smallest value) that a low quantile or its limits take of so many chips.

    >>> last_rank(0.01, 299), last_rank(0.01, 10_000)
    (7, 118)
    """
    lower, upper = limit_ranks(share, num_chips)
    beside = int(np.ceil(share * (num_chips - 1))) + 2  # the estimate lies between two neighbours
    return min(max(beside, lower or 0, upper or 0), num_chips)


def percentile_of_lowest(lowest: np.ndarray, num_chips: int, share: float) -> Percentile:
    """As `percentile_with_limits` of all chips, from the accuracies of the lowest ones, at least `last_rank` of them.

    Args:
        lowest: accuracies; those of all other chips are known to be no lower.
        num_chips: all of them.
        share: of the percentile (0.01 for the 1st).

    Raises:
        ValueError: too few are known.
    """
    needed = last_rank(share, num_chips)
    if len(lowest) < needed:
        message = f"The quantile at {share:g} of {num_chips} chips takes the lowest {needed}; got {len(lowest)}."
        raise ValueError(message)
    return percentile_with_limits(np.concatenate([lowest, np.full(num_chips - len(lowest), np.max(lowest))]), share)


def percentile_over_trainings(values: np.ndarray, share: float) -> Percentile:
    """The mean over trainings of each one's percentile over its chips, its limits the means of the trainings' limits.

    The percentile is over chips alone: how much trainings differ is not in it, nor in its limits, which hold for these
    trainings. Where trainings meet the same chips and fall alike on each, the limits hold as often as one training's;
    where they do not, more often (simulated: see the tests).

    Args:
        values: trainings x chips; NaN where a training did not meet a chip or has no value on it.
        share: of the percentile (0.01 for the 1st).

    Returns:
        NaN for a limit as soon as one training's chips do not set it; trainings without any value are left out.
    """
    known = [training for training in values if not np.isnan(training).all()]
    if not known:
        return UNKNOWN
    value, lower, upper = np.mean([percentile_with_limits(training, share) for training in known], axis=0)
    return Percentile(float(value), float(lower), float(upper))


def percentile_at(values: np.ndarray, share: float, *, sigma_d: float) -> Percentile:
    """As `percentile_over_trainings`; without variation, where all of a training's chips are one, known exactly."""
    found = percentile_over_trainings(values, share)
    known = values[~np.isnan(values).all(axis=1)]
    all_alike = not (np.nanmax(known, axis=1) > np.nanmin(known, axis=1)).any()
    return Percentile(found.value, found.value, found.value) if same_sigma_d(sigma_d, 0) and all_alike else found


def low_percentile_columns(values: np.ndarray, *, sigma_d: float) -> dict[str, float]:
    """The low percentiles of trainings x chips with their limits, by the columns of `LOW_PERCENTILES`."""
    found: dict[str, float] = {}
    for percentile, names in LOW_PERCENTILES.items():
        found |= dict(zip(names, percentile_at(values, percentile / 100, sigma_d=sigma_d), strict=True))
    return found


def low_percentiles_of_run(instances: pd.DataFrame, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A run's low percentiles with their limits, a row per sigma_d, by the columns of `LOW_PERCENTILES`."""
    rows = [
        {columns.SIGMA_D: float(str(sigma_d))}
        | low_percentile_columns(rows[metric].to_numpy(dtype=float)[None, :], sigma_d=float(str(sigma_d)))
        for sigma_d, rows in instances.groupby(columns.SIGMA_D)
    ]
    return pd.DataFrame(rows, columns=[columns.SIGMA_D, *LOW_PERCENTILE_COLUMNS])


def difference_of_percentiles(ours: np.ndarray, theirs: np.ndarray, share: float) -> Percentile:
    """Ours - theirs, each a value a chip, with one-sided 95 % limits whatever the two share.

    Chips that both met do not pair percentiles: the unlucky chip of one may be another than that of the other. So each
    run's limits are taken at 97.5 %, and the difference lies above lower - upper and below upper - lower with at least
    95 % each (Bonferroni).
    """
    one, other = (percentile_with_limits(values, share, confidence=EACH_OF_TWO) for values in (ours, theirs))
    return Percentile(one.value - other.value, one.lower - other.upper, one.upper - other.lower)


def chips_for_limits(share: float, *, confidence: float = CONFIDENCE) -> int:
    """Chips without which a quantile has no limit on its outer side: below a low one, above a high one.

    >>> chips_for_limits(0.01), chips_for_limits(0.05), chips_for_limits(0.99)
    (299, 59, 299)
    """
    return chips_to_meet(min(share, 1 - share), confidence=confidence)


def percentile_name(percentile: int) -> str:
    """`1st percentile`.

    >>> percentile_name(1), percentile_name(5), percentile_name(12), percentile_name(99)
    ('1st percentile', '5th percentile', '12th percentile', '99th percentile')
    """
    ending = "th" if percentile % 100 in TEENS else ORDINALS.get(percentile % 10, "th")
    return f"{percentile}{ending} percentile"


def too_few_chips(percentile: int, *counts: int) -> str:
    """What limit so few chips do not set, and how many do; empty where all of these counts set both.

    >>> too_few_chips(1, 200), too_few_chips(1, 299)
    ('no lower limit: 200 chips, 299 are needed', '')
    >>> too_few_chips(5, 50, 10, 200)
    'no lower limit: 10 to 50 chips, 59 are needed'
    """
    few = _too_few(percentile, counts)
    return f"no {_outer(percentile)} limit: {_chips(few)}, {_needed(percentile)} are needed" if few else ""


def chips_needed(percentile: int, *counts: int) -> str:
    """The same as a sentence; empty where the chips set both limits.

    >>> chips_needed(1, 200)
    'A 95 % lower limit of the 1st percentile needs 299 chips; these are 200.'
    """
    few = _too_few(percentile, counts)
    if not few:
        return ""
    start = f"A 95 % {_outer(percentile)} limit of the {percentile_name(percentile)} needs {_needed(percentile)} chips"
    return f"{start}; {'this is' if few == [1] else 'these are'} {_chips(few).partition(' chip')[0]}."


def limits_in_words(lower: float, upper: float, *, scale: float | int = 100, digits: int = 1) -> str:
    """`48.0 to 55.2`, of one limit alone which it is; empty where there is none.

    >>> limits_in_words(0.48, 0.552), limits_in_words(float("nan"), 0.552), limits_in_words(0.48, float("nan"))
    ('48.0 to 55.2', 'at most 55.2', 'at least 48.0')
    """
    low, high = (f"{scale * end:.{digits}f}" for end in (lower, upper))
    if isnan(lower):
        return "" if isnan(upper) else f"at most {high}"
    return f"at least {low}" if isnan(upper) else f"{low} to {high}"


def estimates_by_chips(values: np.ndarray, share: float, counts: Sequence[int]) -> pd.DataFrame:
    """What the first n chips say, for every n: a row per count and estimate (`mean`, `percentile`).

    The mean's ends are those of its 95 % interval, the percentile's its limits.

    Args:
        values: a metric, chip by chip in their order.
        share: of the percentile (0.01 for the 1st).
        counts: numbers of chips, none above what there is.
    """
    rows: list[dict[str, object]] = []
    for count in counts:
        mean = crossed_interval(values[None, :count])
        low = percentile_with_limits(values[:count], share)
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


def _outer(percentile: int) -> str:
    return "lower" if percentile <= MEDIAN else "upper"


def _needed(percentile: int) -> int:
    return chips_for_limits(percentile / 100)


def _too_few(percentile: int, counts: Iterable[int]) -> list[int]:
    return sorted({count for count in counts if count < _needed(percentile)})


def _chips(counts: list[int]) -> str:
    if len(counts) > 1:
        return f"{counts[0]} to {counts[-1]} chips"
    return f"{counts[0]} chip{'' if counts == [1] else 's'}"
