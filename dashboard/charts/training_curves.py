"""A training as it goes: loss above, accuracies below."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.frames import numbers, percent
from dashboard.charts.theme import Look, Mode, apply_layout, keep_empty_panels, palette, variant_style
from neft.columns import EPOCH, LOSS, TRAIN_ACCURACY, VALIDATION_ACCURACY, VALIDATION_CLEAN_ACCURACY

MAX_MARKED_EPOCHS = 30
ACCURACIES = {
    VALIDATION_ACCURACY: ("validation, with σ<sub>d</sub>", "solid", "circle"),
    VALIDATION_CLEAN_ACCURACY: ("validation, σ<sub>d</sub> = 0", "dash", "diamond-open"),
    TRAIN_ACCURACY: ("training", "dot", "x"),
}


def training_curves(history: pd.DataFrame, *, num_epochs: int, mode: Mode, look: Look | None = None) -> go.Figure:
    """Loss and accuracies over the epochs so far, on axes that already hold the whole training.

    What to look for: a gap between validation with and without variation is what the devices cost.

    Args:
        history: epoch, loss, train_accuracy, validation_accuracy, validation_clean_accuracy; zero rows or more.
        num_epochs: How many epochs are asked for; the x axis ends there.
        mode: Light or dark page.
        look: Whose colour the lines wear; neutral without.
    """
    page = palette(mode)
    colour = variant_style(look, mode=mode).colour if look else page.text
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.4, 0.6], vertical_spacing=0.06)
    if not history.empty:
        figure.add_trace(_line(history, LOSS, colour=colour), row=1, col=1)
        for column in ACCURACIES:
            shade = page.muted if column == TRAIN_ACCURACY else colour
            figure.add_trace(_line(history, column, colour=shade), row=2, col=1)
    apply_layout(figure, mode=mode)
    keep_empty_panels(figure)
    figure.update_xaxes(
        range=[0, num_epochs + max(0.5, 0.02 * num_epochs)], tickformat="d", nticks=min(num_epochs, 8) + 1
    )
    figure.update_xaxes(title_text="epoch", row=2, col=1)
    figure.update_yaxes(title_text="loss", rangemode="tozero", nticks=4, row=1, col=1)
    if history.empty or not np.isfinite(numbers(history, LOSS)).any():
        figure.update_yaxes(range=[0, 1], row=1, col=1)
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 102], tickvals=[0, 25, 50, 75, 100], row=2, col=1)
    return figure


def _line(history: pd.DataFrame, column: str, *, colour: str) -> go.Scatter:
    is_loss = column == LOSS
    name, dash, symbol = ("loss", "solid", "circle") if is_loss else ACCURACIES[column]
    value = "%{y:.4g}" if is_loss else "%{y:.1f} %"
    return go.Scatter(
        x=numbers(history, EPOCH),
        y=numbers(history, LOSS) if is_loss else percent(history, column),
        name=name,
        showlegend=not is_loss,
        mode="lines+markers" if len(history) <= MAX_MARKED_EPOCHS else "lines",
        line={"color": colour, "dash": dash, "width": 2},
        marker={"color": colour, "symbol": symbol, "size": 6},
        connectgaps=True,
        hovertemplate=f"{name}<br>epoch %{{x:d}}: <b>{value}</b><extra></extra>",
    )
