"""What spending effort on a share of the weights buys: accuracy and pulses against the share."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import numbers, percent, range_words
from dashboard.charts.marks import error_bars
from dashboard.charts.theme import Look, Mode, apply_layout, palette, variant_style
from neft.columns import BUDGET, CHOICE, LABEL, LOWER, MEAN, PULSES, READS, UPPER

HEIGHT = 480


def accuracy_by_budget(points: pd.DataFrame, *, at: float, mode: Mode) -> go.Figure:
    """A line per way of choosing the weights; below, what it takes to write one weight, on average.

    What to look for: how far left a line has risen.

    Args:
        points: choice, label, budget, mean, lower, upper (fractions), pulses and reads a weight.
        at: The share that is looked at.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.66, 0.34], vertical_spacing=0.06)
    groups = [] if points.empty else [rows for _, rows in points.groupby(CHOICE, sort=False)]
    for rank, rows in enumerate(groups, start=1):
        style = variant_style(Look(rank), mode=mode)
        label = str(rows[LABEL].iloc[0])
        share, mean, lower, upper = (percent(rows, name) for name in (BUDGET, MEAN, LOWER, UPPER))
        spent = zip(share, mean, lower, upper, numbers(rows, PULSES), numbers(rows, READS), strict=True)
        said = [
            f"{label}, {part:g} % verified<br><b>{kept:.1f} %</b>{range_words(low, high)}<br>"
            f"{pulses:.3g} pulses and {reads:.3g} reads a weight"
            for part, kept, low, high, pulses, reads in spent
        ]
        line = {"color": style.colour, "width": 2, "dash": style.dash}
        shared = {"x": share, "line": line, "name": label, "legendgroup": label, "hovertext": said, "hoverinfo": "text"}
        marker = {"color": style.colour, "symbol": style.symbol, "size": 8}
        bars = error_bars(mean, lower, upper, colour=style.colour)
        figure.add_trace(go.Scatter(y=mean, mode="lines+markers", marker=marker, error_y=bars, **shared), row=1, col=1)
        pulses = go.Scatter(y=numbers(rows, PULSES), mode="lines+markers", marker=marker, showlegend=False, **shared)
        figure.add_trace(pulses, row=2, col=1)
    apply_layout(figure, mode=mode, height=HEIGHT)
    if groups:
        line = {"color": page.muted, "width": 1, "dash": "dot"}
        figure.add_shape(type="line", x0=100 * at, x1=100 * at, y0=0, y1=1, yref="paper", line=line)
    figure.update_xaxes(title_text="share verified (%)", range=[-3, 103], row=2, col=1)
    figure.update_yaxes(title_text="accuracy (%)", **zoomed_percent(percent(points, MEAN)), row=1, col=1)
    figure.update_yaxes(title_text="pulses a weight", rangemode="tozero", row=2, col=1)
    return figure
