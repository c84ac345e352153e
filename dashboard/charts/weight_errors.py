"""One layer's weights on one chip: how far each misses, as an image."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.theme import Mode, apply_layout, diverging, palette, sequential

HEIGHT = 400


def weight_errors(cells: pd.DataFrame, *, signed: bool, unit: str, mode: Mode) -> go.Figure:
    """A cell per weight (or block of weights), outputs downwards, inputs to the right.

    What to look for: no pattern, where every level misses alike; where middle levels miss further, the weights show.

    Args:
        cells: A row per (first) output, a column per (first) input.
        signed: Whether cells are deviations, drawn about zero; else RMS deviations, drawn from zero.
        unit: What deviations are counted in.
        mode: Light or dark page.
    """
    values = cells.to_numpy(dtype=np.float64)
    end = float(np.abs(values).max()) if values.size else 0.0
    end = end or 1.0  # where nothing misses, any scale will do
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[int(name) for name in cells.columns],
            y=[int(name) for name in cells.index],
            zmin=-end if signed else 0,
            zmax=end,
            colorscale=diverging(mode) if signed else sequential(),
            colorbar={
                "orientation": "h",
                "thickness": 10,
                "len": 1,
                "y": 1.02,
                "yanchor": "bottom",
                "outlinewidth": 0,
                "nticks": 7,
                "tickfont": {"size": 12, "color": palette(mode).muted},
                "title": {
                    "text": f"{'W<sub>p</sub> − W<sub>d</sub>' if signed else 'RMS deviation'} ÷ {unit}",
                    "side": "top",
                    "font": {"size": 12, "color": palette(mode).muted},
                },
            },
            hovertemplate="output %{y}, input %{x}<br><b>%{z:.3f}</b><extra></extra>",
        )
    )
    apply_layout(figure, mode=mode, height=HEIGHT)
    figure.update_layout(margin_t=64)
    figure.update_xaxes(title_text="inputs (of a convolution: × kernel)", showgrid=False, nticks=8)
    figure.update_yaxes(title_text="outputs", showgrid=False, autorange="reversed", nticks=8)
    return figure
