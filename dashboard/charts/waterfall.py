"""Where accuracy goes, step by step: from all images right to what the chips keep."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import zoomed_percent
from dashboard.charts.frames import percent
from dashboard.charts.marks import error_bars
from dashboard.charts.theme import Look, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import ACCURACY, CI95, COST, COST_CI95, LABEL

ROW_HEIGHT = 26
FRAME_HEIGHT = 110
MAX_NAME = 30


def waterfall(steps: pd.DataFrame, *, look: Look, dearest: str, mode: Mode) -> go.Figure:
    """A bar per step, from the accuracy before it to that after it, with a dot where it ends.

    What to look for: the longest bar.

    Args:
        steps: label, accuracy, ci95, cost, cost_ci95 (fractions), in their order; the first starts from 1.
        look: Whose colour the dearest step's bars wear.
        dearest: The beginning of its labels; empty for none.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    names = [str(name) for name in steps[LABEL]] if not steps.empty else []
    accuracy, half, cost, cost_half = (percent(steps, name) for name in (ACCURACY, CI95, COST, COST_CI95))
    rows = list(range(len(names)))
    is_dearest = [bool(dearest) and name.startswith(dearest) for name in names]
    figure = go.Figure()
    if names:
        colours = [style.colour if one else translucent(page.muted, opacity=0.5) for one in is_dearest]
        words = [
            f"{name}<br><b>{at:.1f} %</b>{_plus_minus(at_half)}, costs {loss:.1f}{_plus_minus(loss_half)} points"
            for name, at, at_half, loss, loss_half in zip(names, accuracy, half, cost, cost_half, strict=True)
        ]
        figure.add_trace(
            go.Bar(
                base=accuracy,
                x=cost,
                y=rows,
                orientation="h",
                marker={"color": colours},
                name="what the step costs",
                hovertext=words,
                hoverinfo="text",
            )
        )
        figure.add_trace(
            go.Scatter(
                x=accuracy,
                y=rows,
                mode="markers",
                marker={"color": page.text, "size": 7},
                error_x=error_bars(accuracy, accuracy - half, accuracy + half, colour=page.text, width=4),
                cliponaxis=False,
                name="accuracy after it, 95 % interval",
                hovertext=words,
                hoverinfo="text",
            )
        )
    apply_layout(figure, mode=mode, height=FRAME_HEIGHT + ROW_HEIGHT * max(len(names), 3))
    figure.update_layout(bargap=0.35)
    ends = np.concatenate([accuracy - half, accuracy + half, accuracy + cost])
    figure.update_xaxes(title_text="accuracy (%)", **zoomed_percent(ends))
    figure.update_yaxes(
        range=[max(len(names), 1) - 0.4, -0.6],
        tickvals=rows,
        ticktext=[name if len(name) <= MAX_NAME else f"…{name[-MAX_NAME + 1 :]}" for name in names],
        ticks="",
        automargin=True,
    )
    return figure


def _plus_minus(half: float) -> str:
    return f" ± {half:.1f}" if half > 0 else ""
