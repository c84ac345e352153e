"""Means, intervals and percentiles over seeds and chips, in plain loops; Student's t is scipy's."""

from collections.abc import Sequence
from math import isnan, nan, sqrt
from typing import NamedTuple

from scipy import stats

Values = Sequence[Sequence[float]]
"""A row a seed, a value a chip."""


class Mean(NamedTuple):
    """With the half-width of its 95 % interval; NaN where one value says nothing of spread."""

    mean: float
    half: float


def t_of(freedom: float) -> float:
    """Cuts 2.5 % off either side."""
    return float(stats.t.ppf(0.975, freedom))


def mean(values: Sequence[float]) -> float:
    """Their sum over their number."""
    return sum(values) / len(values)


def variance(values: Sequence[float]) -> float:
    """The sample variance."""
    middle = mean(values)
    return sum((value - middle) ** 2 for value in values) / (len(values) - 1)


def student(values: Sequence[float]) -> Mean:
    """Student's interval of some values; those that are none are left out."""
    known = [value for value in values if not isnan(value)]
    half = t_of(len(known) - 1) * sqrt(variance(known) / len(known)) if len(known) > 1 else nan
    return Mean(mean(known), half)


def squares(values: Values) -> tuple[float, float, float]:
    """Mean squares of seeds, of chips and of the rest, of a complete table with two seeds and two chips or more."""
    seeds, chips = len(values), len(values[0])
    whole = mean([value for row in values for value in row])
    by_seed = [mean(row) for row in values]
    by_chip = [mean([row[chip] for row in values]) for chip in range(chips)]
    of_seeds = chips * sum((one - whole) ** 2 for one in by_seed) / (seeds - 1)
    of_chips = seeds * sum((one - whole) ** 2 for one in by_chip) / (chips - 1)
    rest = sum((values[s][c] - by_seed[s] - by_chip[c] + whole) ** 2 for s in range(seeds) for c in range(chips)) / (
        (seeds - 1) * (chips - 1)
    )
    return of_seeds, of_chips, rest


def crossed(values: Values) -> Mean:
    """Of seeds x chips, both random: h^2 = (t_{S-1}^2 MS_seeds + t_{C-1}^2 max(MS_chips - MS_rest, 0)) / (S C).

    Chips that lack a value for some seed are left out. One seed's interval is over chips, one chip's over seeds.
    """
    known = [c for c in range(len(values[0])) if not any(isnan(row[c]) for row in values)]
    table = [[row[c] for c in known] for row in values]
    if len(table) == 1 or len(known) == 1:
        return student([value for row in table for value in row])
    of_seeds, of_chips, rest = squares(table)
    square = t_of(len(table) - 1) ** 2 * of_seeds + t_of(len(known) - 1) ** 2 * max(of_chips - rest, 0.0)
    whole = mean([value for row in table for value in row])
    return Mean(whole, sqrt(square / (len(table) * len(known))))


def parts(values: Values) -> tuple[float, float, float]:
    """Variances of the training, of the chip and of both together: (MS_s - MS_e) / C, (MS_c - MS_e) / S, MS_e."""
    of_seeds, of_chips, rest = squares(values)
    return max(of_seeds - rest, 0.0) / len(values[0]), max(of_chips - rest, 0.0) / len(values), rest


def paired(ours: Values, theirs: Values) -> Mean:
    """Ours - theirs, seed by seed and chip by chip."""
    return crossed([[a - b for a, b in zip(*rows, strict=True)] for rows in zip(ours, theirs, strict=True)])


def welch(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The half-width of a difference of means over independent chips (Welch 1947)."""
    one, other = variance(ours) / len(ours), variance(theirs) / len(theirs)
    freedom = (one + other) ** 2 / (one**2 / (len(ours) - 1) + other**2 / (len(theirs) - 1))
    return t_of(freedom) * sqrt(one + other)


def quantile(values: Sequence[float], share: float) -> float:
    """Linear between neighbours: at place share (n - 1) of the ordered values."""
    ordered = sorted(value for value in values if not isnan(value))
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def quantile_over_seeds(values: Values, share: float) -> float:
    """The mean over trainings of each one's quantile over its chips."""
    return mean([quantile(row, share) for row in values])


def limits(values: Sequence[float], share: float) -> tuple[float, float]:
    """One-sided 95 % limits of a low quantile by order statistics (David and Nagaraja 2003); NaN where there is none.

    The lower is the largest rank k with P(B >= k) >= 95 %, the upper the smallest with P(B < k) >= 95 %.
    """
    ordered = sorted(values)
    count, value = len(ordered), quantile(values, share)
    fewer = [float(stats.binom.cdf(k - 1, count, share)) for k in range(1, count + 1)]
    lower = [k for k, chance in enumerate(fewer, start=1) if 1 - chance >= 0.95]
    upper = [k for k, chance in enumerate(fewer, start=1) if chance >= 0.95]
    low = min(value, ordered[lower[-1] - 1]) if lower else nan
    return low, max(value, ordered[upper[0] - 1]) if upper else nan
