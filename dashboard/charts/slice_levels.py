"""One weight's devices: the level that each was asked for, and what chips hold instead."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers
from dashboard.charts.theme import Mode, apply_layout, palette, translucent
from neft.columns import INSTANCE, LEVEL, SIGNIFICANCE, VALUE

GOLDEN = (5**0.5 - 1) / 2
JITTER = 0.28
HEIGHT = 300


def slice_levels(levels: pd.DataFrame, *, max_level: int, mode: Mode) -> go.Figure:
    """A row per device: a tick at the wanted level, a dot per chip at the level it holds.

    What to look for: every device misses alike; the uppermost counts the most.

    Args:
        levels: significance, instance, level (wanted), value (programmed), in level units.
        max_level: a device's highest level.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure = go.Figure()
    significances, rows = np.unique(numbers(levels, SIGNIFICANCE), return_inverse=True)
    chips = numbers(levels, INSTANCE)
    programmed, wanted = numbers(levels, VALUE), numbers(levels, LEVEL)
    figure.add_trace(
        go.Scatter(
            x=programmed,
            y=rows + JITTER * (2 * np.mod(chips * GOLDEN, 1) - 1),
            mode="markers",
            marker={"color": translucent(page.mark, opacity=0.55), "size": 6},
            name="one chip",
            hovertext=[
                f"chip {chip:g}<br>level {at:.2f}, wanted {aim:g}"
                for chip, at, aim in zip(chips, programmed, wanted, strict=True)
            ],
            hoverinfo="text",
        )
    )
    aims = levels.iloc[np.unique(rows, return_index=True)[1]]
    marker = {"symbol": "line-ns", "size": 30, "line": {"width": 3, "color": page.text}}
    figure.add_trace(
        go.Scatter(
            x=numbers(aims, LEVEL),
            y=np.arange(len(significances)),
            mode="markers",
            marker=marker,
            name="wanted level",
            hovertemplate="wanted level %{x}<extra></extra>",
        )
    )
    apply_layout(figure, mode=mode, height=HEIGHT)
    reach = float(np.nanmax(np.abs(programmed - wanted), initial=0.1))
    figure.update_xaxes(
        title_text="a device's level", range=[-reach, max_level + reach], tickvals=list(range(max_level + 1))
    )
    figure.update_yaxes(
        title_text="device counts",
        tickvals=list(range(len(significances))),
        ticktext=[f"× {significance:g}" for significance in significances],
        range=[-0.6, len(significances) - 0.4],
    )
    return figure
