"""The mean chip against the unlucky one: a low percentile over device variation, beside the mean."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import one_box_per_sigma_d, sigma_d_end, trained_range
from dashboard.charts.frames import by_variant, look_of, numbers, percent
from dashboard.charts.marks import add_chance, error_bars, typeset
from dashboard.charts.theme import Look, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import LOWER, MEAN, SIGMA_D, UPPER, VALUE

ROOM = 0.03
TOP = 103


def unlucky_chips(percentiles: pd.DataFrame, means: pd.DataFrame, *, name: str, chance: float, mode: Mode) -> go.Figure:
    """Per variant the percentile as marks with its limits, and the mean as a thin line above.

    What to look for: the distance between the two; a method may have the better mean and the worse unlucky chip.

    A limit that so few chips do not set is left out: the bar then reaches one way only.

    Args:
        percentiles: variant, label, sigma_d, value, lower, upper (fractions), num_seeds, num_instances; one percentile.
        means: variant, label, sigma_d, mean (fractions).
        name: of the percentile, for legend and hover.
        chance: Accuracy of guessing, as a fraction.
        mode: Light or dark page.
    """
    figure = go.Figure()
    end = sigma_d_end(trained_range(percentiles))
    shown = list(by_variant(percentiles))
    for variant, label, rows in shown:
        of = means[means["variant"] == variant] if not means.empty else means
        figure.add_trace(_mean(of.sort_values(SIGMA_D), look=look_of(rows), variant=variant, label=label, mode=mode))
        figure.add_trace(_marks(rows.sort_values(SIGMA_D), variant=variant, label=label, mode=mode))
    if shown:
        line = {"color": palette(mode).muted, "width": 1.5}
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="lines", line=line, name="thin: the mean"))
    apply_layout(figure, mode=mode, legend_title=f"marks: {name}, 95 % limits")
    one_box_per_sigma_d(figure)
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[-ROOM * end, (1 + ROOM) * end])
    figure.update_yaxes(title_text="accuracy (%)", range=[0, TOP], tickvals=[0, 20, 40, 60, 80, 100])
    add_chance(figure, chance=chance, mode=mode)
    return figure


def _mean(rows: pd.DataFrame, *, look: Look, variant: str, label: str, mode: Mode) -> go.Scatter:
    style = variant_style(look, mode=mode)
    mean = percent(rows, MEAN)
    return go.Scatter(
        x=numbers(rows, SIGMA_D),
        y=mean,
        name=f"{typeset(label)}, mean",
        legendgroup=variant,
        showlegend=False,
        mode="lines",
        line={"color": translucent(style.colour, opacity=0.7), "width": 1.5, "dash": style.dash},
        hovertext=[f"{typeset(label)}, mean <b>{value:.1f} %</b>" for value in mean],
        hoverinfo="text",
    )


def _marks(rows: pd.DataFrame, *, variant: str, label: str, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    value, lower, upper = (percent(rows, column) for column in (VALUE, LOWER, UPPER))
    bars = error_bars(value, lower, upper, colour=style.colour)
    described = zip(value, lower, upper, strict=True)
    return go.Scatter(
        x=numbers(rows, SIGMA_D),
        y=value,
        name=typeset(label),
        legendgroup=variant,
        mode="markers",
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        error_y=bars,
        hovertext=[f"{typeset(label)} <b>{found:.1f} %</b> ({_limits(low, high)})" for found, low, high in described],
        hoverinfo="text",
    )


def _limits(lower: float, upper: float) -> str:
    if np.isnan(lower) and np.isnan(upper):
        return "no limits"
    if np.isnan(lower):
        return f"no lower limit, to {upper:.1f} %"
    return f"{lower:.1f} % to no upper limit" if np.isnan(upper) else f"{lower:.1f} to {upper:.1f} %"
