"""Experiments and claims in words, from numbers that `neft.tables` computed."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from dashboard.words.sentences import SIGMA_D, percent
from neft import columns
from neft.sigma_d import sigma_d_text

VERDICTS = {"supported": "● supported", "not supported": "○ not supported", "undecided": "◐ undecided"}
FEW_PAIRS = ("no pairs", "one seed")
SUFFIX = {"points": "", "percent": " %", "share": ""}


def claims_finding(claims: pd.DataFrame) -> str:
    """The page's first sentence: how many claims hold, and what became of feedback against its control."""
    counts = [_counts(claims[claims["paper"] == paper]) for paper in (True, False)]
    words = f"Of the paper's claims, as run here, {counts[0]}; of what the controls ask, {counts[1]}."
    beaten = claims[claims["claim"].isin(["ovf_beats_control", "irs_beats_control"]) & (claims["verdict"] != "no runs")]
    if beaten.empty:
        return words
    each = "; ".join(
        f"{row['words'].partition(' ')[0]} {_effect(row)} points ({row['data']}), {row['verdict']}"
        for row in beaten.to_dict("records")
    )
    return f"{words} That feedback beats noise injection at the same temperature: {each}."


def verdict_words(rows: pd.DataFrame) -> list[str]:
    """Each verdict, and for an open one how many more seeds would decide it."""
    return [_verdict(row) for row in rows.to_dict("records")]


def effect_words(rows: pd.DataFrame) -> list[str]:
    """Each effect with its interval, as `+1.2 (+0.3 to +2.1)`."""
    return [_effect(row) for row in rows.to_dict("records")]


def published_effect_words(rows: pd.DataFrame) -> list[str]:
    """Each published effect; a dash where the paper has none."""
    return [
        "–" if math.isnan(value) else f"{_number(value)}{SUFFIX[unit]}"
        for value, unit in zip(rows["published"], rows["unit"], strict=True)
    ]


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


def _counts(claims: pd.DataFrame) -> str:
    decided = claims[claims["verdict"] != "no runs"]
    counts = {verdict: int((decided["verdict"] == verdict).sum()) for verdict in VERDICTS}
    found = [f"{count} {_verb(verdict, count)} {verdict}" for verdict, count in counts.items()]
    return f"{found[0]}, {found[1]} and {found[2]}"


def _verb(verdict: str, count: int) -> str:
    if verdict == "undecided":
        return "stays" if count == 1 else "stay"
    return "is" if count == 1 else "are"


def _verdict(row: Mapping[Hashable, Any]) -> str:
    words = VERDICTS.get(str(row["verdict"]), str(row["verdict"]))
    if row["verdict"] != "undecided":
        return words
    if int(str(row[columns.NUM_SEEDS])) == 1:
        return f"{words}; one seed decides nothing"
    more = row["more_seeds"]
    if more is None or pd.isna(more):
        return f"{words}; more than 1,000 seeds"
    count = int(str(more).partition(".")[0])
    return f"{words}; {count} more seed{'' if count == 1 else 's'}"


def _effect(row: Mapping[Hashable, Any]) -> str:
    estimate, lower, upper = (float(str(row[name])) for name in ("estimate", columns.LOWER, columns.UPPER))
    # one training on one chip says nothing of spread
    interval = f" ({_number(lower)} to {_number(upper)})" if math.isfinite(lower + upper) else ""
    return f"{_number(estimate)}{interval}"


def _number(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
