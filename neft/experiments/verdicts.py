"""What an interval says of a claim, and how many more seeds would decide one that is open.

A claim says that some effect is greater than zero. Effects within a margin, fixed before anything was run, do not
matter. A claim is *supported* where the 95 % interval lies above zero, *opposite* where it lies below, of *no effect*
where it lies within the margin on either side, and *undecided* otherwise.

Whoever trains more seeds until an interval clears zero is fooled more often than in 5 % of all cases. The usual
interval therefore decides only at the number of seeds that was fixed in advance; at any other number the interval
decides that holds at all numbers together (`neft.tables.intervals.anytime_t`).

Where trainings fail, seeds are not normal, and an interval that takes them for normal covers too seldom. There a
verdict needs the median over seeds to say the same, by an interval that assumes nothing
(`neft.tables.intervals.median_interval`).
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from neft.tables.intervals import MedianInterval, anytime_t, crossed_half_width, median_interval, spread
from neft.tables.significance import two_sided_p

Verdict = Literal["supported", "opposite", "no effect", "undecided"]
VERDICTS: tuple[Verdict, ...] = ("supported", "opposite", "no effect", "undecided")
MAX_SEEDS = 1000
"""Beyond this many seeds in all, no number is given."""
Z = float(ndtri(0.975))
"""The normal quantile that cuts 2.5 % off."""
NAN, INF = float("nan"), float("inf")


@dataclass(frozen=True)
class Finding:
    """An effect with its interval, its verdict, and what would decide it."""

    estimate: float
    lower: float
    upper: float
    """Of the interval that decides."""
    num_seeds: int
    num_instances: int
    verdict: Verdict = "undecided"
    more_seeds: int | None = None
    """Seeds beyond those there are that would decide it if estimate and spread stayed; None: decided, or too many."""
    anytime: bool = False
    """Whether the interval holds at every number of seeds together; else it does at this one, fixed in advance."""
    p: float = NAN
    """How likely so large an effect would be if there were none, by the usual interval."""
    num_failed: int = 0
    """Trainings among those compared that failed."""
    median: MedianInterval | None = None
    """Over seeds, where trainings failed."""
    doubted: bool = False
    """Whether the interval would decide and that of the median does not agree, which leaves the claim open."""


def verdict(lower: float, upper: float, margin: float) -> Verdict:
    """What an interval says of a claim that an effect is positive, where effects within the margin do not matter."""
    if -margin < lower and upper < margin:
        return "no effect"
    if lower > 0:
        return "supported"
    return "opposite" if upper < 0 else "undecided"


def judge(values: np.ndarray, *, margin: float, fixed: bool = True, num_failed: int = 0) -> Finding:
    """The finding of a seeds x chips table of effects, both seeds and chips counted as random.

    Args:
        values: effects, seed by seed and chip by chip; chips without a value for some seed are left out.
        margin: effects this small do not matter.
        fixed: whether so many seeds were fixed before anything was run.
        num_failed: trainings behind these effects that failed.
    """
    values = values[:, ~np.isnan(values).any(axis=0)] if values.size else values
    if values.size == 0:
        return Finding(NAN, NAN, NAN, 0, 0)
    num_seeds, num_chips = values.shape
    estimate = float(values.mean())
    if num_seeds == 1:
        # one training says nothing of how trainings spread: its interval is over chips alone and decides nothing
        half = crossed_half_width(values)
        half = INF if np.isnan(half) else half
        return Finding(estimate, estimate - half, estimate + half, num_seeds, num_chips, num_failed=num_failed)
    known = spread(values)
    half = known.half_width(num_seeds, anytime=not fixed)
    lower, upper = estimate - half, estimate + half
    median = median_interval(values.mean(axis=1)) if num_failed else None
    said = verdict(lower, upper, margin)
    doubted = said != "undecided" and median is not None and verdict(median.lower, median.upper, margin) != said
    more: int | None = None
    if doubted:
        said = "undecided"
    elif said == "undecided":
        more = _more_seeds(num_seeds, lambda total: _around(estimate, known.half_width(total, anytime=True)), margin)
    return Finding(
        estimate,
        lower,
        upper,
        num_seeds,
        num_chips,
        said,
        more,
        anytime=not fixed,
        p=two_sided_p(values),
        num_failed=num_failed,
        median=median,
        doubted=doubted,
    )


def judge_failures(
    ours: np.ndarray, theirs: np.ndarray, *, num_instances: int, margin: float, fixed: bool = True
) -> Finding:
    """The finding of a claim that fewer of our trainings fail than of theirs, paired by seed.

    The difference of paired proportions (theirs - ours) with Bonett and Price's interval ([Bonett2012]: one
    is added to either discordant count).

    Args:
        ours: which of our trainings failed, one truth value a seed.
        theirs: the same for the same seeds.
        num_instances: chips that every training was tried on.
        margin: differences of shares this small do not matter.
        fixed: whether so many seeds were fixed before anything was run.
    """
    count = len(ours)
    if count == 0:
        return Finding(NAN, -INF, INF, 0, num_instances)
    better = int((theirs & ~ours).sum())
    worse = int((ours & ~theirs).sum())

    def interval(total: int, *, anytime: bool) -> tuple[float, float]:
        scale = total / count
        return _paired_shares(better * scale, worse * scale, total, multiplier=anytime_t(total) if anytime else Z)

    lower, upper = interval(count, anytime=not fixed)
    said = verdict(lower, upper, margin)
    more = _more_seeds(count, lambda total: interval(total, anytime=True), margin) if said == "undecided" else None
    middle, error = _middle_and_error(better, worse, count)
    return Finding(
        (better - worse) / count,
        lower,
        upper,
        count,
        num_instances,
        said,
        more,
        anytime=not fixed,
        p=2 * float(ndtr(-abs(middle) / error)),
        num_failed=int(ours.sum() + theirs.sum()),
    )


def _around(estimate: float, half: float) -> tuple[float, float]:
    return estimate - half, estimate + half


def _more_seeds(num_seeds: int, interval: Callable[[int], tuple[float, float]], margin: float) -> int | None:
    """How many more than these, by halving: intervals only narrow with more seeds."""

    def decided(total: int) -> int:
        return int(verdict(*interval(total), margin) != "undecided")

    if num_seeds >= MAX_SEEDS or not decided(MAX_SEEDS):
        return None
    return bisect_left(range(num_seeds + 1, MAX_SEEDS), 1, key=decided) + 1


def _middle_and_error(better: float | int, worse: float | int, count: int) -> tuple[float, float]:
    first, second, total = (better + 1) / (count + 2), (worse + 1) / (count + 2), count + 2
    middle = first - second
    return middle, float(np.sqrt((first + second - middle**2) / total))


def _paired_shares(better: float | int, worse: float | int, count: int, *, multiplier: float) -> tuple[float, float]:
    """Bonett and Price's interval of (better - worse) / count."""
    middle, error = _middle_and_error(better, worse, count)
    return max(-1.0, middle - multiplier * error), min(1.0, middle + multiplier * error)
