"""How far a weight misses, by the code of its magnitude."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers
from dashboard.charts.theme import Mode, apply_layout, palette
from neft.columns import CLOSED_FORM_STD, CODE, STD


def code_stds(codes: pd.DataFrame, *, name: str, even_name: str, mode: Mode) -> go.Figure:
    """A line for the device, a dashed one for a device that misses alike in all levels.

    What to look for: small codes, of which a network has the most; below the dashed line they miss less.

    Args:
        codes: code, std, closed_form_std (the even device's), both over σ_d w_max.
        name: What the device is called.
        even_name: What the other one is called.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure = go.Figure()
    lines = (
        (CLOSED_FORM_STD, even_name, {"color": page.muted, "width": 2, "dash": "dash"}),
        (STD, name, {"color": page.text, "width": 1.5, "shape": "hvh"}),
    )
    for column, label, line in lines if not codes.empty else ():
        figure.add_trace(
            go.Scatter(
                x=numbers(codes, CODE),
                y=numbers(codes, column),
                mode="lines",
                line=line,
                name=label,
                hovertemplate=f"{label}, code %{{x}}<br><b>%{{y:.3f}}</b> σ<sub>d</sub> w<sub>max</sub><extra></extra>",
            )
        )
    apply_layout(figure, mode=mode)
    figure.update_xaxes(title_text="magnitude code, |W| ÷ w<sub>max</sub> in steps")
    figure.update_yaxes(title_text="std of weight ÷ (σ<sub>d</sub> w<sub>max</sub>)", rangemode="tozero")
    return figure
