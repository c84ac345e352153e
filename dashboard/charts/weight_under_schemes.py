"""One weight on many chips under each scheme: how it misses, a row each."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import Floats, look_of, numbers
from dashboard.charts.marks import typeset, wrapped
from dashboard.charts.theme import Mode, apply_layout, palette, translucent, variant_style
from neft.columns import BIN_LEFT, BIN_RIGHT, CLOSED_FORM_DENSITY, DENSITY, LABEL, SCHEME, STD

ROW_HEIGHT = 40
FRAME_HEIGHT = 110
REACH = 0.85
"""A row's highest bin, of a row's height."""
NAME_WIDTH = 26


def weight_under_schemes(histograms: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """A histogram a row with the closed form as a line; each is as high as its row, so that widths alone compare.

    What to look for: narrow rows; a histogram that its line does not follow is no Gaussian.

    Args:
        histograms: scheme, label, look, bin_left, bin_right (deviation over w_max), density, closed_form_density (NaN
            where there is none) and std, a row per bin.
        mode: Light or dark page.
    """
    figure = go.Figure()
    groups = [] if histograms.empty else [rows for _, rows in histograms.groupby(SCHEME, sort=False)]
    names = [str(rows[LABEL].iloc[0]) for rows in groups]
    has_line = False
    for place, rows in enumerate(groups):
        highest = float(np.nanmax(np.concatenate([numbers(rows, DENSITY), numbers(rows, CLOSED_FORM_DENSITY)])))
        scale = REACH / highest if highest > 0 else 1.0
        figure.add_trace(_sampled(rows, place, scale, is_named=place == 0, mode=mode))
        if bool(rows[CLOSED_FORM_DENSITY].notna().any()):
            figure.add_trace(_closed_form(rows, place, scale, is_named=not has_line, mode=mode))
            has_line = True
    apply_layout(figure, mode=mode, height=FRAME_HEIGHT + ROW_HEIGHT * max(len(names), 3))
    figure.update_xaxes(title_text="W<sub>p</sub> − W<sub>d</sub> over w<sub>max</sub>")
    figure.update_yaxes(
        range=[max(len(names), 1) - 0.9, -1.05],
        tickvals=[place - 0.25 for place in range(len(names))],
        ticktext=["<br>".join(wrapped(name, width=NAME_WIDTH)) for name in names],
        ticks="",
        showgrid=False,
        automargin=True,
    )
    return figure


def _edges(rows: pd.DataFrame) -> Floats:
    return np.append(numbers(rows, BIN_LEFT), numbers(rows, BIN_RIGHT)[-1])


def _sampled(rows: pd.DataFrame, place: int, scale: float, *, is_named: bool, mode: Mode) -> go.Scatter:
    colour = variant_style(look_of(rows), mode=mode).colour
    label, std = typeset(str(rows[LABEL].iloc[0])), 100 * float(rows[STD].iloc[0])
    heights = np.append(numbers(rows, DENSITY), numbers(rows, DENSITY)[-1])
    edges = _edges(rows)
    return go.Scatter(
        x=np.concatenate([edges[:1], edges, edges[-1:]]),
        y=np.concatenate([[place], place - scale * heights, [place]]),
        mode="lines",
        line={"color": colour, "width": 1, "shape": "hv"},
        fill="toself",
        fillcolor=translucent(colour, opacity=0.35),
        name="sampled",
        showlegend=is_named,
        hovertext=f"{label}<br>std {std:.2f} % of w<sub>max</sub>",
        hoverinfo="text",
    )


def _closed_form(rows: pd.DataFrame, place: int, scale: float, *, is_named: bool, mode: Mode) -> go.Scatter:
    middles = (numbers(rows, BIN_LEFT) + numbers(rows, BIN_RIGHT)) / 2
    return go.Scatter(
        x=middles,
        y=place - scale * numbers(rows, CLOSED_FORM_DENSITY),
        mode="lines",
        line={"color": palette(mode).text, "width": 1.5},
        name="Gaussian of the closed form's std",
        showlegend=is_named,
        hoverinfo="skip",
    )
