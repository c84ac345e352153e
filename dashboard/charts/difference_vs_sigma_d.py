"""How much better or worse than one method the others are, at every device variation."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import around_zero, one_box_per_sigma_d, sigma_d_end
from dashboard.charts.end_labels import MOST, End, end_labels, label_margin, line_ends
from dashboard.charts.frames import by_variant, look_of, number_words, numbers, percent, range_words
from dashboard.charts.marks import add_better_and_worse, error_bars, typeset
from dashboard.charts.theme import HEIGHT, Look, Mode, apply_layout, variant_style
from neft.columns import LOWER, MEAN, SIGMA_D, UPPER

ROOM = 0.03


def difference_vs_sigma_d(
    differences: pd.DataFrame, *, reference: Look, reference_label: str, interval_name: str, mode: Mode
) -> go.Figure:
    """Paired differences with their intervals around the line of the reference.

    What to look for: intervals that keep clear of zero; above it a method is better than the reference.

    Args:
        differences: variant, label, sigma_d, mean, lower, upper (fractions), num_seeds, num_instances.
        reference: what decides the look of the variant at zero.
        reference_label: its name.
        interval_name: What the intervals are; the legend's title.
        mode: Light or dark page.
    """
    figure = go.Figure()
    end = sigma_d_end(differences)
    style = variant_style(reference, mode=mode)
    line = {"color": style.colour, "width": 2, "dash": style.dash}
    name = f"{typeset(reference_label)} (zero)"
    figure.add_trace(
        go.Scatter(x=[-ROOM * end, (1 + ROOM) * end], y=[0, 0], mode="lines", line=line, name=name, hoverinfo="skip")
    )
    shown = [(variant, label, rows.sort_values(SIGMA_D)) for variant, label, rows in by_variant(differences)]
    for variant, label, rows in shown:
        figure.add_trace(_series(rows, variant=variant, label=label, mode=mode))
    low, high = around_zero(differences, LOWER, UPPER)
    ends = line_ends(shown, lambda rows: percent(rows, MEAN), mode=mode) if len(shown) < MOST else []
    zero = End(reference_label, reference_label, end, 0.0, style.label_colour)
    labels = end_labels([*ends, zero] if ends else [], right=(1 + ROOM) * end, bounds=(low, high), height=HEIGHT)
    figure.add_traces(labels)
    apply_layout(figure, mode=mode, legend_title=interval_name, right=label_margin(labels))
    one_box_per_sigma_d(figure)
    figure.update_xaxes(title_text="device variation σ<sub>d</sub>", range=[-ROOM * end, (1 + ROOM) * end])
    figure.update_yaxes(title_text="difference in accuracy (points)", range=[low, high], nticks=8)
    add_better_and_worse(figure, mode=mode)
    return figure


def _series(rows: pd.DataFrame, *, variant: str, label: str, mode: Mode) -> go.Scatter:
    style = variant_style(look_of(rows), mode=mode)
    mean, lower, upper = (percent(rows, column) for column in (MEAN, LOWER, UPPER))
    described = zip(mean, lower, upper, strict=True)
    return go.Scatter(
        x=numbers(rows, SIGMA_D),
        y=mean,
        name=typeset(label),
        legendgroup=variant,
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 1},
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        error_y=error_bars(mean, lower, upper, colour=style.colour),
        hovertext=[
            f"{typeset(label)} "
            f"<b>{number_words(value, '+.2f')} points</b>" + range_words(low, high, form="+.2f", unit="")
            for value, low, high in described
        ],
        hoverinfo="text",
    )
