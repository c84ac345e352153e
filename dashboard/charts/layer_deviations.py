"""How large a typical deviation is beside a typical weight, layer by layer."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import by_variant, look_of, percent
from dashboard.charts.marks import error_bars, typeset
from dashboard.charts.theme import HEIGHT, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import LAYER, MEAN

LOWEST, HIGHEST, DEVIATION_TO_WEIGHT = "lowest", "highest", "deviation_to_weight"
MAX_NUMBERS = 16
"""Of ticks; a layer's name stands under the pointer."""
HEADROOM = 1.15


def layer_deviations(layers: pd.DataFrame, methods: pd.DataFrame, *, height: int = HEIGHT, mode: Mode) -> go.Figure:
    """A bar per layer, from the first to the last: the mean over methods, with the range that they take.

    What to look for: the layer whose weights drown; methods' marks beside a bar differ in what training did to them.

    Args:
        layers: layer, mean, lowest, highest (a typical deviation over a typical weight, over methods).
        methods: variant, label, layer, deviation_to_weight; empty where methods are alike.
        height: Of the whole figure, in pixels.
        mode: Light or dark page.
    """
    page = palette(mode)
    names = [str(name) for name in layers[LAYER]] if not layers.empty else []
    mean, low, high = (percent(layers, name) for name in (MEAN, LOWEST, HIGHEST))
    figure = go.Figure(
        go.Bar(
            x=list(range(len(names))),
            y=mean,
            name="mean over methods",
            marker={"color": translucent(page.muted, opacity=0.35), "line": {"width": 0}},
            error_y=error_bars(mean, low, high, colour=page.muted),
            text=[f"{value:.0f}" for value in mean],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"size": 12, "color": page.text},
            hovertext=[
                f"{typeset(name)}<br>a typical deviation is <b>{value:.0f} %</b> of a typical weight<br>"
                f"methods: {least:.0f} to {most:.0f} %"
                for name, value, least, most in zip(names, mean, low, high, strict=True)
            ],
            hoverinfo="text",
            showlegend=not methods.empty,
        )
    )
    for variant, label, rows in by_variant(methods):
        figure.add_trace(_marks(rows, names, variant=variant, label=label, mode=mode))
    apply_layout(figure, mode=mode, height=height)
    every = list(range(0, len(names), 1 + len(names) // MAX_NUMBERS))
    ends = f"layers, from {typeset(names[0])} to {typeset(names[-1])}" if names else ""
    figure.update_xaxes(tickvals=every, ticktext=[str(index + 1) for index in every], title_text=ends)
    seen = np.concatenate([high, percent(methods, DEVIATION_TO_WEIGHT), [1.0]])
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(title_text="deviation ÷ weight (%)", range=[0, HEADROOM * float(np.nanmax(seen))], nticks=5)
    return figure


def _marks(rows: pd.DataFrame, names: list[str], *, variant: str, label: str, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    values = percent(rows, DEVIATION_TO_WEIGHT)
    return go.Scatter(
        x=[names.index(str(name)) for name in rows[LAYER]],
        y=values,
        mode="markers",
        name=typeset(label),
        legendgroup=variant,
        marker={"color": style.colour, "symbol": style.symbol, "size": 9},
        hovertext=[
            f"{typeset(label)}, {typeset(str(name))}<br><b>{value:.0f} %</b> of a typical weight"
            for name, value in zip(rows[LAYER], values, strict=True)
        ],
        hoverinfo="text",
    )
