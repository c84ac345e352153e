"""Accuracy against device variation, a line per scheme (a mapping and a programming)."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import TOP, sigma_d_end
from dashboard.charts.frames import look_of, numbers, percent, range_words
from dashboard.charts.marks import add_chance, typeset
from dashboard.charts.theme import Mode, apply_layout, palette, translucent, variant_style
from neft.columns import LABEL, LOWER, MEAN, ON_FRONT, PROGRAMMING_LABEL, SCHEME, SIGMA_D, UPPER

FAINT = 0.35
"""Of lines that are on no front."""


def scheme_curves(means: pd.DataFrame, *, chance: float, sigma_d: float, mode: Mode) -> go.Figure:
    """A line per scheme in its programming's colour; those on the front at the slice are strong, others faint.

    What to look for: lines that stay up where others fall.

    Args:
        means: scheme, label, programming_label, look, on_front, sigma_d, mean, lower, upper (fractions).
        chance: Accuracy of guessing, as a fraction.
        sigma_d: The slice.
        mode: Light or dark page.
    """
    figure = go.Figure()
    seen: set[str] = set()
    if not means.empty:
        add_chance(figure, chance=chance, mode=mode)
        line = {"color": palette(mode).axis, "width": 1, "dash": "dot"}
        figure.add_shape(type="line", x0=sigma_d, x1=sigma_d, y0=0, y1=1, yref="paper", line=line)
        for scheme, rows in means.groupby(SCHEME, sort=False):
            programming = str(rows[PROGRAMMING_LABEL].iloc[0])
            figure.add_trace(_line(rows, str(scheme), is_named=programming not in seen, mode=mode))
            seen.add(programming)
    apply_layout(figure, mode=mode, legend_title="colour: programming; strong lines: on the front at the dotted line")
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[0, sigma_d_end(means)])
    figure.update_yaxes(title_text="accuracy (%)", range=[0, TOP])
    return figure


def _line(rows: pd.DataFrame, scheme: str, *, is_named: bool, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    is_strong = bool(rows[ON_FRONT].any())
    label, programming = typeset(str(rows[LABEL].iloc[0])), str(rows[PROGRAMMING_LABEL].iloc[0])
    colour = style.colour if is_strong else translucent(style.colour, opacity=FAINT)
    ends = zip(numbers(rows, SIGMA_D), *(percent(rows, name) for name in (MEAN, LOWER, UPPER)), strict=True)
    return go.Scatter(
        x=numbers(rows, SIGMA_D),
        y=percent(rows, MEAN),
        mode="lines+markers",
        name=programming,
        legendgroup=scheme,
        showlegend=is_named,
        line={"color": colour, "width": 2.5 if is_strong else 1.2, "dash": style.dash},
        marker={"color": colour, "symbol": style.symbol, "size": 7},
        hovertext=[
            f"{label}<br>σ<sub>d</sub> = {at:g}: <b>{mean:.1f} %</b>{range_words(lower, upper)}"
            for at, mean, lower, upper in ends
        ],
        hoverinfo="text",
    )
