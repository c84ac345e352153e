"""The one rule by which claims are decided."""

from dataclasses import replace
from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri, stdtr

from neft.experiments.verdicts import MAX_SEEDS, Finding, Verdict, judge, judge_failures, verdict

POINT = 0.01
TENTH = 0.1
NUM_CHIPS = 30
TWO_BY_THREE = np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 10.0]])
"""Mean 4.5, MS_seeds = 37.5, MS_chips = 6.5, MS_rest = 1.5; half-width 32.0074 (worked out in test_tables.py)."""


def failed(count: int, *which: int) -> np.ndarray:
    """Which of so many trainings failed."""
    return np.isin(np.arange(count), which)


def judged(ours: np.ndarray, theirs: np.ndarray, *, margin: float = TENTH) -> Finding:
    """Failures of trainings that were tried on as many chips each."""
    return judge_failures(ours, theirs, num_instances=NUM_CHIPS, margin=margin)


# ---------------------------------------------------------------- the rule
@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (0.001, 0.5, "supported"),
        (0.001, 0.01, "supported"),
        (0.001, 0.0099, "no effect"),  # surely positive, and surely too small to matter
        (0.0, 0.5, "undecided"),
        (-0.1, 0.5, "undecided"),
        (-0.1, 0.0099, "undecided"),
        (-0.0099, 0.0099, "no effect"),
        (-0.01, 0.0099, "undecided"),
        (-0.0099, -0.001, "no effect"),
        (-0.01, -0.001, "opposite"),
        (-0.5, -0.1, "opposite"),
        (-inf, inf, "undecided"),
    ],
)
def test_verdict_is_read_off_the_interval_and_the_margin(lower: float, upper: float, expected: Verdict) -> None:
    assert verdict(lower, upper, POINT) == expected


# ---------------------------------------------------------------- effects over seeds and chips
def test_finding_is_the_crossed_interval() -> None:
    finding = judge(TWO_BY_THREE, margin=POINT)

    assert finding.estimate == 4.5
    assert (finding.lower, finding.upper) == pytest.approx((4.5 - 32.0074, 4.5 + 32.0074), abs=1e-3)
    assert (finding.num_seeds, finding.num_instances, finding.verdict) == (2, 3, "undecided")


def test_seeds_that_would_decide_keep_the_mean_squares() -> None:
    # h^2(S) = u(S)^2 * 37.5/(3 S) + t(2)^2 * (6.5 - 1.5)/2/3 = u(S)^2 * 12.5/S + 15.4273 must fall below 4.5^2 = 20.25,
    # so u(S)^2/S below 0.385817, u the bound that holds at all numbers of seeds (test_curves.py). S = 35: 0.393088;
    # S = 36: 0.381591. 36 seeds in all are 34 more than the two there are.
    assert judge(TWO_BY_THREE, margin=POINT).more_seeds == 34


def test_seeds_that_would_tell_an_effect_from_one_that_matters() -> None:
    # mean 0, one chip, variance over seeds 0.0008: h^2(S) = u(S)^2 * 0.0008/S must fall below 0.01^2, so u(S)^2/S
    # below 0.125. S = 109: 0.125497; S = 110: 0.124389. 110 in all, two are there.
    finding = judge(np.array([[-0.02], [0.02]]), margin=POINT)

    assert (finding.verdict, finding.more_seeds) == ("undecided", 108)


def test_no_number_of_seeds_outweighs_chips_that_are_too_few() -> None:
    # as above the chips alone leave a half-width of sqrt(15.4273) = 3.93 around a mean of 4.5 - 1.5 = 3
    finding = judge(TWO_BY_THREE - 1.5, margin=POINT)

    assert (finding.verdict, finding.more_seeds) == ("undecided", None)


def test_more_seeds_than_anyone_would_train_are_not_counted() -> None:
    # variance 1 over seeds, mean 0.001, margin 0.01: t^2/S must fall below 0.009^2, which takes 47,000 seeds
    values = np.array([[-1.0], [1.0]]) * sqrt(0.5) + 0.001

    assert MAX_SEEDS < 47_000
    assert judge(values, margin=POINT).more_seeds is None


def test_decided_claim_needs_no_more_seeds() -> None:
    values = 0.05 + 1e-4 * np.random.default_rng(0).normal(size=(3, 20))

    for effects, said in (
        (values, "supported"),
        (-values, "opposite"),
        (values - 0.045, "no effect"),
        (values - 0.055, "no effect"),
    ):
        finding = judge(effects, margin=POINT)
        assert (finding.verdict, finding.more_seeds) == (said, None)


@given(effect=st.floats(-1, 1))
def test_one_seed_decides_nothing(effect: float) -> None:
    """However many chips agree: it says nothing of how trainings spread."""
    finding = judge(effect + 1e-6 * np.random.default_rng(0).normal(size=(1, 50)), margin=POINT)

    assert (finding.num_seeds, finding.num_instances) == (1, 50)
    assert (finding.verdict, finding.more_seeds) == ("undecided", None)
    assert finding.upper - finding.lower < 1e-5


def test_single_value_says_nothing() -> None:
    finding = judge(np.array([[0.3]]), margin=POINT)

    assert (finding.estimate, finding.lower, finding.upper, finding.verdict) == (0.3, -inf, inf, "undecided")
    assert (finding.num_seeds, finding.num_instances, finding.more_seeds) == (1, 1, None)


@pytest.mark.parametrize("values", [np.empty((0, 0)), np.full((2, 3), nan)])
def test_no_values_are_undecided(values: np.ndarray) -> None:
    finding = judge(values, margin=POINT)

    assert isnan(finding.estimate)
    assert (finding.num_seeds, finding.num_instances) == (0, 0)
    assert (finding.verdict, finding.more_seeds) == ("undecided", None)


def test_chips_that_lack_a_seeds_value_are_left_out() -> None:
    holed = np.hstack([TWO_BY_THREE, [[100.0], [nan]]])

    assert judge(holed, margin=POINT) == judge(TWO_BY_THREE, margin=POINT)


# ---------------------------------------------------------------- seeds that were not fixed in advance
def test_other_numbers_of_seeds_are_judged_by_the_interval_that_holds_at_all_of_them() -> None:
    """Three seeds whose usual interval clears zero and whose interval for any number does not."""
    values = np.array([[0.04], [0.05], [0.06]])
    fixed, grown = judge(values, margin=POINT), judge(values, margin=POINT, fixed=False)

    # standard error 0.01/sqrt(3) = 0.0057735; t(2) = 4.302653, u(3) = 13.221902
    assert (fixed.lower, fixed.verdict, fixed.anytime) == (
        pytest.approx(0.05 - 0.0248414, abs=1e-6),
        "supported",
        False,
    )
    assert (grown.lower, grown.verdict, grown.anytime) == (pytest.approx(0.05 - 0.0763367, abs=1e-6), "undecided", True)
    assert fixed.p == grown.p == pytest.approx(2 * stdtr(2, -0.05 / 0.0057735), rel=1e-4)


def test_two_seeds_never_say_anything_at_any_number() -> None:
    finding = judge(np.array([[0.5, 0.5], [0.4, 0.4]]), margin=POINT, fixed=False)

    assert (finding.lower, finding.upper, finding.verdict) == (-inf, inf, "undecided")


# ---------------------------------------------------------------- trainings that fail
def test_failed_trainings_ask_the_median_over_seeds_too() -> None:
    # five seeds: their median 4, their range 2 to 30 points with a confidence of 1 - 2/32
    values = np.array([[0.02], [0.03], [0.04], [0.05], [0.3]])
    finding = judge(values, margin=POINT, num_failed=1)

    assert finding.median == pytest.approx((0.04, 0.02, 0.3, 0.9375))
    assert (finding.num_failed, finding.verdict) == (1, "undecided")  # the mean's interval holds zero
    assert judge(values, margin=POINT).median is None


def test_median_that_does_not_say_the_same_leaves_a_claim_open() -> None:
    values = np.array([[0.05], [0.051], [0.052], [0.053], [0.054], [0.049], [0.048], [0.05], [-0.002]])
    whole, doubted = judge(values, margin=POINT), judge(values[[0, 1, 2, 3, 8]], margin=0.001, num_failed=1)

    assert whole.verdict == "supported"
    assert judge(values, margin=POINT, num_failed=1).verdict == "supported"  # the median's interval: 4.8 to 5.3 points
    assert not whole.doubted
    assert doubted.lower > 0
    assert (doubted.verdict, doubted.doubted, doubted.more_seeds) == ("undecided", True, None)
    assert doubted.median is not None
    assert doubted.median.lower < 0 < doubted.median.upper


@pytest.mark.parametrize(("num_seeds", "mean_covers"), [(2, 0.9), (3, 0.82), (5, 0.77)])
def test_seeds_of_which_a_fifth_fails_are_covered_by_the_median_not_by_the_mean(
    num_seeds: int, mean_covers: float
) -> None:
    """Effects of 2 ± 1 points, and of 40 where the other's training fails: a mean of 9.6, a median of about 2.3.

    The share of 1,000 samples in which an interval holds what it is of has a standard error below 0.016.
    """
    rng = np.random.default_rng(0)
    failing = rng.random((1000, num_seeds, 1)) < 0.2
    values = np.where(failing, 0.4, 0.02 + 0.01 * rng.standard_normal(failing.shape))
    mean, median = 0.8 * 0.02 + 0.2 * 0.4, 0.02 + 0.01 * ndtri(0.5 / 0.8)
    findings = [judge(table, margin=POINT, num_failed=1) for table in values]

    assert np.mean([one.lower <= mean <= one.upper for one in findings]) < mean_covers
    intervals = [one.median for one in findings if one.median is not None]
    covered = np.mean([one.lower <= median <= one.upper for one in intervals])
    assert covered > intervals[0].confidence - 0.04


@pytest.mark.parametrize(
    ("effect", "wrong"), [(0.0, "supported"), (POINT, "no effect")], ids=["no effect", "one that matters"]
)
@pytest.mark.parametrize(("seeds", "crossed", "rest"), [(1.0, 0.0, 1.0), (1.0, 1.0, 1.0), (0.02, 1.0, 0.1)])
def test_wrong_verdict_is_as_rare_as_the_interval_says(
    effect: float, wrong: Verdict, seeds: float, crossed: float, rest: float
) -> None:
    """Three seeds x 30 chips, both random, with these variances (in points): one side of the interval misses 2.5 %.

    Of 1,000 tables the share has a standard error of sqrt(0.025 * 0.975/1000) = 0.0049.
    """
    rng = np.random.default_rng(0)
    num_tables = 1000
    noise = (
        sqrt(seeds) * rng.standard_normal((num_tables, 3, 1))
        + sqrt(crossed) * rng.standard_normal((num_tables, 1, 30))
        + sqrt(rest) * rng.standard_normal((num_tables, 3, 30))
    )

    share = np.mean([judge(effect + POINT * table, margin=POINT).verdict == wrong for table in noise])

    assert share < 0.025 + 5 * sqrt(0.025 * 0.975 / num_tables)


# ---------------------------------------------------------------- shares of trainings that fail
def test_six_failures_of_ten_against_none() -> None:
    # Bonett and Price: (6 + 1)/12 and (0 + 1)/12, their difference 0.5;
    # half-width 1.959964 * sqrt((8/12 - 0.25)/12) = 1.959964 * 0.186339 = 0.365218
    finding = judged(failed(10), failed(10, 0, 1, 2, 3, 4, 5))

    assert finding.estimate == pytest.approx(0.6)
    assert (finding.lower, finding.upper) == pytest.approx((0.134782, 0.865218), abs=1e-6)
    assert (finding.num_seeds, finding.num_instances) == (10, NUM_CHIPS)
    assert (finding.verdict, finding.more_seeds, finding.num_failed) == ("supported", None, 6)
    assert finding.p == pytest.approx(2 * ndtr(-0.5 / 0.186339), rel=1e-4)


def test_two_failures_of_ten_against_another_one() -> None:
    # 3/12 and 2/12, difference 1/12; half-width 1.959964 * sqrt((5/12 - 1/144)/12) = 0.362161
    finding = judged(failed(10, 9), failed(10, 0, 1))

    assert finding.estimate == pytest.approx(0.1)
    assert (finding.lower, finding.upper) == pytest.approx((1 / 12 - 0.362161, 1 / 12 + 0.362161), abs=1e-6)
    # at the same shares of n trainings the difference 0.1 n/(n + 2) exceeds its half-width, for any number of seeds,
    # where 0.01 n^2 > u(n)^2 * (0.3 n + 2 - 0.01 n^2/(n + 2)): first at n = 430, with 1849.00 and 1846.31
    assert (finding.num_instances, finding.verdict, finding.more_seeds) == (NUM_CHIPS, "undecided", 420)


def test_no_failures_at_all_are_told_from_one_in_ten() -> None:
    # half-width 1.959964 * sqrt(2)/(n + 2) must fall below 0.1: n + 2 = 28, so 26 trainings fixed in advance are
    # enough; to grow until they are takes u(n) in the place of 1.959964: n = 51, ten are there
    finding = judged(failed(10), failed(10))

    assert (finding.estimate, finding.verdict, finding.more_seeds) == (0.0, "undecided", 41)
    assert judged(failed(26), failed(26)).verdict == "no effect"
    assert judged(failed(25), failed(25)).verdict == "undecided"


def test_trainings_that_fail_in_pairs_say_nothing() -> None:
    """Only seeds of which one training fails and the other does not tell the methods apart."""
    none, both = judged(failed(10), failed(10)), judged(failed(10, 2, 3), failed(10, 2, 3))

    assert (none.num_failed, both.num_failed) == (0, 4)
    assert replace(none, num_failed=4) == both


def test_failures_turned_round_have_the_interval_turned_round() -> None:
    ours, theirs = failed(12, 0, 1), failed(12, 1, 4, 5, 6, 7, 8)
    one, other = judged(ours, theirs), judged(theirs, ours)

    assert (one.lower, one.estimate, one.upper) == pytest.approx((-other.upper, -other.estimate, -other.lower))


def test_shares_lie_between_minus_1_and_1() -> None:
    finding = judged(failed(1), failed(1, 0))

    # 2/3 and 1/3, difference 1/3; half-width 1.959964 * sqrt((1 - 1/9)/3) = 1.066869, cut off at 1
    assert (finding.lower, finding.upper) == pytest.approx((1 / 3 - 1.066869, 1.0), abs=1e-6)


def test_no_trainings_are_undecided() -> None:
    finding = judged(failed(0), failed(0))

    assert isnan(finding.estimate)
    assert (finding.lower, finding.upper, finding.num_seeds, finding.num_instances) == (-inf, inf, 0, NUM_CHIPS)
    assert (finding.verdict, finding.more_seeds) == ("undecided", None)


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_methods_that_fail_alike_are_seldom_told_apart(probability: float) -> None:
    """Of 2,000 comparisons of ten trainings a share of at most 2.5 %, which has a standard error of 0.0035."""
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((2, 2000, 10)) < probability

    share = np.mean([judged(*pair, margin=1.0).verdict == "supported" for pair in zip(ours, theirs, strict=True)])

    assert share < 0.025 + 5 * sqrt(0.025 * 0.975 / 2000)
