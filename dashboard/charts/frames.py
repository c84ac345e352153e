"""Reading the frames that charts are drawn from: rows of one variant, fractions as per cent, words for hovers."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.charts.theme import Look
from neft.columns import (
    DEPARTURE,
    LABEL,
    LOWER,
    MEAN,
    METHOD_RANK,
    NUM_INSTANCES,
    NUM_SEEDS,
    PERCENTILE_1,
    PERCENTILE_1_LOWER,
    PERCENTILE_1_UPPER,
    RUN_IDS,
    UPPER,
    VARIANT,
)

Floats = NDArray[np.float64]
MAX_HOVER_RUNS = 3


def by_variant(frame: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Variant, label and rows of each variant, in the frame's order."""
    if frame.empty:
        return
    for variant, rows in frame.groupby(VARIANT, sort=False, observed=True):
        yield str(variant), str(rows[LABEL].iloc[0]), rows


def look_of(rows: pd.DataFrame) -> Look:
    """What decides how the one variant that some rows are of is drawn."""
    first = rows.iloc[0]
    return Look(int(first[METHOD_RANK]), str(first[DEPARTURE]))


def numbers(rows: pd.DataFrame, column: str) -> Floats:
    """The column as floats; what is no finite number is NaN, which plotly leaves out; none of a frame without rows."""
    if rows.empty:
        return np.empty(0)
    found = rows[column]
    known = found if found.dtype.kind in "fiu" else pd.to_numeric(found, errors="coerce")
    values = known.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def percent(rows: pd.DataFrame, column: str) -> Floats:
    """A column of fractions in per cent."""
    return 100 * numbers(rows, column)


def interval_words(rows: pd.DataFrame, *, value: str = MEAN) -> list[str]:
    """For each row: mean (or another value), interval and N, as a hover says them."""
    columns = percent(rows, value), percent(rows, LOWER), percent(rows, UPPER), rows[NUM_SEEDS], rows[NUM_INSTANCES]
    return [
        f"<b>{mean:.1f} %</b>{range_words(lower, upper)}<br>{count_words(seeds, 'seed')} × {count_words(chips, 'chip')}"
        for mean, lower, upper, seeds, chips in zip(*columns, strict=True)
    ]


def brief_words(rows: pd.DataFrame, *, value: str = MEAN) -> list[str]:
    """For each row its value and interval in one line, for a box of several methods."""
    columns = percent(rows, value), percent(rows, LOWER), percent(rows, UPPER)
    return [f"<b>{found:.1f} %</b>{range_words(lower, upper)}" for found, lower, upper in zip(*columns, strict=True)]


def percentile_words(rows: pd.DataFrame) -> list[str]:
    """For each row: its 1st percentile with the limits there are, as a hover says it; empty where it is not known."""
    if PERCENTILE_1 not in rows:
        return [""] * len(rows)
    columns = (percent(rows, name) for name in (PERCENTILE_1, PERCENTILE_1_LOWER, PERCENTILE_1_UPPER))
    return [
        "" if np.isnan(found) else f"<br>1st percentile {found:.1f} %{range_words(lower, upper)}"
        for found, lower, upper in zip(*columns, strict=True)
    ]


def nats_words(rows: pd.DataFrame) -> list[str]:
    """For each row its mean and interval in nats, in one line."""
    columns = numbers(rows, MEAN), numbers(rows, LOWER), numbers(rows, UPPER)
    return [
        f"<b>{mean:.3g} nats</b>{'' if np.isnan(lower + upper) else f' ({lower:.3g} to {upper:.3g})'}"
        for mean, lower, upper in zip(*columns, strict=True)
    ]


def run_words(run_ids: Sequence[str]) -> str:
    """Run ids, a line each, cut after the first few."""
    more = [f"and {len(run_ids) - MAX_HOVER_RUNS} more"] if len(run_ids) > MAX_HOVER_RUNS else []
    return "<br>".join([*run_ids[:MAX_HOVER_RUNS], *more])


def clicked_runs(rows: pd.DataFrame) -> list[list[list[str]]]:
    """The customdata of points that were made of several runs: the ids of each."""
    return [[list(ids)] for ids in rows[RUN_IDS]]


def count_words(count: object, noun: str) -> str:
    """The count and its noun, as in '3 seeds'; what is missing is a question mark."""
    if pd.isna(count):  # pyright: ignore[reportArgumentType, reportCallIssue]
        return f"? {noun}s"
    return f"{int(count):,} {noun}{'' if count == 1 else 's'}"  # pyright: ignore[reportArgumentType]


def number_words(value: float, form: str) -> str:
    """A number with a true minus, and no sign on zero.

    >>> number_words(-0.04, "+.1f"), number_words(-1.26, ".1f"), number_words(0.5, "+.1f")
    ('0.0', '−1.3', '+0.5')
    """
    words = f"{value:{form}}"
    return words.lstrip("+-") if float(words) == 0 else words.replace("-", "−")


def range_words(lower: float, upper: float, *, form: str = ".1f", unit: str = " %") -> str:
    """The interval in brackets, to follow its number; no words where it is not known, of one end alone which it is."""
    if np.isnan(lower) and np.isnan(upper):
        return ""
    if np.isnan(lower):
        return f" (no lower limit, at most {number_words(upper, form)}{unit})"
    if np.isnan(upper):
        return f" (at least {number_words(lower, form)}{unit}, no upper limit)"
    return f" ({number_words(lower, form)} to {number_words(upper, form)}{unit})"
