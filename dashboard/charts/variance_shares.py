"""Which of a weight's devices its error comes from."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers, percent
from dashboard.charts.marks import NO_BREAK
from dashboard.charts.theme import Mode, apply_layout, palette
from neft.columns import MEAN, SIGNIFICANCE, VARIANCE_SHARE

HEIGHT = 260
INDENT = 4 * NO_BREAK
"""Words keep clear of the closed form's mark."""


def variance_shares(shares: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """A bar per device: its share of the weight's variance, with the closed form as a mark.

    What to look for: one bar that is nearly everything.

    Args:
        shares: significance, mean (sampled share), variance_share (closed form), as fractions.
        mode: Light or dark page.
    """
    page = palette(mode)
    names = [f"× {significance:g}" for significance in numbers(shares, SIGNIFICANCE)]
    sampled, expected = percent(shares, MEAN), percent(shares, VARIANCE_SHARE)
    figure = go.Figure(
        [
            go.Bar(
                x=sampled,
                y=names,
                orientation="h",
                marker={"color": page.mark},
                text=[f"{INDENT}{value:.1f} %" for value in sampled],
                textposition="outside",
                textfont={"color": page.text},
                cliponaxis=False,
                name="sampled chips",
                hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
            ),
            go.Scatter(
                x=expected,
                y=names,
                mode="markers",
                marker={"symbol": "diamond-open", "size": 11, "color": page.text, "line": {"width": 2}},
                name="closed form",
                hovertemplate="closed form %{x:.2f} %<extra></extra>",
            ),
        ]
    )
    apply_layout(figure, mode=mode, height=HEIGHT)
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(title_text="share of the weight's variance (%)", range=[0, 120], tickvals=[0, 25, 50, 75, 100])
    figure.update_yaxes(title_text="device counts")
    return figure
