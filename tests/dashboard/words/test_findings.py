"""Experiments and claims in words."""

import math
from typing import Any

import pandas as pd
import pytest

from dashboard.words import findings
from neft.reference import published_settings
from tests.dashboard.told import assert_tells

NAN = math.nan


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
        "margin": 0.5,
        "published": NAN,
        "verdict": verdict,
        "more_seeds": None,
        "num_seeds": 3,
        "num_failed": 0,
        "anytime": False,
        "median": NAN,
        "doubted": False,
        **changes,
    }


def a_table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


# ---------------------------------------------------------------- the page's first sentence
def test_claims_are_counted_for_the_paper_and_for_the_controls_apart() -> None:
    verdicts = ["supported", "supported", "opposite", "no effect", "undecided", "no runs"]
    paper = [a_claim(f"claim_{index}", verdict) for index, verdict in enumerate(verdicts)]
    twice = [a_claim("claim_0", "supported"), a_claim("claim_4", "opposite")]
    ours = [a_claim(verdict="undecided", paper=False)]

    assert findings.claims_title(a_table(*paper, *twice, *ours)) == (
        "2 of the paper's 5 claims hold here; 1 the opposite; 1 without an effect that matters; 1 different by data"
    )
    assert findings.controls_finding(a_table(*paper, *ours)) == "Of 1 that the controls ask, 0 hold, 1 undecided."


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("supported", "1 of the paper's 1 claims holds here"),
        ("opposite", "None of the paper's 1 claims holds here; 1 the opposite"),
    ],
)
def test_title_counts_the_claims_that_hold(verdict: str, said: str) -> None:
    assert findings.claims_title(a_table(a_claim(verdict=verdict))) == said


def test_without_a_claim_of_the_paper_no_title_is_made_of_them() -> None:
    assert findings.claims_title(a_table(a_claim(verdict="supported", paper=False))) == ""


def test_an_experiments_verdicts_are_counted_claim_by_claim() -> None:
    rows = a_table(
        *(a_claim(f"claim_{index}", verdict) for index, verdict in enumerate(["supported", "supported", "undecided"])),
        a_claim("claim_0", "opposite"),
        a_claim("claim_3", "no runs"),
    ).assign(experiment=["accuracy", "accuracy", "accuracy", "accuracy", "tuned"])

    assert findings.experiment_verdicts(rows) == {"accuracy": "1 hold, 1 open, 1 differ by data"}


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["undecided", "supported"], "Claim 1: +1.2 (+0.3 to +2.2) points"),
        (["opposite"], "Not so: Claim 0: +1.2 (+0.3 to +2.2) points"),
        (["undecided", "no effect"], "No effect that matters: Claim 1. Not told: Claim 0"),
        (["no effect", "no effect"], "No effect that matters: Claim 0; Claim 1"),
        (["no runs"], ""),
    ],
)
def test_an_experiments_title_is_its_first_claim_that_is_told(verdicts: list[str], said: str) -> None:
    rows = [a_claim(f"claim_{at}", verdict, short=f"Claim {at}") for at, verdict in enumerate(verdicts)]

    assert findings.experiment_title(a_table(*rows)) == said


def test_an_experiments_title_has_the_controls_answer_before_the_papers_claim() -> None:
    paper = a_claim("paper", "supported", short="It beats noise injection")
    ours = a_claim("ours", "opposite", short="It beats its control", paper=False)

    assert findings.experiment_title(a_table(paper, ours)).startswith("Not so: It beats its control: ")


def test_feedback_against_its_control_is_said_where_there_are_runs() -> None:
    ovf = a_claim("ovf_beats_control", "opposite", estimate=-0.84, lower=-1.1, upper=-0.5, paper=False)
    irs = a_claim("irs_beats_control", "no runs", paper=False)

    said = findings.controls_finding(a_table(ovf, irs)).partition(" Of ")[0]
    assert_tells(said, "OVF", "−0.8", "−1.1", "−0.5", "opposite")


def test_a_method_on_two_data_is_named_once_with_both_effects_and_every_verdict() -> None:
    rows = [
        a_claim("ovf_beats_control", verdict, estimate=estimate, lower=estimate - 1, upper=estimate + 1, paper=False)
        for verdict, estimate in (("opposite", -3.0), ("undecided", 0.5))
    ]

    said = findings.controls_finding(a_table(*rows)).partition(" Of ")[0]
    assert said.count("OVF") == 1
    assert_tells(said, "−3.0 (−4.0 to −2.0), +0.5 (−0.5 to +1.5): opposite and undecided.")


# ---------------------------------------------------------------- verdicts
def test_verdicts_come_a_row_each_with_their_marks() -> None:
    verdicts = ("supported", "opposite", "no effect", "undecided")
    rows = a_table(*(a_claim(verdict=verdict, more_seeds=7) for verdict in verdicts))

    assert findings.verdict_words(rows) == [
        "● supported",
        "○ opposite",
        "□ no effect beyond the margin",
        "◐ undecided; 7 more seeds",
    ]


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
