"""The one rule by which claims are decided."""

from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        (0.001, 0.005, "supported"),  # small, but surely positive
        (0.0, 0.5, "undecided"),
        (-0.1, 0.5, "undecided"),
        (-0.1, 0.01, "undecided"),
        (-0.1, 0.0099, "not supported"),
        (0.0, 0.0099, "not supported"),
        (-0.5, -0.1, "not supported"),
        (-inf, inf, "undecided"),
    ],
)
def test_claim_is_supported_above_zero_and_not_below_the_margin(lower: float, upper: float, expected: Verdict) -> None:
    assert verdict(lower, upper, POINT) == expected


# ---------------------------------------------------------------- effects over seeds and chips
def test_finding_is_the_crossed_interval() -> None:
    finding = judge(TWO_BY_THREE, margin=POINT)

    assert finding.estimate == 4.5
    assert (finding.lower, finding.upper) == pytest.approx((4.5 - 32.0074, 4.5 + 32.0074), abs=1e-3)
    assert (finding.num_seeds, finding.num_instances, finding.verdict) == (2, 3, "undecided")


def test_seeds_that_would_decide_keep_the_mean_squares() -> None:
    # h^2(S) = t(S-1)^2 * 37.5/(3 S) + t(2)^2 * (6.5 - 1.5)/2/3 = t(S-1)^2 * 12.5/S + 15.4273 must fall below 4.5^2 =
    # 20.25, so t(S-1)^2/S below 0.385817. S = 12: 2.200985^2/12 = 0.403694; S = 13: 2.178813^2/13 = 0.365171.
    # 13 seeds in all are 11 more than the two there are.
    assert judge(TWO_BY_THREE, margin=POINT).more_seeds == 11


def test_seeds_that_would_tell_an_effect_from_one_that_matters() -> None:
    # mean 0, one chip, variance over seeds 0.0008: h^2(S) = t(S-1)^2 * 0.0008/S must fall below 0.01^2, so t(S-1)^2/S
    # below 0.125. S = 33: 2.036933^2/33 = 0.125730; S = 34: 2.034515^2/34 = 0.121743. 34 in all, two are there.
    finding = judge(np.array([[-0.02], [0.02]]), margin=POINT)

    assert (finding.verdict, finding.more_seeds) == ("undecided", 32)


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

    assert judge(values, margin=POINT)[5:] == ("supported", None)
    assert judge(-values, margin=POINT)[5:] == ("not supported", None)
    assert judge(values - 0.045, margin=POINT)[5:] == ("supported", None)
    assert judge(values - 0.055, margin=POINT)[5:] == ("not supported", None)


@given(effect=st.floats(-1, 1))
def test_one_seed_decides_nothing(effect: float) -> None:
    """However many chips agree: it says nothing of how trainings spread."""
    finding = judge(effect + 1e-6 * np.random.default_rng(0).normal(size=(1, 50)), margin=POINT)

    assert (finding.num_seeds, finding.num_instances) == (1, 50)
    assert (finding.verdict, finding.more_seeds) == ("undecided", None)
    assert finding.upper - finding.lower < 1e-5


def test_single_value_says_nothing() -> None:
    assert judge(np.array([[0.3]]), margin=POINT) == (0.3, -inf, inf, 1, 1, "undecided", None)


@pytest.mark.parametrize("values", [np.empty((0, 0)), np.full((2, 3), nan)])
def test_no_values_are_undecided(values: np.ndarray) -> None:
    finding = judge(values, margin=POINT)

    assert isnan(finding.estimate)
    assert finding[3:] == (0, 0, "undecided", None)


def test_chips_that_lack_a_seeds_value_are_left_out() -> None:
    holed = np.hstack([TWO_BY_THREE, [[100.0], [nan]]])

    assert judge(holed, margin=POINT) == judge(TWO_BY_THREE, margin=POINT)


@pytest.mark.parametrize(
    ("effect", "wrong"), [(0.0, "supported"), (POINT, "not supported")], ids=["no effect", "one that matters"]
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
    assert finding[3:] == (10, NUM_CHIPS, "supported", None)


def test_two_failures_of_ten_against_another_one() -> None:
    # 3/12 and 2/12, difference 1/12; half-width 1.959964 * sqrt((5/12 - 1/144)/12) = 0.362161
    finding = judged(failed(10, 9), failed(10, 0, 1))

    assert finding.estimate == pytest.approx(0.1)
    assert (finding.lower, finding.upper) == pytest.approx((1 / 12 - 0.362161, 1 / 12 + 0.362161), abs=1e-6)
    # at the same shares of n trainings the difference 0.1 n/(n + 2) exceeds its half-width where 0.01 n^2 >
    # 3.841459 * (0.3 n + 2 - 0.01 n^2/(n + 2)): n = 117 gives 136.89 and 138.10, n = 118 gives 139.24 and 139.21
    assert finding[3:] == (10, NUM_CHIPS, "undecided", 108)


def test_no_failures_at_all_are_told_from_one_in_ten() -> None:
    # half-width 1.959964 * sqrt(2)/(n + 2) must fall below 0.1: n + 2 = 28, so 26 trainings, ten are there
    finding = judged(failed(10), failed(10))

    assert (finding.estimate, finding.verdict, finding.more_seeds) == (0.0, "undecided", 16)
    assert judged(failed(26), failed(26)).verdict == "not supported"
    assert judged(failed(25), failed(25)).verdict == "undecided"


def test_trainings_that_fail_in_pairs_say_nothing() -> None:
    """Only seeds of which one training fails and the other does not tell the methods apart."""
    none, both = judged(failed(10), failed(10)), judged(failed(10, 2, 3), failed(10, 2, 3))

    assert none == both


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
    assert finding[1:] == (-inf, inf, 0, NUM_CHIPS, "undecided", None)


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_methods_that_fail_alike_are_seldom_told_apart(probability: float) -> None:
    """Of 2,000 comparisons of ten trainings a share of at most 2.5 %, which has a standard error of 0.0035."""
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((2, 2000, 10)) < probability

    share = np.mean([judged(*pair, margin=1.0).verdict == "supported" for pair in zip(ours, theirs, strict=True)])

    assert share < 0.025 + 5 * sqrt(0.025 * 0.975 / 2000)
