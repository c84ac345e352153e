"""Ranks with their uncertainty: which rows of a table could change places if seeds and chips were drawn again.

Every pair of rows is compared seed by seed and chip by chip. A row's rank lies between 1 + the rows that are told to be
better and n - the rows that are told to be worse, after [Mogstad2024]. There the pairs' errors are found by bootstrap;
with as few seeds as a table has, we take each pair's own paired interval (`crossed_interval`) and correct for the
number of comparisons after [Holm1979].
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from neft.tables.intervals import CONFIDENCE

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

SMALLEST = 1e-16
"""Probabilities below are not told from one another."""
_HALVINGS = 40
_SEEDS = 3
"""The column of `_parts` that counts seeds."""


class RankIntervals(NamedTuple):
    """The ends of each row's 95 % interval of ranks; 1 is the highest mean."""

    lower: NDArray[np.intp]
    upper: NDArray[np.intp]


def p_values(values: Floats) -> Floats:
    """How likely so large a lead would be if row i were no better than row j, for every pair: a rows x rows table.

    One-sided: the p at which the pair's interval of confidence 1 - 2 p (`crossed_interval`, seeds and chips both
    random) would just reach zero. 1 on the diagonal, and where fewer than two seeds are shared: one training says
    nothing of the next.

    Args:
        values: rows x seeds x chips; NaN where a row has no such seed or chip. A pair is taken over the seeds and
            chips that both have.
    """
    num_rows = len(values)
    found = np.ones((num_rows, num_rows))
    pairs: list[tuple[int, NDArray[np.intp], Floats]] = []
    for row in range(num_rows - 1):
        differences = values[row] - values[row + 1 :]
        for others, shared in _by_what_is_shared(differences):
            pairs.append((row, others + row + 1, _parts(shared)))
    if not pairs:
        return found
    parts = np.concatenate([part for _, _, part in pairs])
    p = _one_sided(parts)
    start = 0
    for row, others, part in pairs:
        mine, start = p[start : start + len(part)], start + len(part)
        # of less than two seeds nothing is said in either direction
        untold = part[:, _SEEDS] < 2
        found[row, others] = np.where(untold, 1.0, mine)
        found[others, row] = np.where(untold, 1.0, 1.0 - mine)
    return found


def told_apart(p: Floats) -> Booleans:
    """Whether row i is told to be better than row j: all answers hold together with 95 %, after [Holm1979].

    Args:
        p: from `p_values`.
    """
    others = _off_diagonal(len(p))
    better = np.zeros_like(others)
    better[others] = _holm(p[others])
    return better


def rank_intervals(p: Floats, *, together: bool) -> RankIntervals:
    """Each row's interval of ranks: 1 + rows that are told to be better, to n - rows that are told to be worse.

    Args:
        p: from `p_values`.
        together: whether all intervals hold together with 95 %; otherwise each does by itself, as the other intervals
            of a table do: it takes a row's own comparisons alone, which are fewer, and is shorter.
    """
    num_rows = len(p)
    if together:
        apart = told_apart(p)
        num_better, num_worse = apart.sum(axis=0), apart.sum(axis=1)
    else:
        families = [
            _holm(np.concatenate([p[rest, row], p[row, rest]])) for row, rest in enumerate(_off_diagonal(num_rows))
        ]
        num_better = np.array([answers[: num_rows - 1].sum() for answers in families], dtype=np.intp)
        num_worse = np.array([answers[num_rows - 1 :].sum() for answers in families], dtype=np.intp)
    return RankIntervals(1 + num_better, num_rows - num_worse)


def lead_to_be_told(num_rows: int, num_seeds: int) -> float:
    """How many standard errors a lead must have to be told, where seeds are all that spreads; NaN for a single seed.

    That of a row's first comparison among 2 (n - 1) one-sided ones, by Student's t of S - 1 degrees of freedom.

    >>> round(lead_to_be_told(34, 5), 1), round(lead_to_be_told(34, 3), 1), round(lead_to_be_told(2, 5), 1)
    (7.7, 25.7, 2.8)
    """
    comparisons = 2 * (num_rows - 1)
    if num_seeds < 2 or comparisons < 1:
        return float("nan")
    return -float(stdtrit(num_seeds - 1, (1 - CONFIDENCE) / comparisons))


def _off_diagonal(num_rows: int) -> Booleans:
    return ~np.eye(num_rows, dtype=bool)


def _by_what_is_shared(differences: Floats) -> list[tuple[NDArray[np.intp], Floats]]:
    """Rows that have the same seeds and chips, by their places, each with its complete differences."""
    known = np.asarray(~np.isnan(differences))
    seeds = np.asarray(known.any(axis=2))
    # a chip counts where every seed that the pair shares has it
    chips = (known | ~seeds[:, :, None]).all(axis=1) & np.asarray(seeds.any(axis=1))[:, None]
    masks, of = np.unique(np.concatenate([seeds, chips], axis=1), axis=0, return_inverse=True)
    num_seeds = differences.shape[1]
    found: list[tuple[NDArray[np.intp], Floats]] = []
    for index, mask in enumerate(masks):
        places = np.flatnonzero(of.ravel() == index)
        found.append(
            (places, differences[np.ix_(places, mask[:num_seeds].nonzero()[0], mask[num_seeds:].nonzero()[0])])
        )
    return found


def _parts(differences: Floats) -> Floats:
    """Of complete rows x seeds x chips: mean, squared errors of seeds and of chips, numbers of seeds and chips.

    The parts of `crossed_interval`: h^2 = t_{S-1}^2 MS_seeds / (S C) + t_{C-1}^2 var_chips / C.
    """
    num_rows, num_seeds, num_chips = differences.shape
    counts = np.tile([float(num_seeds), float(num_chips)], (num_rows, 1))
    if num_seeds < 2 or num_chips < 1:
        return np.concatenate([np.zeros((num_rows, 3)), counts], axis=1)
    mean = differences.mean(axis=(1, 2))
    by_seed, by_chip = differences.mean(axis=2), differences.mean(axis=1)
    of_seeds = by_seed.var(axis=1, ddof=1) / num_seeds
    of_chips = np.zeros(num_rows)
    if num_chips > 1:
        rest = differences - by_seed[:, :, None] - by_chip[:, None, :] + mean[:, None, None]
        ms_rest = (rest**2).sum(axis=(1, 2)) / ((num_seeds - 1) * (num_chips - 1))
        of_chips = np.maximum(by_chip.var(axis=1, ddof=1) - ms_rest / num_seeds, 0) / num_chips
    return np.concatenate([np.stack([mean, of_seeds, of_chips], axis=1), counts], axis=1)


def _one_sided(parts: Floats) -> Floats:
    """The p at which h(p) = |mean|, halving the interval of its logarithm; 1 - p for a negative mean."""
    mean, of_seeds, of_chips, num_seeds, num_chips = parts.T
    for_seeds, for_chips = np.maximum(num_seeds - 1, 1), np.maximum(num_chips - 1, 1)
    low, high = np.full(len(parts), np.log(SMALLEST)), np.full(len(parts), np.log(0.5))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        p = np.exp(middle)
        reaches = stdtrit(for_seeds, p) ** 2 * of_seeds + stdtrit(for_chips, p) ** 2 * of_chips >= mean**2
        low, high = np.where(reaches, middle, low), np.where(reaches, high, middle)
    p = np.where(mean == 0, 0.5, np.exp(high))
    return np.where(mean < 0, 1 - p, p)


def _holm(p: Floats) -> Booleans:
    """Which are rejected: the smallest p against alpha / m, the next against alpha / (m - 1), until one is not."""
    order = np.argsort(p, kind="stable")
    limits = (1 - CONFIDENCE) / np.arange(len(p), 0, -1)
    passed = np.cumprod(p[order] <= limits).astype(bool)
    rejected = np.zeros(len(p), dtype=bool)
    rejected[order[passed]] = True
    return rejected
