"""How far a technology misses against its conductance: the formula, and devices that were sampled from it."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers
from dashboard.charts.marks import error_bars
from dashboard.charts.theme import Mode, apply_layout, palette
from neft.columns import CONDUCTANCE, LOWER, SAMPLED_STD, STD, UPPER


def std_vs_conductance(
    curve: pd.DataFrame, sampled: pd.DataFrame, *, unit: str, mode: Mode, by_level: bool = False
) -> go.Figure:
    """A line for the formula, rings with intervals for the levels of sampled devices.

    What to look for: rings on the line; where it is highest, levels miss most.

    Args:
        curve: conductance, std.
        sampled: conductance, sampled_std, lower, upper of each level.
        unit: Of all of them; empty where they are over the maximal conductance.
        mode: Light or dark page.
        by_level: Whether the curve is known at its points alone: drawn in steps.
    """
    page = palette(mode)
    figure = go.Figure()
    shown = unit or "g<sub>max</sub>"
    words = f"g = %{{x:.4g}} {shown}<br><b>%{{y:.4g}} {shown}</b>"
    if not curve.empty:
        figure.add_trace(
            go.Scatter(
                x=numbers(curve, CONDUCTANCE),
                y=numbers(curve, STD),
                mode="lines",
                line={"color": page.muted, "width": 2, "shape": "hvh" if by_level else "linear"},
                name="formula",
                hovertemplate=f"formula, {words}<extra></extra>",
            )
        )
    if not sampled.empty:
        stds = numbers(sampled, SAMPLED_STD)
        figure.add_trace(
            go.Scatter(
                x=numbers(sampled, CONDUCTANCE),
                y=stds,
                mode="markers",
                marker={"color": page.text, "size": 9, "symbol": "circle-open", "line": {"width": 2}},
                error_y=error_bars(stds, numbers(sampled, LOWER), numbers(sampled, UPPER), colour=page.text, width=5),
                cliponaxis=False,
                name="sampled devices, 95 % interval",
                hovertemplate=f"sampled, {words}<extra></extra>",
            )
        )
    apply_layout(figure, mode=mode)
    over = f" ({unit})" if unit else " ÷ g<sub>max</sub>"
    figure.update_xaxes(title_text=f"conductance g{over}")
    figure.update_yaxes(title_text=f"std σ(g){over}", rangemode="tozero")
    return figure
