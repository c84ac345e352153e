"""What one weight is on many chips, beside its closed form."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers
from dashboard.charts.theme import Mode, apply_layout, palette, translucent
from neft.columns import BIN_LEFT, BIN_RIGHT, CLOSED_FORM_DENSITY, DENSITY

HEIGHT = 300
AXIS = (-0.6, 1.6)


def programmed_weight(histogram: pd.DataFrame, *, target: float, mode: Mode) -> go.Figure:
    """The histogram of a weight over chips on the axis of all weights, with its closed form.

    What to look for: how far the heap reaches beside the distance from 0 to the layer's largest weight.

    Args:
        histogram: bin_left, bin_right, density, closed_form_density, over w_max.
        target: the wanted weight over w_max.
        mode: Light or dark page.
    """
    page = palette(mode)
    centres = (numbers(histogram, BIN_LEFT) + numbers(histogram, BIN_RIGHT)) / 2
    figure = go.Figure(
        [
            go.Scatter(
                x=centres,
                y=numbers(histogram, DENSITY),
                mode="lines",
                line={"color": page.mark, "width": 1.5, "shape": "hvh"},
                fill="tozeroy",
                fillcolor=translucent(page.mark, opacity=0.25),
                name="sampled chips",
                hovertemplate="weight %{x:.2f}<br>density %{y:.3g}<extra></extra>",
            ),
            go.Scatter(
                x=centres,
                y=numbers(histogram, CLOSED_FORM_DENSITY),
                mode="lines",
                line={"color": page.text, "width": 1.5, "dash": "4px 3px"},
                name="closed form",
                hoverinfo="skip",
            ),
        ]
    )
    apply_layout(figure, mode=mode, height=HEIGHT)
    figure.add_shape(type="line", x0=target, x1=target, y0=0, y1=1, yref="paper", line={"color": page.text, "width": 2})
    figure.add_annotation(
        x=target,
        y=1,
        yref="paper",
        yanchor="top",
        xanchor="left",
        text=" wanted",
        showarrow=False,
        font={"size": 12, "color": page.muted},
    )
    figure.update_xaxes(
        title_text="programmed weight over w<sub>max</sub>", range=list(AXIS), tickvals=[-0.5, 0, 0.5, 1, 1.5]
    )
    figure.update_yaxes(title_text="density", rangemode="tozero", nticks=4)
    return figure
