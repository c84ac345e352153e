"""How the images of several networks spread over margin over noise, with zero between wrong and right."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import by_variant, look_of, numbers, percent
from dashboard.charts.marks import typeset
from dashboard.charts.theme import Mode, apply_layout, palette, translucent, variant_style
from neft.columns import BIN_LEFT, BIN_RIGHT, SHARE, VALUE

HEIGHT = 440
ROOM = 1.12
"""How far the axis reaches above the highest bin: the words beside zero stand there."""


def margin_distribution(bins: pd.DataFrame, medians: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """An outline per network of how many images have each margin over noise; its median as a dashed line.

    What to look for: how much of an outline lies near zero or left of it, where chips turn answers.

    Args:
        bins: variant, label, bin_left, bin_right (margin over noise), share (of images, a fraction), without gaps.
        medians: variant, label, value (margin over noise).
        mode: Light or dark page.
    """
    figure = go.Figure()
    for variant, label, rows in by_variant(bins):
        figure.add_trace(_outline(rows.sort_values(BIN_LEFT), variant=variant, label=label, mode=mode))
    top = ROOM * float(percent(bins, SHARE).max(initial=1.0))
    for variant, label, rows in by_variant(medians):
        figure.add_trace(_median(rows, top=top / ROOM, variant=variant, label=label, mode=mode))
    apply_layout(figure, mode=mode, height=HEIGHT, legend_title="dashed: the median image")
    edges = np.concatenate([numbers(bins, BIN_LEFT), numbers(bins, BIN_RIGHT), [-1.0, 1.0]])
    figure.update_xaxes(title_text="margin ÷ its noise", range=[float(edges.min()), float(edges.max())], showgrid=False)
    figure.update_yaxes(title_text="share of images (%)", range=[0, top])
    _mark_zero(figure, mode=mode)
    return figure


def _outline(rows: pd.DataFrame, *, variant: str, label: str, mode: Mode) -> go.Scatter:
    """Steps over the bins, down to zero at both ends."""
    style = variant_style(look_of(rows), mode=mode)
    left, right, share = numbers(rows, BIN_LEFT), numbers(rows, BIN_RIGHT), percent(rows, SHARE)
    words = [
        f"{typeset(label)}<br><b>{each:.1f} %</b> of images<br>margin {low:g} to {high:g} times its noise"
        for low, high, each in zip(left, right, share, strict=True)
    ]
    return go.Scatter(
        x=np.concatenate([left[:1], left, right[-1:], right[-1:]]),
        y=np.concatenate([[0.0], share, share[-1:], [0.0]]),
        mode="lines",
        line={"color": style.colour, "width": 2, "shape": "hv"},
        fill="tozeroy",
        fillcolor=translucent(style.colour, opacity=0.18),
        name=typeset(label),
        legendgroup=variant,
        hovertext=[words[0], *words, words[-1], words[-1]],
        hoverinfo="text",
    )


def _median(rows: pd.DataFrame, *, top: float, variant: str, label: str, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    at = float(numbers(rows, VALUE)[0])
    return go.Scatter(
        x=[at, at],
        y=[0.0, top],
        mode="lines",
        line={"color": style.colour, "width": 2, "dash": "6px 4px"},
        name=f"{typeset(label)}, median",
        legendgroup=variant,
        showlegend=False,
        hovertext=typeset(f"{label}, median image: {at:.1f} times its noise"),
        hoverinfo="text",
    )


def _mark_zero(figure: go.Figure, *, mode: Mode) -> None:
    """The line that an answer turns at, and what lies on either side."""
    page = palette(mode)
    line = {"color": page.text, "width": 1.5}
    figure.add_shape(type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line=line)
    for anchor, words, shift in (("right", "◂ wrong", -4), ("left", "right ▸", 4)):
        figure.add_annotation(
            x=0,
            xanchor=anchor,
            xshift=shift,
            y=1,
            yref="paper",
            yanchor="top",
            text=words,
            showarrow=False,
            font={"size": 12, "color": page.muted},
        )
