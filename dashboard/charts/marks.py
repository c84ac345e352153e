"""Marks that several charts share: bands, error bars, the line of chance, hollow marks, words that fit their place."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import Floats, numbers, percent
from dashboard.charts.theme import Mode, VariantStyle, palette, translucent
from neft.columns import LOWER, SIGMA_D, UPPER

HYPHEN_MINUS = re.compile(r"(?<![\w.)])-(?=[\d.])")
NO_BREAK = "\N{NO-BREAK SPACE}"
TICK_LINE = 52
"""Characters that all tick labels of a line have together, on the narrowest page."""
MAX_TICK = 18


def error_bars(centre: Floats, lower: Floats, upper: Floats, *, colour: str, width: int = 3) -> dict[str, Any]:
    """Plotly's error bars from the ends of the intervals; where one end alone is known they reach one way."""
    one_way = np.isnan(lower) != np.isnan(upper)
    return {
        "type": "data",
        "symmetric": False,
        "array": np.where(one_way & np.isnan(upper), 0, upper - centre),
        "arrayminus": np.where(one_way & np.isnan(lower), 0, centre - lower),
        "thickness": 1.5,
        "width": width,
        "color": colour,
    }


def band(rows: pd.DataFrame, *, colour: str, opacity: float, group: str | None = None) -> go.Scatter:
    """The interval as one filled polygon: out along the upper bound, back along the lower.

    Args:
        rows: sigma_d, lower, upper (fractions), in order; where an end is not known there is no band.
        colour: of the line that it belongs to.
        opacity: of its own.
        group: of the legend, with which it comes and goes.
    """
    known = rows[np.isfinite(percent(rows, LOWER)) & np.isfinite(percent(rows, UPPER))]
    sigma_d = numbers(known, SIGMA_D)
    return go.Scatter(
        x=np.concatenate([sigma_d, sigma_d[::-1]]),
        y=np.concatenate([percent(known, UPPER), percent(known, LOWER)[::-1]]),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=translucent(colour, opacity=opacity),
        hoverinfo="skip",
        showlegend=False,
        legendgroup=group,
    )


def add_chance(figure: go.Figure, *, chance: float, mode: Mode) -> None:
    """A dotted line at the accuracy of guessing."""
    page, height = palette(mode), 100 * chance
    line = {"color": page.muted, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=0, x1=1, xref="paper", y0=height, y1=height, line=line)
    figure.add_annotation(
        x=0.01,
        xref="paper",
        xanchor="left",
        y=height,
        yanchor="bottom",
        text="chance",
        showarrow=False,
        font={"size": 12, "color": page.muted},
    )


def add_better_and_worse(figure: go.Figure, *, mode: Mode) -> None:
    """Which way is better and which worse, at the left end of an axis of differences."""
    for place, words in (("top", "▲ better"), ("bottom", "▼ worse")):
        figure.add_annotation(
            x=0.01,
            xref="paper",
            xanchor="left",
            y=1 if place == "top" else 0,
            yref="paper",
            yanchor=place,
            text=words,
            showarrow=False,
            font={"size": 12, "color": palette(mode).muted},
        )


def hollow(style: VariantStyle) -> dict[str, Any]:
    """How a published figure is marked: the variant's symbol, empty, and large enough to ring our own."""
    return {"color": style.colour, "symbol": f"{style.symbol}-open", "size": 12, "line": {"width": 2}}


def legend_mark(name: str, *, group: str, mode: Mode) -> go.Scatter:
    """A hollow mark in no method's colour that is nowhere but in the legend: it stands for all of its group."""
    marker = {"color": palette(mode).text, "symbol": "circle-open", "size": 10, "line": {"width": 2}}
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=name, legendgroup=group)


def tick_labels(texts: Sequence[str]) -> list[str]:
    """Words for the ticks of things that stand side by side, broken so that all have room."""
    width = min(MAX_TICK, TICK_LINE // max(len(texts), 1) - 1)
    return ["<br>".join(wrapped(text, width=width)) for text in texts]


def typeset(text: str) -> str:
    """The text as it is shown: σ_d with its index, a true minus, and < and > as themselves."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return HYPHEN_MINUS.sub("−", escaped).replace("σ_d", "σ<sub>d</sub>")


def wrapped(text: str, *, width: int) -> list[str]:
    """The typeset lines of a text that has room for `width` characters; equations stay whole where they fit."""
    whole = text.replace(" = ", f"{NO_BREAK}={NO_BREAK}")
    whole = whole if max(map(len, whole.split(" "))) <= width else text
    lines = textwrap.wrap(whole, width, break_long_words=False, break_on_hyphens=True)
    return [typeset(line) for line in lines] or [""]
