"""What one varied setting does to the accuracy, one series per variant."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import (
    Floats,
    by_variant,
    clicked_runs,
    count_words,
    interval_words,
    look_of,
    numbers,
    percent,
)
from dashboard.charts.marks import error_bars, hollow, tick_labels, typeset, wrapped
from dashboard.charts.theme import Mode, apply_layout, variant_style
from neft.columns import ACCURACY, LOWER, MEAN, POSITION, RUN_IDS, SETTING_LABEL, SETTING_TICK, SOURCE, UPPER, VARIANT

DODGE, MAX_DODGE = 0.13, 0.56
"""Distance of two variants at one setting, and of the outermost two, as shares of the smallest step."""
MAX_DODGE_TO_SCALE = 0.02
"""On an axis to scale, where a mark stands is read as a number."""
SOURCE_WIDTH = 44


@dataclass(frozen=True)
class _Scale:
    """Where the settings stand along x: to scale, or side by side."""

    positions: Floats
    """Every position there is, ascending."""
    places: Floats
    """Of the positions, in the units of the axis's range: logarithms on a logarithmic axis."""
    offsets: dict[str, float]
    """Of the variants, sideways, in the same units."""
    step: float
    """Between the two nearest places."""
    logarithmic: bool

    def x(self, rows: pd.DataFrame, variant: str) -> Floats:
        """Where the rows of a variant are drawn."""
        places = self.places[np.searchsorted(self.positions, _positions(rows))]
        return self._on_axis(places + self.offsets.get(variant, 0.0))

    @property
    def ticks(self) -> Floats:
        """Where the settings' ticks are."""
        return self._on_axis(self.places)

    @property
    def range(self) -> list[float]:
        """The ends of the axis."""
        pad = max(0.5 * self.step, 0.06 * float(np.ptp(self.places)))
        return [float(self.places[0]) - pad, float(self.places[-1]) + pad]

    def _on_axis(self, places: Floats) -> Floats:
        return 10.0**places if self.logarithmic else places


def setting_points(
    points: pd.DataFrame,
    *,
    axis_title: str,
    numeric: bool,
    logarithmic: bool,
    joined: bool | None = None,
    metric_title: str = "accuracy (%)",
    published: pd.DataFrame | None = None,
    interval_name: str,
    mode: Mode,
) -> go.Figure:
    """Accuracy at each setting, a mark with its interval per variant, zoomed to what is drawn.

    What to look for: whether the marks of a variant move by more than their intervals as the setting changes, and
    whether they leave those of the control. Hollow marks are the published figures; the axis does not begin at 0.

    Side by side, marks of one setting stand apart, so that their intervals can be told from each other. The first entry
    of a point's customdata is its run ids, for a click.

    Args:
        points: variant, label, setting_label, position, mean, lower, upper, num_seeds, num_instances, run_ids (a
            tuple of ids).
        axis_title: What is varied.
        numeric: Whether positions are drawn to scale; otherwise settings stand side by side.
        joined: Whether a line joins a variant's marks; by default where they are to scale.
        logarithmic: Whether the scale is logarithmic; a position that has no logarithm stands a step further left.
        metric_title: What is drawn upwards, in per cent.
        published: variant, label, setting_label, position, accuracy, source.
        interval_name: What the intervals are; the legend's title.
        mode: Light or dark page.
    """
    figure = go.Figure()
    points = _placed(points)
    reported = _placed(published) if published is not None else pd.DataFrame()
    frames = [frame for frame in (points, reported) if not frame.empty]
    apply_layout(figure, mode=mode, legend_title=interval_name)
    figure.update_xaxes(title_text=typeset(axis_title), showgrid=False)
    figure.update_yaxes(title_text=metric_title, **zoomed_percent(_drawn_values(points, reported)))
    if not frames:
        return figure
    scale = _scale_of(frames, numeric=numeric, logarithmic=numeric and logarithmic)
    for variant, label, rows in by_variant(points):
        figure.add_trace(
            _series(
                rows, variant=variant, label=label, scale=scale, joined=numeric if joined is None else joined, mode=mode
            )
        )
    for variant, label, rows in by_variant(reported):
        figure.add_trace(_published(rows, variant=variant, label=label, scale=scale, mode=mode))
    figure.update_xaxes(
        type="log" if scale.logarithmic else "linear",
        range=scale.range,
        tickvals=scale.ticks,
        ticktext=_tick_labels(frames, scale.positions, numeric=numeric),
        tickangle=0,
    )
    return figure


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a position, in its order."""
    if frame.empty:
        return frame
    return frame[np.isfinite(numbers(frame, POSITION))].sort_values(POSITION, kind="stable")


def _positions(rows: pd.DataFrame) -> Floats:
    """Rounded, so that 0.1 + 0.05 and 0.15 are one place."""
    return np.round(numbers(rows, POSITION), 9)


def _drawn_values(points: pd.DataFrame, reported: pd.DataFrame) -> Floats:
    ours = [percent(points, name) for name in (LOWER, MEAN, UPPER)] if not points.empty else []
    theirs = [percent(reported, ACCURACY)] if not reported.empty else []
    return np.concatenate([*ours, *theirs, np.array([])])


def _scale_of(frames: list[pd.DataFrame], *, numeric: bool, logarithmic: bool) -> _Scale:
    positions = np.unique(np.concatenate([_positions(frame) for frame in frames]))
    places = np.arange(len(positions), dtype=np.float64)
    if numeric:
        places = _logarithms(positions) if logarithmic else positions
    step = float(np.diff(places).min()) if len(places) > 1 else 1.0
    neighbours = _that_meet(frames)
    widest = MAX_DODGE_TO_SCALE if numeric else MAX_DODGE
    apart = step * min(DODGE, widest / max(len(neighbours) - 1, 1))
    middle = (len(neighbours) - 1) / 2
    offsets = {variant: (index - middle) * apart for index, variant in enumerate(neighbours)}
    return _Scale(positions=positions, places=places, offsets=offsets, step=step, logarithmic=logarithmic)


def _logarithms(positions: Floats) -> Floats:
    """Of ascending positions; those without one share a place, a step below the smallest."""
    has_one = positions > 0
    logarithms = np.log10(positions, where=has_one, out=np.zeros_like(positions))
    known = logarithms[has_one]
    step = float(np.diff(known).min()) if len(known) > 1 else 1.0
    return np.where(has_one, logarithms, (float(known[0]) if known.size else 0.0) - step)


def _that_meet(frames: list[pd.DataFrame]) -> list[str]:
    """The variants that share a setting with another: only they need to make room."""
    pairs = pd.concat([pd.DataFrame({VARIANT: frame[VARIANT], POSITION: _positions(frame)}) for frame in frames])
    order = [variant for frame in frames for variant, _, _ in by_variant(frame)]
    company = pairs.groupby(POSITION)[VARIANT].transform("nunique")
    meeting = set(pairs[VARIANT][company > 1])
    return [variant for variant in dict.fromkeys(order) if variant in meeting]


def _tick_labels(frames: list[pd.DataFrame], positions: Floats, *, numeric: bool) -> list[str]:
    settings = {
        float(position): str(setting)
        for frame in reversed(frames)
        for position, setting in zip(_positions(frame), frame[SETTING_TICK if numeric else SETTING_LABEL], strict=True)
    }
    return tick_labels([settings[at] for at in map(float, positions)])


def _series(rows: pd.DataFrame, *, variant: str, label: str, scale: _Scale, joined: bool, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    mean = percent(rows, MEAN)
    described = zip(rows[SETTING_LABEL], interval_words(rows), rows[RUN_IDS], strict=True)
    return go.Scatter(
        x=scale.x(rows, variant),
        y=mean,
        name=typeset(label),
        legendgroup=variant,
        mode="lines+markers" if joined and len(rows) > 1 else "markers",
        line={"color": style.colour, "dash": style.dash, "width": 1},
        marker={"color": style.colour, "symbol": style.symbol, "size": 9},
        error_y=error_bars(mean, percent(rows, LOWER), percent(rows, UPPER), colour=style.colour),
        customdata=clicked_runs(rows),
        hovertext=[
            f"{typeset(label)}<br>{typeset(str(setting))}<br>{words}<br>{count_words(len(run_ids), 'run')}"
            for setting, words, run_ids in described
        ],
        hoverinfo="text",
    )


def _published(rows: pd.DataFrame, *, variant: str, label: str, scale: _Scale, mode: Mode) -> go.Scatter:
    accuracy = percent(rows, ACCURACY)
    described = zip(rows[SETTING_LABEL], accuracy, rows[SOURCE], strict=True)
    return go.Scatter(
        x=scale.x(rows, variant),
        y=accuracy,
        name=f"{typeset(label)} (published)",
        mode="markers",
        marker=hollow(variant_style(look_of(rows), mode=mode)),
        hovertext=[
            f"{typeset(label)}, published<br>{typeset(str(setting))}<br><b>{value:.1f} %</b><br>"
            + "<br>".join(wrapped(str(source), width=SOURCE_WIDTH))
            for setting, value, source in described
        ],
        hoverinfo="text",
    )
