"""How far the programmed weights lie from the wanted ones, one panel per layer."""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.frames import by_variant, look_of, numbers
from dashboard.charts.theme import (
    Mode,
    apply_layout,
    make_room_for_titles,
    palette,
    translucent,
    variant_style,
)
from neft.columns import BIN_LEFT, BIN_RIGHT, CLOSED_FORM_DENSITY, DENSITY, LAYER

Trace = dict[str, Any]
Variant = tuple[str, str, pd.DataFrame]
"""Key, label and rows."""
NUM_COLUMNS = 3
ROW_HEIGHT = 118
FRAME_HEIGHT = 130
"""What legend, titles and margins take beside the rows."""
MAX_TITLE = 17
LAST = 2000
"""The legend's end; other entries have rank 1000."""


def weight_deviations(
    histograms: pd.DataFrame, *, x_title: str, mode: Mode, beside: pd.DataFrame | None = None
) -> go.Figure:
    """Sampled histograms as outlines, one alone filled, with the closed form as a thin dashed line.

    What to look for: outlines that follow the dashed line, as wide in every layer as the device model says.

    Args:
        histograms: variant, label, layer, bin_left, bin_right, density, closed_form_density.
        x_title: What the deviations are counted in.
        mode: Light or dark page.
        beside: Rows of a chart that this one is to be compared with; both are drawn as far as the larger of the two.
    """
    if histograms.empty:
        return go.Figure(layout=_empty_panels(("",), x_title, mode))
    panels = {
        str(layer): list(by_variant(rows)) for layer, rows in histograms.groupby(LAYER, sort=False, observed=True)
    }
    differ = any(_closed_forms_differ(variants) for variants in panels.values())
    alone = len({variant for variants in panels.values() for variant, _, _ in variants}) == 1
    traces = [_legend_entry(mode=mode)] if differ else []
    for number, variants in enumerate(panels.values(), start=1):
        axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        traces += [trace | axes for trace in _panel(variants, differ=differ, alone=alone, mode=mode)]
    figure = go.Figure(_named_once(traces), _empty_panels(tuple(panels), x_title, mode))
    if beside is not None:
        both = pd.concat([histograms, beside])
        reach = float(np.abs(np.concatenate([numbers(both, BIN_LEFT), numbers(both, BIN_RIGHT)])).max())
        figure.update_xaxes(range=[-reach, reach])
        figure.update_yaxes(range=[0, 1.05 * float(numbers(both, DENSITY).max())])
    return figure


@lru_cache(maxsize=64)
def _empty_panels(layers: tuple[str, ...], x_title: str, mode: Mode) -> dict[str, Any]:
    """The layout of a panel per layer; made once, as making it takes longer than all traces."""
    num_columns = 2 if len(layers) in {2, 4} else min(NUM_COLUMNS, len(layers))
    num_rows = ceil(len(layers) / num_columns)
    height = FRAME_HEIGHT + ROW_HEIGHT * max(num_rows, 2)
    figure = make_subplots(
        rows=num_rows,
        cols=num_columns,
        shared_xaxes="all",  # pyright: ignore[reportArgumentType]
        shared_yaxes="all",  # pyright: ignore[reportArgumentType]
        subplot_titles=[_short(layer) for layer in layers],
        x_title=x_title,
        horizontal_spacing=0.04,
        vertical_spacing=min(26 / (height - FRAME_HEIGHT), 1 / num_rows),
    )
    apply_layout(figure, mode=mode, height=height)
    make_room_for_titles(figure, height=height)
    figure.update_layout(margin_b=58)
    figure.update_annotations(font_size=11, selector={"yanchor": "bottom"})
    figure.update_xaxes(nticks=4, rangemode="tozero", showgrid=False)
    figure.update_yaxes(nticks=4, rangemode="tozero")
    figure.update_yaxes(title_text="density", row=(num_rows + 1) // 2, col=1)
    _label_open_bottoms(figure, num_panels=len(layers), num_columns=num_columns)
    return figure.layout.to_plotly_json()


def _named_once(traces: Sequence[Trace]) -> list[Trace]:
    """One legend entry for what appears in many panels."""
    first = {trace["legendgroup"]: place for place, trace in reversed(list(enumerate(traces)))}
    return [trace | {"showlegend": first[trace["legendgroup"]] == place} for place, trace in enumerate(traces)]


def _panel(variants: Sequence[Variant], *, differ: bool, alone: bool, mode: Mode) -> list[Trace]:
    outlines = [
        _outline(of, variant=variant, label=label, faint=differ, filled=alone, mode=mode)
        for variant, label, of in variants
    ]
    shown = variants if differ else variants[:1]
    forms = [_closed_form(of, variant=variant if differ else None, mode=mode) for variant, _, of in shown]
    return [*outlines, *(form for form in forms if np.isfinite(form["y"]).any())]


def _outline(rows: pd.DataFrame, *, variant: str, label: str, faint: bool, filled: bool, mode: Mode) -> Trace:
    """The histogram; faint where a closed form of the same colour lies on it.

    A plain outline is solid, that of a dashed method too: its dashes would run into the closed form's. Further
    variants, which have its hue, keep theirs.
    """
    look = look_of(rows)
    style = variant_style(look, mode=mode)
    colour = translucent(style.colour, opacity=0.6) if faint else style.colour
    dash = style.dash if look.departure else "solid"
    return {
        "type": "scatter",
        "x": _centres(rows),
        "y": numbers(rows, DENSITY),
        "name": label,
        "legendgroup": variant,
        "mode": "lines",
        "fill": "tozeroy" if filled else "none",
        "fillcolor": translucent(style.colour, opacity=0.25),
        "line": {"color": colour, "dash": dash, "width": 1.5, "shape": "hvh"},
        "hovertemplate": f"{label}<br>deviation %{{x:.2f}}<br>density %{{y:.3g}}<extra></extra>",
    }


def _closed_form(rows: pd.DataFrame, *, variant: str | None, mode: Mode) -> Trace:
    """The closed form in the text's colour, or in a variant's where each has its own."""
    colour = variant_style(look_of(rows), mode=mode).colour if variant else palette(mode).text
    return {
        "type": "scatter",
        "x": _centres(rows),
        "y": numbers(rows, CLOSED_FORM_DENSITY),
        "name": "closed form",
        "legendgroup": "closed form",
        "mode": "lines",
        "line": {"color": colour, "width": 1.5, "dash": "4px 3px"},
        "hoverinfo": "skip",
    }


def _legend_entry(*, mode: Mode) -> Trace:
    """One entry for all closed forms, where each variant has its own."""
    return {
        "type": "scatter",
        "x": [None],
        "y": [None],
        "mode": "lines",
        "line": {"color": palette(mode).text, "width": 1.5, "dash": "4px 3px"},
        "name": "closed form",
        "legendgroup": "closed form",
        "legendrank": LAST,
    }


def _centres(rows: pd.DataFrame) -> np.ndarray:
    return (numbers(rows, BIN_LEFT) + numbers(rows, BIN_RIGHT)) / 2


def _closed_forms_differ(variants: Sequence[Variant]) -> bool:
    """Whether two variants of a layer have different closed forms."""
    forms = [(_centres(of), numbers(of, CLOSED_FORM_DENSITY)) for _, _, of in variants]
    return not all(_same(forms[0], form) for form in forms[1:])


def _same(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> bool:
    return all(
        len(a) == len(b) and np.allclose(a, b, rtol=1e-3, atol=1e-6, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


def _label_open_bottoms(figure: go.Figure, *, num_panels: int, num_columns: int) -> None:
    """Ticks under the panels that have none below them, where the last row is not full."""
    for index in range(max(num_panels - num_columns, 0), num_panels):
        figure.update_xaxes(showticklabels=True, row=index // num_columns + 1, col=index % num_columns + 1)


def _short(layer: str) -> str:
    """A layer name with its middle left out where it is long: both ends tell it from the others."""
    half = MAX_TITLE // 2
    return layer if len(layer) <= MAX_TITLE else f"{layer[:half]}…{layer[-half:]}"
