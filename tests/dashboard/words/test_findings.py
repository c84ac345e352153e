"""Experiments and claims in words."""

import math
from typing import Any

import pandas as pd
import pytest

from dashboard.words import findings
from neft.reference import published_settings
from tests.dashboard.told import assert_tells

NAN, INFINITE = math.nan, math.inf
VERDICTS = ("supported", "not supported", "undecided")


def a_claim(claim: str = "classifier_noise_helps", verdict: str = "supported", **changes: Any) -> dict[str, Any]:
    """A row of the table of claims."""
    return {
        "claim": claim,
        "words": f"{claim.partition('_')[0].upper()} does what it says.",
        "paper": True,
        "data": "Digits 8×8, MLP",
        "unit": "points",
        "estimate": 1.25,
        "lower": 0.34,
        "upper": 2.16,
        "published": NAN,
        "verdict": verdict,
        "more_seeds": None,
        "num_seeds": 3,
        **changes,
    }


def a_table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


# ---------------------------------------------------------------- the page's first sentence
def test_verdicts_are_counted_for_the_paper_and_for_the_controls_apart() -> None:
    verdicts = ["supported", "supported", "not supported", "undecided", "no runs"]
    paper = [a_claim(verdict=verdict) for verdict in verdicts]
    ours = [a_claim(verdict="undecided", paper=False)]

    counted = [words for numbers in ("211", "001") for words in zip(numbers, VERDICTS, strict=True)]
    assert_tells(findings.claims_finding(a_table(*paper, *ours)), *(word for words in counted for word in words))


def test_feedback_against_its_control_is_said_where_there_are_runs() -> None:
    ovf = a_claim("ovf_beats_control", "not supported", estimate=-0.84, lower=-1.1, upper=-0.5, paper=False)
    irs = a_claim("irs_beats_control", "no runs", paper=False)

    said = findings.claims_finding(a_table(ovf, irs)).rpartition("noise injection")[2]
    assert_tells(said, "OVF", "−0.8", "−1.1", "−0.5", "Digits 8×8, MLP", "not supported")


# ---------------------------------------------------------------- verdicts and effects
@pytest.mark.parametrize(
    ("verdict", "seeds", "more", "text"),
    [
        ("supported", 3, None, "● supported"),
        ("not supported", 3, None, "○ not supported"),
        ("undecided", 3, 4, "◐ undecided; 4 more seeds"),
        ("undecided", 3, 1, "◐ undecided; 1 more seed"),
        ("undecided", 3, 4.0, "◐ undecided; 4 more seeds"),
        ("undecided", 3, None, "◐ undecided; more than 1,000 seeds"),
        ("undecided", 3, NAN, "◐ undecided; more than 1,000 seeds"),
        ("undecided", 1, None, "◐ undecided; one seed decides nothing"),
    ],
)
def test_open_verdict_says_what_would_decide_it(verdict: str, seeds: int, more: float | None, text: str) -> None:
    assert findings.verdict_words(a_table(a_claim(verdict=verdict, num_seeds=seeds, more_seeds=more))) == [text]


def test_verdicts_come_a_row_each() -> None:
    rows = a_table(a_claim(), a_claim(verdict="undecided", more_seeds=7))

    assert findings.verdict_words(rows) == ["● supported", "◐ undecided; 7 more seeds"]


@pytest.mark.parametrize(
    ("estimate", "lower", "upper", "text"),
    [
        (1.25, 0.34, 2.16, "+1.2 (+0.3 to +2.2)"),
        (-1.26, -2.5, 0.04, "−1.3 (−2.5 to +0.0)"),
        (0.5, -INFINITE, INFINITE, "+0.5"),
    ],
)
def test_effect_has_its_interval_with_true_signs(estimate: float, lower: float, upper: float, text: str) -> None:
    row = a_claim(estimate=estimate, lower=lower, upper=upper)

    assert findings.effect_words(a_table(row)) == [text]


@pytest.mark.parametrize(
    ("published", "unit", "text"),
    [
        (19.04, "points", "+19.0"),
        (-0.5, "points", "−0.5"),
        (60.4, "percent", "+60.4 %"),
        (60, "share", "+60.0"),
        (NAN, "points", "–"),
    ],
)
def test_published_effect_has_its_unit_or_is_a_dash(published: float, unit: str, text: str) -> None:
    assert findings.published_effect_words(a_table(a_claim(published=published, unit=unit))) == [text]


# ---------------------------------------------------------------- experiments
@pytest.mark.parametrize(
    ("mean", "ci95", "seeds", "text"),
    [
        (0.02, 0.01, 3, "better"),
        (-0.02, 0.01, 3, "worse"),
        (0.02, 0.03, 3, "no"),
        (-0.02, 0.02, 3, "no"),
        (0.0, 0.0, 3, "no"),
        (0.5, 0.01, 1, "one seed"),
        (0.5, NAN, 1, "one seed"),
        (NAN, NAN, 0, "no pairs"),
    ],
)
def test_difference_is_told_apart_outside_its_interval_and_never_by_one_seed(
    mean: float, ci95: float, seeds: int, text: str
) -> None:
    assert findings.direction_words(pd.DataFrame({"mean": [mean], "ci95": [ci95], "num_seeds": [seeds]})) == [text]


def test_failures_are_counted_method_by_method() -> None:
    means = pd.DataFrame({"label": ["Noise injection", "OVF"], "num_failed": [6, 0], "num_seeds": [10, 10]})

    assert_tells(findings.failure_words(means), "5 points", "Noise injection", "6", "10", "OVF", "0", "10")


def test_choice_names_what_validation_chose_with_its_accuracy() -> None:
    choice = pd.DataFrame(
        {
            "label": ["OVF", "OVF", "IRS"],
            "setting_label": ["0.1", "0.001", "0.01"],
            "validation_accuracy": [0.9, 0.9306, 0.88],
            "chosen": [False, True, True],
        }
    )

    assert_tells(findings.choice_words(choice), "OVF", "0.001", "93.1 %", "validation", "IRS", "0.01", "88.0 %")
    assert findings.choice_words(choice.assign(chosen=False)) == ""
    assert findings.choice_words(choice.iloc[:0]) == ""


def test_points_say_at_which_variation_they_were_tried() -> None:
    assert_tells(findings.tested_words(pd.DataFrame({"sigma_d": [0.1, 0.1]})), "0.1")
    assert_tells(findings.tested_words(pd.DataFrame({"sigma_d": [0.2, 0.1, 0.2]})), "0.1", "0.2")
    assert findings.tested_words(pd.DataFrame()) == ""


def test_hollow_marks_are_explained_where_there_are_any() -> None:
    rows = published_settings()

    said = findings.published_setting_words(rows[rows["experiment"] == "feedback_terms"])
    assert_tells(said, "ResNet-18", "CIFAR-10", "0.3", "Qin et al. 2025, Table 1")
    assert findings.published_setting_words(rows.iloc[:0]) == ""
    assert findings.published_setting_words(None) == ""


# ---------------------------------------------------------------- training budgets
def a_gain(label: str, steps: int, difference: float, *, ci95: float = 0.004, control: bool = False) -> dict[str, Any]:
    """A row of the table of advantages."""
    return {
        "variant": label,
        "label": label,
        "is_control": control,
        "num_steps": steps,
        "learning_rate": 0.01,
        "difference": difference,
        "difference_ci95": ci95,
    }


def test_what_the_control_brings_is_told_at_the_shortest_and_at_the_longest_training() -> None:
    rows = a_table(
        a_gain("Noise injection", 480, NAN),
        a_gain("T = 4", 480, 0.047, control=True),
        a_gain("T = 4", 960, 0.02, control=True),
        a_gain("T = 4", 1920, 0.009, ci95=0.012, control=True),
        a_gain("IRS", 480, 0.044),
        a_gain("OVF", 480, -0.003),
        a_gain("IRS", 1920, 0.01),
    )

    assert findings.budget_words(rows, "noise injection") == (
        "At 480 steps **T = 4** brings +4.7 ± 0.4 points over noise injection, at 1,920 steps +0.9 ± 1.2 points (not "
        "told apart). The others bring −0.3 to +4.4 points at 480 steps, +1.0 points at 1,920 steps."
    )


def test_one_budget_of_one_method_is_told_once() -> None:
    rows = a_table(a_gain("IRS", 480, 0.02, ci95=NAN))

    assert findings.budget_words(rows, "noise injection") == (
        "At 480 steps **IRS** brings +2.0 points over noise injection."
    )


def test_without_a_difference_nothing_is_told_of_budgets() -> None:
    assert findings.budget_words(a_table(a_gain("Noise injection", 480, NAN)), "noise injection") == ""


def test_choices_at_the_end_of_the_grid_are_counted() -> None:
    rows = a_table(a_gain("IRS", 480, 0.02), a_gain("IRS", 1920, 0.02) | {"learning_rate": 0.001})

    assert "1 of 2 take the largest that was tried, 0.01." in findings.chosen_rates_words(rows, [0.001, 0.01])
    assert "largest" not in findings.chosen_rates_words(rows.iloc[1:], [0.001, 0.01])
    assert "largest" not in findings.chosen_rates_words(rows, [0.01])
