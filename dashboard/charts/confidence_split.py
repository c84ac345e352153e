"""How sure right and wrong predictions are, a row per method variant."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import by_variant, look_of, percent, range_words
from dashboard.charts.marks import error_bars, typeset, wrapped
from dashboard.charts.theme import Mode, apply_layout, palette, variant_style
from neft.columns import LOWER, MEAN, UPPER

OUTCOME, RIGHT, WRONG = "outcome", "right", "wrong"
LOW, HIGH = "low", "high"
ROW_HEIGHT = 44
FRAME_HEIGHT = 150
MIN_HEIGHT = 240
LABEL_WIDTH = 15
OFFSET = 0.14
"""Of right and wrong from the middle of their row."""


def confidence_split(confidences: pd.DataFrame, *, interval_name: str, mode: Mode) -> go.Figure:
    """Mean confidence of right predictions as full marks, of wrong ones as hollow marks, with the middle 80 %.

    What to look for: the two far apart: then confidence warns of a wrong answer.

    Args:
        confidences: variant, label, outcome (right, wrong), mean, lower, upper (of the mean), low, high (between which
            80 % of the predictions lie), all fractions.
        interval_name: What the intervals are; the legend's title.
        mode: Light or dark page.
    """
    figure = go.Figure()
    shown = list(by_variant(confidences))
    for outcome in (RIGHT, WRONG) if shown else ():
        figure.add_trace(_legend_entry(outcome, mode=mode))
    for place, (_, label, rows) in enumerate(shown):
        for outcome, offset in ((RIGHT, -OFFSET), (WRONG, OFFSET)):
            of = rows[(rows[OUTCOME] == outcome) & rows[MEAN].notna()]
            if not of.empty:
                figure.add_traces(_row(of, outcome, label=label, at=place + offset, mode=mode))
    height = max(MIN_HEIGHT, FRAME_HEIGHT + ROW_HEIGHT * len(shown))
    apply_layout(figure, mode=mode, height=height, legend_title=interval_name)
    figure.update_xaxes(title_text="confidence (%)", range=[0, 102], tickvals=[0, 25, 50, 75, 100])
    figure.update_yaxes(
        range=[max(len(shown), 1) - 0.5, -0.5],
        tickvals=list(range(len(shown))),
        ticktext=["<br>".join(wrapped(label, width=LABEL_WIDTH)) for _, label, _ in shown],
        automargin=True,
        showgrid=False,
    )
    return figure


def _row(rows: pd.DataFrame, outcome: str, *, label: str, at: float, mode: Mode) -> list[go.Scatter]:
    style = variant_style(look_of(rows), mode=mode)
    mean, lower, upper, low, high = (percent(rows, column) for column in (MEAN, LOWER, UPPER, LOW, HIGH))
    words = f"{typeset(label)}, {outcome}<br>mean <b>{mean[0]:.1f} %</b>{range_words(lower[0], upper[0])}<br>"
    words += f"80 % of them between {low[0]:.1f} and {high[0]:.1f} %"
    middle = go.Scatter(
        x=[float(low[0]), float(high[0])],
        y=[at, at],
        mode="lines",
        line={"color": style.colour, "width": 1.5, "dash": "solid" if outcome == RIGHT else "2px 3px"},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=outcome,
    )
    mark = go.Scatter(
        x=mean,
        y=[at],
        mode="markers",
        name=f"{typeset(label)}, {outcome}",
        marker=_marker(outcome, {"color": style.colour, "symbol": style.symbol}),
        error_x=error_bars(mean, lower, upper, colour=style.colour),
        hovertext=[words],
        hoverinfo="text",
        showlegend=False,
        legendgroup=outcome,
    )
    return [middle, mark]


def _legend_entry(outcome: str, *, mode: Mode) -> go.Scatter:
    """What full and hollow mean, in neutral grey: in the rows they wear the variant's colour."""
    marker = _marker(outcome, {"color": palette(mode).muted, "symbol": "circle"})
    return go.Scatter(
        x=[None], y=[None], mode="markers", marker=marker, name=f"{outcome} predictions", legendgroup=outcome
    )


def _marker(outcome: str, look: Mapping[str, str]) -> dict[str, object]:
    symbol = look["symbol"] if outcome == RIGHT else f"{look['symbol']}-open"
    return {"color": look["color"], "symbol": symbol, "size": 10, "line": {"width": 2, "color": look["color"]}}
