"""What a learner predicted, drawn into the chart that answers."""

from collections.abc import Sequence
from typing import Any, cast

import plotly.graph_objects as go

from dashboard.charts.theme import Mode, palette, translucent

NAME = "your prediction"
SIZE = 15
HALF_A_ROW = 0.44


def mark_prediction(figure: go.Figure, *, x: float, y: float, mode: Mode) -> None:
    """Add a star where the answer was expected.

    Args:
        figure: changed in place.
        x: on its axis.
        y: on its axis.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure.add_trace(
        go.Scatter(
            x=[x],
            y=[y],
            mode="markers",
            marker={
                "symbol": "star",
                "size": SIZE,
                "color": page.text,
                "line": {"color": page.background, "width": 1.5},
            },
            name=NAME,
            cliponaxis=False,
            hovertemplate=f"{NAME}: %{{y:g}}<extra></extra>",
        )
    )


def ends_upwards(figure: go.Figure) -> tuple[float, float]:
    """Where the y axis ends, in the units of its range; a prediction without an end of its own reaches there."""
    low, high = cast("dict[str, Any]", figure.to_plotly_json())["layout"]["yaxis"]["range"]
    return float(low), float(high)


def mark_predicted_range(
    figure: go.Figure, *, x: Sequence[float], low: Sequence[float], high: Sequence[float], mode: Mode
) -> None:
    """Add a grey area where the answer was expected, where that was said as a range.

    Args:
        figure: changed in place.
        x: places on its axis, ascending.
        low: the range's lower ends, on the y axis.
        high: its upper ends.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure.add_trace(
        go.Scatter(
            x=[*x, *reversed(x)],
            y=[*high, *reversed(low)],
            mode="lines",
            line={"width": 1, "color": page.text, "dash": "dot"},
            fill="toself",
            fillcolor=translucent(page.text, opacity=0.12),
            name=NAME,
            hoverinfo="skip",
        )
    )


def mark_predicted_span(figure: go.Figure, *, place: int, low: float, high: float, mode: Mode) -> None:
    """Add a grey box along one of the rows of a chart of horizontal bars, where its end was expected.

    Args:
        figure: changed in place; its y axis holds names.
        place: of the row, counted from the bottom.
        low: the box's left end, on the x axis.
        high: its right end.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure.add_shape(
        type="rect",
        x0=low,
        x1=high,
        y0=place - HALF_A_ROW,
        y1=place + HALF_A_ROW,
        line={"width": 1, "color": page.text, "dash": "dot"},
        fillcolor=translucent(page.text, opacity=0.12),
        name=NAME,
        showlegend=True,
    )
