"""Calibration error against device variation, one series per method variant."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import log_axis, one_box_per_sigma_d, sigma_d_end, trained_range
from dashboard.charts.frames import Floats, brief_words, by_variant, look_of, numbers, percent
from dashboard.charts.marks import error_bars, legend_mark, typeset
from dashboard.charts.theme import Mode, apply_layout, variant_style
from neft.columns import LOWER, MEAN, SIGMA_D, UPPER

AFTER = "after"
ROOM = 0.03
LOWEST = 0.1
"""Per cent; intervals are cut here."""


def calibration_vs_sigma_d(
    curves: pd.DataFrame, after: pd.DataFrame, *, interval_name: str, after_name: str, mode: Mode
) -> go.Figure:
    """Calibration error over σ_d as the networks are deployed, and hollow marks where it was calibrated; logarithmic.

    What to look for: how far the hollow mark lies below the full one: what a single temperature could mend.

    Args:
        curves: variant, label, sigma_d, mean, lower, upper (fractions), num_seeds, num_instances.
        after: variant, label, sigma_d, mean, lower, upper (fractions); may be empty.
        interval_name: What the intervals are; the legend's title.
        after_name: What the hollow marks are, for the legend.
        mode: Light or dark page.
    """
    figure = go.Figure()
    end = sigma_d_end(trained_range(curves), after)
    for variant, label, rows in by_variant(curves):
        figure.add_trace(_series(rows.sort_values(SIGMA_D), variant, label, mode=mode))
    for _, label, rows in by_variant(after):
        figure.add_trace(_after(rows, label, mode=mode))
    if not after.empty:
        figure.add_trace(legend_mark(after_name, group=AFTER, mode=mode))
    apply_layout(figure, mode=mode, legend_title=interval_name)
    one_box_per_sigma_d(figure)
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[-ROOM * end, (1 + ROOM) * end])
    figure.update_yaxes(title_text="calibration error (%)", type="log", **log_axis(_ends(curves, after), left=LOWEST))
    return figure


def _series(rows: pd.DataFrame, variant: str, label: str, *, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    mean, sigma_d = percent(rows, MEAN), numbers(rows, SIGMA_D)
    return go.Scatter(
        x=sigma_d,
        y=mean,
        name=typeset(label),
        legendgroup=variant,
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 1},
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        error_y=error_bars(mean, np.maximum(percent(rows, LOWER), LOWEST), percent(rows, UPPER), colour=style.colour),
        hovertext=[f"{typeset(label)} {words}" for words in brief_words(rows)],
        hoverinfo="text",
    )


def _after(rows: pd.DataFrame, label: str, *, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    mean, sigma_d = percent(rows, MEAN), numbers(rows, SIGMA_D)
    return go.Scatter(
        x=sigma_d,
        y=mean,
        name=f"{typeset(label)}, calibrated",
        legendgroup=AFTER,
        showlegend=False,
        mode="markers",
        marker={"color": style.colour, "symbol": f"{style.symbol}-open", "size": 11, "line": {"width": 2}},
        error_y=error_bars(mean, np.maximum(percent(rows, LOWER), LOWEST), percent(rows, UPPER), colour=style.colour),
        hovertext=[f"{typeset(label)}, calibrated <b>{value:.1f} %</b>" for value in mean],
        hoverinfo="text",
    )


def _ends(*frames: pd.DataFrame) -> Floats:
    """What the axis holds: intervals as they are drawn, cut where they would leave it."""
    found = [percent(frame, name) for frame in frames if not frame.empty for name in (LOWER, UPPER)]
    return np.maximum(np.concatenate(found), LOWEST) if found else np.array([1.0, 100.0])
