"""How much better than plain noise injection the methods are, the longer all are trained."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import around_zero
from dashboard.charts.frames import (
    Floats,
    by_variant,
    clicked_runs,
    count_words,
    look_of,
    number_words,
    numbers,
    percent,
    range_words,
)
from dashboard.charts.marks import add_better_and_worse, error_bars, typeset
from dashboard.charts.theme import Look, Mode, apply_layout, variant_style
from neft.columns import (
    DIFFERENCE,
    DIFFERENCE_LOWER,
    DIFFERENCE_SEEDS,
    DIFFERENCE_UPPER,
    LEARNING_RATE,
    NUM_EPOCHS,
    NUM_INSTANCES,
    NUM_PRESENTATIONS,
    NUM_STEPS,
    REFERENCE_LEARNING_RATE,
)

DODGE = 0.05
"""Distance of two variants at one budget, as a share of the step between budgets, which stand side by side."""
ROOM = 0.3
"""Left and right of the budgets, as a share of that step."""


def advantage_by_budget(
    advantages: pd.DataFrame, *, reference: Look, reference_label: str, interval_name: str, mode: Mode
) -> go.Figure:
    """Paired differences with their intervals around the line of the reference, against the steps of the training.

    What to look for: a line that falls to zero is a gain that longer training of the reference brings too. The first
    entry of a point's customdata is its run ids, for a click.

    Args:
        advantages: variant, label, num_steps, num_epochs, num_presentations, learning_rate, reference_learning_rate,
            difference, difference_lower, difference_upper (fractions), difference_seeds, num_instances, run_ids.
        reference: what decides the look of the variant at zero.
        reference_label: its name.
        interval_name: What the intervals are; the legend's title.
        mode: Light or dark page.
    """
    figure = go.Figure()
    budgets = np.unique(numbers(advantages, NUM_STEPS))
    ends = [-ROOM, max(len(budgets) - 1, 0) + ROOM]
    style = variant_style(reference, mode=mode)
    figure.add_trace(
        go.Scatter(
            x=ends,
            y=[0, 0],
            mode="lines",
            line={"color": style.colour, "width": 2, "dash": style.dash},
            name=f"{typeset(reference_label)} (zero)",
            hoverinfo="skip",
        )
    )
    shown = list(by_variant(advantages))
    for index, (variant, label, rows) in enumerate(shown):
        in_order = rows.sort_values(NUM_STEPS)
        aside = DODGE * (index - (len(shown) - 1) / 2)
        places = np.searchsorted(budgets, numbers(in_order, NUM_STEPS)).astype(np.float64) + aside
        figure.add_trace(_series(in_order, variant=variant, label=label, places=places, mode=mode))
    apply_layout(figure, mode=mode, legend_title=interval_name)
    figure.update_xaxes(
        title_text="training steps",
        range=ends,
        tickvals=list(range(len(budgets))),
        ticktext=[f"{steps:,.0f}" for steps in budgets],
    )
    figure.update_yaxes(
        title_text="difference in accuracy (points)",
        range=around_zero(advantages, DIFFERENCE_LOWER, DIFFERENCE_UPPER),
        nticks=8,
    )
    add_better_and_worse(figure, mode=mode)
    return figure


def _series(rows: pd.DataFrame, *, variant: str, label: str, places: Floats, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    mean, lower, upper = (percent(rows, column) for column in (DIFFERENCE, DIFFERENCE_LOWER, DIFFERENCE_UPPER))
    return go.Scatter(
        x=places,
        y=mean,
        name=typeset(label),
        legendgroup=variant,
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 1},
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        error_y=error_bars(mean, lower, upper, colour=style.colour),
        customdata=clicked_runs(rows),
        hovertext=[f"{typeset(label)}<br>{words}" for words in _words(rows)],
        hoverinfo="text",
    )


def _words(rows: pd.DataFrame) -> list[str]:
    """For each row: budget, difference, learning rates and N, as a hover says them."""
    return [
        f"{row[NUM_STEPS]:,} steps ({count_words(row[NUM_EPOCHS], 'epoch')}, {row[NUM_PRESENTATIONS]:,} images)<br>"
        f"<b>{number_words(100 * row[DIFFERENCE], '+.2f')} points</b>"
        f"{range_words(100 * row[DIFFERENCE_LOWER], 100 * row[DIFFERENCE_UPPER], form='+.2f', unit='')}<br>"
        f"learning rate {row[LEARNING_RATE]:g} against {row[REFERENCE_LEARNING_RATE]:g}<br>"
        f"{count_words(row[DIFFERENCE_SEEDS], 'seed')} × {count_words(row[NUM_INSTANCES], 'chip')}, paired"
        for row in rows.to_dict("records")
    ]
