"""The unlucky end of very many chips, beside the chips that are stored."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import count_words, percent, range_words
from dashboard.charts.ranked_chips import ring, stair
from dashboard.charts.theme import Look, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import ACCURACY, LOWER, NUM_INSTANCES, PERCENTILE, SHARE, UPPER, VALUE

TICKS = (0.001, 0.01, 0.1, 1, 10, 100)


def race_tail(
    tail: pd.DataFrame,
    ranked: pd.DataFrame,
    percentiles: pd.DataFrame,
    *,
    percentile_name: str,
    instance: int,
    look: Look,
    mode: Mode,
) -> go.Figure:
    """The share of chips up to each accuracy, its axis logarithmic: a race's worst chips, and the stored ones above.

    What to look for: how much further down very many chips reach than few, and where one of a hundred lies.

    Args:
        tail: instance, accuracy (fraction), rank, share of all that were raced; the worst chips, worst first.
        ranked: instance, accuracy, rank, share; the stored chips, worst first.
        percentiles: percentile, value, lower, upper (fractions), num_instances of the race; one row.
        percentile_name: for the legend.
        instance: The opened chip.
        look: Whose colour the raced chips wear.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    figure = go.Figure()
    figure.add_trace(
        stair(ranked, name=f"{count_words(len(ranked), 'stored chip')}", colour=page.muted, size=4, width=1.5)
    )
    raced = f"the worst of {int(percentiles[NUM_INSTANCES].iloc[0]):,}" if len(percentiles) else "the worst"
    figure.add_trace(stair(tail, name=raced, colour=style.colour, size=6, width=1.5))
    if len(percentiles):
        _add_percentile(figure, percentiles, name=percentile_name, colour=page.text)
    figure.add_trace(ring(tail, instance=instance, colour=page.text))
    drawn = np.concatenate([percent(tail, ACCURACY), percent(ranked, ACCURACY)])
    apply_layout(figure, mode=mode)
    figure.update_xaxes(title_text="accuracy (%)", **zoomed_percent(drawn))
    figure.update_yaxes(title_text="chips up to there (%)", type="log", **_decades(tail, ranked))
    return figure


def _decades(tail: pd.DataFrame, ranked: pd.DataFrame) -> dict[str, Any]:
    shares = np.concatenate([percent(tail, SHARE), percent(ranked, SHARE)])
    low = float(np.log10(shares.min())) if shares.size else -2.0
    ticks = [tick for tick in TICKS if np.log10(tick) >= low - 0.1]
    return {"range": [low - 0.15, 2.1], "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _add_percentile(figure: go.Figure, rows: pd.DataFrame, *, name: str, colour: str) -> None:
    """A mark at the percentile, its arms from limit to limit; a dotted line through its share."""
    share = float(rows[PERCENTILE].iloc[0])
    value, lower, upper = (float(percent(rows, end)[0]) for end in (VALUE, LOWER, UPPER))
    figure.add_shape(
        type="line",
        x0=0,
        x1=1,
        xref="paper",
        y0=share,
        y1=share,
        line={"color": translucent(colour, opacity=0.4), "width": 1, "dash": "dot"},
        layer="below",
    )
    figure.add_trace(
        go.Scatter(
            x=[lower, value, upper],
            y=[share] * 3,
            mode="lines+markers",
            line={"color": colour, "width": 3},
            marker={"color": colour, "symbol": ["line-ns-open", "diamond", "line-ns-open"], "size": [10, 9, 10]},
            cliponaxis=False,
            name=f"{name}, 95 % limits",
            hovertext=[f"{name} <b>{value:.1f} %</b>{range_words(lower, upper)}"] * 3,
            hoverinfo="text",
        )
    )
