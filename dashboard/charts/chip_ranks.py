"""All chips of an evaluation in order of accuracy, with the one that is opened."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import numbers, percent
from dashboard.charts.theme import Look, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import ACCURACY, INSTANCE, LOWER, MEAN, RANK, SHARE, UPPER


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
    figure.add_trace(_stair(ranked, colour=style.colour))
    opened = ranked[numbers(ranked, INSTANCE) == instance]
    figure.add_trace(
        go.Scatter(
            x=percent(opened, ACCURACY),
            y=percent(opened, SHARE),
            mode="markers",
            marker={"color": page.text, "symbol": "circle-open", "size": 15, "line": {"width": 3}},
            cliponaxis=False,
            name=f"chip {instance}",
            hovertext=_words(opened),
            hoverinfo="text",
        )
    )
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


def _stair(ranked: pd.DataFrame, *, colour: str) -> go.Scatter:
    return go.Scatter(
        x=percent(ranked, ACCURACY),
        y=percent(ranked, SHARE),
        mode="lines+markers",
        line={"color": colour, "width": 2, "shape": "hv"},
        marker={"color": colour, "size": 5},
        cliponaxis=False,
        name="each chip",
        hovertext=_words(ranked),
        hoverinfo="text",
    )


def _words(rows: pd.DataFrame) -> list[str]:
    return [
        f"chip {int(chip)}: <b>{accuracy:.1f} %</b><br>rank {int(rank)} from the worst"
        for chip, accuracy, rank in zip(
            numbers(rows, INSTANCE), percent(rows, ACCURACY), numbers(rows, RANK), strict=True
        )
    ]
