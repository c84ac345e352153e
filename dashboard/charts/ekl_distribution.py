"""How the expected KL divergence spreads over the chips, one line per method variant."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import log_axis, zero_place
from dashboard.charts.frames import by_variant, look_of, numbers
from dashboard.charts.theme import HEIGHT, Mode, VariantStyle, apply_layout, palette, variant_style
from neft.columns import QUANTILE, VALUE

MEDIAN_TOLERANCE = 0.01


def ekl_distribution(
    quantiles: pd.DataFrame, *, interval_name: str, of: str = "chips", height: int = HEIGHT, mode: Mode
) -> go.Figure:
    """The share of chips (or images) at or below each EKL, as one rising line per variant.

    What to look for: a line further left is surer of its right answers; a flat one differs more from chip to chip.

    A logarithmic axis has no zero: zeros are drawn at its left edge, at a tick that says 0.

    Args:
        quantiles: variant, label, quantile (0 to 1), value (EKL of correct predictions, in nats).
        interval_name: What the chips are (seeds × chips); the legend's title.
        of: What the values are of.
        height: Of the whole figure, in pixels.
        mode: Light or dark page.
    """
    figure = go.Figure()
    values = numbers(quantiles, VALUE) if not quantiles.empty else np.array([])
    left = zero_place(values)
    for variant, label, rows in by_variant(quantiles):
        seen = rows[np.isfinite(numbers(rows, VALUE)) & np.isfinite(numbers(rows, QUANTILE))].sort_values(QUANTILE)
        if not seen.empty:
            style = variant_style(look_of(rows), mode=mode)
            figure.add_traces(_line_and_median(seen, variant=variant, label=label, style=style, left=left, of=of))
    apply_layout(figure, mode=mode, height=height, legend_title=interval_name)
    figure.update_xaxes(title_text="EKL of correct predictions (nats)", type="log", **log_axis(values, left=left))
    figure.update_yaxes(title_text=f"share of {of} (%)", range=[0, 102], tickvals=[0, 25, 50, 75, 100])
    page = palette(mode)
    line = {"color": page.muted, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=0, x1=1, xref="paper", y0=50, y1=50, line=line)
    font = {"size": 12, "color": page.muted}
    place = {"x": 0.01, "xref": "paper", "xanchor": "left", "y": 50, "yanchor": "bottom"}
    figure.add_annotation(place, text="median", showarrow=False, font=font)
    return figure


def _line_and_median(
    rows: pd.DataFrame, *, variant: str, label: str, style: VariantStyle, left: float, of: str
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
            f"{label}<br><b>{share:.0f} %</b> of {of} at or below {value:.3g} nats{median}"
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
