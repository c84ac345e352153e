"""Intervals that hold however often one looks, and those of which nothing is assumed."""

from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from neft.tables.intervals import (
    anytime_t,
    crossed_half_width,
    images_half_width,
    median_interval,
    spread,
    student_t,
)
from neft.tables.significance import holm, two_sided_p

NUM_LOOKS = 40


# ---------------------------------------------------------------- at every number of seeds
def test_bound_solves_the_mixture_martingale() -> None:
    """The Bayes factor of [Gonen2005] at its own t is 20, its prior variance ten."""
    for n in (3, 5, 12, 100):
        t, shrunk = anytime_t(n), 1 + 10 * n
        factor = shrunk**-0.5 * ((1 + t**2 / (n - 1)) / (1 + t**2 / ((n - 1) * shrunk))) ** (n / 2)
        assert factor == pytest.approx(20)


def test_bound_is_wider_than_students_and_narrows() -> None:
    bounds = {n: anytime_t(n) for n in range(1, 1001)}
    widths = [bounds[n] / sqrt(n) for n in range(3, 1001)]

    assert bounds[1] == bounds[2] == inf
    assert widths == sorted(widths, reverse=True)
    assert all(bounds[n] > 1.7 * student_t(n - 1) for n in range(3, 1001))


def test_looking_at_every_number_of_seeds_fools_in_one_case_of_twenty_at_most() -> None:
    """Normal values without an effect, from two to forty of them: of 4,000 series a share with an error below 0.004.

    Student's bound, which holds at one number fixed in advance, is crossed somewhere in more than a quarter of them.
    """
    values = np.random.default_rng(0).standard_normal((4000, NUM_LOOKS))
    counts = np.arange(2, NUM_LOOKS + 1)
    means = values.cumsum(axis=1)[:, 1:] / counts
    stds = np.sqrt(((values**2).cumsum(axis=1)[:, 1:] - counts * means**2) / (counts - 1))
    t = np.abs(means) / stds * np.sqrt(counts)

    def crossed(bounds: list[float]) -> float:
        return float((t > np.array(bounds)).any(axis=1).mean())

    assert crossed([anytime_t(int(n)) for n in counts]) < 0.05
    assert crossed([student_t(int(n) - 1) for n in counts]) > 0.25


def test_interval_for_any_number_of_seeds_widens_what_seeds_spread_and_leaves_chips() -> None:
    known = spread(np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 10.0]]))
    seeds, chips = known.ms_seeds / (3 * known.num_chips), known.var_chips / known.num_chips

    assert known.half_width(3, anytime=True) == pytest.approx(
        sqrt(anytime_t(3) ** 2 * seeds + student_t(2) ** 2 * chips)
    )
    assert known.half_width(2, anytime=True) == inf
    assert spread(np.full((2, 4), 0.3)).half_width(2, anytime=True) == 0


# ---------------------------------------------------------------- medians
@pytest.mark.parametrize(
    ("count", "first", "confidence"), [(1, 0, 0.0), (2, 0, 0.5), (5, 0, 0.9375), (6, 0, 0.96875), (9, 1, 0.9609375)]
)
def test_median_lies_between_order_statistics(count: int, first: int, confidence: float) -> None:
    values = np.random.default_rng(0).permutation(count).astype(float)

    found = median_interval(values)

    assert found.median == (count - 1) / 2
    assert (found.lower, found.upper) == (first, count - 1 - first)
    assert found.confidence == pytest.approx(confidence)


@given(count=st.integers(6, 60))
def test_median_interval_is_the_narrowest_of_its_kind_that_keeps_its_promise(count: int) -> None:
    found = median_interval(np.arange(count, dtype=float))

    assert found.confidence >= 0.95
    # one order statistic further in on both sides it would not
    assert 1 - 2 * stats.binom.cdf(found.lower + 1, count, 0.5) < 0.95


def test_median_interval_covers_whatever_the_distribution() -> None:
    """Values of which a fifth lie far away: of 2,000 samples of eight a share with an error below 0.005."""
    rng = np.random.default_rng(0)
    values = np.where(rng.random((2000, 8)) < 0.2, 40.0, 2 + rng.standard_normal((2000, 8)))
    median = 2 + ndtri(0.5 / 0.8)

    found = [median_interval(row) for row in values]
    assert np.mean([one.lower <= median <= one.upper for one in found]) > 0.95


# ---------------------------------------------------------------- how likely, and many together
def test_p_is_where_the_interval_reaches_zero() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, (4, 6))
    p = two_sided_p(values)
    known = spread(values)

    def half(confidence: float) -> float:
        seeds = stats.t.ppf(0.5 + confidence / 2, 3) ** 2 * known.ms_seeds / 24
        chips = stats.t.ppf(0.5 + confidence / 2, 5) ** 2 * known.var_chips / 6
        return float(np.sqrt(seeds + chips))

    assert half(0.95) == pytest.approx(crossed_half_width(values))
    assert half(1 - p) == pytest.approx(abs(values.mean()), rel=1e-4)
    assert two_sided_p(-values) == pytest.approx(p)


def test_p_of_seeds_alone_is_students() -> None:
    values = np.array([[0.1], [0.4], [0.2], [0.25]])

    assert two_sided_p(values) == pytest.approx(stats.ttest_1samp(values.ravel(), 0).pvalue, rel=1e-4)


def test_one_seed_has_no_p() -> None:
    assert np.isnan(two_sided_p(np.ones((1, 5))))
    assert two_sided_p(np.zeros((3, 5))) == 1


def test_holm_by_hand() -> None:
    # against 0.05/4, 0.05/3, 0.05/2: 0.01 and 0.015 are rejected, 0.03 is not, and nothing after it
    assert holm(np.array([0.03, 0.01, 0.04, 0.015])).tolist() == [False, True, False, True]
    assert holm(np.array([0.013])).tolist() == [True]
    assert holm(np.empty(0)).tolist() == []


# ---------------------------------------------------------------- test images
def test_share_of_the_test_images() -> None:
    # of 397 images 97.7 % right: 1.959964 sqrt(0.977 * 0.023/397) = 0.014746
    assert images_half_width(0.977, 397) == pytest.approx(0.014746, abs=1e-6)
    assert images_half_width(1.0, 397) == 0
