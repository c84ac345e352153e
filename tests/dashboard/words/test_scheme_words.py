"""Mapping and programming in words."""

import pandas as pd

from dashboard.words import scheme_words
from neft import columns as c
from neft.tables.schemes import Choice


def rows(**gains: float) -> pd.DataFrame:
    """Schemes that keep so much more than the first, half a point sure."""
    frame = pd.DataFrame({c.SCHEME: list(gains), c.LABEL: list(gains), c.DIFFERENCE: list(gains.values())})
    costs = {c.DEVICES: 8, c.PULSES: [4.0, 20.26, 4.0][: len(frame)], c.READS: [0.0, 20.26, 0.0][: len(frame)]}
    numbers = {c.MEAN: 0.8 + frame[c.DIFFERENCE], c.CI95: 0.01, c.DIFFERENCE_CI95: 0.005, c.NUM_INSTANCES: 60}
    return frame.assign(**costs, **numbers, **{c.PERCENTILE_VALUE: 0.7 + frame[c.DIFFERENCE]})


TABLE = rows(plain=0.0, verified=0.15, shared=0.1)


def test_the_title_is_the_gain_of_the_best_over_the_first() -> None:
    assert scheme_words.title(TABLE) == "Verified: 15.0 points more than plain"


def test_a_gain_within_its_interval_is_no_finding() -> None:
    table = rows(plain=0.0, verified=0.004)
    assert scheme_words.title(table) == "No scheme is told to be better than plain"
    assert "no other is told to keep more" in scheme_words.finding(table, 0.2)


def test_the_finding_tells_costs_and_what_comes_for_none() -> None:
    said = scheme_words.finding(TABLE, 0.2)
    assert "**verified** keeps 95.0 ± 1.0 % of images right, 15.0 ± 0.5 points more than plain" in said
    assert "8 devices, 20.3 pulses and 20.3 reads a weight; plain 8 devices, 4 pulses and 0 reads" in said
    assert said.endswith("Without one more device, pulse or read, **shared** keeps 10.0 ± 0.5 points more.")


def test_a_decision_names_the_chip_that_proves_it_and_those_below() -> None:
    choice = Choice("verified", rank=2, instance=17, accuracy=0.912, num_chips=100, below=tuple(range(7)))
    said = scheme_words.decision(TABLE, choice, percentile=5, bar=0.9, cost=c.PULSES)
    assert said.startswith("Cheapest in pulses a weight with its 5th percentile above 90 %: **verified**")
    assert "number 2 from the worst, chip 17, keeps 91.2 %" in said
    assert said.endswith("7 below the bar (chips 0, 1, 2, 3, 4 …).")


def test_without_a_decision_the_nearest_is_named() -> None:
    said = scheme_words.decision(TABLE, None, percentile=1, bar=0.9, cost=c.PULSES)
    assert "The nearest, verified, is estimated at 85.0 %." in said
    assert said.endswith("needs 299 chips; these are 60.")


def test_shares_are_told_the_best_choice_first() -> None:
    table = pd.DataFrame(
        {
            c.LABEL: ["magnitude", "random", "random"],
            c.BUDGET: [0.1, 0.1, 0.2],
            c.MEAN: [0.7, 0.8, 0.9],
            c.CI95: 0.01,
            c.PULSES: [5.0, 5.0, 9.0],
            c.READS: [2.0, 2.0, 4.0],
        }
    )
    assert scheme_words.budget_words(table, 0.1) == (
        "With 10 % of the weights verified: random 80.0 ± 1.0 %, magnitude 70.0 ± 1.0 %; 5 pulses and 2 reads a weight."
    )
