"""What the decay schedule and the number of feedback outputs are worth, beside the control."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.axes import around_zero
from dashboard.charts.frames import count_words, look_of, number_words, numbers, percent, range_words
from dashboard.charts.marks import error_bars
from dashboard.charts.theme import (
    HEIGHT,
    Look,
    Mode,
    apply_layout,
    keep_empty_panels,
    make_room_for_titles,
    mix,
    palette,
    variant_style,
)
from neft.columns import (
    DECAY,
    DEPARTURE,
    LABEL,
    LOWER,
    MEAN,
    METHOD,
    METHOD_RANK,
    NUM_FEEDBACK,
    NUM_INSTANCES,
    NUM_SEEDS,
    UPPER,
)

Trace = dict[str, Any]
SYMBOLS = {"paper": "circle", "reversed": "diamond", "constant": "square-open"}
OFFSETS = {"paper": -0.22, "reversed": 0.0, "constant": 0.22}
"""Sideways, so that the schedules of one N stand side by side."""
ENDS = (0.5, 4.5)


def decay_ablation(
    points: pd.DataFrame, *, reference: Look, reference_label: str, height: int = HEIGHT, mode: Mode
) -> go.Figure:
    """Paired differences in accuracy to a reference over N, a panel per method and a mark per decay schedule.

    What to look for: intervals that reach the line of zero gain nothing from feedback, whatever their schedule.

    Args:
        points: method, variant, label, method_rank, departure, decay (paper, reversed, constant), num_feedback, mean,
            lower, upper (fractions), num_seeds, num_instances (pairs).
        reference: what decides the look of the variant at zero.
        reference_label: its name.
        height: Of the whole figure, in pixels.
        mode: Light or dark page.
    """
    panels = _panels(points)
    ends = list(_x_range(points))
    traces = _reference(ends, reference, f"{reference_label} (zero)", num_panels=len(panels), mode=mode)
    for decay in SYMBOLS if not points.empty else ():
        of_decay = points[points[DECAY] == decay]
        if of_decay.empty:
            continue
        traces.append(_legend_entry(decay, mode=mode))
        for column, method in enumerate(panels, start=1):
            of_method = of_decay[of_decay[METHOD] == method]
            if not of_method.empty:
                traces.append(_points(of_method, decay=decay, mode=mode) | _axes(column))
    figure = go.Figure(traces, _empty_panels(tuple(panels.values()), height, mode))
    zoom = around_zero(points, LOWER, UPPER)
    for column in range(1, max(len(panels), 1) + 1):
        figure.update_layout({f"xaxis{column}_range": ends, f"yaxis{column}_range": zoom})
    return figure


def _panels(points: pd.DataFrame) -> dict[str, str]:
    """The methods by their rank, each with the label of that variant of it which departs the least."""
    if points.empty:
        return {}
    by_departure = points.sort_values(DEPARTURE, key=lambda departures: departures.astype(str).str.len(), kind="stable")
    plain = by_departure.drop_duplicates(METHOD).sort_values(METHOD_RANK, kind="stable")
    return dict(zip(plain[METHOD].astype(str), plain[LABEL].astype(str), strict=True))


@cache
def _empty_panels(titles: tuple[str, ...], height: int, mode: Mode) -> dict[str, Any]:
    """The layout of a panel per method; made once, as making it takes longer than all traces."""
    figure = make_subplots(
        rows=1,
        cols=max(len(titles), 1),
        shared_yaxes=True,
        subplot_titles=list(titles) or None,
        horizontal_spacing=0.04,
    )
    apply_layout(figure, mode=mode, height=height)
    figure.update_annotations(font={"size": 13, "color": palette(mode).text})
    make_room_for_titles(figure, height=height)
    keep_empty_panels(figure)
    figure.update_xaxes(title_text="feedback terms N", dtick=1, showgrid=False)
    figure.update_yaxes(title_text="difference (points)", row=1, col=1)
    return figure.layout.to_plotly_json()


def _axes(column: int) -> Trace:
    """Which panel a trace is drawn in, counted from 1."""
    return {"xaxis": f"x{column}", "yaxis": f"y{column}"}


def _shade(colour: str, decay: str, *, mode: Mode) -> str:
    """The schedule's shade of a colour: the paper's is the colour itself."""
    page = palette(mode)
    shades = {"paper": colour, "reversed": mix(colour, page.text, share=0.45)}
    return shades.get(decay, mix(colour, page.background, share=0.15))


def _marker(decay: str, *, colour: str) -> dict[str, object]:
    outline = {"color": colour, "width": 1.5}
    return {"color": colour, "symbol": SYMBOLS[decay], "size": 9, "line": outline}


def _points(rows: pd.DataFrame, *, decay: str, mode: Mode) -> Trace:
    mean = percent(rows, MEAN)
    colour = _shade(variant_style(look_of(rows), mode=mode).colour, decay, mode=mode)
    described = zip(rows[LABEL], rows[NUM_FEEDBACK], _words(rows), strict=True)
    return {
        "type": "scatter",
        "x": numbers(rows, NUM_FEEDBACK) + OFFSETS[decay],
        "y": mean,
        "name": f"{decay} γ",
        "legendgroup": decay,
        "showlegend": False,
        "mode": "markers",
        "marker": _marker(decay, colour=colour),
        "error_y": error_bars(mean, percent(rows, LOWER), percent(rows, UPPER), colour=colour),
        "hovertext": [f"{label}<br>{decay} γ, N = {number}<br>{words}" for label, number, words in described],
        "hoverinfo": "text",
    }


def _legend_entry(decay: str, *, mode: Mode) -> Trace:
    """A schedule's symbol in neutral grey: in the panels it wears the method's hue."""
    return {
        "type": "scatter",
        "x": [None],
        "y": [None],
        "mode": "markers",
        "marker": _marker(decay, colour=palette(mode).muted),
        "name": f"{decay} γ",
        "legendgroup": decay,
    }


def _words(rows: pd.DataFrame) -> list[str]:
    """For each row: difference, interval and pairs, as a hover says them."""
    columns = percent(rows, MEAN), percent(rows, LOWER), percent(rows, UPPER), rows[NUM_SEEDS], rows[NUM_INSTANCES]
    return [
        f"<b>{number_words(mean, '+.2f')} points</b>{range_words(lower, upper, form='+.2f', unit='')}<br>"
        f"{count_words(seeds, 'seed')} × {count_words(chips, 'chip')}, paired"
        for mean, lower, upper, seeds, chips in zip(*columns, strict=True)
    ]


def _reference(ends: list[float], look: Look, name: str, *, num_panels: int, mode: Mode) -> list[Trace]:
    """The line of zero through all panels."""
    style = variant_style(look, mode=mode)
    line: Trace = {
        "type": "scatter",
        "x": ends,
        "y": [0, 0],
        "mode": "lines",
        "line": {"color": style.colour, "dash": style.dash, "width": 2},
        "name": name,
        "legendgroup": "zero",
        "hoverinfo": "skip",
    }
    return [line | _axes(column) | {"showlegend": column == 1} for column in range(1, max(num_panels, 1) + 1)]


def _x_range(points: pd.DataFrame) -> tuple[float, float]:
    numbers_seen = numbers(points, NUM_FEEDBACK) if not points.empty else np.array([])
    last = float(np.nanmax(numbers_seen)) if np.isfinite(numbers_seen).any() else 0.0
    return ENDS[0], max(ENDS[1], last + 0.5)
