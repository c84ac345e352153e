"""How the chips of one network differ."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import numbers, percent
from dashboard.charts.theme import Look, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import BIN_LEFT, BIN_RIGHT, NUM_INSTANCES


@dataclass(frozen=True)
class Mark:
    """A vertical line with its name; the ends of its interval where they are known (NaN otherwise)."""

    name: str
    at: float
    """A fraction."""
    lower: float = float("nan")
    upper: float = float("nan")
    dash: str = "solid"


def chip_histogram(
    histogram: pd.DataFrame, *, marks: tuple[Mark, ...], look: Look, x_title: str, mode: Mode
) -> go.Figure:
    """A histogram of chips with named lines.

    What to look for: how far the lowest chips lie below the mean.

    Args:
        histogram: bin_left, bin_right (fractions), num_instances.
        marks: the lines; an interval is a band of its own.
        look: Whose colour the bars wear.
        x_title: What is counted.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    left, right = percent(histogram, BIN_LEFT), percent(histogram, BIN_RIGHT)
    counts = numbers(histogram, NUM_INSTANCES)
    figure = go.Figure(
        go.Bar(
            x=(left + right) / 2,
            y=counts,
            width=right - left,
            marker={"color": translucent(style.colour, opacity=0.6), "line": {"color": style.colour, "width": 1}},
            name="chips",
            showlegend=False,
            hovertext=[
                f"<b>{count:g} chips</b><br>{low:.1f} to {high:.1f} %"
                for count, low, high in zip(counts, left, right, strict=True)
            ],
            hoverinfo="text",
        )
    )
    top = float(counts.max()) if counts.size else 1.0
    for mark in marks:
        _add_mark(figure, mark, top=top, mode=mode)
    apply_layout(figure, mode=mode)
    ends = [100 * value for mark in marks for value in (mark.at, mark.lower, mark.upper)]
    figure.update_xaxes(title_text=x_title, **zoomed_percent(np.array([*left, *right, *ends])))
    figure.update_yaxes(title_text="chips", range=[0, 1.08 * top])
    figure.update_layout(bargap=0, legend_font_color=page.text)
    return figure


def _add_mark(figure: go.Figure, mark: Mark, *, top: float, mode: Mode) -> None:
    page = palette(mode)
    lower, upper = 100 * mark.lower, 100 * mark.upper
    if np.isfinite(lower) and np.isfinite(upper):
        fill = translucent(page.muted, opacity=0.25)
        figure.add_shape(type="rect", x0=lower, x1=upper, y0=0, y1=1, yref="paper", line={"width": 0}, fillcolor=fill)
    figure.add_trace(
        go.Scatter(
            x=[100 * mark.at] * 2,
            y=[0, 1.05 * top],
            mode="lines",
            line={"color": page.text, "width": 2, "dash": mark.dash},
            name=f"{mark.name} {100 * mark.at:.1f} %",
            hovertext=f"{mark.name}<br><b>{100 * mark.at:.1f} %</b>",
            hoverinfo="text",
        )
    )
