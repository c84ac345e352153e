"""What the papers claim beside what we found: an interval per claim."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import Floats, count_words, numbers
from dashboard.charts.marks import error_bars, typeset, wrapped
from dashboard.charts.theme import VERDICT_COLOURS, Mode, Palette, Verdict, apply_layout, palette, translucent
from neft.columns import LOWER, NUM_INSTANCES, NUM_SEEDS, UPPER

CLAIM, DATA, ESTIMATE, MARGIN, VERDICT, PUBLISHED = "claim", "data", "estimate", "margin", "verdict", "published"
VERDICT_SYMBOLS: dict[Verdict, str] = {
    "supported": "circle",
    "opposite": "circle",
    "no effect": "square",
    "undecided": "diamond",
}
VERDICT_NAMES: dict[Verdict, str] = {"no effect": "no effect beyond the margin"}
"""In the legend, where a verdict's key is no words."""
TIMES = (1, 2, 4, 8, 16, 32, 64)
"""Ticks of an axis of ratios, and their inverses."""
Scale = Literal["difference", "ratio"]
LEGEND_TITLE = "our estimate with its interval; shaded: too small to matter"
CLAIM_WIDTH, DATA_WIDTH = 38, 22
"""Characters of a line: so many fit on the narrowest page, of the data beside the numbers."""
LINE_HEIGHT, STRIP_HEIGHT, GAP = 17, 24, 16
"""Of a line of words, of what is drawn below them, and between two claims, in pixels."""
TOP, BOTTOM, SIDE = 88, 48, 12
"""Margins; the upper one holds two rows of legend below its title of two lines."""
ARROW_ROOM = 0.2
"""What an edge leaves free for a published figure beyond it, as a share of the axis."""


@dataclass(frozen=True)
class _Row:
    """One claim and where it stands."""

    claim: str
    words: list[str]
    """The claim's lines, then those of its data, which are of second rank."""
    num_claim_lines: int
    middle: float
    """Of the strip in which it is drawn, in pixels from the top of the plot."""
    estimate: float
    lower: float
    upper: float
    margin: float
    verdict: Verdict
    published: float
    counts: str
    said: Callable[[float], str]
    """Its numbers in words: with as many decimals as the chart's largest needs; a ratio's logarithm as the ratio."""


def claims_forest(claims: pd.DataFrame, *, unit_title: str, scale: Scale = "difference", mode: Mode) -> go.Figure:
    """A forest plot: each claim in words, its estimate and interval below.

    What to look for: intervals that keep clear of zero and of the shaded band around it. A filled dot is a claim that
    our runs support, an empty one a claim of which they say the opposite, an empty square one without an effect that
    matters, an empty diamond one that they leave open. The star is what the paper reports; where it lies beyond the
    axis, an arrow at the edge says its number.

    The axis is as long as our intervals, zero and the band need. Words stand above the marks, so that the figure can
    be read on a narrow page too; its height grows with the claims.

    Args:
        claims: claim, data (words), estimate, lower, upper, margin (below it an effect does not matter), verdict (see
            `Verdict`), published (NaN where nothing is), num_seeds, num_instances; top to bottom, numbers in the unit
            of the axis.
        unit_title: What the axis counts.
        scale: Differences around 0, or ratios around 1 on a logarithmic axis.
        mode: Light or dark page.

    Raises:
        ValueError: an unknown verdict.
    """
    figure = go.Figure()
    rows = list(_rows_of(claims, scale))
    ends = _ends(rows)
    for verdict in _verdicts(rows):
        figure.add_trace(_estimates([row for row in rows if row.verdict == verdict], verdict=verdict, mode=mode))
    figure.add_traces(_published_marks(rows, ends=ends, mode=mode))
    height = rows[-1].middle + STRIP_HEIGHT if rows else 2 * STRIP_HEIGHT
    apply_layout(figure, mode=mode, height=round(height) + TOP + BOTTOM, legend_title=LEGEND_TITLE)
    figure.update_layout(margin={"l": SIDE, "r": SIDE, "t": TOP, "b": BOTTOM})
    figure.update_xaxes(title_text=typeset(unit_title), range=ends, nticks=7, showgrid=False)
    if scale == "ratio":
        inverses = [(-float(np.log(times)), f"1/{times}") for times in TIMES[:0:-1]]
        ticks = [*inverses, *((float(np.log(times)), str(times)) for times in TIMES)]
        shown = [tick for tick in ticks if ends[0] <= tick[0] <= ends[1]]
        figure.update_xaxes(tickvals=[at for at, _ in shown], ticktext=[words for _, words in shown])
    figure.update_yaxes(range=[height, 0], visible=False, fixedrange=True)
    # all at once: a figure copies what it has with each that is added
    figure.update_layout(
        shapes=[shape for row in rows for shape in _strip(row, page=palette(mode))],
        annotations=[words for row in rows for words in _words(row, page=palette(mode))],
    )
    return figure


def _rows_of(claims: pd.DataFrame, scale: Scale) -> Iterator[_Row]:
    """Each claim's row; of ratios the logarithms are drawn."""
    if claims.empty:
        return
    top = 0.0
    columns = [numbers(claims, name) for name in (ESTIMATE, LOWER, UPPER, MARGIN, PUBLISHED)]
    if scale == "ratio":
        columns = [np.log(np.where(column > 0, column, np.nan)) for column in columns]
    seen = np.concatenate([*columns[:3], np.zeros(1)])
    decimals = 1 if np.abs(seen[np.isfinite(seen)]).max() >= 2 else 2
    said = _times if scale == "ratio" else partial(_signed, decimals=decimals)
    records = claims.to_dict("records")
    for record, (estimate, lower, upper, margin, published) in zip(records, zip(*columns, strict=True), strict=True):
        claim = wrapped(str(record[CLAIM]), width=CLAIM_WIDTH)
        words = [*claim, *wrapped(str(record[DATA]), width=DATA_WIDTH)]
        bottom = top + LINE_HEIGHT * len(words) + STRIP_HEIGHT
        yield _Row(
            claim=typeset(str(record[CLAIM])),
            words=words,
            num_claim_lines=len(claim),
            middle=bottom - STRIP_HEIGHT / 2,
            estimate=estimate,
            lower=lower,
            upper=upper,
            margin=margin,
            verdict=record[VERDICT],
            published=published,
            counts=f"{count_words(record[NUM_SEEDS], 'seed')} × {count_words(record[NUM_INSTANCES], 'chip')}",
            said=said,
        )
        top = bottom + GAP


def _verdicts(rows: list[_Row]) -> list[Verdict]:
    """Those there are, in the legend's order."""
    there = {row.verdict for row in rows}
    if unknown := there - set(VERDICT_SYMBOLS):
        msg = f"Unknown verdict {min(unknown)!r}. Known: {', '.join(VERDICT_SYMBOLS)}."
        raise ValueError(msg)
    return [verdict for verdict in VERDICT_SYMBOLS if verdict in there]


def _ends(rows: list[_Row]) -> list[float]:
    """The axis's ends: what our intervals, zero and the bands take, and room for arrows where there are some."""
    taken = [end for row in rows for end in (row.estimate, row.lower, row.upper, -row.margin, row.margin)]
    seen: Floats = np.array([0.0, *taken])
    low, high = float(np.nanmin(seen)), float(np.nanmax(seen))
    if low == high:
        low, high = low - 1, high + 1
    length = high - low
    pads = [0.05 * length, 0.05 * length]
    if any(row.published < low - pads[0] for row in rows):
        pads[0] = ARROW_ROOM * length
    if any(row.published > high + pads[1] for row in rows):
        pads[1] = ARROW_ROOM * length
    return [low - pads[0], high + pads[1]]


def _estimates(rows: list[_Row], *, verdict: Verdict, mode: Mode) -> go.Scatter:
    colour = VERDICT_COLOURS[verdict][mode]
    estimate, lower, upper = (np.array([getattr(row, name) for row in rows]) for name in (ESTIMATE, LOWER, UPPER))
    return go.Scatter(
        x=estimate,
        y=[row.middle for row in rows],
        name=VERDICT_NAMES.get(verdict, verdict),
        mode="markers",
        marker={
            "color": colour if verdict == "supported" else palette(mode).background,
            "symbol": VERDICT_SYMBOLS[verdict],
            "size": 11,
            "line": {"color": colour, "width": 2},
            "opacity": 1,
        },
        error_x=error_bars(estimate, lower, upper, colour=colour, width=5) | {"thickness": 2},
        hovertext=[_hover(row) for row in rows],
        hoverinfo="text",
    )


def _hover(row: _Row) -> str:
    margin = (
        "" if np.isnan(row.margin) else f"<br>too small to matter: {row.said(-row.margin)} to {row.said(row.margin)}"
    )
    published = "" if np.isnan(row.published) else f"<br>published: {row.said(row.published)}"
    return (
        f"<b>{VERDICT_NAMES.get(row.verdict, row.verdict)}</b><br>{_in_numbers(row)}{margin}{published}<br>{row.counts}"
    )


def _in_numbers(row: _Row) -> str:
    """Estimate and interval, or nothing where there is no estimate."""
    if np.isnan(row.estimate):
        return "no runs"
    has_interval = np.isfinite(row.lower) and np.isfinite(row.upper)
    interval = f" ({row.said(row.lower)} to {row.said(row.upper)})" if has_interval else ""
    return f"<b>{row.said(row.estimate)}</b>{interval}"


def _published_marks(rows: list[_Row], *, ends: list[float], mode: Mode) -> list[go.Scatter]:
    """Stars on the axis, which have the legend's entry, and arrows with their numbers at its edges."""
    low, high = ends
    reported = [row for row in rows if np.isfinite(row.published)]
    within = [row for row in reported if low <= row.published <= high]
    left, right = ([row for row in reported if row.published < low], [row for row in reported if row.published > high])
    if not reported:
        return []
    page = palette(mode)
    shared = {"name": "published", "legendgroup": "published", "hoverinfo": "text"}
    stars = go.Scatter(
        x=[row.published for row in within] or [None],
        y=[row.middle for row in within] or [None],
        mode="markers",
        marker={"color": page.text, "symbol": "star-open", "size": 13, "line": {"width": 1.5}},
        hovertext=[_hover(row) for row in within],
        **shared,
    )
    inset = 0.02 * (high - low)
    arrows = go.Scatter(
        x=[low + inset] * len(left) + [high - inset] * len(right),
        y=[row.middle for row in (*left, *right)],
        mode="markers+text",
        marker={
            "color": page.text,
            "symbol": ["triangle-left-open"] * len(left) + ["triangle-right-open"] * len(right),
            "size": 11,
            "line": {"width": 1.5},
        },
        text=[row.said(row.published) for row in (*left, *right)],
        textposition=["middle right"] * len(left) + ["middle left"] * len(right),
        textfont={"size": 12, "color": page.text},
        hovertext=[_hover(row) for row in (*left, *right)],
        showlegend=False,
        **shared,
    )
    return [stars, arrows] if left or right else [stars]


def _strip(row: _Row, *, page: Palette) -> list[dict[str, Any]]:
    """The band around zero and zero itself, beside this claim's marks only: words stay clear of them."""
    ends: dict[str, Any] = {"y0": row.middle - STRIP_HEIGHT / 2, "y1": row.middle + STRIP_HEIGHT / 2, "layer": "below"}
    zero: dict[str, Any] = {"type": "line", "x0": 0, "x1": 0, "line": {"color": page.muted, "width": 1}, **ends}
    if not np.isfinite(row.margin):
        return [zero]
    colour = translucent(page.muted, opacity=0.18)
    band: dict[str, Any] = {
        "type": "rect",
        "x0": -row.margin,
        "x1": row.margin,
        "fillcolor": colour,
        "line": {"width": 0},
        **ends,
    }
    return [band, zero]


def _words(row: _Row, *, page: Palette) -> list[dict[str, Any]]:
    """The claim and its data on the left, the numbers on the right of their last line."""
    claim, data = row.words[: row.num_claim_lines], row.words[row.num_claim_lines :]
    shared: dict[str, Any] = {
        "y": row.middle - STRIP_HEIGHT / 2,
        "xref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
    }
    shared |= {"borderpad": 0, "yshift": 1}
    text = "<br>".join([*claim, *(f'<span style="color: {page.muted}">{line}</span>' for line in data)])
    left: dict[str, Any] = {
        "x": 0,
        "xanchor": "left",
        "align": "left",
        "text": text,
        "font": {"size": 13, "color": page.text},
    }
    right: dict[str, Any] = {"x": 1, "xanchor": "right", "align": "right", "text": _in_numbers(row)}
    right |= {"font": {"size": 12, "color": page.text}}
    return [shared | left, shared | right]


def _signed(value: float, decimals: int) -> str:
    """With its sign, a true minus; zero has none."""
    shown = f"{value:+.{decimals}f}"
    return shown.replace("-", "−") if float(shown) else shown[1:]


def _times(logarithm: float) -> str:
    """A ratio of its logarithm: `3.1×`, `0.55×`."""
    ratio = float(np.exp(logarithm))
    return f"{ratio:.{2 if ratio < 2 else 1}f}×"
