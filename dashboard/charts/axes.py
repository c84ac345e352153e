"""Axes that several charts share: a logarithmic one that survives zeros, and per cent zoomed to what is drawn."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import Floats, numbers, percent
from neft.columns import SIGMA_D, USES_NOISE

LOWEST = 1e-6
"""Where zeros are drawn on a logarithmic axis when there is nothing else."""
FEW_DECADES, SOME_DECADES, MAX_POWERS = 1.2, 2.5, 6
"""An axis this long has ticks at 1, 2, 5; at 1, 3; at this many powers of ten."""
MIN_ZOOM = 10
"""A zoomed axis shows at least so many points: less would make much of chance."""
TOP = 102
"""The axis of per cents ends a little above 100, so that marks there are whole."""
MAX_STEPS = 6
MIN_REACH = 2.0
"""An axis of differences reaches at least so many points either way: less would make much of chance."""


def sigma_d_end(*frames: pd.DataFrame | None) -> float:
    """Where an axis that holds every σ_d of the frames ends."""
    columns = [numbers(frame, SIGMA_D) for frame in frames if frame is not None and not frame.empty]
    sigma_d: Floats = np.concatenate(columns) if columns else np.array([])
    seen = sigma_d[np.isfinite(sigma_d)]
    return 1.03 * float(seen.max()) if seen.size and seen.max() > 0 else 1.0


def trained_range(curves: pd.DataFrame) -> pd.DataFrame:
    """The rows as far as networks trained with noise reach; all where those are at fewer than two σ_d."""
    if curves.empty:
        return curves
    sigma_d = numbers(curves, SIGMA_D)
    noisy = sigma_d[curves[USES_NOISE].to_numpy(dtype=bool) & np.isfinite(sigma_d)]
    return curves if len(np.unique(noisy)) < 2 else curves[sigma_d <= noisy.max()]


def one_box_per_sigma_d(figure: go.Figure) -> None:
    """Have the pointer open one box that says all methods at that σ_d."""
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(unifiedhovertitle_text="σ<sub>d</sub> = %{x:.3~g}", showspikes=False)


def zero_place(values: Floats) -> float:
    """Where a logarithmic axis without a zero draws zeros: a little below the smallest positive value."""
    positive = values[values > 0]
    return float(positive.min()) / 3 if positive.size else LOWEST


def log_axis(values: Floats, *, left: float) -> dict[str, Any]:
    """Range and ticks: whole powers of ten, with steps between them where there are few; zeros stand at `left`."""
    seen = values[values > 0]
    has_zeros = bool((values <= 0).any())
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (left, 1e6 * left)
    low = left if has_zeros else low
    decades = np.log10(high / low)
    steps = (1, 2, 5) if decades <= FEW_DECADES else (1, 3) if decades <= SOME_DECADES else (1,)
    every = 1 + int(decades // MAX_POWERS)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [step * 10.0**power for power in powers if power % every == 0 for step in steps]
    ticks = [tick for tick in ticks if not has_zeros or tick > 2 * left]
    pad = max(0.03 * decades, 0.02 if decades else 0.5)
    return {
        "range": [np.log10(low) - pad, np.log10(high) + pad],
        "tickvals": [left, *ticks] if has_zeros else ticks,
        "ticktext": ["0"] * has_zeros + [f"{tick:g}".replace("e-0", "e-") for tick in ticks],
    }


def stretched(ends: list[float], *, decades: float) -> list[float]:
    """The range of a logarithmic axis, made so long around its middle."""
    pad = (decades - (ends[1] - ends[0])) / 2
    return [ends[0] - pad, ends[1] + pad]


def zoomed_percent(values: Floats) -> dict[str, Any]:
    """Range and ticks around these per cents: at least `MIN_ZOOM` points long, within 0 and `TOP`."""
    seen = values[np.isfinite(values)]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 100.0)
    pad = max(0.08 * (high - low), 0.5, (MIN_ZOOM - high + low) / 2)
    low, high = low - pad, high + pad
    low, high = max(min(low, TOP - MIN_ZOOM), 0.0), min(max(high, MIN_ZOOM), TOP)
    step = next(step for step in (2, 5, 10, 20) if (high - low) / step <= MAX_STEPS)
    first = int(np.ceil(low / step)) * step
    return {"range": [low, high], "tickvals": list(range(first, min(int(high), 100) + 1, step))}


def around_zero(differences: pd.DataFrame, lower: str, upper: str) -> list[float]:
    """The range of an axis of differences, in points: all intervals, and zero well within.

    Args:
        differences: with the ends of the intervals, as fractions.
        lower: the column of the lower ends.
        upper: that of the upper ones.
    """
    ends = [percent(differences, column) for column in (lower, upper)] if not differences.empty else []
    values = np.concatenate([*ends, np.array([])])
    seen = values[np.isfinite(values)]
    low = min(float(seen.min()), -MIN_REACH) if seen.size else -MIN_REACH
    high = max(float(seen.max()), MIN_REACH) if seen.size else MIN_REACH
    pad = 0.08 * (high - low)
    return [low - pad, high + pad]
