"""Low percentiles, their limits, and how many chips it takes to know them."""

import numpy as np
import pytest

from neft import columns as c
from neft.tables.percentiles import (
    Percentile,
    chip_histogram,
    chips_for_limits,
    chips_needed,
    chips_to_meet,
    difference_of_percentiles,
    estimates_by_chips,
    low_percentile_columns,
    percentile_at,
    percentile_over_trainings,
    percentile_with_limits,
    too_few_chips,
)

TRIES = 2000


# ---------------------------------------------------------------- one training
def test_limits_of_a_percentile_are_the_chips_of_the_binomial_ranks() -> None:
    # of 1,000 chips binomial(1000, 0.01) lie below the 1st percentile: at most 4 with 2.87 %, at most 5 with 6.61 %, so
    # the chip of rank 5 (0.004) bounds it from below; at most 14 with 91.76 %, 15 with 95.21 %, so rank 16 from above
    found = percentile_with_limits(np.arange(1000) / 1000, 0.01)

    assert found.value == pytest.approx(0.00999)
    assert (found.lower, found.upper) == (0.004, 0.015)


def test_median_of_ten_lies_between_the_second_and_the_ninth() -> None:
    # the textbook's ranks: P(at most 1 of 10 below) = (1 + 10) / 1024 = 1.07 %, at most 2 (56 / 1024) = 5.47 % > 5 %
    found = percentile_with_limits(np.arange(10.0), 0.5)

    assert (found.lower, found.upper) == (1.0, 8.0)


@pytest.mark.parametrize(("percentile", "needed"), [(1, 299), (5, 59)])
def test_lower_limit_comes_with_the_chips_that_meet_the_unlucky_one(percentile: int, needed: int) -> None:
    # 0.99^298 = 0.0500 (5.003 %) > 5 % >= 0.99^299 = 4.953 %; 0.95^58 = 5.10 % > 5 % >= 0.95^59 = 4.85 %
    share = percentile / 100

    assert chips_to_meet(share) == chips_for_limits(share) == needed
    assert np.isnan(percentile_with_limits(np.arange(needed - 1.0), share).lower)
    assert percentile_with_limits(np.arange(float(needed)), share).lower == 0


def test_upper_limit_of_a_high_percentile_needs_as_many_chips_as_the_lower_one_of_its_mirror() -> None:
    assert chips_for_limits(0.99) == 299
    assert np.isnan(percentile_with_limits(np.arange(298.0), 0.99).upper)
    assert percentile_with_limits(np.arange(299.0), 0.99).upper == 298


@pytest.mark.parametrize("percentile", [1, 5, 50, 99])
def test_words_say_too_few_chips_exactly_where_a_limit_is_missing(percentile: int) -> None:
    for num_chips in (1, 10, 58, 59, 200, 298, 299, 400):
        found = percentile_with_limits(np.arange(float(num_chips)), percentile / 100)

        missing = bool(np.isnan(found.lower) or np.isnan(found.upper))
        assert bool(too_few_chips(percentile, num_chips)) == missing
        assert bool(chips_needed(percentile, num_chips)) == missing


def test_words_say_which_limit_is_missing() -> None:
    assert too_few_chips(1, 200) == "no lower limit: 200 chips, 299 are needed"
    assert chips_needed(99, 1) == "A 95 % upper limit of the 99th percentile needs 299 chips; this is 1."


def test_words_name_the_range_of_counts_that_are_too_few() -> None:
    assert too_few_chips(1, 200, 400, 50) == "no lower limit: 50 to 200 chips, 299 are needed"
    assert chips_needed(5, 20, 10) == "A 95 % lower limit of the 5th percentile needs 59 chips; these are 10 to 20."


def test_limits_hold_as_often_as_the_binomial_says() -> None:
    rng = np.random.default_rng(7)
    truth = -np.log(0.95)  # of the exponential law's 5th percentile
    found = [percentile_with_limits(rng.exponential(size=200), 0.05) for _ in range(TRIES)]

    below = np.mean([one.lower <= truth for one in found])
    above = np.mean([truth <= one.upper for one in found])

    # rank 5 lies below with P(B >= 5) = 97.36 %, rank 16 above with P(B < 16) = 95.56 %: both at least 95 %; five
    # standard errors of 2,000 tries are 1.8 and 2.3 points
    assert below == pytest.approx(0.9736, abs=0.018)
    assert above == pytest.approx(0.9556, abs=0.023)


def test_limits_hold_where_many_chips_are_equal() -> None:
    # accuracy on 20 images: whole numbers of them, binomial(20, 0.8); P(at most 12) = 3.2 %, P(at most 13) = 8.7 %: the
    # 5th percentile is 13
    rng = np.random.default_rng(8)
    found = [percentile_with_limits(rng.binomial(20, 0.8, size=100) / 20, 0.05) for _ in range(TRIES)]

    # at least 95 % each; five standard errors of 2,000 tries are 2.4 points
    assert np.mean([one.lower <= 13 / 20 for one in found]) > 0.95 - 0.024
    assert np.mean([one.upper >= 13 / 20 for one in found]) > 0.95 - 0.024


def test_estimate_is_its_own_limit_where_the_limiting_chip_lies_on_its_wrong_side() -> None:
    # of three chips the worst is the upper limit (0.99^3 = 97.03 %), and the estimate lies 0.02 steps above it
    found = percentile_with_limits(np.arange(3.0), 0.01)

    assert found.value == found.upper == pytest.approx(0.02)
    assert np.isnan(found.lower)


# ---------------------------------------------------------------- without variation, differences
def test_without_variation_every_chip_is_the_percentile() -> None:
    values = np.array([[0.9] * 5, [0.8] * 5])

    assert percentile_at(values, 0.01, sigma_d=0.0) == pytest.approx((0.85, 0.85, 0.85))
    assert np.isnan(percentile_at(values, 0.01, sigma_d=0.1).lower)
    assert np.isnan(percentile_at(values + 0.1 * np.eye(2, 5), 0.01, sigma_d=0.0).lower)
    assert all(np.isnan(percentile_at(np.full((2, 3), np.nan), 0.01, sigma_d=0.0)))


def test_difference_of_percentiles_lies_between_the_limits_of_both() -> None:
    # 400 chips, each limit at 97.5 %: P(none below) = 0.99^400 = 1.80 %, P(at most 1) = 9.05 %: rank 1; P(at most 7) =
    # 94.97 %, P(at most 8) = 97.93 %: rank 9. Of steps 0.001: 0 and 0.008 against 0.5 and 0.508
    one = np.arange(400) / 1000

    found = difference_of_percentiles(one + 0.5, one, 0.01)

    assert found == pytest.approx((0.5, 0.5 - 0.008, 0.5 + 0.008))


def test_difference_of_percentiles_has_no_limits_below_368_chips() -> None:
    one = np.arange(367.0)

    found = difference_of_percentiles(one, one, 0.01)

    assert found.value == 0
    assert np.isnan(found.lower)
    assert np.isnan(found.upper)
    assert chips_for_limits(0.01, confidence=0.975) == 368


@pytest.mark.parametrize("shared", [-1.0, 0.0, 0.9])
def test_limits_of_a_difference_hold_whatever_chips_share(shared: float) -> None:
    rng = np.random.default_rng(11)
    truth = -1.6448536 * (2 - 1)  # of 5th percentiles of normal laws with std 2 and 1
    found: list[Percentile] = []
    for _ in range(TRIES):
        common, own = rng.standard_normal((2, 200))
        found.append(difference_of_percentiles(2 * common, shared * common + np.sqrt(1 - shared**2) * own, 0.05))

    # at least 95 % each, less five standard errors of 2,000 tries
    assert np.mean([one.lower <= truth for one in found]) > 0.95 - 0.024
    assert np.mean([truth <= one.upper for one in found]) > 0.95 - 0.024


# ---------------------------------------------------------------- several trainings
def test_percentile_over_trainings_is_the_mean_of_each_ones() -> None:
    # 200 chips at 5 %: ranks 5 and 16 (P(B < 5) = 2.64 %, < 6 6.23 %; < 15 92.19 %, < 16 95.56 %); the estimate lies
    # at 0.05 * 199 = 9.95 steps
    one = np.arange(200) / 1000

    found = percentile_over_trainings(np.stack([one, one[::-1] + 0.5]), 0.05)

    assert found == pytest.approx((0.25 + 0.00995, 0.25 + 0.004, 0.25 + 0.015))


def test_one_training_with_too_few_chips_leaves_all_without_a_lower_limit() -> None:
    values = np.random.default_rng(9).uniform(size=(2, 299))
    whole = percentile_over_trainings(values, 0.01)
    values[1, 0] = np.nan

    found = percentile_over_trainings(values, 0.01)

    assert not any(np.isnan(whole))
    assert np.isnan(found.lower)
    assert not np.isnan(found.upper)


def test_training_without_any_value_is_left_out() -> None:
    one = np.arange(300.0)

    assert percentile_over_trainings(np.stack([one, np.full(300, np.nan)]), 0.01) == percentile_with_limits(one, 0.01)
    assert all(np.isnan(percentile_over_trainings(np.full((2, 3), np.nan), 0.01)))
    assert all(np.isnan(percentile_over_trainings(np.empty((0, 0)), 0.01)))


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_limits_over_trainings_hold_whatever_part_of_a_chips_luck_trainings_share(shared: float) -> None:
    # normal, of unit variance in each training and another spread in the second: the mean of the true percentiles is
    # that of the standard normal law, times the mean spread
    rng = np.random.default_rng(10)
    spreads = np.array([1.0, 3.0, 0.5])
    truth = -1.6448536 * spreads.mean()
    found: list[Percentile] = []
    for _ in range(TRIES):
        chip, own = rng.standard_normal((1, 200)), rng.standard_normal((3, 200))
        values = spreads[:, None] * (np.sqrt(shared) * chip + np.sqrt(1 - shared) * own)
        found.append(percentile_over_trainings(values, 0.05))

    # at least as often as those of one training, 97.36 and 95.56 %, less five standard errors of 2,000 tries
    assert np.mean([one.lower <= truth for one in found]) > 0.9736 - 0.018
    assert np.mean([truth <= one.upper for one in found]) > 0.9556 - 0.023


def test_low_percentiles_stand_in_their_columns() -> None:
    found = low_percentile_columns(np.arange(200.0)[None, :], sigma_d=0.1)

    assert found[c.PERCENTILE_5] == pytest.approx(9.95)
    assert (found[c.PERCENTILE_5_LOWER], found[c.PERCENTILE_5_UPPER]) == (4, 15)
    assert np.isnan(found[c.PERCENTILE_1_LOWER])


# ---------------------------------------------------------------- as chips are added
def test_without_values_nothing_is_known() -> None:
    assert all(np.isnan(percentile_with_limits(np.array([np.nan]), 0.01)))
    assert chip_histogram(np.array([])).empty


def test_estimates_are_those_of_the_first_chips() -> None:
    values = np.linspace(0.2, 0.9, 80)

    rows = estimates_by_chips(values, 0.05, [10, 80]).to_dict("records")
    found = {(row["num_instances"], row["label"]): row for row in rows}

    assert found[10, "mean"]["value"] == pytest.approx(values[:10].mean())
    assert found[80, "percentile"]["value"] == pytest.approx(np.percentile(values, 5))
    assert np.isnan(found[10, "percentile"]["lower"])
    assert found[80, "percentile"]["lower"] == pytest.approx(values[0])


def test_histogram_counts_every_chip() -> None:
    frame = chip_histogram(np.array([0.1, 0.1, 0.5, np.nan, 0.9]))

    assert frame["num_instances"].sum() == 4
    assert frame["bin_left"].iloc[0] == pytest.approx(0.1)
    assert frame["bin_right"].iloc[-1] == pytest.approx(0.9)
