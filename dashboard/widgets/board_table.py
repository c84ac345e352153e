"""The table of a leaderboard: sorted by a click on a head."""

from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard.data import leaderboards
from dashboard.widgets.guards import alone
from dashboard.widgets.shown_table import shown_table
from dashboard.words import leaderboard_words
from neft import columns

PERCENT = {
    "Accuracy": columns.MEAN,
    "± acc.": columns.CI95,
    "Difference": columns.DIFFERENCE,
    "± diff.": columns.DIFFERENCE_CI95,
    "1st perc.": columns.PERCENTILE_1,
    "1st of 10,000": columns.RACED_PERCENTILE_1,
    "Worst case": columns.WORST_CASE,
    "± worst": columns.WORST_CASE_CI95,
    "Clean": columns.CLEAN_ACCURACY,
    "Published": columns.PUBLISHED_ACCURACY,
}
"""Heads of what is shown in per cent or points, and the columns behind them."""

COSTS = {"Devices": columns.DEVICES, "Pulses": columns.PULSES, "Reads": columns.READS}
"""Heads of a weight's costs."""
HARDWARE = {"Area mm²": columns.AREA, "Energy nJ": columns.ENERGY}
"""Heads of what a whole network takes."""
MANY_ROWS = 16
"""More than these are scrolled through."""
TALL = 560


@alone
def board_table(rows: pd.DataFrame, board: pd.DataFrame, reference: str) -> None:
    """Draw a leaderboard's rows with what their numbers are.

    Args:
        rows: those that are shown.
        board: all of them.
        reference: the variant to which differences are taken.
    """
    words = str(board.loc[board[columns.VARIANT] == reference, columns.LABEL].iloc[0])
    with st.container(border=True, key="card_board"):
        st.markdown("## All rows")
        if rows.empty:
            st.info("No row has all that is chosen.", icon=":material/inbox:")
            return
        shown = _as_table(rows, reference, has_schemes=leaderboards.has_schemes(board))
        shown_table(
            _formatted(shown),
            title=f"Leaderboard, differences to {words}",
            numbers=rows,
            column_config=_column_config(words),
            hide_index=True,
            key="board_table",
            placeholder="–",
            height="content" if len(shown) <= MANY_ROWS else TALL,
        )
        notes = [
            f"Accuracies in %, differences in points to {words}; ± 95 %.",
            leaderboard_words.pair_words(*leaderboards.pairs_told_apart(board)),
            leaderboards.chips_needed(1, int(rows[columns.NUM_INSTANCES].min())),
            leaderboard_words.raced_words(rows, to_race=leaderboards.to_race(rows)),
        ]
        if rows[columns.PUBLISHED_ACCURACY].notna().any():
            notes.append(leaderboards.published_words(rows))
        st.caption(" ".join(note for note in notes if note))


def _as_table(rows: pd.DataFrame, reference: str, *, has_schemes: bool) -> pd.DataFrame:
    """What is shown of each row; columns of which no row has a value are left out."""
    itself = rows[columns.VARIANT] == reference
    none = {name: rows[name].mask(itself, 0.0) for name in (columns.DIFFERENCE, columns.DIFFERENCE_CI95)}
    rows = rows.assign(**none)
    has_costs = leaderboards.has_costs(rows)
    found: dict[str, object] = {
        "Rank": rows[columns.RANK],
        "Method": rows[columns.METHOD_LABEL],
        "Constraint": rows[columns.CONSTRAINT_LABEL].replace("", "–"),
        **({"Mapping, programming": rows[columns.CHIPS_LABEL].replace("", "–")} if has_schemes else {}),
        "Ranks": leaderboard_words.rank_words(rows),
    }
    for head, name in PERCENT.items():
        found[head] = 100 * rows[name].astype(float)
        if name == columns.CI95 and has_costs:
            found |= _costs(rows)
        if name == columns.PERCENTILE_1:
            found["Limits"] = leaderboard_words.limit_words(rows)
        if name == columns.RACED_PERCENTILE_1 and rows[name].notna().any():
            found["Its limits"] = leaderboard_words.raced_limit_words(rows)
    found |= {
        "EKL": rows[columns.EKL],
        "Calibrated EKL": rows[columns.CALIBRATED_EKL],
        "Training s": rows[columns.TRAINING_SECONDS],
        "Passes": rows[columns.NUM_PASSES],
        "Seeds": rows[columns.NUM_SEEDS],
        "Chips": rows[columns.NUM_INSTANCES],
        "Trained with": rows[columns.SETTINGS],
    }
    shown = pd.DataFrame(found)
    return shown.drop(columns=[name for name in shown.columns if shown[name].isna().all()])


def _costs(rows: pd.DataFrame) -> dict[str, object]:
    """What each row costs, and whether it is on the front."""
    found: dict[str, object] = {"Front": rows[columns.ON_FRONT].map({1.0: "●", 0.0: ""})}
    return found | {head: rows[name] for head, name in (COSTS | HARDWARE).items()}


def _formatted(shown: pd.DataFrame) -> Styler:
    """The table as it is written: a dash where there is no number, which a column's own format has not."""
    forms: dict[Any, Any] = dict.fromkeys(PERCENT, "{:.1f}")
    forms |= dict.fromkeys(COSTS | HARDWARE, "{:.3g}")
    forms |= {"Difference": _signed, "Training s": "{:.0f}", "EKL": "{:.3g}", "Calibrated EKL": "{:.3g}"}
    return shown.style.format({name: form for name, form in forms.items() if name in shown}, na_rep="–")


def _signed(points: float) -> str:
    """With its sign, a true minus; zero has none.

    >>> _signed(-1.23), _signed(0.0)
    ('−1.2', '0.0')
    """
    text = f"{points:+.1f}"
    return text.replace("-", "−") if float(text) else text[1:]


def _column_config(reference: str) -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    half = "Half-width of the 95 % interval."
    return {
        "Rank": number(width=52, pinned=True, help="By mean accuracy."),
        "Method": text(pinned=True, width=140),
        "Constraint": text(width=170),
        "Mapping, programming": text(width=220, help="– is as published: bit slicing, every device written once."),
        "Front": text(width=52, help="No row costs as little in devices, pulses and reads and keeps as much."),
        "Devices": number(width=70, help="That hold a weight."),
        "Pulses": number(width=66, help="To write a weight, expected."),
        "Reads": number(width=62, help="To do so, expected."),
        "Area mm²": number(width=82, help="Of the whole network with its converters: see the page Hardware."),
        "Energy nJ": number(width=82, help="Of the whole network, an inference."),
        "Ranks": text(width=64, help="Those that the row may have, 95 %: see About, below."),
        "Accuracy": number(width=78, help="Mean under variation over seeds × chips, %."),
        "± acc.": number("±", width=52, help=half),
        "Difference": number(width=88, help=f"To {reference}, points, paired."),
        "± diff.": number("±", width=52, help=half),
        "1st perc.": number(width=82, help="1st percentile over chips, mean over trainings, %."),
        "Limits": text(width=104, help="95 % limits of the 1st percentile, means over trainings."),
        "1st of 10,000": number(
            width=104, help="1st percentile over 10,000 chips that were raced, mean over trainings, %."
        ),
        "Its limits": text(width=104, help="95 % limits of the 1st percentile of 10,000 chips, means over trainings."),
        "Worst case": number(width=90, help="Deviations up to 0.03 of a layer's largest weight, %."),
        "± worst": number("±", width=52, help=half),
        "Clean": number(width=66, help="Without variation, %."),
        "Published": number(width=86, help="The same method's published figure, on other data."),
        "EKL": number(width=66, help="Of right predictions, nats; lower is surer."),
        "Calibrated EKL": number(help="After a temperature fitted on validation images."),
        "Training s": number(help="Of the fastest of its trainings: other work on a machine only slows one down."),
        "Passes": number(help="Forward passes of a training step."),
        "Trained with": text(width="large", help="Where rows are tuned, what did best on validation images."),
    }
