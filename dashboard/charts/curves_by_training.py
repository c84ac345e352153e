"""Networks trained at different device variations, each over all of them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from dashboard.charts.axes import sigma_d_end
from dashboard.charts.frames import interval_words, look_of, numbers, percent
from dashboard.charts.marks import add_chance, error_bars
from dashboard.charts.theme import Mode, apply_layout, palette, readable, variant_style
from neft.columns import LOWER, MEAN, SIGMA_D, TRAIN_SIGMA_D, UPPER

SCALE: dict[Mode, tuple[float, float]] = {"light": (0.05, 0.72), "dark": (0.4, 0.98)}
"""The part of viridis that stands out from the page."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "star")


def curves_by_training(
    curves: pd.DataFrame, *, noise_free: pd.DataFrame, matched: pd.DataFrame, chance: float, mode: Mode
) -> go.Figure:
    """A line per training σ_d in one sequential scale, the network trained without noise dashed, matched points ringed.

    What to look for: each line is highest where it was trained; at σ_d = 0 the order is reversed.

    Args:
        curves: train_sigma_d, sigma_d, mean, lower, upper, num_seeds, num_instances.
        noise_free: the same of the network trained without noise, with method_rank and departure; may be empty.
        matched: sigma_d, mean of the points that were tested where they were trained.
        chance: Accuracy of guessing, as a fraction.
        mode: Light or dark page.
    """
    figure = go.Figure()
    if not noise_free.empty:
        style = variant_style(look_of(noise_free), mode=mode)
        line = {"color": style.colour, "dash": style.dash, "width": 2}
        figure.add_trace(_line(noise_free, name="without noise", line=line, symbol=style.symbol))
    trained = sorted(curves[TRAIN_SIGMA_D].unique()) if not curves.empty else []
    low, high = SCALE[mode]
    for index, at in enumerate(trained):
        place = low + (high - low) * (index / max(len(trained) - 1, 1))
        rgb: Any = sample_colorscale("viridis", [place], colortype="tuple")[0]
        colour = readable("#" + "".join(f"{round(255 * part):02x}" for part in rgb), mode=mode)
        rows = curves[curves[TRAIN_SIGMA_D] == at]
        line = {"color": colour, "width": 2}
        figure.add_trace(_line(rows, name=f"at {at:g}", line=line, symbol=SYMBOLS[index % len(SYMBOLS)]))
    if not matched.empty:
        ring = {"symbol": "circle-open", "size": 15, "color": palette(mode).text, "line": {"width": 1.5}}
        figure.add_trace(
            go.Scatter(
                x=numbers(matched, SIGMA_D),
                y=percent(matched, MEAN),
                mode="markers",
                marker=ring,
                name="matched",
                hoverinfo="skip",
            )
        )
    apply_layout(figure, mode=mode, legend_title="trained, 95 % intervals")
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[0, sigma_d_end(curves, noise_free)])
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 103], tickvals=[0, 20, 40, 60, 80, 100])
    add_chance(figure, chance=chance, mode=mode)
    return figure


def _line(rows: pd.DataFrame, *, name: str, line: Mapping[str, object], symbol: str) -> go.Scatter:
    rows = rows.sort_values(SIGMA_D)
    mean = percent(rows, MEAN)
    colour = str(line["color"])
    return go.Scatter(
        x=numbers(rows, SIGMA_D),
        y=mean,
        mode="lines+markers",
        line=dict(line),
        marker={"color": colour, "symbol": symbol, "size": 8},
        error_y=error_bars(mean, percent(rows, LOWER), percent(rows, UPPER), colour=colour),
        cliponaxis=False,
        name=name,
        hovertext=[
            f"trained {name}, tried at {at:g}<br>{words}"
            for at, words in zip(numbers(rows, SIGMA_D), interval_words(rows), strict=True)
        ],
        hoverinfo="text",
    )
