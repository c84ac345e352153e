"""Accuracy against what a scheme costs, and the front on which nothing is cheaper and better."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import Floats, look_of, numbers, percent, range_words
from dashboard.charts.marks import NO_BREAK, error_bars, typeset
from dashboard.charts.theme import Mode, apply_layout, palette, variant_style
from neft.columns import LABEL, LOWER, MEAN, ON_FRONT, PROGRAMMING_LABEL, SCHEME, UPPER

SIZE, FAINT_SIZE = 12, 8
GAP = 2 * NO_BREAK
"""Between a mark and its name."""


def accuracy_vs_cost(
    points: pd.DataFrame,
    *,
    cost: str,
    cost_title: str,
    value_title: str = "accuracy (%)",
    front_names: str = "",
    mode: Mode,
) -> go.Figure:
    """A mark per scheme; the stair is the front: left of it or above it there is nothing.

    What to look for: the marks on the stair; the others are dearer than one that keeps as much.

    Args:
        points: scheme, label, programming_label, look, on_front, mean, lower, upper (fractions) and the cost.
        cost: Its column.
        cost_title: In words.
        value_title: What accuracy it is, in words.
        front_names: A column of short names that stand beside the marks on the front; none by default.
        mode: Light or dark page.
    """
    figure = go.Figure()
    if not points.empty:
        _add_front(figure, points, cost, mode)
        if front_names:
            _add_names(figure, points, cost, front_names, mode)
        seen: set[str] = set()
        for _, rows in points.groupby(SCHEME, sort=False):
            programming = str(rows[PROGRAMMING_LABEL].iloc[0])
            figure.add_trace(_mark(rows, cost, cost_title, is_named=programming not in seen, mode=mode))
            seen.add(programming)
    apply_layout(figure, mode=mode)
    figure.update_xaxes(title_text=cost_title, rangemode="tozero")
    figure.update_yaxes(title_text=value_title, **zoomed_percent(_shown(points)))
    return figure


def _shown(points: pd.DataFrame) -> Floats:
    """What the axis holds: every mark, and the intervals on the front whole."""
    if points.empty:
        return percent(points, MEAN)
    front = points[points[ON_FRONT].astype(bool)]
    return np.concatenate([percent(points, MEAN), percent(front, LOWER), percent(front, UPPER)])


def _add_front(figure: go.Figure, points: pd.DataFrame, cost: str, mode: Mode) -> None:
    front = points[points[ON_FRONT].astype(bool)].sort_values(cost, kind="stable")
    figure.add_trace(
        go.Scatter(
            x=numbers(front, cost),
            y=percent(front, MEAN),
            mode="lines",
            line={"color": palette(mode).muted, "width": 1.5, "shape": "hv"},
            name="front: nothing is cheaper and better",
            hoverinfo="skip",
        )
    )


def _add_names(figure: go.Figure, points: pd.DataFrame, cost: str, names: str, mode: Mode) -> None:
    front = points[points[ON_FRONT].astype(bool)]
    figure.add_trace(
        go.Scatter(
            x=numbers(front, cost),
            y=percent(front, MEAN),
            mode="text",
            text=[f"{GAP}{typeset(str(name))}" for name in front[names]],
            textposition="bottom right",
            textfont={"color": palette(mode).muted, "size": 12},
            cliponaxis=False,
            name="names of the front",
            showlegend=False,
            hoverinfo="skip",
        )
    )


def _mark(rows: pd.DataFrame, cost: str, cost_title: str, *, is_named: bool, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    mean, lower, upper = (percent(rows, name) for name in (MEAN, LOWER, UPPER))
    is_on_front = bool(rows[ON_FRONT].iloc[0])
    words = f"{typeset(str(rows[LABEL].iloc[0]))}<br><b>{mean[0]:.1f} %</b>{range_words(lower[0], upper[0])}"
    return go.Scatter(
        x=numbers(rows, cost),
        y=mean,
        mode="markers",
        name=str(rows[PROGRAMMING_LABEL].iloc[0]),
        showlegend=is_named,
        marker={
            "color": style.colour,
            "symbol": style.symbol if is_on_front else f"{style.symbol}-open",
            "size": SIZE if is_on_front else FAINT_SIZE,
        },
        error_y=error_bars(mean, lower, upper, colour=style.colour),
        hovertext=[f"{words}<br>{numbers(rows, cost)[0]:.3g} {cost_title}"],
        hoverinfo="text",
    )
