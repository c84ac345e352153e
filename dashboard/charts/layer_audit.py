"""Whether the sampled deviations are as wide as the device model says, layer by layer."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import by_variant, look_of, numbers
from dashboard.charts.marks import typeset
from dashboard.charts.theme import Mode, apply_layout, palette, translucent, variant_style
from neft.columns import CI95, LAYER

RATIO = "ratio"
ROW_HEIGHT = 30
FRAME_HEIGHT = 90
LEGEND_ROW = 19
"""Of the legend, where each entry takes a row."""
MIN_HEIGHT = 220
MAX_NAME = 22
SPREAD = 0.5
"""Of a layer's row, what its variants take together."""


def layer_audit(audit: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """Realised over asked std, a mark per variant, in the range that 95 % of samples keep to if the law holds.

    What to look for: marks outside their bar; of twenty, one lies outside by chance.

    Args:
        audit: variant, label, layer, ratio, ci95 (of the ratio around 1), realised_std, closed_form_std, num_sampled.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure = go.Figure()
    names = list(dict.fromkeys(str(name) for name in audit[LAYER])) if not audit.empty else []
    if names:
        figure.add_trace(_ranges(audit.drop_duplicates(LAYER), names, mode=mode))
    shown = list(by_variant(audit))
    for index, (_, label, rows) in enumerate(shown):
        offset = SPREAD * ((index + 0.5) / len(shown) - 0.5)
        figure.add_trace(_marks(rows, names, label=label, offset=offset, mode=mode))
    apply_layout(
        figure,
        mode=mode,
        height=max(MIN_HEIGHT, FRAME_HEIGHT + LEGEND_ROW * (len(shown) + 1) + ROW_HEIGHT * len(names)),
    )
    figure.add_shape(
        type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line={"color": page.muted, "width": 1, "dash": "dot"}
    )
    reach = _reach(audit)
    figure.update_xaxes(title_text="realised − asked std (% of asked)", range=[-reach, reach])
    figure.update_yaxes(
        range=[max(len(names), 1) - 0.4, -0.6],
        tickvals=list(range(len(names))),
        ticktext=[name if len(name) <= MAX_NAME else f"…{name[-MAX_NAME + 1 :]}" for name in names],
        automargin=True,
        showgrid=False,
    )
    return figure


def _ranges(layers: pd.DataFrame, names: list[str], *, mode: Mode) -> go.Bar:
    half = 100 * numbers(layers, CI95)
    return go.Bar(
        x=2 * half,
        base=list(-half),
        y=[names.index(str(name)) for name in layers[LAYER]],
        orientation="h",
        width=0.8,
        marker={"color": translucent(palette(mode).muted, opacity=0.22), "line": {"width": 0}},
        name="95 % of samples, if the law holds",
        hoverinfo="skip",
    )


def _marks(rows: pd.DataFrame, names: list[str], *, label: str, offset: float, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    off = 100 * (numbers(rows, RATIO) - 1)
    described = zip(
        rows[LAYER],
        numbers(rows, "closed_form_std"),
        numbers(rows, "realised_std"),
        numbers(rows, RATIO),
        100 * numbers(rows, CI95),
        rows["num_sampled"],
        strict=True,
    )
    return go.Scatter(
        x=off,
        y=[names.index(str(name)) + offset for name in rows[LAYER]],
        mode="markers",
        name=typeset(label),
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        hovertext=[
            f"{typeset(label)}, {typeset(str(layer))}<br>asked {asked:.5g} w<sub>max</sub>, realised {realised:.5g}<br>"
            f"ratio <b>{ratio:.4f}</b>, expected 1 ± {half / 100:.4f}<br>{int(count):,} sampled deviations"
            for layer, asked, realised, ratio, half, count in described
        ],
        hoverinfo="text",
    )


def _reach(audit: pd.DataFrame) -> float:
    if audit.empty:
        return 1.0
    values = np.concatenate([np.abs(100 * (numbers(audit, RATIO) - 1)), 100 * numbers(audit, CI95)])
    seen = values[np.isfinite(values)]
    return 1.15 * float(seen.max()) if seen.size and seen.max() > 0 else 1.0
