"""Means with honest intervals.

Chips are common: instance 7 is the same chip for every run of equal shape, and a seed gives every method the same
start. A mean over seeds x chips therefore has two sources of spread, and a difference between methods is taken chip
by chip.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import bdtr, ndtri

from neft import columns
from neft.chip_statistics import CONFIDENCE, STATISTICS, chip_statistics, student_t
from neft.runs.records import EffortSummary, MetricSummary, SigmaSummary
from neft.sigma_d import rounded_sigma_d

ANYTIME_VARIANCE = 10.0
"""The g of `anytime_t`: tightest at three to ten seeds, as many as experiments here have."""


class Interval(NamedTuple):
    """A mean with the half-width of its 95 % interval (NaN where one value says nothing of spread)."""

    mean: float
    ci95: float
    num_seeds: int
    num_instances: int


@dataclass(frozen=True)
class Spread:
    """How a table of seeds x chips spreads: by seeds, and beyond that by chips that all seeds share."""

    ms_seeds: float
    """Mean square of seeds."""
    var_chips: float
    """(MS_chips - MS_rest) / S, not below zero; none of a single chip."""
    ms_rest: float
    """What is left in each cell: this chip in this training; none of a single chip."""
    num_chips: int

    @property
    def var_seeds(self) -> float:
        """(MS_seeds - MS_rest) / C, not below zero: what trainings differ by on all chips alike."""
        return max(self.ms_seeds - self.ms_rest, 0.0) / self.num_chips

    def half_width(self, num_seeds: int, *, anytime: bool = False) -> float:
        """Half-width of the mean's 95 % interval over so many seeds and these chips.

        h^2 = (t_{S-1}^2 MS_seeds + t_{C-1}^2 S var_chips) / (S C).

        Args:
            num_seeds: S.
            anytime: hold at every number of seeds together (`anytime_t` in the place of t_{S-1}).
        """
        for_seeds = anytime_t(num_seeds) if anytime else student_t(num_seeds - 1)
        # seeds that do not differ leave nothing to multiply, be it by infinity
        squares = for_seeds**2 * self.ms_seeds if self.ms_seeds > 0 else 0.0
        if self.num_chips > 1:
            squares += student_t(self.num_chips - 1) ** 2 * (num_seeds * self.var_chips)
        return float(np.sqrt(squares / (num_seeds * self.num_chips)))


class MedianInterval(NamedTuple):
    """The median with an interval of which nothing is assumed but that values are drawn alike."""

    median: float
    lower: float
    upper: float
    confidence: float
    """At least so often it holds the true median; below 95 % where the whole range of values does not reach that."""


def summarise(
    instances: pd.DataFrame, metrics: Iterable[str], *, effort: Mapping[float, EffortSummary] = MappingProxyType({})
) -> tuple[SigmaSummary, ...]:
    """One run's numbers at each sigma_d: mean, std, ci95 over chips, count, 1st and 5th percentile of these metrics.

    Args:
        instances: the run's chips.
        metrics: their columns.
        effort: by sigma_d, rounded as it is stored, what programming takes, where that is to be kept.
    """
    names = list(metrics)
    by_sigma_d = ((float(str(sigma_d)), rows) for sigma_d, rows in instances.groupby(columns.SIGMA_D))
    return tuple(
        SigmaSummary(
            sigma_d=sigma_d,
            metrics=_summaries(names, rows),
            effort=effort.get(rounded_sigma_d(sigma_d)),
        )
        for sigma_d, rows in by_sigma_d
    )


def crossed_interval(values: np.ndarray) -> Interval:
    """Mean of a seeds x chips table with its 95 % interval, seeds and chips both counted as random.

    Two-way random effects with one value a cell, each mean square with the t of its own degrees of freedom:
    h^2 = (t_{S-1}^2 MS_seeds + t_{C-1}^2 max(MS_chips - MS_rest, 0)) / (S C). Where one source dominates this is its
    exact t-interval; between, it covers a little more than it promises (simulated: 94.7 to 98.5 % for 2 to 5 seeds).
    With one seed the interval is over chips alone, with one chip over seeds alone. Chips without a value for some
    seed (EKL where nothing is right) are left out.
    """
    values = values[:, ~np.isnan(values).any(axis=0)]
    num_seeds, num_chips = values.shape
    if values.size == 0:
        return Interval(float("nan"), float("nan"), num_seeds, 0)
    return Interval(float(values.mean()), crossed_half_width(values), num_seeds, num_chips)


def crossed_half_width(values: np.ndarray) -> float:
    """The half-width that `crossed_interval` gives a complete seeds x chips table; NaN for a single value."""
    num_seeds, num_chips = values.shape
    if num_seeds == 1 or num_chips == 1:
        return _half_width(values.ravel())
    return spread(values).half_width(num_seeds)


def spread(values: np.ndarray) -> Spread:
    """The spread of a complete table of at least two seeds x chips."""
    num_seeds, num_chips = values.shape
    by_seed, by_chip = values.mean(axis=1), values.mean(axis=0)
    ms_seeds = num_chips * float(by_seed.var(ddof=1))
    if num_chips == 1:
        return Spread(ms_seeds, 0.0, 0.0, num_chips)
    rest = values - by_seed[:, None] - by_chip[None, :] + float(values.mean())
    ms_chips = num_seeds * float(by_chip.var(ddof=1))
    ms_rest = float((rest**2).sum()) / ((num_seeds - 1) * (num_chips - 1))
    return Spread(ms_seeds, max(ms_chips - ms_rest, 0.0) / num_seeds, ms_rest, num_chips)


def median_interval(values: np.ndarray) -> MedianInterval:
    """The median of some values with its order-statistics interval (the sign test's), whatever their distribution.

    From the k-th smallest to the k-th largest, k the largest for which P(Bin(n, 1/2) < k) <= 2.5 %. Five values or
    fewer have no such k: then their range, with the confidence 1 - 2^(1-n) that it has.
    """
    ordered = np.sort(values)
    count = len(ordered)
    beyond = bdtr(np.arange(count // 2 + 1), count, 0.5)
    k = max(1, int((beyond <= (1 - CONFIDENCE) / 2).sum()))
    confidence = 1 - 2 * float(beyond[k - 1])
    return MedianInterval(float(np.median(ordered)), float(ordered[k - 1]), float(ordered[-k]), confidence)


def anytime_t(num_seeds: int) -> float:
    """What stands in Student's t's place where an interval must hold at every number of seeds, however often one looks.

    The t-test's mixture martingale ([Wang2024]; its Bayes factor: [Gonen2005]) with effects of mean 0 and variance g
    times that of a seed stays below 1/alpha for ever with probability 1 - alpha:

        (1 + n g)^(-1/2) ((1 + t^2 / (n-1)) / (1 + t^2 / ((n-1) (1 + n g))))^(n/2) = 1/alpha, solved for t.

    Infinite where so few seeds can never say it.

    >>> [round(anytime_t(seeds), 1) for seeds in (2, 3, 5, 10, 20)]
    [inf, 13.2, 5.4, 4.2, 3.8]
    """
    if num_seeds < 2:
        return float("inf")
    shrunk = 1 + num_seeds * ANYTIME_VARIANCE
    ratio = (np.sqrt(shrunk) / (1 - CONFIDENCE)) ** (2 / num_seeds)
    if ratio >= shrunk:
        return float("inf")
    return float(np.sqrt((num_seeds - 1) * (ratio - 1) / (1 - ratio / shrunk)))


def images_half_width(accuracy: float, num_images: int) -> float:
    """At most so much, either way, an accuracy owes to which test images were drawn (95 %).

    1.96 sqrt(a (1 - a) / n), that of one network on one chip; a mean over chips and seeds owes less. Our rows are tried
    on the same images, so differences between them are free of it; comparisons with other data are not.
    """
    return float(ndtri(0.5 + CONFIDENCE / 2)) * float(np.sqrt(accuracy * (1 - accuracy) / num_images))


def images_words(accuracies: Iterable[float], counts: Iterable[float | int | None]) -> str:
    """What accuracies owe to their test images, as a sentence; empty where it is not known how many there were.

    >>> images_words([0.9, 0.99], [400, 400])
    'Beside other data our accuracies owe up to ± 2.9 points more to their 400 test images.'
    """
    known = [float("nan") if count is None else float(count) for count in counts]
    if not known or np.isnan(known).any():
        return ""
    images = int(min(known))
    share = max((images_half_width(accuracy, images) for accuracy in accuracies), default=0.0)
    return (
        f"Beside other data our accuracies owe up to ± {100 * share:.1f} points more to their {images:,} test images."
    )


def _half_width(values: np.ndarray) -> float:
    """Half-width of Student's interval; NaN for a single value."""
    return float(chip_statistics(values[None])[0, STATISTICS.index(columns.CI95)])


def _summaries(names: Sequence[str], rows: pd.DataFrame) -> dict[str, MetricSummary]:
    found = chip_statistics(rows[names].to_numpy(dtype=float).T)
    return {name: _summary(row.tolist()) for name, row in zip(names, found, strict=True)}


def _summary(statistics: Sequence[float]) -> MetricSummary:
    known = {name: one for name, one in zip(STATISTICS, statistics, strict=True) if not np.isnan(one)}
    num_instances = int(known.pop(columns.NUM_INSTANCES))
    return MetricSummary(num_instances=num_instances, **(dict.fromkeys(STATISTICS[1:]) | known))
