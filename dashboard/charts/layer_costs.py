"""Which layer costs the accuracy: variation in one layer at a time."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import numbers, percent, range_words
from dashboard.charts.marks import error_bars
from dashboard.charts.theme import Look, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import LAYER, LOWER, MEAN, UPPER

ROW_HEIGHT = 26
FRAME_HEIGHT = 110
MIN_HEIGHT = 200
MAX_NAME = 22


def layer_costs(layers: pd.DataFrame, together: pd.DataFrame, *, clean: float, look: Look, mode: Mode) -> go.Figure:
    """A dot with its interval per layer, from the input down, between no variation and variation in all layers.

    What to look for: the dots furthest left; a dot on the dashed line is a layer that costs nothing by itself.

    Args:
        layers: layer, mean, lower, upper (fractions), in the order of the network.
        together: mean, lower, upper with variation in all layers; one row, or none.
        clean: Accuracy without variation, as a fraction.
        look: Whose colour the dots wear.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    figure = go.Figure()
    names = [str(name) for name in layers[LAYER]] if not layers.empty else []
    ends = (-0.6, max(len(names), 1) - 0.4)
    drawn = [100 * clean]
    if not together.empty:
        lower, mean, upper = (float(percent(together, column)[0]) for column in (LOWER, MEAN, UPPER))
        drawn += [lower, upper]
        figure.add_shape(
            type="rect",
            x0=lower,
            x1=upper,
            y0=ends[0],
            y1=ends[1],
            line={"width": 0},
            fillcolor=translucent(page.muted, opacity=0.2),
            layer="below",
        )
        figure.add_trace(_line(mean, ends, name="in all layers", dash="solid", colour=page.muted))
    if names:
        figure.add_trace(_line(100 * clean, ends, name="no variation", dash="dash", colour=page.muted))
        figure.add_trace(_dots(layers, colour=style.colour))
        drawn += [float(value) for column in (LOWER, UPPER) for value in percent(layers, column)]
    apply_layout(figure, mode=mode, height=max(MIN_HEIGHT, FRAME_HEIGHT + ROW_HEIGHT * len(names)))
    figure.update_xaxes(title_text="accuracy (%)", **zoomed_percent(numbers(pd.DataFrame({MEAN: drawn}), MEAN)))
    figure.update_yaxes(
        range=[ends[1], ends[0]],
        tickvals=list(range(len(names))),
        ticktext=[name if len(name) <= MAX_NAME else f"…{name[-MAX_NAME + 1 :]}" for name in names],
        ticks="",
        automargin=True,
    )
    return figure


def _line(at: float, ends: tuple[float, float], *, name: str, dash: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[at, at],
        y=list(ends),
        mode="lines",
        line={"color": colour, "width": 2, "dash": dash},
        name=name,
        hovertext=f"{name}<br><b>{at:.1f} %</b>",
        hoverinfo="text",
    )


def _dots(layers: pd.DataFrame, *, colour: str) -> go.Scatter:
    mean, lower, upper = (percent(layers, column) for column in (MEAN, LOWER, UPPER))
    bars = error_bars(mean, lower, upper, colour=colour, width=4)
    return go.Scatter(
        x=mean,
        y=list(range(len(layers))),
        mode="markers",
        marker={"color": colour, "size": 9},
        error_x=bars,
        cliponaxis=False,
        name="in one layer",
        hovertext=[
            f"{name}<br><b>{at:.1f} %</b>{range_words(low, high)}"
            for name, at, low, high in zip(layers[LAYER], mean, lower, upper, strict=True)
        ],
        hoverinfo="text",
    )
