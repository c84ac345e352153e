"""Leaderboards in words, from numbers that `neft.tables` computed."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from dashboard.words.sentences import SIGMA_D, percent, range_words, signed, with_interval
from neft import columns
from neft.sigma_d import sigma_d_text

MAX_NAMED = 4
"""More rows than this are counted, not named."""
FEW_TIMES = 10
"""Fewer times a standard error are said with a decimal."""
Row = Mapping[Hashable, Any]


def board_finding(board: pd.DataFrame, *, place: str, sigma_d: float, reference: str) -> str:
    """The page's first sentences: the best row and its lead, what it cannot be told from, the best unconstrained row.

    Args:
        board: every row, the best first.
        place: data and network in words.
        sigma_d: at which it is read.
        reference: the variant to which differences are taken.
    """
    rows = board.to_dict("records")
    best = rows[0]
    lead = _lead(best, _label(board, reference)) if best[columns.VARIANT] != reference else ""
    where = f"At device variation {SIGMA_D} = {sigma_d_text(sigma_d)} on {place}"
    said = [f"{where}, **{best[columns.LABEL]}** keeps most images right: {_kept(best)}{lead}.", _not_told(rows)]
    plain = next((row for row in rows if not row[columns.CONSTRAINT_LABEL]), None)
    if plain is not None and best[columns.CONSTRAINT_LABEL]:
        said.append(f"The best without a weight constraint, {plain[columns.LABEL]}, keeps {_kept(plain)}.")
    return " ".join([*said, *_front(board)])


def _front(board: pd.DataFrame) -> list[str]:
    """How many rows are on the front, and the cheapest of them; nothing where rows cost the same."""
    front = board[board[columns.ON_FRONT] == 1]
    if front.empty:
        return []
    row = front.sort_values([columns.PULSES, columns.DEVICES, columns.READS]).iloc[0]
    cheapest = f"its cheapest row, {row[columns.LABEL]}, keeps {with_interval(row[columns.MEAN], row[columns.CI95])}"
    return [
        f"{len(front)} of {len(board)} rows are on the front of accuracy against devices, pulses and reads: {cheapest}."
    ]


def rank_words(board: pd.DataFrame) -> list[str]:
    """Each row's interval of ranks: `2–5`."""
    return [
        f"{low}" if low == high else f"{low}–{high}"
        for low, high in zip(board[columns.RANK_LOWER], board[columns.RANK_UPPER], strict=True)
    ]


def limit_words(board: pd.DataFrame) -> list[str]:
    """Each 1st percentile's limits in per cent: `81.2 to 84.0`; a dash for one that the chips do not set."""
    return _limits(board, columns.PERCENTILE_1_LOWER, columns.PERCENTILE_1_UPPER)


def raced_limit_words(board: pd.DataFrame) -> list[str]:
    """The same of the raced percentiles."""
    return _limits(board, columns.RACED_PERCENTILE_1_LOWER, columns.RACED_PERCENTILE_1_UPPER)


def raced_words(board: pd.DataFrame, *, to_race: str) -> str:
    """What the raced percentiles are of; where rows have none, what makes one, or why nothing does.

    Args:
        board: the rows that are shown.
        to_race: the run to race next for a row without one; empty where there is none that can be.
    """
    raced = board[board[columns.RACED_PERCENTILE_1].notna()]
    said: list[str] = []
    if not raced.empty:
        others = f"the other columns' {range_words(raced[columns.NUM_INSTANCES], 'chip')} are the first of them"
        said.append(
            f"1st of 10,000: the same networks on 10,000 chips and the same test images, raced; {others}. It is "
            "reported alone: no rank or choice rests on it."
        )
    if to_race:
        at = sigma_d_text(float(board[columns.SIGMA_D].iloc[0]))
        said.append(
            f"{'Of other rows not every training was' if said else 'Of no row was every training'} raced: "
            f"`neft evaluate {to_race} --percentile 1 --test-sigma-d {at}` races the next one."
        )
    elif not said:
        said.append("No 1st percentile of 10,000 chips: these runs were stored without weights and cannot be raced.")
    return " ".join(said)


def _limits(board: pd.DataFrame, low: str, high: str) -> list[str]:
    limits = zip(board[low], board[high], strict=True)
    return [
        "–" if pd.isna(lower) and pd.isna(upper) else f"{_or_dash(lower)} to {_or_dash(upper)}"
        for lower, upper in limits
    ]


def pair_words(told_apart: int, pairs: int) -> str:
    """How many pairs of rows are told apart where all answers are to hold together."""
    return f"Held together, {told_apart} of {pairs} pairs of rows are told apart." if pairs else ""


def lead_words(lead: float, *, num_rows: int, num_seeds: int) -> str:
    """How large a lead must be to be told; empty where nothing can be.

    >>> lead_words(25.7, num_rows=34, num_seeds=3)
    'Among 34 rows of 3 seeds a lead is told where it is 26 times its standard error; more seeds tell smaller ones.'
    """
    if pd.isna(lead):
        return ""
    times = f"{lead:.0f}" if lead >= FEW_TIMES else f"{lead:.1f}"
    return (
        f"Among {num_rows} rows of {num_seeds} seeds a lead is told where it is {times} times its standard error; "
        "more seeds tell smaller ones."
    )


def _label(board: pd.DataFrame, variant: str) -> str:
    return str(board.loc[board[columns.VARIANT] == variant, columns.LABEL].iloc[0])


def _kept(row: Row) -> str:
    return with_interval(row[columns.MEAN], row[columns.CI95])


def _lead(best: Row, reference: str) -> str:
    mean, half = best[columns.DIFFERENCE], best[columns.DIFFERENCE_CI95]
    spread = "" if pd.isna(half) else f" ± {percent(half)}"
    return f", {signed(mean)}{spread} points over {reference}"


def _not_told(rows: list[dict[Hashable, Any]]) -> str:
    """Which other rows may be the best."""
    if len(rows) == 1:
        return "It is the only row."
    others = [str(row[columns.LABEL]) for row in rows[1:] if row[columns.RANK_LOWER] == 1]
    if not others:
        return f"It is told to be better than each of the {len(rows) - 1} others."
    if len(others) > MAX_NAMED:
        return f"{len(others)} of the {len(rows) - 1} others cannot be told from the best."
    return f"Not told from the best: {'; '.join(others)}."


def _or_dash(value: float) -> str:
    return "–" if pd.isna(value) else percent(value)
