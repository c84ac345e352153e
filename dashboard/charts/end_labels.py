"""The names of lines where they end, on the right, none over another."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import Floats, look_of, numbers
from dashboard.charts.marks import NO_BREAK, typeset
from dashboard.charts.theme import Mode, variant_style
from neft.columns import SIGMA_D

MOST = 8
"""Of more lines, the legend alone tells them apart."""
WIDTH = 16
"""Characters of a label before it breaks."""
LINE = 19
"""Of labels, in pixels."""
FRAME = 90
"""What of a figure's height lies outside of its axes, in pixels."""


@dataclass(frozen=True)
class End:
    """Where a line ends."""

    variant: str
    label: str
    x: float
    y: float
    """In the units of the axis's range: a logarithm on a logarithmic axis."""
    colour: str


def line_ends(
    lines: Sequence[tuple[str, str, pd.DataFrame]],
    heights: Callable[[pd.DataFrame], Floats],
    *,
    last: float = float("inf"),
    mode: Mode,
) -> list[End]:
    """Where each line ends, of those that have a finite point.

    Args:
        lines: variant, label and rows, in the order of sigma_d.
        heights: how high a line's rows stand, in the units of the axis's range.
        last: the largest sigma_d that is seen.
        mode: light or dark page.
    """
    ends: list[End] = []
    for variant, label, rows in lines:
        sigma_d, y = numbers(rows, SIGMA_D), heights(rows)
        seen = np.flatnonzero(np.isfinite(y) & (sigma_d <= last))
        if seen.size:
            colour = variant_style(look_of(rows), mode=mode).label_colour
            ends.append(End(variant, label, float(sigma_d[seen[-1]]), float(y[seen[-1]]), colour))
    return ends


def end_labels(
    ends: Sequence[End], *, right: float, bounds: tuple[float, float], height: int, logarithmic: bool = False
) -> list[go.Scatter]:
    """Each line's label as high as it ends, right of all lines and marks; a trace each, to hide with its line.

    Args:
        ends: of the lines.
        right: where the rightmost mark stands.
        bounds: the ends of the axis's range.
        height: of the whole figure, in pixels.
        logarithmic: whether the axis is, and range and ends are logarithms.
    """
    low, high = bounds
    line = LINE * (high - low) / (height - FRAME)
    indent = 3 * NO_BREAK
    ends = sorted(ends, key=lambda end: end.y)
    texts = [_wrap(end.label) for end in ends]
    places = _spread([end.y for end in ends], [line * (1 + text.count("<br>")) for text in texts], bounds)
    return [
        go.Scatter(
            x=[right],
            y=[10.0**place if logarithmic else place],
            mode="text",
            text=[f"{indent}{text}".replace("<br>", f"<br>{indent}")],
            textposition="middle right",
            textfont={"size": 12, "color": end.colour},
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
            legendgroup=end.variant,
        )
        for end, text, place in zip(ends, texts, places, strict=True)
    ]


def label_margin(labels: Sequence[go.Scatter]) -> int:
    """The right margin that the labels need, in pixels."""
    texts = [str(np.asarray(label.text)[0]) for label in labels]
    longest = max((len(line) for text in texts for line in text.split("<br>")), default=0)
    return 10 + 6 * longest


def _wrap(label: str) -> str:
    whole = typeset(label).replace(" = ", f"{NO_BREAK}={NO_BREAK}")
    return "<br>".join(textwrap.wrap(whole, WIDTH, max_lines=3, placeholder=" …"))


def _spread(wanted: Sequence[float], heights: Sequence[float], bounds: tuple[float, float]) -> list[float]:
    """Places for labels near the wanted ones (ascending), none over another and all inside the axis.

    Labels that would overlap form a stack, which stands in the middle of where its labels want to be.
    """

    def bottom(stack: list[int]) -> float:
        height = sum(heights[index] for index in stack)
        middle = sum(wanted[index] for index in stack) / len(stack)
        return min(max(middle - height / 2, bounds[0]), bounds[1] - height)

    def top(stack: list[int]) -> float:
        return bottom(stack) + sum(heights[index] for index in stack)

    stacks: list[list[int]] = []
    for index in range(len(wanted)):
        stacks.append([index])
        while len(stacks) > 1 and top(stacks[-2]) > bottom(stacks[-1]):
            last = stacks.pop()
            stacks[-1].extend(last)
    places: list[float] = []
    for stack in stacks:
        edge = bottom(stack)
        for index in stack:
            places.append(edge + heights[index] / 2)
            edge += heights[index]
    return places
