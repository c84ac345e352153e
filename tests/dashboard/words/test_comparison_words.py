"""What a comparison found, in words."""

from math import inf, nan

import pytest

from dashboard.data.comparisons import Side
from dashboard.words.comparison_words import finding, pairing, saving, verdict, why_not
from neft import columns as c
from tests.dashboard.told import assert_tells
from tests.stored_experiments import a_record

A, B, D = (Side(letter, a_record(letter.lower()), f"run {letter}") for letter in "ABD")
KEPT = {"a": {c.MEAN: 0.9, c.CI95: 0.01, c.NUM_INSTANCES: 200}}


def row(mean: float, ci95: float, *, pairs: int = 200, independent: float = 460.4) -> dict[str, float]:
    return {c.MEAN: mean, c.CI95: ci95, c.NUM_PAIRS: pairs, c.NUM_INDEPENDENT: independent}


def test_finding_says_mean_interval_count_and_every_verdict() -> None:
    said = finding([A, B, D], A, 0.1, KEPT, {"b": row(0.032, 0.003), "d": row(-0.001, 0.002)})

    assert "= 0.1, **A · run A** gets 90.0 ± 1.0 % of images right (95 % interval over 200 chips)." in said
    assert "**B · run B** +3.2 ± 0.3 points, better; **D · run D** −0.1 ± 0.2 points, not told apart." in said


def test_finding_leaves_hidden_runs_out_and_keeps_a_hidden_reference() -> None:
    said = finding([B], A, 0.1, KEPT, {"b": row(0.032, 0.003), "d": row(0.1, 0.002)})

    assert "**A · run A** gets" in said
    assert "**B · run B**" in said
    assert "run D" not in said
    assert finding([], A, 0.1, KEPT, {}).endswith("No other run is shown.")


def test_finding_of_a_reference_that_was_not_tested_there_says_what_to_do() -> None:
    assert "was not tested: choose another slice or reference" in finding([A, B], A, 0.3, {}, {})


@pytest.mark.parametrize(
    ("mean", "ci95", "words"),
    [(0.02, 0.01, "better"), (-0.02, 0.01, "worse"), (0.01, 0.01, "not told apart"), (0.01, nan, ""), (nan, nan, "")],
)
def test_only_an_interval_clear_of_zero_is_a_difference(mean: float, ci95: float, words: str) -> None:
    assert verdict(row(mean, ci95)) == words


@pytest.mark.parametrize(
    ("rows", "facts"),
    [
        ({"b": row(0.1, 0.01)}, ("200", "460")),
        ({"b": row(0.1, 0.01), "d": row(0.1, 0.01, independent=1234.0)}, ("200", "460 to 1,234")),
        ({"b": row(0.1, 0.0, independent=inf)}, ("200", "same on every chip")),
    ],
)
def test_what_pairing_saved(rows: dict[str, dict[str, float]], facts: tuple[str, ...]) -> None:
    assert_tells(pairing(rows), *facts)


def test_without_pairs_nothing_was_saved() -> None:
    assert pairing({}) == pairing({"b": row(0.1, 0.01, pairs=0, independent=nan)}) == ""


@pytest.mark.parametrize(
    ("pairs", "independent", "words"),
    [
        (0, nan, "unpaired"),
        (200, nan, "200 pairs"),
        (200, inf, "200 did the work of any number"),
        (200, 460.4, "200 did the work of 460"),
    ],
)
def test_what_pairing_saved_in_a_cell(pairs: int, independent: float, words: str) -> None:
    assert saving(row(0.1, 0.01, pairs=pairs, independent=independent)) == words


def test_every_run_that_is_not_compared_chip_by_chip_says_why() -> None:
    seed = "evaluation.seed is 7, not 0"

    said = why_not([A, B, D], A, {"b": "Other images."}, {"d": seed})

    assert said == [
        "**B · run B** is not compared with A: Other images.",
        f"**D · run D** met other chips than A, so no pairs are taken and its interval is wider: {seed}.",
    ]
