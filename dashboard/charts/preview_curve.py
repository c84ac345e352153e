"""The preview of an accuracy curve, with the real chips that it can be held against."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import sigma_d_end
from dashboard.charts.frames import numbers, percent, range_words
from dashboard.charts.marks import add_chance, band, error_bars
from dashboard.charts.theme import Look, Mode, apply_layout, palette, variant_style
from neft.columns import LOWER, MEAN, SIGMA_D, UPPER

MARK_SIZE = 11
"""Of a ring, in pixels; tick labels keep clear of those at σ_d = 0."""


def preview_curve(
    curve: pd.DataFrame, real: pd.DataFrame, *, look: Look, chance: float, real_name: str, mode: Mode
) -> go.Figure:
    """A line with its band, and rings where real chips were tried.

    What to look for: rings inside the band; the preview then says what the chips say.

    Args:
        curve: sigma_d, mean, lower, upper (fractions) of the preview.
        real: the same of real chips; may be empty.
        look: Whose colour the line wears.
        chance: Accuracy of guessing, as a fraction.
        real_name: What the rings are, for the legend.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    figure = go.Figure()
    if not curve.empty:
        figure.add_trace(band(curve, colour=style.colour, opacity=0.25))
        figure.add_trace(
            go.Scatter(
                x=numbers(curve, SIGMA_D),
                y=percent(curve, MEAN),
                mode="lines+markers",
                line={"color": style.colour, "width": 2},
                marker={"color": style.colour, "size": 5},
                cliponaxis=False,
                name="preview, with its 95 % interval",
                hovertext=_words(curve, "preview"),
                hoverinfo="text",
            )
        )
    if not real.empty:
        mean = percent(real, MEAN)
        figure.add_trace(
            go.Scatter(
                x=numbers(real, SIGMA_D),
                y=mean,
                mode="markers",
                marker={"color": page.text, "symbol": "circle-open", "size": MARK_SIZE, "line": {"width": 2}},
                error_y=error_bars(mean, percent(real, LOWER), percent(real, UPPER), colour=page.text, width=4),
                cliponaxis=False,
                name=real_name,
                hovertext=_words(real, "real chips"),
                hoverinfo="text",
            )
        )
    apply_layout(figure, mode=mode)
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[0, sigma_d_end(curve, real)])
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 103], tickvals=[0, 20, 40, 60, 80, 100])
    figure.update_yaxes(ticklabelstandoff=MARK_SIZE)
    add_chance(figure, chance=chance, mode=mode)
    return figure


def _words(rows: pd.DataFrame, what: str) -> list[str]:
    values = zip(numbers(rows, SIGMA_D), percent(rows, MEAN), percent(rows, LOWER), percent(rows, UPPER), strict=True)
    return [
        f"{what} at σ<sub>d</sub> = {at:g}<br><b>{mean:.1f} %</b>{range_words(lower, upper)}"
        for at, mean, lower, upper in values
    ]
