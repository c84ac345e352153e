"""One weight on its devices: the levels that they should hold and do, what each adds, and where the weight ends up."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers, percent
from dashboard.charts.theme import Mode, apply_layout, palette, translucent
from neft.columns import (
    BIN_LEFT,
    BIN_RIGHT,
    CLOSED_FORM_DENSITY,
    DENSITY,
    LEVEL,
    LEVEL_ERROR,
    LEVEL_STD,
    SIGNIFICANCE,
    SLICE,
    VARIANCE_SHARE,
    WEIGHT_ERROR,
)

ROW_HEIGHT = 44
FRAME_HEIGHT = 110
BAND = 2
"""Stds either side that a band shows."""
HIGHEST_WITH_ALL_TICKS = 15


def device_levels(slices: pd.DataFrame, *, max_level: int, mode: Mode) -> go.Figure:
    """A row per device, most significant first: its level's place, the band of ± 2 std, and what it holds.

    What to look for: a device misses as far as any other of equal level, whatever its slice counts for.

    Args:
        slices: slice, significance, level, level_std, level_error.
        max_level: 2^K − 1.
        mode: Light or dark page.
    """
    page = palette(mode)
    level, std, error = (numbers(slices, column) for column in (LEVEL, LEVEL_STD, LEVEL_ERROR))
    rows = np.arange(len(slices))
    figure = go.Figure()
    figure.add_trace(
        go.Bar(
            x=2 * BAND * std,
            base=level - BAND * std,
            y=rows,
            orientation="h",
            width=0.5,
            marker={"color": translucent(page.mark, opacity=0.25), "line": {"width": 0}},
            name=f"± {BAND} std",
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        _marks(level, rows, "asked: level g<sub>j</sub>", symbol="line-ns-open", size=26, colour=page.text)
    )
    figure.add_trace(
        _marks(
            level + error, rows, "this chip: g<sub>j</sub> + Δg<sub>j</sub>", symbol="circle", size=11, colour=page.mark
        )
    )
    _layout(figure, slices, mode=mode)
    reach = float((level + BAND * std).max()) if len(level) else max_level
    least = float((level - BAND * std).min()) if len(level) else 0.0
    ends = [*(level + error), reach, least, 0, max_level]
    ticks = list(range(max_level + 1)) if max_level <= HIGHEST_WITH_ALL_TICKS else None
    figure.update_xaxes(
        title_text="conductance in levels",
        range=[min(ends) - 0.04 * max_level, max(ends) + 0.04 * max_level],
        tickvals=ticks,
    )
    return figure


def slice_errors(slices: pd.DataFrame, *, w_max: float, mode: Mode) -> go.Figure:
    """A row per device: what its miss adds to the weight, and the share of the weight's variance that it brings.

    What to look for: the most significant device brings nearly all of it.

    Args:
        slices: slice, significance, weight_error, variance_share.
        w_max: the layer's largest weight, which contributions are counted in.
        mode: Light or dark page.
    """
    page = palette(mode)
    share, added = percent(slices, VARIANCE_SHARE), numbers(slices, WEIGHT_ERROR) / w_max
    rows = np.arange(len(slices))
    figure = go.Figure(
        go.Bar(
            x=share,
            y=rows,
            orientation="h",
            width=0.5,
            marker={"color": translucent(page.mark, opacity=0.45)},
            name="share of the variance",
            text=[f"{value:.3g} % · {miss:+.3f}".replace("-", "−") for value, miss in zip(share, added, strict=True)],
            textposition="outside",
            textfont={"color": page.text, "size": 12},
            cliponaxis=False,
            hovertemplate="share of the variance <b>%{x:.3g} %</b><extra></extra>",
            showlegend=False,
        )
    )
    _layout(figure, slices, mode=mode)
    figure.update_xaxes(title_text="share of the weight's variance (%)", range=[0, 180], tickvals=[0, 25, 50, 75, 100])
    return figure


def weight_distribution(histogram: pd.DataFrame, marks: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """The programmed weight over many chips, under its Gaussian, with the weight that was asked for.

    What to look for: bars under the line; the sum of a few independent Gaussians is one Gaussian.

    Args:
        histogram: bin_left, bin_right, density, closed_form_density; in weight units.
        marks: label, value, dash; upright lines.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure = go.Figure()
    if not histogram.empty:
        left, right = numbers(histogram, BIN_LEFT), numbers(histogram, BIN_RIGHT)
        centres = (left + right) / 2
        figure.add_trace(
            go.Bar(
                x=centres,
                y=numbers(histogram, DENSITY),
                width=right - left,
                marker={"color": translucent(page.mark, opacity=0.35), "line": {"width": 0}},
                name="sampled chips",
                hovertemplate="W<sub>p</sub> %{x:.4f}<br>density %{y:.3g}<extra></extra>",
            )
        )
        figure.add_trace(
            go.Scatter(
                x=centres,
                y=numbers(histogram, CLOSED_FORM_DENSITY),
                mode="lines",
                line={"color": page.text, "width": 2, "dash": "4px 3px"},
                name="closed form",
                hoverinfo="skip",
            )
        )
    top = float(np.nanmax(numbers(histogram, DENSITY))) * 1.08 if not histogram.empty else 1.0
    for label, value, dash in marks.itertuples(index=False):
        figure.add_trace(
            go.Scatter(
                x=[value, value],
                y=[0, top],
                mode="lines",
                line={"color": page.mark if dash == "solid" else page.muted, "width": 2, "dash": dash},
                name=str(label),
                hovertext=f"{label}: <b>{value:.4f}</b>",
                hoverinfo="text",
            )
        )
    apply_layout(figure, mode=mode)
    figure.update_layout(bargap=0)
    figure.update_xaxes(title_text="programmed weight W<sub>p</sub>", nticks=7)
    figure.update_yaxes(title_text="density", rangemode="tozero", nticks=5)
    return figure


def _marks(x: np.ndarray, y: np.ndarray, name: str, *, symbol: str, size: int, colour: str) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": size, "line": {"width": 2, "color": colour}},
        name=name,
        cliponaxis=False,
        hovertemplate=f"{name}: <b>%{{x:.3f}}</b><extra></extra>",
    )


def _layout(figure: go.Figure, slices: pd.DataFrame, *, mode: Mode) -> None:
    names = [
        f"slice {int(index)} (× {int(significance)})"
        for index, significance in zip(numbers(slices, SLICE), numbers(slices, SIGNIFICANCE), strict=True)
    ]
    apply_layout(figure, mode=mode, height=max(230, FRAME_HEIGHT + ROW_HEIGHT * len(names)))
    figure.update_yaxes(
        range=[len(names) - 0.5, -0.5],
        tickvals=list(range(len(names))),
        ticktext=names,
        automargin=True,
        showgrid=False,
    )
