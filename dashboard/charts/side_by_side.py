"""Runs side by side: accuracy and difference over σ_d, the spread over chips, and the training, a line a run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import sigma_d_end, zoomed_percent
from dashboard.charts.frames import Floats, count_words, number_words, numbers, percent, percentile_words, range_words
from dashboard.charts.marks import NO_BREAK, add_chance, band, error_bars, typeset
from dashboard.charts.run_marks import Marks, RunMark
from dashboard.charts.theme import Mode, apply_layout, palette
from neft.columns import (
    EPOCH,
    LOWER,
    MEAN,
    NUM_INSTANCES,
    NUM_PAIRS,
    QUANTILE,
    RUN_ID,
    SIGMA_D,
    UPPER,
    VALIDATION_ACCURACY,
    VALUE,
)

HEIGHT = 420
MORE_HEIGHT = 16
"""For every run beyond a few: its row of the legend on a narrow page."""
LETTER_ROOM = 34
"""The right margin in pixels: letters stand at the ends of the lines."""
LETTER_GAP = 0.065
"""Distance of two letters, as a share of the axis."""
BAND_OPACITY = 0.14
MIN_BAND_POINTS = 5
MANY_RUNS = 4
"""More runs than this wear no bands: they would cover each other."""
MIN_REACH = 2.0
"""An axis of differences reaches at least so many points from zero: less would make much of chance."""


def run_curves(
    curves: pd.DataFrame, marks: Marks, *, slice_sigma_d: float | None, chance: float | None, mode: Mode
) -> go.Figure:
    """Accuracy over σ_d, a line a run with its interval over chips.

    What to look for: where a line leaves the others.

    Args:
        curves: run_id, sigma_d, mean, lower, upper (fractions), num_instances.
        marks: of every run of the selection; those without rows are not drawn.
        slice_sigma_d: Where the other charts look, as a thin vertical line.
        chance: Accuracy of guessing, as a fraction; None where the runs' data differ.
        mode: Light or dark page.
    """
    figure = go.Figure()
    _add_lines(figure, curves, marks, words=_accuracy_words)
    end = sigma_d_end(curves)
    _add_letters(figure, curves, marks, low=0, high=103)
    apply_layout(
        figure, mode=mode, height=_height(marks), legend_title="mean, 95 % interval over chips", right=LETTER_ROOM
    )
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[0, end])
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 103], tickvals=[0, 20, 40, 60, 80, 100])
    if chance is not None:
        add_chance(figure, chance=chance, mode=mode)
    if slice_sigma_d is not None:
        _add_slice(figure, slice_sigma_d, mode=mode)
    return figure


def run_differences(
    differences: pd.DataFrame, marks: Marks, *, reference: str, slice_sigma_d: float | None, mode: Mode
) -> go.Figure:
    """Each run's difference to the reference over σ_d, with its interval; the reference is the line at zero.

    What to look for: intervals that keep clear of zero; above it a run is better than the reference.

    Args:
        differences: run_id, sigma_d, mean, lower, upper (fractions), num_pairs.
        marks: of every run of the selection.
        reference: the run at zero.
        slice_sigma_d: Where the other charts look, as a thin vertical line.
        mode: Light or dark page.
    """
    figure = go.Figure()
    against = marks[reference]
    end = sigma_d_end(differences)
    figure.add_trace(
        go.Scatter(
            x=[0, end],
            y=[0, 0],
            mode="lines",
            line={"color": against.style.colour, "dash": against.style.dash, "width": 2},
            name=f"{_name(against)} (zero)",
            hoverinfo="skip",
        )
    )
    _add_lines(figure, differences, marks, words=_difference_words)
    reach = _reach(differences)
    _add_letters(figure, differences, marks, low=reach[0], high=reach[1])
    apply_layout(
        figure,
        mode=mode,
        height=_height(marks),
        legend_title=f"difference to {against.letter}, 95 %",
        right=LETTER_ROOM,
    )
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[0, end])
    figure.update_yaxes(title_text=f"accuracy − that of {against.letter} (points)", range=reach, nticks=8)
    if slice_sigma_d is not None:
        _add_slice(figure, slice_sigma_d, mode=mode)
    return figure


def run_distributions(quantiles: pd.DataFrame, marks: Marks, *, mode: Mode) -> go.Figure:
    """The share of chips at or below each accuracy, a rising line a run.

    What to look for: a line further right is better at every share; a long foot on the left is a few very bad chips.

    Args:
        quantiles: run_id, quantile (0 to 1), value (accuracy, a fraction).
        marks: of every run of the selection.
        mode: Light or dark page.
    """
    figure = go.Figure()
    for run_id, mark, rows in _by_run(quantiles, marks):
        values, shares = percent(rows, VALUE), 100 * numbers(rows, QUANTILE)
        figure.add_trace(
            go.Scatter(
                x=values,
                y=shares,
                name=_name(mark),
                legendgroup=run_id,
                mode="lines",
                line=_line(mark),
                hovertext=[
                    f"{_name(mark)}<br><b>{share:.1f} %</b> of chips at or below {value:.1f} %"
                    for value, share in zip(values, shares, strict=True)
                ],
                hoverinfo="text",
            )
        )
    apply_layout(figure, mode=mode, height=_height(marks), legend_title="every chip is one value")
    values = percent(quantiles, VALUE) if not quantiles.empty else np.array([])
    figure.update_xaxes(title_text="accuracy of a chip (%)", **zoomed_percent(values))
    figure.update_yaxes(title_text="share of chips (%)", range=[0, 102], tickvals=[0, 25, 50, 75, 100])
    page = palette(mode)
    for share, words in ((5, "5th percentile"), (50, "median")):
        line = {"color": page.muted, "width": 1, "dash": "dot"}
        figure.add_shape(type="line", x0=0, x1=1, xref="paper", y0=share, y1=share, line=line)
        figure.add_annotation(
            x=0.01,
            xref="paper",
            xanchor="left",
            y=share,
            yanchor="bottom",
            text=words,
            showarrow=False,
            font={"size": 12, "color": page.muted},
        )
    return figure


def run_histories(histories: pd.DataFrame, marks: Marks, *, mode: Mode) -> go.Figure:
    """Validation accuracy under variation over the epochs, a line a run; nothing is smoothed.

    What to look for: lines that still rise at their end were stopped early.

    Args:
        histories: run_id, epoch, validation_accuracy (a fraction).
        marks: of every run of the selection.
        mode: Light or dark page.
    """
    figure = go.Figure()
    for run_id, mark, rows in _by_run(histories, marks):
        figure.add_trace(
            go.Scatter(
                x=numbers(rows, EPOCH),
                y=percent(rows, VALIDATION_ACCURACY),
                name=_name(mark),
                legendgroup=run_id,
                mode="lines" if len(rows) > 1 else "markers",
                line=_line(mark),
                marker={"color": mark.style.colour, "symbol": mark.style.symbol, "size": 9},
                connectgaps=True,
                hovertemplate=f"{_name(mark)}<br>epoch %{{x:d}}: <b>%{{y:.1f}} %</b><extra></extra>",
            )
        )
    apply_layout(
        figure, mode=mode, height=_height(marks), legend_title="validation, at each run's own training σ<sub>d</sub>"
    )
    figure.update_xaxes(title_text="epoch", rangemode="tozero", tickformat="d")
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 103], tickvals=[0, 20, 40, 60, 80, 100])
    return figure


def _by_run(frame: pd.DataFrame, marks: Marks) -> list[tuple[str, RunMark, pd.DataFrame]]:
    """The runs of the frame, in the order of the selection."""
    if frame.empty:
        return []
    found = [(run_id, mark, frame[frame[RUN_ID] == run_id]) for run_id, mark in marks.items()]
    return [(run_id, mark, rows) for run_id, mark, rows in found if not rows.empty]


def _add_lines(
    figure: go.Figure, frame: pd.DataFrame, marks: Marks, *, words: Callable[[pd.DataFrame], list[str]]
) -> None:
    """A line a run with its intervals: bands where few runs are chosen (hidden ones count), many points; else bars."""
    for run_id, mark, unsorted in _by_run(frame, marks):
        rows = unsorted.sort_values(SIGMA_D)
        mean, sigma_d = percent(rows, MEAN), numbers(rows, SIGMA_D)
        banded = len(marks) <= MANY_RUNS and len(rows) >= MIN_BAND_POINTS
        if banded:
            figure.add_trace(band(rows, colour=mark.style.colour, opacity=BAND_OPACITY, group=run_id))
        bars = error_bars(mean, percent(rows, LOWER), percent(rows, UPPER), colour=mark.style.colour)
        figure.add_trace(
            go.Scatter(
                x=sigma_d,
                y=mean,
                name=_name(mark),
                legendgroup=run_id,
                mode="lines+markers",
                line=_line(mark),
                marker={"color": mark.style.colour, "symbol": mark.style.symbol, "size": 6},
                error_y=None if banded else bars,
                customdata=np.full((len(rows), 1), run_id, dtype=object),
                hovertext=[
                    f"{_name(mark)} at σ<sub>d</sub> = {at:g}<br>{said}<br>{run_id}"
                    for at, said in zip(sigma_d, words(rows), strict=True)
                ],
                hoverinfo="text",
                cliponaxis=False,
            )
        )


def _add_letters(figure: go.Figure, frame: pd.DataFrame, marks: Marks, *, low: float, high: float) -> None:
    """Each run's letter as high as its line ends, right of all lines; none over another."""
    ends: list[tuple[float, str, RunMark]] = []
    for run_id, mark, rows in _by_run(frame, marks):
        seen = rows[np.isfinite(percent(rows, MEAN))].sort_values(SIGMA_D)
        if not seen.empty:
            ends.append((float(percent(seen, MEAN)[-1]), run_id, mark))
    ends.sort(key=lambda end: end[0])
    right = float(numbers(frame, SIGMA_D).max()) if ends else 0.0
    for place, (_, run_id, mark) in zip(_spread([end[0] for end in ends], low=low, high=high), ends, strict=True):
        figure.add_trace(
            go.Scatter(
                x=[right],
                y=[place],
                mode="text",
                text=[f"{2 * NO_BREAK}<b>{mark.letter}</b>"],
                textposition="middle right",
                textfont={"size": 13, "color": mark.style.label_colour},
                cliponaxis=False,
                hoverinfo="skip",
                showlegend=False,
                legendgroup=run_id,
            )
        )


def _spread(wanted: list[float], *, low: float, high: float) -> list[float]:
    """Places near the wanted ones (ascending) with room between them, within the axis where that is long enough."""
    gap = LETTER_GAP * (high - low)
    places: list[float] = []
    for place in wanted:
        places.append(max(place, places[-1] + gap) if places else place)
    edge = high - gap / 2
    for index in range(len(places) - 1, -1, -1):
        places[index] = min(places[index], edge)
        edge = places[index] - gap
    return places


def _reach(differences: pd.DataFrame) -> list[float]:
    """The range of an axis of differences: all intervals and zero."""
    values: Floats = np.concatenate([percent(differences, LOWER), percent(differences, UPPER)])
    seen = values[np.isfinite(values)]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 0.0)
    low, high = min(low, -MIN_REACH), max(high, MIN_REACH)
    pad = 0.06 * (high - low)
    return [low - pad, high + pad]


def _height(marks: Marks) -> int:
    """By the whole selection, so that hiding a run moves nothing."""
    return HEIGHT + MORE_HEIGHT * max(len(marks) - MANY_RUNS, 0)


def _line(mark: RunMark) -> dict[str, Any]:
    return {"color": mark.style.colour, "dash": mark.style.dash, "width": 2}


def _name(mark: RunMark) -> str:
    return f"{mark.letter} · {typeset(mark.label)}"


def _accuracy_words(rows: pd.DataFrame) -> list[str]:
    values = zip(percent(rows, MEAN), percent(rows, LOWER), percent(rows, UPPER), rows[NUM_INSTANCES], strict=True)
    return [
        f"<b>{mean:.1f} %</b>{range_words(lower, upper)}{low}<br>{count_words(chips, 'chip')}"
        for (mean, lower, upper, chips), low in zip(values, percentile_words(rows), strict=True)
    ]


def _difference_words(rows: pd.DataFrame) -> list[str]:
    values = zip(percent(rows, MEAN), percent(rows, LOWER), percent(rows, UPPER), rows[NUM_PAIRS], strict=True)
    return [
        f"<b>{_signed(mean)} points</b>{range_words(lower, upper, form='+.1f', unit='')}<br>"
        + (f"on the same {count_words(pairs, 'chip')}" if pairs else "unpaired: other chips")
        for mean, lower, upper, pairs in values
    ]


def _signed(value: float) -> str:
    return number_words(value, "+.1f")


def _add_slice(figure: go.Figure, sigma_d: float, *, mode: Mode) -> None:
    line = {"color": palette(mode).muted, "width": 1}
    figure.add_shape(type="line", x0=sigma_d, x1=sigma_d, y0=0, y1=1, yref="paper", line=line)
