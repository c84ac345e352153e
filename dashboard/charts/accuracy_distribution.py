"""How the accuracy of chips spreads, one rising line per method variant."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import by_variant, look_of, numbers, percent
from dashboard.charts.marks import typeset
from dashboard.charts.theme import Mode, VariantStyle, apply_layout, palette, variant_style
from neft.columns import QUANTILE, VALUE

MARKED = (5, 50)
"""Shares of chips at which a line wears a mark, and the chart a dotted line."""
NAMES = {5: "5th percentile", 50: "median"}
TOLERANCE = 0.1
"""How far, in per cent of chips, a quantile may lie from the share that a mark stands for."""


def accuracy_distribution(quantiles: pd.DataFrame, *, interval_name: str, mode: Mode) -> go.Figure:
    """The share of chips at or below each accuracy.

    What to look for: a line further right is better at every share; a steep one is alike on all chips; a long foot on
    the left is a few very bad chips.

    Args:
        quantiles: variant, label, quantile (0 to 1), value (accuracy, a fraction).
        interval_name: What the chips are (seeds × chips); the legend's title.
        mode: Light or dark page.
    """
    figure = go.Figure()
    for variant, label, rows in by_variant(quantiles):
        figure.add_traces(_line_and_marks(rows.sort_values(QUANTILE), variant, label, mode=mode))
    apply_layout(figure, mode=mode, legend_title=interval_name)
    values = percent(quantiles, VALUE) if not quantiles.empty else np.array([])
    figure.update_xaxes(title_text="accuracy of a chip (%)", **zoomed_percent(values))
    figure.update_yaxes(title_text="share of chips (%)", range=[0, 102], tickvals=[0, 25, 50, 75, 100])
    _add_shares(figure, mode=mode)
    return figure


def _line_and_marks(rows: pd.DataFrame, variant: str, label: str, *, mode: Mode) -> list[go.Scatter]:
    style = variant_style(look_of(rows), mode=mode)
    values, shares = percent(rows, VALUE), 100 * numbers(rows, QUANTILE)
    line = go.Scatter(
        x=values,
        y=shares,
        name=typeset(label),
        legendgroup=variant,
        mode="lines",
        line={"color": style.colour, "dash": style.dash, "width": 2},
        hovertext=[
            f"{typeset(label)}<br><b>{share:.1f} %</b> of chips at or below {value:.1f} %"
            for value, share in zip(values, shares, strict=True)
        ],
        hoverinfo="text",
    )
    at = [int(np.abs(shares - share).argmin()) for share in MARKED]
    known = [(index, share) for index, share in zip(at, MARKED, strict=True) if abs(shares[index] - share) <= TOLERANCE]
    return [line, _marks(known, values, shares, variant=variant, label=label, style=style)]


def _marks(
    known: list[tuple[int, int]],
    values: np.ndarray,
    shares: np.ndarray,
    *,
    variant: str,
    label: str,
    style: VariantStyle,
) -> go.Scatter:
    places = [index for index, _ in known]
    return go.Scatter(
        x=values[places],
        y=shares[places],
        mode="markers",
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        hovertext=[f"{typeset(label)}<br>{NAMES[share]} <b>{values[index]:.1f} %</b>" for index, share in known],
        hoverinfo="text",
        showlegend=False,
        legendgroup=variant,
    )


def _add_shares(figure: go.Figure, *, mode: Mode) -> None:
    page = palette(mode)
    for share in MARKED:
        line = {"color": page.muted, "width": 1, "dash": "dot"}
        figure.add_shape(type="line", x0=0, x1=1, xref="paper", y0=share, y1=share, line=line)
        place = {"x": 0.01, "xref": "paper", "xanchor": "left", "y": share, "yanchor": "bottom"}
        figure.add_annotation(place, text=NAMES[share], showarrow=False, font={"size": 12, "color": page.muted})
