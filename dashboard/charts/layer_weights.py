"""How large a typical weight is beside the largest, layer by layer."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import by_variant, count_words, look_of, numbers, percent
from dashboard.charts.marks import error_bars, typeset
from dashboard.charts.theme import Mode, apply_layout, variant_style
from neft.columns import LAYER, LOWER, MEAN, MIDDLE_SHARE, NUM_SEEDS, UPPER

ROW_HEIGHT = 30
FRAME_HEIGHT = 90
LEGEND_ROW = 19
"""Of the legend, where each entry takes a row."""
MIN_HEIGHT = 220
MAX_NAME = 22
SPREAD = 0.6
"""Of a layer's row, what its variants take together."""


def layer_weights(layers: pd.DataFrame, *, interval_name: str, mode: Mode) -> go.Figure:
    """RMS weight over the largest weight, a mark per variant and layer.

    What to look for: marks further right; their weights are large beside w_max, and so beside what misses them.

    Args:
        layers: variant, label, layer, mean, lower, upper (RMS over w_max), middle_share,
            deviation_to_weight, num_seeds.
        interval_name: What the intervals are; the legend's title.
        mode: Light or dark page.
    """
    figure = go.Figure()
    names = list(dict.fromkeys(str(name) for name in layers[LAYER])) if not layers.empty else []
    shown = list(by_variant(layers))
    for index, (_, label, rows) in enumerate(shown):
        offset = SPREAD * ((index + 0.5) / len(shown) - 0.5)
        figure.add_trace(_marks(rows, names, label=label, offset=offset, mode=mode))
    height = max(MIN_HEIGHT, FRAME_HEIGHT + LEGEND_ROW * (len(shown) + 1) + ROW_HEIGHT * len(names))
    apply_layout(figure, mode=mode, height=height, legend_title=interval_name)
    ends = percent(layers, UPPER) if not layers.empty else np.array([])
    seen = ends[np.isfinite(ends)]
    right = 1.08 * float(seen.max()) if seen.size else 100.0
    figure.update_xaxes(title_text="RMS weight ÷ w<sub>max</sub> (%)", range=[0, min(right, 100)])
    figure.update_yaxes(
        range=[max(len(names), 1) - 0.4, -0.6],
        tickvals=list(range(len(names))),
        ticktext=[name if len(name) <= MAX_NAME else f"…{name[-MAX_NAME + 1 :]}" for name in names],
        automargin=True,
    )
    return figure


def _marks(rows: pd.DataFrame, names: list[str], *, label: str, offset: float, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    mean, lower, upper = (percent(rows, column) for column in (MEAN, LOWER, UPPER))
    described = zip(
        rows[LAYER],
        mean,
        100 * numbers(rows, MIDDLE_SHARE),
        100 * numbers(rows, "deviation_to_weight"),
        rows[NUM_SEEDS],
        strict=True,
    )
    return go.Scatter(
        x=mean,
        y=[names.index(str(name)) + offset for name in rows[LAYER]],
        mode="markers",
        name=typeset(label),
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        error_x=error_bars(mean, lower, upper, colour=style.colour),
        hovertext=[
            f"{typeset(label)}, {typeset(str(layer))}<br>RMS weight <b>{rms:.1f} %</b> of w<sub>max</sub><br>"
            f"{middle:.0f} % of weights between ¼ and ¾ of it<br>a typical deviation is {deviation:.0f} % of a typical "
            f"weight<br>{count_words(seeds, 'seed')}"
            for layer, rms, middle, deviation, seeds in described
        ],
        hoverinfo="text",
    )
