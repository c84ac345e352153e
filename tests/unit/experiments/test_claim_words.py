"""A claim's row in words."""

import math
from typing import Any

import pandas as pd
import pytest

from neft.experiments.claim_words import (
    caveats,
    effect_words,
    holm_words,
    margin_words,
    number_words,
    published_words,
    verdict_words,
)

NAN, INFINITE = math.nan, math.inf


def a_row(**changes: Any) -> dict[Any, Any]:
    """A row of the table of claims."""
    return {
        "unit": "points",
        "estimate": 1.25,
        "lower": 0.34,
        "upper": 2.16,
        "margin": 0.5,
        "published": NAN,
        "verdict": "supported",
        "more_seeds": None,
        "num_seeds": 3,
        "num_failed": 0,
        "anytime": False,
        "median": NAN,
        "median_lower": NAN,
        "median_upper": NAN,
        "median_confidence": NAN,
        "doubted": False,
        **changes,
    }


# ---------------------------------------------------------------- numbers
@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (19.04, "points", "+19.0"),
        (-0.5, "points", "−0.5"),
        (0.031, "points", "+0.03"),
        (-0.004, "points", "0"),
        (60, "share", "+60.0"),
        (3.08, "ratio", "3.1 times lower"),
        (1.26, "ratio", "1.26 times lower"),
        (0.5, "ratio", "2.0 times higher"),
        (1, "ratio", "1.00 times lower"),
        (0.0, "ratio", "any times higher"),
    ],
)
def test_number_is_said_by_its_unit(value: float, unit: Any, text: str) -> None:
    assert number_words(value, unit) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "+1.2 (+0.3 to +2.2)"),
        ({"estimate": -1.26, "lower": -2.5, "upper": 0.04}, "−1.3 (−2.5 to +0.04)"),
        ({"estimate": 0.5, "lower": -INFINITE, "upper": INFINITE}, "+0.5"),
        ({"estimate": NAN, "lower": NAN, "upper": NAN}, "–"),
        ({"unit": "ratio", "estimate": 3.08, "lower": 2.8, "upper": 3.4}, "3.1 times lower (2.8 to 3.4)"),
        ({"unit": "ratio", "estimate": 0.5, "lower": 0.4, "upper": 0.625}, "2.0 times higher (1.60 to 2.5)"),
        (
            {"unit": "ratio", "estimate": 1.05, "lower": 0.8, "upper": 1.4},
            "1.05 times lower (1.25 times higher to 1.40 times lower)",
        ),
        ({"unit": "ratio", "estimate": 2.5, "lower": 0.0, "upper": INFINITE}, "2.5 times lower"),
    ],
)
def test_effect_has_its_interval(changes: dict[str, Any], text: str) -> None:
    assert effect_words(a_row(**changes)) == text


def test_published_number_is_said_as_ours_or_is_a_dash() -> None:
    assert published_words(a_row(published=46.71)) == "+46.7"
    assert published_words(a_row(published=8.0, unit="ratio")) == "8.0 times lower"
    assert published_words(a_row()) == "–"


def test_margin_has_its_unit() -> None:
    assert margin_words(a_row()) == "± 0.5 points"
    assert margin_words(a_row(unit="ratio", margin=1.1)) == "1.1 times the EKL"
    assert margin_words(a_row(unit="share", margin=10.0)) == "± 10 trainings of 100"


# ---------------------------------------------------------------- verdicts
@pytest.mark.parametrize(
    ("verdict", "seeds", "more", "text"),
    [
        ("supported", 3, None, "supported"),
        ("opposite", 3, None, "opposite"),
        ("no effect", 3, None, "no effect beyond the margin"),
        ("undecided", 3, 4, "undecided; 4 more seeds"),
        ("undecided", 3, 1, "undecided; 1 more seed"),
        ("undecided", 3, 4.0, "undecided; 4 more seeds"),
        ("undecided", 3, None, "undecided; more than 1,000 seeds"),
        ("undecided", 3, NAN, "undecided; more than 1,000 seeds"),
        ("undecided", 1, None, "undecided; one seed decides nothing"),
    ],
)
def test_open_verdict_says_what_would_decide_it(verdict: str, seeds: int, more: float | None, text: str) -> None:
    row = a_row(verdict=verdict, num_seeds=seeds, more_seeds=more, lower=-1.0)

    assert verdict_words(row) == text


def test_verdict_that_the_median_does_not_share_says_so() -> None:
    row = a_row(verdict="undecided", doubted=True, num_failed=1, median=1.0, median_lower=-0.2, median_upper=2.0)

    assert verdict_words(row) == "undecided; trainings fail, and their median does not say the same"


def test_what_to_keep_in_mind() -> None:
    median = {"median": 1.5, "median_lower": 0.4, "median_upper": 2.0, "median_confidence": 0.9375}

    assert caveats(a_row()) == []
    assert caveats(a_row(num_failed=2, **median)) == [
        "2 trainings failed, so seeds are not normal; median over seeds +1.5 (+0.4 to +2.0, 94 %)"
    ]
    assert caveats(a_row(num_failed=2, unit="share")) == []  # that is what it counts
    assert caveats(a_row(anytime=True)) == ["seeds not as many as the preset fixes: an interval for any number of them"]


def test_many_answers_are_weighed_together() -> None:
    rows = pd.DataFrame(
        {
            "verdict": ["supported"] * 3 + ["opposite"] + ["undecided"] * 56 + ["no runs"],
            "p": [0.01] * 60 + [NAN],
            "holm": [True, False, False, True] + [False] * 57,
        }
    )

    assert holm_words(rows) == (
        "4 of 60 effects are told from zero, each by itself: were none of them real, about 3 would be told all the "
        "same, half of them as supported. All answers together hold for 2 of them (Holm)."
    )
    assert holm_words(rows[4:]) == ""
