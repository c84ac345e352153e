"""One network's accuracy on two devices."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import sigma_d_end
from dashboard.charts.frames import numbers, percent, range_words
from dashboard.charts.marks import add_chance, band
from dashboard.charts.theme import Look, Mode, apply_layout, palette, variant_style
from neft.columns import LOWER, MEAN, SIGMA_D, UPPER


def device_curves(
    curve: pd.DataFrame,
    beside: pd.DataFrame,
    *,
    name: str,
    beside_name: str,
    at: float,
    look: Look,
    chance: float,
    mode: Mode,
) -> go.Figure:
    """Two lines with their bands, and a thin line at the device's own σ_d.

    What to look for: the gap between the lines at the thin one.

    Args:
        curve: sigma_d, mean, lower, upper (fractions) on the device.
        beside: the same on the other device; may be empty.
        name: What the device is called.
        beside_name: What the other one is called.
        at: the σ_d at which the thin line stands.
        look: Whose colour the device's line wears.
        chance: Accuracy of guessing, as a fraction.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    figure = go.Figure()
    lines = ((beside, beside_name, page.muted, "dash"), (curve, name, style.colour, "solid"))
    for rows, label, colour, dash in lines:
        if rows.empty:
            continue
        figure.add_trace(band(rows, colour=colour, opacity=0.2))
        figure.add_trace(
            go.Scatter(
                x=numbers(rows, SIGMA_D),
                y=percent(rows, MEAN),
                mode="lines+markers",
                line={"color": colour, "width": 2, "dash": dash},
                marker={"color": colour, "size": 5},
                cliponaxis=False,
                name=label,
                hovertext=_words(rows, label),
                hoverinfo="text",
            )
        )
    apply_layout(figure, mode=mode, legend_title="mean of a preview, with its 95 % interval")
    slice_line = {"color": page.axis, "width": 1}
    figure.add_shape(type="line", x0=at, x1=at, y0=0, y1=1, yref="paper", line=slice_line, layer="below")
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[0, sigma_d_end(curve, beside)])
    figure.update_xaxes(exponentformat="none")  # 200µ stands for no conductance here
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 103], tickvals=[0, 20, 40, 60, 80, 100])
    add_chance(figure, chance=chance, mode=mode)
    return figure


def _words(rows: pd.DataFrame, label: str) -> list[str]:
    values = zip(numbers(rows, SIGMA_D), percent(rows, MEAN), percent(rows, LOWER), percent(rows, UPPER), strict=True)
    return [
        f"{label} at σ<sub>d</sub> = {at:g}<br><b>{mean:.1f} %</b>{range_words(lower, upper)}"
        for at, mean, lower, upper in values
    ]
