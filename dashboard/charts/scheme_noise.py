"""How far weights miss under each scheme: the closed form as bars, sampled chips as dots."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import percent
from dashboard.charts.marks import typeset, wrapped
from dashboard.charts.theme import Look, Mode, apply_layout, palette, variant_style
from neft.columns import CLOSED_FORM_NOISE, DEPARTURE, LABEL, METHOD_RANK, SAMPLED_NOISE

ROW_HEIGHT = 34
FRAME_HEIGHT = 110
NAME_WIDTH = 26


def scheme_noise(noise: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """A bar per scheme; a row without one is known by sampling alone.

    What to look for: the shortest bars, and dots at their ends.

    Args:
        noise: label, look, closed_form_noise (NaN where there is none), sampled_noise (over w_max), a row per scheme.
        mode: Light or dark page.
    """
    figure, names = go.Figure(), [] if noise.empty else [str(label) for label in noise[LABEL]]
    rows = list(range(len(names)))
    if names:
        closed_form, sampled = percent(noise, CLOSED_FORM_NOISE), percent(noise, SAMPLED_NOISE)
        looks = [Look(int(row[METHOD_RANK]), str(row[DEPARTURE])) for row in noise.to_dict("records")]
        said = [
            f"{typeset(name)}<br>{'no closed form' if np.isnan(form) else f'<b>{form:.2f} %</b> by the closed form'}"
            f"<br>{seen:.2f} % sampled"
            for name, form, seen in zip(names, closed_form, sampled, strict=True)
        ]
        figure.add_trace(
            go.Bar(
                base=np.zeros(len(names)),
                x=closed_form,
                y=rows,
                orientation="h",
                marker={"color": [variant_style(look, mode=mode).colour for look in looks]},
                name="closed form",
                hovertext=said,
                hoverinfo="text",
            )
        )
        figure.add_trace(
            go.Scatter(
                x=sampled,
                y=rows,
                mode="markers",
                marker={"color": palette(mode).text, "size": 7},
                name="one sampled chip",
                hovertext=said,
                hoverinfo="text",
            )
        )
    apply_layout(figure, mode=mode, height=FRAME_HEIGHT + ROW_HEIGHT * max(len(names), 3))
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(title_text="RMS deviation over w<sub>max</sub> (%)", rangemode="tozero")
    figure.update_yaxes(
        range=[max(len(names), 1) - 0.4, -0.6],
        tickvals=rows,
        ticktext=["<br>".join(wrapped(name, width=NAME_WIDTH)) for name in names],
        ticks="",
        automargin=True,
    )
    return figure
