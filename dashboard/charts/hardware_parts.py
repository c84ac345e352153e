"""What takes a network's area and its energy: a pair of bars for each part of the chip."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers, percent
from dashboard.charts.marks import typeset
from dashboard.charts.theme import Mode, apply_layout, palette, translucent
from neft.columns import AREA, AREA_SHARE, COUNT, ENERGY, ENERGY_SHARE, LABEL, NUM_OPERATIONS

ROW_HEIGHT = 44
FRAME_HEIGHT = 110
HALF = 0.2
"""How far the two bars of a part stand from its middle."""


def hardware_parts(parts: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """Shares of the area and of the energy, a row per part in the order of the signal.

    What to look for: the longest bars; what is made cheaper elsewhere changes little.

    Args:
        parts: label, count, operations, area (mm²), energy (nJ), area_share, energy_share.
        mode: Light or dark page.
    """
    figure, page = go.Figure(), palette(mode)
    labels = [str(label) for label in parts[LABEL]] if not parts.empty else []
    rows = np.arange(len(labels))
    bars = (
        ("area", AREA_SHARE, AREA, COUNT, "mm²", "", page.mark, -HALF),
        (
            "energy",
            ENERGY_SHARE,
            ENERGY,
            NUM_OPERATIONS,
            "nJ",
            " operations",
            translucent(page.mark, opacity=0.45),
            HALF,
        ),
    )
    for name, share, amount, count, unit, noun, colour, offset in bars if labels else ():
        shares = percent(parts, share)
        figure.add_trace(
            go.Bar(
                base=np.zeros(len(labels)),
                x=shares,
                y=rows + offset,
                width=2 * HALF * 0.9,
                orientation="h",
                marker={"color": colour},
                name=name,
                hovertext=[
                    f"{typeset(label)}: {how_many:,.0f}{noun}<br><b>{part:.1f} %</b> of the {name}, {taken:.3g} {unit}"
                    for label, how_many, part, taken in zip(
                        labels, numbers(parts, count), shares, numbers(parts, amount), strict=True
                    )
                ],
                hoverinfo="text",
            )
        )
    apply_layout(figure, mode=mode, height=FRAME_HEIGHT + ROW_HEIGHT * max(len(labels), 3))
    figure.update_xaxes(title_text="share of the whole (%)", rangemode="tozero")
    figure.update_yaxes(
        range=[max(len(labels), 1) - 0.5, -0.5],
        tickvals=rows,
        ticktext=[typeset(label) for label in labels],
        ticks="",
        automargin=True,
    )
    return figure
