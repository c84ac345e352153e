"""The confusion that a chip adds to that of the clean network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.theme import Mode, apply_layout, diverging, palette
from neft.columns import CHIP_COUNT, CLEAN_COUNT, DIFFERENCE, PREDICTED_CLASS, TRUE_CLASS

HEIGHT = 430
MOST_WITH_NUMBERS = 20
"""With more classes there is no room for numbers."""
MAX_NAME = 10
SHORT_NAME = 3
"""Names as long stand upright on the axis."""


def confusion_change(changes: pd.DataFrame, *, class_names: Sequence[str], of: str = "images", mode: Mode) -> go.Figure:
    """A cell per true class (downwards) and said class: images more, or fewer, than without variation.

    What to look for: a column that fills up is a class that the chip says of everything.

    Args:
        changes: true_class, predicted_class, clean_count, chip_count, difference; a row per pair of classes.
        class_names: By number.
        of: What is counted.
        mode: Light or dark page.
    """
    figure = go.Figure(None if changes.empty else _matrix(changes, class_names, of=of, mode=mode))
    apply_layout(figure, mode=mode, height=HEIGHT)
    count = len(class_names)
    names = [name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…" for name in class_names]
    ticks: dict[str, Any] = {"tickvals": list(range(count)), "ticktext": names, "showgrid": False, "automargin": True}
    shown: dict[str, Any] = ticks if count <= MOST_WITH_NUMBERS else {"showgrid": False, "nticks": 10}
    angle = None if all(len(name) <= SHORT_NAME for name in names) else -45
    figure.update_xaxes(title_text="class that it says", tickangle=angle, showline=False, ticks="", **shown)
    figure.update_yaxes(title_text="true class", autorange="reversed", **shown)
    figure.update_layout(plot_bgcolor=palette(mode).grid)
    return figure


def _matrix(changes: pd.DataFrame, class_names: Sequence[str], *, of: str, mode: Mode) -> go.Heatmap:
    count = len(class_names)
    difference, clean, chip = (
        changes.pivot_table(index=TRUE_CLASS, columns=PREDICTED_CLASS, values=column, aggfunc="first").to_numpy()
        for column in (DIFFERENCE, CLEAN_COUNT, CHIP_COUNT)
    )
    end = int(np.abs(difference).max()) or 1
    texts = [[f"{value:+d}".replace("-", "−") if value else "" for value in row] for row in difference]
    return go.Heatmap(
        z=difference,
        x=list(range(count)),
        y=list(range(count)),
        zmin=-end,
        zmax=end,
        colorscale=diverging(mode),
        showscale=False,
        xgap=1,
        ygap=1,
        text=texts if count <= MOST_WITH_NUMBERS else None,
        texttemplate="%{text}" if count <= MOST_WITH_NUMBERS else None,
        textfont={"size": 12 if end < 100 else 10},
        customdata=[
            [
                f"{class_names[true]} taken for {class_names[said]}" if true != said else f"{class_names[true]} right"
                for said in range(count)
            ]
            for true in range(count)
        ],
        hovertext=[
            [f"{clean[true, said]} → {chip[true, said]} {of}" for said in range(count)] for true in range(count)
        ],
        hovertemplate="%{customdata}<br><b>%{hovertext}</b><extra></extra>",
    )
