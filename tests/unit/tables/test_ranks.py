"""Ranks with their uncertainty: pairs by the paired interval, corrected for how many there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from neft.seeding import numpy_generator
from neft.tables.intervals import crossed_interval, spread
from neft.tables.ranks import lead_to_be_told, p_values, rank_intervals, told_apart

NAN = float("nan")
NUM_TABLES = 400
FIVE_ERRORS = 5 * (0.05 * 0.95 / NUM_TABLES) ** 0.5
"""Five standard errors of a share of so many tables that is 5 %."""


def by_seed(*means: list[float]) -> np.ndarray:
    """Rows of one chip a seed."""
    return np.array(means, dtype=float)[:, :, None]


def a_table(seed: int, true: np.ndarray, *, num_seeds: int = 5, num_chips: int = 20) -> np.ndarray:
    """Rows with these true means, seeds and chips both random, each chip partly the same for all rows."""
    rng = numpy_generator(seed, "a table of ranks")
    shape = (len(true), num_seeds, num_chips)
    parts = [rng.normal(size=(*shape[:2], 1)), rng.normal(size=(shape[0], 1, num_chips)), rng.normal(size=shape)]
    return true[:, None, None] + parts[0] + parts[1] + parts[2] + rng.normal(size=(1, 1, num_chips))


# ---------------------------------------------------------------- pairs
def test_p_of_seeds_alone_is_students() -> None:
    # differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), t = 3.4641 with 2 degrees of freedom
    p = p_values(by_seed([1, 2, 3], [0, 0, 0]))

    assert p[0, 1] == pytest.approx(student.sf(2 * 3**0.5, 2), rel=1e-6)
    assert p[0, 1] == pytest.approx(0.03709, abs=1e-5)
    assert p[1, 0] == pytest.approx(1 - p[0, 1])


@given(st.integers(0, 50), st.integers(2, 4), st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_interval_of_twice_p_just_reaches_zero(seed: int, num_seeds: int, num_chips: int) -> None:
    values = a_table(seed, np.zeros(2), num_seeds=num_seeds, num_chips=num_chips)
    difference = values[0] - values[1]
    p = min(p_values(values)[0, 1], p_values(values)[1, 0])

    known = spread(difference)
    of_seeds = student.isf(p, num_seeds - 1) ** 2 * known.ms_seeds
    of_chips = student.isf(p, num_chips - 1) ** 2 * num_seeds * known.var_chips if num_chips > 1 else 0
    half = ((of_seeds + of_chips) / difference.size) ** 0.5
    assert half == pytest.approx(abs(difference.mean()), rel=1e-6)


@given(st.integers(0, 200))
@settings(deadline=None, max_examples=40)
def test_p_below_a_fortieth_is_an_interval_clear_of_zero(seed: int) -> None:
    values = a_table(seed, np.array([0.0, 1.5]), num_seeds=3)
    interval = crossed_interval(values[1] - values[0])

    assert (p_values(values)[1, 0] < 0.025) == (interval.mean > interval.ci95)


def test_one_shared_seed_tells_nothing() -> None:
    values = np.array([[[0.9, 0.8, 0.9], [NAN] * 3], [[0.1, 0.2, 0.1], [0.1, 0.1, 0.2]]])

    assert p_values(values).tolist() == [[1, 1], [1, 1]]


def test_rows_without_a_difference_are_even() -> None:
    assert p_values(by_seed([1, 2, 3], [1, 2, 3]))[0, 1] == 0.5


def test_difference_that_is_always_the_same_is_told() -> None:
    p = p_values(by_seed([1.25, 2.25, 3.25], [1, 2, 3]))

    assert p[0, 1] < 1e-12
    assert p[1, 0] > 1 - 1e-12


def test_pair_counts_what_both_rows_have() -> None:
    whole = a_table(0, np.array([0.0, 1.0, 2.0]), num_seeds=4, num_chips=6)
    values = whole.copy()
    values[1, 3], values[1, :, 5] = NAN, NAN
    p = p_values(values)

    assert p[0, 1] == pytest.approx(p_values(whole[:, :3, :5])[0, 1])
    assert p[0, 2] == pytest.approx(p_values(whole)[0, 2])


# ---------------------------------------------------------------- ranks
def test_holm_takes_the_smallest_against_the_number_of_comparisons() -> None:
    # six comparisons: 0.008 <= 0.05 / 6, then 0.0101 > 0.05 / 5; the third would pass by itself
    p = np.array([[1, 0.008, 0.0101], [0.992, 1, 0.0102], [0.9899, 0.9898, 1]])

    assert told_apart(p).tolist() == [[False, True, False], [False] * 3, [False] * 3]


def test_holm_goes_on_while_they_pass() -> None:
    # the limits are 0.00833, 0.01 and 0.0125
    p = np.array([[1, 0.008, 0.0099], [0.992, 1, 0.012], [0.9901, 0.988, 1]])

    assert told_apart(p).sum() == 3
    assert rank_intervals(p, together=True).lower.tolist() == [1, 2, 3]
    assert rank_intervals(p, together=True).upper.tolist() == [1, 2, 3]


def test_a_row_by_itself_has_its_own_comparisons_alone() -> None:
    # row 0 against both others: 0.012 <= 0.05 / 4, 0.0165 <= 0.05 / 3; together 0.012 > 0.05 / 6
    p = np.array([[1, 0.012, 0.0165], [0.988, 1, 0.4], [0.9835, 0.6, 1]])

    alone, together = rank_intervals(p, together=False), rank_intervals(p, together=True)
    assert (alone.lower[0], alone.upper[0]) == (1, 1)
    # row 1 is told to be worse than row 0; row 2 is not: 0.0165 > 0.05 / 4
    assert (alone.lower[1], alone.upper[1]) == (2, 3)
    assert (alone.lower[2], alone.upper[2]) == (1, 3)
    assert (together.lower.tolist(), together.upper.tolist()) == ([1, 1, 1], [3, 3, 3])


def test_rows_far_apart_have_one_rank_each() -> None:
    values = a_table(3, np.array([0.0, 200.0, 100.0]))

    found = rank_intervals(p_values(values), together=True)
    assert found.lower.tolist() == found.upper.tolist() == [3, 1, 2]


@pytest.mark.parametrize("excess", [0.999, 1.001])
def test_lead_is_told_from_so_many_standard_errors_on(excess: float) -> None:
    """Two rows, five seeds: the lead over its standard error is as long as is needed, a thousandth less, or more."""
    seeds = np.array([-2.0, -1, 0, 1, 2])
    # standard deviation sqrt(2.5), standard error sqrt(0.5)
    lead = excess * lead_to_be_told(2, 5) * 0.5**0.5
    found = rank_intervals(p_values(by_seed((seeds + lead).tolist(), [0.0] * 5)), together=False)

    assert (found.upper[0] == 1) == (excess > 1)


@pytest.mark.parametrize(("num_rows", "num_seeds"), [(1, 5), (3, 1)])
def test_nothing_to_compare_needs_no_lead(num_rows: int, num_seeds: int) -> None:
    assert np.isnan(lead_to_be_told(num_rows, num_seeds))


def test_single_row_is_first() -> None:
    for together in (False, True):
        found = rank_intervals(p_values(np.ones((1, 3, 4))), together=together)
        assert (found.lower.tolist(), found.upper.tolist()) == ([1], [1])


@pytest.mark.parametrize("num_seeds", [3, 5])
def test_without_any_difference_every_rank_stays_open(num_seeds: int) -> None:
    """All rows are equal, so every rank is a row's: an interval must be 1 to n, but for 5 % of tables."""
    num_rows = 8
    alone, together = 0, 0
    for seed in range(NUM_TABLES):
        p = p_values(a_table(seed, np.zeros(num_rows), num_seeds=num_seeds))
        one = rank_intervals(p, together=False)
        alone += int((one.lower[0], one.upper[0]) != (1, num_rows))
        together += int(told_apart(p).any())

    assert alone / NUM_TABLES <= 0.05 + FIVE_ERRORS
    assert together / NUM_TABLES <= 0.05 + FIVE_ERRORS


def test_intervals_hold_the_true_ranks() -> None:
    true = np.array([0.0, 1.0, 1.5, 4.0, 9.0, 9.2])
    ranks = np.array([6, 5, 4, 3, 2, 1])
    alone, together, shorter = np.zeros(len(true)), 0, 0
    for seed in range(NUM_TABLES):
        p = p_values(a_table(seed, true))
        one, all_of_them = rank_intervals(p, together=False), rank_intervals(p, together=True)
        alone += (one.lower > ranks) | (one.upper < ranks)
        together += int(((all_of_them.lower > ranks) | (all_of_them.upper < ranks)).any())
        shorter += int((one.upper - one.lower).sum() < (all_of_them.upper - all_of_them.lower).sum())

    assert (alone / NUM_TABLES <= 0.05 + FIVE_ERRORS).all()
    assert together / NUM_TABLES <= 0.05 + FIVE_ERRORS
    # and they are worth something
    assert shorter > NUM_TABLES / 2
