"""Low percentiles, their intervals, and how many chips it takes to know them."""

import numpy as np
import pytest

from neft.tables.percentiles import (
    chip_histogram,
    chips_to_meet,
    estimates_by_chips,
    percentile_with_interval,
)


def test_interval_of_a_percentile_is_that_of_the_binomial_ranks() -> None:
    # of 1,000 chips binomial(1000, 0.01) lie below the 1st percentile: at most 3 with 1.0 %, at most 4 with 2.9 %, so
    # the chip of rank 4 (0.003) bounds it from below; at most 16 with 97.4 %, 17 with 98.6 %, so rank 18 from above
    found = percentile_with_interval(np.arange(1000) / 1000, 0.01)

    assert found.value == pytest.approx(0.00999)
    assert (found.lower, found.upper) == (0.003, 0.017)


def test_median_of_ten_lies_between_the_second_and_the_ninth() -> None:
    # the textbook interval: 1 - 2 (1 + 10) / 1024 = 97.9 %
    found = percentile_with_interval(np.arange(10.0), 0.5)

    assert (found.lower, found.upper) == (1.0, 8.0)


@pytest.mark.parametrize(("share", "needed"), [(0.01, 368), (0.05, 72)])
def test_lower_end_comes_with_the_chips_that_meet_the_unlucky_one(share: float, needed: int) -> None:
    assert chips_to_meet(share, confidence=0.975) == needed
    assert np.isnan(percentile_with_interval(np.arange(needed - 1.0), share).lower)
    assert percentile_with_interval(np.arange(float(needed)), share).lower == 0


def test_interval_covers_the_percentile_of_a_skewed_law() -> None:
    rng = np.random.default_rng(7)
    truth = -np.log(0.95)  # of the exponential law's 5th percentile
    held = 0
    for _ in range(2000):
        found = percentile_with_interval(rng.exponential(size=200), 0.05)
        held += found.lower <= truth <= found.upper

    # at least 95 %; five standard errors of 2,000 tries are 2.4 points
    assert held / 2000 > 0.95 - 0.024


def test_without_values_nothing_is_known() -> None:
    assert all(np.isnan(percentile_with_interval(np.array([np.nan]), 0.01)))
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
