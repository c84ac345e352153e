"""How many trainings converge: a dot per training, one column per method variant."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import Floats, by_variant, look_of, numbers, percent
from dashboard.charts.marks import tick_labels, typeset
from dashboard.charts.theme import Mode, apply_layout, palette, variant_style
from neft.columns import ACCURACY, MEAN, RUN_ID, SEED

FAILED, THRESHOLD = "failed", "threshold"
FAILED_SYMBOL = "circle-x-open"
JITTER = 0.25
"""How far a dot may stand from its column's middle, in columns."""
GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it leave no two seeds near each other, modulo 1."""
HALF_LINE = 0.36
KINDS = {"training": "one training", FAILED: "failed training", MEAN: "mean", THRESHOLD: "failed below this"}


def seed_dots(seeds: pd.DataFrame, means: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """A dot per training beside its method's mean and the threshold below which a training counts as failed.

    What to look for: hollow, crossed dots far below the others: trainings that did not converge. A seed stands at the
    same place in every column. The first entry of a dot's customdata is its run id, for a click.

    Args:
        seeds: variant, label, seed, accuracy (fraction), failed (bool), run_id.
        means: variant, label, mean, threshold (fractions).
        mode: Light or dark page.
    """
    figure = go.Figure()
    labels = {variant: label for frame in (means, seeds) for variant, label, _ in by_variant(frame)}
    columns = {variant: index for index, variant in enumerate(labels)}
    shown: set[str] = set()
    for variant, label, rows in by_variant(means):
        shown |= {MEAN, THRESHOLD}
        for kind in (MEAN, THRESHOLD):
            figure.add_trace(_line(rows, kind, label=label, column=columns[variant], mode=mode))
    for variant, label, rows in by_variant(seeds):
        has_failed = rows[FAILED].to_numpy(dtype=bool)
        for kind, chosen in (("training", rows[~has_failed]), (FAILED, rows[has_failed])):
            if not chosen.empty:
                shown.add(kind)
                figure.add_trace(_dots(chosen, kind, label=label, column=columns[variant], mode=mode))
    figure.add_traces([_legend_entry(kind, mode=mode) for kind in KINDS if kind in shown])
    apply_layout(figure, mode=mode)
    figure.update_xaxes(
        range=[-0.5, max(len(labels), 1) - 0.5],
        tickvals=list(columns.values()),
        ticktext=tick_labels(list(labels.values())),
        tickangle=0,
        ticks="",
        showgrid=False,
    )
    figure.update_yaxes(title_text="accuracy (%)", **zoomed_percent(_drawn_values(seeds, means)))
    return figure


def _drawn_values(seeds: pd.DataFrame, means: pd.DataFrame) -> Floats:
    dots = [percent(seeds, ACCURACY)] if not seeds.empty else []
    lines = [percent(means, name) for name in (MEAN, THRESHOLD)] if not means.empty else []
    return np.concatenate([*dots, *lines, np.array([])])


def _line(rows: pd.DataFrame, kind: str, *, label: str, column: int, mode: Mode) -> go.Scatter:
    at = float(percent(rows, kind)[0])
    return go.Scatter(
        x=np.linspace(column - HALF_LINE, column + HALF_LINE, 3),
        y=np.full(3, at),
        mode="lines",
        line=_stroke(kind, colour=variant_style(look_of(rows), mode=mode).colour),
        name=f"{typeset(label)}, {KINDS[kind]}",
        legendgroup=kind,
        showlegend=False,
        hovertext=f"{typeset(label)}<br>{KINDS[kind]}: <b>{at:.1f} %</b>",
        hoverinfo="text",
    )


def _dots(rows: pd.DataFrame, kind: str, *, label: str, column: int, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    accuracy, seeds = percent(rows, ACCURACY), numbers(rows, SEED)
    words = " (failed)" if kind == FAILED else ""
    described = zip(seeds, accuracy, rows[RUN_ID], strict=True)
    return go.Scatter(
        x=column + _jitter(seeds),
        y=accuracy,
        mode="markers",
        marker=_dot(kind, colour=style.colour, symbol=style.symbol),
        name=f"{typeset(label)}, {KINDS[kind]}",
        legendgroup=kind,
        showlegend=False,
        customdata=rows[RUN_ID].astype(str).to_numpy(dtype=object).reshape(-1, 1),
        hovertext=[
            f"{typeset(label)}, seed {seed:g}{words}<br><b>{value:.1f} %</b><br>{run_id}"
            for seed, value, run_id in described
        ],
        hoverinfo="text",
    )


def _jitter(seeds: Floats) -> Floats:
    return JITTER * (2 * np.mod(seeds * GOLDEN + 0.5, 1) - 1)


def _dot(kind: str, *, colour: str, symbol: str) -> dict[str, Any]:
    if kind == FAILED:
        return {"color": colour, "symbol": FAILED_SYMBOL, "size": 11, "line": {"width": 2}}
    return {"color": colour, "symbol": symbol, "size": 8, "opacity": 0.85}


def _stroke(kind: str, *, colour: str) -> dict[str, Any]:
    return {"color": colour, "width": 2.5} if kind == MEAN else {"color": colour, "width": 1.5, "dash": "2px 3px"}


def _legend_entry(kind: str, *, mode: Mode) -> go.Scatter:
    """What a mark means, in neutral grey: in the columns it wears the variant's colour."""
    colour = palette(mode).muted
    if kind in {MEAN, THRESHOLD}:
        marks: dict[str, Any] = {"mode": "lines", "line": _stroke(kind, colour=colour)}
    else:
        marks = {"mode": "markers", "marker": _dot(kind, colour=colour, symbol="circle")}
    return go.Scatter(x=[None], y=[None], name=KINDS[kind], legendgroup=kind, **marks)
