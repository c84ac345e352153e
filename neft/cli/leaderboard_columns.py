"""What `neft leaderboard` shows of a row, column by column."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from neft import columns
from neft.tables.hardware import HARDWARE

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """What a table shows of a row."""

    heading: str
    cell: Callable[[Row], str]
    by: str
    """What rows are sorted by."""
    falling: bool = False
    """Whether the largest stands first."""


def columns_of(table: pd.DataFrame) -> list[Column]:
    """The columns that say something of these rows: a published one has a figure, counts are not all the same."""
    without: set[str] = set()
    if not table[columns.PUBLISHED_ACCURACY].notna().any():
        without.add(columns.PUBLISHED_ACCURACY)
    if len(table[[columns.NUM_SEEDS, columns.NUM_INSTANCES]].drop_duplicates()) < 2:
        without.add(columns.NUM_SEEDS)
    if not table[columns.ON_FRONT].notna().any():
        without.update((columns.ON_FRONT, columns.DEVICES, columns.PULSES, columns.READS))
    without.update(name for name in (*HARDWARE, columns.RACED_PERCENTILE_1) if not table[name].notna().any())
    return [column for column in COLUMNS.values() if column.by not in without]


def _percent(row: Row, value: str, ci95: str = "", *, signed: bool = False) -> str:
    """`93.1 ± 0.6`; a dash where there is no number."""
    if math.isnan(row[value]):
        return NOTHING
    text = f"{100 * row[value]:{'+' if signed else ''}.1f}".replace("-", "−")
    return text if not ci95 or math.isnan(row[ci95]) else f"{text} ± {100 * row[ci95]:.1f}"


def _nats(row: Row, value: str, ci95: str) -> str:
    if math.isnan(row[value]):
        return NOTHING
    return f"{row[value]:.3g}" if math.isnan(row[ci95]) else f"{row[value]:.3g} ± {row[ci95]:.2g}"


def _percentile(row: Row) -> str:
    return _with_limits(row, columns.PERCENTILE_1, columns.PERCENTILE_1_LOWER, columns.PERCENTILE_1_UPPER)


def _raced(row: Row) -> str:
    names = columns.RACED_PERCENTILE_1, columns.RACED_PERCENTILE_1_LOWER, columns.RACED_PERCENTILE_1_UPPER
    return _with_limits(row, *names)


def _with_limits(row: Row, value: str, low: str, high: str) -> str:
    """`71.2 (68.0 to 73.1)`; of limits that the chips do not set there are none."""
    text = _percent(row, value)
    lower, upper = (_percent(row, name) for name in (low, high))
    if lower == upper == NOTHING:
        return text
    return f"{text} ({f'{lower} to ' if lower != NOTHING else '≤ '}{upper})"


def _rank(row: Row) -> str:
    """`3 (2–7)`."""
    low, high = row[columns.RANK_LOWER], row[columns.RANK_UPPER]
    return f"{row[columns.RANK]} ({low})" if low == high else f"{row[columns.RANK]} ({low}–{high})"


def _front(row: Row) -> str:
    return "●" if row[columns.ON_FRONT] == 1 else ""


def _cost(name: str) -> Callable[[Row], str]:
    return lambda row: NOTHING if math.isnan(row[name]) else f"{row[name]:.3g}"


NOTHING = "–"
NUM_LEFT = 2
"""Columns of words."""
COLUMNS: dict[str, Column] = {
    "rank": Column("rank", _rank, columns.RANK),
    "row": Column("row", lambda row: str(row[columns.VARIANT]), columns.VARIANT),
    "method": Column("method", lambda row: str(row[columns.LABEL]), columns.LABEL),
    "front": Column("front", _front, columns.ON_FRONT, falling=True),
    "accuracy": Column("accuracy %", lambda row: _percent(row, columns.MEAN, columns.CI95), columns.MEAN, falling=True),
    "devices": Column("devices", _cost(columns.DEVICES), columns.DEVICES),
    "pulses": Column("pulses", _cost(columns.PULSES), columns.PULSES),
    "reads": Column("reads", _cost(columns.READS), columns.READS),
    "area": Column("area mm²", _cost(columns.AREA), columns.AREA),
    "energy": Column("energy nJ", _cost(columns.ENERGY), columns.ENERGY),
    "percentile": Column("1st percentile %", _percentile, columns.PERCENTILE_1, falling=True),
    "raced": Column("1st of 10,000 %", _raced, columns.RACED_PERCENTILE_1, falling=True),
    "worst": Column(
        "worst case %",
        lambda row: _percent(row, columns.WORST_CASE, columns.WORST_CASE_CI95),
        columns.WORST_CASE,
        falling=True,
    ),
    "clean": Column(
        "clean %",
        lambda row: _percent(row, columns.CLEAN_ACCURACY, columns.CLEAN_CI95),
        columns.CLEAN_ACCURACY,
        falling=True,
    ),
    "difference": Column(
        "difference",
        lambda row: _percent(row, columns.DIFFERENCE, columns.DIFFERENCE_CI95, signed=True),
        columns.DIFFERENCE,
        falling=True,
    ),
    "ekl": Column("EKL (nats)", lambda row: _nats(row, columns.EKL, columns.EKL_CI95), columns.EKL),
    "calibrated_ekl": Column(
        "calibrated EKL",
        lambda row: _nats(row, columns.CALIBRATED_EKL, columns.CALIBRATED_EKL_CI95),
        columns.CALIBRATED_EKL,
    ),
    "time": Column("training s", lambda row: f"{row[columns.TRAINING_SECONDS]:.0f}", columns.TRAINING_SECONDS),
    "passes": Column("passes", lambda row: str(row[columns.NUM_PASSES]), columns.NUM_PASSES),
    "seeds": Column(
        "seeds × chips",
        lambda row: f"{row[columns.NUM_SEEDS]} × {row[columns.NUM_INSTANCES]}",
        columns.NUM_SEEDS,
        falling=True,
    ),
    "published": Column(
        "published %", lambda row: _percent(row, columns.PUBLISHED_ACCURACY), columns.PUBLISHED_ACCURACY, falling=True
    ),
}
"""What a table shows, by the names that --sort takes."""
DISPENSABLE = (
    "passes",
    "time",
    "seeds",
    "reads",
    "energy",
    "area",
    "calibrated_ekl",
    "ekl",
    "published",
    "difference",
    "clean",
    "worst",
    "raced",
    "percentile",
)
"""What a narrow terminal can do without; the first goes first."""
