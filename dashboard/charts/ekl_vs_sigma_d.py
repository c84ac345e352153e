"""Expected KL divergence against device variation, one series per method variant."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import (
    log_axis,
    one_box_per_sigma_d,
    sigma_d_end,
    stretched,
    trained_range,
    zero_place,
)
from dashboard.charts.end_labels import MOST, end_labels, label_margin, line_ends
from dashboard.charts.frames import Floats, by_variant, clicked_runs, look_of, nats_words, numbers
from dashboard.charts.marks import error_bars, hollow, legend_mark, typeset
from dashboard.charts.theme import HEIGHT, Mode, apply_layout, variant_style
from neft.columns import EKL, LOWER, MEAN, SIGMA_D, UPPER

PUBLISHED = "published"
PUBLISHED_AXIS = "published EKL (own scale)"
MARK_ROOM = 0.03
"""What the axis has beyond its ends, for marks there."""


def ekl_vs_sigma_d(
    curves: pd.DataFrame,
    *,
    interval_name: str,
    metric_title: str,
    mode: Mode,
    published: pd.DataFrame | None = None,
) -> go.Figure:
    """EKL over σ_d with its intervals, on a logarithmic axis.

    What to look for: which variant is surer of its right answers (lower), and whether that order holds at every σ_d.
    The published figures have an axis of their own, on the right, as their scale is unknown. Both axes hold equally
    many decades: an unknown factor only moves marks up or down, so slopes and ratios may be compared, heights not.

    The axis ends where the last network that was trained with noise was tried. A logarithmic axis has no zero: means
    of zero are drawn at its lower edge, at a tick that says 0, and an interval is cut there. The first entry of a
    point's customdata is its run ids, for a click.

    Args:
        curves: variant, label, sigma_d, mean, lower, upper (nats), num_seeds, num_instances, run_ids (a tuple of ids).
        interval_name: What the intervals are; the legend's title.
        metric_title: What is drawn upwards.
        mode: Light or dark page.
        published: variant, label, sigma_d, ekl.
    """
    figure = go.Figure()
    reported = published if published is not None else pd.DataFrame()
    means = numbers(curves, MEAN) if not curves.empty else np.array([])
    left = zero_place(means)
    end = sigma_d_end(trained_range(curves), reported)
    ours = [(variant, label, rows.sort_values(SIGMA_D)) for variant, label, rows in by_variant(curves)]
    for variant, label, rows in ours:
        figure.add_trace(_series(rows, variant=variant, label=label, left=left, mode=mode))
    figure.add_traces(_published_marks(reported, known={variant for variant, _, _ in ours}, mode=mode))
    axis = log_axis(np.concatenate([means, _interval_ends(curves, left=left)]), left=left)
    labels: list[go.Scatter] = []
    if not reported.empty:
        figure.update_layout(yaxis2={"overlaying": "y", "side": "right"})
    elif 1 < len(ours) <= MOST:
        low, high = axis["range"]
        ends = line_ends(ours, lambda rows: np.log10(np.maximum(numbers(rows, MEAN), left)), last=end, mode=mode)
        labels = end_labels(ends, right=end, bounds=(low, high), height=HEIGHT, logarithmic=True)
    figure.add_traces(labels)
    right = label_margin(labels) if labels else 12 if reported.empty else 54
    apply_layout(figure, mode=mode, legend_title=interval_name, right=right)
    one_box_per_sigma_d(figure)
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[-MARK_ROOM * end, (1 + MARK_ROOM) * end])
    if not reported.empty:
        axis["range"] = _add_published_axis(figure, numbers(reported, EKL), beside=axis["range"])
    figure.update_layout(yaxis={"title_text": metric_title, "type": "log", **axis})
    return figure


def _interval_ends(curves: pd.DataFrame, *, left: float) -> Floats:
    """As they are drawn: cut where the axis would have its zero."""
    if curves.empty:
        return np.array([])
    return np.maximum(np.concatenate([numbers(curves, LOWER), numbers(curves, UPPER)]), left)


def _add_published_axis(figure: go.Figure, values: Floats, *, beside: list[float]) -> list[float]:
    """The axis on the right; returns the range of the left one, which holds equally many decades."""
    axis = log_axis(values, left=zero_place(values))
    decades = max(high - low for low, high in (beside, axis["range"]))
    axis["range"] = stretched(axis["range"], decades=decades)
    figure.update_layout(yaxis2={"title_text": PUBLISHED_AXIS, "type": "log", "showgrid": False, **axis})
    return stretched(beside, decades=decades)


def _series(rows: pd.DataFrame, *, variant: str, label: str, left: float, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    mean = numbers(rows, MEAN)
    drawn, lower = np.where(mean <= 0, left, mean), np.maximum(numbers(rows, LOWER), left)
    return go.Scatter(
        x=numbers(rows, SIGMA_D),
        y=drawn,
        name=typeset(label),
        legendgroup=variant,
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 1},
        marker={"color": style.colour, "symbol": style.symbol, "size": 9},
        error_y=error_bars(drawn, lower, numbers(rows, UPPER), colour=style.colour),
        customdata=clicked_runs(rows),
        hovertext=[f"{typeset(label)} {words}" for words in nats_words(rows)],
        hoverinfo="text",
    )


def _published_marks(reported: pd.DataFrame, *, known: set[str], mode: Mode) -> list[go.Scatter]:
    """Hollow marks by method; one entry of the legend stands for those that have a series of ours."""
    marks = [_published(rows, variant, label, known=known, mode=mode) for variant, label, rows in by_variant(reported)]
    if any(mark.legendgroup == PUBLISHED for mark in marks):
        marks.insert(0, legend_mark("published (right axis)", group=PUBLISHED, mode=mode))
    return marks


def _published(rows: pd.DataFrame, variant: str, label: str, *, known: set[str], mode: Mode) -> go.Scatter:
    values, sigma_d = numbers(rows, EKL), numbers(rows, SIGMA_D)
    return go.Scatter(
        x=sigma_d,
        y=np.where(values <= 0, zero_place(values), values),
        yaxis="y2",
        name=f"{typeset(label)} (published)",
        showlegend=variant not in known,
        legendgroup=PUBLISHED if variant in known else f"{PUBLISHED} {variant}",
        mode="markers",
        marker=hollow(variant_style(look_of(rows), mode=mode)),
        hovertext=[f"{typeset(label)}, published <b>{value:.3g}</b> on the right-hand axis" for value in values],
        hoverinfo="text",
    )
