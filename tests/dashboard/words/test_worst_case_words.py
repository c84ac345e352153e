"""The worst case in words."""

import pandas as pd
import pytest

from dashboard.data.worst_cases import WorstChip
from dashboard.words import worst_case_words
from neft import columns as c
from tests.dashboard.told import assert_tells

CHIP = WorstChip(sigma_d=0.1, accuracy=0.912, instance=7, num_chips=200)


def table(*accuracies: float) -> pd.DataFrame:
    th_gs = [0.01 * place for place in range(len(accuracies))]
    beside = {c.UNIFORM_MIN: 0.962, c.GAUSSIAN_MIN: [0.97 - th_g for th_g in th_gs]}
    return pd.DataFrame({c.TH_G: th_gs, c.ACCURACY: accuracies} | beside)


def test_an_adversary_is_held_against_chance_at_what_write_verify_leaves() -> None:
    said = worst_case_words.finding(table(0.98, 0.8, 0.4, 0.1, 0.0), CHIP, num_images=1397)

    adversary = ("3 %", "0.03", "98.0 %", "10.0 %", "1,397 test images", "94.0 %", "2 % is the smallest")
    assert_tells(said, *adversary, "200 sampled chips", "0.1", "91.2 %", "a better search may find lower")


def test_where_that_was_not_tried_the_largest_bound_is_said() -> None:
    said = worst_case_words.finding(table(0.98, 0.8), None, num_images=100)

    assert_tells(said, "1 %", "0.01", "98.0 %", "80.0 %", "100 test images", "96.0 %", "Up to 1 % more than half")


@pytest.mark.parametrize(
    ("accuracies", "words"),
    [
        ((0.98, 0.5), "Up to 1 % more than half of the images stay right."),
        ((0.98, 0.49), "Of the bounds tried, 1 % is the smallest that leaves less than half of the images right."),
        ((0.4, 0.3), "Even without deviations less than half of the images are right."),
    ],
)
def test_where_it_falls_below_half_is_said(accuracies: tuple[float, ...], words: str) -> None:
    assert worst_case_words.half_words(table(*accuracies)) == words


def test_the_line_of_the_worst_chip_says_of_how_many() -> None:
    assert worst_case_words.chip_name(CHIP) == "worst of 200 sampled chips at σ<sub>d</sub> = 0.1"
    assert worst_case_words.chip_name(None) == ""
