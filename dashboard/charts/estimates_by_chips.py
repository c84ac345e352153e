"""How well the first n chips know the mean, and how well the unlucky chip."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import numbers, percent
from dashboard.charts.theme import Look, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import LABEL, LOWER, NUM_INSTANCES, UPPER, VALUE

TICKS = (5, 10, 20, 50, 100, 200, 500, 1000)


def estimates_by_chips(estimates: pd.DataFrame, *, names: dict[str, str], look: Look, mode: Mode) -> go.Figure:
    """A line with its band per estimate over the number of chips.

    What to look for: the mean's band closes soon; the percentile's has no lower end for long.

    Args:
        estimates: num_instances, label (which estimate), value, lower, upper (fractions; NaN: no such end).
        names: the estimates' names for the legend, in order.
        look: Whose colour the lines wear.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    figure = go.Figure()
    drawn: list[float] = []
    seen = [percent(estimates, name) for name in (VALUE, LOWER, UPPER)]
    drawn = [float(value) for column in seen for value in column]
    floor = zoomed_percent(np.array(drawn))["range"][0]
    for index, (key, name) in enumerate(names.items() if not estimates.empty else ()):
        rows = estimates[estimates[LABEL] == key].sort_values(NUM_INSTANCES)
        chips = numbers(rows, NUM_INSTANCES)
        colour = style.colour if index == 0 else page.text
        # without a lower end anything below is possible: the band reaches the floor
        lower = np.nan_to_num(percent(rows, LOWER), nan=floor)
        upper = np.where(np.isnan(percent(rows, UPPER)), percent(rows, VALUE), percent(rows, UPPER))
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([chips, chips[::-1]]),
                y=np.concatenate([upper, lower[::-1]]),
                mode="lines",
                line={"width": 0},
                fill="toself",
                fillcolor=translucent(colour, opacity=0.2),
                hoverinfo="skip",
                showlegend=False,
                legendgroup=key,
            )
        )
        figure.add_trace(
            go.Scatter(
                x=chips,
                y=percent(rows, VALUE),
                mode="lines",
                line={"color": colour, "width": 2, "dash": "solid" if index == 0 else "dot"},
                name=name,
                legendgroup=key,
                hovertemplate=f"{name} of the first %{{x}} chips: <b>%{{y:.1f}} %</b><extra></extra>",
            )
        )
    apply_layout(figure, mode=mode, legend_title="with its 95 % interval")
    figure.update_xaxes(title_text="chips tried", type="log", tickvals=list(TICKS), ticktext=[f"{n}" for n in TICKS])
    figure.update_yaxes(title_text="accuracy (%)", **zoomed_percent(np.array(drawn)))
    return figure
