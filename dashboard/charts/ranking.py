"""A leaderboard's rows by a value: each with its interval, and the ranks that it may have."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import Floats, clicked_runs, count_words, look_of, percent, range_words
from dashboard.charts.marks import error_bars, typeset
from dashboard.charts.theme import Mode, Palette, apply_layout, palette, variant_style
from neft.columns import (
    CHIPS_LABEL,
    CONSTRAINT_LABEL,
    ENTRY_LABEL,
    LABEL,
    LOWER,
    MEAN,
    METHOD_LABEL,
    NUM_INSTANCES,
    NUM_SEEDS,
    RANK,
    RANK_LOWER,
    RANK_UPPER,
    UPPER,
    VARIANT,
)

PITCH = 34
"""Between two rows, in pixels: the words of a row have two lines."""
TOP, BOTTOM, RANKS = 96, 46, 62
"""Margins; the right one holds the ranks."""
BEST, WORSE = "not told from the best", "told to be worse"
REFERENCE_DASH = "dot"
MIN_REACH = 1.0
"""An axis of differences shows at least so many points to either side."""
PAD = 0.06


def ranking(
    rows: pd.DataFrame,
    *,
    value_title: str,
    interval_name: str,
    reference: str,
    reference_name: str,
    is_difference: bool,
    mode: Mode,
) -> go.Figure:
    """A mark and its interval for each row, in the given order from the top, its interval of ranks on the right.

    What to look for: filled marks, whose rank may be the first: of them nobody can say which is the best. Intervals
    that overlap may belong to rows that are told apart: rows are compared seed by seed and chip by chip.

    The reference row has a dotted line down all others; in a chart of differences it is zero. The first entry of a
    mark's customdata is its run ids, for a click. The figure grows with its rows.

    Args:
        rows: variant, label, method_label, entry_label, constraint_label, chips_label, mean, lower, upper (fractions),
            rank, rank_lower, rank_upper, num_seeds, num_instances, run_ids (a tuple of ids).
        value_title: What is drawn, in per cent or points; the title of the axis.
        interval_name: What the intervals are; the legend's title.
        reference: The variant that others are held against.
        reference_name: Its name.
        is_difference: Whether values are differences to the reference, in points.
        mode: Light or dark page.
    """
    figure = go.Figure()
    shown = [rows.iloc[[index]] for index in range(len(rows))]
    page = palette(mode)
    marks = [_mark(row, place=place, is_difference=is_difference, mode=mode) for place, row in enumerate(shown)]
    figure.add_traces([*marks, *_legend(shown, page)])
    apply_layout(figure, mode=mode, height=TOP + BOTTOM + PITCH * max(len(shown), 2), legend_title=interval_name)
    figure.update_layout(margin={"t": TOP, "b": BOTTOM, "r": RANKS})
    figure.update_xaxes(title_text=value_title, **_axis(rows, is_difference=is_difference))
    figure.update_yaxes(
        range=[max(len(shown), 1) - 0.5, -0.5],
        tickvals=list(range(len(shown))),
        ticktext=[_words(row, page) for row in shown],
        gridcolor=page.grid,
    )
    # all at once: a figure copies what it has with each that is added
    figure.update_layout(annotations=_rank_words(shown, page))
    at = 0.0 if is_difference else _value_of(rows, reference)
    if np.isfinite(at) and shown:
        line = {"color": page.muted, "width": 1.5, "dash": REFERENCE_DASH}
        figure.add_shape(type="line", x0=at, x1=at, y0=0, y1=1, yref="paper", layer="below", line=line)
        name = f"{typeset(reference_name)} (zero)" if is_difference else typeset(reference_name)
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="lines", line=line, name=name))
    return figure


def _mark(row: pd.DataFrame, *, place: int, is_difference: bool, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(row), mode=mode)
    mean, lower, upper = (percent(row, name) for name in (MEAN, LOWER, UPPER))
    symbol = style.symbol if _may_be_best(row) else f"{style.symbol}-open"
    label = typeset(str(row[LABEL].iloc[0]))
    return go.Scatter(
        x=mean,
        y=[place],
        name=label,
        showlegend=False,
        mode="markers",
        marker={"color": style.colour, "symbol": symbol, "size": 10, "line": {"width": 1.5, "color": style.colour}},
        error_x=error_bars(
            mean, np.where(np.isnan(lower), mean, lower), np.where(np.isnan(upper), mean, upper), colour=style.colour
        ),
        customdata=clicked_runs(row),
        hovertext=[f"{label}<br>{_in_numbers(row, is_difference=is_difference)}"],
        hoverinfo="text",
    )


def _may_be_best(row: pd.DataFrame) -> bool:
    return int(row[RANK_LOWER].iloc[0]) == 1


def _in_numbers(row: pd.DataFrame, *, is_difference: bool) -> str:
    mean, lower, upper = (float(percent(row, name)[0]) for name in (MEAN, LOWER, UPPER))
    form, unit = ("+.1f", " points") if is_difference else (".1f", " %")
    value = f"<b>{mean:{form if mean else '.1f'}}{unit}</b>".replace("-", "−")
    first = row.iloc[0]
    counts = f"{count_words(first[NUM_SEEDS], 'seed')} × {count_words(first[NUM_INSTANCES], 'chip')}"
    return f"{value}{range_words(lower, upper, form=form, unit=unit)}<br>rank {first[RANK]}, {_ranks(row)}<br>{counts}"


def _ranks(row: pd.DataFrame) -> str:
    low, high = int(row[RANK_LOWER].iloc[0]), int(row[RANK_UPPER].iloc[0])
    return f"{low}" if low == high else f"{low}–{high}"


def _words(row: pd.DataFrame, page: Palette) -> str:
    """A row's name on two lines, the second in a lighter colour: its method and its constraint.

    Where it is one of several mappings and programmings, those stand on the second line, and the constraint above.
    """
    first = row.iloc[0]
    names = (ENTRY_LABEL, CHIPS_LABEL) if first[CHIPS_LABEL] else (METHOD_LABEL, CONSTRAINT_LABEL)
    above, below = (typeset(str(first[name])) for name in names)
    text = f'<span style="color: {page.text}">{above}</span>'
    return f"{text}<br>{below}" if below else text


def _legend(shown: list[pd.DataFrame], page: Palette) -> list[go.Scatter]:
    """What filled and empty marks say, in no method's colour."""
    there = {_may_be_best(row) for row in shown}
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"color": page.muted, "symbol": symbol, "size": 10, "line": {"width": 1.5, "color": page.muted}},
            name=name,
        )
        for best, name, symbol in ((True, BEST, "circle"), (False, WORSE, "circle-open"))
        if best in there
    ]


def _axis(rows: pd.DataFrame, *, is_difference: bool) -> dict[str, Any]:
    columns = [percent(rows, name) for name in (MEAN, LOWER, UPPER)] if not rows.empty else []
    values: Floats = np.concatenate([*columns, np.array([])])
    if not is_difference:
        return zoomed_percent(values)
    seen = values[np.isfinite(values)]
    low, high = (min(float(seen.min()), -MIN_REACH), max(float(seen.max()), MIN_REACH)) if seen.size else (-1.0, 1.0)
    pad = PAD * (high - low)
    return {"range": [low - pad, high + pad], "nticks": 8}


def _value_of(rows: pd.DataFrame, variant: str) -> float:
    found = rows[rows[VARIANT] == variant] if not rows.empty else rows
    return float(percent(found, MEAN)[0]) if len(found) else float("nan")


def _rank_words(shown: list[pd.DataFrame], page: Palette) -> list[dict[str, Any]]:
    """Each row's interval of ranks beside it, below a word on what they are."""
    shared = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 8, "showarrow": False, "align": "left"}
    font = {"size": 12, "color": page.text}
    words = [
        shared | {"y": place, "yanchor": "middle", "text": _ranks(row), "font": font} for place, row in enumerate(shown)
    ]
    title = {"yref": "paper", "y": 1, "yanchor": "bottom", "text": "rank", "font": {"size": 12, "color": page.muted}}
    return [*words, shared | title] if shown else []
