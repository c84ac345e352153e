"""How far each level of a device misses, beside the published devices."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import Floats, numbers
from dashboard.charts.marks import error_bars
from dashboard.charts.shades import shade
from dashboard.charts.theme import Mode, apply_layout, palette
from neft.columns import DEVICE, LABEL, LEVEL, LEVEL_STD, LOWER, STD, UPPER

DASHES = ("dot", "dash", "dashdot", "longdash")


def level_spread(own: pd.DataFrame, published: pd.DataFrame, *, sigma_d: float, name: str, mode: Mode) -> go.Figure:
    """A line of rings for the device, thin lines for the others.

    What to look for: where the rings stand above 1: those levels miss further than an even device's.

    Args:
        own: level, level_std, std, lower, upper (the last three over the maximal conductance).
        published: device, label, level, level_std, std of each device beside it.
        sigma_d: What level stds are counted in.
        name: What the device is called.
        mode: Light or dark page.
    """
    figure = go.Figure()
    groups = list(published.groupby(DEVICE, sort=False)) if not published.empty else []
    for index, (_, rows) in enumerate(groups):
        label = str(rows[LABEL].iloc[0])
        figure.add_trace(
            go.Scatter(
                x=numbers(rows, LEVEL),
                y=numbers(rows, LEVEL_STD),
                mode="lines",
                line={"color": shade(index, len(groups), mode=mode), "width": 1.5, "dash": DASHES[index % len(DASHES)]},
                name=label,
                hovertext=_words(rows, label),
                hoverinfo="text",
            )
        )
    if not own.empty:
        figure.add_trace(_own(own, sigma_d=sigma_d, name=name, mode=mode))
    apply_layout(figure, mode=mode)
    last = float(numbers(own, LEVEL).max(initial=1.0)) if not own.empty else 1.0
    figure.update_xaxes(title_text="level", range=[-0.25, last + 0.25], tickvals=list(range(int(last) + 1)))
    figure.update_yaxes(title_text="std ÷ (σ<sub>d</sub> g<sub>max</sub>)", rangemode="tozero")
    return figure


def _own(own: pd.DataFrame, *, sigma_d: float, name: str, mode: Mode) -> go.Scatter:
    page = palette(mode)
    stds = numbers(own, LEVEL_STD)
    lower, upper = numbers(own, LOWER) / sigma_d, numbers(own, UPPER) / sigma_d
    return go.Scatter(
        x=numbers(own, LEVEL),
        y=stds,
        mode="lines+markers",
        line={"color": page.text, "width": 2.5},
        marker={"color": page.text, "size": 9, "symbol": "circle"},
        error_y=error_bars(stds, lower, upper, colour=page.text, width=5),
        cliponaxis=False,
        name=name,
        hovertext=_words(own, name),
        hoverinfo="text",
    )


def _words(rows: pd.DataFrame, name: str) -> list[str]:
    values: tuple[Floats, ...] = numbers(rows, LEVEL), numbers(rows, LEVEL_STD), 100 * numbers(rows, STD)
    return [
        f"{name}, level {level:g}<br><b>{std:.3g}</b> × σ<sub>d</sub> g<sub>max</sub>, {share:.3g} % of g<sub>max</sub>"
        for level, std, share in zip(*values, strict=True)
    ]
