"""Accuracy against device variation of a run whose chips are still tried, over curves that are stored."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import by_variant, look_of, numbers, percent
from dashboard.charts.marks import add_chance
from dashboard.charts.theme import Mode, apply_layout, palette, variant_style
from neft.columns import MEAN, SIGMA_D

HEIGHT = 320


def live_curve(beside: pd.DataFrame, means: pd.DataFrame, *, name: str, chance: float | None, mode: Mode) -> go.Figure:
    """The mean accuracy over the chips so far, thick, over thin lines of what is stored.

    What to look for: whether the thick line settles above the thin ones; it moves while chips are few.

    Args:
        beside: variant, label, sigma_d, mean of stored curves; zero rows or more.
        means: sigma_d, mean of the run so far.
        name: What the run is called in the legend.
        chance: Accuracy of guessing, as a fraction; not drawn where not known.
        mode: Light or dark page.
    """
    figure = go.Figure()
    for variant, label, rows in by_variant(beside):
        style = variant_style(look_of(rows), mode=mode)
        ordered = rows.sort_values(SIGMA_D)
        figure.add_trace(
            go.Scatter(
                x=numbers(ordered, SIGMA_D),
                y=percent(ordered, MEAN),
                name=label,
                legendgroup=variant,
                mode="lines",
                line={"color": style.colour, "dash": style.dash, "width": 1.5},
                hovertemplate=f"{label}<br>σ<sub>d</sub> = %{{x:g}}: <b>%{{y:.1f}} %</b><extra></extra>",
            )
        )
    so_far = means if means.empty else means.sort_values(SIGMA_D)
    colour = palette(mode).text
    figure.add_trace(
        go.Scatter(
            x=numbers(so_far, SIGMA_D),
            y=percent(so_far, MEAN),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 4},
            marker={"color": colour, "size": 9},
            hovertemplate=f"{name}<br>σ<sub>d</sub> = %{{x:g}}: <b>%{{y:.1f}} %</b><extra></extra>",
        )
    )
    apply_layout(figure, mode=mode, height=HEIGHT)
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", rangemode="tozero")
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 107], tickvals=[0, 20, 40, 60, 80, 100])
    if chance is not None:
        add_chance(figure, chance=chance, mode=mode)
    return figure
