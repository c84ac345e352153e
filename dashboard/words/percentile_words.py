"""Percentiles over chips in words: how unlucky chips fare, which limits the chips set, and where they are too few."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from dashboard.data.results import (
    LOW_PERCENTILE_COLUMNS,
    LOW_PERCENTILES,
    chips_needed,
    limits_in_words,
    percentile_name,
)
from dashboard.words.sentences import SIGMA_D, percent, range_words
from neft import columns
from neft.sigma_d import same_sigma_d, sigma_d_text


def unlucky_words(percentiles: pd.DataFrame, means: pd.DataFrame, sigma_d: float) -> str:
    """How far below the mean chip each method's unlucky chip lies at the slice; rows of one percentile."""
    at = percentiles[same_sigma_d(percentiles[columns.SIGMA_D], sigma_d)]
    if at.empty:
        return ""
    mean = means.set_index(columns.VARIANT)[columns.MEAN]
    each = ", ".join(
        f"{row[columns.LABEL]} {percent(row[columns.VALUE])} % "
        f"(−{percent(mean[row[columns.VARIANT]] - row[columns.VALUE])})"
        for row in at.to_dict("records")
    )
    name = percentile_name(int(at[columns.PERCENTILE].iloc[0]))
    return f"{name} at {SIGMA_D} = {sigma_d_text(sigma_d)} (points below the mean): {each}."


def percentile_limits_words(percentiles: pd.DataFrame) -> str:
    """What so many chips can say of a percentile, and what not; rows of one percentile."""
    if percentiles.empty:
        return ""
    percentile = int(percentiles[columns.PERCENTILE].iloc[0])
    counts = [int(count) for count in percentiles[columns.NUM_INSTANCES].unique()]
    missing = chips_needed(percentile, *counts)
    if missing:
        return f"{missing} A still worse chip is not excluded, and the mark itself may be too kind."
    return "Either limit holds with at least 95 %, for these trainings, not for others."


def percentile_of_all_words(percentiles: pd.DataFrame) -> str:
    """What some chips say of a percentile of all of them; one row."""
    row = percentiles.iloc[0]
    said = with_limits(row[columns.VALUE], row[columns.LOWER], row[columns.UPPER])
    percentile = int(row[columns.PERCENTILE])
    missing = chips_needed(percentile, int(row[columns.NUM_INSTANCES]))
    return f"{percentile_name(percentile)} of all such chips, with one-sided 95 % limits: {said}. {missing}".strip()


def percentile_line_name(percentiles: pd.DataFrame) -> str:
    """What a line of a percentile is, and which limits it has: for a legend; rows of one percentile."""
    name = percentile_name(int(percentiles[columns.PERCENTILE].iloc[0]))
    under_variation = percentiles[percentiles[columns.SIGMA_D] > 0]
    is_bounded = under_variation.empty or under_variation[columns.LOWER].notna().any()
    chips, seeds = (
        range_words(percentiles[of], noun)
        for of, noun in ((columns.NUM_INSTANCES, "chip"), (columns.NUM_SEEDS, "seed"))
    )
    limits = "one-sided 95 % limits" if is_bounded else "upper 95 % limit, no lower one"
    return f"{name} over {chips}, mean of {seeds}; {limits}"


def percentile_cell(row: Mapping[Any, Any], percentile: int) -> str:
    """A low percentile with its limits, in a cell of a table: `91.2 % (at most 91.4)`."""
    found = [math.nan if row[name] is None else float(row[name]) for name in LOW_PERCENTILES[percentile]]
    return with_limits(*found)


def too_few_words(counts: Iterable[float]) -> str:
    """Which limits of the low percentiles so many chips do not set, and how many would; empty where they set all.

    >>> too_few_words([200])
    'A 95 % lower limit of the 1st percentile needs 299 chips; these are 200.'
    """
    known = {int(count) for count in counts if not math.isnan(count)}
    return " ".join(filter(None, (chips_needed(percentile, *known) for percentile in LOW_PERCENTILES)))


def in_cells(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose low percentiles and their limits stand in one cell each, in words."""
    cells = {
        names[0]: [percentile_cell(row, percentile) for row in table.to_dict("records")]
        for percentile, names in LOW_PERCENTILES.items()
    }
    left_out = [name for name in LOW_PERCENTILE_COLUMNS if name not in cells]
    return table.astype(dict.fromkeys(cells, object)).assign(**cells).drop(columns=left_out)


def with_limits(value: float, lower: float, upper: float) -> str:
    """`91.2 % (90.5 to 91.4)`; a dash where there is none, no brackets where it is known exactly or not bounded.

    >>> with_limits(0.912, 0.905, 0.914), with_limits(0.912, math.nan, 0.914), with_limits(0.975, 0.975, 0.975)
    ('91.2 % (90.5 to 91.4)', '91.2 % (at most 91.4)', '97.5 %')
    """
    if math.isnan(value):
        return "–"
    limits = "" if value == lower == upper else limits_in_words(lower, upper)
    return f"{percent(value)} % ({limits})" if limits else f"{percent(value)} %"


def unsure_words(unsure: pd.DataFrame) -> str:
    """What the least sure chips of each method are, in nats, and where there are too few of them; one percentile."""
    if unsure.empty:
        return ""
    percentile = int(unsure[columns.PERCENTILE].iloc[0])
    each = ", ".join(
        f"{row[columns.LABEL]} {_nats_with_limits(row[columns.VALUE], row[columns.LOWER], row[columns.UPPER])}"
        for row in unsure.to_dict("records")
    )
    missing = chips_needed(percentile, *(int(count) for count in unsure[columns.NUM_INSTANCES].unique()))
    return f"{percentile_name(percentile)} over chips, the least sure ones: {each}. {missing}".strip()


def _nats_with_limits(value: float, lower: float, upper: float) -> str:
    limits = limits_in_words(lower, upper, scale=1, digits=3)
    return f"{value:.3f} ({limits})" if limits else f"{value:.3f}"
