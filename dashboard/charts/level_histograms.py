"""Measured conductances level by level, beside the Gaussian of the same spread."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers, percent
from dashboard.charts.shades import shade
from dashboard.charts.theme import Mode, apply_layout, palette
from neft.columns import BIN_LEFT, BIN_RIGHT, GAUSSIAN_SHARE, LEVEL, SHARE, TARGET

OPACITY = 0.55


def level_histograms(histograms: pd.DataFrame, levels: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """A filled histogram per level with a Gaussian on top, and a line where the level aims.

    What to look for: a line beside its hill is a bias; a hill with a long side is no Gaussian.

    Args:
        histograms: level, bin_left, bin_right (conductance over the maximal one), share and gaussian_share of the
            level's measurements in the bin.
        levels: level, target (over the maximal conductance).
        mode: Light or dark page.
    """
    page = palette(mode)
    figure = go.Figure()
    groups = list(histograms.groupby(LEVEL, sort=True)) if not histograms.empty else []
    for index, (level, rows) in enumerate(groups):
        left, right = numbers(rows, BIN_LEFT), numbers(rows, BIN_RIGHT)
        edges = np.concatenate([left[:1], left, right[-1:], right[-1:]])
        heights = np.concatenate([[0.0], percent(rows, SHARE), percent(rows, SHARE)[-1:], [0.0]])
        figure.add_trace(
            go.Scatter(
                x=100 * edges,
                y=heights,
                mode="lines",
                line={"width": 1, "shape": "hv", "color": shade(index, len(groups), mode=mode)},
                fill="tozeroy",
                fillcolor=shade(index, len(groups), mode=mode, opacity=OPACITY),
                name="measured",
                legendgroup="measured",
                showlegend=index == 0,
                hovertemplate=f"level {level}<br>%{{x:.3g}} % of g<sub>max</sub>: <b>%{{y:.2g}} %</b><extra></extra>",
            )
        )
        figure.add_trace(
            go.Scatter(
                x=50 * (left + right),
                y=percent(rows, GAUSSIAN_SHARE),
                mode="lines",
                line={"width": 2, "color": page.text, "dash": "dash", "shape": "spline"},
                name="Gaussian of the same std",
                legendgroup="gaussian",
                showlegend=index == 0,
                hoverinfo="skip",
            )
        )
    for target in 100 * numbers(levels, TARGET) if not levels.empty else ():
        figure.add_shape(
            type="line", x0=target, x1=target, y0=0, y1=1, yref="paper", line={"color": page.muted, "width": 1}
        )
    apply_layout(figure, mode=mode)
    figure.update_xaxes(title_text="conductance (% of g<sub>max</sub>)")
    figure.update_yaxes(title_text="share of the level's devices (%)", rangemode="tozero")
    return figure
