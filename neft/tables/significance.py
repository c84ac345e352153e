"""How likely an effect so large would be by chance, seeds and chips both random; what many such answers are worth."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from neft.chip_statistics import CONFIDENCE

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

SMALLEST = 1e-16
"""Probabilities below are not told from one another."""
SEEDS = 3
"""The column of `effect_parts` that counts seeds."""
_HALVINGS = 40


def two_sided_p(values: Floats) -> float:
    """How likely an effect so far from zero would be if there were none.

    The p at which the interval of confidence 1 - p (`neft.tables.intervals.crossed_interval`) would just reach zero;
    NaN for less than two seeds: one training says nothing of the next.

    Args:
        values: seeds x chips, complete.
    """
    if len(values) < 2 or values.size == 0:
        return float("nan")
    p = float(one_sided_p(effect_parts(values[None]))[0])
    return min(1.0, 2 * min(p, 1 - p))


def effect_parts(differences: Floats) -> Floats:
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


def one_sided_p(parts: Floats) -> Floats:
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


def holm(p: Floats) -> Booleans:
    """Which are rejected, all answers holding together with 95 %, after [Holm1979].

    The smallest p against alpha / m, the next against alpha / (m - 1), until one is not below.
    """
    order = np.argsort(p, kind="stable")
    limits = (1 - CONFIDENCE) / np.arange(len(p), 0, -1)
    passed = np.cumprod(p[order] <= limits).astype(bool)
    rejected = np.zeros(len(p), dtype=bool)
    rejected[order[passed]] = True
    return rejected
