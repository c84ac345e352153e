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

from neft.chip_statistics import CONFIDENCE
from neft.tables.significance import SEEDS, Booleans, Floats, effect_parts, holm, one_sided_p


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
            pairs.append((row, others + row + 1, effect_parts(shared)))
    if not pairs:
        return found
    parts = np.concatenate([part for _, _, part in pairs])
    p = one_sided_p(parts)
    start = 0
    for row, others, part in pairs:
        mine, start = p[start : start + len(part)], start + len(part)
        # of less than two seeds nothing is said in either direction
        untold = part[:, SEEDS] < 2
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
    better[others] = holm(p[others])
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
            holm(np.concatenate([p[rest, row], p[row, rest]])) for row, rest in enumerate(_off_diagonal(num_rows))
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
