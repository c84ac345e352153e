"""Schemes side by side: what is on the front, what is cheapest, and the chips that prove it."""

import itertools

import numpy as np
import pandas as pd
import pytest

from neft import columns as c
from neft.tables.schemes import at_sigma_d, by_cost, cheapest, on_front, schemes_table

AT = 0.1
NUM_CHIPS = 60


def chips_of(**means: float) -> pd.DataFrame:
    """Chips in steps of a thousandth around each scheme's mean, in an order of their own."""
    steps = np.random.default_rng(1).permutation(NUM_CHIPS) / 1000
    return pd.concat(
        [
            pd.DataFrame(
                {c.SCHEME: name, c.SIGMA_D: AT, c.INSTANCE: range(NUM_CHIPS), c.ACCURACY: mean + steps - steps.mean()}
            )
            for name, mean in means.items()
        ]
    )


def costs_of(**costs: tuple[float, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [{c.SCHEME: name, c.SIGMA_D: AT} | dict(zip(c.COSTS, cost, strict=True)) for name, cost in costs.items()]
    )


CHIPS = chips_of(plain=0.6, dear=0.9, verified=0.9, half=0.5)
COSTS = costs_of(plain=(8, 4, 0, 0), dear=(16, 8, 0, 0), verified=(8, 20, 20, 0), half=(4, 4, 0, 0))


def test_a_row_is_on_the_front_unless_another_is_as_cheap_and_as_good_and_better_in_one() -> None:
    points = pd.DataFrame(list(itertools.product((1.0, 2.0), (1.0, 2.0), (0.5, 0.6))), columns=["a", "b", c.MEAN])

    kept = points[on_front(points, ["a", "b"])]

    assert kept.to_numpy().tolist() == [[1.0, 1.0, 0.6]]


def test_what_costs_and_keeps_the_same_is_on_the_front_together() -> None:
    points = pd.DataFrame({"a": [1.0, 1.0], c.MEAN: [0.5, 0.5]})
    assert on_front(points, ["a"]).all()


def test_the_front_counts_every_cost() -> None:
    table = schemes_table(CHIPS, COSTS, percentile=5)
    assert dict(zip(table[c.SCHEME], table[c.ON_FRONT], strict=True)) == {
        "plain": True,
        "dear": True,  # fewer pulses than what is verified, on more devices
        "verified": True,
        "half": True,
    }


def test_differences_are_taken_chip_by_chip_to_the_first_scheme() -> None:
    table = schemes_table(CHIPS, COSTS, percentile=5).set_index(c.SCHEME)

    assert table.loc["dear", c.DIFFERENCE] == pytest.approx(0.3)
    # the schemes' chips differ by the same everywhere, however much they spread
    assert table.loc["dear", c.DIFFERENCE_CI95] == pytest.approx(0, abs=1e-12)
    assert table[c.CI95]["dear"] > 0.003


def test_a_percentile_has_the_limits_that_its_chips_set() -> None:
    row = schemes_table(CHIPS, COSTS, percentile=5).iloc[0]
    lowest = CHIPS[CHIPS[c.SCHEME] == "plain"][c.ACCURACY].min()
    assert row[c.PERCENTILE_LOWER] == lowest  # of 60 chips the worst is the 5th percentile's lower limit
    few = CHIPS[CHIPS[c.INSTANCE] < 58]
    assert np.isnan(schemes_table(few, COSTS, percentile=5).iloc[0][c.PERCENTILE_LOWER])


def test_the_cheapest_is_sorted_by_the_cost_asked_for_then_by_the_others() -> None:
    table = at_sigma_d(schemes_table(CHIPS, COSTS, percentile=5), AT)
    assert by_cost(table, c.DEVICES)[c.SCHEME].tolist() == ["half", "plain", "verified", "dear"]
    assert by_cost(table, c.PULSES)[c.SCHEME].tolist() == ["half", "plain", "dear", "verified"]


def test_the_cheapest_that_holds_is_proven_by_a_chip() -> None:
    table = schemes_table(CHIPS, COSTS, percentile=5)

    found = cheapest(table, CHIPS, sigma_d=AT, cost=c.DEVICES, bar=0.85, percentile=5)

    assert found is not None
    ours = CHIPS[CHIPS[c.SCHEME] == "verified"].set_index(c.INSTANCE)[c.ACCURACY]
    assert (found.scheme, found.rank, found.num_chips, found.below) == ("verified", 1, NUM_CHIPS, ())
    assert (found.instance, found.accuracy) == (ours.idxmin(), ours.min())


def test_another_cost_makes_another_choice() -> None:
    table = schemes_table(CHIPS, COSTS, percentile=5)
    found = cheapest(table, CHIPS, sigma_d=AT, cost=c.PULSES, bar=0.85, percentile=5)
    assert found is not None
    assert found.scheme == "dear"


def test_an_estimate_above_the_bar_is_no_proof() -> None:
    table = schemes_table(CHIPS, COSTS, percentile=5)
    row = table[table[c.SCHEME] == "dear"].iloc[0]
    between = (row[c.PERCENTILE_LOWER] + row[c.PERCENTILE_VALUE]) / 2
    assert row[c.PERCENTILE_VALUE] > between
    assert cheapest(table, CHIPS, sigma_d=AT, cost=c.DEVICES, bar=between, percentile=5) is None


def test_too_few_chips_prove_nothing() -> None:
    few = CHIPS[CHIPS[c.INSTANCE] < 58]
    table = schemes_table(few, COSTS, percentile=5)
    assert cheapest(table, few, sigma_d=AT, cost=c.DEVICES, bar=0.01, percentile=5) is None


def test_the_chips_below_the_bar_are_named() -> None:
    percentile = 50
    table = schemes_table(CHIPS, COSTS, percentile=percentile)
    ours = CHIPS[CHIPS[c.SCHEME] == "verified"].set_index(c.INSTANCE)[c.ACCURACY].sort_values()
    bar = (ours.iloc[1] + ours.iloc[2]) / 2

    found = cheapest(table, CHIPS, sigma_d=AT, cost=c.DEVICES, bar=bar, percentile=percentile)

    assert found is not None
    assert found.below == tuple(ours.index[:2])
