"""A claim's row in words that a reader can check: effect, verdict, and what to keep in mind."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from neft import columns
from neft.experiments.claim import Unit

Row = Mapping[Hashable, Any]
"""Of `neft.experiments.claims.claims_table` or `claim_settings`."""
NO_RUNS = "no runs"
BY_DATA = "differs by data"
"""What is said of a claim on which its data disagree."""
COUNTED = ("supported", "opposite", "no effect", "undecided", BY_DATA)
UNITS: Mapping[Unit, str] = {"points": "points", "ratio": "EKL", "share": "trainings of 100"}


@dataclass(frozen=True)
class Counts:
    """How many claims came out how, each counted once however many data it was put to."""

    verdicts: Mapping[str, int]
    """By what is `COUNTED`."""
    num_claims: int
    """That have runs."""


def claim_counts(table: pd.DataFrame) -> Counts:
    """How the claims of some rows came out, each claim counted once."""
    there = table[table["verdict"] != NO_RUNS]
    said = [rows.iloc[0] if len(set(rows)) == 1 else BY_DATA for _, rows in there.groupby("claim")["verdict"]]
    return Counts({name: said.count(name) for name in COUNTED}, len(said))


def number_words(value: float | int, unit: Unit) -> str:
    """One number of a claim, by its unit.

    >>> number_words(-1.23, "points"), number_words(0.03, "points"), number_words(0.8, "ratio")
    ('−1.2', '+0.03', '1.25 times higher')
    """
    if unit != "ratio":
        # an effect near zero has its sign, and no zero has one
        text = f"{value:+.1f}" if float(f"{value:.1f}") else f"{value:+.2f}"
        return text.replace("-", "−") if float(text) else "0"
    if value <= 0:
        return "any times higher"
    times, direction = (value, "lower") if value >= 1 else (1 / value, "higher")
    return f"{times:.{2 if times < 2 else 1}f} times {direction}"


def effect_words(row: Row) -> str:
    """The effect with its interval: `+1.2 (+0.3 to +2.1)`, `3.1 times lower (2.8 to 3.4)`; a dash without runs."""
    of: Unit = row["unit"]
    estimate, lower, upper = (float(row[name]) for name in ("estimate", columns.LOWER, columns.UPPER))
    if math.isnan(estimate):
        return "–"
    # one training on one chip says nothing of spread, and too few seeds nothing that holds at any number
    open_ended = not math.isfinite(lower + upper) or (of == "ratio" and lower <= 0)
    return number_words(estimate, of) if open_ended else f"{number_words(estimate, of)} ({_ends(lower, upper, of)})"


def published_words(row: Row) -> str:
    """The published number; a dash where there is none."""
    value = float(row["published"])
    return "–" if math.isnan(value) else number_words(value, row["unit"])


def margin_words(row: Row) -> str:
    """What does not matter: `± 0.5 points`, `1.1 times the EKL`, `± 10 trainings of 100`."""
    unit: Unit = row["unit"]
    margin = float(row["margin"])
    return f"{margin:g} times the EKL" if unit == "ratio" else f"± {margin:g} {UNITS[unit]}"


def verdict_words(row: Row) -> str:
    """The verdict, and for an open one how many more seeds would decide it."""
    verdict = str(row["verdict"])
    if verdict == "no effect":
        return "no effect beyond the margin"
    if verdict != "undecided":
        return verdict
    if int(row[columns.NUM_SEEDS]) == 1:
        return "undecided; one seed decides nothing"
    if row["doubted"]:
        return "undecided; trainings fail, and their median does not say the same"
    more = row["more_seeds"]
    if more is None or math.isnan(float(more)):
        return "undecided; more than 1,000 seeds"
    return f"undecided; {int(more)} more seed{'' if int(more) == 1 else 's'}"


def caveats(row: Row) -> list[str]:
    """What to keep in mind: failed trainings with the median over seeds, an interval for any number of seeds."""
    found: list[str] = []
    failed = int(row["num_failed"])
    if failed and row["unit"] != "share":
        words = f"{failed} training{'' if failed == 1 else 's'} failed, so seeds are not normal"
        if not math.isnan(float(row["median"])):
            unit: Unit = row["unit"]
            ends = _ends(float(row["median_lower"]), float(row["median_upper"]), unit)
            median = number_words(float(row["median"]), unit)
            words += f"; median over seeds {median} ({ends}, {100 * float(row['median_confidence']):.0f} %)"
        found.append(words)
    if bool(row["anytime"]):
        found.append("seeds not as many as the preset fixes: an interval for any number of them")
    return found


def holm_words(table: pd.DataFrame) -> str:
    """What so many answers are worth together."""
    decided = table[table["verdict"].isin(["supported", "opposite"])]
    judged = int(table["p"].notna().sum())
    if decided.empty:
        return ""
    return (
        f"{len(decided)} of {judged} effects are told from zero, each by itself: were none of them real, "
        f"{_about(0.05 * judged)} would be told all the same, half of them as supported. All answers together hold for "
        f"{int(decided['holm'].sum())} of them (Holm)."
    )


def _about(count: float) -> str:
    return f"about {count:.0f}" if count >= 1.5 else "one"


def _ends(lower: float, upper: float, unit: Unit) -> str:
    """An interval's ends; where both are on one side the side is said once."""
    if unit != "ratio" or (lower < 1 < upper):
        return f"{number_words(lower, unit)} to {number_words(upper, unit)}"
    ends = [number_words(end, unit).partition(" ")[0] for end in (lower, upper)]
    return " to ".join(ends if lower >= 1 else ends[::-1])
