"""Accuracy against device variation, one line per method variant."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import one_box_per_sigma_d, sigma_d_end, trained_range
from dashboard.charts.end_labels import MOST, end_labels, label_margin, line_ends
from dashboard.charts.frames import (
    brief_words,
    by_variant,
    clicked_runs,
    look_of,
    numbers,
    percent,
)
from dashboard.charts.marks import add_chance, band, error_bars, hollow, legend_mark, typeset, wrapped
from dashboard.charts.theme import HEIGHT, Mode, VariantStyle, apply_layout, palette, variant_style
from neft.columns import ACCURACY, LABEL, LOWER, MEAN, NOTE, SIGMA_D, UPPER, VARIANT
from neft.sigma_d import same_sigma_d, sigma_d_text

MIN_BAND_POINTS = 5
TOP = 107
"""The y axis ends above 100 %: the strip holds the slice's label."""
TOP_OVER_MARKS = 117
"""Higher where large hollow marks lie near 100 %."""
MARK_SIZE = 12
"""Of a hollow mark, in pixels; tick labels keep clear of those at σ_d = 0."""
NOTE_WIDTH = 44
PUBLISHED = "published"


def accuracy_vs_sigma_d(
    curves: pd.DataFrame,
    *,
    slice_sigma_d: float | None,
    chance: float,
    interval_name: str,
    connect: bool,
    value: str = MEAN,
    published: pd.DataFrame | None = None,
    published_name: str = PUBLISHED,
    height: int = HEIGHT,
    mode: Mode,
) -> go.Figure:
    """Lines of accuracy over σ_d with their intervals.

    What to look for: where a line leaves the others, and how near to chance it falls.

    The axis ends where the last network that was trained with noise was tried. One box says all methods at a σ_d.

    Five or more connected points wear a band; fewer, or unconnected ones, or such without a lower or an upper end, wear
    error bars, which then reach one way only. The first entry of a point's customdata is its run ids, for a click.

    Args:
        curves: variant, label, sigma_d, mean, lower, upper, num_seeds, num_instances, run_ids (a tuple of ids).
        slice_sigma_d: Where the other charts of the page look, as a thin vertical line.
        chance: Accuracy of guessing, as a fraction.
        interval_name: What the intervals are; the legend's title.
        connect: Whether a variant's points are joined by a line.
        value: The column that the lines are of, where not the mean.
        published: variant, label, sigma_d, accuracy (also note) of published figures, drawn as hollow marks in the
            colour and symbol of the method.
        published_name: What stands for the hollow marks in the legend; a method without a line has its own entry.
        height: Of the whole figure, in pixels.
        mode: Light or dark page.
    """
    figure = go.Figure()
    variants = [(variant, label, rows.sort_values(SIGMA_D)) for variant, label, rows in by_variant(curves)]
    x_end = sigma_d_end(trained_range(curves), published)
    for variant, label, rows in variants:
        style = variant_style(look_of(rows), mode=mode)
        banded = connect and len(rows) >= MIN_BAND_POINTS and _has_both_ends(rows)
        if banded:
            figure.add_trace(band(rows, colour=style.colour, opacity=0.2, group=variant))
        figure.add_trace(
            _line(rows, variant=variant, label=label, style=style, banded=banded, connect=connect, value=value)
        )
    known = {variant for variant, _, _ in variants}
    marks = _published_marks(published, known=known, name=published_name, mode=mode)
    labeled = connect and 1 < len(variants) <= MOST
    ends = line_ends(variants, lambda rows: percent(rows, value), last=x_end, mode=mode) if labeled else []
    marked = numbers(published, SIGMA_D) if published is not None and not published.empty else np.array([])
    right = max([*(end.x for end in ends), *map(float, marked)], default=0.0)
    labels = end_labels(ends, right=right, bounds=(0, TOP), height=height)
    figure.add_traces([*labels, *marks])
    apply_layout(figure, mode=mode, height=height, legend_title=interval_name, right=label_margin(labels))
    one_box_per_sigma_d(figure)
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[0, x_end])
    figure.update_yaxes(title_text="accuracy (%)", range=[0, TOP], tickvals=[0, 20, 40, 60, 80, 100])
    if marks:
        figure.update_yaxes(range=[0, TOP_OVER_MARKS], ticklabelstandoff=MARK_SIZE)
    add_chance(figure, chance=chance, mode=mode)
    if slice_sigma_d is not None:
        _add_slice(figure, sigma_d=slice_sigma_d, label_left=slice_sigma_d > x_end / 2, mode=mode)
    return figure


def _has_both_ends(rows: pd.DataFrame) -> bool:
    """A point without both would leave a hole in the band, and no sign of the end that it has."""
    return bool(np.isfinite(percent(rows, LOWER)).all() and np.isfinite(percent(rows, UPPER)).all())


def _line(
    rows: pd.DataFrame, *, variant: str, label: str, style: VariantStyle, banded: bool, connect: bool, value: str
) -> go.Scatter:
    mean, sigma_d = percent(rows, value), numbers(rows, SIGMA_D)
    bars = error_bars(mean, percent(rows, LOWER), percent(rows, UPPER), colour=style.colour, width=4)
    return go.Scatter(
        x=sigma_d,
        y=mean,
        name=label,
        legendgroup=variant,
        mode="lines+markers" if connect else "markers",
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"color": style.colour, "symbol": style.symbol, "size": 5 if banded else 9},
        error_y=None if banded else bars,
        customdata=clicked_runs(rows),
        hovertext=[f"{typeset(label)} {words}" for words in brief_words(rows, value=value)],
        hoverinfo="text",
    )


def _published_marks(published: pd.DataFrame | None, *, known: set[str], name: str, mode: Mode) -> list[go.Scatter]:
    """Hollow marks by method; one entry of the legend, in no method's colour, stands for those that have a line."""
    if published is None or published.empty:
        return []
    marks: list[go.Scatter] = []
    for label, rows in published.groupby(LABEL, sort=False, observed=True):
        variant = str(rows[VARIANT].iloc[0])
        has_line = variant in known
        mark = go.Scatter(
            x=numbers(rows, SIGMA_D),
            y=percent(rows, ACCURACY),
            mode="markers",
            marker=hollow(variant_style(look_of(rows), mode=mode)),
            cliponaxis=False,
            name=f"{label} (published)",
            showlegend=not has_line,
            legendgroup=PUBLISHED if has_line else f"{PUBLISHED} {variant}",
            hovertext=_published_words(rows, label=str(label)),
            hoverinfo="text",
        )
        marks.append(mark)
    if any(mark.legendgroup == PUBLISHED for mark in marks):
        marks.insert(0, legend_mark(name, group=PUBLISHED, mode=mode))
    return marks


def _published_words(rows: pd.DataFrame, *, label: str) -> list[str]:
    notes = rows[NOTE].astype(str) if NOTE in rows else [""] * len(rows)
    return [
        "<br>".join([f"{label}, published <b>{value:.1f} %</b>", *_note_lines(note)])
        for value, note in zip(percent(rows, ACCURACY), notes, strict=True)
    ]


def _note_lines(note: str) -> list[str]:
    return wrapped(note, width=NOTE_WIDTH) if note else []


def _add_slice(figure: go.Figure, *, sigma_d: float, label_left: bool, mode: Mode) -> None:
    """A thin vertical line, labelled above 100 % on the side with room."""
    page = palette(mode)
    line = {"color": page.muted, "width": 1}
    figure.add_shape(type="line", x0=sigma_d, x1=sigma_d, y0=0, y1=1, yref="paper", line=line)
    two_digits = f"{sigma_d:.2f}"
    shown = two_digits if same_sigma_d(float(two_digits), sigma_d) else sigma_d_text(sigma_d)
    figure.add_annotation(
        x=sigma_d,
        xanchor="right" if label_left else "left",
        y=1,
        yref="paper",
        yanchor="top",
        text=f"σ<sub>d</sub> = {shown}",
        showarrow=False,
        font={"size": 12, "color": page.muted},
    )
