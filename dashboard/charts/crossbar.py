"""The part of a crossbar that holds one weight: its devices as cells, and the sign beside them."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers
from dashboard.charts.theme import Mode, apply_layout, palette
from neft.columns import LEVEL, LEVEL_ERROR, SIGNIFICANCE, SLICE

HEIGHT = 270
HALF = 0.38
"""A cell's, in columns."""
APART = 0.8
"""Columns between the two crossbars."""
THIS, ROWS = 1, 3
"""The weight's row, and how many are drawn: the others are those of other weights."""


def crossbar(slices: pd.DataFrame, *, sign: int, max_level: int, mode: Mode) -> go.Figure:
    """A row of cells, most significant first, between rows of other weights; the darker, the higher the level.

    What to look for: a column holds one slice of every weight; only what its sum counts for tells the slices apart.

    Args:
        slices: slice, significance, level, level_error; a row per device, most significant first.
        sign: of the weight, -1 or 1.
        max_level: 2^K - 1.
        mode: Light or dark page.
    """
    page = palette(mode)
    level, error = numbers(slices, LEVEL), numbers(slices, LEVEL_ERROR)
    count = len(slices)
    sign_at = count + APART
    words = [
        f"slice {index:g}, counts {significance:g}<br>asked: level {asked:g}<br><b>holds {asked + off:.2f}</b>"
        for index, significance, asked, off in zip(
            numbers(slices, SLICE), numbers(slices, SIGNIFICANCE), level, error, strict=True
        )
    ]
    places = [*range(count), sign_at]
    figure = go.Figure()
    if count:
        figure.add_trace(
            go.Heatmap(
                x=[place + side for place in places for side in (-HALF, HALF)],
                y=[THIS - HALF, THIS + HALF],
                z=[_between([*level, 0], np.nan)],  # the sign has no level
                zmin=0,
                zmax=max_level,
                colorscale=[[0, page.background], [1, page.mark]],
                showscale=False,
                text=[_between([*(f"{asked:g}" for asked in level), "−" if sign < 0 else "+"], "")],
                texttemplate="%{text}",
                textfont={"size": 17},
                hovertext=[_between([*words, "the weight's sign, taken to hold"], "")],
                hovertemplate="%{hovertext}<extra></extra>",
                hoverongaps=False,
                name="level asked of a device",
            )
        )
    apply_layout(figure, mode=mode, height=HEIGHT)
    figure.update_layout(shapes=_wires_and_cells(places, count, line=page.axis, cell=page.background))
    for x, text in ((max(count - 1, 0) / 2, "magnitude"), (sign_at, "sign")):
        figure.add_annotation(
            x=x, y=-0.95, text=text, showarrow=False, font={"size": 13, "color": page.muted}, yanchor="middle"
        )
    figure.update_xaxes(
        tickvals=places,
        ticktext=[*(f"× {value:g}" for value in numbers(slices, SIGNIFICANCE)), "±"],
        range=[-0.9, sign_at + 0.9],
        title_text="a column's currents add up, and count so much",
        showgrid=False,
        showline=False,
        ticks="",
    )
    figure.update_yaxes(
        tickvals=list(range(ROWS)),
        ticktext=["another input", "<b>its input</b>", "another input"],
        range=[ROWS - 0.3, -1.3],
        showgrid=False,
    )
    return figure


def _between(values: list[Any], gap: Any) -> list[Any]:
    """The values with a gap between every two."""
    return [part for value in values for part in (value, gap)][:-1]


def _wires_and_cells(places: list[float], count: int, *, line: str, cell: str) -> list[dict[str, Any]]:
    wire = {"type": "line", "line": {"color": line, "width": 1}, "layer": "below"}
    ends = [(-0.6, count - 0.4), (places[-1] - 0.6, places[-1] + 0.6)]
    across = [wire | {"x0": start, "x1": end, "y0": row, "y1": row} for row in range(ROWS) for start, end in ends]
    down = [wire | {"x0": place, "x1": place, "y0": -0.6, "y1": ROWS - 0.3} for place in places]
    cells = [
        {
            "type": "rect",
            "x0": place - HALF,
            "x1": place + HALF,
            "y0": row - HALF,
            "y1": row + HALF,
            "line": {"color": line, "width": 2 if row == THIS else 1},
            "fillcolor": cell,
            "layer": "below",
        }
        for place in places
        for row in range(ROWS)
    ]
    return [*across, *down, *cells]
