"""All chips of an evaluation in order of accuracy, with the one that is opened."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import percent
from dashboard.charts.ranked_chips import ring, stair
from dashboard.charts.theme import Look, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import ACCURACY, LOWER, MEAN, UPPER


def chip_ranks(
    ranked: pd.DataFrame, mean: pd.DataFrame, *, instance: int, clean: float, look: Look, mode: Mode
) -> go.Figure:
    """The share of chips up to each accuracy: a stair with the opened chip marked.

    What to look for: a long flat foot on the left, chips far worse than most.

    Args:
        ranked: instance, accuracy (fraction), rank, share; a row per chip, worst first.
        mean: mean, lower, upper (fractions) of the mean over chips; one row.
        instance: The opened chip.
        clean: Accuracy without variation, as a fraction.
        look: Whose colour the stair wears.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    figure = go.Figure()
    drawn = [*percent(ranked, ACCURACY), 100 * clean]
    for lower, centre, upper in zip(*(percent(mean, column) for column in (LOWER, MEAN, UPPER)), strict=True):
        _add_mean(figure, float(lower), float(centre), float(upper), colour=page.muted)
    figure.add_trace(_upright(100 * clean, name="no variation", dash="dash", colour=page.muted))
    figure.add_trace(stair(ranked, name="each chip", colour=style.colour, size=5, width=2))
    figure.add_trace(ring(ranked, instance=instance, colour=page.text))
    apply_layout(figure, mode=mode)
    figure.update_xaxes(title_text="accuracy (%)", **zoomed_percent(np.array(drawn)))
    figure.update_yaxes(title_text="chips up to there (%)", range=[0, 103], tickvals=[0, 25, 50, 75, 100])
    return figure


def _add_mean(figure: go.Figure, lower: float, centre: float, upper: float, *, colour: str) -> None:
    if np.isfinite(lower) and np.isfinite(upper):
        figure.add_shape(
            type="rect",
            x0=lower,
            x1=upper,
            y0=0,
            y1=100,
            line={"width": 0},
            fillcolor=translucent(colour, opacity=0.2),
            layer="below",
        )
    figure.add_trace(_upright(centre, name="mean chip, with its interval", dash="solid", colour=colour))


def _upright(at: float, *, name: str, dash: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[at, at],
        y=[0, 100],
        mode="lines",
        line={"color": colour, "width": 2, "dash": dash},
        name=name,
        hovertext=f"{name}<br><b>{at:.1f} %</b>",
        hoverinfo="text",
    )
