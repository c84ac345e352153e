"""Bets against a number of wrong images win seldom where it is true, and soon where it is not."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neft.evaluation.image_bets import MOST, Bets, best_stake, most_log_coins

shares = st.floats(0.003, 0.997)
stakes = st.floats(0, 5)


def bets_of(wrong: np.ndarray, first: np.ndarray, later: np.ndarray, stakes: tuple[float, float]) -> list[Bets]:
    """On all images in this order: two bets, the forecasts of the second made after the first."""
    half = len(wrong) // 2
    return [
        Bets(len(wrong), 0, wrong[:half], first[:half], float(first.sum()), stakes[0]),
        Bets(
            len(wrong) - half, int(wrong[:half].sum()), wrong[half:], later[half:], float(later[half:].sum()), stakes[1]
        ),
    ]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.booleans(), min_size=5, max_size=5),
    st.lists(shares, min_size=5, max_size=5),
    st.lists(shares, min_size=10, max_size=10),
    stakes,
    stakes,
)
def test_over_all_orders_of_the_images_coins_bet_against_the_truth_stay_one_on_average(
    outcomes: list[bool], start: list[float], taught: list[float], one: float, other: float
) -> None:
    wrong, first = np.array(outcomes), np.array(start)
    total = int(wrong.sum())
    coins: list[np.ndarray] = []
    for order in permutations(range(5)):
        at = np.array(order)
        # the second forecast goes by what the first images taught
        half = int(wrong[at[:2]].sum())
        later = np.array(taught[:5] if half else taught[5:])
        both = bets_of(wrong[at], first[at], later[at], (one, other if half else one))
        coins.append(np.exp(np.concatenate([bet.log_coins(total) for bet in both]).cumsum()))

    # coins are cut off at 1e-9 from below, five times at most
    assert np.mean(coins, axis=0) == pytest.approx(np.ones(5), abs=1e-6)
    reached = np.max(coins, axis=1)
    for alpha in (0.5, 0.2, 0.05):
        assert (reached >= 1 / alpha).mean() <= alpha + 1e-9


@given(st.lists(st.booleans(), min_size=8, max_size=8), st.lists(shares, min_size=8, max_size=8), stakes)
def test_coins_rise_with_the_number_that_is_bet_against(outcomes: list[bool], told: list[float], stake: float) -> None:
    wrong, forecast = np.array(outcomes), np.array(told)
    bets = Bets(12, 1, wrong, forecast, float(forecast.sum()) + 2, stake)
    least = 1 + int(wrong.sum())

    each = np.array([bets.log_coins(at_least) for at_least in range(least, 14)])

    assert (np.diff(each, axis=0) >= -1e-9).all()


def test_a_coin_is_worked_out_by_hand() -> None:
    # four images, forecast 0.25 each; against at least 2 wrong: nu = (2 - 1) / 4 = 0.25, and after a right image, y =
    # -0.25, with a stake of 1: 1 + 0.25 + 0.25 = 1.5. Then nu = (2 - 0.75) / 3 = 5 / 12, and of a wrong one y = 0.75:
    # 1 + 5 / 12 - 3 / 4 = 2 / 3
    bets = Bets(4, 0, np.array([False, True]), np.full(2, 0.25), 1.0, 1.0)

    assert np.exp(bets.log_coins(2)) == pytest.approx([1.5, 2 / 3])
    assert np.exp(most_log_coins([bets], 2)) == pytest.approx(1.5)


def test_no_more_is_staked_than_there_is() -> None:
    # nu = 0.9 allows a stake of 9.5; a wrong image, y = 1, costs 0.95 of all
    bets = Bets(10, 0, np.array([True]), np.zeros(1), 0.0, 100.0)

    assert np.exp(bets.log_coins(9)) == pytest.approx([1 - MOST])


def test_where_forecasts_promise_nothing_a_little_is_staked() -> None:
    assert 0 < best_stake(-0.3, 0.1) == best_stake(0.0, 0.1) < best_stake(0.05, 0.1)
