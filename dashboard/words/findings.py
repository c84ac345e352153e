"""Experiments and claims in words, from numbers that `neft.tables` computed."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard.words.sentences import SIGMA_D, percent, signed
from neft import columns
from neft.experiments import claim_words
from neft.experiments.claim_words import BY_DATA, NO_RUNS, claim_counts
from neft.sigma_d import sigma_d_text

MARKS = {"supported": "●", "opposite": "○", "no effect": "□", "undecided": "◐"}
SHORT_NAMES = {
    "opposite": "the opposite",
    "no effect": "without an effect that matters",
    "undecided": "undecided",
    BY_DATA: "different by data",
}
"""What a count says of claims that do not hold."""
CAPTIONS = {
    "supported": "hold",
    "opposite": "opposite",
    "no effect": "no effect",
    "undecided": "open",
    BY_DATA: "differ by data",
}
FEW_PAIRS = ("no pairs", "one seed")


def claims_title(claims: pd.DataFrame) -> str:
    """The page's title: how many of the paper's claims hold; empty where none of them was decided."""
    counts = claim_counts(claims[claims["paper"].astype(bool)])
    if not counts.num_claims:
        return ""
    held = counts.verdicts["supported"]
    others = [
        f"{count} {SHORT_NAMES[name]}" for name, count in counts.verdicts.items() if count and name in SHORT_NAMES
    ]
    words = f"{held or 'None'} of the paper's {counts.num_claims} claims hold{'s' if held <= 1 else ''} here"
    return "; ".join([words, *others])


def experiment_verdicts(claims: pd.DataFrame) -> dict[str, str]:
    """By experiment what became of its claims, each counted once: `2 hold, 1 open`; those without one are left out."""
    found: dict[str, str] = {}
    for experiment, rows in claims.groupby(columns.EXPERIMENT):
        counts = claim_counts(rows).verdicts
        found[str(experiment)] = ", ".join(f"{count} {CAPTIONS[name]}" for name, count in counts.items() if count)
    return {experiment: words for experiment, words in found.items() if words}


def experiment_title(claims: pd.DataFrame) -> str:
    """An experiment's finding at one size: the first claim that is told, the controls' before the paper's.

    Empty where none was decided from runs; where none is told, first those without an effect that matters are named.

    Args:
        claims: rows of `claims_table`, of one experiment and plan.
    """
    there = claims[claims["verdict"] != NO_RUNS].sort_values("paper", kind="stable").to_dict("records")
    told = [row for row in there if row["verdict"] in ("supported", "opposite")]
    if not told:
        return _without_effect(there)
    first = told[0]
    unit = "" if first["unit"] == "ratio" else f" {claim_words.UNITS[first['unit']]}"
    denied = "" if first["verdict"] == "supported" else "Not so: "
    return f"{denied}{first['short']}: {claim_words.effect_words(first)}{unit}"


def _without_effect(claims: Sequence[Mapping[Hashable, Any]]) -> str:
    none = [str(row["short"]) for row in claims if row["verdict"] == "no effect"]
    undecided = [str(row["short"]) for row in claims if row["verdict"] != "no effect"]
    parts = [("No effect that matters", none), ("Not told", undecided)]
    return ". ".join(f"{words}: {'; '.join(shorts)}" for words, shorts in parts if shorts)


def controls_finding(claims: pd.DataFrame) -> str:
    """What became of feedback against its control, on each data, and of all that the controls ask."""
    counts = claim_counts(claims[~claims["paper"].astype(bool)])
    said = [f"{count} {SHORT_NAMES[name]}" for name, count in counts.verdicts.items() if count and name in SHORT_NAMES]
    asked = f"Of {counts.num_claims} that the controls ask, {counts.verdicts['supported']} hold"
    words = f"{', '.join([asked, *said])}." if counts.num_claims else ""
    beaten = claims[claims["claim"].isin(["ovf_beats_control", "irs_beats_control"]) & (claims["verdict"] != NO_RUNS)]
    if beaten.empty:
        return words
    each = "; ".join(
        f"{method} {', '.join(claim_words.effect_words(row) for row in rows.to_dict('records'))}: "
        f"{' and '.join(rows['verdict'].unique())}"
        for method, rows in beaten.groupby(beaten["words"].str.partition(" ")[0], sort=False)
    )
    return f"Feedback against its temperature control, in points: {each}. {words}"


def verdict_words(rows: pd.DataFrame) -> list[str]:
    """Each verdict with its mark, and for an open one how many more seeds would decide it."""
    return [f"{MARKS[row['verdict']]} {claim_words.verdict_words(row)}" for row in rows.to_dict("records")]


def direction_words(differences: pd.DataFrame) -> list[str]:
    """Whether each paired difference is told apart from none: `better`, `worse`, `no`; one seed tells nothing apart."""
    return [
        FEW_PAIRS[seeds] if seeds < 2 else "no" if abs(mean) <= half else "better" if mean > 0 else "worse"
        for mean, half, seeds in zip(
            differences[columns.MEAN], differences[columns.CI95], differences[columns.NUM_SEEDS], strict=True
        )
    ]


def failure_words(means: pd.DataFrame) -> str:
    """How many trainings of each method failed."""
    each = ", ".join(
        f"**{row[columns.LABEL]}** {int(row['num_failed'])} of {int(row[columns.NUM_SEEDS])}"
        for row in means.to_dict("records")
    )
    return f"More than 5 points below their method's mean end: {each}."


def choice_words(choice: pd.DataFrame) -> str:
    """Which setting the validation split chooses for each method: `OVF 0.001 (93.1 %)`."""
    chosen = choice[choice["chosen"]] if not choice.empty else choice
    return ", ".join(
        f"{row[columns.LABEL]} {row[columns.SETTING_LABEL]} ({percent(row['validation_accuracy'])} % on validation)"
        for row in chosen.to_dict("records")
    )


def budget_words(advantages: pd.DataFrame, reference_label: str) -> str:
    """What the temperature control brings after the shortest and after the longest training, and the others beside it.

    Args:
        advantages: from `neft.tables.advantage_by_budget`.
        reference_label: what the differences are to.
    """
    known = advantages[advantages[columns.DIFFERENCE].notna()]
    if known.empty:
        return ""
    control = known[known[columns.IS_CONTROL].astype(bool)]
    first = str((known if control.empty else control)[columns.VARIANT].iloc[0])
    told, others = known[known[columns.VARIANT] == first], known[known[columns.VARIANT] != first]
    gains = [
        f"{'at' if index else 'At'} {_steps(rows)}{'' if index else f' **{rows[columns.LABEL].iloc[0]}** brings'} "
        f"{gain_words(rows.iloc[0])}{'' if index else f' over {reference_label}'}{_apart(rows.iloc[0])}"
        for index, rows in enumerate(_ends_of(told))
    ]
    words = f"{', '.join(gains)}."
    if others.empty:
        return words
    ranges = [f"{_range(rows[columns.DIFFERENCE])} points at {_steps(rows)}" for rows in _ends_of(others)]
    return f"{words} The others bring {', '.join(ranges)}."


def gain_words(row: "pd.Series[Any]") -> str:
    """An advantage with its interval: `+4.7 ± 0.4 points`; a dash where there is none."""
    mean, half = float(row[columns.DIFFERENCE]), float(row[columns.DIFFERENCE_CI95])
    if math.isnan(mean):
        return "–"
    return f"{signed(mean)} points" if math.isnan(half) else f"{signed(mean)} ± {percent(half)} points"


def chosen_rates_words(advantages: pd.DataFrame, learning_rates: Sequence[float]) -> str:
    """Where the learning rate was chosen on validation data, and how often that took the largest there was."""
    largest = max(learning_rates, default=math.nan)
    count = int((advantages[columns.LEARNING_RATE] == largest).sum())
    words = "Each at the learning rate that has the best validation accuracy at that length; test data has no say."
    if not count or len(learning_rates) < 2:
        return words
    return f"{words} {count} of {len(advantages)} take the largest that was tried, {largest:g}."


def _ends_of(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of the shortest training and of the longest."""
    steps = sorted(rows[columns.NUM_STEPS].unique())
    return [rows[rows[columns.NUM_STEPS] == at] for at in dict.fromkeys((steps[0], steps[-1]))]


def _steps(rows: pd.DataFrame) -> str:
    return f"{int(rows[columns.NUM_STEPS].iloc[0]):,} steps"


def _apart(row: "pd.Series[Any]") -> str:
    return " (not told apart)" if abs(row[columns.DIFFERENCE]) <= row[columns.DIFFERENCE_CI95] else ""


def _range(differences: "pd.Series[float]") -> str:
    low, high = signed(float(differences.min())), signed(float(differences.max()))
    return low if low == high else f"{low} to {high}"


def tested_words(points: pd.DataFrame) -> str:
    """At which device variation the points were tried."""
    if points.empty:
        return ""
    tried = sorted(points[columns.SIGMA_D].unique())
    return f"Tried at {SIGMA_D} = {', '.join(sigma_d_text(float(value)) for value in tried)}."


def published_setting_words(published: pd.DataFrame | None) -> str:
    """What the hollow marks of an ablation are."""
    if published is None or published.empty:
        return ""
    first = published.iloc[0]
    return (
        f"Hollow: published for {first[columns.BACKBONE]} on {first[columns.DATASET]} at {SIGMA_D} = "
        f"{sigma_d_text(float(first[columns.SIGMA_D]))} ({first[columns.SOURCE]}); compare differences, not heights."
    )
