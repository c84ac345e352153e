"""The lowest accuracy that bounded deviations were found to leave, beside random ones."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import Floats, numbers, percent
from dashboard.charts.marks import add_chance, error_bars
from dashboard.charts.theme import Look, Mode, apply_layout, palette, variant_style
from neft.columns import ACCURACY, GAUSSIAN_MEAN, GAUSSIAN_MIN, TH_G, UNIFORM_MEAN, UNIFORM_MIN

RANDOM = (
    ("uniform", UNIFORM_MEAN, UNIFORM_MIN, "circle-open", "lines+markers"),
    ("Gaussian", GAUSSIAN_MEAN, GAUSSIAN_MIN, "square-open", "markers"),
)
"""The two mostly coincide: one line is enough."""
MARK_SIZE = 9
"""In pixels; tick labels keep clear of marks at 0."""


def worst_case_curve(
    curve: pd.DataFrame,
    *,
    look: Look,
    chance: float,
    num_draws: int,
    end: float,
    worst_chip: float | None,
    worst_chip_name: str,
    mode: Mode,
) -> go.Figure:
    """A line for the worst case, and random deviations within the same bound from their mean down to their lowest.

    What to look for: how far the line lies below the random ones.

    Args:
        curve: th_g, accuracy, uniform_mean, uniform_min, gaussian_mean, gaussian_min (fractions); may be empty.
        look: Whose colour the line wears.
        chance: Accuracy of guessing, as a fraction.
        num_draws: Random deviations of each law.
        end: The largest th_g that there will be.
        worst_chip: Accuracy of the worst sampled chip, as a fraction; None where none is known.
        worst_chip_name: What it is, for the legend.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    figure = go.Figure()
    th_g = numbers(curve, TH_G)
    for law, mean_of, lowest_of, symbol, drawn_as in RANDOM:
        mean, lowest = percent(curve, mean_of), percent(curve, lowest_of)
        if not mean.size:
            continue
        figure.add_trace(
            go.Scatter(
                x=th_g,
                y=mean,
                mode=drawn_as,
                line={"color": page.muted, "width": 1.5, "dash": "dash"},
                marker={"color": page.muted, "symbol": symbol, "size": MARK_SIZE},
                error_y=error_bars(mean, lowest, mean, colour=page.muted, width=4),
                cliponaxis=False,
                name=f"random, {law}: mean, and the lowest of {num_draws}",
                hovertext=_random_words(law, th_g, mean, lowest),
                hoverinfo="text",
            )
        )
    if worst_chip is not None:
        height = 100 * worst_chip
        figure.add_trace(
            go.Scatter(
                x=[0, end],
                y=[height, height],
                mode="lines",
                line={"color": page.text, "width": 1.5, "dash": "longdash"},
                name=worst_chip_name,
                hovertext=[f"{worst_chip_name}: <b>{height:.1f} %</b>"] * 2,
                hoverinfo="text",
            )
        )
    if th_g.size:
        figure.add_trace(
            go.Scatter(
                x=th_g,
                y=percent(curve, ACCURACY),
                mode="lines+markers",
                line={"color": style.colour, "width": 2.5},
                marker={"color": style.colour, "size": 6},
                cliponaxis=False,
                name="worst case found",
                legendrank=1,
                hovertext=[
                    f"worst found at th<sub>g</sub> = {at:g}<br><b>{found:.1f} %</b>"
                    for at, found in zip(th_g, percent(curve, ACCURACY), strict=True)
                ],
                hoverinfo="text",
            )
        )
    apply_layout(figure, mode=mode)
    figure.update_xaxes(title_text="th<sub>g</sub>: largest deviation over the layer's largest weight")
    figure.update_xaxes(range=[0, 1.03 * max(end, float(np.nanmax(th_g, initial=0)))])
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 103], tickvals=[0, 20, 40, 60, 80, 100])
    figure.update_yaxes(ticklabelstandoff=MARK_SIZE)
    add_chance(figure, chance=chance, mode=mode)
    return figure


def _random_words(law: str, th_g: Floats, mean: Floats, lowest: Floats) -> list[str]:
    return [
        f"random, {law}, at th<sub>g</sub> = {at:g}<br><b>{middle:.1f} %</b>, lowest {low:.1f} %"
        for at, middle, low in zip(th_g, mean, lowest, strict=True)
    ]
