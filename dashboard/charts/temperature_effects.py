"""What a training temperature changes: accuracies above, and below them how flat the weights are, over T."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import Floats, count_words, interval_words, look_of, numbers, percent, range_words
from dashboard.charts.marks import error_bars, typeset
from dashboard.charts.theme import Mode, apply_layout, keep_empty_panels, variant_style
from neft.columns import LOWER, MEAN, NUM_SEEDS, POSITION, UPPER

HEIGHT = 440
ROWS = (0.66, 0.34)
"""Of the height, the accuracies' and the weights'."""
FLAT = 1.0
"""The ratio of a layer whose weights are all equally large."""
PAD = 0.08
"""Of the axis, in powers of ten."""
TRAINED_DASH = "6px 4px"


def temperature_effects(
    tested: pd.DataFrame, trained: pd.DataFrame, ratios: pd.DataFrame, *, interval_name: str, mode: Mode
) -> go.Figure:
    """Accuracy under variation and in training over T, and under them w_max over RMS on the same axis.

    What to look for: which of the three moves with T, and which does not. The lower axis begins at 1, where all
    weights are equally large.

    Args:
        tested: position (T), mean, lower, upper (accuracy under variation), num_seeds, num_instances, and the one
            variant's method_rank and departure.
        trained: the same of the noisy training accuracy; its interval is over seeds.
        ratios: the same of the largest weight over the RMS weight.
        interval_name: What the intervals are; the legend's title.
        mode: Light or dark page.
    """
    figure: go.Figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07, row_heights=list(ROWS))
    if not tested.empty:
        figure.add_trace(_line(tested, percent, interval_words(tested), "on sampled chips", mode=mode), row=1, col=1)
    if not trained.empty:
        figure.add_trace(_trained(trained, mode=mode), row=1, col=1)
    if not ratios.empty:
        words = _ratio_words(ratios)
        line = _line(ratios, numbers, words, "weights", mode=mode).update(showlegend=False)
        figure.add_trace(line, row=2, col=1)
    keep_empty_panels(figure)
    apply_layout(figure, mode=mode, height=HEIGHT, legend_title=interval_name)
    frames = [frame for frame in (tested, trained, ratios) if not frame.empty]
    figure.update_xaxes(type="log", showgrid=False, **_ticks(frames))
    figure.update_xaxes(title_text="temperature T of the training logits", row=2, col=1)
    ends = [percent(frame, name) for frame in (tested, trained) for name in (LOWER, MEAN, UPPER)]
    figure.update_yaxes(title_text="accuracy (%)", **zoomed_percent(np.concatenate(ends)), row=1, col=1)
    top = float(np.nanmax(numbers(ratios, UPPER), initial=2 * FLAT))
    figure.update_yaxes(title_text="w<sub>max</sub> ÷ RMS", range=[FLAT, 1.15 * top], nticks=4, row=2, col=1)
    return figure


def _line(rows: pd.DataFrame, read: Any, words: list[str], name: str, *, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    mean: Floats = read(rows, MEAN)
    return go.Scatter(
        x=numbers(rows, POSITION),
        y=mean,
        mode="lines+markers",
        name=name,
        line={"color": style.colour, "width": 2},
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        error_y=error_bars(mean, read(rows, LOWER), read(rows, UPPER), colour=style.colour),
        cliponaxis=False,
        hovertext=[
            f"T = {at:g}, {typeset(name)}<br>{of}" for at, of in zip(numbers(rows, POSITION), words, strict=True)
        ],
        hoverinfo="text",
    )


def _trained(rows: pd.DataFrame, *, mode: Mode) -> go.Scatter:
    """In the same hue, for it is the same method: dashed, with hollow marks."""
    columns = percent(rows, MEAN), percent(rows, LOWER), percent(rows, UPPER), rows[NUM_SEEDS]
    words = [
        f"<b>{mean:.1f} %</b>{range_words(lower, upper)}<br>{count_words(seeds, 'seed')}"
        for mean, lower, upper, seeds in zip(*columns, strict=True)
    ]
    line = _line(rows, percent, words, "in training, last epoch", mode=mode)
    symbol = f"{variant_style(look_of(rows), mode=mode).symbol}-open"
    return line.update(line_dash=TRAINED_DASH, marker_symbol=symbol)


def _ratio_words(rows: pd.DataFrame) -> list[str]:
    columns = numbers(rows, MEAN), numbers(rows, LOWER), numbers(rows, UPPER), rows[NUM_SEEDS]
    return [
        f"largest ÷ RMS weight <b>{mean:.2f}</b>{range_words(lower, upper, form='.2f', unit='')}<br>"
        f"{count_words(seeds, 'seed')}"
        for mean, lower, upper, seeds in zip(*columns, strict=True)
    ]


def _ticks(frames: list[pd.DataFrame]) -> dict[str, Any]:
    """A tick at every T, and an axis that holds them."""
    positions = np.unique(np.concatenate([numbers(frame, POSITION) for frame in frames] or [np.array([1.0, 10.0])]))
    logarithms = np.log10(positions)
    pad = max(PAD * float(np.ptp(logarithms)), PAD)
    return {
        "tickvals": positions,
        "ticktext": [f"{position:g}" for position in positions],
        "range": [float(logarithms[0]) - pad, float(logarithms[-1]) + pad],
    }
