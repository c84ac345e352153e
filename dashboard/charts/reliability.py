"""Whether confidence says how often a prediction is right, one line per method variant."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.axes import log_axis, zero_place
from dashboard.charts.frames import by_variant, look_of, percent, range_words
from dashboard.charts.marks import error_bars, typeset
from dashboard.charts.theme import Mode, apply_layout, palette, variant_style
from neft.columns import ACCURACY, BIN_LEFT, BIN_RIGHT, LOWER, MEAN_CONFIDENCE, SHARE, UPPER

HEIGHT = 560
COUNT = "num_predictions"
TICKS = [0, 20, 40, 60, 80, 100]


def reliability(bins: pd.DataFrame, *, interval_name: str, mode: Mode) -> go.Figure:
    """Accuracy over confidence, bin by bin, above how many predictions each bin holds.

    What to look for: marks below the diagonal are surer than they may be; above it they are too modest.

    Args:
        bins: variant, label, bin_left, bin_right, mean_confidence, accuracy, lower, upper, share (fractions),
            num_predictions.
        interval_name: What the intervals are; the legend's title.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.06)
    line = {"color": page.muted, "width": 1, "dash": "dot"}
    diagonal = go.Scatter(
        x=[0, 100], y=[0, 100], mode="lines", line=line, name="as sure as it may be", hoverinfo="skip"
    )
    figure.add_trace(diagonal, row=1, col=1)
    for variant, label, rows in by_variant(bins):
        figure.add_trace(_points(rows, variant=variant, label=label, mode=mode), row=1, col=1)
        figure.add_trace(_counts(rows, variant=variant, label=label, mode=mode), row=2, col=1)
    apply_layout(figure, mode=mode, height=HEIGHT, legend_title=interval_name)
    figure.update_xaxes(range=[-1, 102], tickvals=TICKS)
    figure.update_xaxes(title_text="confidence (%)", row=2, col=1)
    figure.update_yaxes(title_text="accuracy (%)", range=[-2, 104], tickvals=TICKS, row=1, col=1)
    figure.update_layout(yaxis2={"title_text": "share (%)", "type": "log", **_share_axis(bins)})
    return figure


def _points(rows: pd.DataFrame, *, variant: str, label: str, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    accuracy, lower, upper = (percent(rows, column) for column in (ACCURACY, LOWER, UPPER))
    confidence = percent(rows, MEAN_CONFIDENCE)
    return go.Scatter(
        x=confidence,
        y=accuracy,
        name=typeset(label),
        legendgroup=variant,
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 1.5},
        marker={"color": style.colour, "symbol": style.symbol, "size": 7},
        error_y=error_bars(accuracy, lower, upper, colour=style.colour),
        hovertext=[
            f"{typeset(label)}<br>confidence {sure:.1f} %, right <b>{right:.1f} %</b>{range_words(low, high)}<br>"
            f"{int(count):,} predictions"
            for sure, right, low, high, count in zip(confidence, accuracy, lower, upper, rows[COUNT], strict=True)
        ],
        hoverinfo="text",
    )


def _counts(rows: pd.DataFrame, *, variant: str, label: str, mode: Mode) -> go.Scatter:
    """The share of predictions in each bin, drawn at the bin's middle."""
    style = variant_style(look_of(rows), mode=mode)
    middles = (percent(rows, BIN_LEFT) + percent(rows, BIN_RIGHT)) / 2
    shares = percent(rows, SHARE)
    described: Any = zip(percent(rows, BIN_LEFT), percent(rows, BIN_RIGHT), shares, rows[COUNT], strict=True)
    return go.Scatter(
        x=middles,
        y=shares,
        name=typeset(label),
        legendgroup=variant,
        showlegend=False,
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 1},
        marker={"color": style.colour, "symbol": style.symbol, "size": 5},
        hovertext=[
            f"{typeset(label)}<br>confidence {low:.0f} to {high:.0f} %: <b>{share:.1f} %</b> of predictions "
            f"({int(count):,})"
            for low, high, share, count in described
        ],
        hoverinfo="text",
    )


def _share_axis(bins: pd.DataFrame) -> dict[str, Any]:
    """Logarithmic, as nearly all predictions of a sure network lie in one bin."""
    shares = percent(bins, SHARE) if not bins.empty else np.array([1.0, 100.0])
    return log_axis(shares, left=zero_place(shares))
