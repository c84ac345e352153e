"""Trials of a search for the signs of layers: what each keeps on how many devices, and the choice."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import numbers, percent
from dashboard.charts.marks import typeset
from dashboard.charts.theme import Mode, apply_layout, palette, translucent
from neft.columns import AREA_SHARE, IS_CHOSEN, MERIT, ON_FRONT, SIGNS, TRIAL, VALIDATION_ACCURACY, WIDTH

SIZE, CHOSEN_SIZE = 9, 15


def search_trials(trials: pd.DataFrame, *, area_weight: float, floor: float, mode: Mode) -> go.Figure:
    """A mark per trial, the front as a stair, and the line on which merit is that of the choice.

    What to look for: the choice lies on the dashed line, and no mark above the floor lies beyond it.

    Args:
        trials: trial, signs, width, validation_accuracy (fraction), area_share, merit, on_front, is_chosen.
        area_weight: mu, the slope of the line of equal merit.
        floor: the validation accuracy below which nothing is chosen, a fraction.
        mode: Light or dark page.
    """
    page = palette(mode)
    figure = go.Figure()
    if not trials.empty:
        front = trials[trials[ON_FRONT].astype(bool)].sort_values(AREA_SHARE, kind="stable")
        figure.add_trace(
            go.Scatter(
                x=percent(front, AREA_SHARE),
                y=percent(front, VALIDATION_ACCURACY),
                mode="lines",
                line={"color": page.muted, "width": 1.5, "shape": "hv"},
                name="front: nothing is smaller and better",
                hoverinfo="skip",
            )
        )
        is_chosen = trials[IS_CHOSEN].astype(bool)
        figure.add_trace(_marks(trials[~is_chosen], "trial", translucent(page.mark, opacity=0.7), "circle", SIZE))
        figure.add_trace(_marks(trials[is_chosen], "choice", page.text, "star", CHOSEN_SIZE))
        _add_lines(figure, trials, area_weight, floor, mode)
    apply_layout(figure, mode=mode)
    figure.update_xaxes(title_text="devices (% of those with both signs everywhere)", rangemode="tozero")
    figure.update_yaxes(title_text="validation accuracy (%)", **zoomed_percent(percent(trials, VALIDATION_ACCURACY)))
    return figure


def _marks(rows: pd.DataFrame, name: str, colour: str, symbol: str, size: int) -> go.Scatter:
    x, y = percent(rows, AREA_SHARE), percent(rows, VALIDATION_ACCURACY)
    columns = (rows[TRIAL], rows[SIGNS], numbers(rows, WIDTH), x, y, numbers(rows, MERIT))
    words = [
        f"trial {number}: signs {typeset(str(signs))}{'' if width == 1 else f', {width:g} times the width'}"
        f"<br><b>{accuracy:.1f} %</b> on {area:.0f} % of the devices, merit {merit:.3f}"
        for number, signs, width, area, accuracy, merit in zip(*columns, strict=True)
    ]
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": size},
        name=name,
        hovertext=words,
        hoverinfo="text",
    )


def _add_lines(figure: go.Figure, trials: pd.DataFrame, area_weight: float, floor: float, mode: Mode) -> None:
    page = palette(mode)
    ends = np.array([0.0, float(percent(trials, AREA_SHARE).max()) * 1.05])
    chosen = trials[trials[IS_CHOSEN].astype(bool)]
    lines = (
        ("merit of the choice", percent(chosen, MERIT)[0] + area_weight * ends, "dash"),
        ("floor", np.full(2, 100 * floor), "dot"),
    )
    for name, heights, dash in lines:
        figure.add_trace(
            go.Scatter(
                x=ends,
                y=heights,
                mode="lines",
                line={"color": page.muted, "width": 1, "dash": dash},
                name=name,
                hoverinfo="skip",
            )
        )
