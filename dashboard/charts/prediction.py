"""What a learner predicted, drawn into the chart that answers."""

import plotly.graph_objects as go

from dashboard.charts.theme import Mode, palette

NAME = "your prediction"
SIZE = 15


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
