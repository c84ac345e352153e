"""When a claim counts as supported, and how many more seeds would decide one that is open.

A claim says that some effect is greater than zero. It is *supported* where the 95 % interval lies above zero, *not
supported* where the interval lies below the smallest effect that would matter (the margin), and *undecided* otherwise.
"""

from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtri

from neft.tables.intervals import Spread, crossed_half_width, spread

Verdict = Literal["supported", "not supported", "undecided"]
MAX_SEEDS = 1000
"""Beyond this many seeds in all, no number is given."""
Z = float(ndtri(0.975))
"""The normal quantile that cuts 2.5 % off."""


class Finding(NamedTuple):
    """An effect with its interval, its verdict, and what would decide it."""

    estimate: float
    lower: float
    upper: float
    num_seeds: int
    num_instances: int
    verdict: Verdict
    more_seeds: int | None
    """Seeds beyond those there are that would decide it if estimate and spread stayed; None: decided, or too many."""


def verdict(lower: float, upper: float, margin: float) -> Verdict:
    """What an interval says of a claim that an effect is positive, where effects below the margin do not matter."""
    if lower > 0:
        return "supported"
    return "not supported" if upper < margin else "undecided"


def judge(values: np.ndarray, *, margin: float) -> Finding:
    """The finding of a seeds x chips table of effects, both seeds and chips counted as random.

    The projection to more seeds keeps the spread.
    """
    values = values[:, ~np.isnan(values).any(axis=0)] if values.size else values
    if values.size == 0:
        nan = float("nan")
        return Finding(nan, nan, nan, 0, 0, "undecided", None)
    num_seeds, num_chips = values.shape
    estimate = float(values.mean())
    half = crossed_half_width(values)
    if np.isnan(half):
        return Finding(estimate, float("-inf"), float("inf"), num_seeds, num_chips, "undecided", None)
    # one training says nothing of how trainings spread: its interval is over chips alone and decides nothing
    said = verdict(estimate - half, estimate + half, margin) if num_seeds > 1 else "undecided"
    more = _more_seeds(spread(values), num_seeds, estimate, margin) if said == "undecided" and num_seeds > 1 else None
    return Finding(estimate, estimate - half, estimate + half, num_seeds, num_chips, said, more)


def judge_failures(ours: np.ndarray, theirs: np.ndarray, *, num_instances: int, margin: float) -> Finding:
    """The finding of a claim that fewer of our trainings fail than of theirs, paired by seed.

    The difference of paired proportions (theirs - ours) with Bonett and Price's interval ([Bonett2012]: one
    is added to either discordant count).

    Args:
        ours: which of our trainings failed, one truth value a seed.
        theirs: the same for the same seeds.
        num_instances: chips that every training was tried on.
        margin: the smallest difference of shares that would matter.
    """
    count = len(ours)
    better = int((theirs & ~ours).sum())
    worse = int((ours & ~theirs).sum())
    estimate = (better - worse) / count if count else float("nan")
    lower, upper = _paired_shares(better, worse, count)
    said = verdict(lower, upper, margin)
    more: int | None = None
    if said == "undecided" and count:
        for total in range(count + 1, MAX_SEEDS + 1):
            scale = total / count
            if verdict(*_paired_shares(better * scale, worse * scale, total), margin) != "undecided":
                more = total - count
                break
    return Finding(estimate, lower, upper, count, num_instances, said, more)


def _more_seeds(known: Spread, num_seeds: int, estimate: float, margin: float) -> int | None:
    for total in range(num_seeds + 1, MAX_SEEDS + 1):
        half = known.half_width(total)
        if verdict(estimate - half, estimate + half, margin) != "undecided":
            return total - num_seeds
    return None


def _paired_shares(better: float | int, worse: float | int, count: int) -> tuple[float, float]:
    """Bonett and Price's interval of (better - worse) / count."""
    if count == 0:
        return float("-inf"), float("inf")
    first, second, total = (better + 1) / (count + 2), (worse + 1) / (count + 2), count + 2
    middle = first - second
    half = Z * float(np.sqrt((first + second - middle**2) / total))
    return max(-1.0, middle - half), min(1.0, middle + half)
