"""Chips in order of accuracy: a stair of them, a ring around the opened one, and what a pointer reads of each."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers, percent
from neft.columns import ACCURACY, INSTANCE, RANK, SHARE


def stair(rows: pd.DataFrame, *, name: str, colour: str, size: int, width: float) -> go.Scatter:
    """The share of chips up to each accuracy.

    Args:
        rows: instance, accuracy, share (fractions), rank; worst first.
        name: for the legend.
        colour: of line and marks.
        size: of marks.
        width: of the line.
    """
    return go.Scatter(
        x=percent(rows, ACCURACY),
        y=percent(rows, SHARE),
        mode="lines+markers",
        line={"color": colour, "width": width, "shape": "hv"},
        marker={"color": colour, "size": size},
        cliponaxis=False,
        name=name,
        hovertext=_words(rows),
        hoverinfo="text",
    )


def ring(rows: pd.DataFrame, *, instance: int, colour: str) -> go.Scatter:
    """Around one chip of them; empty where it is none of them."""
    opened = rows[numbers(rows, INSTANCE) == instance]
    return go.Scatter(
        x=percent(opened, ACCURACY),
        y=percent(opened, SHARE),
        mode="markers",
        marker={"color": colour, "symbol": "circle-open", "size": 15, "line": {"width": 3}},
        cliponaxis=False,
        name=f"chip {instance}",
        hovertext=_words(opened),
        hoverinfo="text",
    )


def _words(rows: pd.DataFrame) -> list[str]:
    return [
        f"chip {int(chip)}: <b>{accuracy:.1f} %</b><br>rank {int(rank)} from the worst"
        for chip, accuracy, rank in zip(
            numbers(rows, INSTANCE), percent(rows, ACCURACY), numbers(rows, RANK), strict=True
        )
    ]
