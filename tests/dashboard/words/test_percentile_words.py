"""Percentiles in words: their limits, and where chips are too few."""

import numpy as np
import pandas as pd
import pytest

from dashboard.words import percentile_words
from neft import columns as c

NAN = float("nan")


def percentiles(*, lower: float = NAN, chips: int = 200, percentile: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.VARIANT: ["ovf"] * 2,
            c.LABEL: ["OVF"] * 2,
            c.SIGMA_D: [0.0, 0.1],
            c.PERCENTILE: percentile,
            c.VALUE: [0.97, 0.9],
            c.LOWER: [0.97, lower],
            c.UPPER: [0.97, 0.92],
            c.NUM_SEEDS: 3,
            c.NUM_INSTANCES: chips,
        }
    )


def test_unlucky_chips_are_told_beside_the_mean() -> None:
    means = pd.DataFrame({c.VARIANT: ["ovf"], c.MEAN: [0.95]})

    said = percentile_words.unlucky_words(percentiles(), means, 0.1)

    assert said == r"1st percentile at $\sigma_d$ = 0.1 (points below the mean): OVF 90.0 % (−5.0)."


@pytest.mark.parametrize(
    ("chips", "percentile", "words"),
    [
        (200, 1, "A 95 % lower limit of the 1st percentile needs 299 chips; these are 200. A still worse chip is not"),
        (200, 5, "Either limit holds with at least 95 %"),
        (299, 1, "Either limit holds with at least 95 %"),
    ],
)
def test_it_is_said_whether_the_chips_are_enough(chips: int, percentile: int, words: str) -> None:
    said = percentile_words.percentile_limits_words(percentiles(chips=chips, percentile=percentile))

    assert said.startswith(words)
    assert percentile_words.percentile_limits_words(percentiles().iloc[:0]) == ""


def test_line_is_named_for_its_percentile_chips_and_limits() -> None:
    assert percentile_words.percentile_line_name(percentiles(lower=0.88, chips=400)) == (
        "1st percentile over 400 chips, mean of 3 seeds; one-sided 95 % limits"
    )
    assert percentile_words.percentile_line_name(percentiles()).endswith(
        "mean of 3 seeds; upper 95 % limit, no lower one"
    )


def test_cells_hold_a_percentile_and_the_limits_there_are() -> None:
    table = pd.DataFrame(
        {
            c.SIGMA_D: [0.0, 0.1, 0.2],
            c.PERCENTILE_1: [0.97, 0.9, np.nan],
            c.PERCENTILE_1_LOWER: [0.97, NAN, NAN],
            c.PERCENTILE_1_UPPER: [0.97, 0.92, NAN],
            c.PERCENTILE_5: [0.97, 0.93, None],
            c.PERCENTILE_5_LOWER: [0.97, 0.925, NAN],
            c.PERCENTILE_5_UPPER: [0.97, 0.94, NAN],
        }
    )

    found = percentile_words.in_cells(table)

    assert list(found.columns) == [c.SIGMA_D, c.PERCENTILE_1, c.PERCENTILE_5]
    assert found[c.PERCENTILE_1].tolist() == ["97.0 %", "90.0 % (at most 92.0)", "–"]
    assert found[c.PERCENTILE_5].tolist() == ["97.0 %", "93.0 % (92.5 to 94.0)", "–"]


def test_both_percentiles_may_lack_chips() -> None:
    said = percentile_words.too_few_words([20.0, NAN, 40.0])

    assert said == (
        "A 95 % lower limit of the 1st percentile needs 299 chips; these are 20 to 40. "
        "A 95 % lower limit of the 5th percentile needs 59 chips; these are 20 to 40."
    )


def test_least_sure_chips_are_told_in_nats() -> None:
    rows = percentiles(percentile=99).assign(**{c.LOWER: 0.88, c.UPPER: NAN}).iloc[1:]

    assert percentile_words.unsure_words(rows) == (
        "99th percentile over chips, the least sure ones: OVF 0.900 (at least 0.880). "
        "A 95 % upper limit of the 99th percentile needs 299 chips; these are 200."
    )
    assert percentile_words.unsure_words(rows.iloc[:0]) == ""
