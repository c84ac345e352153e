"""Titles: one claim with its size, true for whatever is selected."""

import pandas as pd
import pytest

from dashboard.words import titles

NAN = float("nan")


def frame(*rows: tuple[str, float, float]) -> pd.DataFrame:
    """Label, mean and half-width of the interval."""
    return pd.DataFrame(rows, columns=["label", "mean", "ci95"])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("IRS", -0.005, 0.006)], "IRS cannot be told apart from its temperature control"),
        ([("IRS", 0.021, 0.006)], "IRS beats its temperature control by 2.1 points"),
        ([("OVF", -0.022, 0.01)], "OVF stays 2.2 points behind its temperature control"),
        (
            [("OVF", -0.022, 0.01), ("IRS", -0.005, 0.006)],
            "IRS cannot be told apart from the temperature control; OVF stays 2.2 points behind",
        ),
        (
            [("OVF", -0.022, 0.01), ("IRS", 0.01, 0.006)],
            "IRS beats the temperature control by 1.0 point; OVF stays 2.2 points behind",
        ),
        (
            [("OVF", 0.04, 0.01), ("IRS", 0.01, 0.006)],
            "OVF and IRS beat the temperature control by 1.0 to 4.0 points",
        ),
        ([("OVF", NAN, NAN), ("IRS", 0.0, 0.1)], "IRS cannot be told apart from its temperature control"),
    ],
)
def test_feedback_is_held_against_its_temperature_control(rows: list[tuple[str, float, float]], said: str) -> None:
    assert titles.against_control(frame(*rows), 0.1) == f"At $\\sigma_d$ = 0.1, {said}"


def test_a_calibrated_ekl_below_the_controls_is_surer_and_what_is_not_told_apart_is_said_to_be() -> None:
    rows = frame(("A", -0.02, 0.01), ("B", 0.001, 0.002), ("C", 0.02, 0.01), ("D", NAN, NAN))

    assert titles.surer_than_control(rows, 0.1) == (
        "At $\\sigma_d$ = 0.1, calibrated, A is surer than the temperature control; "
        "B cannot be told apart from it; C is less sure"
    )


@pytest.mark.parametrize(
    ("means", "differences", "said"),
    [
        ([("OVF", 0.932, 0.01)], [], "OVF keeps 93.2 % of images right"),
        (
            [("A", 0.9, 0.01), ("B", 0.95, 0.01), ("C", 0.93, 0.01)],
            [("A", -0.05, 0.01), ("C", -0.02, 0.01)],
            "B keeps the most images right: 95.0 %, 2.0 points ahead of C",
        ),
        (
            [("A", 0.9, 0.01), ("B", 0.95, 0.01), ("C", 0.93, 0.01)],
            [("A", -0.05, 0.01), ("C", -0.02, 0.02)],
            "B and C cannot be told apart; the best keeps 95.0 % of images right",
        ),
        (
            [("A", 0.9, NAN), ("B", 0.95, NAN)],
            [("A", -0.05, NAN)],
            "B keeps the most images right, 95.0 %; so few chips tell nothing apart",
        ),
    ],
)
def test_without_a_control_the_foremost_is_named_or_those_that_cannot_be_told_from_it(
    means: list[tuple[str, float, float]], differences: list[tuple[str, float, float]], said: str
) -> None:
    assert titles.foremost(frame(*means), frame(*differences), 0.1) == f"At $\\sigma_d$ = 0.1, {said}"


def test_of_many_methods_the_rest_is_counted() -> None:
    means = frame(*((name, 0.9, 0.1) for name in "ABCDE"))
    differences = frame(*((name, 0.0, 0.1) for name in "BCDE"))

    assert "A, B and 3 others cannot be told apart" in titles.foremost(means, differences, 0.1)
