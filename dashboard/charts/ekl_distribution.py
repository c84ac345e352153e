"""How the expected KL divergence spreads over the chips, one line per method variant."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import Floats, by_variant, numbers
from dashboard.charts.theme import Mode, VariantStyle, apply_layout, palette, variant_style
from neft.columns import QUANTILE, VALUE

LOWEST = 1e-6
"""Where zeros are drawn when there is nothing else, in nats."""
MEDIAN_TOLERANCE = 0.01
FEW_DECADES, SOME_DECADES, MAX_POWERS = 1.2, 2.5, 6
"""An axis this long has ticks at 1, 2, 5; at 1, 3; at this many powers of ten."""


def ekl_distribution(quantiles: pd.DataFrame, *, interval_name: str, mode: Mode) -> go.Figure:
    """The share of chips at or below each EKL, as one rising line per variant.

    What to look for: a line further left is surer of its right answers; a flat one differs more from chip to chip.

    A logarithmic axis has no zero: zeros are drawn at its left edge, at a tick that says 0.

    Args:
        quantiles: variant, label, quantile (0 to 1), value (EKL of correct predictions, in nats).
        interval_name: What the chips are (seeds × chips); the legend's title.
        mode: Light or dark page.
    """
    figure = go.Figure()
    values = numbers(quantiles, VALUE) if not quantiles.empty else np.array([])
    left = _left_edge(values)
    for variant, label, rows in by_variant(quantiles):
        seen = rows[np.isfinite(numbers(rows, VALUE)) & np.isfinite(numbers(rows, QUANTILE))].sort_values(QUANTILE)
        if not seen.empty:
            style = variant_style(variant, mode=mode)
            figure.add_traces(_line_and_median(seen, variant=variant, label=label, style=style, left=left))
    apply_layout(figure, mode=mode, legend_title=interval_name)
    figure.update_xaxes(title_text="EKL of correct predictions (nats)", type="log", **_log_axis(values, left=left))
    figure.update_yaxes(title_text="share of chips (%)", range=[0, 102], tickvals=[0, 25, 50, 75, 100])
    page = palette(mode)
    line = {"color": page.muted, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=0, x1=1, xref="paper", y0=50, y1=50, line=line)
    font = {"size": 12, "color": page.muted}
    place = {"x": 0.01, "xref": "paper", "xanchor": "left", "y": 50, "yanchor": "bottom"}
    figure.add_annotation(place, text="median", showarrow=False, font=font)
    return figure


def _left_edge(values: Floats) -> float:
    positive = values[values > 0]
    return float(positive.min()) / 3 if positive.size else LOWEST


def _log_axis(values: Floats, *, left: float) -> dict[str, Any]:
    """Range and ticks of the axis: whole powers of ten, with steps between them where there are few."""
    seen = values[values > 0]
    has_zeros = bool((values <= 0).any())
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (left, 1e6 * left)
    low = left if has_zeros else low
    decades = np.log10(high / low)
    steps = (1, 2, 5) if decades <= FEW_DECADES else (1, 3) if decades <= SOME_DECADES else (1,)
    every = 1 + int(decades // MAX_POWERS)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [step * 10.0**power for power in powers if power % every == 0 for step in steps]
    ticks = [tick for tick in ticks if not has_zeros or tick > 2 * left]
    pad = max(0.03 * decades, 0.02 if decades else 0.5)
    return {
        "range": [np.log10(low) - pad, np.log10(high) + pad],
        "tickvals": [left, *ticks] if has_zeros else ticks,
        "ticktext": ["0"] * has_zeros + [f"{tick:g}".replace("e-0", "e-") for tick in ticks],
    }


def _line_and_median(
    rows: pd.DataFrame, *, variant: str, label: str, style: VariantStyle, left: float
) -> list[go.Scatter]:
    values, shares = numbers(rows, VALUE), 100 * numbers(rows, QUANTILE)
    drawn = np.where(values > 0, values, left)
    nearest = int(np.abs(shares - 50).argmin())
    has_median = abs(shares[nearest] - 50) <= 100 * MEDIAN_TOLERANCE
    median = f"<br>median {values[nearest]:.3g} nats" if has_median else ""
    line = go.Scatter(
        x=drawn,
        y=shares,
        name=label,
        legendgroup=variant,
        mode="lines" if len(rows) > 1 else "markers",
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"color": style.colour, "symbol": style.symbol, "size": 9},
        hovertext=[
            f"{label}<br><b>{share:.0f} %</b> of chips at or below {value:.3g} nats{median}"
            for value, share in zip(values, shares, strict=True)
        ],
        hoverinfo="text",
    )
    if not has_median or len(rows) == 1:
        return [line]
    mark = go.Scatter(
        x=[drawn[nearest]],
        y=[shares[nearest]],
        mode="markers",
        marker={"color": style.colour, "symbol": style.symbol, "size": 9},
        hovertext=[f"{label}{median}"],
        hoverinfo="text",
        showlegend=False,
        legendgroup=variant,
    )
    return [line, mark]
