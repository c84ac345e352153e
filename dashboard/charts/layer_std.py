"""The spread of the weight deviations in each layer, asked and realised."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers
from dashboard.charts.theme import Mode, apply_layout, palette
from neft.columns import CLOSED_FORM_STD, LAYER, REALISED_STD

ROW_HEIGHT = 22
FRAME_HEIGHT = 96
MIN_HEIGHT = 180
MAX_NAME = 22


def layer_std(layers: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """Per layer a ring where the closed form puts the deviations' spread and a dot where the samples lie.

    What to look for: dots that sit in their rings; one beside it means that the samples are not what the model says.

    Args:
        layers: layer, realised_std, closed_form_std (both in units of σ_d w_max), in the order of the network.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure = go.Figure()
    names = [str(name) for name in layers[LAYER]] if not layers.empty else []
    if names:
        ring = {"color": page.muted, "symbol": "circle-open", "size": 13, "line": {"width": 1.5}}
        dot = {"color": page.text, "symbol": "circle", "size": 6}
        figure.add_trace(_marks(layers, CLOSED_FORM_STD, name="closed form", marker=ring))
        figure.add_trace(_marks(layers, REALISED_STD, name="sampled", marker=dot))
    apply_layout(figure, mode=mode, height=max(MIN_HEIGHT, FRAME_HEIGHT + ROW_HEIGHT * len(names)))
    figure.update_xaxes(title_text="std of deviation ÷ (σ<sub>d</sub> w<sub>max</sub>)", rangemode="tozero")
    figure.update_yaxes(
        autorange="reversed" if names else None,
        tickvals=list(range(len(names))),
        ticktext=[name if len(name) <= MAX_NAME else f"…{name[-MAX_NAME + 1 :]}" for name in names],
        ticks="",
        automargin=True,
    )
    return figure


def _marks(layers: pd.DataFrame, column: str, *, name: str, marker: Mapping[str, object]) -> go.Scatter:
    return go.Scatter(
        x=numbers(layers, column),
        y=list(range(len(layers))),
        name=name,
        mode="markers",
        marker=marker,
        hovertext=[str(layer) for layer in layers[LAYER]],
        hovertemplate=f"%{{hovertext}}<br>{name}: <b>%{{x:.3f}}</b><extra></extra>",
    )
